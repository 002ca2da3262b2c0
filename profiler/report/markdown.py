"""Text that others wrote as Markdown that shows it, and tables as GitHub has them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from profiler.report.columns import Column
from profiler.report.text import escaped, unsteering

_CODE = r"`[^`<&|]+`(?!`)"
_MARKS = r"[*~`&<|]|(?<![^\W_])_|_(?![^\W_])|\\(?=[!-/:-@\[-`{-~]|$)|(?<=\])[(\[]"
_REFERENCE = r"(?<!\w)@\w[\w/-]*|(?<![\w&])(?:[\w.-]+/)*[\w.-]*#\d+\b|\bGH-\d+\b"
_INLINE = re.compile(f"{_CODE}|{_REFERENCE}|{_MARKS}")
"""Code spans, what GitHub would read (names that are told of it, issues that are linked or closed), and what else
Markdown would: stars, underscores that begin or end a word, tags, links, images.
"""


def shown(text: str) -> str:
    """``text``, which may come from a log, as Markdown that shows it letter by letter.

    Code in backticks stays code; what would call somebody's attention to it becomes code.
    """
    return _INLINE.sub(_literal, unsteering(text))


def _literal(found: re.Match[str]) -> str:
    text = found[0]
    if len(text) > 1:
        return text if text.startswith("`") else f"`{text}`"
    return escaped(text) if text in "&<|" else f"\\{text}"


def table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def one_line(text: str) -> str:
    return " ".join(text.split())


def table(names: Sequence[Column], columns: Sequence[Column]) -> list[str]:
    """A row for each cell of ``names``; columns without any value are left out. Cells are escaped."""
    shown_columns = [*names, *(column for column in columns if not column.empty)]
    rules = ["---:" if column.right else "---" for column in shown_columns]
    rows = zip(*(column.cells for column in shown_columns), strict=True)
    lines = [[shown(column.title) for column in shown_columns], rules]
    return [table_row(one) for one in [*lines, *([shown(one_line(cell)) for cell in cells] for cells in rows)]]


def item(text: str) -> str:
    """``text`` as a point of a list, whatever it begins with."""
    return f"- {point(text)}"


def point(text: str) -> str:
    """What stands behind the sign of a point of a list: it begins no other block in it."""
    return _BLOCK.sub(_escaped_start, shown(one_line(text)), count=1)


_BLOCK = re.compile(r"^(?:[#>+=-]|\d+(?=[.)]))")
"""What begins a heading, a quote, a list or a rule at the start of a line."""


def _escaped_start(found: re.Match[str]) -> str:
    return f"\\{found[0]}" if not found[0].isdigit() else f"{found[0]}\\"
