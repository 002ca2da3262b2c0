"""The charts with bars: speed-ups, memory peaks, stages, the host-bound share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from profiler.analysis.curves import Identity, PeakBar, ShareBar, SpeedupBar, StageBar
from profiler.analysis.verdicts import ALIKE, CONFIDENCE
from profiler.report.html.axes import Axis, value_text
from profiler.report.html.bars import Part, Row, bars
from profiler.report.html.chart import Looks, figure, table
from profiler.report.html.look import PARTS
from profiler.report.html.markup import Markup, el, joined

FEW = 12
"""Lots whose phases are drawn one by one; of more only the highest."""


def speedup_chart(found: Sequence[SpeedupBar], look: Looks) -> Markup | None:
    """Bars from 1x, where nothing differs, with the interval as a whisker; None where nothing was compared."""
    measured = [bar for bar in found if bar.estimate is not None and math.isfinite(bar.estimate)]
    if not measured:
        return None
    every = [value for bar in measured for value in (bar.estimate, bar.low, bar.high) if value is not None]
    most = 3 * max(bar.estimate or 0.0 for bar in measured)  # an interval that says nothing doesn't squeeze the others
    low, high = min(0.9, *every) * 0.98, min(max(1.1, *every) * 1.02, max(most, 1.2))
    axis = Axis(low, high, "x", "times as fast as the baseline")
    rows = []
    for bar in measured:
        estimate = bar.estimate or 0.0
        words = f"{value_text('x', estimate)} {bar.verdict or ''}".rstrip()
        interval = "" if bar.low is None or bar.high is None else f", {interval_text(bar)}"
        part = Part(1.0, estimate, "bar", f"{bar.who.label}: {words}{interval}")
        rows.append(Row(bar.who.label, look[bar.who].css, (part,), words, bar.low, bar.high))
    cells = [
        [
            bar.who.label,
            "-" if bar.estimate is None else value_text("x", bar.estimate),
            interval_text(bar) or "-",
            bar.verdict or "-",
            bar.reason or "",
        ]
        for bar in found
    ]
    return figure(
        "Speed-up",
        bars(rows, axis, "Speed-up: " + ", ".join(f"{row.name} {row.words}" for row in rows), rule=1.0, zone=ALIKE),
        table(["", "speed-up", "interval", "verdict", ""], cells, words=(0, 3, 4)),
        note="of the time in the denoising loops; the whisker is the interval, the shaded stretch counts as the same",
    )


def interval_text(bar: SpeedupBar) -> str:
    """``95 %: 1.35x to 1.41x``; "" without an interval."""
    if bar.low is None or bar.high is None:
        return ""
    sure = f"{(bar.confidence or CONFIDENCE) * 100:.4g} %"
    return f"{sure}: {value_text('x', bar.low)} to {value_text('x', bar.high)}"


def peaks_chart(found: Sequence[PeakBar], look: Looks) -> Markup | None:
    """The highest memory of each phase: of torch's what is allocated, and lighter what is reserved beyond it."""
    if not found:
        return None
    who = list(dict.fromkeys(bar.who for bar in found))
    values = {(bar.who, bar.phase, bar.kind): bar.bytes for bar in found}
    axis = Axis(0.0, max(values.values()) * 1.02 or 1.0, "B", "peak")
    rows: list[Row] = []
    for one in who:
        phases = list(dict.fromkeys(bar.phase for bar in found if bar.who == one))
        if len(who) > FEW:
            phases = [max((_peak(values, one, phase), phase) for phase in phases)[1]]
        for number, phase in enumerate(phases):
            inner, outer = _peak(values, one, phase), values.get((one, phase, "reserved"))
            parts = [Part(0.0, float(inner), "bar", f"{one.label}, {phase}: {value_text('B', inner)}")]
            if outer is not None and outer > inner:
                said = f"{one.label}, {phase}: {value_text('B', outer)} reserved"
                parts.append(Part(float(inner), float(outer), "soft", said))
            words = f"{value_text('B', inner)} {phase}"
            rows.append(Row("" if number else one.label, look[one].css, tuple(parts), words))
    kinds = {bar.kind for bar in found}
    note = "resident memory (RSS), which is no VRAM" if kinds == {"rss"} else "allocated by torch; lighter: reserved"
    cells = [[bar.who.label, bar.phase, bar.kind, value_text("B", bar.bytes)] for bar in found]
    return figure(
        "Memory peaks",
        bars(rows, axis, "Memory peaks by phase", height=18),
        table(["", "phase", "kind", "peak"], cells, words=(0, 1, 2)),
        note=f"the highest of all runs, by phase: {note}",
    )


def _peak(values: Mapping[tuple[Identity, str, str], int], who: Identity, phase: str) -> int:
    """The comparable figure: allocated by torch, resident memory on a CPU."""
    found = values.get((who, phase, "allocated"))
    return found if found is not None else values.get((who, phase, "rss"), values.get((who, phase, "reserved"), 0))


def stages_chart(found: Sequence[StageBar], look: Looks) -> Markup | None:
    """What a call consists of, stacked."""
    if not found:
        return None
    names = list(dict.fromkeys(name for bar in found for name, _ in bar.parts))
    names.sort(key=lambda name: name == "other")
    hues = {name: PARTS - 1 if name == "other" else min(number, PARTS - 2) for number, name in enumerate(names)}
    classes = {name: f"t{hue}" for name, hue in hues.items()}
    axis = Axis(0.0, max(sum(seconds for _, seconds in bar.parts) for bar in found) or 1.0, "s", "of a call")
    rows = []
    for bar in found:
        at = 0.0
        parts = []
        for name, seconds in bar.parts:
            title = f"{bar.who.label}, {name}: {value_text('s', seconds)}"
            parts.append(Part(at, at + seconds, f"bar {classes[name]}", title, name))
            at += seconds
        rows.append(Row(bar.who.label, look[bar.who].css, tuple(parts), value_text("s", at)))
    cells = [
        [bar.who.label, *(value_text("s", dict(bar.parts)[name]) if name in dict(bar.parts) else "-" for name in names)]
        for bar in found
    ]
    items = [el("li", _square(classes[name]), " ", name) for name in names]
    return figure(
        "Stages of a call",
        bars(rows, axis, "Stages of a call: " + ", ".join(f"{row.name} {row.words}" for row in rows[:FEW])),
        table(["", *names], cells),
        note="the median call of each",
        legend=el("ul", *items, class_="key"),
    )


def _square(css: str) -> Markup:
    box = Markup('<rect class="bar" width="12" height="12"/>')
    return el("svg", joined(box), viewBox="0 0 30 12", class_=f"swatch {css}", aria_hidden="true")


def host_bound_chart(found: Sequence[ShareBar], look: Looks) -> Markup | None:
    """How often the GPU waited for Python; None where that was not measured."""
    measured = [bar for bar in found if bar.share is not None]
    if not measured:
        return None
    rows = [
        Row(
            bar.who.label,
            look[bar.who].css,
            (Part(0.0, bar.share or 0.0, "bar", f"{bar.who.label}: {value_text('%', bar.share or 0.0)} of the steps"),),
            value_text("%", bar.share or 0.0),
        )
        for bar in measured
    ]
    cells = [[bar.who.label, "-" if bar.share is None else value_text("%", bar.share)] for bar in found]
    said = ", ".join(f"{row.name} {row.words}" for row in rows)
    return figure(
        "Steps in which the GPU waited for Python",
        bars(rows, Axis(0.0, 1.0, "%", "of the steps"), f"Host-bound share: {said}"),
        table(["", "share"], cells),
        note="the device had run dry before Python gave it more work (host-bound)",
    )
