"""Everything of a chart but its lines: axes, ticks, slots, marks, symbols on the lines, labels of clipped points."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tui import safe
from tui.charts.axes import axis_suffix, choose_ticks, format_value, in_ascii
from tui.charts.grid import Grid
from tui.charts.layout import Layout, column_in, column_of, row_of
from tui.charts.palette import GRAVEST_FIRST, MARK_STYLES, Colours
from tui.charts.path import Path
from tui.charts.spec import Axis, ChartSpec, Slot, Tick

SYMBOL_SPACING = 14
"""A line carries its symbol about every so many columns: enough to tell lines apart without colour."""

_TICK_CELLS = 9
"""Of the x axis to each of its numbers."""

_LEAST_CUT = 5
"""Cells that a name must have to be worth cutting."""

_ROWS_FOR_TWO_LABELS = 6
"""Only a plot this high has its second row given to labels of clipped points."""


class Glyphs(NamedTuple):
    across: str
    up: str
    corner: str
    y_tick: str
    x_tick: str
    behind: str
    cursor: str
    before: str
    after: str


UNICODE = Glyphs("─", "│", "└", "┤", "┴", "┊", "┃", "‹", "›")
ASCII = Glyphs("-", "|", "+", "+", "+", ":", "|", "<", ">")
_SEVERAL = "+"
"""Beside a mark that isn't the only one in its column."""


