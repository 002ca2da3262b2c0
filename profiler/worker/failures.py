"""What an exception means for a run: its outcome, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from profiler.catalog.build import BuildError, first_line
from profiler.events import OutOfMemory, RunEnded
from profiler.variants import Unsupported
from profiler.worker.device import DeviceUnavailable
from profiler.worker.stopping import Stopped

LONGEST_REASON = 300
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_TOKEN = re.compile(r"hf_[A-Za-z0-9]{8,}")
_NO_MEMORY = re.compile(
    r"CUDA out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED"
    r"|DefaultCPUAllocator: (?:can't allocate|not enough) memory|std::bad_alloc"
)
_ASKED = re.compile(r"[Tt]ried to allocate ([\d.]+) ?(bytes|KiB|MiB|GiB)?")
_UNITS = {"bytes": 1, "": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Outcome(NamedTuple):
    event: RunEnded
    out_of_memory: OutOfMemory | None = None


def classify(error: BaseException, when: str, device: str) -> Outcome:
    """The outcome of a run that ended with ``error`` while it was at ``when`` (load, compile, warmup, "call N")."""
    if isinstance(error, Stopped):
        return Outcome(RunEnded(outcome="stopped"))
    if isinstance(error, Unsupported):
        return Outcome(RunEnded(outcome="unsupported", reason=one_line(str(error))))
    if isinstance(error, BuildError | DeviceUnavailable):
        return _failed(error, one_line(str(error)))
    chain = list(_chain(error))
    exhausted = next((link for link in reversed(chain) if is_out_of_memory(link)), None)
    if exhausted is not None:
        reason = one_line(f"out of memory during {when}: {first_line(exhausted)}")
        return Outcome(
            RunEnded(outcome="oom", reason=reason, error=type(exhausted).__name__), _oom(exhausted, when, device)
        )
    if any(type(link).__name__ == "FailOnRecompileLimitHit" for link in chain):
        return _failed(
            error, f"recompile limit of {_recompile_limit()} hit, and fullgraph=True forbids going on in eager"
        )
    return _failed(error, one_line(_gist(error)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that an allocation failed, on the device or on the host."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and bool(_NO_MEMORY.search(str(error)))


def asked_bytes(message: str) -> int | None:
    """The size of the allocation that failed, from torch's message: "Tried to allocate 2.00 GiB"."""
    found = _ASKED.search(message)
    return round(float(found[1].rstrip(".")) * _UNITS[found[2] or ""]) if found else None


def one_line(text: str) -> str:
    """``text`` fit for a terminal and a table: printable, on one line, bounded, without access tokens."""
    text = " ".join(_TOKEN.sub("hf_...", _UNPRINTABLE.sub(" ", text)).split())
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3] + "..."


def _failed(error: BaseException, reason: str) -> Outcome:
    return Outcome(RunEnded(outcome="failed", reason=reason, error=type(error).__name__))


def _gist(error: BaseException) -> str:
    """The exception's class and first line; those of the one inside, where a compiler wraps what its backend raised."""
    inner = getattr(error, "inner_exception", None)
    told = _gist(inner) if isinstance(inner, BaseException) else first_line(error)
    return f"{type(error).__name__}: {told}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it was raised from: compilers wrap what went wrong beneath them."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = getattr(link, "inner_exception", None) or link.__cause__ or link.__context__


def _recompile_limit() -> int | str:
    import torch

    limit = getattr(torch._dynamo.config, "recompile_limit", None)
    return limit if limit is not None else "torch"


def _oom(error: BaseException, when: str, device: str) -> OutOfMemory:
    event = OutOfMemory(when=when, asked_bytes=asked_bytes(str(error)))
    if device.startswith("cuda"):
        _add_device_memory(event, device)
    return event


def _add_device_memory(event: OutOfMemory, device: str, cuda: Any = None) -> None:
    if cuda is None:
        import torch

        cuda = torch.cuda
    stats = cuda.memory_stats(device)
    event.allocated_bytes = stats.get("allocated_bytes.all.current")
    event.reserved_bytes = stats.get("reserved_bytes.all.current")
    try:
        event.free_bytes, event.total_bytes = cuda.mem_get_info(device)
    except RuntimeError:
        # The device has no memory left even for the answer: the figures stay unknown.
        return
