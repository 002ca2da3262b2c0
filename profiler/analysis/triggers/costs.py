"""What a compile took, phase by phase: torch gives nested durations, these are the parts that add up."""

from __future__ import annotations

from profiler import events as ev
from profiler.analysis.compiles import Compile
from profiler.analysis.triggers.model import Cost, Part

INSIDE: dict[str, tuple[str, ...]] = {
    "other": ("dynamo",),
    "dynamo": ("aot", "guards"),
    "aot": ("inductor",),
    "inductor": ("codegen", "autotune"),
    "codegen": ("kernels",),
}
"""Which phases lie within which, from the whole compile (what is left of it is ``other``) down."""
PHASES = ("dynamo", "guards", "aot", "inductor", "autotune", "codegen", "kernels", "other")
"""The order in which parts are told: roughly that of time."""
_LAYERS = {"fx": "FX graph", "aot": "AOTAutograd"}


def cost(found: Compile) -> Cost | None:
    """The cost of a compile that ended; None while it runs."""
    end = found.end
    if end is None:
        return None
    return Cost(
        ms=end.ns / 1e6,
        net_ms=(end.ns - (end.overhead_ns or 0)) / 1e6,
        parts=parts(found),
        operators=end.operators,
        guards=end.guards,
        guard_ms=_ms(end.guard_ns),
        overhead_ms=_ms(end.overhead_ns),
        handler_ms=_ms(end.handler_ns),
        restarts=end.restarts,
        caches=[_lookup(one) for one in found.caches],
    )


def parts(found: Compile) -> list[Part]:
    """The exclusive parts of a compile that ended. They add up to its wall time; a part of nothing is left out."""
    end = found.end
    if end is None:
        return []
    nested = {phase: ns for phase, ns in end.phases.items() if ns > 0}
    # torch's metrics don't have this one; of a run that compiles often it isn't told each time.
    guards = sum(span.ns for span in found.spans if span.phase == "guards" and span.ns is not None)
    if guards:
        nested.setdefault("guards", guards)
    own: dict[str, int] = {}
    _share("other", end.ns, nested, own)
    return [Part(phase, own[phase] / 1e6) for phase in PHASES if own.get(phase)]


def _share(phase: str, ns: int, nested: dict[str, int], own: dict[str, int]) -> None:
    """Give ``ns`` of ``phase`` to what lies within it, and the rest to itself.

    A phase that wasn't measured hands all on: its inner ones lie directly within the next outer one. torch measures
    some phases on other threads or on another clock, so an inner one may be told as longer than what it lies in: it is
    cut to that.
    """
    rest = ns
    for inner in _directly_within(phase, nested):
        given = min(nested[inner], rest)
        rest -= given
        _share(inner, given, nested, own)
    own[phase] = rest


def _directly_within(phase: str, nested: dict[str, int]) -> list[str]:
    found: list[str] = []
    for inner in INSIDE.get(phase, ()):
        found += [inner] if inner in nested else _directly_within(inner, nested)
    return found


def _lookup(one: ev.CacheLookup) -> str:
    words = f"{_LAYERS.get(one.layer, one.layer)} {one.state}"
    if one.state == "hit" and one.saved_ns:
        words += f", saved {one.saved_ns / 1e9:.1f} s"
    if one.why:
        words += f": {one.why}"
    return words


def _ms(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e6
