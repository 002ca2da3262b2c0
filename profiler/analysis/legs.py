"""Legs: the stretches of a scenario, within each of which all measured calls are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from weakref import WeakKeyDictionary

import msgspec

from profiler.analysis.compiles import outermost
from profiler.analysis.loops import (
    LoopFigures,
    StepFigures,
    headline,
    is_clean,
    loop_figures,
    only_rate,
    seconds_per_image,
    step_figures,
)
from profiler.analysis.state import Call, RunState
from profiler.analysis.statistics import median
from profiler.request import Workload


class LegFigures(msgspec.Struct, frozen=True):
    """One leg. Counts and ``compile_s`` are of its measured calls; the other figures are over the clean ones of them,
    or over all where too few are clean (``all_calls``), as the headline's.
    """

    name: str
    calls: int
    clean_calls: int
    all_calls: bool
    loops: list[LoopFigures]
    steps: StepFigures | None  # None with several loops
    iterations_per_second: float | None  # None with several loops
    images_per_second: float | None
    first_call_ms: float | None  # what changed is compiled here
    call_ms: float | None  # the median call
    compiles: int
    recompiles: int
    compile_s: float


_cache: WeakKeyDictionary[RunState, dict[int, LegFigures]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Stretch:
    """One leg of a run: the call that it began with, which is measured call number ``ordinal`` (from 0), and its calls
    that ended. ``position`` counts the legs from 0.
    """

    position: int
    name: str
    ordinal: int
    first: Call
    calls: list[Call]


def legs_begin(workload: Workload) -> list[int]:
    """Which measured call each leg begins with, counted from 0, and behind the last leg their number."""
    lengths = [workload.calls if leg.calls is None else leg.calls for leg in workload.legs]
    return list(accumulate(lengths, initial=0)) if lengths else [0, workload.calls]


def planned_legs(workload: Workload) -> list[str | None]:
    """The leg of each measured call of a run, in order; None in a scenario without legs."""
    begin = legs_begin(workload)
    names: list[str | None] = [leg.name for leg in workload.legs] or [None]
    return [name for name, first, end in zip(names, begin, begin[1:]) for _ in range(end - first)]


def stretches(run: RunState) -> list[Stretch]:
    """The legs that a run has made calls of, in order; none in a scenario without legs.

    A leg that comes back under its name is one of its own. Where two that follow each other have the same name, the
    request says where the second begins.
    """
    begins = set(legs_begin(run.case.workload))
    found: list[Stretch] = []
    name: str | None = None
    ordinal = 0
    for call in run.calls.values():
        if call.phase != "measure":
            continue
        if call.leg is not None and (not found or call.leg != name or ordinal in begins):
            found.append(Stretch(len(found), call.leg, ordinal, call, []))
        name = call.leg
        ordinal += 1
        if found and call.ended:
            found[-1].calls.append(call)
    return found


def headline_calls(run: RunState) -> tuple[list[Call], bool]:
    """The measured calls that the headline is over, and whether calls that aren't clean had to be taken in.

    They are the first leg's: the workload as it is, before the scenario changes anything.
    """
    legs = stretches(run)
    return headline(legs[0].calls if legs else run.calls_of("measure"))


def run_legs(run: RunState) -> list[LegFigures]:
    """The figures of each leg of a run that has an ended call. Kept per leg: most of them won't change any more."""
    kept = _cache.setdefault(run, {})
    found: list[LegFigures] = []
    for leg in stretches(run):
        if not leg.calls:
            continue
        known = kept.get(leg.position)
        if known is None or known.calls != len(leg.calls):
            known = kept[leg.position] = _figures([(run, leg)])
        found.append(known)
    return found


def case_legs(runs: Sequence[RunState]) -> list[LegFigures]:
    """The same pooled over the runs of a case: calls are added up, compiles are of the run with the most."""
    each = [(run, leg) for run in runs for leg in stretches(run) if leg.calls]
    places = sorted({leg.position for _, leg in each})
    return [_figures([(run, leg) for run, leg in each if leg.position == place]) for place in places]


def _figures(parts: list[tuple[RunState, Stretch]]) -> LegFigures:
    chosen = [(run, headline(leg.calls)[0]) for run, leg in parts]
    loops = loop_figures(chosen)
    image_s = median([s for _, calls in chosen if (s := seconds_per_image(calls)) is not None])
    compiles = [_compiled(run, leg) for run, leg in parts]
    return LegFigures(
        name=parts[0][1].name,
        calls=sum(len(leg.calls) for _, leg in parts),
        clean_calls=sum(1 for _, leg in parts for call in leg.calls if is_clean(call)),
        all_calls=any(headline(leg.calls)[1] for _, leg in parts),
        loops=loops,
        steps=step_figures(loops),
        iterations_per_second=only_rate(loops),
        images_per_second=1 / image_s if image_s else None,
        first_call_ms=median([leg.calls[0].ns / 1e6 for _, leg in parts if leg.calls[0].ns]),
        call_ms=median([ms for _, calls in chosen if (ms := median([c.ns / 1e6 for c in calls if c.ns])) is not None]),
        compiles=max(count for count, _, _ in compiles),
        recompiles=max(count for _, count, _ in compiles),
        compile_s=max(seconds for _, _, seconds in compiles),
    )


def _compiled(run: RunState, leg: Stretch) -> tuple[int, int, float]:
    """First compiles, recompiles and their seconds in the calls of a leg."""
    inside = {call.index for call in leg.calls}
    found = [one for one in run.compiles.values() if one.call in inside and one.limit is None]
    again = sum(1 for one in found if one.recompile)
    return len(found) - again, again, sum(one.end.ns for one in outermost(found) if one.end is not None) / 1e9
