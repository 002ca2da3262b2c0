"""Text that somebody else's program wrote, so that it can be shown: nothing in it piles up, hides or never ends."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what steers, hides or reverses and is not seen itself."""
MARKS = frozenset({"Mn", "Me"})
MARKS_IN_A_ROW = 2
"""Combining marks kept on one character: writing systems need that many, a stack of them covers the lines above."""


_NAMES = {"\n": "⏎", "\r": "␍", "\t": " ", "\x1b": "␛"}


def visible(char: str) -> str:
    """What stands for a character that isn't seen itself: ``␛``, ``‹202E›``."""
    if char in _NAMES:
        return _NAMES[char]
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures block
    return "␡" if code == 0x7F else f"‹{code:04X}›"


_JOINERS = "\u200c\u200d"
_JOINED = frozenset({"Lo", "Lm", "Mn", "Mc", "So", "Sk"})


def unjoined(text: str) -> str:
    """``text`` without the joiners where honest text has them: alone, between two emoji or two letters of a script that
    joins its letters (those have no capitals). Anywhere else they hide, and stay to be made visible.

    Terminals differ in the width of what is joined; left apart, ``👩💻`` and Persian can be read everywhere.
    """
    if not any(joiner in text for joiner in _JOINERS):
        return text
    kinds = ["", *(unicodedata.category(char) for char in text), ""]
    return "".join(
        char
        for at, char in enumerate(text, start=1)
        if char not in _JOINERS or kinds[at - 1] not in _JOINED or kinds[at + 1] not in _JOINED
    )


def legible(text: str, longest: int, shown: Callable[[str, str], str]) -> str:
    """The first ``longest`` characters of ``text``, with a sign where there are more.

    ``shown`` says what stands for a character of a Unicode category; plain ASCII that fits stays as it is.
    """
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return text
    out: list[str] = []
    marks = 0
    for char in unjoined(text[:longest]):
        category = unicodedata.category(char)
        marks = marks + 1 if category in MARKS else 0
        if marks > MARKS_IN_A_ROW or (marks and not out):
            continue
        out.append(shown(char, category))
    if len(text) > longest:
        out.append("…")
    return "".join(out)
