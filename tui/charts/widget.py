"""The chart widget: paints what changed and nothing else.

Each row of a new picture is compared with the row on the screen and only the cells that differ are refreshed, so that
little has to be composed. What goes down the wire is decided by `tui.painting`, which compares cell by cell.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tui.charts.canvas import Row, plot_place, render
from tui.charts.decimate import OpenColumn
from tui.charts.lanes import Lanes
from tui.charts.layout import value_at
from tui.charts.palette import Colours
from tui.charts.pointing import ChartPanned, ChartPointed, ChartZoomed
from tui.charts.spec import ChartSpec
from tui.theme import colours_of
from tui.timing import after

_BRIDGED_GAP = 12
"""Unchanged cells between two changed spans of a row that are composed again, being cheaper than a second region."""

_WHEEL = 1.25
"""How much nearer one notch of the wheel gets."""

NOTHING = ChartSpec("")


class Chart(Widget):
    """A chart of a `ChartSpec` or of `Lanes`; call `show` as often as you like, an equal spec costs nothing."""

    DEFAULT_CSS = """
    Chart { height: 1fr; min-height: 4; }
    """

    ALLOW_SELECT = False
    """Textual would paint a selection over what is dragged; a terminal's own (with shift) selects here too."""

    def __init__(
        self,
        spec: ChartSpec | Lanes = NOTHING,
        *,
        ascii: bool = False,
        colours: Colours | None = None,
        hold_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        mouse: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`colours` None follows the app's theme; `hold_s` is how often, in seconds, an unfinished column of a dense
        line is painted again, on `clock`. With `mouse` it posts what the mouse asks for (`tui.charts.pointing`).
        """
        super().__init__(name=name, id=id, classes=classes)
        self._spec = spec
        self._ascii = ascii
        self._colours = colours
        self._open_column = OpenColumn(hold_s, clock)
        self._held: ChartSpec | Lanes | None = None  # what was drawn last: the spec without what waits
        self._rows: tuple[Row, ...] = ()
        self._strips: list[Strip] = []
        self._drawn_size = Size(0, 0)
        self._stale = True
        self._timer: Timer | None = None
        self._mouse = mouse
        self._drag_from: int | None = None  # the column in which the mouse was last while its button is down
        self._dragged = False

    @property
    def spec(self) -> ChartSpec | Lanes:
        """What was asked for last; the newest points of a dense line may not be painted yet."""
        return self._spec

    def show(self, spec: ChartSpec | Lanes) -> None:
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

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._invalidate())

    def on_unmount(self) -> None:
        # What is called refers to this widget, which would be kept until the theme is changed.
        self.app.theme_changed_signal.unsubscribe(self)

    def on_resize(self, _: events.Resize) -> None:
        self._invalidate()

    # --- mouse ---

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scrolled(event, _WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scrolled(event, 1 / _WHEEL)

    def _scrolled(self, event: events.MouseEvent, factor: float) -> None:
        place = self._plot()
        if place is not None:
            event.stop()
            self.post_message(ChartZoomed(self, factor, self._x_at(place, event.x)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if self._plot() is not None and event.button == 1:
            event.stop()
            self._drag_from, self._dragged = event.x, False
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        place = self._plot()
        if self._drag_from is None or place is None or event.x == self._drag_from:
            return
        by = self._x_at(place, self._drag_from) - self._x_at(place, event.x)
        self._drag_from, self._dragged = event.x, True
        self.post_message(ChartPanned(self, by))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        place = self._plot()
        if self._drag_from is None:
            return
        self.release_mouse()
        pointed = not self._dragged
        self._drag_from = None
        if pointed and place is not None and place[0] <= event.x < place[0] + place[1]:
            self.post_message(ChartPointed(self, self._x_at(place, event.x)))

    def on_hide(self) -> None:
        self._drag_from = None

    def _plot(self) -> tuple[int, int] | None:
        """Where the plot begins and how many columns it has; None where the mouse has nothing to do."""
        place = plot_place(self._spec, self.size.width, self.size.height) if self._mouse else None
        return place if place is not None and place[1] else None

    def _x_at(self, place: tuple[int, int], cell: int) -> float:
        return value_at(self._spec.x, place[1], cell - place[0])

    # --- painting ---

    def render_line(self, y: int) -> Strip:
        """Row `y` from the cache; drawn first only if the picture is out of date."""
        if self._stale or self._drawn_size != self.size:
            self._draw()
        strip = self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)
        return strip.apply_style(self.rich_style)

    def _invalidate(self) -> None:
        """Have everything drawn again when it is next painted."""
        self._stale = True
        self._open_column.reset()
        self.refresh()

    def _repaint(self) -> None:
        """Draw, and refresh the cells that differ from what is on the screen."""
        if self._stale:
            # the whole chart waits for its paint already
            return
        if self._drawn_size != self.size:
            # It has another size since, and its resize is still to come, or none does where it was hidden.
            self._invalidate()
            return
        before = self._rows
        self._draw()
        regions = [
            Region(start, y, end - start, 1)
            for y, rows in enumerate(zip(before, self._rows, strict=True))
            for start, end in changed_spans(*rows)
        ]
        if regions:
            self.refresh(*regions)

    def _draw(self) -> None:
        size = self.size
        spec, wait = self._open_column.hold(self._spec, plot_place(self._spec, size.width, size.height)[1])
        if not self._stale and spec == self._held and self._drawn_size == size:
            # what is new of a dense line waits: there is nothing else to draw
            self._paint_again_in(wait)
            return
        self._held = spec
        colours = self._colours or colours_of(self.app.current_theme)
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
        self._timer = None if wait_s is None else after(self, max(wait_s, 0.01), self._repaint)


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
    cells: list[tuple[str, str]] = []
    for text, style in row:
        if text.isascii() or cell_len(text) == len(text):
            # a blank looks the same in every foreground colour
            cells += [(char, "" if char == " " else style) for char in text]
            continue
        for char in text:
            cells.append((char, style))
            cells += [("", style)] * (get_character_cell_size(char) - 1)
    return cells


def _strip(row: Row, width: int) -> Strip:
    return Strip([Segment(text, Style.parse(style)) for text, style in row], width)
