"""Loops driven by hand, on a clock that stands still: what is a loop, and what of it is a step."""

from __future__ import annotations

import io
from typing import Any

from tqdm.auto import tqdm

from profiler.events import Event, LoopEnded, LoopStarted, Step
from profiler.worker.clock import HostClock
from profiler.worker.live import LiveWriter, LoopClosed
from profiler.worker.steps import LoopRecorder, Owner
from tests.worker.conftest import Ticks, of

OWNER = Owner("denoise", ["unet"])


class FakeLoop:
    """A pipeline's denoise loop over something else than tensors."""

    def __init__(self, recorder: LoopRecorder) -> None:
        self.denoise = recorder.around_denoiser(OWNER)(lambda x: x)
        self.step = recorder.around_scheduler(lambda x: (x,))
        self.bar = recorder.around_progress_bar(OWNER)(
            lambda iterable=None, total=None: tqdm(iterable, total=total, file=io.StringIO())
        )


def recorded(now: Any = None) -> tuple[list[Event], LiveWriter, LoopRecorder]:
    events: list[Event] = []
    clock = HostClock(now) if now else HostClock()
    writer = LiveWriter(clock, events.append)
    return events, writer, LoopRecorder(3, clock, writer.put, **({"now": now} if now else {}))


def test_a_bar_over_an_iterable_counts_too_and_each_bar_is_a_loop() -> None:
    ticks = Ticks()
    events, writer, recorder = recorded(ticks)
    fake = FakeLoop(recorder)
    for steps in (3, 2):
        for item in fake.bar(list(range(steps))):
            ticks.ns += 10
            fake.denoise(item)
            ticks.ns += 5
            fake.step(item)
    recorder.end_loop()
    writer.flush()
    assert [(loop.loop, loop.evaluations, loop.iterations) for loop in of(LoopEnded, events)] == [(0, 3, 3), (1, 2, 2)]
    assert [(loop.name, loop.iterations) for loop in of(LoopStarted, events)] == [("denoise", 3), ("denoise 2", 2)]
    # The 10 ns before a loop's first denoiser call belong to no step.
    assert [step.ns for step in of(Step, events)] == [5, 15, 15, 5, 15]


def test_two_denoiser_calls_in_a_step_are_one_step() -> None:
    ticks = Ticks()
    events, writer, recorder = recorded(ticks)
    begun: list[int] = []
    owner = OWNER._replace(before_step=lambda: begun.append(ticks.ns))
    told: list[tuple[int | None, int]] = []
    recorder._on_step = lambda graphs, calls: told.append((graphs, calls))
    denoise = recorder.around_denoiser(owner)(ticks.takes(100, lambda: None))
    step = recorder.around_scheduler(ticks.takes(10, lambda: None))
    for _ in range(3):
        denoise()
        denoise()
        step()
    recorder.end_loop()
    writer.flush()
    assert [(s.ns, s.enqueue_ns, s.scheduler_ns) for s in of(Step, events)] == [(210, 200, 10)] * 3
    assert begun == [0, 210, 420]
    assert told == [(None, 2)] * 3


def test_a_scheduler_step_without_a_denoiser_call_belongs_to_the_step_before() -> None:
    ticks = Ticks()
    events, writer, recorder = recorded(ticks)
    denoise = recorder.around_denoiser(OWNER)(ticks.takes(100, lambda: None))
    results = iter("abcdef")
    step = recorder.around_scheduler(ticks.takes(10, lambda: (next(results),)))
    for count in (2, 3, 1):
        denoise()
        for _ in range(count):
            step()
            ticks.ns += 1
    assert recorder.latents == ("f",)
    recorder.end_loop()
    writer.flush()
    # The nanosecond after a step's last scheduler.step is the next one's.
    assert [(s.ns, s.enqueue_ns, s.scheduler_ns) for s in of(Step, events)] == [
        (121, 100, 20),
        (133, 100, 30),
        (111, 100, 10),
    ]
    [loop] = of(LoopEnded, events)
    assert (loop.ns, loop.evaluations) == (121 + 133 + 111, 3)


def test_the_latents_of_a_step_are_what_its_first_scheduler_step_returned() -> None:
    _, _, recorder = recorded()
    results = iter("ab")
    denoise, step = recorder.around_denoiser(OWNER)(lambda: None), recorder.around_scheduler(lambda: next(results))
    denoise()
    step()
    step()
    assert recorder.latents == "a"


def test_a_denoiser_call_ahead_of_the_bar_is_no_loop() -> None:
    ticks = Ticks()
    events, writer, recorder = recorded(ticks)
    fake = FakeLoop(recorder)
    fake.denoise("ahead")
    ticks.ns += 50
    for item in fake.bar([1, 2]):
        fake.denoise(item)
        ticks.ns += 5
        fake.step(item)
    recorder.end_loop()
    writer.flush()
    assert [(loop.loop, loop.start_ns) for loop in of(LoopStarted, events)] == [(0, 50)]
    assert [loop.evaluations for loop in of(LoopEnded, events)] == [2]
    assert recorder.shortcoming is None


def test_where_no_bar_counts_steps_are_iterations() -> None:
    events, writer, recorder = recorded()
    fake = FakeLoop(recorder)
    for item in range(3):
        fake.denoise(item)
        fake.step(item)
    recorder.end_loop()
    writer.flush()
    assert [(loop.evaluations, loop.iterations) for loop in of(LoopEnded, events)] == [(3, 3)]


def test_a_step_through_several_wrappers_is_one_step() -> None:
    events, writer, recorder = recorded()
    denoise = recorder.around_denoiser(OWNER)(lambda: None)
    step = recorder.around_scheduler(recorder.around_scheduler(lambda: (None,)))
    for _ in range(2):
        denoise()
        step()
    recorder.end_loop()
    writer.flush()
    assert len(of(Step, events)) == 2


def test_a_scheduler_step_outside_a_loop_is_not_a_step() -> None:
    events, writer, recorder = recorded()
    assert FakeLoop(recorder).step("x") == ("x",)
    writer.flush()
    assert events == []


def test_a_bar_that_is_collected_late_does_not_close_the_next_loop() -> None:
    records: list[Any] = []
    recorder = LoopRecorder(0, HostClock(), records.append)
    bars = recorder.around_progress_bar(OWNER)(lambda total=None: tqdm(total=total, file=io.StringIO()))
    denoise, step = recorder.around_denoiser(OWNER)(lambda: None), recorder.around_scheduler(lambda: (None,))
    first = bars(total=1)
    denoise()
    step()
    second = bars(total=2)
    for _ in range(2):
        denoise()
        step()
        first.close()  # what its destructor does whenever the garbage collector comes by
    second.close()
    closed = [record for record in records if isinstance(record, LoopClosed)]
    assert [(record.loop, record.evaluations) for record in closed] == [(0, 1), (1, 2)]
