"""Turns a `ChartSpec` into rows of styled text. The only module that imports plotext, which draws the lines.

plotext (>= 6.1) keeps one figure for the whole process: call `render` from one thread only. Its kernel ends the
process on a non-finite number, so only checked, finite, bounded coordinates ever reach it. Axes, ticks, marks and
labels are drawn by `frame`, which keeps them in the same cells from one picture to the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from tui.charts.frame import Frame
from tui.charts.grid import Grid
from tui.charts.lanes import Lanes
from tui.charts.lanesframe import LEVELS, LanesFrame, lay_out_lanes, level_cells
from tui.charts.layout import lay_out
from tui.charts.palette import Colours
from tui.charts.path import Path, Point, path_of
from tui.charts.spec import ChartSpec, Series
from tui.charts.title import cursor_runs, title_runs

if TYPE_CHECKING:
    from plotext._plotter.plot import plot_class

BRAILLE_DOTS = (2, 4)
"""Dots of a braille cell, across and down."""

_PIECE = 48
"""Corners of a line that are drawn at a time."""

Cell = tuple[int, int, str]
"""Column, row from the top, character."""


class Run(NamedTuple):
    """Neighbouring cells of one style: `style` is a Rich style definition such as `bold #56b4e9`, `""` for none."""

    text: str
    style: str


Row = tuple[Run, ...]


def render(
    spec: ChartSpec | Lanes, width: int, height: int, *, ascii: bool = False, colours: Colours | None = None
) -> tuple[Row, ...]:
    """`spec` as `height` rows of exactly `width` cells. Never raises on data or size; not thread-safe."""
    if width <= 0 or height <= 0:
        return ()
    palette = colours or Colours()
    if isinstance(spec, Lanes):
        return _render_lanes(spec, width, height, ascii, palette)
    layout = lay_out(spec, width, height)
    grid = Grid(width, height)
    dots = (1, 1) if ascii else BRAILLE_DOTS
    frame = Frame(spec, layout, grid, ascii=ascii, colours=palette, dots=dots[1])
    frame.axes()
    if layout.rows and layout.columns:
        frame.verticals()
        paths = [path_of(series, spec.x, spec.y, layout.columns, layout.rows, dots) for series in spec.series]
        if any(path.visible for path in paths):
            for series, path in zip(spec.series, paths, strict=True):
                cells = _line_cells(path, layout.columns, layout.rows, _marker(series, ascii))
                grid.overlay_all(layout.gutter, 1, cells, palette.of(series.style))
            frame.symbols(paths)
            frame.cursor()
            frame.clip_labels()
        else:
            frame.cursor()
            frame.empty_text()
    rows = [title_runs(spec, width, ascii, palette), *(grid.runs(y) for y in range(1, height))]
    if layout.cursor_row is not None:
        rows[layout.cursor_row] = cursor_runs(spec, width, ascii, palette, low=layout.cursor_row == 0)
    return tuple(tuple(Run(text, style) for text, style in row) for row in rows)


def _render_lanes(spec: Lanes, width: int, height: int, ascii: bool, palette: Colours) -> tuple[Row, ...]:
    layout = lay_out_lanes(spec, width, height)
    grid = Grid(width, height)
    dots = (1, 1) if ascii else BRAILLE_DOTS
    frame = LanesFrame(spec, layout, grid, ascii=ascii, colours=palette)
    frame.axes()
    for place in layout.places if layout.columns else ():
        flat = ascii and place.rows == 1
        fine = (1, len(LEVELS)) if flat else dots
        paths = [path_of(line, spec.x, place.lane.y, layout.columns, place.rows, fine) for line in place.lane.series]
        if not any(path.visible for path in paths):
            frame.empty_lane(place)
        for series, path in zip(place.lane.series, paths, strict=True):
            cells = (
                level_cells(path, layout.columns)
                if flat
                else _line_cells(path, layout.columns, place.rows, _marker(series, ascii))
            )
            grid.overlay_all(layout.gutter, place.top, cells, palette.of(series.style))
    frame.over()
    rows = [frame.title(), *(grid.runs(y) for y in range(1, height))]
    return tuple(tuple(Run(text, style) for text, style in row) for row in rows)


def plot_place(spec: ChartSpec | Lanes, width: int, height: int) -> tuple[int, int]:
    """The first column of the plot of `spec` in `width` x `height` cells, and how many it has."""
    if width <= 0 or height <= 0:
        return 0, 0
    layout = lay_out_lanes(spec, width, height) if isinstance(spec, Lanes) else lay_out(spec, width, height)
    return layout.gutter, layout.columns


def _marker(series: Series, ascii: bool) -> str:
    return series.style.ascii_marker if ascii else "braille"


def _line_cells(path: Path, columns: int, rows: int, marker: str) -> Iterator[Cell]:
    """The cells that the line along `path` touches on a plot of `columns` x `rows` cells, piece by piece.

    A line that grows only changes its last piece; the others, and those of lines that stand still, are remembered.
    """
    breaks = frozenset(path.breaks)
    last = max(0, len(path.corners) - 1)
    pieces: list[tuple[Cell, ...]] = []
    for start in range(0, last + 1, _PIECE):
        corners = path.corners[start : start + _PIECE + 1]
        inside = tuple([i for i in range(1, len(corners)) if start + i in breaks]) if breaks else ()
        pieces.append(_piece_cells(corners, inside, columns, rows, marker))
    return chain.from_iterable(pieces)


@lru_cache(maxsize=512)
def _piece_cells(
    corners: tuple[Point, ...], breaks: tuple[int, ...], columns: int, rows: int, marker: str
) -> tuple[Cell, ...]:
    if not corners:
        return ()
    # A canvas from the piece's first column on: plotext's work grows with the cells of its canvas too. Its end stays
    # where it is while the piece grows, or dots halfway between two places would change theirs.
    left = max(0, min(columns - 1, math.floor(corners[0][0])))
    figure = _bare_figure(left, columns, rows)
    import plotext

    signal = figure.signal([x for x, _ in corners], [y for _, y in corners], marker=plotext.marker(marker))
    signal.lines()
    for index in breaks:
        signal.line(index, False)
    figure.draw(signal)
    lines = figure.build().string(colorless=True).split("\n")
    return tuple(
        (x, y, char) for y, line in enumerate(lines[:rows]) for x, char in enumerate(line, left) if char != " "
    )


def prepare() -> None:
    """Load plotext, on any thread: beside one that computes, the thread that draws would take seconds to do so."""
    import plotext  # noqa: F401


def _bare_figure(left: int, right: int, rows: int) -> plot_class:
    """plotext's figure of the columns `left` to `right`, without frame, ticks and background, one unit a cell, free
    of the terminal's size.
    """
    import plotext  # here and not above: it takes 0.08 s, and a chart without points is drawn without it

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear.data()
    figure.axes(False)
    figure.legend(False)
    figure.canvas("default")
    figure.plot_size(right - left, rows)
    for axis, low, high in (("x", left, right), ("y", 0, rows)):
        figure.ruler(axis, 0).frequency(0)
        figure.ruler(axis, 0).alignment(lim="edge")
        figure.ruler(axis, 0).lim(low, high)
    return figure
