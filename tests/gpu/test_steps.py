"""Calls on a GPU: what the hooks cost, that they wait nowhere, and that the steps' times are right."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from profiler.events import CallEnded, Event, Step
from profiler.subject import Subject, plain
from profiler.worker.clock import CudaClock
from profiler.worker.measure import Measurement
from tests.gpu.support import madeup, measuring
from tests.gpu.support.measuring import Arrivals, Stopwatch, Waited, clock_errors, loop_sums, no_waits, watched
from tests.worker.conftest import make_workload

pytestmark = pytest.mark.gpu

DEVICE = "cuda:0"
LIMIT = 1.005
SURE = 0.002  # the ratio is known within, where time allows
MS = 1_000_000


def measurement(subject: Subject, steps: int, sink: Callable[[Event], None]) -> Measurement:
    return Measurement(subject, measuring.workload(make_workload(), steps), sink, device=DEVICE)


@pytest.mark.parametrize(("step_ms", "steps"), [(5, 50), (50, 20)])
@pytest.mark.parametrize("bound", ["device", "host"])
def test_hooks_and_the_thread_that_reads_cost_half_a_percent_at_most(
    bound: str, step_ms: float, steps: int, record_property: Callable[[str, object], None]
) -> None:
    """Where the device sets the pace they are hidden behind it; where the host does nothing hides them."""
    make = madeup.device_bound if bound == "device" else madeup.host_bound
    stopwatch = Stopwatch(lambda: torch.cuda.synchronize(DEVICE))
    events: list[Event] = []
    subject = stopwatch.around(plain(make(DEVICE, step_ms), "unet"))
    with measurement(subject, steps, events.append) as measured:
        found = measuring.overhead(measured, stopwatch, sure=SURE)
    record_property("overhead", str(found))
    took = sorted(step.ns for step in measuring.of(Step, events))
    middle = took[len(took) // 2] / MS
    assert step_ms / 2 < middle < step_ms * 2, f"the load missed its pace: steps of {middle:.2f} ms"
    assert found.error < LIMIT - 1, f"too noisy to tell: {found}"
    assert found.ratio <= LIMIT, str(found)


def test_the_hooks_wait_nowhere_and_steps_come_while_the_call_runs() -> None:
    arrivals = Arrivals()
    subject = arrivals.around(watched(plain(madeup.device_bound(DEVICE, 5), "unet"), torch.cuda))
    with measurement(subject, 100, arrivals) as measured:
        measured.call("measure")
    assert torch.cuda.get_sync_debug_mode() == 0
    assert len(measuring.of(Step, arrivals.events)) == 100
    # The host is through long before the device, and the call's end waits outside of what is watched.
    pipe = madeup.device_bound(DEVICE, 5)
    arrivals = Arrivals()
    measuring.timed_ends(pipe, lambda: torch.cuda.synchronize(DEVICE), lambda: 0)
    with measurement(arrivals.around(plain(pipe, "unet")), 100, arrivals) as measured:
        measured.call("measure")
    assert arrivals.early >= 50, f"{arrivals.early} of 100 steps were told while the call ran"


@pytest.mark.parametrize("how", ["item", "event", "synchronize"])
def test_a_wait_in_the_loop_is_caught_where_there_is_one(how: str) -> None:
    """The check above can fail: torch's mode sees a read, and what it doesn't see is refused."""
    pipe = madeup.made_up(DEVICE)
    event, tensor = torch.cuda.Event(), torch.ones((), device=DEVICE)
    event.record()
    wait = operator.methodcaller("synchronize")  # looked up when it is called: by then it is refused
    waits: dict[str, Callable[[], Any]] = {
        "item": tensor.item,
        "event": lambda: wait(event),
        "synchronize": lambda: wait(torch.cuda),
    }
    pipe.scheduler.around = waits[how]
    subject = watched(plain(pipe, "unet"), torch.cuda)
    with measurement(subject, 5, [].append) as measured, pytest.raises(RuntimeError, match=r"synchroni[sz]"):
        measured.call("measure")
    with no_waits(torch.cuda), pytest.raises(Waited):
        torch.cuda.synchronize()
    torch.cuda.synchronize()


@pytest.mark.parametrize("bound", ["device", "host"])
def test_steps_add_up_to_the_loop_within_a_microsecond_each(bound: str) -> None:
    make = madeup.device_bound if bound == "device" else madeup.host_bound
    events: list[Event] = []
    with measurement(plain(make(DEVICE, 5), "unet"), 50, events.append) as measured:
        for _ in range(3):
            measured.call("measure")
    found = loop_sums(events)
    assert [loop.steps for loop in found] == [50] * 3
    for loop, call in zip(found, measuring.of(CallEnded, events), strict=True):
        assert 0.9 < loop.loop_ns / call.ns <= 1, f"a call of {call.ns} ns, which is its loop and little else: {loop}"
        assert loop.apart_ns <= measuring.US * loop.steps, loop


def test_device_times_are_on_the_logs_clock_within_a_millisecond() -> None:
    """Over seconds: the two clocks must not drift apart by then. The host sees each step end by waiting for it."""
    pipe = madeup.device_bound(DEVICE, 50)
    ends = measuring.timed_ends(pipe, lambda: torch.cuda.synchronize(DEVICE), time.monotonic_ns)
    events: list[Event] = []
    with measurement(plain(pipe, "unet"), 100, events.append) as measured:
        measured.call("measure")
    errors = clock_errors(events, ends)
    assert ends[-1] - ends[0] > 2_000 * MS
    assert max(map(abs, errors)) < MS, f"off by {min(errors) / MS:.3f} to {max(errors) / MS:.3f} ms"


def test_what_the_host_has_left_behind_is_placed_when_the_device_gets_there() -> None:
    """The pipelines' own loops wait for the device at their end alone: most boundaries are marked far ahead of it."""
    pipe = madeup.device_bound(DEVICE, 50)

    def launch() -> None:
        with torch.no_grad():
            pipe.unet(pipe.unet.weight, 1)

    found = measuring.placement(CudaClock(0), launch, time.monotonic_ns)
    assert found.ahead_ns > 10 * MS, f"the device was not behind: {found}"
    assert abs(found.error_ns) < MS, found
