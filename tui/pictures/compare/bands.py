"""How the steps of each row are distributed: shares of shared bins, one band a row of the comparison."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.analysis import curves
from tui.charts.axes import format_value, round_high
from tui.pictures import words
from tui.pictures.compare.charts import Group, named


@dataclass(frozen=True, slots=True)
class Band:
    """The percent of a lot's steps in each bin."""

    label: str
    symbol: str
    symbol_ascii: str
    style: str
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bands:
    """Bins of equal width from ``low`` to ``high`` (seconds); ``top``: percent at the upper end of every band."""

    title: str = "histogram"
    bands: tuple[Band, ...] = ()
    low: float = 0.0
    high: float = 0.0
    top: float = 0.0
    note: str = ""
    empty: str = ""


def bands_of(group: Group, loop: int) -> Bands:
    """The histograms of one loop; what lies outside the bins is told."""
    found = curves.distribution(group.lots, group.baseline)
    one = found[loop % len(found)] if found else None
    if one is None or len(one.edges) < 2:
        return Bands(f"histogram{group.part}", empty=group.empty)
    bands = []
    for each in one.histograms:
        look = group.looks[each.who]
        shares = tuple(count / each.n * 100 if each.n else 0.0 for count in each.counts)
        bands.append(Band(group.labels[each.who], look.style.marker, look.style.ascii_marker, look.word, shares))
    below, beyond = (sum(counts) for counts in zip(*((each.below, each.beyond) for each in one.histograms)))
    outside = [f"{words.count(below, 'step')} below"] if below else []
    if beyond:
        upto = f", up to {format_value(one.slowest, 's')}" if one.slowest else ""
        outside.append(f"{words.count(beyond, 'step')} beyond{upto}")
    return Bands(
        title=f"histogram{named(one.name, len(found))}{group.part}",
        bands=tuple(bands),
        low=one.edges[0],
        high=one.edges[-1],
        top=round_high(max((max(band.shares, default=0.0) for band in bands), default=0.0), "%"),
        note=", ".join(outside),
    )
