"""The table of what is compared, with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len

from tui import safe
from tui.panels.cases import Column, chosen_columns
from tui.panels.rows import Part, Row, fitted
from tui.panels.triggers.choice import ChoicePanel
from tui.pictures.compare.painter import ComparePicture
from tui.pictures.compare.rows import LotLine
from tui.pictures.compare.view import CompareView

COLUMNS = (
    Column("runs", "n", 3, 10),
    Column("it/s", "it/s", 6, 3),
    Column("step ms", "step ms", 7, 4),
    Column("±iqr", "±IQR", 6, 11),
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
_LEAST_LABEL, _MOST_LABEL = 12, 44


class TablePanel(ChoicePanel[ComparePicture, LotLine]):
    """Columns that don't fit are left out, with a sign; the details have them all."""

    DEFAULT_CSS = "TablePanel { height: 1fr; }"

    def items(self) -> Sequence[LotLine]:
        return self.value.lines

    def key_of(self, item: LotLine) -> str:
        return item.key

    def empty(self) -> str:
        return self.value.empty

    def _columns(self, width: int) -> tuple[int, list[Column], bool]:
        """The width of the labels, the columns, and whether some had no room."""
        lines, view = self.value.lines, self.value.view
        longest = max((cell_len(line.label) for line in lines), default=0) + 2
        label = max(_LEAST_LABEL, min(longest, _MOST_LABEL, width // 3))
        every = [_widened(column, lines) for column in COLUMNS]
        if self.value.sessions < 2:
            every = [column for column in every if column.name != "session"]
        if all(line.cells["img/J"][1] == "quiet" for line in lines):
            every = [column for column in every if column.name != "img/J"]
        if view.published:
            title = f"{view.gpu or 'pub.'} {view.published}"
            every.append(
                replace(
                    _widened(PUBLISHED, lines), title=title, width=max(len(title), _widened(PUBLISHED, lines).width)
                )
            )
        if view.view == "images":
            every = [replace(column, rank=-1) if column.name == "output" else column for column in every]
        every = [_sorted(column, view, ascii=self.ascii) for column in every]
        found = chosen_columns(width - label + 2, every)
        cut = len(found) < len(every)
        # What is left over goes to the labels, but for the sign that columns are missing.
        spare = width - label - sum(column.width + _GAP for column in found) - cut * _GAP
        return max(_LEAST_LABEL, label + min(spare, longest - label)), found, cut

    def head(self, width: int, span: str) -> Row:
        label, columns, cut = self._columns(width)
        view = self.value.view
        title = _arrowed("label", view) if view.sort == "label" else span or "compared"
        parts: list[Part] = [(safe.pad(title, label, ascii=self.ascii), "quiet")]
        for column in columns:
            style = "bold" if column.name == view.sort else "quiet"
            parts += [(" " * _GAP, ""), (column.title.rjust(column.width), style)]
        if cut:
            parts.append((" ~" if self.ascii else " …", "quiet"))
        return fitted(parts, width, ascii=self.ascii)

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


def _sorted(column: Column, view: CompareView, *, ascii: bool) -> Column:
    """The column that rows are sorted by says so, and is the last to go."""
    if column.name != view.sort:
        return column
    title = _arrowed(column.title, view)
    return replace(column, title=title, width=max(column.width, len(title)), rank=-1)


def _arrowed(title: str, view: CompareView) -> str:
    return f"{'↓' if view.descending else '↑'}{title}"
