"""The places of the step chart at which torch.compile did something: marks, stops of the cursor, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from profiler.analysis.state import RunState
from profiler.analysis.triggers import Occurrence
from tui import safe
from tui.charts.palette import GRAVEST_FIRST
from tui.charts.spec import Mark, MarkSymbol
from tui.pictures.compiles import blamed, compile_text, what
from tui.pictures.focus import BEFORE_STEPS, Focus
from tui.pictures.triggers.lines import SYMBOLS, milliseconds, short_place

_SYMBOLS: dict[str, MarkSymbol] = {kind: cast(MarkSymbol, symbol) for kind, symbol in SYMBOLS.items()}


@dataclass(slots=True)
class Spot:
    """One place of one run: a step of a call, or its beginning (`BEFORE_STEPS`). The gravest occurrence comes first."""

    call: int
    step: int
    x: float
    found: list[Occurrence] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Spots:
    """The spots of one run, its marks, and where its cursor can go, each with its x."""

    found: tuple[Spot, ...] = ()
    marks: tuple[Mark, ...] = ()
    stops: tuple[tuple[float, Focus], ...] = ()

    @classmethod
    def of(
        cls, run: RunState, loop: int, explained: Sequence[Occurrence], x_of: Callable[[int, int | None], float]
    ) -> Spots:
        """For the chart of ``loop``."""
        found = spots_of(loop, explained, x_of)
        stops = tuple((spot.x, Focus(run.name, spot.call, loop, spot.step, spot.found[0].key)) for spot in found)
        return cls(tuple(found), tuple(marks(found, run.case.name)), stops)

    def at(self, focus: Focus) -> Spot | None:
        """The spot that ``focus`` points at."""
        return next((spot for spot in self.found if (spot.call, spot.step) == (focus.call, focus.step)), None)


def spots_of(loop: int, explained: Sequence[Occurrence], x_of: Callable[[int, int | None], float]) -> list[Spot]:
    """The spots of a run on the chart of ``loop``, by x; what is outside any loop is on the first one's."""
    spots: dict[tuple[int, int], Spot] = {}
    for one in explained:
        place = one.place
        if place.call is None or (place.loop or 0) != loop:
            continue
        at = (place.call, BEFORE_STEPS if place.step is None else place.step)
        if at not in spots:
            spots[at] = Spot(*at, x_of(place.call, place.step))
        spots[at].found.append(one)
    for spot in spots.values():
        spot.found.sort(key=lambda one: (GRAVEST_FIRST.index(SYMBOLS[one.kind]), -(one.cost.ms if one.cost else 0.0)))
    return sorted(spots.values(), key=lambda spot: spot.x)


def marks(spots: Sequence[Spot], series: str) -> list[Mark]:
    """One mark of a kind for a spot: a compiling step compiles dozens of frames."""
    return [Mark(spot.x, _SYMBOLS[kind], series) for spot in spots for kind in sorted({one.kind for one in spot.found})]


def label(run: RunState, focus: Focus, spot: Spot | None, ns: int | None) -> str:
    """What the cursor says: where, how long that step took and usually takes, and what was compiled and why.

    Without a ``spot`` nothing was compiled there. ``ns``: how long the step took, None while it isn't known.
    """
    found = [] if spot is None else sorted(spot.found, key=lambda one: one.key != focus.key)
    where = short_place(found[0]) if found else place_text(run, focus)
    if ns is not None:
        usual = found[0].place.usual_ms if found else None
        where += f": {milliseconds(ns / 1e6)}" + (f", usual {milliseconds(usual)}" if usual is not None else "")
    said = [where, *([_said(found[0], len(found) - 1)] if found else [focus.label] if focus.label else [])]
    return safe.line(" · ".join(said), 400)


def _said(one: Occurrence, more: int) -> str:
    text = compile_text(one) if one.kind == "compile" else f"{one.sentence}{blamed(one)}"
    if one.kind == "recompile":
        text = f"recompile: {text}" if one.blame == "artefact" else f"recompile: {text}, {what(one)}"
    return f"{text} (and {more} more)" if more else text


def place_text(run: RunState, focus: Focus) -> str:
    """Where a focus is, for people: ``call 2 step 13``."""
    call = run.calls.get(focus.call)
    number = focus.call + 1
    if call is not None and call.phase:
        number = sum(1 for other in run.calls.values() if other.phase == call.phase and other.index <= call.index)
    phase = call.phase if call is not None else ""
    where = {"compile": "compiling call", "warmup": "warm-up"}.get(phase, f"call {number}")
    return where if focus.step == BEFORE_STEPS else f"{where} step {focus.step + 1}"
