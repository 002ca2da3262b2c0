"""What the mouse asks of a chart. The screen decides what comes of it; the chart itself changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tui.charts.widget import Chart


class ChartZoomed(Message):
    """The wheel was turned: see the x axis ``factor`` times as near (below 1: farther) around ``at``, in x units."""

    def __init__(self, chart: Chart, factor: float, at: float) -> None:
        self.chart = chart
        self.factor = factor
        self.at = at
        super().__init__()


class ChartPanned(Message):
    """The plot was dragged since the last of these: the window goes ``by`` x units to the right (below 0: left)."""

    def __init__(self, chart: Chart, by: float) -> None:
        self.chart = chart
        self.by = by
        super().__init__()


class ChartPointed(Message):
    """A place of the plot was clicked: ``x`` in x units."""

    def __init__(self, chart: Chart, x: float) -> None:
        self.chart = chart
        self.x = x
        super().__init__()
