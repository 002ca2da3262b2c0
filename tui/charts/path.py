"""From the points of a series to the corners of the line that is drawn: placed, decimated, without needless points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tui.charts.decimate import min_max
from tui.charts.layout import fraction
from tui.charts.spec import Axis, Series

_BEYOND = 1.0
"""How far outside the plot a clipped point is put, in plot sizes: far enough to leave steeply, near enough to be
cheap, since the canvas walks the whole line.
"""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Path:
    """A line in cells from the plot's lower left corner.

    `points` are the (decimated) data, y NaN for a gap; `corners` what has to be drawn to connect them, all finite, each
    in the middle of a dot; `breaks` the indices of corners that the line doesn't run to from the one before. Nothing
    is connected for a series that draws points only.
    """

    points: tuple[Point, ...]
    corners: tuple[Point, ...]
    breaks: tuple[int, ...]

    @property
    def visible(self) -> bool:
        """Whether there is any finite point, in or out of range."""
        return any(math.isfinite(y) for _, y in self.points)


@lru_cache(maxsize=64)
def path_of(series: Series, x: Axis, y: Axis, columns: int, rows: int, dots: tuple[int, int]) -> Path:
    """The path of `series` on a plot of `columns` x `rows` cells of `dots` (across, down)."""
    xs, ys = min_max(series.xs, series.ys, x.low, x.high, columns)
    if series.draw == "stairs":
        xs, ys = _stairs(xs, ys)
    # height_of and fraction, a list at a time: this is done for every point of every line that has grown
    scale, base = rows - 1 / dots[1], 0.5 / dots[1]
    points = [
        (across * columns, up * scale + base)
        for across, up in zip(_places(x, xs), _places(y, ys), strict=True)
        if across == across
    ]
    corners, breaks = ([], []) if series.draw == "points" else _corners(points, columns, dots)
    return Path(tuple(points), tuple(corners), tuple(breaks))


def _places(axis: Axis, values: Sequence[float]) -> list[float]:
    """The `fraction` of each value, no farther outside than `_BEYOND`; NaN for what can't be placed."""
    if axis.scale == "log":
        return [_bounded(fraction(axis, value)) if math.isfinite(value) else math.nan for value in values]
    low, span = axis.low, axis.high - axis.low
    if not math.isfinite(span) or span <= 0:
        return [math.nan] * len(values)
    least, most = -_BEYOND, 1 + _BEYOND
    out: list[float] = []
    for value in values:
        place = (value - low) / span
        if least <= place <= most:
            out.append(place)
        elif value - value != 0:  # infinite or NaN
            out.append(math.nan)
        else:
            out.append(least if place < least else most)
    return out


def _bounded(place: float) -> float:
    return place if math.isnan(place) else max(-_BEYOND, min(1 + _BEYOND, place))


def _stairs(xs: Sequence[float], ys: Sequence[float]) -> tuple[list[float], list[float]]:
    out_x: list[float] = []
    out_y: list[float] = []
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        if i:
            out_x.append(x)
            out_y.append(ys[i - 1])
        out_x.append(x)
        out_y.append(y)
    return out_x, out_y


def _corners(points: Sequence[Point], columns: int, dots: tuple[int, int]) -> tuple[list[Point], list[int]]:
    """`points` snapped to dots, without those in the middle of a level or upright stretch: they add no dot."""
    across, down = dots
    corners: list[Point] = []
    breaks: list[int] = []
    segment = 0
    gap = False
    for x, y in points:
        if y != y:  # NaN
            gap = True
            continue
        column = math.floor(x * across)
        if x == columns:
            # the right end of the axis belongs to the last dot, not to the one after it
            column -= 1
        corner = here_x, here_y = (column + 0.5) / across, (math.floor(y * down) + 0.5) / down
        if gap and corners:
            segment = len(corners)
            breaks.append(segment)
        gap = False
        count = len(corners)
        if count - segment >= 2:
            (old_x, old_y), (last_x, last_y) = corners[-2], corners[-1]
            level = old_y == last_y == here_y and old_x <= last_x <= here_x
            if level or (old_x == last_x == here_x and min(old_y, here_y) <= last_y <= max(old_y, here_y)):
                corners[-1] = corner
                continue
        if count == segment or corner != corners[-1]:
            corners.append(corner)
    return corners, breaks
