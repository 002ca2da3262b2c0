"""The step-latency chart: the newest run of each case over the others, point by point on the same call slots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median_low

from profiler.analysis.legs import legs_begin, stretches
from profiler.analysis.progress import planned_calls, run_plan
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import Occurrence
from profiler.request import Case
from tui import safe
from tui.charts.axes import SPIKE_FACTOR, TICK_LADDER, StickyRange, clips_above, ladder_ceiling
from tui.charts.decimate import min_max
from tui.charts.palette import SeriesStyle
from tui.charts.spec import Axis, ChartSpec, Cursor, Series, Slot, Tick
from tui.pictures import words
from tui.pictures.compiles import Explained
from tui.pictures.focus import BEFORE_STEPS, Focus
from tui.pictures.looks import case_look
from tui.pictures.names import group_key, group_label, variant_label
from tui.pictures.spots import Spots, label

_LEAST_SLOT = 7
"""Columns that a slot must have for its border and its name to help and not to clutter."""

_TICK_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class Slots:
    """The call slots that all cases of a chart share: one unit of x each, empty where a case makes no such call."""

    compiles: int
    warmups: int
    measured: int
    legs: tuple[tuple[str, int], ...] = ()  # of the scenario: name and first measured call, from 0

    @classmethod
    def of(cls, cases: list[Case], runs: Sequence[RunState] = ()) -> Slots:
        """For ``cases``, which have one workload, and what their ``runs`` say of themselves."""
        plans = [*(planned_calls(case) for case in cases), *(run_plan(run) for run in runs)]
        compiles, warmups, measured = (
            max((plan.count(phase) for plan in plans), default=0) for phase in ("compile", "warmup", "measure")
        )
        legs = [
            (leg.name, begin) for case in cases[:1] for leg, begin in zip(case.workload.legs, legs_begin(case.workload))
        ]
        if not legs:
            seen = max((stretches(run) for run in runs), key=len, default=[])
            legs = [(leg.name, leg.ordinal) for leg in seen]
        return cls(compiles, warmups, measured, tuple(legs))

    @property
    def count(self) -> int:
        return max(self.compiles + self.warmups + self.measured, 1)

    def place(self, phase: str, ordinal: int) -> int:
        """The slot of the ``ordinal``-th call (from 0) of ``phase``; calls beyond the plan share the last slot."""
        start, room = {
            "compile": (0, self.compiles),
            "warmup": (self.compiles, self.warmups),
        }.get(phase, (self.compiles + self.warmups, self.measured))
        return min(start + min(ordinal, max(room - 1, 0)), self.count - 1)

    def axis(self, columns: int) -> Axis:
        """The x axis: the slots by name, or where they would be too narrow just the beginnings of some calls."""
        end = float(self.count)
        first = self.compiles + self.warmups
        named = self.labels()
        # A leg's name stands in the slot of its first call; on a wide screen the chart has about 3/5 of the columns.
        longest = max((len(name) + 2 for name, _ in self.legs), default=0) * 5 // 3
        if self.count * max(_LEAST_SLOT, longest) <= columns:
            return Axis(0.0, end, slots=named)
        if self.legs:
            if (first + len(self.legs)) * _LEAST_SLOT <= columns:
                return Axis(0.0, end, slots=(*named[:first], *self._leg_slots()))
            return Axis(
                0.0, end, ticks=tuple(Tick(float(first + begin), safe.line(name, 20)) for name, begin in self.legs)
            )
        apart = ladder_ceiling(self.count * _TICK_COLUMNS / max(columns, 1), TICK_LADDER)
        calls = range(0, self.measured, max(int(apart), 1))
        ticks = [Tick(float(first + call), f"call {call + 1}" if call == 0 else str(call + 1)) for call in calls]
        return Axis(0.0, end, ticks=tuple(ticks))

    def labels(self) -> tuple[Slot, ...]:
        """A slot a call; the first one of a leg has the leg's name."""
        names = [("compile", "C")] * self.compiles
        names += [
            ("warm-up", "w") if self.warmups == 1 else (f"warm-up {n + 1}", f"w{n + 1}") for n in range(self.warmups)
        ]
        begun = {begin: safe.line(name, 40) for name, begin in self.legs}
        names += [(begun.get(n, f"call {n + 1}"), str(n + 1)) for n in range(self.measured)]
        return tuple(Slot(label, n, n + 1, short) for n, (label, short) in enumerate(names))

    def _leg_slots(self) -> list[Slot]:
        """A slot a leg, as wide as its calls; in short, what its name doesn't share with the others' beginning."""
        first = self.compiles + self.warmups
        shared = words.shared([name for name, _ in self.legs])
        ends = [begin for _, begin in self.legs[1:]] + [self.measured]
        return [
            Slot(safe.line(name, 40), first + begin, first + end, safe.line(name[shared:], 40))
            for (name, begin), end in zip(self.legs, ends)
        ]


