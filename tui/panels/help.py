"""The page of keys and words, in three columns: what, what it means, and the name of a key in the config file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len

from tui import keys, safe
from tui.panels.rows import Part, Row, Rows, fitted, spread
from tui.panels.scrolled import ScrolledPanel
from tui.panels.triggers.detail import wrapped

WITH_NAMES = 100
"""Columns from which there is room for the names of keys."""

WIDEST = 120
"""Cells of a line at most: longer ones are hard to follow from a key to its name."""

LONGEST_NAME = max(len(key.id) for key in keys.TABLE)
_GAP = "  "
_ASCII = str.maketrans("▸┊✓✗–■", ">:+!-x") | {ord("±"): "+-"}
"""What stands for the symbols where the terminal has ASCII alone, as on the panels and charts."""


@dataclass(frozen=True, slots=True)
class HelpRow:
    """What is explained, what of it, and the name of a key in the config file. A title has ``left`` alone."""

    left: str = ""
    left_style: str = ""
    right: str = ""
    right_style: str = ""
    name: str = ""


class HelpPanel(ScrolledPanel[tuple[HelpRow, ...]]):
    """As many lines as fit from where ``scroll_lines`` went, and below them where that is."""

    DEFAULT_CSS = "HelpPanel { height: 1fr; }"

    def lay_out(self, width: int, height: int) -> Rows:
        room = max(1, height - 1)
        rows = list(self._lines(min(width, WIDEST)))
        self.total = len(rows)
        self._first = first = min(self._first, max(0, len(rows) - room))
        seen = rows[first : first + room]
        where = f"{first + 1}-{first + len(seen)} of {len(rows)}" if len(seen) < len(rows) else ""
        foot: list[Part] = [(self.keyed("{close_help}"), "bold accent"), (" close", "quiet")]
        if where:
            scrolling = self.keyed("{up} {down} {page_up} {page_down}")
            foot += [(_GAP, ""), (scrolling, "bold accent"), (" scroll", "quiet")]
        blank = ((),) * (room - len(seen))
        return (*seen, *blank, spread(foot, [(where, "quiet")], width, ascii=self.ascii))

    def _lines(self, width: int) -> Iterator[Row]:
        """The rows of the page; what doesn't fit on a line goes on below itself, not below its key."""
        names = width >= WITH_NAMES
        left = max((cell_len(row.left) for row in self.value if row.right), default=0)
        room = max(16, width - left - len(_GAP) - (names * (LONGEST_NAME + len(_GAP))))
        for row in self.value:
            if not row.right:  # a title is as long as it likes
                yield fitted([(self._written(row.left), row.left_style)], width, ascii=self.ascii)
                continue
            for number, text in enumerate(wrapped(self._written(row.right), room)):
                what = self._written(row.left) if number == 0 else ""
                line: list[Part] = [(safe.pad(what, left), row.left_style), (_GAP, ""), (text, row.right_style)]
                if names and row.name and number == 0:
                    line += [(" " * (room - cell_len(text)) + _GAP, ""), (row.name, "quiet")]
                yield tuple(line)

    def _written(self, text: str) -> str:
        return text.translate(_ASCII) if self.ascii else text
