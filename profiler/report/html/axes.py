"""Axes of plots: ticks at 1, 2 or 5 times a power of ten of a unit that suits the range, and what values are called."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Kind = Literal["s", "B", "%", "x", "n"]
"""Of values in base units: seconds, bytes, a share from 0 to 1, a ratio, a number."""

_SECONDS = ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"))
_BYTES = ((1.0, "B"), (2.0**10, "KiB"), (2.0**20, "MiB"), (2.0**30, "GiB"), (2.0**40, "TiB"))
_FROM_S = {"min": 180.0, "h": 3 * 3600.0}
"""Seconds are read up to here; minutes up to three hours."""


def unit_of(kind: Kind, largest: float) -> tuple[float, str]:
    """The unit in which values up to ``largest`` are read, as its size in base units and its name."""
    if kind == "s":
        fitting = [one for one in _SECONDS if largest >= _FROM_S.get(one[1], one[0])]
        return fitting[-1] if fitting else _SECONDS[0]
    if kind == "B":
        fitting = [one for one in _BYTES if largest >= one[0]]
        return fitting[-1] if fitting else _BYTES[0]
    return (0.01, "%") if kind == "%" else (1.0, "x" if kind == "x" else "")


def value_text(kind: Kind, value: float) -> str:
    """One value, to three figures that count: ``43.2 ms``, ``1.50 GiB``, ``83 %``, ``1.38x``."""
    if not math.isfinite(value):
        return "-"
    size, unit = unit_of(kind, abs(value))
    shown = value / size
    if kind == "n":
        return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    if kind == "x":
        return f"{shown:.3f}x" if 0.9 < shown < 1.1 else f"{shown:.2f}x"
    if shown == 0:
        return f"0 {unit}"
    digits = max(0, 2 - math.floor(math.log10(abs(shown))))
    return f"{shown:,.{min(digits, 4)}f} {unit}" if kind != "%" else f"{shown:.0f} %"


@dataclass(frozen=True, slots=True)
class Axis:
    """[low, high] in base units; ``title`` says what is measured, the unit is put behind it."""

    low: float
    high: float
    kind: Kind
    title: str

    @property
    def unit(self) -> tuple[float, str]:
        return unit_of(self.kind, max(abs(self.low), abs(self.high)))

    @property
    def label(self) -> str:
        unit = self.unit[1]
        return f"{self.title} ({unit})" if unit and unit != "x" else self.title

    def place(self, value: float) -> float:
        """Where ``value`` lies, 0 at the low end, 1 at the high one; outside values beyond these."""
        span = self.high - self.low
        return (value - self.low) / span if span > 0 else 0.5

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """(value in base units, text) of at most ``most`` + 1 ticks within the range."""
        size, unit = self.unit
        low, high = self.low / size, self.high / size
        step = tick_step(high - low, most)
        if step is None:
            return [(self.low, _tick(low, 1.0, unit))]
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        return [(number * step * size, _tick(number * step, step, unit)) for number in range(first, last + 1)]


def tick_step(span: float, most: int) -> float | None:
    """1, 2 or 5 times a power of ten, the smallest with at most ``most`` steps in ``span``; None of no span."""
    if not (span > 0 and math.isfinite(span)):
        return None
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= most + 1e-9)


def _tick(value: float, step: float, unit: str) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    shown = f"{value:,.{decimals}f}"
    return f"{shown}x" if unit == "x" else shown


def ceiling(values: Sequence[float]) -> float:
    """The top of an axis for ``values``: their largest, or where a few stick out by far, what the others need.

    Those few are drawn at the top edge with their value. 0 where nothing is finite.
    """
    finite = sorted(value for value in values if math.isfinite(value))
    if not finite:
        return 0.0
    usual = finite[math.floor((len(finite) - 1) * 0.98)]
    return finite[-1] if finite[-1] <= 2.5 * usual or usual <= 0 else usual * 1.5


def thinned(
    xs: Sequence[float], ys: Sequence[float], low: float, high: float, columns: int
) -> list[tuple[float, float]]:
    """The points of a line with at most two for each of ``columns`` of [low, high]: the lowest and the highest of each
    stay, so that no spike is lost. A gap (NaN) stays one.
    """
    if len(xs) <= 2 * columns or not high > low:
        return list(zip(xs, ys, strict=True))
    found: list[tuple[float, float]] = []
    # Where each column begins; xs ascend.
    width = (high - low) / columns
    begins: list[int] = []
    column = -1
    for place, x in enumerate(xs):
        at = math.floor((x - low) / width) if math.isfinite(x) else column
        if at > column:
            begins.append(place)
            column = at
    for start, stop in pairwise([*begins, len(xs)]):
        finite = [place for place in range(start, stop) if math.isfinite(ys[place])]
        if not finite:
            found.append((xs[start], math.nan))
            continue
        lowest, highest = min(finite, key=ys.__getitem__), max(finite, key=ys.__getitem__)
        found += [(xs[place], ys[place]) for place in sorted({lowest, highest})]
        if len(finite) < stop - start:
            found.append((xs[stop - 1], math.nan))
    return found
