"""Tables of plain text that fit a terminal: groups of columns, below each other where they don't fit side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.report.text import NOT_MEASURED, align

GAP = 2
WIDTH = 80


@dataclass(frozen=True, slots=True)
class Column:
    """``spare``: left out where it would need a line of its own. A column without any value is always left out."""

    title: str
    cells: Sequence[str]
    right: bool = True
    spare: bool = False

    @property
    def width(self) -> int:
        return max(map(len, (self.title, *self.cells)))

    @property
    def empty(self) -> bool:
        return all(cell in ("", NOT_MEASURED) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Group:
    """Columns that belong together. ``title`` stands above the names of the rows where the group has its own lines."""

    title: str
    columns: Sequence[Column]


def table(names: Sequence[Column], groups: Sequence[Group], width: int = WIDTH) -> list[str]:
    """A row for each of ``names``' cells; no figure is cut.

    All columns stand in one row where ``width`` allows it. Otherwise each group has its own rows below a blank line,
    and what doesn't fit in these goes on below them. Names that leave too little room stand above their rows.
    """
    if not names or not names[0].cells:
        return []
    filled = [Group(one.title, [column for column in one.columns if not column.empty]) for one in groups]
    filled = [one for one in filled if one.columns]
    every = [column for group in filled for column in group.columns]
    if not every:
        return _block(names, [], width)
    if _wide([*names, *every]) <= width:
        return _block(_titled(names, filled[0].title) if len(groups) == 1 else names, every, width)
    lines: list[str] = []
    for group in filled:
        for columns in _fitted(names, group.columns, width):
            lines += ([""] if lines else []) + _block(_titled(names, group.title), columns, width)
    return lines


def spoken(names: Sequence[Column], groups: Sequence[Group]) -> list[str]:
    """The same table for ears: a line for each cell of ``names`` and each group, every figure after its column's title.

    ``compile, speed: runs 1/1, it/s 27.30``. What was not measured is left out.
    """
    if not names:
        return []
    lines: list[str] = []
    for row in range(len(names[0].cells)):
        called = " ".join(filter(None, (column.cells[row] for column in names)))
        for group in groups:
            told = [
                f"{column.title} {column.cells[row]}"
                for column in group.columns
                if column.cells[row] not in ("", NOT_MEASURED)
            ]
            if told:
                lines.append(f"{called}, {group.title}: {', '.join(told)}")
    return lines


def _titled(names: Sequence[Column], title: str) -> list[Column]:
    """Over the names of the rows, which are in the column called "case"."""
    place = next((place for place, column in enumerate(names) if column.title == "case"), 0)
    return [Column(title, one.cells, right=False) if at == place else one for at, one in enumerate(names)]


def _wide(columns: Sequence[Column]) -> int:
    return sum(column.width + GAP for column in columns) - GAP


def _fitted(names: Sequence[Column], columns: Sequence[Column], width: int) -> list[list[Column]]:
    """``columns`` in as many parts as ``width`` needs, each of at least one."""
    room = width - (0 if _above(names, width) else _wide(names) + GAP)
    parts: list[list[Column]] = [[]]
    for column in columns:
        if parts[-1] and _wide([*parts[-1], column]) > room:
            if column.spare:
                continue
            parts.append([])
        parts[-1].append(column)
    return parts


def _above(names: Sequence[Column], width: int) -> bool:
    """Whether the names take so much room that they stand in lines of their own."""
    return _wide(names) > width // 2


def _block(names: Sequence[Column], columns: Sequence[Column], width: int) -> list[str]:
    if not columns or not _above(names, width) or _wide([*names, *columns]) <= width:
        shown = [*names, *columns]
        right = [place for place, column in enumerate(shown) if column.right and place >= len(names)]
        return align(_cells(shown), right=right)
    figures = align(_cells(columns), right=range(len(columns)))
    called = ["  ".join(filter(None, cells)) for cells in zip(*(column.cells for column in names), strict=True)]
    titles = "  ".join(filter(None, (column.title for column in names)))
    return [titles, f"  {figures[0]}", *(line for one, row in zip(called, figures[1:]) for line in (one, f"  {row}"))]


def _cells(columns: Sequence[Column]) -> list[list[str]]:
    """Titles first, then row by row."""
    rows = zip(*(column.cells for column in columns), strict=True)
    return [[column.title for column in columns], *map(list, rows)]
