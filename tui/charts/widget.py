"""The chart widget: paints what changed and nothing else.

Over SSH the bytes are the cost, and Textual (8.2) spends them freely: it sends every dirty region without comparing it
with what is on the terminal, and of a dirty span everything from the widget's left edge up to the span's end. So each
row of a new picture is compared with the row on the screen and only the cells that differ are refreshed; and the chart
is made of narrow tiles side by side, whose edges are where such a span starts at the earliest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import accumulate

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tui.charts.canvas import Row, plot_columns, render
from tui.charts.decimate import OpenColumn
from tui.charts.palette import Colours
from tui.charts.spec import ChartSpec

TILES = 16
"""Each is 5 cells wide at 80 columns and 12 at 200. Measured: one tile instead sends 3 times the bytes."""

_BRIDGED_GAP = 12
"""Unchanged cells between two changed spans of a row that are sent again, being cheaper than a second span: each costs
a cursor move, a style and a reset, about 50 bytes in true colour.
"""

NOTHING = ChartSpec("")


class Tile(Widget):
    """A vertical slice of a chart; it shows what its `Chart` has drawn for its columns."""

    DEFAULT_CSS = """
    Tile { width: 1fr; height: 1fr; }
    """

    def render_line(self, y: int) -> Strip:
        """Row `y` of this slice, from the chart's cache."""
        chart = self.parent
        assert isinstance(chart, Chart)
        return chart.slice_of(self, y).apply_style(self.rich_style)


class Chart(Widget):
    """A chart of a `ChartSpec`; call `show` as often as you like, an equal spec costs nothing."""

    DEFAULT_CSS = """
    Chart { layout: horizontal; height: 1fr; min-height: 4; overflow: hidden; }
    """

    def __init__(
        self,
        spec: ChartSpec = NOTHING,
        *,
        ascii: bool = False,
        colours: Colours | None = None,
        hold_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`colours` None follows the app's theme; `hold_s` is how often, in seconds, an unfinished column of a dense
        line is painted again, on `clock`.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._spec = spec
        self._ascii = ascii
        self._colours = colours
        self._open_column = OpenColumn(hold_s, clock)
        self._rows: tuple[Row, ...] = ()
        self._strips: list[Strip] = []
        self._drawn_size = Size(0, 0)
        self._stale = True
        self._timer: Timer | None = None
        self._tiles = [Tile() for _ in range(TILES)]

    @property
    def spec(self) -> ChartSpec:
        """What was asked for last; the newest points of a dense line may not be painted yet."""
        return self._spec

    def show(self, spec: ChartSpec) -> None:
        """Draw `spec` from now on. Off screen it is only remembered, and drawn when the chart is seen again."""
        if spec == self._spec:
            return
        self._spec = spec
        if self._stale:
            return
        if self.is_attached and self.screen.is_current and self.is_on_screen:
            self._repaint()
        else:
            self._invalidate()

    def restyle(self, *, ascii: bool | None = None, colours: Colours | None = None) -> None:
        """Draw in other characters or colours from now on; None leaves either as it is."""
        self._ascii = self._ascii if ascii is None else ascii
        self._colours = self._colours if colours is None else colours
        self._invalidate()

    def compose(self) -> ComposeResult:
        yield from self._tiles

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._invalidate())

    def on_resize(self, _: events.Resize) -> None:
        self._invalidate()

    def slice_of(self, tile: Tile, y: int) -> Strip:
        """The cells of row `y` that `tile` covers; drawn first only if the picture is out of date."""
        if self._stale or self._drawn_size != self.size:
            self._draw()
        start, end = self._spans_of_tiles()[tile]
        return self._strips[y].crop(start, end) if y < len(self._strips) else Strip.blank(end - start)

    def _spans_of_tiles(self) -> dict[Tile, tuple[int, int]]:
        ends = list(accumulate(tile.size.width for tile in self._tiles))
        return dict(zip(self._tiles, zip([0, *ends], ends, strict=False), strict=True))

    def _invalidate(self) -> None:
        """Have everything drawn again when it is next painted."""
        self._stale = True
        self._open_column.reset()
        for tile in self._tiles:
            tile.refresh()

    def _repaint(self) -> None:
        """Draw, and refresh the cells that differ from what is on the screen."""
        if self._stale:
            # the whole chart waits for its paint already
            return
        before = self._rows
        self._draw()
        changed = [
            (y, span) for y, rows in enumerate(zip(before, self._rows, strict=True)) for span in changed_spans(*rows)
        ]
        if not changed:
            return
        for tile, (left, right) in self._spans_of_tiles().items():
            regions = [
                Region(max(start, left) - left, y, min(end, right) - max(start, left), 1)
                for y, (start, end) in changed
                if start < right and end > left
            ]
            if regions:
                tile.refresh(*regions)

    def _draw(self) -> None:
        size = self.size
        spec, wait = self._open_column.hold(self._spec, plot_columns(self._spec, size.width, size.height))
        colours = self._colours or Colours(dark=self.app.current_theme.dark)
        rows = render(spec, size.width, size.height, ascii=self._ascii, colours=colours)
        reusable = len(self._rows) == len(rows) and self._drawn_size == size
        self._strips = [
            self._strips[y] if reusable and row == self._rows[y] else _strip(row, size.width)
            for y, row in enumerate(rows)
        ]
        self._rows, self._drawn_size, self._stale = rows, size, False
        self._paint_again_in(wait)

    def _paint_again_in(self, wait_s: float | None) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = None if wait_s is None else self.set_timer(max(wait_s, 0.01), self._repaint)


def changed_spans(old: Row, new: Row) -> list[tuple[int, int]]:
    """The [start, end) cells of one row that look different, spans with a small gap between them joined."""
    if old == new:
        return []
    spans: list[tuple[int, int]] = []
    for x, (was, now) in enumerate(zip(_cells(old), _cells(new), strict=False)):
        if was != now:
            if spans and x - spans[-1][1] < _BRIDGED_GAP:
                spans[-1] = (spans[-1][0], x + 1)
            else:
                spans.append((x, x + 1))
    return spans


def _cells(row: Row) -> list[tuple[str, str]]:
    # a blank looks the same in every foreground colour
    return [(char, "" if char == " " else style) for text, style in row for char in text]


def _strip(row: Row, width: int) -> Strip:
    return Strip([Segment(text, Style.parse(style)) for text, style in row], width)
