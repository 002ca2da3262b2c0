"""The checks of the device suite about calls, on a CPU and on a stand-in whose time only its own work moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from profiler.events import Event
from profiler.subject import plain
from profiler.worker.clock import Clock, CudaClock, HostClock, Mark
from profiler.worker.measure import Measurement
from tests.gpu.support import madeup, measuring
from tests.gpu.support.fakecuda import MS, US, FakeCuda, Time
from tests.gpu.support.measuring import Arrivals, Stopwatch, Waited, clock_errors, loop_sums, no_waits, watched
from tests.worker.conftest import make_workload

STEPS = 20


class Rig:
    """A made-up pipeline whose denoiser launches ``launch`` (host ns, device ns) on a stand-in."""

    def __init__(self, launch: tuple[int, int] = (MS, 5 * MS), drift: float = 0.0) -> None:
        self.host = Time()
        self.cuda = FakeCuda(self.host, drift)
        self.pipe = madeup.made_up("cpu", width=4, products=1)
        forward = self.pipe.unet.forward

        def launching(*arguments: Any, **options: Any) -> torch.Tensor:
            self.cuda.launch(*launch)
            return forward(*arguments, **options)

        self.pipe.unet.forward = launching
        self.subject = plain(self.pipe, "unet")
        self.clock = CudaClock(0, self.cuda, self.host)

    def measurement(self, sink: Callable[[Event], None], clock: Clock | None = None, **options: Any) -> Measurement:
        workload = measuring.workload(make_workload(), STEPS)
        return Measurement(self.subject, workload, sink, clock=clock or self.clock, live=False, **options)

    def events(self) -> list[Event]:
        events: list[Event] = []
        with self.measurement(events.append) as measurement:
            measurement.call("measure")
        return events


@pytest.mark.parametrize(("cost_ns", "ratio"), [(0, 1.0), (20 * US, 1.004), (100 * US, 1.02)])
def test_what_a_hook_costs_shows_in_the_ratio(cost_ns: int, ratio: float) -> None:
    """On a host-bound step of 5 ms: where the device sets the pace hooks cost nothing."""
    rig = Rig(launch=(5 * MS, MS // 10))

    class Costly(CudaClock):
        def mark(self) -> Mark:
            rig.host.ns += cost_ns // 2  # a step has two: the denoiser's return and its own end
            return super().mark()

    stopwatch = Stopwatch(rig.cuda.synchronize, rig.host)
    rig.subject = stopwatch.around(rig.subject)
    clock = Costly(0, rig.cuda, rig.host)
    with rig.measurement([].append, clock) as measurement:
        found = measuring.overhead(measurement, stopwatch, sure=0.001, least=4)
    assert found.ratio == pytest.approx(ratio, abs=0.05 * (ratio - 1) + 1e-5), found
    assert len(found.ratios) == 4


def test_pairs_are_made_until_the_ratio_is_sure() -> None:
    rig = Rig()
    noise = iter([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3] * 50)
    stopwatch = Stopwatch(rig.cuda.synchronize, lambda: rig.host.ns + next(noise) * MS)
    rig.subject = stopwatch.around(rig.subject)
    with rig.measurement([].append) as measurement:
        found = measuring.overhead(measurement, stopwatch, sure=0.01, least=3, most=60)
    assert 3 < len(found.ratios) < 60
    assert found.error < 0.01


def test_the_hooks_wait_nowhere() -> None:
    rig = Rig()
    rig.subject = watched(rig.subject, rig.cuda)
    with rig.measurement([].append) as measurement:
        measurement.call("measure")
    assert rig.cuda.waits == 2, "before the call and after it"
    assert rig.cuda.get_sync_debug_mode() == 0


@pytest.mark.parametrize("how", ["mark", "event", "item"])
def test_what_waits_is_caught(how: str) -> None:
    rig = Rig()
    rig.subject = watched(rig.subject, rig.cuda)

    class Waiting(CudaClock):
        def mark(self) -> Mark:
            mark = super().mark()
            if rig.cuda.get_sync_debug_mode() == 2:  # inside of the call
                rig.cuda.synchronize() if how == "mark" else mark.event.synchronize()
            return mark

    if how == "item":
        rig.pipe.scheduler.around = rig.cuda.item
    clock = rig.clock if how == "item" else Waiting(0, rig.cuda, rig.host)
    with rig.measurement([].append, clock) as measurement, pytest.raises(RuntimeError, match=r"synchroni[sz]"):
        measurement.call("measure")
    with no_waits(rig.cuda), pytest.raises(Waited):
        rig.cuda.synchronize()
    rig.cuda.synchronize()


def test_steps_that_come_while_the_call_runs_are_counted() -> None:
    rig = Rig()
    arrivals = Arrivals()
    rig.subject = arrivals.around(rig.subject)
    with rig.measurement(arrivals) as measurement:
        writer = measurement._writer

        def halfway() -> None:
            rig.host.ns += 100 * MS
            writer.flush()

        rig.pipe.scheduler.around = halfway
        measurement.call("measure")
    assert arrivals.early > STEPS // 2
    assert len(measuring.of(measuring.Step, arrivals.events)) == STEPS


@pytest.mark.parametrize("bound", [(MS, 5 * MS), (5 * MS, MS // 3)])
def test_steps_add_up_to_the_loop(bound: tuple[int, int]) -> None:
    [found] = loop_sums(Rig(bound).events())
    assert found.steps == STEPS
    assert found.apart_ns <= US * STEPS
    assert found.loop_ns > STEPS * 5 * MS - 5 * MS


def test_steps_add_up_to_the_loop_on_a_cpu() -> None:
    rig = Rig()
    events: list[Event] = []
    with rig.measurement(events.append, HostClock()) as measurement:
        measurement.call("measure")
    [found] = loop_sums(events)
    assert found.apart_ns == 0
    assert found.loop_ns > 0


def test_a_step_that_is_missing_shows() -> None:
    events = Rig().events()
    events.remove(measuring.of(measuring.Step, events)[3])
    [found] = loop_sums(events)
    assert found.apart_ns > US * STEPS


@pytest.mark.parametrize(("drift", "within"), [(0.0, True), (1e-6, True), (0.02, False)])
def test_device_times_are_on_the_logs_clock(drift: float, within: bool) -> None:
    rig = Rig(drift=drift)
    ends = measuring.timed_ends(rig.pipe, rig.cuda.item, rig.host)
    errors = clock_errors(rig.events(), ends)
    assert len(errors) == STEPS
    assert (max(map(abs, errors)) < MS) == within


@pytest.mark.parametrize(("drift", "within"), [(0.0, True), (0.1, False)])
def test_a_boundary_is_placed_when_the_device_gets_there(drift: float, within: bool) -> None:
    rig = Rig(drift=drift)
    found = measuring.placement(rig.clock, lambda: rig.cuda.launch(MS, 50 * MS), rig.host)
    assert found.ahead_ns == 50 * MS
    assert (abs(found.error_ns) < MS) == within


def test_a_boundary_that_is_placed_when_it_was_marked_shows() -> None:
    rig = Rig()

    class Early(CudaClock):
        def at(self, mark: Mark) -> int:
            return mark.host_ns

    found = measuring.placement(Early(0, rig.cuda, rig.host), lambda: rig.cuda.launch(MS, 50 * MS), rig.host)
    assert found.error_ns == -50 * MS
