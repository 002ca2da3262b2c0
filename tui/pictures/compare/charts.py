"""The charts of a comparison: points that the profiler made, as specs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from profiler.analysis import curves
from profiler.analysis.cases import CaseFigures
from profiler.analysis.curves import Identity, Line, MemoryLine
from profiler.analysis.lots import Lot
from tui import safe
from tui.charts.axes import clips_above, round_high, steady_high
from tui.charts.decimate import min_max
from tui.charts.spec import Axis, ChartSpec, Series, Tick, Upright
from tui.pictures.looks import Look

LEGEND = 4
"""Lines that the title row has names for; of more the table above has the symbols."""

MOST_LINES = 8
"""Lines that can be told from each other in one plot."""

MOST_EACH = 8
"""Steps, or images, up to which each has its tick."""

KINDS = ("allocated", "rss", "reserved", "device")
"""Of memory, what can be compared best first: allocated is what tensors need, however much the allocator holds."""

KIND_WORDS = {
    "allocated": "allocated by torch",
    "rss": "RSS, not VRAM",
    "reserved": "reserved",
    "device": "of the device",
}

SHARES = tuple(Tick(share, str(share)) for share in (0, 25, 50, 75, 95))
"""Ticks of the ECDF: the quartiles, and where p95 is read."""

NOT_YET = "no measured calls yet"


@dataclass(frozen=True, slots=True)
class Group:
    """The lots that are drawn, with their figures and looks; ``of``: how many there are."""

    lots: Sequence[Lot]
    baseline: Lot | None
    figures: Sequence[CaseFigures]
    looks: Mapping[Identity, Look]
    labels: Mapping[Identity, str]
    of: int
    empty: str = NOT_YET

    @property
    def part(self) -> str:
        """Which part of all is drawn; "" where it is all."""
        return "" if len(self.lots) >= self.of else f" ({len(self.lots)} of {self.of})"


def loops_of(group: Group) -> tuple[str, ...]:
    """The names of the denoising loops that there are latencies of."""
    return tuple(safe.line(loop.name, 40) for loop in curves.latency(group.lots, group.baseline))


def latency(group: Group, loop: int, *, full_range: bool) -> ChartSpec:
    """The median call of each lot, step by step."""
    found = curves.latency(group.lots, group.baseline)
    if not found:
        return ChartSpec(f"step latency{group.part}", empty=group.empty)
    one = found[loop % len(found)]
    title = f"step latency{named(one.name, len(found))}{group.part}"
    series = tuple(_series(group, line, line.ys) for line in one.overlay)
    highest = max((y for line in series for y in line.ys if math.isfinite(y)), default=0.0)
    steady = highest if full_range else steady_high(line.ys for line in series)
    high = round_high(steady or highest, "s")
    last = 1.0 if one.fraction else float(max(one.steps - 1, 1))
    return ChartSpec(
        title=title,
        series=series,
        x=Axis(0.0, last, "", "of the loop" if one.fraction else "step", ticks=() if one.fraction else _whole(last)),
        y=Axis(0.0, high, "s"),
        clips=clips_above(series, high),
        empty=group.empty,
        legend=len(series) <= LEGEND,
        legend_last=True,
        note="the median call, by share of its loop" if one.fraction else "the median call",
    )


def ecdf(group: Group, loop: int) -> ChartSpec:
    """The share of a lot's steps that took at most so long."""
    found = curves.distribution(group.lots, group.baseline)
    if not found:
        return ChartSpec(f"ECDF{group.part}", empty=group.empty)
    one = found[loop % len(found)]
    title = f"ECDF{named(one.name, len(found))}{group.part}"
    if len(one.edges) < 2:
        return ChartSpec(title, empty=group.empty)
    series = []
    for line in one.ecdfs:
        # It starts at nothing, and stays at its end where the plot goes on.
        xs = (one.edges[0], *line.xs, max(one.edges[-1], line.xs[-1])) if line.xs else ()
        ys = (0.0, *(y * 100 for y in line.ys), line.ys[-1] * 100) if line.xs else ()
        series.append(_stairs(group, line.who, xs, ys))
    return ChartSpec(
        title=title,
        series=tuple(series),
        x=Axis(one.edges[0], one.edges[-1], "s"),
        y=Axis(0.0, 100.0, "%", "% of its steps at or below", ticks=SHARES),
        empty=group.empty,
        legend=len(series) <= LEGEND,
        legend_last=True,
    )


