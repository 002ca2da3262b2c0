"""The loads of the device suite on a stand-in that queues launches as a GPU does."""

from __future__ import annotations

import pytest

from profiler.worker.clock import CudaClock
from tests.gpu.support.fakecuda import US, FakeCuda, Time
from tests.gpu.support.loads import LOADS, Load, Machine, figures, recorded


def machine(cuda: FakeCuda, device_us: float = 25) -> Machine:
    """Launching takes 5 us."""
    kernels = {"host": lambda: cuda.launch(5 * US, 2 * US), "device": lambda: cuda.launch(5 * US, int(device_us * US))}

    def guide() -> None:
        """Classifier-free guidance: a difference, a product and a sum."""
        for _ in range(3):
            cuda.launch(5 * US, 2 * US)

    return Machine(kernels, guide, cuda.item)


@pytest.mark.parametrize("load", LOADS, ids=str)
def test_who_waits_for_whom_is_told(load: Load) -> None:
    host = Time()
    cuda = FakeCuda(host)
    found = figures(recorded(load, machine(cuda), CudaClock(0, cuda, host), host))
    assert found.bound == load.bound, (found.bound, found.bound_means, found.host_bound_share, found.enqueue_share)
