"""The step-latency chart: the newest run of each case over the others, point by point on the same call slots; or over
the session's own time; or every call over every other.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from profiler.analysis.state import RunState, SessionState
from profiler.request import Case
from tui.charts.axes import StickyLogRange, StickyRange, clips_above
from tui.charts.decimate import min_max, same_gaps
from tui.charts.reading import nearest
from tui.charts.spec import Axis, ChartSpec, Cursor, Reading, Series
from tui.charts.window import Window, panned, within
from tui.pictures import cursor
from tui.pictures.compiles import Explained
from tui.pictures.focus import BEFORE_STEPS, Focus
from tui.pictures.looks import case_look
from tui.pictures.names import group_key, group_label, origin_ns, variant_label
from tui.pictures.slots import Slots
from tui.pictures.spots import Spots, label, place_text
from tui.pictures.traces import OverlayTrace, SlotTrace, TimeTrace, Trace, row_of
from tui.pictures.view import StepsView

MOST_OVERLAID = 48
"""Lines of an overlay: of more calls the newest of each case are drawn, and the note says so."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """One run of the chart: its points, and where something was compiled."""

    case: Case
    run: RunState
    trace: Trace
    spots: Spots


class StepsChart:
    """Makes the specs of the step chart of one session, one after the other as it goes on."""

    def __init__(self, session: SessionState, explained: Explained | None = None) -> None:
        self._session = session
        self._explained = explained or Explained()
        self.stops: tuple[Focus, ...] = ()
        """Where the cursor of the chart that was made last can go, from left to right."""
        self.stop_at = 0
        """How many of the stops lie left of the cursor, or at it."""
        self.seen = StepsView()
        """The view of the chart that was made last, with the cursor where it is and the window that was drawn."""
        self.whole = Window(0.0, 1.0)
        """All of the axis of the chart that was made last."""
        self.newest: float | None = None
        """Where on it the run under way has come to; of a session that stands still: the furthest step."""
        self._traces: dict[tuple[object, ...], Trace] = {}
        self._ranges: dict[tuple[object, ...], StickyRange] = {}
        self._logs: dict[tuple[object, ...], StickyLogRange] = {}

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

    def settle(self) -> None:
        """All was read: what half of the logs had for steady steps makes no range any more."""
        self._ranges.clear()

    def spec(self, view: StepsView, now_s: float, times: Window | None = None) -> ChartSpec:
        """The chart as it is now; ``now_s`` on any monotonic clock, ``times`` all of the axis of time."""
        request, asked = self._session.request, view
        view = self._focused(self._clicked(view))
        group = view.group or self._group_under_way()
        cases = [case for case in request.cases if group_key(case.workload) == group]
        runs = [(case, run) for case in cases for run in self._runs_of(case, view)]
        slots = Slots.of(cases, [run for _, run in runs])
        loops = dict(self.loops(view))
        loop = view.loop if view.loop in loops else 0  # another workload may have had more loops
        shown = [
            _Shown(case, run, trace, trace.spots(self._explained.of(run)))
            for case, run in runs
            for trace in [self._trace(run, view, slots, loop)]
        ]
        self.whole = self._whole(view, shown, slots, times)
        self.newest = self._newest(view, [one.trace for one in shown])
        if view.axis == "steps":
            view = view.followed("steps", self.newest, self.whole)
        view, focus = self._pointed(view, shown)
        window = Window(*within(view.window, self.whole))
        x_cursor = next((self._x_of(one, focus) for one in shown if focus and one.run.name == focus.run), None)
        if (
            x_cursor is not None
            and asked.seek
            and view.window is not None
            and not window.low <= x_cursor <= window.high
        ):
            window = panned(window, self.whole, x_cursor - (window.low + window.high) / 2)
            view = view.windowed(window, view.axis)
        self.seen = replace(asked.pointed(view.focus), seek=False, slots=view.slots, times=view.times)
        x = self._axis(view, shown, slots, window)
        y = self._y_axis(view, group, loop, [one.trace for one in shown], window, now_s)
        series = self._series(view, shown, x)
        stops = sorted((stop for one in shown for stop in one.spots.stops), key=lambda stop: stop[0])
        self.stops = tuple(stop for _, stop in stops)
        self.stop_at = 0 if x_cursor is None else bisect_right([at for at, _ in stops], x_cursor)
        return ChartSpec(
            title=self._title(view, group, loop, loops),
            series=series,
            x=x,
            y=y,
            marks=tuple(dict.fromkeys(mark for one in shown for mark in one.spots.marks)),
            clips=() if view.log else clips_above(series, y.high),
            empty=self._empty(),
            note=self._note(view, [run for _, run in runs], series),
            mark_row=any(case.compilation.variant != "no-compile" for case in cases),
            cursor=None if focus is None else self._cursor(focus, shown),
        )

    # --- what is seen ---

    def _clicked(self, view: StepsView) -> StepsView:
        """``view`` with the cursor at the step of the moment that was clicked on."""
        if view.focus is not None or view.at is None or view.at.axis != "time":
            return view
        return replace(view, focus=cursor.focus_at_time(self._session, view.at.x), at=None)

    def _focused(self, view: StepsView) -> StepsView:
        """``view`` with the workload, the repeat and the loop in which the cursor is."""
        focus = view.focus
        if focus is None:
            return view
        run = self._session.runs.get(focus.run)
        if run is None:
            return view.pointed(None)
        repeat = view.repeat if view.axis == "time" else run.run.repeat
        return replace(view, group=group_key(run.case.workload), repeat=repeat, loop=focus.loop)

    def _pointed(self, view: StepsView, shown: list[_Shown]) -> tuple[StepsView, Focus | None]:
        """``view`` with the cursor at a step, and that one, if it is on the chart."""
        if not view.pointing:
            return view, None
        traces, current = [one.trace for one in shown], self._session.current
        preferred = current.name if current is not None else ""
        focus = view.focus
        if focus is None and view.at is not None:
            focus = cursor.focus_near(traces, view.at.x, preferred)
        elif focus is None:
            # The first key that moves it makes it seen.
            focus = cursor.newest_focus(traces, within(view.window, self.whole).high, preferred)
            view = replace(view, moved=0)
        found = next((one for one in shown if focus is not None and one.run.name == focus.run), None)
        if focus is None or found is None:
            return view.pointed(None), None
        focus = cursor.moved(found.run, focus, view.moved)
        spot = found.spots.at(focus)
        if spot is not None and not focus.key:
            focus = replace(focus, key=spot.found[0].key)
        return view.pointed(focus), focus

    def _group_under_way(self) -> str:
        run = self._session.current
        if run is None:
            run = next((run for run in reversed(self._session.runs.values()) if len(run.steps)), None)
        case = run.case if run is not None else self._session.request.cases[0]
        return group_key(case.workload)

    def _runs_of(self, case: Case, view: StepsView) -> list[RunState]:
        """The newest run of a case that made a step, or the repeat that was chosen; over time there is room for all."""
        pointed = view.focus.run if view.focus is not None else ""
        runs = [run for run in self._session.runs_of(case.name) if len(run.steps) or run.name == pointed]
        if view.repeat is not None:
            runs = [run for run in runs if run.run.repeat == view.repeat]
        if view.axis == "time":
            return sorted(runs, key=lambda run: run.steps.cell(0, "start_ns") if len(run.steps) else math.inf)
        return runs[-1:]

    def _trace(self, run: RunState, view: StepsView, slots: Slots, loop: int) -> Trace:
        key: tuple[object, ...]
        if view.axis == "time":
            # A conductor's first record may be read after a worker's: every point then lies elsewhere.
            key = (run.name, loop, origin_ns(self._session), *self._session.pauses)
            trace = self._traces.get(key) or TimeTrace(self._session, run, loop)
        elif view.overlay:
            key = (run.name, loop, "overlay")
            trace = self._traces.get(key) or OverlayTrace(run, loop)
        else:
            key = (run.name, loop, slots)
            trace = self._traces.get(key) or SlotTrace(run, slots, loop)
        self._traces[key] = trace
        trace.follow()
        return trace

    # --- axes ---

    def _whole(self, view: StepsView, shown: list[_Shown], slots: Slots, times: Window | None) -> Window:
        if view.axis == "time":
            return times or Window(0.0, max((one.trace.xs[-1] for one in shown if one.trace.xs), default=1.0))
        if view.overlay:
            planned = [one.case.workload.steps or 1 for one in shown]
            most = max([*planned, *(one.trace.most for one in shown if isinstance(one.trace, OverlayTrace))], default=1)
            return Window(0.5, most + 0.5)
        return slots.whole

    def _newest(self, view: StepsView, traces: list[Trace]) -> float | None:
        """Overlaid calls all end where the axis does: there is nothing to follow."""
        if view.overlay and view.axis == "steps":
            return None
        current = self._session.current
        mine = [trace for trace in traces if current is not None and trace.run is current and trace.xs] or traces
        return max((trace.xs[-1] for trace in mine if trace.xs), default=None)

    def _axis(self, view: StepsView, shown: list[_Shown], slots: Slots, window: Window) -> Axis:
        whole = None if view.window is None else self.whole
        if view.axis == "time":
            return Axis(*window, "s", whole=whole)
        if view.overlay:
            return Axis(*window, label="step", whole=whole)
        if whole is None:
            return slots.axis(view.columns)
        traces = [one.trace for one in shown if isinstance(one.trace, SlotTrace)]
        planned = {trace.planned(call) for trace in traces for call in trace.run.calls}
        return slots.axis(view.columns, window, planned.pop() if len(planned) == 1 else 0)

    def _y_axis(
        self, view: StepsView, group: str, loop: int, traces: list[Trace], window: Window, now_s: float
    ) -> Axis:
        key = (group, loop, view.full_range)
        if view.log:
            sticky = self._logs.setdefault(key, StickyLogRange())
            low = min((trace.extent.smallest for trace in traces), default=0.0)
            high = max((trace.extent.largest for trace in traces), default=0.0)
            return Axis(*sticky.fit(low, high, now_s), "s", scale="log")
        if not view.full_range:
            high = max((trace.extent.steady for trace in traces), default=0.0)
        elif view.window is None:
            high = max((trace.extent.largest for trace in traces), default=0.0)
        else:
            # Another window has other spikes, and a range of its own.
            high = max((trace.largest_in(window) for trace in traces), default=0.0)
            return Axis(0.0, StickyRange("s").fit(high, now_s), "s")
        return Axis(0.0, self._ranges.setdefault(key, StickyRange("s")).fit(high, now_s), "s")

    # --- lines ---

    def _series(self, view: StepsView, shown: list[_Shown], x: Axis) -> tuple[Series, ...]:
        request = self._session.request
        most = max(MOST_OVERLAID // max(len(shown), 1), 1)
        found: list[Series] = []
        for case in dict.fromkeys(one.case.name for one in shown):
            mine = [one for one in shown if one.case.name == case]
            style = case_look(mine[0].case, request).style
            name = variant_label(mine[0].case, request)
            if view.overlay and view.axis == "steps":
                lines = mine[0].trace.lines()[-most:]
                for number, (xs, ys) in enumerate(lines):
                    newest = number == len(lines) - 1
                    key = case if newest else f"{case} {number}"
                    found.append(Series(key, name if newest else "", *_drawn([(xs, ys)], x, view.columns), style))
            elif len(mine) == 1 and not view.overlay:
                trace = mine[0].trace
                drawn = trace.thinned.points(trace.xs, trace.ys, x.low, x.high, view.columns * 2, trace.layout)
                found.append(Series(case, name, *drawn, style))
            else:
                lines = [line for one in mine for line in one.trace.lines()]
                found.append(Series(case, name, *_drawn(lines, x, view.columns), style))
        return tuple(found)

    # --- the cursor ---

    def _x_of(self, shown: _Shown, focus: Focus) -> float:
        return shown.trace.x_of(focus.call, None if focus.step == BEFORE_STEPS else focus.step)

    def _cursor(self, focus: Focus, shown: list[_Shown]) -> Cursor | None:
        one = next(one for one in shown if one.run.name == focus.run)
        row = None if focus.step == BEFORE_STEPS else row_of(one.run, focus.loop, focus.call, focus.step)
        ns = None if row is None else one.run.steps.cell(row, "ns")
        number = next((n for n, stop in enumerate(self.stops, 1) if same_place(stop, focus)), None)
        return Cursor(
            x=self._x_of(one, focus),
            label=label(one.run, focus, one.spots.at(focus), ns),
            series=one.case.name,
            y=None if ns is None else ns / 1e9,
            note="" if number is None else f"{number} of {len(self.stops)}",
            readings=self._readings(focus, one, shown),
            place=place_text(one.run, focus),
        )

    def _readings(self, focus: Focus, at: _Shown, shown: list[_Shown]) -> tuple[Reading, ...]:
        """What every case has at the cursor: on the same place of the axis; overlaid, in the same call."""
        x = self._x_of(at, focus)
        found: dict[str, float | None] = {}
        for one in shown:
            trace, y = one.trace, None
            if isinstance(trace, OverlayTrace):
                xs, ys = trace.line_of(self._same_call(at.run, focus.call, one.run))
                y = nearest(xs, ys, x, 0.4)
            elif one.run is at.run and focus.step != BEFORE_STEPS:
                row = row_of(one.run, focus.loop, focus.call, focus.step)
                y = None if row is None else one.run.steps.cell(row, "ns") / 1e9
            elif isinstance(trace, SlotTrace) and isinstance(at.trace, SlotTrace):
                y = nearest(trace.xs, trace.ys, x, at.trace.width(focus.call) * 0.6)
            if found.get(one.case.name) is None:
                found[one.case.name] = y
        return tuple(Reading(case, y) for case, y in found.items())

    @staticmethod
    def _same_call(run: RunState, call: int, other: RunState) -> int:
        """The call of ``other`` that is as far in the same phase as ``call`` is in ``run``."""
        known = run.calls.get(call)
        mine = [n for n, one in run.calls.items() if known is not None and one.phase == known.phase]
        theirs = [n for n, one in other.calls.items() if known is not None and one.phase == known.phase]
        place = mine.index(call) if call in mine else -1
        return theirs[place] if 0 <= place < len(theirs) else -1

    # --- words ---

    def _title(self, view: StepsView, group: str, loop: int, loops: dict[int, str]) -> str:
        title = "step latency"
        if view.overlay and view.axis == "steps":
            title += ", calls overlaid"
        if len(loops) > 1:
            title += f", {loops.get(loop, loop)} ({list(loops).index(loop) + 1} of {len(loops)})"
        workload = group_label(group, self._session.request)
        if workload:
            title += f", {workload}"
        return title

    def _note(self, view: StepsView, runs: list[RunState], series: Sequence[Series]) -> str:
        """Which repeats are seen, where there are several; and that not all calls are."""
        said = []
        if view.overlay and view.axis == "steps":
            calls = sum(1 for run in runs for call in run.calls.values() if call.first_step >= 0)
            if len(series) < calls:
                said.append(f"newest {len(series)} of {calls} calls")
        repeats = sorted({run.run.repeat for run in runs}) or ([] if view.repeat is None else [view.repeat])
        if self._session.request.repeats > 1 and repeats:
            said.append(f"repeat {repeats[0]}" if len(repeats) == 1 else f"repeats {repeats[0]}-{repeats[-1]}")
        return ", ".join(said)

    def _empty(self) -> str:
        if self._session.over:
            return "no step was made"
        return "waiting for the first step"


def _drawn(
    lines: Sequence[tuple[Sequence[float], Sequence[float]]], x: Axis, columns: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """``lines`` one after the other with a gap between two, in as many points as ``x`` can show in ``columns``."""
    out_x: list[float] = []
    out_y: list[float] = []
    for line_x, line_y in lines:
        # Twice the columns, which the canvas brings down to what it has: a value of 20 000 floats is slow to compare.
        xs, ys = min_max(line_x, line_y, x.low, x.high, columns * 2)
        if out_x and xs:
            out_x.append(out_x[-1])
            out_y.append(math.nan)
        out_x += xs
        out_y += ys
    return tuple(out_x), tuple(same_gaps(out_y))


def same_place(one: Focus, other: Focus) -> bool:
    """Whether both point at the same step of the same run."""
    return (one.run, one.call, one.loop, one.step) == (other.run, other.call, other.loop, other.step)
