"""The worker's memory: the allocator's own figures on CUDA, the resident set on a CPU."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol

from profiler.events import Memory

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FIELD = re.compile(rb"^(VmRSS|VmHWM):\s+(\d+) kB", re.MULTILINE)


class MemoryProbe(Protocol):
    def sample(self, phase: str, call: int | None = None) -> Memory:
        """The memory now, and its peaks since ``reset_peaks``. Any thread; no device synchronisation."""

    def reset_peaks(self) -> None:
        """Let the peaks start again from what is in use now."""

    def retries(self) -> int | None:
        """Allocations that had to flush the allocator's cache, since the start of the process."""


class HostMemory:
    """Resident set size. Its peak is the kernel's, or the highest sample where the kernel's can't be reset."""

    def __init__(self) -> None:
        self._highest = 0
        self._kernel_peak = False

    def reset_peaks(self) -> None:
        self._highest = 0
        try:
            _CLEAR.write_text("5", encoding="ascii")  # reset VmHWM: Documentation/filesystems/proc.rst
            self._kernel_peak = True
        except OSError:
            self._kernel_peak = False

    def sample(self, phase: str, call: int | None = None) -> Memory:
        rss, kernel_peak = _resident()
        if rss is not None:
            self._highest = max(self._highest, rss)
        if self._kernel_peak and kernel_peak is not None:
            self._highest = max(self._highest, kernel_peak)
        return Memory(phase=phase, call=call, rss_bytes=rss, rss_peak_bytes=self._highest or None)

    def retries(self) -> int | None:
        return None


class CudaMemory:
    """PyTorch's caching allocator on one device, and the process's resident set beside it.

    ``cuda`` is ``torch.cuda`` or a stand-in with memory_stats, reset_peak_memory_stats and get_allocator_backend.
    """

    def __init__(self, device: int, cuda: Any = None) -> None:
        if cuda is None:
            import torch

            cuda = torch.cuda
        self._cuda = cuda
        self._device = device
        self._host = HostMemory()
        # cudaMallocAsync keeps no reserved or active figures of its own: zeros there mean "not measured".
        self._native = cuda.get_allocator_backend() == "native"

    def reset_peaks(self) -> None:
        self._host.reset_peaks()
        self._cuda.reset_peak_memory_stats(self._device)

    def sample(self, phase: str, call: int | None = None) -> Memory:
        stats = self._cuda.memory_stats(self._device)
        sample = self._host.sample(phase, call)
        sample.allocated_bytes = self._figure(stats, "allocated_bytes.all.current")
        sample.allocated_peak_bytes = self._figure(stats, "allocated_bytes.all.peak")
        sample.reserved_bytes = self._figure(stats, "reserved_bytes.all.current")
        sample.reserved_peak_bytes = self._figure(stats, "reserved_bytes.all.peak")
        sample.retries = self.retries(stats)
        return sample

    def retries(self, stats: dict[str, int] | None = None) -> int | None:
        stats = self._cuda.memory_stats(self._device) if stats is None else stats
        return int(stats.get("num_alloc_retries", 0)) if self._native else None

    def _figure(self, stats: dict[str, int], name: str) -> int | None:
        value = stats.get(name)
        return None if value is None or (value == 0 and not self._native) else int(value)


def _resident() -> tuple[int | None, int | None]:
    """Resident set size and its high-water mark in bytes, None where the kernel doesn't say."""
    try:
        found = dict(_FIELD.findall(_STATUS.read_bytes()))
    except OSError:
        return None, None
    sizes = {name: int(kilobytes) * 1024 for name, kilobytes in found.items()}
    return sizes.get(b"VmRSS"), sizes.get(b"VmHWM")


def resident_bytes() -> int | None:
    """The process's resident set size."""
    return _resident()[0]
