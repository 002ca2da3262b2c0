"""What values say by themselves: median, spread, tails, and which of them lie far out.

What two sides say against each other is in ``profiler.analysis.verdicts``.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

MIN_FOR_NOISE = 5
"""Below this many values no noise figure is given (nvbench reports none either, detail/statistics.cuh)."""
MIN_FOR_P95 = 10
MIN_FOR_P99 = 100
"""One value in a hundred lies above the 99th percentile: of fewer values it is the largest one under another name."""
FAR_OUT = 14.826
"""A value is marked as an outlier this many median absolute deviations from the median: ten standard deviations of
normal data, 1.4826 MAD each (hyperfine's threshold, src/outlier_detection.rs).
"""
LEAST_DEVIATION = 1e-3
"""Of the median: the smallest deviation that outliers are told by. Where more than half of the values are equal the MAD
is 0 and every other value would be one; so only those more than 1.5 % off are.
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """Median, interquartile range, 95th and 99th percentile of ``n`` values, in the values' unit.

    ``iqr`` and ``outliers`` (how many are marked; they are in the other figures all the same) are None below
    MIN_FOR_NOISE values, ``p95`` below MIN_FOR_P95, ``p99`` below MIN_FOR_P99.
    """

    n: int
    median: float
    iqr: float | None
    p95: float | None
    p99: float | None = None
    outliers: int | None = None


def summarize(values: Sequence[float]) -> Summary | None:
    """Summary of ``values``; None if there are none. Non-finite values are not counted."""
    finite = sorted(value for value in values if math.isfinite(value))
    if not finite:
        return None
    n = len(finite)
    fences = _fences(finite)
    return Summary(
        n=n,
        median=quantile(finite, 0.5),
        iqr=quantile(finite, 0.75) - quantile(finite, 0.25) if n >= MIN_FOR_NOISE else None,
        p95=quantile(finite, 0.95) if n >= MIN_FOR_P95 else None,
        p99=quantile(finite, 0.99) if n >= MIN_FOR_P99 else None,
        outliers=None if fences is None else bisect_left(finite, fences[0]) + n - bisect_right(finite, fences[1]),
    )


def outliers(values: Sequence[float]) -> list[int]:
    """Which of ``values``, by their indices, lie far out: to be marked, never to be left out.

    Non-finite values aren't looked at; of fewer than MIN_FOR_NOISE others none is told.
    """
    fences = _fences(sorted(value for value in values if math.isfinite(value)))
    if fences is None:
        return []
    low, high = fences
    return [place for place, value in enumerate(values) if math.isfinite(value) and not low <= value <= high]


def _fences(ascending: Sequence[float]) -> tuple[float, float] | None:
    """What lies outside is an outlier; None where nothing tells."""
    if len(ascending) < MIN_FOR_NOISE:
        return None
    middle = quantile(ascending, 0.5)
    deviation = max(median_deviation(ascending, middle), abs(middle) * LEAST_DEVIATION)
    # Values that are 0 but for a few have no scale that says what is far.
    return (middle - FAR_OUT * deviation, middle + FAR_OUT * deviation) if deviation > 0 else (-math.inf, math.inf)


def median_deviation(ascending: Sequence[float], middle: float) -> float:
    """The median absolute deviation of sorted values from their median ``middle``, not scaled.

    The deviations below the median and those above it are in order already: two sorted lists, merged up to the middle
    by bisection, so that a million values cost no second sort.
    """
    split, n = bisect_left(ascending, middle), len(ascending)
    below = _Deviations(ascending, middle, split - 1, -1, split)
    above = _Deviations(ascending, middle, split, 1, n - split)
    upper = _smallest(below, above, n // 2)
    return upper if n % 2 else (upper + _smallest(below, above, n // 2 - 1)) / 2


class _Deviations(Sequence[float]):
    """Distances from ``middle``, ascending: ``count`` sorted values from ``start`` on, in steps of ``step``."""

    def __init__(self, ascending: Sequence[float], middle: float, start: int, step: int, count: int) -> None:
        self._values, self._middle, self._start, self._step, self._count = ascending, middle, start, step, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        return abs(self._values[self._start + self._step * place] - self._middle)


def _smallest(one: Sequence[float], other: Sequence[float], rank: int) -> float:
    """The value that would be at ``rank`` (from 0) if both ascending lists were merged."""
    low, high = max(0, rank + 1 - len(other)), min(rank + 1, len(one))
    while low < high:  # how many of ``one`` are among the rank + 1 smallest
        half = (low + high) // 2
        if one[half] < other[rank - half]:
            low = half + 1
        else:
            high = half
    ends = [side[count - 1] for side, count in ((one, low), (other, rank + 1 - low)) if count]
    return max(ends)


def quantile(ascending: Sequence[float], q: float) -> float:
    """The ``q`` quantile of sorted values, interpolated linearly (Hyndman and Fan's type 7, numpy's default)."""
    position = (len(ascending) - 1) * q
    low = math.floor(position)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (ascending[high] - ascending[low]) * (position - low)


def median(values: Sequence[float]) -> float | None:
    """The median, None of nothing."""
    return statistics.median(values) if values else None
