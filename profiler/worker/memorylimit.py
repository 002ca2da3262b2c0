"""``--memory-limit``: what a run may allocate, so that out of memory can be met below what the machine has."""

from __future__ import annotations

import re
import resource
from pathlib import Path
from typing import Any

GIB = 1 << 30
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
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = held_bytes() + round(limit_gib * GIB)
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


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
