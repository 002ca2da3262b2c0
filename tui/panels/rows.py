"""Rows of styled text: what pictures are laid out into and `Lines` paints. Pure values and arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui import safe

Part = tuple[str, str]
"""Text and the words of its style (`tui.theme.rich_style`); the text is safe and of one line."""

Row = tuple[Part, ...]
Rows = tuple[Row, ...]


def width_of(row: Sequence[Part]) -> int:
    """The cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def fitted(row: Sequence[Part], width: int, *, ascii: bool = False) -> Row:
    """``row`` in at most ``width`` cells: the end is cut, with a sign."""
    if width_of(row) <= width:
        return tuple(row)
    out: list[Part] = []
    left = width
    for position, (text, style) in enumerate(row):
        size = cell_len(text)
        last = position == len(row) - 1
        if size < left or (size == left and last):
            out.append((text, style))
            left -= size
            continue
        # the sign needs a cell of its own, so that text which just fits isn't taken for all there is
        out.append(
            (safe.fit(text + " ", left, ascii=ascii) if size == left else safe.fit(text, left, ascii=ascii), style)
        )
        break
    return tuple(out)


def spread(left: Sequence[Part], right: Sequence[Part], width: int, *, ascii: bool = False) -> Row:
    """``left`` and ``right`` at the two ends of a row; where both don't fit the left one is cut, with a sign."""
    right = fitted(right, width, ascii=ascii)
    room = width - width_of(right)
    gap = 2 if right else 0
    start = fitted(left, max(0, room - gap), ascii=ascii)
    return (*start, (" " * (room - width_of(start)), ""), *right)


def bar(fraction: float, width: int, style: str = "accent", *, ascii: bool = False) -> Row:
    """A progress bar ``width`` cells wide, ``fraction`` (0 to 1) of it filled."""
    full, rest = ("=", ".") if ascii else ("━", "─")
    filled = min(width, max(0, round(fraction * width)))
    return ((full * filled, style), (rest * (width - filled), "faint"))
