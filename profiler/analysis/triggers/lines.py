"""Code around a place that a compile event names, as the worker told it."""

from __future__ import annotations

from profiler import events as ev
from profiler.analysis.compiles import Compile
from profiler.analysis.state import RunState
from profiler.analysis.triggers.model import Lines
from profiler.analysis.wholes import whole


def of_compile(run: RunState, found: Compile) -> Lines | None:
    """The code around the guard; where that wasn't told, around the call."""
    if found.at:
        told = _told(run, found.at)
        if told is not None:
            return _lines(told, "the guard's code")
    if found.caller:
        told = _told(run, found.caller.rpartition(" in ")[0])
        if told is not None:
            return _lines(told, "called from")
    return None


def at(run: RunState, file: str, line: int, what: str) -> Lines | None:
    """The code around line ``line`` of ``file``; None where it wasn't told."""
    told = run.sources.get((file, line))
    return None if told is None else _lines(told, what)


def _told(run: RunState, place: str) -> ev.SourceLines | None:
    file, _, number = place.rpartition(":")
    line = whole(number)
    return None if line is None else run.sources.get((file, line))


def _lines(told: ev.SourceLines, what: str) -> Lines:
    return Lines(file=told.file, line=told.line, first=told.first, lines=list(told.lines), what=what)