class Frame:
    """Draws the frame of one chart into a grid; `dots` is how many dots high a cell is."""

    def __init__(
        self, spec: ChartSpec, layout: Layout, grid: Grid, *, ascii: bool, colours: Colours, dots: int
    ) -> None:
        self._spec = spec
        self._layout = layout
        self._grid = grid
        self._ascii = ascii
        self._colours = colours
        self._dots = dots
        self._glyphs = ASCII if ascii else UNICODE
        self._look = self._glyphs, colours.quiet

    def axes(self) -> None:
        """Both axis lines with ticks and labels, and the mark row."""
        self._y_axis()
        self._x_axis()
        self._mark_symbols()
        self._upright_symbols()

    def _y_axis(self) -> None:
        layout, quiet = self._layout, self._colours.quiet
        if not layout.gutter:
            return
        for row in range(layout.rows):
            self._grid.put(layout.gutter - 1, 1 + row, self._glyphs.up, quiet)
        for tick in layout.y_ticks:
            row_or_none = row_of(layout, self._spec.y, tick.at, self._dots)
            if row_or_none is None:
                continue
            self._grid.put(layout.gutter - 1, 1 + row_or_none, self._glyphs.y_tick, quiet)
            if layout.gutter > 1:
                label = tick.label[: layout.gutter - 1].rjust(layout.gutter - 1)
                self._grid.write(0, 1 + row_or_none, label, quiet)

    def _x_axis(self) -> None:
        layout, quiet = self._layout, self._colours.quiet
        if layout.axis_row is None:
            return
        if layout.gutter:
            self._grid.put(layout.gutter - 1, layout.axis_row, self._glyphs.corner, quiet)
        self._grid.write(layout.gutter, layout.axis_row, self._glyphs.across * layout.columns, quiet)
        if self._spec.x.slots:
            self._slots()
        else:
            x_ticks(
                self._grid, self._spec.x, layout.gutter, layout.columns, layout.axis_row, layout.label_row, self._look
            )
        beyond(self._grid, self._spec.x, layout.gutter, layout.columns, layout.axis_row, self._look)

    def _slots(self) -> None:
        layout, x, quiet = self._layout, self._spec.x, self._colours.quiet
        assert layout.axis_row is not None
        for slot in x.slots:
            # of a slot that the window cuts, the part that is seen is named
            start = column_of(layout, x, max(slot.start, x.low))
            end = column_of(layout, x, min(slot.end, x.high))
            if start is None or end is None or slot.end <= x.low or slot.start >= x.high:
                continue
            if start and slot.start > x.low:
                self._grid.put(layout.gutter + start, layout.axis_row, self._glyphs.x_tick, quiet)
            room = end - start - 1
            label = self._slot_label(slot, room)
            if label and layout.label_row is not None:
                left = layout.gutter + start + 1 + (room - cell_len(label)) // 2
                self._grid.write(left, layout.label_row, label, quiet)

    def _slot_label(self, slot: Slot, room: int) -> str:
        """The label or the short one; where neither fits the short one cut with a sign, if enough of it is left."""
        label, short = (in_ascii(text) if self._ascii else text for text in (slot.label, slot.short))
        for text in (label, short):
            if text and cell_len(text) <= room:
                return text
        if cell_len(short) <= _LEAST_CUT or room < _LEAST_CUT:
            return ""
        return safe.fit(short, room, ascii=self._ascii)

    def _mark_symbols(self) -> None:
        if self._layout.mark_row is None:
            return
        columns = self._marks_by_column()
        for column, symbols in columns.items():
            left = self._layout.gutter + column
            self._grid.put(left, self._layout.mark_row, symbols[0], self._colours.of(MARK_STYLES[symbols[0]]))
            if len(symbols) > 1 and column + 1 not in columns:
                self._grid.put(left + 1, self._layout.mark_row, _SEVERAL, self._colours.quiet)

    def _marks_by_column(self) -> dict[int, str]:
        """The marks of each column that has any, the gravest first."""
        found: dict[int, str] = {}
        for mark in self._spec.marks:
            column = column_of(self._layout, self._spec.x, mark.x)
            if column is not None:
                found[column] = found.get(column, "") + mark.symbol
        return {column: "".join(sorted(symbols, key=GRAVEST_FIRST.index)) for column, symbols in found.items()}

    def _upright_symbols(self) -> None:
        if self._layout.axis_row is None:
            return
        for upright in self._spec.uprights:
            column = column_of(self._layout, self._spec.x, upright.x)
            if column is not None:
                symbol, style = upright.style.symbol(ascii=self._ascii), self._colours.of(upright.style)
                self._grid.put(self._layout.gutter + column, self._layout.axis_row, symbol, style)

    def verticals(self) -> None:
        """The lines behind the data: slot borders faintly, marks and uprights in their own colour."""
        for upright in self._spec.uprights:
            column = column_of(self._layout, self._spec.x, upright.x)
            if column is not None:
                self._vertical(column, self._colours.of(upright.style))
        for slot in self._spec.x.slots:
            column = column_of(self._layout, self._spec.x, slot.start)
            if column and slot.start > self._spec.x.low:
                self._vertical(column, self._colours.faint)
        for column, symbols in self._marks_by_column().items():
            self._vertical(column, self._colours.of(MARK_STYLES[symbols[0]]))

    def _vertical(self, column: int, style: str) -> None:
        for row in range(self._layout.rows):
            self._grid.put(self._layout.gutter + column, 1 + row, self._glyphs.behind, style)

    def symbols(self, paths: Iterable[Path]) -> None:
        """Each series' symbol on its line every `SYMBOL_SPACING` columns, or at every point where there is no line.

        The columns depend on the plot alone, so a growing line leaves the symbols that it has already got in place.
        """
        named = [(series, path) for series, path in zip(self._spec.series, paths, strict=True) if series.label]
        count = max(1, len(named))
        for number, (series, path) in enumerate(named):
            style, symbol = self._colours.of(series.style), series.style.symbol(ascii=self._ascii)
            due = (number * SYMBOL_SPACING // count) + 2
            points, at = path.points, -1
            # The points ascend: those before the next symbol's column are passed over, not looked at.
            while (at := at + 1 if series.draw == "points" else bisect_left(points, (due,), at + 1)) < len(points):
                x, y = points[at]
                if not math.isfinite(y) or not (0 <= x < self._layout.columns and 0 <= y < self._layout.rows):
                    continue
                self._grid.put(self._layout.gutter + int(x), self._layout.rows - int(y), symbol, style)
                while due <= x:
                    due += SYMBOL_SPACING

    def cursor(self) -> None:
        """The upright line at the cursor, over the data, with the symbol of its series where the point is."""
        layout, cursor = self._layout, self._spec.cursor
        column = None if cursor is None else column_of(layout, self._spec.x, cursor.x)
        if cursor is None or column is None:
            return
        for row in range(layout.rows):
            self._grid.put(layout.gutter + column, 1 + row, self._glyphs.cursor, self._colours.cursor)
        series = next((series for series in self._spec.series if series.key == cursor.series), None)
        at = None if cursor.y is None else row_of(layout, self._spec.y, cursor.y, self._dots)
        if series is not None and at is not None:
            symbol, style = series.style.symbol(ascii=self._ascii), self._colours.of(series.style)
            self._grid.put(layout.gutter + column, 1 + at, symbol, style)

    def clip_labels(self) -> None:
        """`^ 24.3 s` at the top of the plot at each clipped point, the highest first.

        The label starts or ends at the point, in the first or, where that is taken, the second row; a point whose label
        fits nowhere has a bare `^`.
        """
        layout = self._layout
        rows = (1, 2) if layout.rows >= _ROWS_FOR_TWO_LABELS else (1,)
        taken: dict[int, set[int]] = {row: set() for row in rows}
        style_of = {series.key: self._colours.of(series.style) for series in self._spec.series}
        for clip in sorted(self._spec.clips, key=lambda clip: -clip.y):
            column = column_of(layout, self._spec.x, clip.x)
            if column is None:
                continue
            value = format_value(clip.y, self._spec.y.unit)
            value = in_ascii(value) if self._ascii else value
            places = [(row, *place) for row in rows for place in self._label_places(column, value)]
            for row, left, text in [*places, (1, column, "^")]:
                if not taken[row] & set(range(left - 1, left + len(text) + 1)):
                    self._grid.write(layout.gutter + left, row, text, style_of.get(clip.series, ""))
                    taken[row] |= set(range(left, left + len(text)))
                    break

    def _label_places(self, column: int, value: str) -> list[tuple[int, str]]:
        after, before = (column, f"^ {value}"), (column - len(value) - 1, f"{value} ^")
        return [
            (left, text) for left, text in (after, before) if left >= 0 and left + len(text) <= self._layout.columns
        ]

    def empty_text(self) -> None:
        """The spec's words for "nothing yet" in the middle of the plot."""
        layout = self._layout
        text = "".join(char for char in self._spec.empty if char.isprintable())
        text = safe.fit(in_ascii(text) if self._ascii else text, layout.columns, ascii=self._ascii)
        left = layout.gutter + (layout.columns - cell_len(text)) // 2
        self._grid.write(left, 1 + (layout.rows - 1) // 2, text, self._colours.quiet)


def x_ticks(
    grid: Grid, x: Axis, gutter: int, columns: int, axis_row: int, label_row: int | None, look: tuple[Glyphs, str]
) -> None:
    """The ticks of ``x`` on the axis line, and their labels, of which the last one has the unit."""
    glyphs, quiet = look
    most = max(2, columns // _TICK_CELLS)
    window = x.whole is not None
    ticks: Sequence[Tick] = x.ticks or choose_ticks(x.low, x.high, x.unit, most, x.scale, window=window)
    placed = [(tick, column) for tick in ticks if (column := column_in(columns, x, tick.at)) is not None]
    for _, column in placed:
        grid.put(gutter + column, axis_row, glyphs.x_tick, quiet)
    if label_row is None or not placed:
        return
    # The last label has the axis' unit: it is put first, and others where they leave it alone.
    suffix = x.label or axis_suffix(x.unit, x.low, x.high, window=window)
    if glyphs is ASCII:
        suffix = in_ascii(suffix)
    last, column = placed[-1]
    text = f"{last.label} {suffix}".rstrip()
    end = max(0, min(gutter + column - cell_len(last.label) // 2, gutter + columns - cell_len(text)))
    grid.write(end, label_row, text, quiet)
    free_from = 0
    for tick, column in placed[:-1]:
        size = cell_len(tick.label)
        left = max(0, gutter + column - size // 2)
        if free_from <= left and left + size < end:
            grid.write(left, label_row, tick.label, quiet)
            free_from = left + size + 1


def beyond(grid: Grid, x: Axis, gutter: int, columns: int, axis_row: int, look: tuple[Glyphs, str]) -> None:
    """The signs at the ends of the axis line that there is more than the window shows."""
    glyphs, quiet = look
    if x.whole is None or not columns:
        return
    if x.low > x.whole[0]:
        grid.put(gutter, axis_row, glyphs.before, quiet)
    if x.high < x.whole[1]:
        grid.put(gutter + columns - 1, axis_row, glyphs.after, quiet)
