"""Where the step chart's cursor is, once a place was clicked on or it was moved by some steps."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.state import RunState, SessionState
from tui.pictures.focus import BEFORE_STEPS, Focus
from tui.pictures.names import origin_ns, session_s
from tui.pictures.traces import Trace, row_of


def focus_at_time(session: SessionState, x: float) -> Focus | None:
    """The step of the session that was under way at ``x`` seconds of its own time, else the nearest in time."""
    t = _log_ns(session, x)
    nearest: tuple[int, RunState, int] | None = None
    for run in session.runs.values():
        steps = run.steps
        after = steps.first_at("start_ns", t)
        for row in (after - 1, after):
            if 0 <= row < len(steps):
                start = steps.cell(row, "start_ns")
                away = max(start - t, t - start - steps.cell(row, "ns"), 0)
                if nearest is None or away < nearest[0]:
                    nearest = away, run, row
    return None if nearest is None else _focus(nearest[1], nearest[2])


def focus_near(traces: Sequence[Trace], x: float, preferred: str) -> Focus | None:
    """The step nearest to ``x`` on the axis of ``traces``; of equally near ones that of the run ``preferred``."""
    found = [(*near, trace.run) for trace in traces if (near := trace.nearest(x)) is not None]
    # Steps of cases that lie over each other are equally near, but for rounding.
    best = min(found, key=lambda one: (round(one[0], 6), one[2].name != preferred), default=None)
    return None if best is None else _focus(best[2], best[1])


def newest_focus(traces: Sequence[Trace], until: float, preferred: str) -> Focus | None:
    """The newest step that lies up to ``until`` on the axis, of the run ``preferred`` where that has any."""
    found = [(trace.run, row) for trace in traces if (row := trace.newest(until)) is not None]
    best = max(found, key=lambda one: (one[0].name == preferred, one[0].steps.cell(one[1], "start_ns")), default=None)
    return None if best is None else _focus(*best)


def moved(run: RunState, focus: Focus, by: int) -> Focus:
    """``focus`` moved by so many steps of its loop, to the run's first or last one at most."""
    if not by:
        return focus
    steps, row = run.steps, None
    if focus.step != BEFORE_STEPS:
        row = row_of(run, focus.loop, focus.call, focus.step)
    if row is None:
        call = run.calls.get(focus.call)
        row = call.first_step if call is not None and call.first_step >= 0 else len(steps)
        if focus.step == BEFORE_STEPS and by > 0:
            row -= 1  # the next step is the call's first
    found, left, one = None, abs(by), 1 if by > 0 else -1
    while left and 0 <= row + one < len(steps):
        row += one
        if steps.cell(row, "loop") == focus.loop:
            found, left = row, left - 1
    return focus if found is None else _focus(run, found)


def time_of(session: SessionState, focus: Focus) -> float | None:
    """When the step of ``focus`` ended (a call's beginning: began), in seconds of the session's own time."""
    run = session.runs.get(focus.run)
    call = run.calls.get(focus.call) if run is not None else None
    if run is None or call is None:
        return None
    row = None if focus.step == BEFORE_STEPS else row_of(run, focus.loop, focus.call, focus.step)
    if row is None:
        return session_s(session, call.start_ns)
    return session_s(session, run.steps.cell(row, "start_ns") + run.steps.cell(row, "ns"))


def _focus(run: RunState, row: int) -> Focus:
    steps = run.steps
    return Focus(run.name, steps.cell(row, "call"), steps.cell(row, "loop"), steps.cell(row, "step"))


def _log_ns(session: SessionState, x: float) -> int:
    """The moment of the log's clock that is ``x`` seconds of the session's own time."""
    t = origin_ns(session) + int(x * 1e9)
    for start, end in session.pauses:
        if t >= start:
            t += end - start
    return t
