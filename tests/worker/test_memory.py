"""Memory figures, and that what wasn't measured is None."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from profiler.worker.memory import CudaMemory, HostMemory, resident_bytes

STATS = {
    "allocated_bytes.all.current": 10,
    "allocated_bytes.all.peak": 30,
    "reserved_bytes.all.current": 40,
    "reserved_bytes.all.peak": 50,
    "num_alloc_retries": 2,
}


def fake(backend: str, stats: dict[str, int]) -> Any:
    return SimpleNamespace(
        memory_stats=lambda device: stats,
        reset_peak_memory_stats=lambda device: None,
        get_allocator_backend=lambda: backend,
    )


def test_the_allocators_figures() -> None:
    sample = CudaMemory(0, fake("native", STATS)).sample("measure", 2)
    assert (sample.phase, sample.call, sample.retries) == ("measure", 2, 2)
    assert (sample.allocated_bytes, sample.allocated_peak_bytes) == (10, 30)
    assert (sample.reserved_bytes, sample.reserved_peak_bytes) == (40, 50)


def test_zero_is_a_figure_of_the_native_allocator_only() -> None:
    empty = dict.fromkeys(STATS, 0)
    native, asynchronous = (CudaMemory(0, fake(backend, empty)) for backend in ("native", "cudaMallocAsync"))
    assert native.sample("load").allocated_bytes == 0
    sample = asynchronous.sample("load")
    assert sample.allocated_bytes is sample.reserved_peak_bytes is sample.retries is None
    assert asynchronous.retries() is None


def test_the_host_probe_sees_a_peak_that_is_gone_and_forgets_it_when_reset() -> None:
    probe = HostMemory()
    probe.reset_peaks()
    size = 192 << 20
    block = torch.ones(size, dtype=torch.uint8)
    held = probe.sample("measure")
    del block
    after = probe.sample("measure")
    assert held.rss_bytes is not None
    assert after.rss_bytes is not None
    assert held.rss_bytes - after.rss_bytes > size // 2
    assert after.rss_peak_bytes is not None
    assert after.rss_peak_bytes >= held.rss_bytes
    probe.reset_peaks()
    assert (probe.sample("measure").rss_peak_bytes or 0) < held.rss_bytes - size // 2
    assert held.allocated_bytes is None
    assert probe.retries() is None
    assert resident_bytes() is not None
