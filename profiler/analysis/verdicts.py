"""FASTER, SLOWER, SAME or UNCLEAR: what the processes of two sides say, and how sure that is."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from profiler.analysis.student import student_t_quantile

CONFIDENCE = 0.95
MIN_FOR_INTERVAL = 2
"""Processes a side: one has no spread."""
MIN_FOR_VERDICT = 3
"""Processes a side. Two give an interval that holds as often as it says where processes spread normally, and is shown.
But where a process falls into one of two states by the toss of a coin, as autotuning does, two processes a side come
out apart, each side at one with itself, in 1 of 8 comparisons of a thing with itself; three a side in 1 of 32.
"""
MOST_PROCESSES = 30
"""More repeats than this are not proposed."""
DIFFERENT = (0.99, 1.01)
"""FASTER or SLOWER only when the whole interval lies outside."""
ALIKE = (0.97, 1.03)
"""SAME only when the whole interval lies inside."""
FASTER, SLOWER, SAME, UNCLEAR = "FASTER", "SLOWER", "SAME", "UNCLEAR"
_LARGEST_LOG = 690.0
"""Of a ratio; e^690 is near the largest double. Values can be as far apart in a damaged log only."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A speed-up: above 1 the candidate is faster. ``interval`` is None with fewer than two processes on a side."""

    estimate: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """``verdict`` is None with fewer than MIN_FOR_VERDICT processes on a side. ``more`` is how many more a side would
    give one or settle an unclear one, 0 where it is settled, None where no reasonable number would.
    """

    ratio: Ratio
    verdict: str | None
    more: int | None


def judge(baseline: Sequence[float], candidate: Sequence[float], confidence: float = CONFIDENCE) -> Judgement | None:
    """What per-process medians say (durations above 0, one a process; others are left out). None if a side is empty."""
    ratio = speedup(baseline, candidate, confidence)
    if ratio is None:
        return None
    least = min(len(_logarithms(baseline)), len(_logarithms(candidate)))
    if least < MIN_FOR_VERDICT or ratio.interval is None:
        # One process says nothing of the spread: the least that can give a verdict is what is proposed.
        more = more_to_settle(baseline, candidate, confidence) if least >= MIN_FOR_INTERVAL else MIN_FOR_VERDICT - least
        return Judgement(ratio, None, more)
    word = verdict(ratio.interval)
    return Judgement(ratio, word, more_to_settle(baseline, candidate, confidence) if word == UNCLEAR else 0)


def speedup(baseline: Sequence[float], candidate: Sequence[float], confidence: float = CONFIDENCE) -> Ratio | None:
    """Ratio baseline / candidate of per-process medians (durations above 0, one a process; others are left out).

    The interval is Welch's t on the logarithms: the process is the unit, since compilation and placement in memory
    differ between processes and not between the calls of one. None if a side is empty.
    """
    base, other = _logarithms(baseline), _logarithms(candidate)
    if not base or not other:
        return None
    difference = statistics.fmean(base) - statistics.fmean(other)
    if min(len(base), len(other)) < MIN_FOR_INTERVAL:
        return Ratio(_ratio(difference), None)
    spread = [(_variance(one), len(one)) for one in (base, other)]
    return Ratio(_ratio(difference), _welch(difference, spread, confidence))


def more_to_settle(baseline: Sequence[float], candidate: Sequence[float], confidence: float = CONFIDENCE) -> int | None:
    """How many more processes a side would give a verdict if they spread as those so far do.

    None where it would take more than MOST_PROCESSES, or nothing tells how they spread.
    """
    base, other = _logarithms(baseline), _logarithms(candidate)
    have = min(len(base), len(other))
    if have < MIN_FOR_INTERVAL:
        return None
    difference = statistics.fmean(base) - statistics.fmean(other)
    spread = [_variance(side) for side in (base, other)]

    def settled(processes: int) -> bool:
        return verdict(_welch(difference, [(v, processes) for v in spread], confidence)) != UNCLEAR

    # More processes narrow the interval around the same middle: what settles it goes on to.
    candidates = range(max(have + 1, MIN_FOR_VERDICT), MOST_PROCESSES + 1)
    found = bisect_left(candidates, True, key=settled)
    return candidates[found] - have if found < len(candidates) else None


def verdict(interval: tuple[float, float]) -> str:
    """FASTER, SLOWER, SAME or UNCLEAR for the interval of a speed-up."""
    low, high = interval
    if low > DIFFERENT[1]:
        return FASTER
    if high < DIFFERENT[0]:
        return SLOWER
    if ALIKE[0] <= low and high <= ALIKE[1]:
        return SAME
    return UNCLEAR


def _logarithms(values: Sequence[float]) -> list[float]:
    return [math.log(value) for value in values if value > 0 and math.isfinite(value)]


def _variance(values: Sequence[float]) -> float:
    """The sample variance. Not the standard library's, whose exact fractions take most of a comparison's time."""
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _welch(difference: float, sides: Sequence[tuple[float, int]], confidence: float) -> tuple[float, float]:
    """The interval of a ratio whose logarithm is estimated as ``difference``; ``sides`` are variances and counts."""
    errors = [(variance / count, count - 1) for variance, count in sides]
    squared = sum(error for error, _ in errors)
    if squared == 0:
        return _ratio(difference), _ratio(difference)
    # Welch-Satterthwaite degrees of freedom (B. L. Welch, Biometrika 34, 1947), of shares: squares could underflow.
    freedom = 1 / sum((error / squared) ** 2 / degrees for error, degrees in errors)
    half = student_t_quantile(0.5 + confidence / 2, freedom) * math.sqrt(squared)
    return _ratio(difference - half), _ratio(difference + half)


def _ratio(logarithm: float) -> float:
    return math.exp(min(max(logarithm, -_LARGEST_LOG), _LARGEST_LOG))
