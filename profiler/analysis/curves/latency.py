"""Latency of the steps of a call, and of all measured steps in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

from profiler.analysis.curves.identity import identities, shown, shown_run
from profiler.analysis.curves.model import Identity, Line, LoopLatency, Shown
from profiler.analysis.legs import headline_calls
from profiler.analysis.loops import step_milliseconds
from profiler.analysis.lots import Lot
from profiler.analysis.statistics import MIN_FOR_NOISE, quantile


def latency(lots: Sequence[Lot], baseline: Lot | None = None) -> list[LoopLatency]:
    """One for each denoising loop that any of ``lots`` has."""
    who = identities(lots, baseline)
    measured = [[(run, headline_calls(run)[0]) for run in lot.usable] for lot in lots]
    names = loop_names(lots)
    found: list[LoopLatency] = []
    for index, name in names.items():
        calls = [
            [steps for run, chosen in of for call in chosen if (steps := step_milliseconds(run, [call], index))]
            for of in measured
        ]
        counts = [max(map(len, of)) for of in calls if of]
        in_order, starts, runs = _in_order(lots, who, index)
        if not counts and not in_order:
            continue
        fraction = len(set(counts)) > 1
        found.append(
            LoopLatency(
                name=name,
                fraction=fraction,
                steps=max(counts, default=0),
                overlay=tuple(_median_call(one, of, fraction) for one, of in zip(who, calls, strict=True) if of),
                in_order=in_order,
                calls=starts,
                shown=runs,
                note=_note(counts) if fraction else "",
            )
        )
    return found


def loop_names(lots: Sequence[Lot]) -> dict[int, str]:
    """The loops of the measured calls, by number, with the name that the first lot gives them."""
    found: dict[int, str] = {}
    for lot in lots:
        for run in lot.usable:
            for call in headline_calls(run)[0]:
                for index, loop in call.loops.items():
                    found.setdefault(index, loop.name)
    return dict(sorted(found.items()))


def _note(counts: Sequence[int]) -> str:
    said = ", ".join(str(count) for count in sorted(set(counts)))
    return f"the lots make {said} steps a loop: x is the share of the loop, not the step"


def _median_call(who: Identity, calls: Sequence[Sequence[float]], fraction: bool) -> Line:
    """The median over ``calls`` (ms a step) at each step; the quartiles where at least MIN_FOR_NOISE calls have it."""
    longest = max(map(len, calls))
    xs = tuple((step + 0.5) / longest if fraction else float(step) for step in range(longest))
    if len(calls) == 1:
        return Line(who, xs, tuple(ms / 1e3 for ms in calls[0]), n=1)
    middle: list[float] = []
    low: list[float] = []
    high: list[float] = []
    for column in zip_longest(*calls, fillvalue=math.nan):  # a call that made fewer steps than others has none here
        at = sorted(ms / 1e3 for ms in column if math.isfinite(ms))
        enough = len(at) >= MIN_FOR_NOISE
        middle.append(quantile(at, 0.5) if at else math.nan)
        low.append(quantile(at, 0.25) if enough else math.nan)
        high.append(quantile(at, 0.75) if enough else math.nan)
    banded = any(map(math.isfinite, low))
    return Line(
        who,
        xs,
        tuple(middle),
        tuple(low) if banded else (),
        tuple(high) if banded else (),
        len(calls),
    )


def _in_order(
    lots: Sequence[Lot], who: Sequence[Identity], loop: int
) -> tuple[tuple[Line, ...], tuple[tuple[int, ...], ...], tuple[Shown, ...]]:
    """The measured steps of the run of each lot that is shown, clean or not, of all legs."""
    lines: list[Line] = []
    starts: list[tuple[int, ...]] = []
    runs: list[Shown] = []
    for lot, one in zip(lots, who, strict=True):
        run = shown_run(lot)
        if run is None:
            continue
        steps: list[float] = []
        begins: list[int] = []
        for call in run.calls_of("measure"):
            made = step_milliseconds(run, [call], loop)
            if made:
                begins.append(len(steps))
                steps += [ms / 1e3 for ms in made]
        if steps:
            lines.append(Line(one, tuple(map(float, range(len(steps)))), tuple(steps), n=len(begins)))
            starts.append(tuple(begins))
            runs.append(shown(one, lot, run))
    return tuple(lines), tuple(starts), tuple(runs)