class StepTrace:
    """The points of one run, added to as the run goes on: x in slots, y in seconds."""

    def __init__(self, run: RunState, slots: Slots, loop: int) -> None:
        self._run = run
        self._slots = slots
        self._loop = loop
        self._plan = planned_calls(run.case)
        self._layout = 0
        self._spots: tuple[tuple[object, ...], Spots] = ((), Spots())
        self._restart()

    def _restart(self) -> None:
        self._layout += 1
        self._rows = 0
        self.xs: list[float] = []
        self.ys: list[float] = []
        self._widths: dict[int, int] = {}
        self._several = self._has_several()
        self._judged = 0  # points that the typical step was found from
        self._limit = math.inf
        self.steady = 0.0  # the largest step that isn't a spike
        self.largest = 0.0

    def follow(self) -> None:
        """Take in the steps that the run has gained."""
        steps = self._run.steps
        if self._several != self._has_several():
            self._restart()  # the first loop has its slot to itself once there is a second
        if len(steps) == self._rows:
            return
        if any(self._steps_of(call) > width for call, width in self._widths.items()):
            self._restart()  # a call made more steps than were planned: its slot has to hold them all
        first, self._rows = self._rows, len(steps)
        fresh: list[float] = []
        columns = [steps.column(name, first) for name in ("call", "loop", "step", "ns")]
        for call, loop, step, ns in zip(*columns, strict=True):
            if loop == self._loop:
                self.xs.append(self.x_of(call, step))
                fresh.append(ns / 1e9)
        self.ys += fresh
        self._judge(fresh)

    def x_of(self, call: int, step: int | None) -> float:
        """Where a step (None: the beginning) of a call lies."""
        found = self._run.calls.get(call)
        phase = found.phase if found is not None and found.phase else self._plan[min(call, len(self._plan) - 1)]
        ordinal = call - next((n for n, planned in enumerate(self._plan) if planned == phase), 0)
        left = float(self._slots.place(phase, max(ordinal, 0)))
        width = self._widths.get(call)
        if width is None:
            width = self._widths[call] = max(self._steps_of(call), self._planned(call), 1)
        return left + (min(0 if step is None else step, width - 1) + 0.5) / width

    def spots(self, explained: tuple[Occurrence, ...]) -> Spots:
        """The places at which something was compiled; looked for again only where something is new."""
        key = (explained, self._layout)
        if self._spots[0] != key:
            self._spots = key, Spots.of(self._run, self._loop, explained, self.x_of)
        return self._spots[1]

    def ns_of(self, call: int, step: int) -> int | None:
        """How long a step of this loop took; None while it hasn't ended."""
        found, steps = self._run.calls.get(call), self._run.steps
        if found is None or found.first_step < 0:
            return None
        for row in range(found.first_step, len(steps)):
            place = (steps.cell(row, "call"), steps.cell(row, "loop"), steps.cell(row, "step"))
            if place[0] != call:
                break
            if place == (call, self._loop, step):
                return steps.cell(row, "ns")
        return None

    def _has_several(self) -> bool:
        """Whether the calls have several loops, as far as they have come."""
        return any(len(call.loops) > 1 for call in self._run.calls.values())

    def _planned(self, call: int) -> int:
        found = self._run.calls.get(call)
        if self._several:
            # planned_steps is over all loops. What the loop made in another call tells best, then its progress bar.
            for known in self._run.calls.values():
                loop = known.loops.get(self._loop)
                if loop is not None and loop.evaluations:
                    return loop.evaluations
            loop = found.loops.get(self._loop) if found is not None else None
            if loop is not None and loop.planned_iterations:
                return loop.planned_iterations
        if found is not None and found.planned_steps:
            return found.planned_steps
        return self._run.case.workload.steps or 1

    def _steps_of(self, call: int) -> int:
        """How many steps of this loop the call has made."""
        found = self._run.calls.get(call)
        if found is None:
            return 0
        if not self._several:
            return found.steps
        loop = found.loops.get(self._loop)
        if loop is None:
            return 0
        last = next((index for index in reversed(found.loops) if found.loops[index].ns is None), None)
        if last == self._loop:
            # Under way: the other loops' steps are those of loops that have ended.
            return found.steps - sum(other.evaluations for other in found.loops.values())
        return loop.evaluations

    def _judge(self, fresh: list[float]) -> None:
        """Keep ``steady`` and ``largest`` true; what is typical is looked up again as the run grows by a quarter."""
        self.largest = max([self.largest, *fresh])
        if len(self.ys) > self._judged * 1.25:
            self._judged = len(self.ys)
            self._limit = SPIKE_FACTOR * median_low(self.ys)
            self.steady = max((y for y in self.ys if y <= self._limit), default=0.0)
        else:
            self.steady = max([self.steady, *(y for y in fresh if y <= self._limit)])


