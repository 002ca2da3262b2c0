"""Who waits for whom, recognised on loads that are made so."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import pytest
import torch

from profiler.worker.clock import CudaClock
from tests.gpu.support.loads import LOADS, Load, Machine, figures, recorded
from tests.gpu.support.madeup import RAISED_S

pytestmark = pytest.mark.gpu

TIMES = 5  # a kernel that binds the device takes as many times its launch
LARGEST = 1 << 30  # elements


@pytest.fixture(scope="module")
def machine() -> Machine:
    """Additions to tensors: of one element, and of as many as it takes."""
    one = torch.ones((), device="cuda:0")
    # Into a new tensor: Python takes longer for that, and the device doesn't.
    small = functools.partial(torch.add, one, 1)
    _raise_clocks(small)
    launch_ns, _ = _timed(small)
    noise = torch.ones(2, 4, 64, 64, device="cuda:0")

    def guide() -> torch.Tensor:
        """As Stable Diffusion's pipelines."""
        without, with_prompt = noise.chunk(2)
        return without + 7.5 * (with_prompt - without)

    size = 1 << 16
    while size <= LARGEST:
        add = functools.partial(torch.ones(size, device="cuda:0").add_, 1)
        if _timed(add)[1] >= TIMES * launch_ns:
            return Machine({"host": small, "device": add}, guide, one.item)
        size *= 2
    pytest.fail(f"no addition takes {TIMES} times its launch, which takes {launch_ns / 1e3:.1f} us")


def _raise_clocks(kernel: Callable[[], object]) -> None:
    """Keep a GPU that was idle, and the core that serves it, busy until they run as fast as they will."""
    until = time.monotonic() + RAISED_S
    while time.monotonic() < until:
        kernel()
    torch.cuda.synchronize()


def _timed(kernel: Callable[[], object], times: int = 300) -> tuple[float, float]:
    """Nanoseconds a kernel: for the host to launch one with room in the queue, for the device to do one."""
    kernel()
    torch.cuda.synchronize()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    began = time.perf_counter_ns()
    for _ in range(times):
        kernel()
    host_ns = time.perf_counter_ns() - began
    end.record()
    torch.cuda.synchronize()
    return host_ns / times, start.elapsed_time(end) * 1e6 / times


@pytest.mark.parametrize("load", LOADS, ids=str)
def test_who_waits_for_whom_is_told(load: Load, machine: Machine) -> None:
    found = figures(recorded(load, machine, CudaClock(0), time.monotonic_ns))
    said = (found.bound_means, found.host_bound_share, found.enqueue_share, found.behind_share)
    assert found.bound == load.bound, said
