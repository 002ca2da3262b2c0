"""What two cases compiled, side by side."""

from __future__ import annotations

import msgspec

from profiler.analysis.compiles import outermost
from profiler.analysis.figures import run_figures
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers.costs import PHASES, parts
from profiler.analysis.triggers.model import Part


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What a case compiled: of its run that compiled longest (``run``; None: none began), since repeats compile alike.

    Counts and seconds are that run's ``RunFigures.compile``.
    """

    case: str
    variant: str
    run: str | None
    runs: int  # of the case that began
    compiles: int = 0
    recompiles: int = 0
    graph_breaks: int = 0
    limit_hits: int = 0
    eager_fallback_steps: int = 0
    seconds: float = 0.0
    net_seconds: float = 0.0  # without torch's structured logging, which the profiler switches on
    parts: list[Part] = msgspec.field(default_factory=list)  # they add up to ``seconds``
    operators: int | None = None  # of all graphs together
    guards: int | None = None  # of all entries together
    guard_ms: float | None = None  # evaluating the guards of every entry once
    caches: dict[str, int] = msgspec.field(default_factory=dict)  # lookups by outcome: fx_hit, aot_miss, ...


def summary(session: SessionState, case: str) -> Side:
    """What ``case`` compiled. Raises KeyError for a case that the session doesn't have."""
    variant = session.request.case(case).compilation.variant
    began = [run for run in session.runs_of(case) if run.header is not None]
    if not began:
        return Side(case=case, variant=variant, run=None, runs=0)
    run = max(began, key=lambda run: run_figures(session, run).compile.seconds)
    figures = run_figures(session, run).compile
    ends = [found.end for found in run.compiles.values() if found.end is not None]
    return Side(
        case=case,
        variant=variant,
        run=run.name,
        runs=len(began),
        compiles=figures.compiles,
        recompiles=figures.recompiles,
        graph_breaks=figures.graph_breaks,
        limit_hits=figures.limit_hits,
        eager_fallback_steps=figures.eager_fallback_steps,
        seconds=figures.seconds,
        net_seconds=figures.net_seconds,
        parts=_parts(run),
        operators=_sum([end.operators for end in ends]),
        guards=_sum([end.guards for end in ends]),
        guard_ms=None if (ns := _sum([end.guard_ns for end in ends])) is None else ns / 1e6,
        caches=figures.cache,
    )


def _parts(run: RunState) -> list[Part]:
    sums: dict[str, float] = {}
    for found in outermost(run.compiles.values()):
        for part in parts(found):
            sums[part.phase] = sums.get(part.phase, 0.0) + part.ms
    return [Part(phase, sums[phase]) for phase in PHASES if phase in sums]


def _sum(values: list[int | None]) -> int | None:
    """The sum of what was measured; None where nothing was."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
