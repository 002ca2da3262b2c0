"""A horizontal axis with its numbers, as two rows of text: what bars and histograms stand on."""

from __future__ import annotations

from tui.charts.axes import axis_suffix, choose_ticks
from tui.charts.spec import Unit
from tui.panels.rows import Rows

FEWER = "{compare_filter} filters, {compare_add} takes marks off"
"""How rows that have no room become fewer."""

_TICK_CELLS = 9
"""Of the axis to each of its numbers."""


def place_of(value: float, low: float, high: float, cells: int) -> int:
    """The cell of ``cells`` that ``value`` lies in on an axis from ``low`` to ``high``; the nearest one outside."""
    span = high - low
    return max(0, min(cells - 1, int((value - low) / span * (cells - 1) + 0.5))) if span > 0 else 0


def axis_rows(low: float, high: float, unit: Unit, indent: int, cells: int, *, ascii: bool) -> Rows:
    """The line and the numbers of an axis ``cells`` wide that begins ``indent`` cells from the left; the last number
    has the unit.
    """
    across, tick = ("-", "+") if ascii else ("─", "┴")
    line = [across] * cells
    numbers = [" "] * (cells + 1)
    free = 0
    ticks = choose_ticks(low, high, unit, max(2, cells // _TICK_CELLS))
    suffix = axis_suffix(unit, low, high)
    ending = suffix if unit == "x" else f" {suffix}".rstrip()
    for number, one in enumerate(ticks):
        at = place_of(one.at, low, high, cells)
        line[at] = tick
        text = f"{one.label}{ending}" if number == len(ticks) - 1 else one.label
        start = max(0, min(at - len(one.label) // 2, len(numbers) - len(text)))
        if start >= free:
            numbers[start : start + len(text)] = text
            free = start + len(text) + 1
    room = " " * indent
    return ((room, ""), ("".join(line), "quiet")), ((room, ""), ("".join(numbers).rstrip(), "quiet"))