def memory(group: Group, columns: int) -> ChartSpec:
    """The memory of one run of each lot over its own time: of each the kind that can be compared best."""
    found = curves.memory(group.lots, group.baseline)
    lines = _best_kind(found.lines)
    kinds = list(dict.fromkeys(KIND_WORDS[line.kind] for line in lines))
    title = f"memory {' and '.join(kinds)}{group.part}".strip()
    end = max((line.xs[-1] for line in lines if line.xs), default=1.0)
    high = max((y for line in lines for y in line.ys if math.isfinite(y)), default=1.0)
    end = round_high(end, "s")
    series = []
    for line in lines:
        xs, ys = min_max(line.xs, line.ys, 0.0, end, columns * 2)
        series.append(_line(group, line.who, tuple(xs), tuple(ys)))
    return ChartSpec(
        title=title,
        series=tuple(series),
        x=Axis(0.0, end, "s"),
        y=Axis(0.0, round_high(high, "B"), "B"),
        empty="no memory figures yet",
        legend=len(series) <= LEGEND,
        legend_last=True,
        note="from each run's start",
    )


def _best_kind(lines: Sequence[MemoryLine]) -> list[MemoryLine]:
    best: dict[Identity, MemoryLine] = {}
    for line in lines:
        now = best.get(line.who)
        if now is None or KINDS.index(line.kind) < KINDS.index(now.kind):
            best[line.who] = line
    return list(best.values())


def cumulative(group: Group, *, ascii: bool) -> ChartSpec:
    """Seconds against images, and where lines cross their baseline's: of those whose verdict bears that out or that
    have none.
    """
    found = curves.cumulative(group.lots, group.baseline, group.figures)
    series = tuple(_line(group, line.who, line.xs, line.ys) for line in found.lines)
    sure = {who for who, figures in zip(group.looks, group.figures, strict=True) if figures.verdict in ("FASTER", None)}
    even = [
        (crossing, crossing.images)
        for crossing in found.crossings
        if crossing.images is not None and 0 < crossing.images <= found.images and crossing.who in sure
    ]
    uprights = tuple(Upright(images, group.looks[crossing.who].style, _key(crossing.who)) for crossing, images in even)
    told = [f"{group.looks[crossing.who].style.symbol(ascii=ascii)} {math.ceil(images)}" for crossing, images in even]
    high = max((y for line in series for y in line.ys if math.isfinite(y)), default=1.0)
    return ChartSpec(
        title=f"time to make so many images{group.part}",
        series=series,
        x=Axis(0.0, max(found.images, 1.0), "", "images", ticks=_whole(found.images)),
        y=Axis(0.0, round_high(high, "s"), "s"),
        uprights=uprights,
        empty=group.empty,
        legend=len(series) <= LEGEND,
        legend_last=True,
        note=f"even at {', '.join(told)}" if told else "",
    )


def _series(group: Group, line: Line, ys: Sequence[float]) -> Series:
    return _line(group, line.who, line.xs, tuple(ys))


def _line(group: Group, who: Identity, xs: tuple[float, ...], ys: tuple[float, ...]) -> Series:
    return Series(_key(who), group.labels[who], xs, ys, group.looks[who].style)


def _stairs(group: Group, who: Identity, xs: tuple[float, ...], ys: tuple[float, ...]) -> Series:
    return Series(_key(who), group.labels[who], xs, ys, group.looks[who].style, draw="stairs")


def _key(who: Identity) -> str:
    return f"{who.key[0]}/{who.key[1]}/{who.nth}"


def _whole(last: float) -> tuple[Tick, ...]:
    """A tick for each where there are few: there are no halves of a step or an image."""
    return tuple(Tick(number, str(number)) for number in range(int(last) + 1)) if last <= MOST_EACH else ()


def named(name: str, of: int) -> str:
    """`` of NAME`` for a loop that is one of several, else ""."""
    return f" of {safe.line(name, 40)}" if of > 1 else ""
