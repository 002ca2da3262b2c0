"""Columns of whole numbers: what the fold keeps in place of a million event objects."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

ABSENT = -1
"""Stands for None in a column; no measured value is negative."""


class Columns:
    """Rows of 64-bit integers under named columns, kept row by row in one array (appending a row is one call).

    ``None`` is kept as ``ABSENT``. Rows are only ever appended, but where a replay goes back and cuts them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.width = len(self.names)
        self._index = {name: position for position, name in enumerate(self.names)}
        self._cells = array("q")
        self.extend = self._cells.extend  # bound once: the fold appends hundreds of thousands of rows

    def __len__(self) -> int:
        return len(self._cells) // self.width

    def column(self, name: str, start: int = 0, stop: int | None = None) -> array[int]:
        """Column ``name`` of the rows ``start`` to ``stop``, as a new array."""
        end = len(self._cells) if stop is None else stop * self.width
        return self._cells[start * self.width + self._index[name] : end : self.width]

    def row(self, position: int) -> tuple[int, ...]:
        """One row, in the order of ``names``; negative positions count from the end."""
        if position < 0:
            position += len(self)
        return tuple(self._cells[position * self.width : (position + 1) * self.width])

    def cell(self, position: int, name: str) -> int:
        if position < 0:
            position += len(self)
        return self._cells[position * self.width + self._index[name]]

    def cut(self, rows: int) -> None:
        """Keep the first ``rows`` rows alone."""
        del self._cells[rows * self.width :]

    def first_at(self, name: str, value: int) -> int:
        """The first row whose ``name`` is at least ``value``; the column must be ascending (a time)."""
        # the column in place; released at once, since an array that is looked at can't grow
        with memoryview(self._cells) as cells, cells[self._index[name] :: self.width] as column:
            return bisect_left(column, value)


def known(values: Sequence[int]) -> list[int]:
    """The values that were measured."""
    return [value for value in values if value != ABSENT]


def optional(value: int) -> int | None:
    """A cell as what it stands for."""
    return None if value == ABSENT else value
