"""Axis arithmetic: units, calm ranges, ticks. Pure functions and one small state object; nothing here draws.

Ranges are rounded to a short ladder (1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten) instead of bare 1-2-5: on the
ladder the data always fill at least two thirds of the plot, with 1-2-5 they may fill as little as two fifths. Ticks
go in steps of 1, 2, 2.5 or 5 that end with the range where one does, and of 1, 2 or 5 elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median_low

from tui import safe
from tui.charts.spec import Clip, Scale, Series, Tick, Unit

RANGE_LADDER = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
TICK_LADDER = (1.0, 2.0, 5.0, 10.0)
EVEN_STEPS = (1.0, 2.0, 2.5, 5.0)
LAST_RESORT_STEPS = (1.5, 3.0, 4.0, 6.0, 7.5, 8.0)
"""Where there is room for so few ticks that no other step has one at both ends."""
SPIKE_FACTOR = 3.0
"""A point above this many times its own series' median is a spike: it doesn't stretch the default y range."""

_FAR = 100.0
"""Windows as narrow as this part of where they are read in the unit of the place, not in that of their width."""

_KIB, _MIB, _GIB, _TIB = 2.0**10, 2.0**20, 2.0**30, 2.0**40


@dataclass(frozen=True, slots=True)
class Display:
    """How a base unit is shown: value / `factor`, followed by `suffix`."""

    factor: float
    suffix: str


_LADDERS: dict[str, tuple[tuple[float, Display], ...]] = {
    # (shown this way from here on, display), largest first
    "s": (
        (2 * 3600.0, Display(3600.0, "h")),
        (180.0, Display(60.0, "min")),
        (1.0, Display(1.0, "s")),
        (1e-3, Display(1e-3, "ms")),
        (0.0, Display(1e-6, "µs")),
    ),
    "B": (
        (_TIB, Display(_TIB, "TiB")),
        (_GIB, Display(_GIB, "GiB")),
        (_MIB, Display(_MIB, "MiB")),
        (_KIB, Display(_KIB, "KiB")),
        (0.0, Display(1.0, "B")),
    ),
    "Hz": (
        (1e9, Display(1e9, "GHz")),
        (1e6, Display(1e6, "MHz")),
        (1e3, Display(1e3, "kHz")),
        (0.0, Display(1.0, "Hz")),
    ),
}


def display_for(unit: Unit, magnitude: float) -> Display:
    """How values up to `magnitude` (base units) are shown: 0.05 s as milliseconds, 3e9 B as GiB.

    The smallest step is used for 0, except that an empty time axis reads in seconds.
    """
    size = abs(magnitude)
    steps = _LADDERS.get(unit)
    if steps is None:
        return Display(1.0, unit)
    if size == 0 and unit == "s":
        return Display(1.0, "s")
    return next(display for least, display in steps if size >= least)


def format_value(value: float, unit: Unit, digits: int = 3) -> str:
    """`value` in base units with `digits` significant digits and its unit: 24.3 -> `24.3 s`, 0.0481 -> `48.1 ms`."""
    if not math.isfinite(value):
        return "-"
    display = display_for(unit, value)
    text = _significant(value / display.factor, digits)
    if not display.suffix:
        return text
    gap = "" if display.suffix in ("%", "x") else " "
    return f"{text}{gap}{display.suffix}"


def in_ascii(text: str) -> str:
    """`text` of this program (units, signs) without a character beyond ASCII; what others wrote stays as it is."""
    return safe.as_wide_in_ascii(text.replace("µ", "u").replace("°", ""))


def _significant(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def ladder_ceiling(value: float, ladder: Sequence[float] = RANGE_LADDER) -> float:
    """The smallest `ladder` value times a power of ten that is >= `value` (> 0)."""
    power = 10.0 ** math.floor(math.log10(value))
    # 1e-9: a value that was itself computed from the ladder mustn't jump to the next step by a rounding error
    return next(step * power for step in ladder if value <= step * power * (1 + 1e-9))


def round_high(value: float, unit: Unit = "") -> float:
    """`value` (base units) rounded up to a range end that is round in the unit it will be shown in."""
    if not math.isfinite(value) or value <= 0:
        return 1.0
    display = display_for(unit, value)
    rounded = ladder_ceiling(value / display.factor) * display.factor
    wider = display_for(unit, rounded)
    if wider == display:
        return rounded
    # 1010 MiB -> 1500 MiB would be labelled 1.46 GiB: round again in the unit that it reached
    return ladder_ceiling(value / wider.factor) * wider.factor


def log_range(values: Iterable[float]) -> tuple[float, float]:
    """(low, high) of a log axis round the positive finite `values`, each on the 1-2-5 ladder."""
    usable = [value for value in values if math.isfinite(value) and value > 0]
    if not usable:
        return 0.1, 1.0
    high = ladder_ceiling(max(usable), TICK_LADDER)
    smallest = min(usable)
    power = 10.0 ** math.floor(math.log10(smallest))
    low = max(step * power for step in TICK_LADDER if step * power <= smallest * (1 + 1e-9))
    return (low, high) if low < high else (low / 2, high * 2)


class StickyRange:
    """The upper end of a range that starts at zero: grows at once, shrinks only after the data stayed small for long.

    A range that follows the data closely moves every line of the chart, which costs a whole repaint over SSH.
    """

    def __init__(
        self, unit: Unit = "", *, start: float = 0.0, patience_s: float = 20.0, shrink_below: float = 0.6
    ) -> None:
        """`start`: the range is at least this (base units); it shrinks when the data would have fitted into
        `shrink_below` of it for `patience_s` seconds without a break.
        """
        self._unit: Unit = unit
        self._least = round_high(start, unit) if start > 0 else 0.0
        self._patience_s = patience_s
        self._shrink_below = shrink_below
        self._high = self._least
        self._small_since: float | None = None
        self._largest_while_small = 0.0

    @property
    def high(self) -> float:
        """The present upper end, in base units; 1.0 before any data."""
        return self._high or 1.0

    def fit(self, largest: float, now: float) -> float:
        """The upper end for data whose largest value is `largest`; `now` in seconds on any monotonic clock."""
        if not math.isfinite(largest) or largest <= 0:
            return self.high
        if largest > self._high:
            self._high = max(round_high(largest, self._unit), self._least)
            self._small_since = None
        elif largest > self._high * self._shrink_below:
            self._small_since = None
        elif self._small_since is None:
            self._small_since, self._largest_while_small = now, largest
        else:
            self._largest_while_small = max(self._largest_while_small, largest)
            if now - self._small_since >= self._patience_s:
                self._high = max(round_high(self._largest_while_small, self._unit), self._least)
                self._small_since = None
        return self.high


class StickyLogRange:
    """Both ends of a log range on the 1-2-5 ladder: widens at once, narrows only after the data stayed inside for long.

    Values that are not above zero have no place on such an axis and are left out; lines have a gap there.
    """

    def __init__(self, *, patience_s: float = 20.0) -> None:
        """The range narrows when the data would have fitted into a narrower one for ``patience_s`` without a break."""
        self._patience_s = patience_s
        self._range: tuple[float, float] | None = None
        self._small_since: float | None = None
        self._while_small: tuple[float, float] = (0.0, 0.0)

    @property
    def range(self) -> tuple[float, float]:
        """(low, high) in base units; one decade before any data."""
        return self._range or log_range(())

    def fit(self, smallest: float, largest: float, now: float) -> tuple[float, float]:
        """The range for data from ``smallest`` to ``largest`` (above zero); ``now`` in seconds on a monotonic clock."""
        usable = [value for value in (smallest, largest) if math.isfinite(value) and value > 0]
        if not usable:
            return self.range
        wanted = log_range(usable)
        low, high = self._range or wanted
        if self._range is None or wanted[0] < low or wanted[1] > high:
            self._range = min(low, wanted[0]), max(high, wanted[1])
            self._small_since = None
        elif wanted == (low, high):
            self._small_since = None
        elif self._small_since is None:
            self._small_since, self._while_small = now, wanted
        else:
            self._while_small = min(self._while_small[0], wanted[0]), max(self._while_small[1], wanted[1])
            if now - self._small_since >= self._patience_s:
                self._range, self._small_since = self._while_small, None
        return self.range


def steady_high(series: Iterable[Sequence[float]]) -> float:
    """The largest value of any series that is not a spike (see `SPIKE_FACTOR`); 0 without finite values.

    Judged series by series, so that a slow variant's ordinary steps are never taken for another one's spikes. The low
    median makes the second point enough to tell the compiling first step from the steps after it.
    """
    largest = 0.0
    for values in series:
        finite = [value for value in values if math.isfinite(value)]
        if finite:
            limit = SPIKE_FACTOR * median_low(finite)
            largest = max(largest, max((value for value in finite if value <= limit), default=0.0))
    return largest


def clips_above(series: Iterable[Series], high: float) -> tuple[Clip, ...]:
    """The highest point of each stretch of each series that lies above `high`, in the order of x."""
    clips: list[Clip] = []
    for line in series:
        if not any(map(float(high).__lt__, line.ys)):
            continue  # as a rule: the points need not be looked at one by one
        peak: Clip | None = None
        for x, y in zip(line.xs, line.ys):
            if math.isfinite(y) and y > high:
                if peak is None or y > peak.y:
                    peak = Clip(x, y, line.key)
            elif peak is not None:
                clips.append(peak)
                peak = None
        if peak is not None:
            clips.append(peak)
    return tuple(sorted(clips, key=lambda clip: clip.x))


@lru_cache(maxsize=256)
def choose_ticks(
    low: float, high: float, unit: Unit, most: int, scale: Scale = "linear", *, window: bool = False
) -> tuple[Tick, ...]:
    """At most `most` (>= 2) round ticks within [low, high], labelled without the unit (`axis_suffix` names it).

    On a `window` they depend on its width alone, not on where it is: a step of 1, 2 or 5 that moving it never changes.
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or most < 1:
        return ()
    display = _axis_display(unit, low, high, window)
    if scale == "log" and low > 0:
        return _log_ticks(low, high, display, most)
    bottom, top = low / display.factor, high / display.factor
    step = _step_of_span(top - bottom, most) if window else _step(bottom, top, most)
    first, last = math.ceil(bottom / step - 1e-9), math.floor(top / step + 1e-9)
    if first > last or (first == last and not window):
        return (Tick(low, _significant(bottom, 3)), Tick(high, _significant(top, 3)))
    decimals = next((n for n in range(4) if abs(step * 10**n - round(step * 10**n)) < 1e-6), 3)
    # Kept within: a tick at an end is outside by a rounding error otherwise, and isn't drawn.
    return tuple(
        Tick(min(max(n * step * display.factor, low), high), f"{n * step:.{decimals}f}") for n in range(first, last + 1)
    )


def _axis_display(unit: Unit, low: float, high: float, window: bool) -> Display:
    """How an axis reads; a window on a long one in the unit of its own width, so that neighbours differ."""
    magnitude = max(abs(low), abs(high))
    return display_for(unit, max(high - low, magnitude / _FAR) if window else magnitude)


def _step_of_span(span: float, most: int) -> float:
    power = 10.0 ** (math.floor(math.log10(span)) - 1)
    steps = (base * power * ten for ten in (1, 10) for base in TICK_LADDER[:-1])
    return next((step for step in steps if math.floor(span / step + 1e-9) + 1 <= most), 100 * power)


def _step(bottom: float, top: float, most: int) -> float:
    return (
        _dividing_step(bottom, top, most, EVEN_STEPS)
        or _dividing_step(bottom, top, most, LAST_RESORT_STEPS)
        or _fitting_step(bottom, top, most)
    )


def _dividing_step(bottom: float, top: float, most: int, steps: Sequence[float]) -> float | None:
    """The smallest of `steps`, times a power of ten, that has a tick at both ends. None if none."""
    power = 10.0 ** (math.floor(math.log10(top - bottom)) - 1)
    for step in (base * power * ten for ten in (1, 10) for base in steps):
        parts = (top - bottom) / step
        even = all(abs(n - round(n)) < 1e-6 for n in (parts, bottom / step))
        if parts < most - 1 + 1e-9 and even:
            return step
    return None


