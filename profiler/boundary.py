"""The one place where text that somebody else wrote is made harmless: as it is decoded from a log or a session's files.

A module's name, a guard's text, an exception, a host: a copied session can hold anything there. What would steer a
terminal, reverse the reading direction, hide or pile up is replaced by visible signs before anything keeps it, so that
no screen, line or export that forgets to look can pass it on. Line ends and tabs stay. Files keep what was written.

Almost no record needs it: JSON has control characters as escapes alone, so a scan of the raw bytes tells which do.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypeVar

import msgspec

from profiler.legible import HIDDEN, MARKS, MARKS_IN_A_ROW, unjoined, visible

T = TypeVar("T")

_KEPT = "\n\t"
_ESCAPE = re.compile(rb"\\[ubfr]")
_PLAIN = frozenset({int, float, bool, type(None)})


def may_harm(data: bytes) -> bool:
    """Whether JSON text can hold a character that ``harmless`` replaces. True of some that doesn't, never the reverse.

    Plain ASCII without escapes but those of quotes, backslashes, line ends and tabs can't.
    """
    return not data.isascii() or b"\x7f" in data or (b"\\" in data and _ESCAPE.search(data) is not None)


def harmless(text: str) -> str:
    """``text`` with visible signs for what steers or hides, and at most two combining marks on a character.

    What joins letters or emoji is left out where honest text has it.
    """
    if text.isascii():
        return text if text.isprintable() else text.translate(_signs)
    text = unjoined(text)
    if any(unicodedata.category(char) in MARKS for char in set(text)):
        text = _unpiled(text)
    return text if text.isprintable() else text.translate(_signs)


def clean(value: T) -> T:
    """``value`` with every text in it ``harmless``: a struct is changed in place (a frozen one too), the rest copied.

    For what was decoded a moment ago and nobody else has. Raises RecursionError where it is nested too deep.
    """
    if isinstance(value, str):
        return harmless(value)  # type: ignore[return-value]
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            found = getattr(value, name)
            if type(found) not in _PLAIN:
                msgspec.structs.force_setattr(value, name, clean(found))
        return value
    if isinstance(value, dict):
        return {clean(key): clean(one) for key, one in value.items()}  # type: ignore[return-value]
    if isinstance(value, list | tuple):
        return type(value)([clean(one) for one in value])
    return value


class _Signs(dict[int, str]):
    """For ``str.translate``: what stands for a character, looked up once each."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        sign = visible(char) if char not in _KEPT and unicodedata.category(char) in HIDDEN else char
        if len(self) < _MOST_SIGNS:
            self[code] = sign
        return sign


_MOST_SIGNS = 4096  # of a log full of ever new characters nothing is to grow
_signs = _Signs()


def _unpiled(text: str) -> str:
    """Without the combining marks beyond those that writing systems need, and those that stand on nothing."""
    out: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in MARKS else 0
        if marks <= MARKS_IN_A_ROW and (out or not marks):
            out.append(char)
    return "".join(out)
