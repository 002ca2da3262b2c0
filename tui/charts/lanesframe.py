"""Everything of lanes but their lines: names, values, ticks, the shared x axis, the row of signs, the title."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len

from tui import safe
from tui.charts.axes import choose_ticks, in_ascii
from tui.charts.frame import ASCII, UNICODE, beyond, x_ticks
from tui.charts.grid import Grid
from tui.charts.lanes import Lane, Lanes
from tui.charts.layout import column_in, fraction, height_of
from tui.charts.palette import Colours
from tui.charts.path import Path
from tui.charts.spec import Tick

_TICK_WIDTH = 4
"""Cells of a number at a lane's axis, which a number of fewer doesn't narrow."""

_TWO_TICKS = 2
"""Rows from which on a lane says its range."""

_SIGN_SPACING = 12
"""A long stretch has its sign again every so many columns."""

LEVELS = "_-^"
"""A line in one row of ASCII, from the bottom of its range to the top."""

_LEAST_COLUMNS = 12
"""The names at the left go before the plot gets narrower."""


@dataclass(frozen=True, slots=True)
class Place:
    """A lane in rows `top` to `top` + `rows` - 1 of the grid, with its ticks."""

    lane: Lane
    top: int
    rows: int
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class LanesLayout:
    """Where lanes go in `width` x `height` cells; `names` is the width of what stands at their left.

    `signs_row`, `axis_row` and `label_row` are None where there is no room for them.
    """

    width: int
    height: int
    names: int
    gutter: int
    columns: int
    places: tuple[Place, ...]
    signs_row: int | None
    axis_row: int | None
    label_row: int | None


def lay_out_lanes(spec: Lanes, width: int, height: int) -> LanesLayout:
    """The layout of `spec` in `width` x `height` cells (both >= 1)."""
    axis, labels = height >= 4, height >= 6
    room = max(0, height - 1 - axis - labels)
    signs = bool(spec.signs_name) and bool(spec.lanes) and room > len(spec.lanes)
    room -= signs
    seen = spec.lanes[:room]
    each, rest = divmod(room, len(seen)) if seen else (0, 0)
    places: list[Place] = []
    top = 1
    for number, lane in enumerate(seen):
        rows = each + (number < rest)
        ticks = lane.y.ticks or choose_ticks(lane.y.low, lane.y.high, lane.y.unit, max(2, rows // 3 + 1))
        places.append(Place(lane, top, rows, ticks if rows >= _TWO_TICKS else ()))
        top += rows
    two = bool(seen) and each >= _TWO_TICKS
    names = max((_names_width(lane, one_row=not two) for lane in seen), default=0)
    names = max(names, len(spec.signs_name)) + 1 if seen else 0
    numbers = max([_TICK_WIDTH, *(len(tick.label) for place in places for tick in place.ticks)]) if two else 0
    gutter = names + numbers + 1
    if width - gutter < _LEAST_COLUMNS:
        names, gutter = 0, min(numbers + 1, width)
    if width - gutter < _LEAST_COLUMNS:
        gutter = min(1, width)
    axis_row = 1 + room + signs if axis else None
    return LanesLayout(
        width,
        height,
        names,
        gutter,
        max(0, width - gutter),
        tuple(places),
        1 + room if signs else None,
        axis_row,
        height - 1 if labels else None,
    )


def level_cells(path: Path, columns: int) -> Iterator[tuple[int, int, str]]:
    """The line along `path`, which is one row high, as one of `LEVELS` a column; it holds until its next point."""
    at, level = 0, ""
    end = path.points[-1][0] + 1 if path.points else 0.0
    for x, y in [*path.points, (end, math.nan)]:
        column = max(0, min(columns, int(x)))
        if level:
            yield from ((between, 0, level) for between in range(at, column))
        at, level = column, "" if math.isnan(y) else LEVELS[max(0, min(len(LEVELS) - 1, int(y * len(LEVELS))))]


def _names_width(lane: Lane, *, one_row: bool) -> int:
    name, value = cell_len(lane.name), max(cell_len(lane.value), 8)
    return name + 1 + value if one_row else max(name, value)


class LanesFrame:
    """Draws the frame of lanes into a grid."""

    def __init__(self, spec: Lanes, layout: LanesLayout, grid: Grid, *, ascii: bool, colours: Colours) -> None:
        self._spec = spec
        self._layout = layout
        self._grid = grid
        self._ascii = ascii
        self._colours = colours
        self._glyphs = ASCII if ascii else UNICODE
        self._dots = 1 if ascii else 4

    def title(self) -> list[tuple[str, str]]:
        """The title row: what the symbols mean where there is room, how many lanes there is none for, the note."""
        width, quiet = self._layout.width, self._colours.quiet
        runs = [(safe.fit(self._text(self._spec.title), width, ascii=self._ascii), "bold")]
        hidden = len(self._spec.lanes) - len(self._layout.places)
        more = f"{hidden} more below: make it higher" if hidden else ""
        for text in (more, self._text(self._spec.note)):
            left = width - sum(cell_len(run) for run, _ in runs)
            if text and left > 6:
                runs.append((f"  {safe.fit(text, left - 2, ascii=self._ascii)}", quiet))
        left = width - sum(cell_len(run) for run, _ in runs)
        legend = self._text(self._spec.legend)
        if legend and left >= cell_len(legend) + 2:
            runs += [(" " * (left - cell_len(legend)), ""), (legend, quiet)]
            left = 0
        return [*runs, (" " * left, "")]

    def axes(self) -> None:
        """Names, values, the lanes' axes with their ranges, and the x axis."""
        layout, quiet = self._layout, self._colours.quiet
        for place in layout.places:
            self._name(place)
            for row in range(place.rows):
                self._grid.put(layout.gutter - 1, place.top + row, self._glyphs.up, quiet)
            for tick in place.ticks:
                at = fraction(place.lane.y, tick.at)
                if not 0 <= at <= 1:
                    continue
                row = place.top + place.rows - 1 - int(height_of(at, place.rows, self._dots))
                self._grid.put(layout.gutter - 1, row, self._glyphs.y_tick, quiet)
                self._grid.write(max(0, layout.gutter - 1 - len(tick.label)), row, tick.label, quiet)
        if layout.axis_row is None:
            return
        if layout.gutter:
            self._grid.put(layout.gutter - 1, layout.axis_row, self._glyphs.corner, quiet)
        self._grid.write(layout.gutter, layout.axis_row, self._glyphs.across * layout.columns, quiet)
        where = layout.gutter, layout.columns, layout.axis_row
        x_ticks(self._grid, self._spec.x, *where, layout.label_row, (self._glyphs, quiet))
        beyond(self._grid, self._spec.x, *where, (self._glyphs, quiet))

    def _name(self, place: Place) -> None:
        names, lane = self._layout.names, place.lane
        if not names:
            return
        name, value = self._text(lane.name), self._text(lane.value)
        style = self._colours.of(lane.series[0].style) if lane.series else ""
        self._grid.write(0, place.top, name[: names - 1], style)
        if place.rows >= _TWO_TICKS:
            self._grid.write(0, place.top + 1, value[: names - 1], "bold")
        else:
            self._grid.write(max(len(name) + 1, names - 1 - len(value)), place.top, value, "bold")

    def empty_lane(self, place: Place) -> None:
        """A lane's words for why it has no line, in its middle."""
        text = self._text(place.lane.empty)
        text = safe.fit(text, self._layout.columns, ascii=self._ascii)
        left = self._layout.gutter + (self._layout.columns - cell_len(text)) // 2
        self._grid.write(left, place.top + (place.rows - 1) // 2, text, self._colours.quiet)

    def over(self) -> None:
        """What lies over the lines: the signs, the cursor, the words where there is nothing."""
        self._signs()
        layout = self._layout
        if not layout.places:
            text = safe.fit(self._text(self._spec.empty), layout.columns, ascii=self._ascii)
            left = layout.gutter + (layout.columns - cell_len(text)) // 2
            bottom = layout.axis_row or layout.height
            self._grid.write(left, 1 + max(0, bottom - 2) // 2, text, self._colours.quiet)
            return
        column = None if self._spec.cursor is None else column_in(layout.columns, self._spec.x, self._spec.cursor)
        if column is not None:
            last = layout.places[-1]
            for row in range(1, last.top + last.rows):
                self._grid.put(layout.gutter + column, row, self._glyphs.cursor, self._colours.cursor)

    def _signs(self) -> None:
        layout, x = self._layout, self._spec.x
        if layout.signs_row is None:
            return
        if layout.names:
            self._grid.write(0, layout.signs_row, self._text(self._spec.signs_name), self._colours.quiet)
        columns = [-1] * layout.columns
        for number in range(len(self._spec.signs) - 1, -1, -1):
            sign = self._spec.signs[number]
            first, last = (column_in(layout.columns, x, at) for at in (max(sign.start, x.low), min(sign.end, x.high)))
            if first is not None and last is not None:
                columns[first : last + 1] = [number] * (last + 1 - first)
        shown, since = "", 0
        for column, number in enumerate(columns):
            if number < 0:
                shown = ""
                continue
            sign = self._spec.signs[number]
            again = sign.symbol != shown or column - since >= _SIGN_SPACING
            if again:
                shown, since = sign.symbol, column
            char = sign.symbol if again else self._glyphs.across
            self._grid.put(layout.gutter + column, layout.signs_row, char, self._colours.of(sign.style))

    def _text(self, text: str) -> str:
        """`text` as one row that moves no cursor."""
        text = "".join(char for char in text if char.isprintable())
        return in_ascii(text) if self._ascii else text
