"""The base of every panel of text: keeps the rows that are on the screen and refreshes the cells that changed.

Textual's own widgets refresh themselves whole for any change (a `DataTable` cell costs 1.5 KB/s over SSH), so what is
painted at 4 Hz is painted with these.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui import keys, safe
from tui.charts.palette import Colours
from tui.panels.rows import Part, Row, Rows
from tui.theme import colours_of, rich_style

T = TypeVar("T")


class Lines(Widget):
    """Rows of text. ``show`` as often as you like: what is on the screen already costs nothing."""

    DEFAULT_CSS = """
    Lines { height: 1; }
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._shown: Rows = ()
        self._strips: list[Strip] = []

    @property
    def shown(self) -> Rows:
        """The rows that are on the screen."""
        return self._shown

    def show(self, rows: Iterable[Row]) -> None:
        """Paint ``rows`` from the top; what is below the widget's end isn't seen."""
        before, now = self._shown, tuple(rows)
        if now == before:
            return
        self._shown = now
        colours = colours_of(self.app.current_theme)
        width = self.size.width
        strips: list[Strip] = []
        regions: list[Region] = []
        for y in range(max(len(before), len(now))):
            old = before[y] if y < len(before) else ()
            new = now[y] if y < len(now) else ()
            if old == new and y < len(self._strips):
                strips.append(self._strips[y])
                continue
            strips.append(_strip(new, width, colours))
            span = changed_span(old, new, width)
            if span is not None:
                regions.append(Region(span[0], y, span[1] - span[0], 1))
        self._strips = strips[: len(now)]
        if regions:
            self.refresh(*regions)

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._restyle())

    def on_unmount(self) -> None:
        # What is called refers to this widget, which would be kept until the theme is changed.
        self.app.theme_changed_signal.unsubscribe(self)

    def on_resize(self, _: events.Resize) -> None:
        self._restyle()

    def render_line(self, y: int) -> Strip:
        """Row ``y``, from the cache."""
        strip = self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)
        return strip.apply_style(self.rich_style)

    def _restyle(self) -> None:
        self._draw()
        self.refresh()

    def _draw(self) -> None:
        colours, width = colours_of(self.app.current_theme), self.size.width
        self._strips = [_strip(row, width, colours) for row in self._shown]


class Panel(Lines, Generic[T]):
    """Lines that are laid out from a value for the size there is; a subclass says how, in ``lay_out``."""

    _table: Sequence[keys.Key] = keys.TABLE

    def __init__(
        self,
        value: T,
        *,
        ascii: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.ascii = ascii
        self._value = value
        self._laid_out_for = Size(0, 0)

    @property
    def value(self) -> T:
        return self._value

    def keyed(self, text: str) -> str:
        """``text`` with the user's keys in place of the ids in braces; text of logs isn't given to it."""
        return keys.keyed(text, self._table)

    def put(self, value: T) -> None:
        """Show ``value`` from now on."""
        if value != self._value:
            self._value = value
            self.lay_out_again()

    def lay_out_again(self) -> None:
        """Lay the value out again: it, the size or something else that counts has changed."""
        width, height = self.size
        if width and height:
            self._laid_out_for = self.size
            self.show(self._rows(width, height))

    def on_mount(self) -> None:
        self._table = getattr(self.app, "key_table", keys.TABLE)

    def on_resize(self, _: events.Resize) -> None:
        # Textual calls the handler of Lines after this one, and that one paints.
        self._fit()

    def render_line(self, y: int) -> Strip:
        if self._laid_out_for != self.size:
            # Textual sends no Resize to what is displayed anew if somebody asked where it is before the layout.
            self._fit()
            self._draw()
        return super().render_line(y)

    def _fit(self) -> None:
        """Lay the value out for the size that there is now."""
        self._laid_out_for = self.size
        width, height = self.size
        self._shown = self._rows(width, height) if width and height else ()

    def _rows(self, width: int, height: int) -> Rows:
        rows = self.lay_out(width, height)
        if not self.ascii:
            return rows
        return tuple(tuple((safe.as_wide_in_ascii(text), style) for text, style in row) for row in rows)

    @abstractmethod
    def lay_out(self, width: int, height: int) -> Rows:
        """The rows for a widget of this size, none wider than ``width``."""


def changed_span(old: Row, new: Row, width: int) -> tuple[int, int] | None:
    """The [start, end) cells from the first to the last that look different, of a row ``width`` cells wide."""
    before, after = _cells(old, width), _cells(new, width)
    if before == after:
        return None
    start = next(x for x, (was, now) in enumerate(zip(before, after, strict=True)) if was != now)
    end = next(x for x in range(width, 0, -1) if before[x - 1] != after[x - 1])
    while start and not after[start][0]:
        start -= 1  # never begin inside a wide character
    return start, end


def _cells(row: Row, width: int) -> list[Part]:
    cells: list[Part] = []
    for text, style in row:
        if text.isascii():
            cells.extend([(char, style) for char in text])
            continue
        for char in text:
            size = cell_len(char)
            if size == 0 and cells:
                cells[-1] = (cells[-1][0] + char, style)
            elif size:
                cells.append((char, style))
                cells.extend([("", style)] * (size - 1))
    cells.extend([(" ", "")] * (width - len(cells)))
    return cells[:width]


def _strip(row: Row, width: int, colours: Colours) -> Strip:
    strip = Strip([Segment(text, rich_style(style, colours)) for text, style in row])
    return strip.adjust_cell_length(width)
