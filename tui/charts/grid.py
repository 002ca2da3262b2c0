"""A block of cells that is written cell by cell and read back as runs of one style."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, get_character_cell_size

_BRAILLE = 0x2800
"""The first braille character, followed by one for each set of the 8 dots."""


class Grid:
    """`width` x `height` cells, blank at first; `put` and `write` ignore what lies outside.

    The second cell of a wide character is the empty string.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._chars = [[" "] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]

    def put(self, x: int, y: int, char: str, style: str) -> None:
        """Set one cell. What is left of a wide character that had it becomes blank."""
        if 0 <= x < self.width and 0 <= y < self.height:
            row = self._chars[y]
            if not row[x]:
                row[x - 1] = " "
            if x + 1 < self.width and not row[x + 1]:
                row[x + 1] = " "
            row[x] = char
            self._styles[y][x] = style

    def overlay_all(self, left: int, top: int, cells: Iterable[tuple[int, int, str]], style: str) -> None:
        """Set `cells`, columns and rows counted from (`left`, `top`), in one style, keeping the dots another line has
        there: two braille characters become one of both. All must lie in the grid.
        """
        every, styles = self._chars, self._styles
        for column, row, drawn in cells:
            x, y = left + column, top + row
            present, char = every[y][x], drawn
            if present != " ":
                under, dots = ord(present or " ") - _BRAILLE, ord(drawn) - _BRAILLE
                if 0 <= under < 256 and 0 <= dots < 256:
                    char = chr(_BRAILLE + (dots | under))
                elif not present or not present.isascii():
                    self.put(x, y, char, style)
                    continue
            every[y][x] = char
            styles[y][x] = style

    def write(self, x: int, y: int, text: str, style: str) -> None:
        """Set cells from (x, y) to the right. A wide character takes two, and isn't there if it has but one of them."""
        if not text.isprintable():
            text = "".join(char for char in text if char.isprintable())
        if text.isascii() or cell_len(text) == len(text):
            for offset, char in enumerate(text):
                self.put(x + offset, y, char, style)
            return
        for char in text:
            size = get_character_cell_size(char)
            if size == 1:
                self.put(x, y, char, style)
            elif size == 2 and 0 <= x < self.width - 1:
                self.put(x, y, char, style)
                self.put(x + 1, y, " ", style)
                if 0 <= y < self.height:
                    self._chars[y][x + 1] = ""
            x += size

    def runs(self, y: int) -> list[tuple[str, str]]:
        """Row `y` as (text, style). A blank takes the style to its left: it looks the same and saves a style change."""
        chars, styles = self._chars[y], self._styles[y]
        text = "".join(chars)
        out: list[tuple[str, str]] = []
        start, style = 0, ""
        for x in [x for x, char in enumerate(chars) if char != " "]:
            if styles[x] != style:
                if x > start:
                    out.append((text[start:x], style))
                start, style = x, styles[x]
        out.append((text[start:], style))
        return out
