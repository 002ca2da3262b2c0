"""The one boundary that text from logs crosses on its way to the screen.

A module name, a guard's text, an exception, a host name: all of it was written by somebody else's program. What could
move the cursor, change the colours, reverse the reading direction or hide is made visible, and nothing is longer than
it may be. The result holds printable characters alone; it is never read as markup: no widget here reads markup.
"""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size

from profiler.legible import HIDDEN, legible, visible

LONGEST = 2000
"""Characters that are looked at; whatever comes after them is cut with a sign."""

OWN_ASCII = str.maketrans("→–…·×↑↓‹›⏎␛", ">-~-x^v<>|^") | dict.fromkeys(range(9216, 9250), "^")
"""This program's own characters beyond ASCII as ones of the same width; what others wrote stays as it is."""

_WIDER_ASCII = OWN_ASCII | {ord("±"): "+-", ord("→"): "->"}


def line(text: str, longest: int = LONGEST) -> str:
    """``text`` on one line: control and format characters replaced by visible ones, at most ``longest`` characters."""
    return legible(text, longest, _shown)


_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""They ask for another form of the character before them, of another width on some terminals: 16 of them emoji's."""


def _shown(char: str, category: str) -> str:
    if char in _SELECTORS:
        return ""
    return visible(char) if category in HIDDEN else " " if category == "Zs" else char


def in_ascii(text: str) -> str:
    """``text`` of this program in ASCII, for where its width isn't counted yet: ``±`` and ``→`` take two cells."""
    return text.translate(_WIDER_ASCII)


def as_wide_in_ascii(text: str) -> str:
    """``text`` of this program in ASCII, as wide as it is: ``256 → 64`` as ``256 ->64``, for ``>`` would be a claim."""
    return text.replace(" → ", " ->").translate(OWN_ASCII)


def fit(text: str, width: int, *, ascii: bool = False) -> str:
    """``text`` in at most ``width`` cells; what doesn't fit is cut with a sign. Wide characters are measured."""
    if (len(text) <= width and text.isascii()) or cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    room = width - 1
    out: list[str] = []
    for char in text:
        room -= get_character_cell_size(char)
        if room < 0:
            break
        out.append(char)
    return "".join(out) + ("~" if ascii else "…")


def pad(text: str, width: int, *, right: bool = False, ascii: bool = False) -> str:
    """``text`` in exactly ``width`` cells, to the left or to the ``right``."""
    text = fit(text, width, ascii=ascii)
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank
