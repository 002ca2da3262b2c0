"""The one table that the benches print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One promise: what, its limit, what was measured; ``ok`` None where nothing could be measured (why: ``note``)."""

    measure: str
    limit: str
    measured: str
    ok: bool | None
    note: str = ""


HEADINGS = ("measure", "limit", "measured", "verdict", "note")
VERDICTS = {True: "met", False: "MISSED", None: "not measured"}


def cells(row: Row) -> tuple[str, ...]:
    return row.measure, row.limit, row.measured, VERDICTS[row.ok], row.note


def table(rows: Iterable[Row]) -> str:
    """The rows under headings, columns as wide as their widest cell."""
    lines = [HEADINGS, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)
