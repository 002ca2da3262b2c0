"""How the latencies of steps are distributed: a histogram with shared bins, and the cumulative distribution."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from profiler.analysis.curves.identity import identities
from profiler.analysis.curves.latency import loop_names
from profiler.analysis.curves.model import Histogram, Identity, Line, LoopDistribution
from profiler.analysis.legs import headline_calls
from profiler.analysis.loops import step_milliseconds
from profiler.analysis.lots import Lot
from profiler.analysis.statistics import MIN_FOR_NOISE, quantile

MOST_BINS = 60
MOST_POINTS = 200
"""Of an ECDF: half a percent apart."""
FAR_OUT = 3.0
"""Quartile ranges, as of J. W. Tukey's outer fences (Exploratory Data Analysis, 1977, section 2D)."""


def distribution(lots: Sequence[Lot], baseline: Lot | None = None) -> list[LoopDistribution]:
    """One for each denoising loop that any of ``lots`` has, over the steps that the headline is over."""
    who = identities(lots, baseline)
    found: list[LoopDistribution] = []
    for index, name in loop_names(lots).items():
        values = [_ascending(lot, index) for lot in lots]
        found.append(spread(name, [(one, of) for one, of in zip(who, values, strict=True) if of]))
    return found


def _ascending(lot: Lot, loop: int) -> list[float]:
    """Seconds of the steps of a loop, ascending."""
    seconds = (ms / 1e3 for run in lot.usable for ms in step_milliseconds(run, headline_calls(run)[0], loop))
    return sorted(seconds)


def spread(name: str, values: Sequence[tuple[Identity, Sequence[float]]]) -> LoopDistribution:
    """The distribution of ``values``, which need not be sorted; those that aren't finite are left out."""
    finite = [(who, sorted(filter(math.isfinite, of))) for who, of in values]
    finite = [(who, of) for who, of in finite if of]
    edges = bin_edges([of for _, of in finite])
    return LoopDistribution(
        name=name,
        edges=edges,
        histograms=tuple(_histogram(who, of, edges) for who, of in finite),
        ecdfs=tuple(_ecdf(who, of) for who, of in finite),
        slowest=max((of[-1] for _, of in finite), default=None),
    )


def bin_edges(ascending: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Edges of bins that all of ``ascending`` share; () of nothing.

    They are as wide as Freedman and Diaconis have it for the narrowest of them (2 IQR n^(-1/3); Z.
    Wahrscheinlichkeitstheorie verw. Gebiete 57, 1981), but no more than MOST_BINS. They span the middle 90 % of each
    and what lies near it: a few far out neither stretch them nor vanish, they are counted.
    """
    ranges = [_within(values) for values in ascending]
    if not ranges:
        return ()
    low, high = min(one for one, _ in ranges), max(one for _, one in ranges)
    span = high - low
    if not span > max(abs(low), abs(high)) * 1e-9 or not math.isfinite(span):
        # All alike: one bin, one percent wide.
        half = max(abs(low) * 0.005, 1e-9)
        return low - half, low + half
    widths = [width for values in ascending if (width := _width(values)) > 0]
    wished = span / min(widths) if widths else math.log2(max(map(len, ascending))) + 1
    bins = max(1, min(MOST_BINS, math.ceil(wished)))
    return (*(low + span * number / bins for number in range(bins)), high)


def _width(ascending: Sequence[float]) -> float:
    quartiles = quantile(ascending, 0.75) - quantile(ascending, 0.25)
    return 2 * quartiles / math.cbrt(len(ascending))


def _within(ascending: Sequence[float]) -> tuple[float, float]:
    """The lowest and the highest value that are not far out: all that lie near enough to the middle 90 %."""
    n = len(ascending)
    # Of few values too the one at either end may be far out; of fewer than these nobody can say which is.
    cut = math.ceil((n - 1) * 0.05) if n >= MIN_FOR_NOISE else 0
    low, high = ascending[cut], ascending[n - 1 - cut]
    reach = max(FAR_OUT * (quantile(ascending, 0.75) - quantile(ascending, 0.25)), (high - low) / 4)
    return ascending[bisect_left(ascending, low - reach)], ascending[bisect_right(ascending, high + reach) - 1]


def _histogram(who: Identity, ascending: Sequence[float], edges: Sequence[float]) -> Histogram:
    places = [bisect_left(ascending, edge) for edge in edges[:-1]]
    places.append(bisect_right(ascending, edges[-1]))  # the last bin has its upper edge too
    return Histogram(
        who,
        counts=tuple(after - before for before, after in pairwise(places)),
        below=places[0],
        beyond=len(ascending) - places[-1],
        n=len(ascending),
    )


def _ecdf(who: Identity, ascending: Sequence[float]) -> Line:
    """At most MOST_POINTS points, evenly spread over the share; the first and the last value are among them."""
    n = len(ascending)
    count = min(n, MOST_POINTS)
    ranks = [round(place * (n - 1) / (count - 1)) for place in range(count)] if count > 1 else [0]
    points: dict[float, float] = {}
    for rank in ranks:
        # Of equal values all count.
        points[ascending[rank]] = bisect_right(ascending, ascending[rank]) / n
    return Line(who, tuple(points), tuple(points.values()), n=n)
