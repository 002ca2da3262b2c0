"""What an exception means for a run: its outcome, in one line."""

from __future__ import annotations

import os
import re
import sysconfig
import traceback
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import profiler
from profiler.catalog.errors import BuildError, first_line, text_of, told
from profiler.events import OutOfMemory, RunEnded
from profiler.legible import HIDDEN
from profiler.secrets import redacted
from profiler.variants import Unsupported
from profiler.worker.device import DeviceUnavailable
from profiler.worker.stopping import Stopped

LONGEST_REASON = 300
_ROOT = Path(profiler.__file__).parent
# Where code is that isn't the user's own: the standard library, stepscope, what is installed, what inductor writes.
_OURS = (
    *(f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib")),
    f"{_ROOT}/",
    f"{_ROOT.parent}/stepscope.py",
)
_INSTALLED = re.compile(r"/(?:site|dist)-packages/|/torchinductor_")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_MOST_READ = 16 * LONGEST_REASON
"""Characters of a message that are looked at: some hold whole programs."""
# Not among them: "out of resource: shared memory", a kernel that needs more than a multiprocessor has.
_NO_MEMORY = re.compile(
    r"CUDA out of memory"  # torch's allocator
    # Contexts, pinned memory, what is allocated past torch.
    r"|CUDA (?:driver )?error: out of memory|cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY"
    r"|Triton Error \[CUDA\]: out of memory|NVRTC_ERROR_OUT_OF_MEMORY|nvrtc: error: out of memory"
    r"|CU(?:BLAS|DNN|SOLVER|SPARSE)_STATUS_ALLOC_FAILED|CUFFT_ALLOC_FAILED"
    r"|CUDNN_STATUS_INTERNAL_ERROR_(?:HOST|DEVICE)_ALLOCATION_FAILED"
    r"|NVML_SUCCESS == \w+ INTERNAL ASSERT FAILED"  # the allocator asks NVML what to say of an allocation that failed
    r"|DefaultCPUAllocator: (?:can't allocate|not enough) memory|std::bad_alloc"
    r"|unable to mmap \d+ bytes|Cannot allocate memory"
)
_ASKED = re.compile(r"[Tt]ried to allocate (\d+(?:\.\d+)?) ?(bytes|KiB|MiB|GiB)?")
_SAID = {  # of the device, in the message of torch's allocator
    "total_bytes": re.compile(r"total capacity of (\d+(?:\.\d+)?) (KiB|MiB|GiB|bytes)"),
    "free_bytes": re.compile(r"of which (\d+(?:\.\d+)?) (KiB|MiB|GiB|bytes) is free"),
    "allocated_bytes": re.compile(r"(\d+(?:\.\d+)?) (KiB|MiB|GiB|bytes) is allocated by PyTorch"),
    "unallocated": re.compile(r"(\d+(?:\.\d+)?) (KiB|MiB|GiB|bytes) is reserved by PyTorch but unallocated"),
}
_TYPE_LACKS = re.compile(r"""(?:"(\w+)" not implemented for|Unsupported dtype) '?(Half|BFloat16|Float8_\w+)""")
_TYPES = {"Half": "float16", "BFloat16": "bfloat16"}
# Names that diffusers' pipelines import where they can, and the packages to install for them.
_OPTIONAL = {"ftfy": "ftfy", "BeautifulSoup": "beautifulsoup4", "transforms": "torchvision"}
_UNITS = {"bytes": 1, "": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Outcome(NamedTuple):
    event: RunEnded
    out_of_memory: OutOfMemory | None = None


def classify(error: BaseException, when: str, device: str) -> Outcome:
    """The outcome of a run that ended with ``error`` while it was at ``when`` (load, compile, warmup, "call N")."""
    if isinstance(error, Stopped):
        return Outcome(RunEnded(outcome="stopped"))
    if isinstance(error, Unsupported):
        return Outcome(RunEnded(outcome="unsupported", reason=one_line(text_of(error))))
    chain = list(_chain(error))
    exhausted = next((link for link in reversed(chain) if is_out_of_memory(link)), None)
    if exhausted is not None:
        reason = one_line(f"out of memory during {when}: {first_line(exhausted)}")
        return Outcome(
            RunEnded(outcome="oom", reason=reason, error=type(exhausted).__name__), _oom(exhausted, when, device)
        )
    if isinstance(error, BuildError | DeviceUnavailable):
        return _failed(error, one_line(text_of(error)))
    if any(type(link).__name__ == "FailOnRecompileLimitHit" for link in chain):
        return _failed(
            error, f"recompile limit of {_recompile_limit()} hit, and fullgraph=True forbids going on in eager"
        )
    known = (_type_lacks(link, device) or _graph_breaks(link) or _package_lacks(link) for link in chain)
    said = next((text for text in known if text), _gist(error))
    line = _users_line(error)
    return _failed(error, one_line(said + (f" ({line})" if line else "")))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that an allocation failed, on the device or on the host."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, Exception) and bool(_NO_MEMORY.search(text_of(error)))


def _type_lacks(error: BaseException, device: str) -> str | None:
    """What to say where ``error`` is torch's word that an operator lacks the type that was asked for."""
    found = _TYPE_LACKS.search(text_of(error)) if isinstance(error, RuntimeError) else None
    if found is None:
        return None
    dtype = _TYPES.get(found[2], found[2].lower())
    where = "on a CPU" if device == "cpu" else "on this GPU"
    return f"{found[1] or 'an operator'} is not implemented for {dtype} {where}: --dtype float32 works"


def _package_lacks(error: BaseException) -> str | None:
    """What to say where diffusers uses a package that it imports if it is there, and it isn't."""
    name = error.name if isinstance(error, NameError) else None
    if name not in _OPTIONAL or not _in_diffusers(error):
        return None
    return f"{_OPTIONAL[name]} is not installed, and this pipeline needs it: pip install {_OPTIONAL[name]}"


def _in_diffusers(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and "/diffusers/" in frames[-1].filename


def _graph_breaks(error: BaseException) -> str | None:
    """What to say where dynamo can't trace something and fullgraph=True forbids going on without it."""
    if type(error).__name__ != "Unsupported" or not type(error).__module__.startswith("torch._dynamo"):
        return None
    return f"the graph breaks, which fullgraph=True forbids (--no-fullgraph allows it): {first_line(error)}"


def _users_line(error: BaseException) -> str | None:
    """Where in the user's own code ``error`` was raised, or what called what raised it: "bench.py:12 in callback".

    None where only libraries and stepscope were at work. Of a wrapped exception the place where it began.
    """
    for link in reversed(list(_chain(error))):
        for frame in reversed(traceback.extract_tb(link.__traceback__)):
            if _is_the_users(frame.filename):
                return f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
    return None


def asked_bytes(message: str) -> int | None:
    """The size of the allocation that failed, from torch's message: "Tried to allocate 2.00 GiB"."""
    found = _ASKED.search(message)
    return _bytes(found) if found else None


def _bytes(found: re.Match[str]) -> int:
    """The size in a match of a number and its unit."""
    return round(float(found[1]) * _UNITS[found[2] or ""])


def one_line(text: str) -> str:
    """``text`` fit for a terminal and a table: printable, on one line, bounded, without keys and passwords."""
    text = redacted(_COLOURS.sub(" ", text[:_MOST_READ]))
    text = "".join(" " if unicodedata.category(char) in HIDDEN else char for char in text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3] + "..."


def _is_the_users(file: str) -> bool:
    cache = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    others = _OURS if not cache else (*_OURS, cache)
    return file.endswith(".py") and not file.startswith(others) and not _INSTALLED.search(file)


def _failed(error: BaseException, reason: str) -> Outcome:
    return Outcome(RunEnded(outcome="failed", reason=reason, error=type(error).__name__))


def _gist(error: BaseException) -> str:
    """The exception's class and first line; those of the one inside, where a compiler wraps what its backend raised."""
    inner = getattr(error, "inner_exception", None)
    return f"{type(error).__name__}: {_gist(inner)}" if isinstance(inner, BaseException) else told(error)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it was raised from: compilers wrap what went wrong beneath them."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        context = None if link.__suppress_context__ else link.__context__
        link = getattr(link, "inner_exception", None) or link.__cause__ or context


def _recompile_limit() -> int | str:
    import torch

    limit = getattr(torch._dynamo.config, "recompile_limit", None)
    return limit if limit is not None else "torch"


def _oom(error: BaseException, when: str, device: str) -> OutOfMemory:
    event = OutOfMemory(when=when, asked_bytes=asked_bytes(text_of(error)))
    if device.startswith("cuda"):
        _add_device_memory(event, device)
        _add_what_was_said(event, text_of(error))
    return event


def _add_what_was_said(event: OutOfMemory, message: str) -> None:
    """Put in what torch's allocator said of the moment: by now some of it has been freed. Rounded to 10 MiB or so."""
    said = {name: _bytes(found) for name, pattern in _SAID.items() if (found := pattern.search(message))}
    unallocated = said.pop("unallocated", None)
    for name, value in said.items():
        setattr(event, name, value)
    if unallocated is not None and "allocated_bytes" in said:
        event.reserved_bytes = said["allocated_bytes"] + unallocated


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
