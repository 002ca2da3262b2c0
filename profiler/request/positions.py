"""Where in a TOML text a key stands: tomllib reads values and forgets their lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

Path = Sequence[str | int]
"""Keys and, for arrays, numbers from 0: ("case", 1, "height")."""
_AT = re.compile(r"\s*\(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


def line_of(text: str, path: Path) -> int:
    """The line, from 1, where the value at ``path`` of a valid TOML ``text`` begins.

    The longest beginning of the text that is valid and lacks the value ends right before that line. Beginnings that
    end within a value that spans several lines aren't valid, and are passed over; those of an array are when they are
    closed, so that one of its items has a line of its own.
    """
    lines = text.split("\n")
    lacking, having = _narrowed(lines, path, 0, len(lines), "")
    lacking, _ = _narrowed(lines, path, lacking, having, "]")
    return lacking + 1


def _narrowed(lines: list[str], path: Path, lacking: int, having: int, closing: str) -> tuple[int, int]:
    """Two beginnings that are as close as can be told: one without and one with the value, in numbers of lines."""
    while having - lacking > 1:
        found = _nearest_valid(lines, lacking, having, closing)
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


def _nearest_valid(lines: list[str], low: int, high: int, closing: str) -> tuple[int, dict[str, Any]] | None:
    """The valid beginning with more than ``low`` and fewer than ``high`` lines that is nearest to their middle.

    ``closing`` is put after each.
    """
    middle = (low + high) // 2
    for at in (*range(middle, low, -1), *range(middle + 1, high)):
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
