"""The charts with lines: latency, distribution, memory, cumulative time."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

from profiler.analysis.curves import (
    Cumulative,
    Identity,
    Line,
    LoopDistribution,
    LoopLatency,
    MemoryLine,
    MemoryOverTime,
    Shown,
)
from profiler.report.html.axes import Axis, Kind, ceiling, value_text
from profiler.report.html.chart import Looks, figure, key, table
from profiler.report.html.look import Look
from profiler.report.html.markup import Markup
from profiler.report.html.plot import STRIP, Plot

SAMPLED = 9
"""Columns of a line in the table of its data."""
FEW = 8
"""Bands, areas and strips of phases are drawn for so many lots at most: more would hide each other."""
KINDS = {
    "allocated": "Memory that torch has allocated",
    "reserved": "Memory that torch has reserved",
    "device": "Memory in use on the device (NVML, all processes)",
    "rss": "Resident memory of the process (RSS, not VRAM)",
}


def latency_charts(found: Sequence[LoopLatency], look: Looks) -> Iterator[Markup]:
    """Two figures a loop: the median call, and the calls one after the other."""
    for loop in found:
        name = f" ({loop.name})" if len(found) > 1 else ""
        if loop.overlay:
            yield _overlay(loop, look, name)
        if loop.in_order:
            yield _in_order(loop, look, name)


def _overlay(loop: LoopLatency, look: Looks, name: str) -> Markup:
    high = ceiling([y for line in loop.overlay for y in (*line.ys, *line.high)])
    end = 1.0 if loop.fraction else max(loop.steps - 1.0, 1.0)
    x = Axis(0.0, end, "%" if loop.fraction else "n", "share of the loop" if loop.fraction else "step of a call")
    plot = Plot(x, Axis(0.0, high * 1.05, "s", "step"), lines=len(loop.overlay))
    banded = len(loop.overlay) <= FEW
    for line in loop.overlay:
        if line.low and banded:
            plot.band(look[line.who], line.xs, line.low, line.high)
    for line in loop.overlay:
        plot.line(look[line.who], line.xs, line.ys, f"{line.who.label}: median of {_calls(line.n)}")
    note = "the median over the measured calls, at each step"
    note += ", and the quartiles where there are 5 calls or more" if banded else ""
    who = [line.who for line in loop.overlay]
    return figure(
        f"Step latency within a call{name}",
        plot.svg(f"Step latency within a call: {_spoken(loop.overlay, 's')}"),
        _sampled(loop.overlay, x, "s"),
        note=f"{note}; {loop.note}" if loop.note else note,
        legend=key(who, look),
    )


def _in_order(loop: LoopLatency, look: Looks, name: str) -> Markup:
    high = ceiling([y for line in loop.in_order for y in line.ys])
    x = Axis(0.0, max(1.0, *(line.xs[-1] for line in loop.in_order)), "n", "measured step")
    plot = Plot(x, Axis(0.0, high * 1.05, "s", "step"), lines=len(loop.in_order))
    if len(set(loop.calls)) == 1 and len(loop.calls[0]) <= 60:
        for start in loop.calls[0][1:]:
            plot.rule(x=start - 0.5, css="grid")
    for line in loop.in_order:
        plot.line(look[line.who], line.xs, line.ys, f"{line.who.label}: {_calls(line.n)} one after the other")
    return figure(
        f"Every measured step in order{name}",
        plot.svg(f"Every measured step in order: {_spoken(loop.in_order, 's')}"),
        _sampled(loop.in_order, x, "s"),
        note=f"one run of each, {_middle(loop.shown)}; spikes above the chart are marked with their value",
        legend=key([line.who for line in loop.in_order], look),
    )


def distribution_charts(found: Sequence[LoopDistribution], look: Looks) -> Iterator[Markup]:
    """Two figures a loop: histogram and cumulative distribution."""
    for loop in found:
        if loop.histograms:
            name = f" ({loop.name})" if len(found) > 1 else ""
            yield _histogram(loop, look, name)
            yield _ecdf(loop, look, name)


def _histogram(loop: LoopDistribution, look: Looks, name: str) -> Markup:
    width = loop.edges[1] - loop.edges[0]
    beyond = any(one.beyond for one in loop.histograms)
    below = any(one.below for one in loop.histograms)
    # What lies outside has a bin of its own at the end, as wide as two.
    low = loop.edges[0] - (3 * width if below else 0.0)
    high = loop.edges[-1] + (3 * width if beyond else 0.0)
    top = max(count / one.n for one in loop.histograms for count in (*one.counts, one.below, one.beyond))
    plot = Plot(Axis(low, high, "s", "step"), Axis(0.0, top * 1.05, "%", "share of the steps"), lines=1)
    for one in loop.histograms:
        shares = [count / one.n for count in one.counts]
        # Stairs go to the right and then up: a bin's share holds from its left edge on.
        xs, ys = [loop.edges[0], *loop.edges], [0.0, *shares, 0.0]
        if len(loop.histograms) <= FEW:
            plot.area(look[one.who], xs, ys)
        plot.line(_plain(look[one.who]), xs, ys, f"{one.who.label}: {one.n} steps", stairs=True)
        for count, start in ((one.below, low), (one.beyond, loop.edges[-1] + width)):
            if count:
                said = f"{one.who.label}: {count} of {one.n} steps lie beyond the range"
                xs, ys = [start, start, start + 2 * width], [0.0, count / one.n, 0.0]
                plot.line(_plain(look[one.who]), xs, ys, said, stairs=True)
    outside = [(one.who.label, one.below + one.beyond) for one in loop.histograms if one.below + one.beyond]
    said = ""
    if outside and loop.slowest is not None:
        counts = ", ".join(f"{label} {count}" for label, count in outside[:6])
        more = f" and {len(outside) - 6} more" if len(outside) > 6 else ""
        said = f"; far outside, in bins of their own: {counts}{more}; the slowest took {value_text('s', loop.slowest)}"
    rows = [[one.who.label, one.n, one.below, _spark(one.counts), one.beyond] for one in loop.histograms]
    edges = f"{value_text('s', loop.edges[0])} to {value_text('s', loop.edges[-1])}"
    return figure(
        f"Distribution of the step latency{name}",
        plot.svg(f"Histogram of the step latency of {_names([one.who for one in loop.histograms])}"),
        table(
            ["", "steps", "below", f"counts of {len(loop.edges) - 1} bins from {edges}", "beyond"], rows, words=(0, 3)
        ),
        note=f"shared bins of {value_text('s', width)}{said}",
        legend=key([one.who for one in loop.histograms], look),
    )


def _spark(counts: Sequence[int]) -> str:
    return " ".join(map(str, counts))


def _plain(look: Look) -> Look:
    """Without a dash: on stairs it would look like gaps."""
    return replace(look, dash=None)


def _ecdf(loop: LoopDistribution, look: Looks, name: str) -> Markup:
    low, high = loop.edges[0], loop.edges[-1]
    plot = Plot(Axis(low, high, "s", "step"), Axis(0.0, 1.0, "%", "share that took at most so long"), lines=1)
    for line in loop.ecdfs:
        inside = [(x, y) for x, y in zip(line.xs, line.ys, strict=True) if x <= high]
        before = max((y for x, y in zip(line.xs, line.ys, strict=True) if x <= low), default=0.0)
        points = [(low, before), *(point for point in inside if point[0] > low)]
        points.append((high, points[-1][1]))
        xs, ys = [x for x, _ in points], [y for _, y in points]
        plot.line(look[line.who], xs, ys, f"{line.who.label}: {line.n} steps", stairs=True)
    shares = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
    rows = [
        [line.who.label, *(value_text("s", next(x for x, y in zip(line.xs, line.ys) if y >= q - 1e-9)) for q in shares)]
        for line in loop.ecdfs
    ]
    return figure(
        f"Cumulative distribution{name}",
        plot.svg(f"Cumulative distribution of the step latency of {_names([line.who for line in loop.ecdfs])}"),
        table(["at most", *(f"{q:.0%} of the steps" for q in shares)], rows),
        note="further left is faster; a steep line is steady",
        legend=key([line.who for line in loop.ecdfs], look),
    )


def memory_charts(found: MemoryOverTime, look: Looks) -> Iterator[Markup]:
    """A figure for each kind of memory that was sampled."""
    for kind, title in KINDS.items():
        lines = [line for line in found.lines if line.kind == kind]
        if lines:
            yield _memory(title, lines, found, look)


def _memory(title: str, lines: Sequence[MemoryLine], found: MemoryOverTime, look: Looks) -> Markup:
    who = [line.who for line in lines]
    strips = len(who) <= FEW
    high = max(max(filter(math.isfinite, line.ys)) for line in lines)
    x = Axis(0.0, max(found.end_s, 1e-3), "s", "since the run began")
    below = STRIP * len(who) if strips else 0.0
    plot = Plot(x, Axis(0.0, high * 1.08 or 1.0, "B", "memory"), lines=len(lines), below=below)
    for row, line in enumerate(lines):
        plot.line(
            look[line.who], line.xs, line.ys, f"{line.who.label}: {value_text('B', _top(line))} at most", stairs=True
        )
        if strips:
            spans = [phase for phase in found.phases if phase.who == line.who]
            plot.strip(
                look[line.who],
                row,
                [
                    (
                        phase.start_s,
                        phase.end_s,
                        phase.name,
                        f"{line.who.label}: {phase.name} {value_text('s', phase.end_s - phase.start_s)}",
                    )
                    for phase in spans
                ],
            )
    note = f"one run of each, {_middle([one for one in found.shown if one.who in who])}, from its start"
    note += "; below the axis its phases" if strips else ""
    rows = [
        [
            line.who.label,
            len(line.xs),
            value_text("B", next(filter(math.isfinite, line.ys))),
            value_text("B", _top(line)),
            value_text("B", next(filter(math.isfinite, reversed(line.ys)))),
        ]
        for line in lines
    ]
    return figure(
        title,
        plot.svg(
            f"{title} over time: "
            + ", ".join(f"{line.who.label} at most {value_text('B', _top(line))}" for line in lines[:FEW])
        ),
        table(["", "samples", "first", "most", "last"], rows),
        note=note,
        legend=key(who, look),
    )


def _top(line: MemoryLine) -> float:
    return max(filter(math.isfinite, line.ys))


def cumulative_chart(found: Cumulative, look: Looks) -> Markup | None:
    """Seconds against images, with the places where the lines cross; None where no line can be drawn."""
    if not found.lines:
        return None
    high = max(line.ys[-1] for line in found.lines)
    x = Axis(0.0, found.images, "n", "images after the first call's")
    plot = Plot(x, Axis(0.0, high * 1.05, "s", "since the end of loading"), lines=1, height=290)
    for line in found.lines:
        each = f"{value_text('s', line.startup_s)} to start up, then {value_text('s', line.image_s)} an image"
        # Straight lines have markers of their own at more than their ends.
        xs = [found.images * number / 8 for number in range(9)]
        plot.line(look[line.who], xs, [line.startup_s + x * line.image_s for x in xs], f"{line.who.label}: {each}")
    for cross in found.crossings:
        if cross.images and cross.seconds is not None and cross.images <= found.images:
            label = f"{math.ceil(cross.images):,} images" if len(found.crossings) <= FEW else ""
            plot.point(look[cross.who], cross.images, cross.seconds, f"{cross.who.label} {cross.why}", label)
    crossed = {cross.who: cross for cross in found.crossings}
    rows = [
        [
            line.who.label,
            value_text("s", line.startup_s),
            value_text("s", line.image_s),
            value_text("s", line.ys[-1]),
            crossed[line.who].why if line.who in crossed else "the baseline",
        ]
        for line in found.lines
    ] + [[who.label, "-", "-", "-", why] for who, why in found.missing]
    return figure(
        "Time spent against images made",
        plot.svg(
            "Cumulative time: "
            + ", ".join(f"{cross.who.label} {cross.why}" for cross in found.crossings[:FEW] if cross.images is not None)
        ),
        table(["", "start-up", "an image", f"after {found.images:,.0f} images", "break-even"], rows, words=(0, 4)),
        note="start-up (from the end of loading to the first image, cold where it was measured cold) and what each "
        "further image takes; a ring is where a line meets its baseline's: the break-even",
        legend=key([line.who for line in found.lines], look),
    )


def _sampled(lines: Sequence[Line], x: Axis, kind: Kind) -> Markup:
    """Some of the values of each line: enough to read its course."""
    shares = [number / (SAMPLED - 1) for number in range(SAMPLED)]
    head = ["", "calls", *(value_text(x.kind, x.low + share * (x.high - x.low)) for share in shares)]
    rows: list[list[object]] = []
    for line in lines:
        cells = []
        for share in shares:
            at = x.low + share * (x.high - x.low)
            place = bisect_left(line.xs, at)  # the first from there on; near the end the last
            near = place < len(line.xs) or at <= line.xs[-1] + (x.high - x.low) / SAMPLED
            cells.append(value_text(kind, line.ys[min(place, len(line.xs) - 1)]) if near else "-")
        rows.append([line.who.label, line.n, *cells])
    return table(head, rows)


def _spoken(lines: Sequence[Line], kind: Kind) -> str:
    said = []
    for line in lines[:FEW]:
        finite = sorted(filter(math.isfinite, line.ys))
        if finite:
            low, middle, high = (value_text(kind, finite[at]) for at in (0, len(finite) // 2, -1))
            said.append(f"{line.who.label} {low} to {high}, in the middle {middle}")
    return "; ".join(said) + (f"; and {len(lines) - FEW} more" if len(lines) > FEW else "")


def _names(who: Sequence[Identity]) -> str:
    more = f" and {len(who) - FEW} more" if len(who) > FEW else ""
    return ", ".join(one.label for one in who[:FEW]) + more


def _calls(n: int) -> str:
    return f"{n} call{'s' * (n != 1)}"


def _middle(runs: Sequence[Shown]) -> str:
    most = max((one.of for one in runs), default=1)
    return "the middle one by its denoising time" if most > 1 else "the only one"
