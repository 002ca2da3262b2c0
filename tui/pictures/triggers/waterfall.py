"""The compiles of one run on a time axis that they share."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.analysis.state import SessionState
from profiler.analysis.triggers import Occurrence, Part, waterfall
from tui import safe
from tui.pictures.names import run_label
from tui.pictures.triggers.lines import STYLES, SYMBOLS


@dataclass(frozen=True, slots=True)
class BarLine:
    """One compile: its label and where its bar lies, in seconds from the run's start."""

    key: str
    symbol: str
    style: str
    label: str
    start_s: float
    duration_s: float
    parts: tuple[Part, ...]
    running: bool
    measured: bool
    one: Occurrence | None = None


@dataclass(frozen=True, slots=True)
class Waterfall:
    """``end_s`` is where the axis ends: with the last compile. ``runs``: those that one can choose from."""

    run: str = ""
    label: str = ""
    runs: tuple[str, ...] = ()
    end_s: float = 0.0
    lines: tuple[BarLine, ...] = ()
    empty: str = ""


def waterfall_of(
    session: SessionState, every: dict[str, Occurrence], wanted: str | None, before: str = ""
) -> Waterfall:
    """The waterfall of the run ``wanted``; None: of the run under way, else of the one seen ``before``, else of the
    first that compiled something.

    ``every`` holds the occurrences of the session by their keys.
    """
    runs = tuple(name for name, run in session.runs.items() if run.compiles)
    if not runs:
        return Waterfall(empty="no run has compiled anything")
    current = session.current
    usual = (current.name if current is not None else "", before, runs[0])
    name = wanted if wanted in runs else next(name for name in usual if name in runs)
    run = session.runs[name]
    bars = waterfall(run)
    lines = tuple(
        BarLine(
            key=bar.key,
            symbol=SYMBOLS[bar.kind],
            style="accent" if bar.running else STYLES[bar.kind],
            label=safe.line(_label(every.get(bar.key), bar.label), 80),
            start_s=bar.start_s,
            duration_s=bar.duration_s,
            parts=tuple(bar.parts),
            running=bar.running,
            measured=bar.measured,
            one=every.get(bar.key),
        )
        for bar in bars
    )
    end_s = max((bar.start_s + bar.duration_s for bar in bars), default=0.0)
    empty = "" if lines else "this run compiled nothing that took time"
    return Waterfall(name, run_label(run, session.request), runs, end_s, lines, empty)


def _label(one: Occurrence | None, label: str) -> str:
    """The class and the component; bars stand close, so that a whole qualified name has no room."""
    if one is None or not one.module:
        return label
    component = (one.fqn or "").partition(".")[0]
    return f"{one.module} ({component})" if component else one.module
