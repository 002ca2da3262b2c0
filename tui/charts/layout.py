"""Where the parts of a chart go in a given number of cells, and which cell a value falls into. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tui.charts.axes import choose_ticks
from tui.charts.spec import Axis, ChartSpec, Tick

LEAST_WITH_CURSOR_ROW = 9
"""Rows of a chart from which on the cursor's label gets one of them."""

LEAST_LABEL_WIDTH = 4
"""Labels from `0` to `2000` take the same room, so that a range that grows seldom moves the whole plot."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of a chart `width` x `height` cells: the title is row 0, the plot `rows` x `columns` cells below it.

    `gutter` is the width of the y labels plus the axis line; `axis_row`, `mark_row` and `label_row` are None where the
    chart is too low for them (marks then go on the axis line). `cursor_row` has the cursor's label: the last row, in a
    low chart the title's; None without a cursor that has a label.
    """

    width: int
    height: int
    gutter: int
    columns: int
    rows: int
    axis_row: int | None
    mark_row: int | None
    label_row: int | None
    cursor_row: int | None
    y_ticks: tuple[Tick, ...]


def lay_out(spec: ChartSpec, width: int, height: int) -> Layout:
    """The layout of `spec` in `width` x `height` cells (both >= 1)."""
    has_marks = spec.mark_row or bool(spec.marks)
    axis = height >= 4
    labels = height >= 6
    marks = has_marks and height >= 7
    said = spec.cursor is not None and bool(spec.cursor.label)
    pointed = said and height >= LEAST_WITH_CURSOR_ROW
    rows = max(0, height - 1 - axis - labels - marks - pointed)
    bottom = 1 + rows
    axis_row = bottom if axis else None
    mark_row = bottom + 1 if marks else axis_row if has_marks else None
    label_row = height - 1 - pointed if labels else None
    cursor_row = None if not said else height - 1 if pointed else 0
    ticks = spec.y.ticks or choose_ticks(spec.y.low, spec.y.high, spec.y.unit, max(2, rows // 3 + 1), spec.y.scale)
    label_width = max([LEAST_LABEL_WIDTH, *(len(tick.label) for tick in ticks)])
    gutter = label_width + 1 if width >= 3 * (label_width + 1) else min(1, width)
    return Layout(width, height, gutter, max(0, width - gutter), rows, axis_row, mark_row, label_row, cursor_row, ticks)


def fraction(axis: Axis, value: float) -> float:
    """Where `value` lies on `axis`: 0 at its low end, 1 at its high end; NaN for what can't be placed."""
    low, high = axis.low, axis.high
    if axis.scale == "log":
        if value <= 0 or low <= 0 or high <= 0:
            return math.nan
        value, low, high = math.log10(value), math.log10(low), math.log10(high)
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return math.nan
    return (value - low) / span


def column_of(layout: Layout, axis: Axis, x: float) -> int | None:
    """The plot column of `x`, or None outside the axis."""
    return column_in(layout.columns, axis, x)


def column_in(columns: int, axis: Axis, x: float) -> int | None:
    """The column of `x` on a plot of so many, or None outside the axis."""
    place = fraction(axis, x)
    if not 0 <= place <= 1 or not columns:
        return None
    return min(columns - 1, int(place * columns))


def value_at(axis: Axis, columns: int, column: int) -> float:
    """The value in the middle of a plot column, also of one outside the plot; the inverse of `column_of`."""
    place = (column + 0.5) / max(columns, 1)
    if axis.scale == "log" and axis.low > 0 and axis.high > 0:
        return float(axis.low * (axis.high / axis.low) ** place)
    return axis.low + place * (axis.high - axis.low)


def row_of(layout: Layout, axis: Axis, y: float, dots: int) -> int | None:
    """The plot row (0 on top) of `y` when a cell is `dots` dots high, or None outside the axis."""
    place = fraction(axis, y)
    if not 0 <= place <= 1 or not layout.rows:
        return None
    return layout.rows - 1 - int(height_of(place, layout.rows, dots))


def height_of(place: float, rows: int, dots: int) -> float:
    """`place` (0..1) as cells above the bottom edge: 0 is the middle of the lowest dot, 1 that of the highest."""
    return place * (rows - 1 / dots) + 0.5 / dots
