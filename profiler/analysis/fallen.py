"""Steps that fell to eager: fewer compiled graphs ran in them than should have, and torch says nothing of it."""

from __future__ import annotations

from collections import deque

from profiler.analysis.columns import ABSENT
from profiler.analysis.state import RunState
from profiler.events import EagerFallback


def fallen_steps(run: RunState) -> dict[int, int]:
    """How many steps of each call fell to eager, by the call's number; calls without any are left out.

    From the step on that the worker named, each step of that loop is held against the number of graphs that should have
    run there. Loops have denoisers of their own: the graphs of one say nothing of another's.
    """
    if not run.fallbacks:
        return {}
    told: dict[int, deque[EagerFallback]] = {}
    for event in sorted(run.fallbacks, key=_place):
        told.setdefault(event.loop or 0, deque()).append(event)
    first = run.calls.get(min(event.call or 0 for event in run.fallbacks))
    begin = max(first.first_step, 0) if first is not None else 0
    expected: dict[int, int] = {}
    found: dict[int, int] = {}
    columns = [run.steps.column(name, begin) for name in ("call", "loop", "step", "graphs")]
    for call, loop, step, graphs in zip(*columns, strict=True):
        waiting = told.get(loop)
        while waiting and _place(waiting[0]) <= (call, step):
            expected[loop] = waiting.popleft().expected
        if graphs != ABSENT and graphs < expected.get(loop, 0):
            found[call] = found.get(call, 0) + 1
    return found


def _place(event: EagerFallback) -> tuple[int, int]:
    return event.call or 0, event.step or 0