def _fitting_step(bottom: float, top: float, most: int) -> float:
    """The smallest of 1, 2 and 5, times a power of ten, of which at most `most` ticks lie in the range."""
    power = 10.0 ** (math.floor(math.log10(top - bottom)) - 1)
    steps = (base * power * ten for ten in (1, 10) for base in TICK_LADDER[:-1])
    fitting = (step for step in steps if math.floor(top / step + 1e-9) - math.ceil(bottom / step - 1e-9) + 1 <= most)
    return next(fitting, 100 * power)


def _log_ticks(low: float, high: float, display: Display, most: int) -> tuple[Tick, ...]:
    bottom, top = low / display.factor, high / display.factor
    decades = range(math.floor(math.log10(bottom) - 1e-9), math.ceil(math.log10(top) + 1e-9) + 1)
    for steps in ((1, 2, 5), (1,)):
        at = [step * 10.0**power for power in decades for step in steps]
        at = [value for value in at if bottom * (1 - 1e-9) <= value <= top * (1 + 1e-9)]
        if len(at) <= most:
            break
    every = max(1, math.ceil(len(at) / most))
    return tuple(Tick(value * display.factor, f"{value:g}") for value in at[::every])


def axis_suffix(unit: Unit, low: float, high: float, *, window: bool = False) -> str:
    """The unit that the tick labels of an axis [low, high] read in: `ms`, `GiB`, or nothing."""
    return _axis_display(unit, low, high, window).suffix
