"""Speed-ups as bars with their intervals: how far each row is from the baseline, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from profiler.analysis.curves import Identity, SpeedupBar
from tui import safe
from tui.charts.axes import TICK_LADDER, ladder_ceiling
from tui.pictures.looks import Look
from tui.pictures.table import VERDICT_STYLES

EQUAL = 1.0
"""Where the bars begin: as fast as the baseline."""

STEPS = 5
"""Round steps, about, that the axis has."""

REACH = 3.0
"""So many times the largest speed-up the axis reaches at most: an interval of two runs may end anywhere."""

LEAST_SPAN = 0.1
"""Of the axis: differences of a few percent don't fill it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row. ``value`` None: ``text`` says why there is none."""

    label: str
    symbol: str
    symbol_ascii: str
    style: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    brief: str  # in place of a text that has no room
    text_style: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars on one axis from ``low`` to ``high``."""

    title: str = "speed-up"
    bars: tuple[Bar, ...] = ()
    low: float = EQUAL
    high: float = EQUAL


def bars_of(
    found: Iterable[SpeedupBar], whose: Mapping[Identity, tuple[Look, str]], bases: Collection[Identity]
) -> Bars:
    """The bars of ``found``, ``whose`` look and label are given; the axis holds 1, and of intervals what is near.

    ``bases``: those that others are compared with.
    """
    bars = tuple(_bar(one, *whose[one.who], baseline=one.who in bases) for one in found)
    values = [EQUAL, *(bar.value for bar in bars if bar.value is not None)]
    far = max(values) * REACH
    ends = [*values, *(min(end, far) for bar in bars for end in (bar.low, bar.high) if end is not None)]
    low, high = _rounded(min(ends), max(ends))
    return Bars(bars=bars, low=low, high=high)


def _rounded(low: float, high: float) -> tuple[float, float]:
    """The ends moved out to a round step, so that a new repeat seldom moves every bar."""
    span = max(high - low, LEAST_SPAN)
    step = ladder_ceiling(span / STEPS, TICK_LADDER)
    return max(0.0, math.floor(low / step + 1e-9) * step), math.ceil(high / step - 1e-9) * step


def _bar(one: SpeedupBar, look: Look, label: str, *, baseline: bool) -> Bar:
    style = VERDICT_STYLES.get(one.verdict or "", "quiet")
    brief = one.verdict or ""
    if one.estimate is None:
        text = "baseline" if baseline else safe.line(one.reason or "not compared", 80)
        brief, style = text, "quiet"
    else:
        text = f"{one.estimate:.2f}x"
        if one.low is not None and one.high is not None:
            text += f" {one.low:.2f}–{one.high:.2f}"
        brief = f"{one.estimate:.2f}x {one.verdict or 'too few'}"
        text = f"{text} {one.verdict or 'too few runs'}"
    return Bar(
        label=label,
        symbol=look.style.marker,
        symbol_ascii=look.style.ascii_marker,
        style=look.word,
        value=one.estimate,
        low=one.low,
        high=one.high,
        text=text,
        brief=brief,
        text_style=style,
    )
