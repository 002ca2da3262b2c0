"""Stacked bars as rows of text: a legend in the title, a bar a row, an axis with its unit below."""

from __future__ import annotations

from tui.charts.stacked import Stacked
from tui.panels.lines import Panel
from tui.panels.rows import Row, Rows, fitted


class StackedPanel(Panel[Stacked]):
    """Of more bars than rows the last row says how many are missing."""

    DEFAULT_CSS = "StackedPanel { height: 1fr; min-height: 3; }"

    def lay_out(self, width: int, height: int) -> Rows:
        rows: list[Row] = [fitted([(self.value.title, "bold")], width, ascii=self.ascii)]
        return tuple(rows[:height])
