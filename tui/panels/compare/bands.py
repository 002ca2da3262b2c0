"""Histograms below each other on one axis: filled, so that none hides another."""

from __future__ import annotations

from rich.cells import cell_len

from tui import safe
from tui.charts.axes import format_value
from tui.panels.compare.axis import FEWER, axis_rows
from tui.panels.lines import Panel
from tui.panels.rows import Row, Rows, fitted, spread
from tui.pictures.compare.bands import Band, Bands

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_ASCII = " ...:::##"
"""The same in ASCII, rougher."""

_FULL = 8
_LEAST_LABEL, _MOST_LABEL = 12, 20
_AXIS_ROWS = 2
_LEAST_CELLS = 8


class BandsPanel(Panel[Bands]):
    """A band a row of the comparison, all as high and to one scale; of more than fit the last row says how many."""

    DEFAULT_CSS = "BandsPanel { height: 1fr; min-height: 4; }"

    def lay_out(self, width: int, height: int) -> Rows:
        value = self.value
        left = [(value.title, "bold")]
        if value.bands:
            left.append((f"  % of its steps, each from 0 to {format_value(value.top, '')}", "quiet"))
        note = [(value.note, "quiet")] if value.note else []
        rows: list[Row] = [spread(left, note, width, ascii=self.ascii)]
        if not value.bands:
            rows += [(), fitted([("  " + value.empty, "quiet")], width, ascii=self.ascii)]
            return tuple(rows)
        room = max(1, height - 1 - _AXIS_ROWS)
        seen = value.bands if len(value.bands) <= room else value.bands[: room - 1]
        high = max(1, room // max(1, len(seen)))
        longest = max((cell_len(band.label) for band in seen), default=0) + 2
        label = max(_LEAST_LABEL, min(longest, _MOST_LABEL, width // 3))
        cells = width - label - 2  # the last number may end one cell after its tick
        if cells < _LEAST_CELLS:
            return tuple(rows)
        for band in seen:
            rows += self._band(band, label, cells, high)
        if len(seen) < len(value.bands):
            sign = "~" if self.ascii else "…"
            rows.append(((f"{sign} {len(value.bands) - len(seen)} more: {self.keyed(FEWER)}", "quiet"),))
        rows += axis_rows(value.low, value.high, "s", label + 1, cells, ascii=self.ascii)
        return tuple(fitted(row, width, ascii=self.ascii) for row in rows[:height])

    def _band(self, band: Band, label: int, cells: int, high: int) -> list[Row]:
        """``high`` rows. The last one has the label, the one above it the share of the fullest bin."""
        levels = self._levels(band, cells, high)
        glyphs = _ASCII if self.ascii else _EIGHTHS
        symbol = band.symbol_ascii if self.ascii else band.symbol
        rows: list[Row] = []
        for row in range(high - 1, -1, -1):
            text = "".join(glyphs[max(0, min(_FULL, level - row * _FULL))] for level in levels)
            name: Row = ((" " * label, ""),)
            if row == 0:
                name = ((f"{symbol} ", band.style), (safe.pad(band.label, label - 2, ascii=self.ascii), ""))
            elif row == 1 and high > 1:
                peak = f"  peak {format_value(max(band.shares, default=0.0), '', 2)} %"
                name = ((safe.pad(peak, label, ascii=self.ascii), "quiet"),)
            rows.append((*name, (" ", ""), (text.rstrip(), band.style)))
        return rows

    def _levels(self, band: Band, cells: int, high: int) -> list[int]:
        """How many eighths of a row each cell is filled: the fullest bin that lies in it, at least one where any is."""
        bins, most = len(band.shares), high * _FULL
        levels = []
        for cell in range(cells):
            first = cell * bins // cells
            last = max(first + 1, (cell + 1) * bins // cells)
            share = max(band.shares[first:last], default=0.0)
            levels.append(max(1, round(share / self.value.top * most)) if share > 0 and self.value.top > 0 else 0)
        return levels
