"""What the device suite asks of a measured call: what it costs, that it waits nowhere, that its times are right."""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec

from profiler.events import Event, LoopEnded, Stage, Step
from profiler.request import Workload
from profiler.subject import Subject
from profiler.worker.clock import Clock
from profiler.worker.measure import Measurement

US = 1_000
CONFIDENT = 2.0  # standard errors on either side of a mean: about 95 %


def workload(of: Workload, steps: int) -> Workload:
    """``of``, with nothing that a made-up pipeline doesn't take."""
    nothing = dict.fromkeys(("height", "width", "guidance", "strength", "frames"))
    return msgspec.structs.replace(of, **nothing, steps=steps, batch_size=1)


def of(kind: type[Event], events: Sequence[Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


# --- what the hooks cost ----------------------------------------------------------------------------------------------


@dataclass
class Stopwatch:
    """Times a subject's calls alike, whoever makes them: the device idle at both ends, hooks inside or not."""

    wait: Callable[[], Any]
    now: Callable[[], int] = time.perf_counter_ns
    ns: list[int] = field(default_factory=list)

    def around(self, subject: Subject) -> Subject:
        """``subject``, timed."""
        return replace(subject, call=self._timed(subject.call))

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(arguments: Any) -> Any:
            self.wait()
            began = self.now()
            result = call(arguments)
            self.wait()
            self.ns.append(self.now() - began)
            return result

        return timed


class Overhead(NamedTuple):
    """Hooked calls against bare ones, made in turns; ``ratios`` are of neighbours."""

    ratios: list[float]

    @property
    def ratio(self) -> float:
        """The geometric mean."""
        return math.exp(statistics.fmean(map(math.log, self.ratios)))

    @property
    def error(self) -> float:
        """Half the width of its interval at about 95 %, as a share of it."""
        if len(self.ratios) < 2:
            return math.inf
        return CONFIDENT * statistics.stdev(map(math.log, self.ratios)) / math.sqrt(len(self.ratios))

    def __str__(self) -> str:
        return f"hooked / bare = {self.ratio:.5f} +- {self.error:.5f} ({len(self.ratios)} pairs)"


def overhead(
    measurement: Measurement,
    stopwatch: Stopwatch,
    *,
    sure: float,
    least: int = 10,
    most: int = 100,
    budget_s: float = 60,
) -> Overhead:
    """Pairs of calls until the interval is narrower than ``sure`` on either side, or pairs or time are spent.

    ``measurement``'s subject is one that ``stopwatch`` times; who goes first takes turns.
    """
    for _ in range(2):
        measurement.call("warmup")
        measurement.bare_call()
    found = Overhead([])
    until = time.monotonic() + budget_s
    while len(found.ratios) < most and time.monotonic() < until:
        times: dict[bool, int] = {}
        for hooked in (True, False) if len(found.ratios) % 2 else (False, True):
            if hooked:
                measurement.call("measure")
            else:
                measurement.bare_call()
            times[hooked] = stopwatch.ns[-1]
        found.ratios.append(times[True] / times[False])
        if len(found.ratios) >= least and found.error < sure:
            break
    return found


# --- waits ------------------------------------------------------------------------------------------------------------


class Waited(RuntimeError):
    """Something waited for the device in a way of which torch's debug mode says nothing."""


@contextlib.contextmanager
def no_waits(cuda: Any) -> Iterator[None]:
    """Whatever waits for the device meanwhile raises: torch's synchronisation debug mode, and what it doesn't see.

    ``cuda`` is ``torch.cuda`` or a stand-in.
    """

    def refuse(*arguments: Any, **options: Any) -> None:
        raise Waited("the loop synchronises")

    before, synchronize, event_wait = cuda.get_sync_debug_mode(), cuda.synchronize, cuda.Event.synchronize
    cuda.synchronize, cuda.Event.synchronize = refuse, refuse
    cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        cuda.set_sync_debug_mode(before)
        cuda.synchronize, cuda.Event.synchronize = synchronize, event_wait


def watched(subject: Subject, cuda: Any) -> Subject:
    """``subject``, whose calls must not wait: hooks and the thread that reads events are within."""

    def call(arguments: Any) -> Any:
        with no_waits(cuda):
            return subject.call(arguments)

    return replace(subject, call=call)


@dataclass
class Arrivals:
    """A sink that tells which steps were written while the call that made them was still under way."""

    events: list[Event] = field(default_factory=list)
    early: int = 0
    _calling: bool = False

    def __call__(self, event: Event) -> None:
        self.early += self._calling and type(event) is Step
        self.events.append(event)

    def around(self, subject: Subject) -> Subject:
        def call(arguments: Any) -> Any:
            self._calling = True
            try:
                return subject.call(arguments)
            finally:
                self._calling = False

        return replace(subject, call=call)


# --- times ------------------------------------------------------------------------------------------------------------


class LoopSum(NamedTuple):
    steps: int
    sum_ns: int  # of the steps
    loop_ns: int  # as the loop's end says
    whole_ns: int  # from the first boundary to the last, asked of the two alone

    @property
    def apart_ns(self) -> int:
        return max(abs(self.sum_ns - self.loop_ns), abs(self.sum_ns - self.whole_ns))


def loop_sums(events: Sequence[Event]) -> list[LoopSum]:
    """One for each loop of the calls in ``events``; each call's loops have a stage each."""
    found = []
    stages: dict[int, list[Stage]] = {}
    for stage in of(Stage, events):
        if stage.name == "denoise":
            stages.setdefault(stage.call, []).append(stage)
    for ended in of(LoopEnded, events):
        steps = [step.ns for step in of(Step, events) if (step.call, step.loop) == (ended.call, ended.loop)]
        whole = stages[ended.call][ended.loop]
        found.append(LoopSum(len(steps), sum(steps), ended.ns, whole.ns))
    return found


def clock_errors(events: Sequence[Event], ends_ns: Sequence[int]) -> list[int]:
    """By how many nanoseconds each step's end on the log's clock is off ``ends_ns``: when the host had seen it end."""
    steps = of(Step, events)
    assert len(steps) == len(ends_ns), "a step for each end"
    return [step.start_ns + step.ns - end for step, end in zip(steps, ends_ns, strict=True)]


class Placement(NamedTuple):
    """Of a boundary that the host marked while the device had work left; nanoseconds."""

    ahead_ns: int  # from the mark until the host had seen the device get there
    error_ns: int  # of the mark's place on the log's clock against that


def placement(clock: Clock, launch: Callable[[], Any], now: Callable[[], int]) -> Placement:
    """``launch`` gives the device work of milliseconds and returns before it is done."""
    clock.prepare(2)
    clock.anchor()
    launch()
    mark = clock.mark()
    clock.synchronize()
    reached = now()
    return Placement(reached - mark.host_ns, clock.at(mark) - reached)


def timed_ends(pipe: Any, wait: Callable[[], Any], now: Callable[[], int]) -> list[int]:
    """Have a made-up pipeline's scheduler wait for the device at the end of every step, and keep when that was over."""
    ends: list[int] = []

    def around() -> None:
        wait()
        ends.append(now())

    pipe.scheduler.around = around
    return ends
