"""What is being compiled at the moment, for how long, and how long it took the last time."""

from __future__ import annotations

from profiler.analysis.compiles import Compile
from profiler.analysis.state import RunState, SessionState
from tui import safe
from tui.pictures import words
from tui.pictures.names import run_label
from tui.pictures.triggers.phases import innermost


def compiling_text(session: SessionState, now_ns: int) -> str:
    """``compiling UNet2DConditionModel, inductor codegen, 12 s; the last one took 24.3 s``; "" while nothing is."""
    run = session.current
    found = under_way(run) if run is not None else None
    if run is None or found is None:
        return ""
    phase = innermost(found.phase)
    parts = [f"compiling {found.module or found.function or found.id}{' again' if found.recompile else ''}"]
    if phase:
        parts.append(phase)
    parts.append(f"{max(0, now_ns - found.t) // 1_000_000_000} s")
    last = last_like(run, found)
    before = f"; the last one took {words.seconds(last.end.ns / 1e9)}" if last is not None and last.end else ""
    return safe.line(f"{', '.join(parts)}{before}  {run_label(run, session.request)}", 300)


def under_way(run: RunState) -> Compile | None:
    """The compile that ``run`` is at; of nested ones the newest."""
    if run.outcome is not None:
        return None
    return next((found for found in reversed(run.compiles.values()) if found.running), None)


def last_like(run: RunState, found: Compile) -> Compile | None:
    """The compile before ``found`` of the same module class, or else function, that ended."""
    same = (
        one
        for one in reversed(run.compiles.values())
        if one.end is not None and (one.module, one.function) == (found.module, found.function)
    )
    return next(same, None)
