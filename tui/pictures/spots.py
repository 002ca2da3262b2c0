"""The places of the step chart at which torch.compile did something: marks, stops of the cursor, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from profiler.analysis.state import RunState
from profiler.analysis.triggers import Occurrence
from tui import safe
from tui.charts.palette import GRAVEST_FIRST, MARK_MEANINGS
from tui.charts.spec import Mark, MarkSymbol
from tui.pictures import words
from tui.pictures.compiles import blamed
from tui.pictures.focus import BEFORE_STEPS, Focus
from tui.pictures.triggers.lines import SYMBOLS, milliseconds, short_place

_SYMBOLS: dict[str, MarkSymbol] = {kind: cast(MarkSymbol, symbol) for kind, symbol in SYMBOLS.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """Something at a spot. ``one`` is None for what isn't explained; ``key`` is the occurrence's that it belongs to."""

    symbol: MarkSymbol
    key: str
    text: str
    ms: float = 0.0
    one: Occurrence | None = None


@dataclass(slots=True)
class Spot:
    """One place of one run: a step of a call, or its beginning (`BEFORE_STEPS`). The gravest event comes first."""

    call: int
    step: int
    x: float
    events: list[Event] = field(default_factory=list)


Placed = tuple[int | None, int | None, int | None, Event]
"""Call, loop and step of an event, and the event."""


def spots_of(
    run: RunState, loop: int, explained: Sequence[Occurrence], x_of: Callable[[int, int | None], float]
) -> list[Spot]:
    """The spots of a run on the chart of ``loop``, by x; what is outside any loop is on the first one's."""
    found: dict[tuple[int, int], Spot] = {}
    for call, of_loop, step, event in [*_explained(explained), *_others(run)]:
        if call is None or (of_loop or 0) != loop:
            continue
        place = (call, BEFORE_STEPS if step is None else step)
        spot = found.get(place)
        if spot is None:
            spot = found[place] = Spot(*place, x_of(call, step))
        spot.events.append(event)
    for spot in found.values():
        spot.events.sort(key=lambda event: (GRAVEST_FIRST.index(event.symbol), -event.ms))
    return sorted(found.values(), key=lambda spot: spot.x)


def _explained(explained: Sequence[Occurrence]) -> Iterator[Placed]:
    for one in explained:
        word = f"{MARK_MEANINGS[_SYMBOLS[one.kind]]}: " if one.kind == "recompile" else ""
        text = f"{word}{one.sentence}{blamed(one)}"
        ms = one.cost.ms if one.cost is not None else 0.0
        yield one.place.call, one.place.loop, one.place.step, Event(_SYMBOLS[one.kind], one.key, text, ms, one)


def _others(run: RunState) -> Iterator[Placed]:
    """What is logged beside the compiles: the inspector knows it by its moment and kind, or by its compile."""
    for found in run.compiles.values():
        for stop in found.breaks:
            yield stop.call, stop.loop, stop.step, Event("B", f"{run.name} {found.epoch} {found.id}", stop.reason)
    for stop in run.loose_breaks:
        yield stop.call, stop.loop, stop.step, Event("B", f"{run.name} {stop.t} break", stop.reason)
    for graph in run.cudagraphs:
        if graph.action != "record":
            text = graph.reason or graph.action
            yield graph.call, graph.loop, graph.step, Event("G", f"{run.name} {graph.t} cudagraph", text)
    for fall in run.fallbacks:
        text = f"{fall.graphs} of {fall.expected} graphs run from here on"
        yield fall.call, fall.loop, fall.step, Event("E", f"{run.name} {fall.t} eager", text)


def marks(spots: Sequence[Spot], series: str) -> list[Mark]:
    """One mark of a kind for a spot: a compiling step compiles dozens of frames."""
    return [Mark(spot.x, symbol, series) for spot in spots for symbol in sorted({e.symbol for e in spot.events})]


def stop_at(run: RunState, loop: int, spot: Spot) -> Focus:
    """The spot as a place for the cursor; the key is the gravest event's."""
    return Focus(run.name, spot.call, loop, spot.step, spot.events[0].key)


def label(run: RunState, focus: Focus, spot: Spot | None, ns: int | None) -> str:
    """What the cursor says: where, how long that step took and usually takes, and what was compiled and why.

    Without a ``spot`` nothing was compiled there. ``ns``: how long the step took, None while it isn't known.
    """
    events = [] if spot is None else sorted(spot.events, key=lambda event: event.key != focus.key)
    one = next((event.one for event in events if event.one is not None), None)
    parts = [short_place(one) if one is not None else _place(run, focus)]
    if ns is not None:
        usual = one.place.usual_ms if one is not None else None
        parts[0] += f": {words.seconds(ns / 1e9)}" + (f", usual {milliseconds(usual)}" if usual is not None else "")
    if events:
        symbol = events[0].symbol
        said = events[0].text if symbol in "CR" else f"{MARK_MEANINGS[symbol]}: {events[0].text}"
        parts.append(said + (f" (and {len(events) - 1} more)" if len(events) > 1 else ""))
    elif focus.label:
        parts.append(focus.label)
    return safe.line(" · ".join(parts), 400)


def _place(run: RunState, focus: Focus) -> str:
    call = run.calls.get(focus.call)
    number = focus.call + 1
    if call is not None and call.phase:
        number = sum(1 for other in run.calls.values() if other.phase == call.phase and other.index <= call.index)
    phase = call.phase if call is not None else ""
    where = {"compile": "compiling call", "warmup": "warm-up"}.get(phase, f"call {number}")
    return where if focus.step == BEFORE_STEPS else f"{where} step {focus.step + 1}"
