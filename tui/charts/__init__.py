"""Charts for the terminal: `spec` (what to draw) -> `canvas` (cells, by plotext) -> `widget` (paints the change)."""

from tui.charts.palette import variant_style
from tui.charts.spec import Axis, ChartSpec, Clip, Mark, Series, SeriesStyle, Slot, Tick
from tui.charts.widget import Chart

__all__ = [
    "Axis",
    "Chart",
    "ChartSpec",
    "Clip",
    "Mark",
    "Series",
    "SeriesStyle",
    "Slot",
    "Tick",
    "variant_style",
]
