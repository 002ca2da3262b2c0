"""Fewer points, same picture: min-max decimation to columns, and a brake on repainting the newest column.

Pure Python: the viewer must start fast and without numpy.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tui.charts.lanes import Lanes
from tui.charts.spec import Axis, ChartSpec, Series


def min_max(
    xs: Sequence[float], ys: Sequence[float], low: float, high: float, columns: int
) -> tuple[list[float], list[float]]:
    """The points that can be told apart when [low, high] is drawn `columns` wide.

    Of each column the first, lowest, highest and last point stay, in order and with their own x: every spike survives
    and lines enter and leave a column where they did. A non-finite y (a gap) stays if it is between kept points, once.
    Points outside [low, high] are dropped except the nearest on either side, to which the line still runs. `xs` must
    ascend.
    """
    count = len(xs)
    width = (high - low) / columns if columns > 0 else 0.0
    if not (math.isfinite(width) and width > 0):
        return list(xs), list(ys)
    begin = max(0, bisect_left(xs, low) - 1)
    end = min(count, bisect_left(xs, math.nextafter(high, math.inf)) + 1)
    if end - begin <= 2 * columns:
        return list(xs[begin:end]), list(ys[begin:end])
    out_x: list[float] = []
    out_y: list[float] = []
    _bucketed(xs, ys, low, width, (begin, end), out_x, out_y)
    return out_x, out_y


def _bucketed(
    xs: Sequence[float],
    ys: Sequence[float],
    low: float,
    width: float,
    span: tuple[int, int],
    out_x: list[float],
    out_y: list[float],
) -> tuple[int, int]:
    """Keep what can be told apart of the points of `span`. Where the last column's points begin, and how much was
    kept before them.
    """
    start, end = span
    last, kept = start, len(out_x)
    while start < end:
        if not math.isfinite(xs[start]):
            start += 1
            continue
        column = math.floor((xs[start] - low) / width)
        # by bisection, not point by point: the slices below then run at C speed
        stop = bisect_left(xs, low + (column + 1) * width, start + 1, end)
        last, kept = start, len(out_x)
        _keep_extremes(xs, ys, start, stop, out_x, out_y)
        start = stop
    return last, kept


def _keep_extremes(
    xs: Sequence[float], ys: Sequence[float], start: int, stop: int, out_x: list[float], out_y: list[float]
) -> None:
    if stop - start <= 4:
        out_x.extend(xs[start:stop])
        out_y.extend(ys[start:stop])
        return
    bucket = ys[start:stop]
    last = stop - start - 1
    # a NaN anywhere makes the sum non-finite; only then look at each point
    if math.isfinite(sum(bucket)):
        one, other = bucket.index(min(bucket)), bucket.index(max(bucket))
        if one > other:
            one, other = other, one
        out_x.append(xs[start])
        out_y.append(bucket[0])
        if one:
            out_x.append(xs[start + one])
            out_y.append(bucket[one])
        if other != one and other != last:
            out_x.append(xs[start + other])
            out_y.append(bucket[other])
        if one != last:
            out_x.append(xs[start + last])
            out_y.append(bucket[last])
        return
    finite = [i for i, y in enumerate(bucket) if math.isfinite(y)]
    gap = next(i for i, y in enumerate(bucket) if not math.isfinite(y)) if len(finite) < len(bucket) else 0
    extremes = {min(finite, key=bucket.__getitem__), max(finite, key=bucket.__getitem__)} if finite else set()
    kept = sorted({0, gap, last} | extremes)
    out_x.extend([xs[start + i] for i in kept])
    out_y.extend([bucket[i] for i in kept])


def same_gaps(ys: list[float]) -> list[float]:
    """`ys` with every NaN being `math.nan` itself: then equal lines compare equal, since an object equals itself.

    Reading a NaN from an array makes another object each time.
    """
    return ys if math.isfinite(sum(ys)) else [y if y == y else math.nan for y in ys]


class Thinned:
    """`min_max` of one line that grows at its end, without looking again at the columns that are finished.

    A screen asks a few times a second for a line of which a column or two are new. While nothing is, the same tuples
    come back, which makes comparing them cheap.
    """

    def __init__(self) -> None:
        self._key: tuple[float, float, int, int] | None = None
        self._count = 0  # points that the answer is of
        self._start = 0  # the first point of the column under construction
        self._xs: list[float] = []
        self._ys: list[float] = []
        self._answer: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())

    def points(
        self, xs: Sequence[float], ys: Sequence[float], low: float, high: float, columns: int, layout: int = 0
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """As `min_max`. `layout` has to differ where points that were there before are other ones now."""
        key = low, high, columns, layout
        count = len(xs)
        if key == self._key and count == self._count:
            return self._answer
        if key != self._key or count < self._count:
            self._key, self._start = key, -1
            self._xs.clear()
            self._ys.clear()
        self._count = count
        self._answer = self._grown(xs, ys, low, high, columns)
        return self._answer

    def _grown(
        self, xs: Sequence[float], ys: Sequence[float], low: float, high: float, columns: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        width = (high - low) / columns if columns > 0 else 0.0
        end = min(len(xs), bisect_left(xs, math.nextafter(high, math.inf)) + 1)
        begin = max(0, bisect_left(xs, low) - 1)
        if not (math.isfinite(width) and width > 0) or end - begin <= 2 * columns:
            found = min_max(xs, ys, low, high, columns)
            return tuple(found[0]), tuple(same_gaps(found[1]))
        if self._start < 0:
            self._start = begin
        self._start, kept = _bucketed(xs, ys, low, width, (self._start, end), self._xs, self._ys)
        answer = tuple(self._xs), tuple(same_gaps(self._ys))
        del self._xs[kept:], self._ys[kept:]
        return answer


class OpenColumn:
    """Holds back the points of each line's newest column, so that it is repainted at most once per `period_s`.

    At 160 steps a second a column that is redrawn for every new point costs more bytes than the rest of the screen. A
    column is finished, and painted, when a point falls into a later one. Where the points lie a column or more apart
    nothing is held back, and what was painted once stays painted.
    """

    def __init__(self, period_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._period_s = period_s
        self._clock = clock
        self._axis: tuple[float, float, int] | None = None
        self._tails: dict[str, _Tail] = {}

    def reset(self) -> None:
        """Forget what was painted: the next `hold` shows everything, as it does on another x range."""
        self._tails.clear()

    def hold(self, spec: ChartSpec | Lanes, columns: int) -> tuple[ChartSpec | Lanes, float | None]:
        """`spec` without what must wait on a plot `columns` wide, and the seconds until something waiting is due.

        Keys of series must differ, in lanes from one lane to the next too.
        """
        now = self._clock()
        if isinstance(spec, ChartSpec):
            held, wait = self._held(spec.series, spec.x, columns, now)
            return (spec if wait is None else replace(spec, series=held)), wait
        found = [self._held(lane.series, spec.x, columns, now) for lane in spec.lanes]
        wait = min((due for _, due in found if due is not None), default=None)
        if wait is None:
            return spec, None
        lanes = tuple(replace(lane, series=series) for lane, (series, _) in zip(spec.lanes, found, strict=True))
        return replace(spec, lanes=lanes), wait

    def _held(
        self, lines: Sequence[Series], x: Axis, columns: int, now: float
    ) -> tuple[tuple[Series, ...], float | None]:
        if self._axis != (x.low, x.high, columns):
            self._axis = x.low, x.high, columns
            self.reset()
        wait: float | None = None
        kept: list[Series] = []
        for series in lines:
            shown = self._shown(series, x, columns, now)
            kept.append(shown)
            if shown is not series:
                due = self._tails[series.key].painted_at + self._period_s - now
                wait = due if wait is None else min(wait, due)
        return tuple(kept), wait

    def _shown(self, series: Series, x: Axis, columns: int, now: float) -> Series:
        """`series` itself, or without what was added to its newest column since that was painted.

        By place and not by number: of a line that was thinned before, the newest column has other points each time.
        """
        width = (x.high - x.low) / columns if columns > 0 else 0.0
        if len(series.xs) < 2 or not (math.isfinite(width) and width > 0):
            return series
        last = series.xs[-1]
        place = (last - x.low) / width
        if not math.isfinite(place):
            return series
        column = math.floor(place)
        first_open = bisect_left(series.xs, x.low + column * width)
        before = self._tails.get(series.key)
        known = before is not None and before.last <= last
        thin = not last - series.xs[-2] < width
        if before is None or not known or thin or now - before.painted_at >= self._period_s:
            painted_at = before.painted_at if before is not None and known and thin else now
            self._tails[series.key] = _Tail(column, series.xs[first_open:], series.ys[first_open:], last, painted_at)
            return series
        xs, ys = series.xs[:first_open], series.ys[:first_open]
        if column == before.column:
            xs, ys = xs + before.xs, ys + before.ys
        return series if (xs, ys) == (series.xs, series.ys) else replace(series, xs=xs, ys=ys)


@dataclass(frozen=True, slots=True)
class _Tail:
    """The points of a line's newest column as they were painted."""

    column: int
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    last: float
    painted_at: float
