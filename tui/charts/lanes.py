"""Small plots one above the other on one x axis, each with a unit of its own: plain values, drawn by `canvas`."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.charts.palette import SeriesStyle
from tui.charts.spec import Axis, Series


@dataclass(frozen=True, slots=True)
class Lane:
    """One plot. `name` and `value` (the latest one, or the one at the cursor, as text) stand at its left.

    `y` is its range, with its unit. A lane without points says `empty`.
    """

    name: str
    value: str
    series: tuple[Series, ...]
    y: Axis
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Sign:
    """A stretch [start, end] of the x axis, marked with `symbol`, one ASCII character; of several the first shows."""

    start: float
    end: float
    symbol: str
    style: SeriesStyle


@dataclass(frozen=True, slots=True)
class Lanes:
    """Lanes in the order of their importance: where there are too few rows the last ones go, and the title says so.

    `signs` have a row under the lanes, headed `signs_name`; with `signs_name` "" there is none. `legend` says what its
    symbols mean. `empty` is shown in place of lanes while there are none. `cursor` is an upright line at that x; what
    the lanes have there is in their `value`.
    """

    title: str
    lanes: tuple[Lane, ...] = ()
    x: Axis = field(default_factory=Axis)
    signs: tuple[Sign, ...] = ()
    signs_name: str = ""
    legend: str = ""
    note: str = ""
    empty: str = "no data"
    cursor: float | None = None
