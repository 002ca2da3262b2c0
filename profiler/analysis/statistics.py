"""The statistics of the verdicts, small enough to read: quantiles, Student's t, Welch's interval on a ratio."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

MIN_FOR_NOISE = 5
"""Below this many values no noise figure is given (nvbench reports none either, detail/statistics.cuh)."""
MIN_FOR_P95 = 10
CONFIDENCE = 0.95
MOST_PROCESSES = 30
"""More repeats than this are not proposed."""
DIFFERENT = (0.99, 1.01)
"""FASTER or SLOWER only when the whole interval lies outside."""
ALIKE = (0.97, 1.03)
"""SAME only when the whole interval lies inside."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Median, interquartile range and 95th percentile of ``n`` values, in the values' unit.

    ``iqr`` is None below MIN_FOR_NOISE values, ``p95`` below MIN_FOR_P95.
    """

    n: int
    median: float
    iqr: float | None
    p95: float | None


def summarize(values: Sequence[float]) -> Summary | None:
    """Summary of ``values``; None if there are none. Non-finite values are not counted."""
    finite = sorted(value for value in values if math.isfinite(value))
    if not finite:
        return None
    n = len(finite)
    iqr = quantile(finite, 0.75) - quantile(finite, 0.25) if n >= MIN_FOR_NOISE else None
    return Summary(n, quantile(finite, 0.5), iqr, quantile(finite, 0.95) if n >= MIN_FOR_P95 else None)


def quantile(ascending: Sequence[float], q: float) -> float:
    """The ``q`` quantile of sorted values, interpolated linearly (Hyndman and Fan's type 7, numpy's default)."""
    position = (len(ascending) - 1) * q
    low = math.floor(position)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (ascending[high] - ascending[low]) * (position - low)


def median(values: Sequence[float]) -> float | None:
    """The median, None of nothing."""
    return statistics.median(values) if values else None


@dataclass(frozen=True, slots=True)
class Ratio:
    """A speed-up: above 1 the candidate is faster. ``interval`` is None with fewer than two processes on a side."""

    estimate: float
    interval: tuple[float, float] | None


def speedup(baseline: Sequence[float], candidate: Sequence[float], confidence: float = CONFIDENCE) -> Ratio | None:
    """Ratio baseline / candidate of per-process medians (durations above 0, one a process).

    The interval is Welch's t on the logarithms: the process is the unit, since compilation and placement in memory
    differ between processes and not between the calls of one. None if a side is empty.
    """
    base, other = _logarithms(baseline), _logarithms(candidate)
    if not base or not other:
        return None
    difference = statistics.fmean(base) - statistics.fmean(other)
    if len(base) < 2 or len(other) < 2:
        return Ratio(math.exp(difference), None)
    spread = [(statistics.variance(one), len(one)) for one in (base, other)]
    return Ratio(math.exp(difference), _welch(difference, spread, confidence))


def more_to_settle(baseline: Sequence[float], candidate: Sequence[float], confidence: float = CONFIDENCE) -> int | None:
    """How many more processes a side would give a verdict if they spread as those so far do.

    None where it would take more than MOST_PROCESSES, or nothing tells how they spread.
    """
    base, other = _logarithms(baseline), _logarithms(candidate)
    if len(base) < 2 or len(other) < 2:
        return None
    difference = statistics.fmean(base) - statistics.fmean(other)
    spread = [statistics.variance(side) for side in (base, other)]
    have = min(len(base), len(other))

    def settled(processes: int) -> bool:
        return verdict(_welch(difference, [(v, processes) for v in spread], confidence)) != "UNCLEAR"

    # More processes narrow the interval around the same middle: what settles it goes on to.
    candidates = range(have + 1, MOST_PROCESSES + 1)
    found = bisect_left(candidates, True, key=settled)
    return candidates[found] - have if found < len(candidates) else None


def _logarithms(values: Sequence[float]) -> list[float]:
    return [math.log(value) for value in values if value > 0 and math.isfinite(value)]


def _welch(difference: float, sides: Sequence[tuple[float, int]], confidence: float) -> tuple[float, float]:
    """The interval of a ratio whose logarithm is estimated as ``difference``; ``sides`` are variances and counts."""
    errors = [(variance / count, count - 1) for variance, count in sides]
    squared = sum(error for error, _ in errors)
    if squared == 0:
        return math.exp(difference), math.exp(difference)
    # Welch-Satterthwaite degrees of freedom (B. L. Welch, Biometrika 34, 1947).
    freedom = squared**2 / sum(error**2 / degrees for error, degrees in errors)
    half = student_t_quantile(0.5 + confidence / 2, freedom) * math.sqrt(squared)
    return math.exp(difference - half), math.exp(difference + half)


def verdict(interval: tuple[float, float]) -> str:
    """FASTER, SLOWER, SAME or UNCLEAR for the interval of a speed-up."""
    low, high = interval
    if low > DIFFERENT[1]:
        return "FASTER"
    if high < DIFFERENT[0]:
        return "SLOWER"
    if ALIKE[0] <= low and high <= ALIKE[1]:
        return "SAME"
    return "UNCLEAR"


def student_t_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t with ``freedom`` > 0 degrees of freedom, for ``probability`` in (0.5, 1)."""
    low, high = 0.0, 1.0
    while student_t_cdf(high, freedom) < probability and high < 1e9:
        high *= 2
    for _ in range(80):  # bisection to the last bits of a float
        middle = (low + high) / 2
        if student_t_cdf(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_t_cdf(t: float, freedom: float) -> float:
    """P(T <= t) for t >= 0: 1 - I_x(freedom / 2, 1 / 2) / 2 with x = freedom / (freedom + t^2) (DLMF 8.17)."""
    return 1 - _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side only
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    # From the innermost term out; 200 terms are far more than doubles need on this side.
    value = 1.0
    for n in range(200, 0, -1):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        value = 1 + term / value
    return front / a / value
