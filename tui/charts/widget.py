"""The chart widget: paints what changed and nothing else.

Over SSH the bytes are the cost. Textual re-sends every region that is marked dirty without comparing it with what is on
the terminal, so the comparison is made here: each row of a new picture is compared with the row that is on the screen,
and only the spans of cells that differ are refreshed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tui.charts.canvas import Colours, Row, plot_columns, render
from tui.charts.decimate import OpenColumn
from tui.charts.spec import ChartSpec

_BRIDGED_GAP = 12
"""Unchanged cells between two changed spans of a row that are sent again, being cheaper than a second span: each costs
a cursor move, a style and a reset, about 50 bytes in true colour.
"""

NOTHING = ChartSpec("")


class Chart(Widget):
    """A chart of a `ChartSpec`; call `show` as often as you like, an equal spec costs nothing."""

    DEFAULT_CSS = """
    Chart { height: 1fr; min-height: 4; }
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
        self._stale = True
        self._timer: Timer | None = None

    @property
    def spec(self) -> ChartSpec:
        """What was asked for last; the newest points of a dense line may not be painted yet."""
        return self._spec

    def show(self, spec: ChartSpec) -> None:
        """Draw `spec` from now on. Off screen it is only remembered, and drawn when the chart is seen again."""
        if spec == self._spec:
            return
        self._spec = spec
        if self.is_mounted and self.screen.is_current and self.is_on_screen:
            self._repaint()
        else:
            self._invalidate()

    def restyle(self, *, ascii: bool | None = None, colours: Colours | None = None) -> None:
        """Draw in other characters or colours from now on; None leaves either as it is."""
        self._ascii = self._ascii if ascii is None else ascii
        self._colours = self._colours if colours is None else colours
        self._invalidate()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._invalidate())

    def on_resize(self, _: events.Resize) -> None:
        self._invalidate()

    def render_line(self, y: int) -> Strip:
        """Row `y` from the cache; drawn first only if the size, the theme or an unseen spec made it stale."""
        if self._stale:
            self._draw()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    def _invalidate(self) -> None:
        if not self._stale:
            self._stale = True
            self._open_column.reset()
            self.refresh()

    def _repaint(self) -> None:
        """Draw, and refresh the spans that differ from what is on the screen."""
        if self._stale:
            # the whole widget waits for its paint already
            return
        before = self._rows
        self._draw()
        regions = [
            Region(start, y, end - start, 1)
            for y, (old, new) in enumerate(zip(before, self._rows))
            for start, end in changed_spans(old, new)
        ]
        if regions:
            self.refresh(*regions)

    def _draw(self) -> None:
        width, height = self.size
        spec, wait = self._open_column.hold(self._spec, plot_columns(self._spec, width, height))
        rows = render(spec, width, height, ascii=self._ascii, colours=self._colours or self._theme_colours())
        reusable = len(self._rows) == len(rows) and not self._stale
        self._strips = [
            self._strips[y] if reusable and row == self._rows[y] else _strip(row, width)
            for y, row in enumerate(rows)
        ]
        self._rows = rows
        self._stale = False
        self._paint_again_in(wait)

    def _paint_again_in(self, wait: float | None) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = None if wait is None else self.set_timer(max(wait, 0.01), self._repaint)

    def _theme_colours(self) -> Colours:
        return Colours(dark=self.app.current_theme.dark)


def changed_spans(old: Row, new: Row) -> list[tuple[int, int]]:
    """The [start, end) cells of one row that look different, spans with a small gap between them joined."""
    if old == new:
        return []
    before, after = _cells(old), _cells(new)
    spans: list[tuple[int, int]] = []
    for x, (was, now) in enumerate(zip(before, after)):
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
