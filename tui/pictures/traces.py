"""The points of a run's steps on the axes of the step chart, added to as the run goes on.

A point's y is how long the step took, in seconds. Points are kept as machine numbers: a run may have hundreds of
thousands.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import median_low

from profiler.analysis.progress import planned_calls
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import Occurrence
from tui.charts.axes import SPIKE_FACTOR
from tui.charts.decimate import Thinned
from tui.charts.window import Window
from tui.pictures.names import session_s
from tui.pictures.slots import Slots
from tui.pictures.spots import Spots


class Extent:
    """What the y range has to know of the steps: the largest that isn't a spike, the smallest and the largest."""

    def __init__(self) -> None:
        self.steady = 0.0
        self.largest = 0.0
        self.smallest = math.inf
        self._judged = 0  # points that the typical step was found from
        self._limit = math.inf

    def judge(self, ys: Sequence[float], fresh: Sequence[float]) -> None:
        """``fresh`` was added to ``ys``; what is typical is looked up again as the run grows by a quarter."""
        self.largest = max([self.largest, *fresh])
        self.smallest = min([self.smallest, *(y for y in fresh if y > 0)])
        if len(ys) > self._judged * 1.25:
            self._judged = len(ys)
            known = [y for y in ys if y == y]
            self._limit = SPIKE_FACTOR * median_low(known) if known else math.inf
            self.steady = max((y for y in known if y <= self._limit), default=0.0)
        else:
            self.steady = max([self.steady, *(y for y in fresh if y <= self._limit)])


class Trace(ABC):
    """One run's steps of one loop on some axis; ``layout`` grows whenever points that there were get another place."""

    def __init__(self, run: RunState, loop: int) -> None:
        self.run = run
        self.loop = loop
        self.layout = 0
        self.thinned = Thinned()
        self._spots: tuple[tuple[object, ...], Spots] = ((), Spots())
        self._start()

    def _start(self) -> None:
        self._seen = 0  # rows of the run's columns
        self.xs = array("d")
        self.ys = array("d")
        self.rows = array("q")  # of the points, in the run's columns
        self.extent = Extent()

    def follow(self) -> None:
        """Take in the steps that the run has gained."""
        steps = self.run.steps
        if len(steps) == self._seen:
            return
        first, self._seen = self._seen, len(steps)
        columns = [steps.column(name, first) for name in ("call", "loop", "step", "start_ns", "ns")]
        fresh = array("d")
        for row, (call, loop, step, start_ns, ns) in enumerate(zip(*columns, strict=True), first):
            if loop == self.loop:
                y = ns / 1e9
                self._take(call, step, start_ns + ns, y)
                self.rows.extend([row] * (len(self.ys) - len(self.rows)))
                fresh.append(y)
        self.extent.judge(self.ys, fresh)

    @abstractmethod
    def _take(self, call: int, step: int, end_ns: int, y: float) -> None:
        """Add one point."""

    @abstractmethod
    def x_of(self, call: int, step: int | None) -> float:
        """Where a step (None: the beginning) of a call lies; NaN where it has no place."""

    def lines(self) -> list[tuple[Sequence[float], Sequence[float]]]:
        """The points as lines, xs ascending within each."""
        return [(self.xs, self.ys)]

    def spots(self, explained: tuple[Occurrence, ...]) -> Spots:
        """The places at which something was compiled; looked for again only where something is new."""
        key = (explained, self.layout)
        if self._spots[0] != key:
            self._spots = key, Spots.of(self.run, self.loop, explained, self.x_of)
        return self._spots[1]

    def nearest(self, x: float) -> tuple[float, int] | None:
        """How far the step nearest to ``x`` lies from it, and its row in the run's columns; None without any."""
        place = bisect_left(self.xs, x)
        near = [n for n in (place - 1, place) if 0 <= n < len(self.xs)]
        best = min(near, key=lambda n: abs(self.xs[n] - x), default=None)
        return None if best is None else (abs(self.xs[best] - x), self.rows[best])

    def newest(self, until: float) -> int | None:
        """The row of the last step up to ``until``; None where there is none."""
        place = bisect_right(self.xs, until) - 1
        return self.rows[place] if place >= 0 else None

    def largest_in(self, window: Window) -> float:
        """The largest y in a window, 0 where there is none."""
        found = 0.0
        for xs, ys in self.lines():
            seen = ys[bisect_left(xs, window.low) : bisect_left(xs, math.nextafter(window.high, math.inf))]
            found = max([found, *(y for y in seen if y == y)])
        return found