@dataclass(frozen=True, slots=True)
class StepsView:
    """What the user chose to see: which repeat (None: the newest of each case), which loop, whether spikes too."""

    repeat: int | None = None
    loop: int = 0
    full_range: bool = False
    group: str | None = None  # a workload's key; None: that of the run under way
    columns: int = 160
    focus: Focus | None = None  # what the cursor points at: its workload, repeat and loop go before those chosen


class StepsChart:
    """Makes the specs of the step chart of one session, one after the other as it goes on."""

    def __init__(self, session: SessionState, explained: Explained | None = None) -> None:
        self._session = session
        self._explained = explained or Explained(session)
        self.stops: tuple[Focus, ...] = ()
        """Where the cursor of the chart that was made last can go, from left to right."""
        self._traces: dict[tuple[str, Slots, int], StepTrace] = {}
        self._ranges: dict[tuple[str, int, bool], StickyRange] = {}

    def groups(self) -> list[str]:
        """The workloads of the session, each a chart of its own."""
        return list(dict.fromkeys(group_key(case.workload) for case in self._session.request.cases))

    def loops(self, view: StepsView) -> list[tuple[int, str]]:
        """The denoising loops that the chart can show, by index and name."""
        group = self._focused(view).group or self._group_under_way()
        found: dict[int, str] = {}
        for run in self._session.runs.values():
            if group_key(run.case.workload) == group:
                for call in list(run.calls.values())[:1]:
                    found.update({index: loop.name for index, loop in call.loops.items()})
        return sorted(found.items())

    def first_case(self, view: StepsView) -> str:
        """The first case of the workload that the chart shows."""
        group = self._focused(view).group or self._group_under_way()
        return next((case.name for case in self._session.request.cases if group_key(case.workload) == group), "")

    def spec(self, view: StepsView, now_s: float) -> ChartSpec:
        """The chart as it is now; ``now_s`` on any monotonic clock."""
        request = self._session.request
        view = self._focused(view)
        group = view.group or self._group_under_way()
        cases = [case for case in request.cases if group_key(case.workload) == group]
        shown = [(case, run) for case in cases if (run := self._run_of(case, view)) is not None]
        slots = Slots.of(cases, [run for _, run in shown])
        loops = dict(self.loops(view))
        loop = view.loop if view.loop in loops else 0  # another workload may have had more loops
        traces = [self._trace(run, slots, loop) for _, run in shown]
        pairs = list(zip(shown, traces, strict=True))
        full = view.full_range
        largest = max((trace.largest if full else trace.steady for trace in traces), default=0.0)
        high = self._range(group, loop, full).fit(largest, now_s)
        x = slots.axis(view.columns)
        series = tuple(
            _series(case, trace, x, view.columns, variant_label(case, request), case_look(case, request).style)
            for (case, run), trace in pairs
        )
        seen = [(run, trace, trace.spots(self._explained.of(run))) for (_, run), trace in pairs]
        stops = [stop for _, _, found in seen for stop in found.stops]
        self.stops = tuple(stop for _, stop in sorted(stops, key=lambda stop: stop[0]))
        return ChartSpec(
            title=self._title(group, loop, loops),
            series=series,
            x=x,
            y=Axis(0.0, high, "s"),
            marks=tuple(mark for _, _, found in seen for mark in found.marks),
            clips=clips_above(series, high),
            empty=self._empty(),
            note=self._note([run for _, run in shown]),
            mark_row=any(case.compilation.variant != "no-compile" for case in cases),
            cursor=self._cursor(view.focus, seen),
        )

    def _focused(self, view: StepsView) -> StepsView:
        """``view`` with the workload, the repeat and the loop in which the cursor is."""
        focus = view.focus
        run = self._session.runs.get(focus.run) if focus is not None else None
        if focus is None or run is None:
            return replace(view, focus=None)
        return replace(view, group=group_key(run.case.workload), repeat=run.run.repeat, loop=focus.loop)

    def _cursor(self, focus: Focus | None, seen: list[tuple[RunState, StepTrace, Spots]]) -> Cursor | None:
        """The cursor, if what it points at is on the chart."""
        for run, trace, found in seen:
            if focus is None or run.name != focus.run:
                continue
            step = None if focus.step == BEFORE_STEPS else focus.step
            ns = None if step is None else trace.ns_of(focus.call, step)
            number = next((n for n, stop in enumerate(self.stops, 1) if same_place(stop, focus)), None)
            return Cursor(
                x=trace.x_of(focus.call, step),
                label=label(run, focus, found.at(focus), ns),
                series=run.case.name,
                y=None if ns is None else ns / 1e9,
                note="" if number is None else f"{number} of {len(self.stops)}",
            )
        return None

    def _title(self, group: str, loop: int, loops: dict[int, str]) -> str:
        title = "step latency"
        if len(loops) > 1:
            title += f", {loops.get(loop, loop)} ({list(loops).index(loop) + 1} of {len(loops)})"
        workload = group_label(group, self._session.request)
        if workload:
            title += f", {workload}"
        return title

    def _note(self, runs: list[RunState]) -> str:
        """Which repeats are seen, where there are several."""
        if self._session.request.repeats == 1 or not runs:
            return ""
        repeats = sorted({run.run.repeat for run in runs})
        return f"repeat {repeats[0]}" if len(repeats) == 1 else f"repeats {repeats[0]}-{repeats[-1]}"

    def _empty(self) -> str:
        if self._session.over:
            return "no step was made"
        return "waiting for the first step"

    def _group_under_way(self) -> str:
        run = self._session.current
        if run is None:
            run = next((run for run in reversed(self._session.runs.values()) if len(run.steps)), None)
        case = run.case if run is not None else self._session.request.cases[0]
        return group_key(case.workload)

    def _run_of(self, case: Case, view: StepsView) -> RunState | None:
        pointed = view.focus.run if view.focus is not None else ""
        runs = [run for run in self._session.runs_of(case.name) if len(run.steps) or run.name == pointed]
        if view.repeat is not None:
            runs = [run for run in runs if run.run.repeat == view.repeat]
        return runs[-1] if runs else None

    def _trace(self, run: RunState, slots: Slots, loop: int) -> StepTrace:
        key = (run.name, slots, loop)
        trace = self._traces.get(key)
        if trace is None:
            trace = self._traces[key] = StepTrace(run, slots, loop)
        trace.follow()
        return trace

    def _range(self, group: str, loop: int, full: bool) -> StickyRange:
        return self._ranges.setdefault((group, loop, full), StickyRange("s"))


def _series(case: Case, trace: StepTrace, x: Axis, columns: int, label: str, style: SeriesStyle) -> Series:
    # Twice the columns, which the canvas brings down to what it has: a value of 20 000 floats is slow to compare.
    xs, ys = min_max(trace.xs, trace.ys, x.low, x.high, columns * 2)
    return Series(case.name, label, tuple(xs), tuple(ys), style)


def same_place(one: Focus, other: Focus) -> bool:
    """Whether both point at the same step of the same run."""
    return (one.run, one.call, one.loop, one.step) == (other.run, other.call, other.loop, other.step)
