"""Speed-ups as bars: a row each, with the interval drawn across the bar's end."""

from __future__ import annotations

from rich.cells import cell_len

from tui import safe
from tui.panels.compare.axis import FEWER, axis_rows, place_of
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted
from tui.pictures.compare.bars import EQUAL, Bar, Bars

_GAP = 2
_LEAST_AXIS = 16
_ROOMY = 2
"""Rows a bar from which on a blank one stands between two."""


class BarsPanel(Panel[Bars]):
    """Of more bars than rows the last row says how many are missing."""

    DEFAULT_CSS = "BarsPanel { height: 1fr; min-height: 4; }"

    def lay_out(self, width: int, height: int) -> Rows:
        bars = self.value.bars
        rows: list[Row] = [
            fitted(
                [(self.value.title, "bold"), (" x as fast as the baseline", "quiet")],
                width,
                ascii=self.ascii,
            )
        ]
        room = max(1, height - 3)
        seen = bars[:room] if len(bars) <= room else bars[: room - 1]
        label = max((cell_len(bar.label) for bar in seen), default=0) + 2
        brief = min(16, max((cell_len(bar.brief) for bar in seen), default=0))
        full = max((cell_len(bar.text) for bar in seen if bar.value is not None), default=0)
        label = max(8, min(label, width - brief - 2 * _GAP - _LEAST_AXIS))
        text = full if width - label - full - 2 * _GAP >= 2 * _LEAST_AXIS else brief
        axis = width - label - text - 2 * _GAP
        apart = len(seen) * _ROOMY <= room
        for number, bar in enumerate(seen):
            if number and apart:
                rows.append(self._axis_row(label, axis))
            rows.append(self._row(bar, label, axis, text, full=text == full))
        if len(seen) < len(bars):
            sign = "~" if self.ascii else "…"
            rows.append(((f"{sign} {len(bars) - len(seen)} more: {self.keyed(FEWER)}", "quiet"),))
        if axis >= _LEAST_AXIS:
            rows += axis_rows(self.value.low, self.value.high, "x", label + _GAP, axis, ascii=self.ascii)
        return tuple(fitted(row, width, ascii=self.ascii) for row in rows)

    def _place(self, value: float, axis: int) -> int:
        return place_of(value, self.value.low, self.value.high, axis)

    def _row(self, bar: Bar, label: int, axis: int, text: int, *, full: bool) -> Row:
        symbol = bar.symbol_ascii if self.ascii else bar.symbol
        said = bar.text if full else bar.brief
        parts: list[Part] = [
            (f"{symbol} ", bar.style),
            (safe.pad(bar.label, label - 2, ascii=self.ascii), ""),
            (" " * _GAP, ""),
        ]
        if bar.value is None:
            room = max(0, axis + _GAP + text)
            return (*parts, (safe.fit(said, room, ascii=self.ascii), bar.text_style))
        if axis >= _LEAST_AXIS:
            parts += self._drawn(bar, axis, symbol)
            parts.append((" " * _GAP, ""))
        parts.append((safe.fit(said, text, ascii=self.ascii), bar.text_style))
        return tuple(parts)

    def _drawn(self, bar: Bar, axis: int, symbol: str) -> list[Part]:
        """The bar from 1 to the value, the interval over it, the value's symbol on top. What goes beyond has a sign."""
        assert bar.value is not None
        signs = ("=", "-", "[", "]", "|", ">") if self.ascii else ("━", "─", "├", "┤", "│", "›")
        solid, line, left, right, equal, beyond = signs
        cells: list[Part] = [(" ", "")] * axis
        origin, at = self._place(EQUAL, axis), self._place(bar.value, axis)
        for place in range(min(origin, at), max(origin, at) + 1):
            cells[place] = (solid, bar.style)
        cells[origin] = (equal, "quiet")
        if bar.low is not None and bar.high is not None:
            first, last = self._place(bar.low, axis), self._place(bar.high, axis)
            for place in range(first, last + 1):
                cells[place] = (line, "bold")
            if last > first:
                cells[first] = (left, "bold")
                cells[last] = (beyond if bar.high > self.value.high else right, "bold")
        cells[at] = (symbol, f"bold {bar.style}")
        return _joined(cells)

    def _axis_row(self, label: int, axis: int) -> Row:
        if axis < _LEAST_AXIS:
            return ()
        at = self._place(EQUAL, axis)
        return ((" " * (label + _GAP + at), ""), ("|" if self.ascii else "│", "quiet"))


def _joined(cells: list[Part]) -> list[Part]:
    """Neighbours of one style as one part."""
    parts: list[Part] = []
    for text, style in cells:
        if parts and parts[-1][1] == style:
            parts[-1] = (parts[-1][0] + text, style)
        else:
            parts.append((text, style))
    return parts
