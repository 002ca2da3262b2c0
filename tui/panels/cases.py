"""The table of results: painted in place, one line a case and, unfolded, one a leg of its scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from textual import events

from tui import safe
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted, width_of
from tui.pictures.table import CaseLine, LegLine


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures. Of all that don't fit the one with the highest ``rank`` goes first."""

    name: str
    title: str
    width: int
    rank: int


COLUMNS = (
    Column("state", "state", 13, 8),
    Column("runs", "runs", 5, 4),
    Column("it/s", "it/s", 6, 2),
    Column("step ms", "step ms", 7, 1),
    Column("iqr", "IQR", 6, 7),
    Column("p95", "p95", 6, 9),
    Column("compile", "compile", 7, 3),
    Column("recomp", "recomp", 6, 6),
    Column("memory", "memory", 9, 5),
    Column("speed-up", "speed-up", 11, 0),
    Column("verdict", "verdict", 7, 10),
    Column("even at", "even at", 10, 11),
)
OF_A_CASE = ("memory", "speed-up", "verdict", "even at")
"""The columns at the end that a leg has no figures for: what there is to say of its calls stands there."""

_WIDENED = ("it/s", "step ms", "speed-up")

NARROW = 100
"""Below this width figures of several loops stand closer, ``42.5/87.1``, so that a column less goes."""

_GAP = 2
_LEAST_LABEL = 12
_INDENT = 4
_SLACK = 1
"""Cells that the title may take of the first column's: that one's own stands at the right, two cells away or more."""


