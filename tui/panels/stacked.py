"""Stacked bars as rows of text: a legend in the title, a bar a row, an axis with its unit below."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len

from tui import safe
from tui.charts.axes import axis_suffix, format_value, in_ascii
from tui.charts.stacked import Bar, Kind, Stacked
from tui.panels.compare.axis import axis_rows
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted, spread, width_of

_LEAST_AXIS = 12
"""Cells that bars must have to be worth drawing."""

_AXIS_FROM = 6
"""Rows from which on there are two for the axis."""

_GAP = 2


class StackedPanel(Panel[Stacked]):
    """Of more bars than rows the last row says how many are missing."""

    DEFAULT_CSS = "StackedPanel { height: 1fr; min-height: 3; }"

    def lay_out(self, width: int, height: int) -> Rows:
        value = self.value
        rows: list[Row] = [self._title(width)]
        if not any(bar.total is not None or bar.text for bar in value.bars):
            rows += [()] * max(0, (height - 2) // 2)
            rows.append((self._centred(value.empty, width),))
            return tuple(rows[:height])
        axis_below = height >= _AXIS_FROM
        room = max(1, height - 1 - 2 * axis_below)
        bars = value.bars
        seen = bars if len(bars) <= room else bars[: max(0, room - 1)]
        total = max((cell_len(self._total(bar)) for bar in seen), default=0)
        label = max((cell_len(bar.label) for bar in seen), default=0) + 2
        label = max(4, min(label, width - total - 2 * _GAP - _LEAST_AXIS, width // 3))
        cells = width - label - _GAP - (total + _GAP if total else 0)
        apart = len(seen) == len(bars) and 2 * len(seen) - 1 <= room
        for number, bar in enumerate(seen):
            if number and apart:
                rows.append(())
            rows.append(self._row(bar, label, cells))
        if len(seen) < len(bars):
            rows.append(((f"{'~' if self.ascii else '…'} {len(bars) - len(seen)} more", "quiet"),))
        if axis_below and cells >= _LEAST_AXIS:
            rows += axis_rows(0.0, value.high, value.unit, label + _GAP, cells, ascii=self.ascii)
        return tuple(fitted(row, width, ascii=self.ascii) for row in rows[:height])

    def _title(self, width: int) -> Row:
        """The title with its unit, then each kind's fill and name: names are cut, the longest first, before the row."""
        value = self.value
        head: list[Part] = [(value.title, "bold"), (f" {axis_suffix(value.unit, 0.0, value.high)}", "quiet")]
        names = [kind.name for kind in value.kinds]
        room = width - width_of(head) - 4 * len(names)
        while sum(map(cell_len, names)) > room and max(map(cell_len, names), default=0) > 3:
            longest = max(range(len(names)), key=lambda n: cell_len(names[n]))
            names[longest] = safe.fit(names[longest], cell_len(names[longest]) - 1, ascii=self.ascii)
        for kind, name in zip(value.kinds, names, strict=True):
            head.append((f"  {self._fill(kind)} {name}", kind.style))
        note: list[Part] = [(value.note, "quiet")] if value.note else []
        if note and width_of(head) + width_of(note) + 2 > width:
            note = []
        return spread(head, note, width, ascii=self.ascii)

    def _centred(self, text: str, width: int) -> Part:
        text = safe.fit(text, width, ascii=self.ascii)
        return " " * ((width - cell_len(text)) // 2) + text, "quiet"

    def _row(self, bar: Bar, label: int, cells: int) -> Row:
        symbol = bar.symbol_ascii if self.ascii else bar.symbol
        parts: list[Part] = [
            (f"{symbol} ", bar.style),
            (safe.pad(bar.label, label - 2, ascii=self.ascii), ""),
            (" " * _GAP, ""),
        ]
        if bar.total is None:
            return (*parts, (bar.text, "quiet"))
        drawn = 0
        if cells >= _LEAST_AXIS:
            for kind, count in zip(self.value.kinds, self._lengths(bar.values, cells), strict=True):
                parts.append((self._fill(kind) * count, kind.style))
                drawn += count
            parts.append((" " * (cells - drawn), ""))
            parts.append((" " * _GAP, ""))
        parts.append((self._total(bar), ""))
        return tuple(parts)

    def _lengths(self, values: Sequence[float | None], cells: int) -> list[int]:
        """The cells of each value: their ends are rounded, so that the whole is as long as the sum of all is.

        What was measured has a cell at least, taken from the longest, so that no stage is there and not seen.
        """
        scale = cells / self.value.high if self.value.high > 0 else 0.0
        ends, reached = [0], 0.0
        for value in values:
            reached += max(0.0, value or 0.0)
            ends.append(min(cells, round(reached * scale)))
        lengths = [after - before for before, after in pairwise(ends)]
        for number, value in enumerate(values):
            longest = max(range(len(lengths)), key=lengths.__getitem__)
            if value and not lengths[number] and lengths[longest] > 1:
                lengths[number], lengths[longest] = 1, lengths[longest] - 1
        return lengths

    def _fill(self, kind: Kind) -> str:
        return kind.fill_ascii if self.ascii else kind.fill

    def _total(self, bar: Bar) -> str:
        if not self.value.total or bar.total is None:
            return ""
        text = format_value(bar.total, self.value.unit)
        return in_ascii(text) if self.ascii else text
