"""Where in a TOML text a key stands: tomllib reads values and forgets their lines."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

Path = Sequence[str | int]
"""Keys and, for arrays, numbers from 0: ("case", 1, "height")."""
_AT = re.compile(r"\s*\(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


_STATEMENT = re.compile(r"""\s*(?:\[|["'\w-].*=)""")
"""Where a key or the head of a table may stand; lines within values that look so are found out by parsing."""
_TRIES = 200
"""Beginnings that are parsed in search of a valid one: a text made to look like keys must not take minutes."""


def line_of(text: str, path: Path) -> int:
    """The line, from 1, where the value at ``path`` of a valid TOML ``text`` begins.

    The longest beginning of the text that is valid and lacks the value ends right before that line. Beginnings that
    end within a value that spans several lines aren't valid, and are passed over; those of an array are when they are
    closed, so that one of its items has a line of its own.
    """
    lines = text.split("\n")
    statements = [number for number, line in enumerate(lines) if _STATEMENT.match(line)]
    lacking, having = _narrowed(lines, path, statements, 0, len(lines), "")
    lacking, _ = _narrowed(lines, path, range(lacking + 1, having), lacking, having, "]")
    return lacking + 1


def _narrowed(
    lines: list[str], path: Path, ends: Sequence[int], lacking: int, having: int, closing: str
) -> tuple[int, int]:
    """Two beginnings that are as close as can be told: one without and one with the value, in numbers of lines.

    ``ends`` are the numbers of lines after which a beginning may end, in ascending order.
    """
    while between := ends[bisect_right(ends, lacking) : bisect_left(ends, having)]:
        found = _nearest_valid(lines, between, closing)
        if found is None:
            break
        at, parsed = found
        if _has(parsed, path):
            having = at
        else:
            lacking = at
    return lacking, having


def syntax_error(text: str, error: tomllib.TOMLDecodeError) -> tuple[int, str]:
    """The line of a syntax error, from 1, and what is wrong there."""
    message = str(error)
    found = _AT.search(message)
    if found is None:
        return 1, message
    what = message[: found.start()]
    if found["line"] is None:
        return len(text.rstrip().split("\n")), f"{what} at the end of the file"
    return int(found["line"]), f"{what} (column {found['column']})"


def _nearest_valid(lines: list[str], ends: Sequence[int], closing: str) -> tuple[int, dict[str, Any]] | None:
    """The valid beginning that is nearest to the middle of ``ends``. ``closing`` is put after each."""
    middle = (len(ends) - 1) // 2
    by_nearness = chain(reversed(ends[: middle + 1]), ends[middle + 1 :])
    for at in islice(by_nearness, _TRIES):
        try:
            return at, tomllib.loads("\n".join([*lines[:at], closing]))
        except tomllib.TOMLDecodeError:
            continue
    return None


def _has(parsed: Any, path: Path) -> bool:
    for key in path:
        if isinstance(key, int):
            if not isinstance(parsed, list) or key >= len(parsed):
                return False
        elif not isinstance(parsed, dict) or key not in parsed:
            return False
        parsed = parsed[key]
    return True
