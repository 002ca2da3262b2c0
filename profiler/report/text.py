"""Cells and columns of plain text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from profiler.legible import HIDDEN

NOT_MEASURED = "-"
_PLAIN = re.compile("[\t\n\r -~]*")


def align(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows of cells as lines of aligned columns; the columns named in ``right`` are aligned to the right."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def gibibytes(value: int | None) -> str:
    """Bytes as GiB, or MiB below one GiB."""
    if value is None:
        return NOT_MEASURED
    return f"{value / 2**30:.2f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"


def number(value: float | None, digits: int) -> str:
    """With ``digits`` decimals; a value below 1 keeps three figures that count, however small it is."""
    if value is None:
        return NOT_MEASURED
    return f"{value:.{digits}f}" if value >= 1 or value == 0 else f"{value:#.3g}"


def duration(ms: float | None) -> str:
    """Milliseconds, from a second on seconds, with three figures that count: 0.83 ms, 43.2 ms, 9.02 s, 104 s."""
    if ms is None:
        return NOT_MEASURED
    value, unit = (ms / 1000, "s") if abs(ms) >= 999.5 else (ms, "ms")
    if value == 0:
        return "0 s"
    text = f"{value:#.3g}".rstrip(".") if 0.001 <= abs(value) < 999.5 else f"{value:.0f}"
    return f"{text} {unit}"


def unsteering(text: str) -> str:
    r"""``text`` with ``\u001b`` for what would steer a terminal that it is printed on, what is not seen, and halves of
    characters; line ends and tabs stay. What takes two units of UTF-16 is written as both, as JSON has it.
    """
    if _PLAIN.fullmatch(text):
        return text
    odd = {char for char in set(text) if unicodedata.category(char) in HIDDEN and char not in "\t\n\r"}
    # A table for `translate` would be asked about every character.
    return re.sub(f"[{re.escape(''.join(odd))}]", lambda found: _escape(found[0]), text) if odd else text


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def escaped(text: str) -> str:
    """``text``, which may come from a log, as Markdown that shows it: with no bar that begins a cell and no tag."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")


def shortened(place: str) -> str:
    """A file's place without the folder of the installed packages: ``diffusers/models/attention.py:1004``."""
    return place.rpartition("site-packages/")[2]


def in_one_run(counted: str, runs: int) -> str:
    """``counted`` of the run with the most, said so where there are several: ``2 recompiles in one run of 3``."""
    return counted if runs < 2 else f"{counted} in one run of {runs}"
