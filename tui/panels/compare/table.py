"""The table of what is compared, with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len
from textual import events

from tui import safe
from tui.panels.cases import Column, in_ascii, pages_of
from tui.panels.rows import Part, Row, fitted
from tui.panels.triggers.choice import ChoicePanel
from tui.pictures.compare.painter import ComparePicture
from tui.pictures.compare.rows import LotLine
from tui.pictures.compare.view import CompareView

COLUMNS = (
    Column("runs", "n", 3, 10),
    Column("it/s", "it/s", 6, 3),
    Column("step ms", "step ms", 7, 4),
    Column("iqr", "IQR", 6, 11),
    Column("p95", "p95", 6, 12),
    Column("speed-up", "speed-up", 8, 0),
    Column("interval", "interval", 9, 2),
    Column("verdict", "verdict", 8, 1),
    Column("even at", "even at", 8, 6),
    Column("first", "1st img", 7, 8),
    Column("memory", "memory", 9, 5),
    Column("img/J", "img/J", 6, 13),
    Column("output", "output", 7, 7),
    Column("session", "session", 16, 14),
)
PUBLISHED = Column("published", "published", 9, 9)
_GAP = 2
_SIGN = 2
"""Cells for a sign that there are more columns."""

_LEAST_LABEL, _MOST_LABEL = 12, 44


class TablePanel(ChoicePanel[ComparePicture, LotLine]):
    """Of columns that don't fit beside each other the most important ones are seen first; ``turn`` goes to the others,
    a page after the other. The labels stay.
    """

    DEFAULT_CSS = "TablePanel { height: 1fr; }"
    _page = 0

    def items(self) -> Sequence[LotLine]:
        return self.value.lines

    def key_of(self, item: LotLine) -> str:
        return item.key

    def empty(self) -> str:
        return self.keyed(self.value.empty)

    def pages(self, width: int) -> int:
        """How many pages of columns there are at a width of ``width`` cells."""
        return self._columns(width)[2]

    def turn(self, pages: int) -> None:
        """Look at the columns that have no room on this page; after the last page comes the first."""
        count = self.pages(self.size.width)
        self._page = (min(self._page, count - 1) + pages) % count
        self.lay_out_again()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, way: int) -> None:
        if event.shift:
            self.turn(way)
        else:
            self.move(way)

    def _columns(self, width: int) -> tuple[int, list[Column], int]:
        """The width of the labels, the columns that are seen, and how many pages of them there are."""
        lines = self.value.lines
        longest = max((cell_len(line.label) for line in lines), default=0) + 2
        label = max(_LEAST_LABEL, min(longest, _MOST_LABEL, width // 3))
        every = self._every()
        pages = pages_of(width - label + _GAP, every)
        if len(pages) > 1:
            pages = pages_of(width - label - _SIGN + _GAP, every)
        # What is left over on the first page goes to the labels, so that they are the same on each.
        spare = width - label - sum(column.width + _GAP for column in pages[0]) - (len(pages) > 1) * _SIGN
        fitting = max(_LEAST_LABEL, label + max(0, min(spare, longest - label)))
        return fitting, pages[min(self._page, len(pages) - 1)], len(pages)

    def _every(self) -> list[Column]:
        """All columns there is something in, as wide as that is."""
        lines, view = self.value.lines, self.value.view
        columns = map(in_ascii, COLUMNS) if self.ascii else COLUMNS
        every = [_widened(column, lines) for column in columns]
        if self.value.sessions < 2:
            every = [column for column in every if column.name != "session"]
        if all(line.cells["img/J"][1] == "quiet" for line in lines):
            every = [column for column in every if column.name != "img/J"]
        if view.published:
            column = _widened(PUBLISHED, lines)
            title = f"{view.gpu or 'pub.'} {view.published}"
            every.append(replace(column, title=title, width=max(len(title), column.width)))
        if view.view == "images":
            every = [replace(column, rank=-1) if column.name == "output" else column for column in every]
        return [_sorted(column, view) for column in every]

    def head(self, width: int, span: str) -> Row:
        label, columns, pages = self._columns(width)
        view = self.value.view
        title = _arrowed("label", view) if view.sort == "label" else span or "compared"
        end = ""
        if pages > 1:
            page = f" {min(self._page, pages - 1) + 1}/{pages}"
            end = " ~" if self.ascii else " …"
            if cell_len(title + page) < label:
                title += page
            elif label + sum(column.width + _GAP for column in columns) + len(page) <= width:
                end = page
        parts: list[Part] = [(safe.pad(title, label, ascii=self.ascii), "quiet")]
        for column in columns:
            style = "bold" if column.name == view.sort else "quiet"
            parts += [(" " * _GAP, ""), (column.title.rjust(column.width), style)]
        return fitted([*parts, (end, "quiet")], width, ascii=self.ascii)

    def row(self, item: LotLine, width: int) -> list[Part]:
        label, columns, _ = self._columns(width)
        symbol = item.symbol_ascii if self.ascii else item.symbol
        parts: list[Part] = [
            (f"{symbol} ", item.style),
            (safe.pad(item.label, label - 2, ascii=self.ascii), "bold" if item.under_way or item.baseline else ""),
        ]
        if item.remark:
            return [*parts, (" " * _GAP, ""), (item.remark, item.cells["state"][1])]
        for column in columns:
            text, style = item.cells[column.name]
            parts.append((" " * _GAP + safe.pad(text, column.width, right=True, ascii=self.ascii), style))
        return parts


def _widened(column: Column, lines: Sequence[LotLine]) -> Column:
    """Wide enough for what is in it, as a figure a loop; a session's id is cut sooner than that."""
    if column.name == "session":
        needed = max((cell_len(line.cells[column.name][0]) for line in lines), default=0)
        return replace(column, width=max(7, min(needed, 24)))
    needed = max((cell_len(line.cells[column.name][0]) for line in lines if not line.remark), default=0)
    return replace(column, width=max(column.width, min(needed, 26)))


def _sorted(column: Column, view: CompareView) -> Column:
    """The column that rows are sorted by says so, and is the last to go."""
    if column.name != view.sort:
        return column
    title = _arrowed(column.title, view)
    return replace(column, title=title, width=max(column.width, len(title)), rank=-1)


def _arrowed(title: str, view: CompareView) -> str:
    return f"{'↓' if view.descending else '↑'}{title}"
