"""Bars of stacked parts, as plain values; `tui.panels.stacked` lays them out."""

from __future__ import annotations

from dataclasses import dataclass

from tui.charts.spec import Unit


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the things that every bar is made of; ``style`` in words of `tui.theme.rich_style`.

    ``fill`` and ``fill_ascii`` are one cell each and tell the kinds apart without colour.
    """

    name: str
    style: str
    fill: str
    fill_ascii: str


@dataclass(frozen=True, slots=True)
class Bar:
    """``values`` in the base unit, one for each kind; None where it has none. Without any, ``text`` says why."""

    label: str
    symbol: str
    symbol_ascii: str
    style: str
    values: tuple[float | None, ...] = ()
    text: str = ""

    @property
    def total(self) -> float | None:
        """The sum of what is known; None where nothing is."""
        known = [value for value in self.values if value is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Stacked:
    """Bars on one axis from 0 to ``high``. ``total`` says whether a bar's sum stands behind it."""

    title: str
    unit: Unit = ""
    kinds: tuple[Kind, ...] = ()
    bars: tuple[Bar, ...] = ()
    high: float = 1.0
    note: str = ""
    empty: str = "no data"
    total: bool = True
