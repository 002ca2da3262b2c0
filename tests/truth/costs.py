"""What a step lost to the compiles in it: by the clock of the steps and by that of the compiles."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from profiler.events import CallEnded, CallStarted, CompileEnded, CompileEvent, Event, Step

Place = tuple[int | None, int | None, int | None]  # call, loop, step
SHARE, SLACK_MS = 0.05, 20.0  # the two may be apart by a twentieth, or by this: either is enough


@dataclass(frozen=True)
class Held:
    """A step that was held up by compiles; times in milliseconds."""

    call: int
    loop: int
    step: int
    lost_ms: float  # the step without what its like take when nothing is compiled in them
    compiles_ms: float  # what was compiled in it
    waited_ms: float  # how long its call had no core: on a machine with other work that may strike beside the compile

    @property
    def agrees(self) -> bool:
        return self.off_ms <= max(SHARE * self.compiles_ms, SLACK_MS) + self.waited_ms

    @property
    def off_ms(self) -> float:
        return abs(self.lost_ms - self.compiles_ms)


def held(events: Iterable[Event]) -> list[Held]:
    """The steps with compiles, computed from the records alone; none where a run compiles in all of its steps."""
    events = list(events)
    legs = {event.call: event.leg for event in events if isinstance(event, CallStarted)}
    waited = {
        event.call: max(0, event.ns - (event.cpu_ns or event.ns)) / 1e6
        for event in events
        if isinstance(event, CallEnded)
    }
    compiles: dict[Place, float] = defaultdict(float)
    first: dict[tuple[int, str | None], Place] = {}
    for event in events:
        if not isinstance(event, CompileEvent) or event.id is None:
            continue
        place = (event.call, event.loop, event.step)
        if event.beside is not None:
            place = first[event.epoch, event.beside]
        began = first.setdefault((event.epoch, event.id), place)
        if isinstance(event, CompileEnded):
            # A later event of a compile leaves its place out where it is the first one's.
            compiles[began if place == (None, None, None) else place] += event.ns / 1e6
    steps = {(event.call, event.loop, event.step): event.ns / 1e6 for event in events if isinstance(event, Step)}
    clean = {place: ms for place, ms in steps.items() if place not in compiles}

    def usual(call: int, loop: int) -> float:
        """The median of the clean steps of the loop: of the same leg, else of all."""
        alike = [ms for (other, of, _), ms in clean.items() if of == loop and legs[other] == legs[call]]
        return statistics.median(alike or [ms for (_, of, _), ms in clean.items() if of == loop])

    return [
        Held(call, loop, step, ms - usual(call, loop), compiles[call, loop, step], waited[call])
        for (call, loop, step), ms in steps.items()
        if (call, loop, step) in compiles and any(of == loop for _, of, _ in clean)
    ]
