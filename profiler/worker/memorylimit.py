"""``--memory-limit``: what a run may allocate, so that out of memory can be met below what the machine has."""

from __future__ import annotations

import re
import resource
from pathlib import Path
from typing import Any

from profiler.catalog.errors import text_of

GIB = 1 << 30
_REFUSED = re.compile(r"could not (?:create|execute) a primitive|can't start new thread|Cannot allocate memory")
"""What oneDNN, Python's threads and the C library say when memory was refused; oneDNN says it of other faults too."""
_GRAIN = 32768
"""So many elements has a thread's share of an operation at least (at::internal::GRAIN_SIZE)."""
_limit_bytes: int | None = None  # on a CPU, of this process
_STATUS = Path("/proc/self/status")
_DATA = re.compile(rb"^VmData:\s+(\d+) kB", re.MULTILINE)


def apply(limit_gib: float | None, device: str, cuda: Any = None) -> None:
    """Let this process allocate no more than ``limit_gib`` GiB from now on; None: whatever there is.

    On CUDA the limit is the caching allocator's, of the device's memory; what the context takes comes on top. On a CPU
    it is of writable private memory (RLIMIT_DATA), on top of what Python and torch hold already: whatever goes beyond
    it is refused, and torch raises "can't allocate memory". ``cuda`` is ``torch.cuda`` or a stand-in with
    get_device_properties and set_per_process_memory_fraction. Raises OSError.
    """
    if limit_gib is None:
        return
    if device.startswith("cuda"):
        if cuda is None:
            import torch

            cuda = torch.cuda
        total = cuda.get_device_properties(device).total_memory
        cuda.set_per_process_memory_fraction(min(1.0, limit_gib * GIB / total), device)
        return
    global _limit_bytes  # noqa: PLW0603 - of the process, as the limit is
    _start_threads()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    _limit_bytes = round(limit_gib * GIB)
    limit = held_bytes() + _limit_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _start_threads() -> None:
    """Have torch start its threads: on many cores their stacks, 8 MiB of writable memory each, exceed a limit alone."""
    import torch

    torch.ones((torch.get_num_threads() + 1) * _GRAIN, dtype=torch.uint8)


def refusal(error: BaseException) -> BaseException:
    """``error``, or a MemoryError made of it where it comes of the limit on a CPU and doesn't say so itself.

    Taken for that: what libraries say when memory was refused, with more than half of the limit in use. To be asked
    before ``lift``.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if soft == hard or _limit_bytes is None or not _REFUSED.search(text_of(error)):
        return error
    left = soft - held_bytes()
    if left > _limit_bytes / 2:
        return error
    refused = MemoryError(f"{left >> 20} MiB were left of the memory limit, and that was not enough: {text_of(error)}")
    refused.__cause__ = error
    return refused


def lift() -> None:
    """Take back what ``apply`` did on a CPU: how the run ended has to be written down, which takes memory too."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def held_bytes() -> int:
    """What the kernel counts against RLIMIT_DATA now. Raises OSError."""
    found = _DATA.search(_STATUS.read_bytes())
    if found is None:
        raise OSError(f"{_STATUS} has no VmData")
    return int(found[1]) << 10
