"""The detail pane: paragraphs with labels, wrapped, and scrolled with keys of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, get_character_cell_size

from tui.panels.rows import Part, Row, Rows
from tui.panels.scrolled import ScrolledPanel
from tui.pictures.triggers.detail import Block, Detail, Gap, Para, PhaseBar
from tui.pictures.triggers.lines import milliseconds
from tui.pictures.triggers.phases import cells_of, look_of

LABEL = 12
"""Cells of the column of labels; text goes on below itself, not below its label."""

ROOMY = 18
"""From this height on the sections stand apart."""

_LONGEST_BAR = 100
_UNIT = re.compile(r"\d (?:ms|s|min|h|d|px|%|[KMG]iB)\b")
"""A number and its unit stay on one line."""


class DetailPanel(ScrolledPanel[Detail]):
    """A rule with a title, and as many lines as fit from where ``scroll_lines`` went."""

    DEFAULT_CSS = "DetailPanel { height: 1fr; }"

    def __init__(self, value: Detail, *, scrolling: str, ascii: bool = False, id: str | None = None) -> None:
        """``scrolling``: the ids of the keys that scroll, in braces."""
        super().__init__(value, ascii=ascii, id=id)
        self._scrolling = scrolling

    def show_detail(self, value: Detail, *, other: bool) -> None:
        """Show ``value``; of ``other`` things than before from their beginning."""
        if other:
            self._first = 0
        if value != self._value:
            self._value = value
            self.lay_out_again()

    @property
    def hidden(self) -> bool:
        """Whether there is more than is seen."""
        return self.total > max(0, self.size.height - 1)

    def lay_out(self, width: int, height: int) -> Rows:
        room = max(0, height - 1)
        rows = list(laid_out(self.value, width, roomy=room >= ROOMY))
        self.total = len(rows)
        self._first = first = min(self._first, max(0, len(rows) - room))
        seen = rows[first : first + room]
        line = "-" if self.ascii else "─"
        seen_of = f" {first + 1}-{first + len(seen)} of {len(rows)}, {self.keyed(self._scrolling)} scroll"
        where = seen_of if len(seen) < len(rows) else ""
        rule = line * max(0, width - len(where))
        return (((rule, "faint"), (where, "quiet")), *seen)


def laid_out(blocks: Detail, width: int, *, roomy: bool) -> Iterator[Row]:
    """The rows of the paragraphs, none wider than ``width``."""
    gap = False
    begun = False
    for block in blocks:
        if isinstance(block, Gap):
            gap = True
            continue
        if gap and begun and roomy:
            yield ()
        gap, begun = False, True
        yield from _rows(block, width)


def _rows(block: Block, width: int) -> Iterator[Row]:
    if isinstance(block, Para):
        room = max(8, width if block.head else width - LABEL)
        for number, text in enumerate(wrapped(block.text, room, joined=not block.code, hang=block.hang)):
            label = "" if block.head else (block.label if number == 0 else "").ljust(LABEL)
            yield (label, "quiet"), (text, block.style)
    elif isinstance(block, PhaseBar):
        yield from _phases(block, width)


def _phases(block: PhaseBar, width: int) -> Iterator[Row]:
    """The bar in letters and colours, and below it what they stand for."""
    room = max(8, width - LABEL)
    bar: list[Part] = [(block.label.ljust(LABEL), "quiet")]
    for phase, cells in cells_of(block.parts, min(room, _LONGEST_BAR)):
        look = look_of(phase)
        bar.append((look.letter * cells, f"{look.style} reverse"))
    if len(bar) > 1:
        yield tuple(bar)
    row: list[Part] = [(" " * LABEL, "")]
    used = 0
    for part in block.parts:
        look = look_of(part.phase)
        share = f" {part.ms / block.ms * 100:.0f}%" if block.ms > 0 else ""
        text = f" {look.name} {milliseconds(part.ms)}{share}"
        size = 1 + cell_len(text)
        if used and used + 3 + size > room:
            yield tuple(row)
            row, used = [(" " * LABEL, "")], 0
        if used:
            row.append(("   ", ""))
            used += 3
        row += [(look.letter, f"bold {look.style}"), (text, "")]
        used += size
    if used:
        yield tuple(row)


def wrapped(text: str, width: int, *, joined: bool = True, hang: int = 0) -> Iterator[str]:
    """``text`` in lines of at most ``width`` cells, broken at blanks, within a word only where it has no room.

    ``joined`` lets go of the blanks at a break; code keeps those that it begins with. ``hang`` cells stand before each
    line but the first, where that leaves room.
    """
    indent = " " * hang if hang < width // 2 else ""
    if not text:
        yield ""
    while text:
        if cell_len(text) <= width:
            yield text
            return
        end, used, blank = 0, 0, 0
        for char in text:
            used += get_character_cell_size(char)
            if used > width:
                break
            end += 1
            if char == " " and text[:end].strip() and not _UNIT.match(text, end - 2):
                blank = end
        if end < len(text) and text[end] == " " and not _UNIT.match(text, end - 1):
            blank = end  # a word ends just here
        end = blank or _within_word(text, max(end, 1))
        yield text[:end].rstrip() if joined else text[:end]
        rest = text[end:].lstrip(" ") if joined else text[end:]
        text = indent + rest if rest else ""


def _within_word(text: str, end: int) -> int:
    """Where to break a word that has no room: after one of its last separators before ``end``, else just there."""
    places = [text.rfind(char, end // 2, end) + 1 for char in "/.,_([="]
    return max(places) or end