class CasesPanel(Panel[tuple[CaseLine, ...]]):
    """A heading and the cases; of more than fit, those around the one under way, or where ``scroll_halves`` went.

    Of columns that don't fit beside each other the most important ones are seen first; ``turn`` goes to the others,
    a page after the other. The labels stay.
    """

    DEFAULT_CSS = "CasesPanel { height: 4; }"
    _scrolled: int | None = None
    _unfolded = False
    _page = 0
    pages = 1
    """Of columns, as it was laid out last."""

    @property
    def unfolded(self) -> bool:
        """Whether the legs are seen."""
        return self._unfolded

    def unfold(self, unfolded: bool) -> None:
        """Show the legs under their cases, or the cases alone."""
        if unfolded != self._unfolded:
            self._unfolded, self._scrolled = unfolded, None
            self.lay_out_again()

    def look_at(self, case: str) -> None:
        """Have the first line seen be that of ``case``, as far as there are enough lines after it."""
        found = (n for n, line in enumerate(self._lines()) if isinstance(line, CaseLine) and line.case == case)
        self._scrolled = next(found, self._scrolled)
        self.lay_out_again()

    def scroll_halves(self, halves: int) -> None:
        """Look down (up, below 0) by so many halves of what is seen."""
        room = max(1, self.size.height - 1)
        lines = halves * max(1, room // 2)
        every = self._lines()
        now = self._first(every, room) if self._scrolled is None else self._scrolled
        self._scrolled = min(max(now + lines, 0), max(0, len(every) - room))
        self.lay_out_again()

    def turn(self, pages: int) -> None:
        """Look at the columns that have no room on this page; after the last page comes the first."""
        self._page = (self._page + pages) % self.pages
        self.lay_out_again()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, way: int) -> None:
        event.stop()
        if event.shift:
            self.turn(way)
        else:
            self.scroll_halves(way)

    def lay_out(self, width: int, height: int) -> Rows:
        room = max(0, height - 1)
        every = self._lines()
        first = self._first(every, room)
        seen = every[first : first + room]
        title = heading(self.value)
        label = self._label_width(width, title, len(every) if len(seen) < len(every) else 0)
        pages = pages_of(width - label, widened(self.value, close=width < NARROW, ascii=self.ascii))
        self.pages = len(pages)
        columns = pages[min(self._page, len(pages) - 1)]
        where = (first, len(seen), len(every))
        rows = [self._head(title, where, label, columns, width)]
        for line in seen:
            if isinstance(line, CaseLine):
                rows.append(self._row(line, label, columns, width))
            else:
                rows.append(self._leg(line, label, columns, width))
        return tuple(rows)

    def _lines(self) -> list[CaseLine | LegLine]:
        if not self._unfolded:
            return list(self.value)
        lines: list[CaseLine | LegLine] = []
        for case in self.value:
            lines += [case, *case.legs]
        return lines

    def _first(self, every: Sequence[CaseLine | LegLine], room: int) -> int:
        most = max(0, len(every) - room)
        if self._scrolled is not None:
            return min(self._scrolled, most)
        places = (n for n, line in enumerate(every) if isinstance(line, CaseLine) and line.under_way)
        return max(0, min(next(places, 0) - room // 2, most))

    def _label_width(self, width: int, title: str, total: int) -> int:
        """A third of the row, and up to half of it where labels that are cut there would look the same.

        ``total`` is the number of lines where more are than fit, else 0.
        """
        count = f" {total}-{total}/{total}" if total else ""
        wanted = [_LEAST_LABEL, len(title) + len(count) - _SLACK, *(len(line.label) + 4 for line in self.value)]
        if self._unfolded:
            wanted += [len(leg.name) + _INDENT for line in self.value for leg in line.legs]
        least = max(_LEAST_LABEL, min(max(wanted), width // 3))
        return next((room for room in range(least, width // 2) if self._told_apart(room - 4)), least)

    def _told_apart(self, room: int) -> bool:
        """Whether cases look different with labels of ``room`` cells; their symbols say which variant each is."""
        # A label that is cut has its last cell for the sign.
        seen = {(line.symbol, line.label if len(line.label) <= room else line.label[: room - 1]) for line in self.value}
        return len(seen) == len(self.value)

    def _head(self, title: str, where: tuple[int, int, int], label: int, columns: list[Column], width: int) -> Row:
        first, seen, total = where
        span = f"{first + 1}-{first + seen}"
        counts = (f" {span} of {total}", f" {span}/{total}") if seen < total else ("",)
        room = label + _SLACK if columns else width
        count = next((text for text in counts if len(title) + len(text) <= room), counts[-1])
        if cell_len(title) + len(count) > room:
            title = heading(self.value, short=True)
        parts: list[Part] = [*fitted([(title, "bold")], max(0, room - len(count)), ascii=self.ascii), (count, "quiet")]
        titles = "".join(" " * _GAP + column.title.rjust(column.width) for column in columns)
        parts.append((" " * (label - width_of(parts)) + titles[max(0, width_of(parts) - label) :], "quiet"))
        if self.pages > 1:
            page = min(self._page, self.pages - 1) + 1
            sign = "~" if self.ascii else "…"
            told = next(
                (text for text in (f" {page}/{self.pages}", f" {sign}") if width_of(parts) + len(text) <= width), ""
            )
            parts.append((told, "quiet"))
        return fitted(parts, width, ascii=self.ascii)

    def _row(self, line: CaseLine, label: int, columns: list[Column], width: int) -> Row:
        symbol, mark = (line.symbol_ascii, line.mark_ascii) if self.ascii else (line.symbol, line.mark)
        parts: list[Part] = [
            (f"{symbol} ", line.label_style),
            (safe.pad(line.label, label - 4, ascii=self.ascii), "bold" if line.under_way else ""),
            (f" {mark}", line.state_style),
        ]
        if line.remark:
            return fitted([*parts, ("  ", ""), (line.remark, line.state_style)], width, ascii=self.ascii)
        for column in columns:
            text, style = (line.state, line.state_style) if column.name == "state" else line.cells[column.name]
            text = shown(text, close=width < NARROW, ascii=self.ascii)
            parts.append((" " * _GAP, ""))
            parts.append((safe.pad(text, column.width, right=True, ascii=self.ascii), style))
        return fitted(parts, width, ascii=self.ascii)

    def _leg(self, leg: LegLine, label: int, columns: list[Column], width: int) -> Row:
        """A leg's figures stand under its case's; behind them is what there is to say of its calls."""
        name = leg.name if cell_len(leg.name) <= label - _INDENT else leg.short
        parts: list[Part] = [(" " * _INDENT, ""), (safe.pad(name, label - _INDENT, ascii=self.ascii), "quiet")]
        for column in columns:
            if column.name not in OF_A_CASE:
                text, style = leg.cells.get(column.name, ("", ""))
                text = shown(text, close=width < NARROW, ascii=self.ascii)
                parts.append((" " * _GAP + safe.pad(text, column.width, right=True, ascii=self.ascii), style))
        if leg.told:
            again, style = leg.cells["recomp"]
            if all(column.name != "recomp" for column in columns) and again.isdigit():
                parts += [(" " * _GAP, ""), (f"{again} recomp", style), (", ", "quiet")]
            else:
                parts.append((" " * _GAP, ""))
            room = width - width_of(parts)
            parts.append((next((text for text in leg.told if len(text) <= room), leg.told[-1]), "quiet"))
        return fitted(parts, width, ascii=self.ascii)


def heading(lines: Sequence[CaseLine], *, short: bool = False) -> str:
    """The table's title: in a scenario it says which leg the rows of the cases are about."""
    firsts = {line.legs[0].short if short else line.legs[0].name for line in lines if line.legs}
    if not firsts:
        return "results"
    return f"results, {firsts.pop()}" if len(firsts) == 1 else "results, first legs"


def shown(text: str, *, close: bool, ascii: bool = False) -> str:
    """A figure as it stands in its column."""
    text = text.replace(" / ", "/") if close else text
    return safe.in_ascii(text) if ascii else text


def widened(lines: Sequence[CaseLine], *, close: bool = False, ascii: bool = False) -> list[Column]:
    """The columns, those that need it wide enough for a figure a loop and for an interval, which is longer in ASCII."""
    every: list[Mapping[str, tuple[str, str]]] = [line.cells for line in lines]
    every += [leg.cells for line in lines for leg in line.legs]

    def fitting(column: Column) -> Column:
        texts = (cells[column.name][0] for cells in every if column.name in cells)
        width = max([column.width, *(cell_len(shown(text, close=close, ascii=ascii)) for text in texts)])
        return replace(column, width=width)

    columns = [fitting(column) if column.name in _WIDENED else column for column in COLUMNS]
    return [in_ascii(column) for column in columns] if ascii else columns


def in_ascii(column: Column) -> Column:
    """The column with its title in ASCII."""
    return replace(column, title=safe.in_ascii(column.title))


def chosen_columns(width: int, columns: Sequence[Column] = COLUMNS) -> list[Column]:
    """Those of ``columns`` that fit into ``width`` cells, in their order."""
    columns = list(columns)
    while columns and sum(column.width + _GAP for column in columns) > width - 2:
        columns.remove(max(columns, key=lambda column: column.rank))
    return columns


def pages_of(width: int, columns: Sequence[Column] = COLUMNS) -> list[list[Column]]:
    """All ``columns`` in pages of ``width`` cells: the most important ones, then what is left, in its order."""
    pages = [chosen_columns(width, columns)]
    left = [column for column in columns if column not in pages[0]]
    while pages[0] and left:
        page: list[Column] = []
        while left and sum(column.width + _GAP for column in (*page, left[0])) <= width - 2:
            page.append(left.pop(0))
        if not page:
            break  # one column alone is too wide for this screen
        pages.append(page)
    return pages
