"""A run's compiles on one time axis."""

from __future__ import annotations

import msgspec

from profiler.analysis.compiles import Compile
from profiler.analysis.state import RunState
from profiler.analysis.triggers.costs import parts
from profiler.analysis.triggers.model import Kind, Part


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One compile. ``start_s`` counts from the run's first phase, its loading."""

    key: str  # the occurrence's
    label: str  # what was compiled, as people call it
    kind: Kind
    start_s: float
    duration_s: float  # of one under way: until the run's last record
    parts: list[Part]  # they add up to ``duration_s``; none of one under way
    running: bool
    measured: bool  # it interrupted a measured call


def waterfall(run: RunState) -> list[Bar]:
    """The compiles of ``run`` in the order in which they began. What was refused by the recompile limit has no bar."""
    begin = run.phases[0].start_ns if run.phases else run.header.t if run.header else 0
    found = [_bar(run, one, begin) for one in run.compiles.values() if one.limit is None]
    return sorted(found, key=lambda bar: bar.start_s)


def _bar(run: RunState, found: Compile, begin: int) -> Bar:
    start = found.end.start_ns if found.end else found.t
    over = run.ended_ns or run.last_t
    took = found.end.ns if found.end else max(0, over - start)
    call = run.calls.get(found.call) if found.call is not None else None
    return Bar(
        key=key_of(run, found),
        label=found.where,
        kind=kind_of(found),
        start_s=(start - begin) / 1e9,
        duration_s=took / 1e9,
        parts=parts(found),
        running=found.running and run.outcome is None,
        measured=call is not None and call.phase == "measure",
    )


def key_of(run: RunState, found: Compile) -> str:
    """The key of a compile's occurrence: unique within the session."""
    return f"{run.name} {found.epoch} {found.id}"


def kind_of(found: Compile) -> Kind:
    if found.limit is not None:
        return "limit"
    if found.end is not None and not found.end.ok:
        return "failure"
    return "recompile" if found.recompile else "compile"
