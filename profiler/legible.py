"""Text that somebody else's program wrote, so that it can be shown: nothing in it piles up, hides or never ends."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what steers, hides or reverses and is not seen itself."""
_MARKS = frozenset({"Mn", "Me"})
_MARKS_IN_A_ROW = 2
"""Combining marks kept on one character: writing systems need that many, a stack of them covers the lines above."""


def legible(text: str, longest: int, shown: Callable[[str, str], str]) -> str:
    """The first ``longest`` characters of ``text``, with a sign where there are more.

    ``shown`` says what stands for a character of a Unicode category; plain ASCII that fits stays as it is.
    """
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return text
    out: list[str] = []
    marks = 0
    for char in text[:longest]:
        category = unicodedata.category(char)
        marks = marks + 1 if category in _MARKS else 0
        if marks > _MARKS_IN_A_ROW or (marks and not out):
            continue
        out.append(shown(char, category))
    if len(text) > longest:
        out.append("…")
    return "".join(out)
