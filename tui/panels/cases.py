"""The table of results: painted in place, one line a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from tui import safe
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted, width_of
from tui.pictures.table import CaseLine


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
    Column("±iqr", "±IQR", 6, 7),
    Column("p95", "p95", 6, 9),
    Column("compile", "compile", 7, 3),
    Column("recomp", "recomp", 6, 6),
    Column("memory", "memory", 9, 5),
    Column("speed-up", "speed-up", 11, 0),
    Column("verdict", "verdict", 7, 10),
    Column("even at", "even at", 10, 11),
)
_GAP = 2
_LEAST_LABEL = 12


class CasesPanel(Panel[tuple[CaseLine, ...]]):
    """A heading and the cases; of more than fit, those around the one under way, or where ``scroll_lines`` went."""

    DEFAULT_CSS = "CasesPanel { height: 4; }"
    _scrolled: int | None = None

    def scroll_lines(self, lines: int) -> None:
        room = max(1, self.size.height - 1)
        now = self._first(room) if self._scrolled is None else self._scrolled
        self._scrolled = min(max(now + lines, 0), max(0, len(self.value) - room))
        self.lay_out_again()

    def lay_out(self, width: int, height: int) -> Rows:
        room = max(0, height - 1)
        first = self._first(room)
        seen = self.value[first : first + room]
        label = self._label_width(width)
        columns = chosen_columns(width - label, widened(self.value))
        rows = [self._head(label, columns, width, first, len(seen))]
        rows += [self._row(line, label, columns, width) for line in seen]
        return tuple(rows)

    def _first(self, room: int) -> int:
        most = max(0, len(self.value) - room)
        if self._scrolled is not None:
            return min(self._scrolled, most)
        under_way = next((number for number, line in enumerate(self.value) if line.under_way), 0)
        return max(0, min(under_way - room // 2, most))

    def _label_width(self, width: int) -> int:
        """A third of the row, and up to half of it where labels that are cut there would look the same."""
        longest = max((len(line.label) for line in self.value), default=_LEAST_LABEL) + 4
        least = max(_LEAST_LABEL, min(longest, width // 3))
        return next((room for room in range(least, width // 2) if self._told_apart(room - 4)), least)

    def _told_apart(self, room: int) -> bool:
        """Whether cases look different with labels of ``room`` cells; their symbols say which variant each is."""
        # A label that is cut has its last cell for the sign.
        seen = {(line.symbol, line.label if len(line.label) <= room else line.label[: room - 1]) for line in self.value}
        return len(seen) == len(self.value)

    def _head(self, label: int, columns: list[Column], width: int, first: int, seen: int) -> Row:
        total = len(self.value)
        count = f" {first + 1}-{first + seen} of {total} [ ]" if seen < total else ""
        parts: list[Part] = [("results", "bold"), (count, "quiet")]
        parts = [*fitted(parts, label, ascii=self.ascii)]
        parts.append((" " * (label - width_of(parts)), ""))
        parts += [(" " * _GAP + column.title.rjust(column.width), "quiet") for column in columns]
        if len(columns) < len(COLUMNS) and width_of(parts) + 2 <= width:
            parts.append((" ~" if self.ascii else " …", "quiet"))
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
            parts.append((" " * _GAP, ""))
            parts.append((safe.pad(text, column.width, right=True, ascii=self.ascii), style))
        return fitted(parts, width, ascii=self.ascii)


def widened(lines: Sequence[CaseLine]) -> list[Column]:
    """The columns, those of a figure a loop wide enough for pipelines with several loops."""
    return [
        replace(column, width=max([column.width, *(cell_len(line.cells[column.name][0]) for line in lines)]))
        if column.name in ("it/s", "step ms")
        else column
        for column in COLUMNS
    ]


def chosen_columns(width: int, columns: Sequence[Column] = COLUMNS) -> list[Column]:
    """Those of ``columns`` that fit into ``width`` cells, in their order."""
    columns = list(columns)
    while columns and sum(column.width + _GAP for column in columns) > width - 2:
        columns.remove(max(columns, key=lambda column: column.rank))
    return columns
