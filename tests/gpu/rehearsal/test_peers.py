"""Peers on a CPU: torch's profiler on the real tiny pipeline, torch's benchmark in a time that only the load moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from profiler.events import Event
from profiler.subject import plain
from profiler.worker.clock import HostClock
from profiler.worker.measure import Measurement
from tests.gpu.support import madeup, measuring, peers
from tests.gpu.support.fakecuda import MS, Time
from tests.worker.conftest import make_workload


def test_torchs_profiler_sees_the_same_steps(tiny_pipe: Any, tmp_path: Path) -> None:
    events: list[Event] = []
    with Measurement(plain(tiny_pipe, "unet"), make_workload(8), events.append) as measurement:
        found = peers.by_profiler(measurement, events, tiny_pipe.scheduler, "cpu", tmp_path / "trace.json")
    assert found.error <= peers.LIMIT, str(found)
    assert "step" not in vars(tiny_pipe.scheduler)


@pytest.mark.parametrize(("beside_ms", "within"), [(0.0, True), (1.0, False)])
def test_torchs_benchmark_sees_the_denoisers_time(beside_ms: float, within: bool) -> None:
    """``beside_ms``: what a step takes outside of the denoiser, which is all that the peer sees."""
    now = Time()
    pipe = madeup.made_up("cpu", width=4)
    forward = pipe.unet.forward

    def slow(*arguments: Any, **options: Any) -> torch.Tensor:
        now.ns += 20 * MS
        return forward(*arguments, **options)

    def beside() -> None:
        now.ns += round(beside_ms * MS)

    pipe.unet.forward, pipe.scheduler.around = slow, beside
    events: list[Event] = []
    workload = measuring.workload(make_workload(), 5)
    with Measurement(plain(pipe, "unet"), workload, events.append, clock=HostClock(now), live=False) as measurement:
        found = peers.by_benchmark(measurement, events, pipe.unet, timer=lambda: now.ns / 1e9, seconds=0.2)
    assert found.theirs == pytest.approx(20, rel=1e-3)
    assert (found.error <= peers.LIMIT) == within, str(found)


def marked(ends_us: list[float], category: str) -> list[dict[str, Any]]:
    return [{"name": peers.MARK, "cat": category, "ts": end - 30.0, "dur": 30.0} for end in ends_us]


def test_a_trace_of_a_gpu_is_read_by_its_kernels_times() -> None:
    """The host returns from a step long before the device has made it."""
    trace = marked([1e3, 6e3, 11e3, 16e3], "gpu_user_annotation") + marked([10, 20, 30, 40], "user_annotation")
    found = peers.against_trace([9 * MS, 5 * MS, 5 * MS, 5 * MS], trace, "cuda")
    assert (found.ours, found.theirs, found.error) == (5.0, 5.0, 0.0)
    assert peers.against_trace([9 * MS] * 4, trace, "cuda").error == pytest.approx(0.8)


def test_a_trace_may_lack_the_beginning() -> None:
    """Steps that get shorter: those that the trace has are the last ones."""
    trace = marked([6e3, 10e3, 13e3], "gpu_user_annotation")
    found = peers.against_trace([6 * MS, 5 * MS, 4 * MS, 3 * MS], trace, "cuda")
    assert (found.ours, found.theirs) == (3.5, 3.5)


@pytest.mark.parametrize("number", [0, 2, 5])
def test_a_trace_of_other_steps_is_refused(number: int) -> None:
    trace = marked([10.0 * end for end in range(number)], "gpu_user_annotation")
    with pytest.raises(ValueError, match=f"{number} of 4 steps"):
        peers.against_trace([MS] * 4, trace + marked([10, 20, 30, 40], "user_annotation"), "cuda")
