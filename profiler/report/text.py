"""Cells and columns of plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

NOT_MEASURED = "-"
# What terminals obey and readers don't see: controls, marks of the reading direction, what has no width.
_STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


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
    r"""``text`` with ``\u001b`` for what would steer a terminal that it is printed on; line ends and tabs stay."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escaped(text: str) -> str:
    """``text``, which may come from a log, as Markdown that shows it: with no bar that begins a cell and no tag."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")


def shortened(place: str) -> str:
    """A file's place without the folder of the installed packages: ``diffusers/models/attention.py:1004``."""
    return place.rpartition("site-packages/")[2]


def in_one_run(counted: str, runs: int) -> str:
    """``counted`` of the run with the most, said so where there are several: ``2 recompiles in one run of 3``."""
    return counted if runs < 2 else f"{counted} in one run of {runs}"
