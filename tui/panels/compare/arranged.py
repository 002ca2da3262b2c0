"""Where the parts of the Compare screen go at a size: a grid of twelve columns. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from tui.pictures.compare.view import CHARTS, EVERY_CHART

COLUMNS = 12
WIDE, NORMAL = 160, 100
TALL, MEDIUM, ROOMY = 45, 30, 36
CHROME = 3
"""Rows of title, views and footer."""

LEAST_TABLE = 4
SHARES = {"table": 0.5, "images": 0.3}
"""Of the rows between the views and the footer how many the table gets at most."""
OTHERS = 0.42
WITH_CHARTS = 0.3
"""Where charts and details stand below it."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``cells``: the parts that are seen, in the order of the grid, with the columns that each takes."""

    rows: str  # heights, as Textual's grid-rows
    cells: tuple[tuple[str, int], ...]

    @property
    def charts(self) -> tuple[str, ...]:
        """The charts among the parts."""
        return tuple(name for name, _ in self.cells if name in EVERY_CHART)


def arrangement(width: int, height: int, view: str, lines: int, statuses: int, *, other: bool = False) -> Arrangement:
    """The parts for ``view`` with a table of ``lines`` rows. ``other``: of two charts that share a view and have room
    for one only the second.
    """
    body = max(LEAST_TABLE, height - CHROME - statuses)
    several = width >= NORMAL and height >= ROOMY
    share = WITH_CHARTS if view == "table" and several else SHARES.get(view, OTHERS)
    table = min(1 + max(lines, 1), max(LEAST_TABLE, int(body * share)))
    if view == "images":
        return Arrangement(f"{table} 1fr", (("table", COLUMNS), ("images", COLUMNS)))
    if view == "table":
        return _all(width, height, table)
    names = CHARTS[view]
    if width < NORMAL:
        return Arrangement(f"{table} 1fr", (("table", COLUMNS), (names[-1] if other else names[0], COLUMNS)))
    told = height >= MEDIUM and (len(names) == 1 or width >= WIDE)
    room = COLUMNS - (COLUMNS // 3 if told else 0)
    cells = [("table", COLUMNS), *((name, room // len(names)) for name in names)]
    return Arrangement(f"{table} 1fr", tuple(cells + [("detail", COLUMNS - room)] * told))


def _all(width: int, height: int, table: int) -> Arrangement:
    """The table with the details, and where there is room with charts."""
    if width >= WIDE and height >= TALL:
        cells = [("latency", 4), ("histogram", 4), ("ecdf", 4), ("memory", 3), ("speedup", 3), ("cumulative", 3)]
        return Arrangement(f"{table} 1fr 1fr", (("table", COLUMNS), *cells, ("detail", 3)))
    if width >= NORMAL and height >= ROOMY:
        cells = [("speedup", 6), ("cumulative", 6), ("detail", COLUMNS)]
        return Arrangement(f"{table} 1fr 1fr", (("table", COLUMNS), *cells))
    return Arrangement(f"{table} 1fr", (("table", COLUMNS), ("detail", COLUMNS)))
