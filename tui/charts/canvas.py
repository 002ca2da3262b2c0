"""Turns a `ChartSpec` into rows of styled text. The only module that imports plotext, which draws the lines.

plotext (>= 6.1) keeps one figure for the whole process: call `render` from one thread only. Its kernel ends the process
on a non-finite number, so only checked, finite, bounded coordinates ever reach it. Axes, ticks, marks and labels are
drawn here, which keeps them in the same cells from one frame to the next.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import plotext

from tui.charts import frame
from tui.charts.decimate import min_max
from tui.charts.grid import Grid
from tui.charts.layout import Layout, fraction, height_of, lay_out
from tui.charts.palette import SeriesStyle
from tui.charts.spec import ChartSpec, Series
from tui.charts.title import title_runs

BRAILLE_DOTS = (2, 4)
"""Dots of a braille cell, across and down."""

_FIRST_COLOUR = 16
"""Series n is drawn in plotext's indexed colour 16 + n, which tells whose a cell is when the result is read back."""

_BEYOND = 1.0
"""How far outside the plot a clipped point is put, in plot heights: far enough to leave steeply, and cheap to draw."""

_SGR = re.compile(r"\x1b\[([0-9;]*)m")


class Run(NamedTuple):
    """Neighbouring cells of one style: `style` is a Rich style definition such as `bold #56b4e9`, `""` for none."""

    text: str
    style: str


Row = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Colours:
    """What to colour with: `rgb` (Okabe-Ito), `ansi` (the terminal's 16) or `none`; `dark` is the background."""

    mode: Literal["rgb", "ansi", "none"] = "rgb"
    dark: bool = True

    def of(self, style: SeriesStyle) -> str:
        """The Rich style of a series, a mark or their symbols."""
        if self.mode == "none":
            return ""
        return style.ansi if self.mode == "ansi" else style.colour_on(dark=self.dark)

    @property
    def quiet(self) -> str:
        """The style of axes, ticks and units."""
        if self.mode == "none":
            return ""
        return "bright_black" if self.mode == "ansi" else ("#808890" if self.dark else "#6a6a6a")

    @property
    def faint(self) -> str:
        """The style of lines behind the data."""
        if self.mode == "none":
            return ""
        return "bright_black" if self.mode == "ansi" else ("#3c4248" if self.dark else "#c4c4c4")


def render(
    spec: ChartSpec, width: int, height: int, *, ascii: bool = False, colours: Colours | None = None
) -> tuple[Row, ...]:
    """`spec` as `height` rows, each exactly `width` cells wide. Never raises on data or size; not thread-safe."""
    if width <= 0 or height <= 0:
        return ()
    palette = colours or Colours()
    layout = lay_out(spec, width, height)
    grid = Grid(width, height)
    dots = (1, 1) if ascii else BRAILLE_DOTS
    painter = frame.Frame(spec, layout, grid, ascii=ascii, colours=palette, dots=dots[1])
    painter.axes()
    if layout.rows and layout.columns:
        painter.verticals()
        placed = [_placed(series, spec, layout, dots) for series in spec.series]
        if any(math.isfinite(y) for _, ys in placed for y in ys):
            _draw_lines(spec, layout, grid, placed, ascii, palette)
            painter.symbols(placed)
            painter.clip_labels()
        else:
            painter.empty_text()
    rows = [title_runs(spec, width, ascii, palette), *(grid.runs(y) for y in range(1, height))]
    return tuple(tuple(Run(text, style) for text, style in row) for row in rows)


def plot_columns(spec: ChartSpec, width: int, height: int) -> int:
    """How many columns the plot of `spec` has in `width` x `height` cells."""
    return lay_out(spec, width, height).columns if width > 0 and height > 0 else 0


def _placed(
    series: Series, spec: ChartSpec, layout: Layout, dots: tuple[int, int]
) -> tuple[list[float], list[float]]:
    """The points of `series` in cells from the plot's lower left corner, decimated; a gap is a NaN y."""
    xs, ys = min_max(series.xs, series.ys, spec.x.low, spec.x.high, layout.columns)
    if series.draw == "stairs":
        xs, ys = _stairs(xs, ys)
    out_x: list[float] = []
    out_y: list[float] = []
    rightmost = layout.columns - 0.5 / dots[0]
    for x, y in zip(xs, ys):
        across = fraction(spec.x, x) if math.isfinite(x) else math.nan
        up = fraction(spec.y, y) if math.isfinite(y) else math.nan
        if math.isnan(across):
            continue
        across = max(-_BEYOND, min(1 + _BEYOND, across)) * layout.columns
        out_x.append(rightmost if rightmost < across <= layout.columns else across)
        out_y.append(
            height_of(max(-_BEYOND, min(1 + _BEYOND, up)), layout.rows, dots[1]) if up == up else math.nan
        )
    return out_x, out_y


def _stairs(xs: Sequence[float], ys: Sequence[float]) -> tuple[list[float], list[float]]:
    out_x: list[float] = []
    out_y: list[float] = []
    for i, (x, y) in enumerate(zip(xs, ys)):
        if i:
            out_x.append(x)
            out_y.append(ys[i - 1])
        out_x.append(x)
        out_y.append(y)
    return out_x, out_y


def _draw_lines(
    spec: ChartSpec,
    layout: Layout,
    grid: Grid,
    placed: Iterable[tuple[list[float], list[float]]],
    ascii: bool,
    colours: Colours,
) -> None:
    figure = _bare_figure(layout)
    for number, (series, (xs, ys)) in enumerate(zip(spec.series, placed)):
        if series.draw == "points":
            continue
        marker = series.style.ascii_marker if ascii else "braille"
        pixel = plotext.pixel(foreground=_FIRST_COLOUR + number % 200)
        kept = [i for i, y in enumerate(ys) if math.isfinite(y)]
        if not kept:
            continue
        signal = figure.signal(
            [xs[i] for i in kept], [ys[i] for i in kept], marker=plotext.marker(marker, pixel=pixel)
        )
        signal.lines()
        for position in range(1, len(kept)):
            if kept[position] != kept[position - 1] + 1:
                signal.line(position, False)
        figure.draw(signal)
    styles = [colours.of(series.style) for series in spec.series]
    for y, line in enumerate(figure.build().string().split("\n")[: layout.rows]):
        for x, text, number in _coloured(line):
            for offset, char in enumerate(text):
                if char != " ":
                    grid.put(layout.gutter + x + offset, 1 + y, char, styles[number])


def _bare_figure(layout: Layout) -> plotext._plotter.plot.plot_class:
    """plotext's figure without frame, ticks and background, one unit a cell, free of the terminal's size."""
    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear.data()
    figure.axes(False)
    figure.legend(False)
    figure.canvas("default")
    figure.plot_size(layout.columns, layout.rows)
    for axis, size in (("x", layout.columns), ("y", layout.rows)):
        figure.ruler(axis).frequency(0)
        ruler = figure.ruler(axis, 0)
        ruler.alignment(lim="edge")
        ruler.lim(0, size)
    return figure


def _coloured(line: str) -> Iterable[tuple[int, str, int]]:
    """(column, text, series number) of each coloured stretch of one line of plotext's output."""
    column = 0
    number: int | None = None
    end = 0
    for code in _SGR.finditer(line):
        text = line[end : code.start()]
        if text and number is not None:
            yield column, text, number
        column += len(text)
        end = code.end()
        parts = code.group(1).split(";")
        number = int(parts[2]) - _FIRST_COLOUR if len(parts) == 3 and parts[0] == "38" else None
    if number is not None and end < len(line):
        yield column, line[end:], number
