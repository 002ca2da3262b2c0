"""What to draw, as plain values: screens build a `ChartSpec`, `canvas` turns it into cells, `widget` paints the change.

Everything here is frozen and compares by value, so an equal spec means that there is nothing to redraw. Values are in
base units (seconds, bytes, watts, ...): `axes` chooses what the reader sees (ms, GiB, ...).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tui.charts.palette import SeriesStyle

__all__ = [
    "Axis",
    "ChartSpec",
    "Clip",
    "Cursor",
    "Mark",
    "MarkSymbol",
    "Reading",
    "Scale",
    "Series",
    "SeriesStyle",
    "Slot",
    "Tick",
    "Unit",
    "Upright",
]

Unit = Literal["s", "B", "W", "°C", "%", "Hz", "x", ""]
"""Base unit of an axis: seconds, bytes, watts, degrees, percent, hertz, a ratio, or a bare number."""

Scale = Literal["linear", "log"]
MarkSymbol = Literal["C", "R", "B", "G", "E", "L", "!"]
"""Compile, recompile, graph break, CUDA graph, fall to eager, recompile limit, failed compile."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis; `at` in the axis' base unit."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A named stretch of the x axis, such as one call: [start, end) in x units.

    `short` is used where `label` doesn't fit; where it is a name and doesn't fit either, as much of it as does.
    """

    label: str
    start: float
    end: float
    short: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: the range [low, high] is drawn exactly as given (`axes.StickyRange` chooses a calm one).

    `ticks` empty means "choose them"; `slots`, on the x axis, replaces ticks by named stretches with borders. `whole`
    makes the range a window on more: the axis line ends with a sign where there is something beyond, and the ticks
    keep their distance wherever the window is.
    """

    low: float = 0.0
    high: float = 1.0
    unit: Unit = ""
    label: str = ""
    scale: Scale = "linear"
    ticks: tuple[Tick, ...] = ()
    slots: tuple[Slot, ...] = ()
    whole: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One line. `xs` ascending, `ys` of the same length; a non-finite y is a gap in the line.

    Without a `label` it is a further line of the series of its style: the legend leaves it out, and it has no symbols.
    """

    key: str
    label: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    style: SeriesStyle
    draw: Literal["line", "points", "stairs"] = "line"

    def __post_init__(self) -> None:
        if len(self.xs) != len(self.ys):
            raise ValueError(f"series {self.key!r}: {len(self.xs)} xs but {len(self.ys)} ys")


@dataclass(frozen=True, slots=True)
class Mark:
    """What torch.compile did at `x`; `series` is the key of the series it belongs to."""

    x: float
    symbol: MarkSymbol
    series: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Clip:
    """A point above the y range: drawn at the top edge with its true value `y`, as `^ 24.3 s`."""

    x: float
    y: float
    series: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a series has at the cursor: `y` in the y axis' base unit, None where it has no point there."""

    series: str
    y: float | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place that is pointed at: an upright line at `x`, and `label` in a row of its own (in a low chart the title's).

    `series` is the key of the series that is meant, `y` its value there (None: it has none), `note` stands at the
    right end of the label's row. With `readings` the legend has each of those series' value in place of or behind its
    label; a low chart then has `place` (`call 2 step 13`) and the values in its first row instead of `label`. A
    cursor without a label takes no row: its `place` stands behind the title.
    """

    x: float
    label: str
    series: str = ""
    y: float | None = None
    note: str = ""
    readings: tuple[Reading, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Upright:
    """A place on the x axis that matters, as where two lines cross: a dotted line in ``style``, its symbol at the axis.

    ``series`` is the key of the series that it belongs to.
    """

    x: float
    style: SeriesStyle
    series: str = ""


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """One chart.

    `empty` is shown while no series has a finite point, `note` at the right of the title row (where it fits).
    `mark_row` keeps a row for marks under the x axis even before the first one, so that the plot doesn't jump.
    `legend` is the variants' symbols and labels in the title row; with `legend_last` it goes before the note does, and
    before a label is cut.
    """

    title: str
    series: tuple[Series, ...] = ()
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    marks: tuple[Mark, ...] = ()
    clips: tuple[Clip, ...] = ()
    empty: str = "no data"
    note: str = ""
    mark_row: bool = False
    legend: bool = True
    legend_last: bool = False
    cursor: Cursor | None = None
    uprights: tuple[Upright, ...] = ()