class SlotTrace(Trace):
    """On the slots of calls that all cases share."""

    def __init__(self, run: RunState, slots: Slots, loop: int) -> None:
        self._slots = slots
        self._plan = planned_calls(run.case)
        super().__init__(run, loop)

    def _start(self) -> None:
        super()._start()
        self.layout += 1
        self._widths: dict[int, int] = {}
        self._several = self._has_several()

    def follow(self) -> None:
        if self._several != self._has_several():
            self._start()  # the first loop has its slot to itself once there is a second
        elif len(self.run.steps) != self._seen and any(self._steps_of(n) > width for n, width in self._widths.items()):
            self._start()  # a call made more steps than were planned: its slot has to hold them all
        super().follow()

    def _take(self, call: int, step: int, end_ns: int, y: float) -> None:
        self.xs.append(self.x_of(call, step))
        self.ys.append(y)

    def place(self, call: int) -> int:
        """The slot of a call."""
        found = self.run.calls.get(call)
        phase = found.phase if found is not None and found.phase else self._plan[max(0, min(call, len(self._plan) - 1))]
        ordinal = call - next((n for n, planned in enumerate(self._plan) if planned == phase), 0)
        return self._slots.place(phase, max(ordinal, 0))

    def x_of(self, call: int, step: int | None) -> float:
        width = self._widths.get(call)
        if width is None:
            width = self._widths[call] = max(self._steps_of(call), self.planned(call), 1)
        return self.place(call) + (min(0 if step is None else step, width - 1) + 0.5) / width

    def width(self, call: int) -> float:
        """How much of the axis a step of a call takes."""
        return 1.0 / self._widths.get(call, 1)

    def planned(self, call: int) -> int:
        """How many steps of this loop a call makes."""
        found = self.run.calls.get(call)
        if self._several:
            # planned_steps is over all loops. What the loop made in another call tells best, then its progress bar.
            for known in self.run.calls.values():
                loop = known.loops.get(self.loop)
                if loop is not None and loop.evaluations:
                    return loop.evaluations
            loop = found.loops.get(self.loop) if found is not None else None
            if loop is not None and loop.planned_iterations:
                return loop.planned_iterations
        if found is not None and found.planned_steps:
            return found.planned_steps
        return self.run.case.workload.steps or 1

    def _has_several(self) -> bool:
        """Whether the calls have several loops, as far as they have come."""
        return any(len(call.loops) > 1 for call in self.run.calls.values())

    def _steps_of(self, call: int) -> int:
        """How many steps of this loop the call has made."""
        found = self.run.calls.get(call)
        if found is None:
            return 0
        if not self._several:
            return found.steps
        loop = found.loops.get(self.loop)
        if loop is None:
            return 0
        last = next((index for index in reversed(found.loops) if found.loops[index].ns is None), None)
        if last == self.loop:
            # Under way: the other loops' steps are those of loops that have ended.
            return found.steps - sum(other.evaluations for other in found.loops.values())
        return loop.evaluations


class TimeTrace(Trace):
    """Over the session's own time, in seconds: a step lies where it ended. Between two calls the line has a gap."""

    def __init__(self, session: SessionState, run: RunState, loop: int) -> None:
        self._session = session
        super().__init__(run, loop)

    def _start(self) -> None:
        super()._start()
        self._call = -1
        self._open = False  # whether a step that hasn't ended was asked for

    def follow(self) -> None:
        if self._open and len(self.run.steps) != self._seen:
            self._open = False
            self.layout += 1
        super().follow()

    def _take(self, call: int, step: int, end_ns: int, y: float) -> None:
        x = session_s(self._session, end_ns)
        if self.xs:
            x = max(x, self.xs[-1])  # an axis goes one way, whatever a damaged log says
            if call != self._call:
                self.xs.append(self.xs[-1])
                self.ys.append(math.nan)
        self._call = call
        self.xs.append(x)
        self.ys.append(y)

    def x_of(self, call: int, step: int | None) -> float:
        found = self.run.calls.get(call)
        if found is None:
            return math.nan
        row = None if step is None else row_of(self.run, self.loop, call, step)
        if row is None:
            self._open |= step is not None
            return session_s(self._session, found.start_ns)
        steps = self.run.steps
        return session_s(self._session, steps.cell(row, "start_ns") + steps.cell(row, "ns"))


class OverlayTrace(Trace):
    """Every call over every other: a line a call, x the number of the step, from 1."""

    def _start(self) -> None:
        super()._start()
        self._calls: dict[int, tuple[array[float], array[float]]] = {}

    def _take(self, call: int, step: int, end_ns: int, y: float) -> None:
        xs, ys = self._calls.setdefault(call, (array("d"), array("d")))
        x = step + 1.0
        xs.append(max(x, xs[-1]) if xs else x)
        ys.append(y)
        self.ys.append(y)

    def x_of(self, call: int, step: int | None) -> float:
        return (0 if step is None else step) + 1.0

    def lines(self) -> list[tuple[Sequence[float], Sequence[float]]]:
        return list(self._calls.values())

    def nearest(self, x: float) -> tuple[float, int] | None:
        """Of the newest call that came as far."""
        if not math.isfinite(x):
            return None
        step = max(round(x), 1) - 1
        rows = (row_of(self.run, self.loop, call, step) for call in reversed(self._calls))
        row = next((row for row in rows if row is not None), None)
        return None if row is None else (abs(step + 1 - x), row)

    def newest(self, until: float) -> int | None:
        found = self.nearest(min(until, self.most))
        return None if found is None else found[1]

    def line_of(self, call: int) -> tuple[Sequence[float], Sequence[float]]:
        """The line of one call, empty where it made no step."""
        return self._calls.get(call, ((), ()))

    @property
    def most(self) -> int:
        """The steps of the longest call."""
        return max((int(xs[-1]) for xs, _ in self._calls.values() if xs), default=0)


def row_of(run: RunState, loop: int, call: int, step: int) -> int | None:
    """The row of a step in its run's columns; None while it hasn't ended."""
    found, steps = run.calls.get(call), run.steps
    if found is None or found.first_step < 0:
        return None
    for row in range(found.first_step, len(steps)):
        place = (steps.cell(row, "call"), steps.cell(row, "loop"), steps.cell(row, "step"))
        if place[0] != call:
            return None
        if place == (call, loop, step):
            return row
    return None
