"""Bars that lie: a row a lot, with its name at the left and what it comes to at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.report.html.axes import Axis
from profiler.report.html.markup import Markup, el, joined, shape
from profiler.report.html.plot import WIDTH, clipped

NAMES = 190.0
"""Room for the names of the rows."""
WORDS = 120.0
"""Room for words behind the bars."""
TOP, BOTTOM = 8.0, 36.0


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a bar in base units; ``css``: its class and its colour's."""

    start: float
    end: float
    css: str
    title: str
    inside: str = ""  # a word in it, where it has room


@dataclass(frozen=True, slots=True)
class Row:
    """``low`` and ``high``: a whisker. ``css`` is the colour of the row's parts that have none of their own."""

    name: str
    css: str
    parts: tuple[Part, ...]
    words: str = ""
    low: float | None = None
    high: float | None = None


def bars(
    rows: Sequence[Row],
    axis: Axis,
    label: str,
    *,
    height: float = 22.0,
    rule: float | None = None,
    zone: tuple[float, float] | None = None,
) -> Markup:
    """The drawing. ``rule``: an upright line at a value; ``zone``: a stretch that is shaded."""
    bottom = TOP + height * len(rows)
    drawn: list[Markup] = []
    if zone is not None:
        left, right = (_px(axis, min(max(value, axis.low), axis.high)) for value in zone)
        box = f'class="zone" x="{left:.1f}" y="{TOP:g}" width="{right - left:.1f}" height="{bottom - TOP:g}"'
        drawn.append(shape("rect", box))
    for value, said in axis.ticks(6):
        x = _px(axis, value)
        drawn.append(shape("path", f'class="grid" d="M{x:.1f} {TOP:g}V{bottom + 4:g}"'))
        drawn.append(el("text", said, class_="tick", x=f"{x:.1f}", y=f"{bottom + 16:g}", text_anchor="middle"))
    for number, row in enumerate(rows):
        drawn.append(_row(row, axis, TOP + height * number, height))
    if rule is not None:
        drawn.append(shape("path", f'class="edge" d="M{_px(axis, rule):.1f} {TOP:g}V{bottom:g}"'))
    middle = f"{(NAMES + WIDTH - WORDS) / 2:g}"
    drawn.append(el("text", axis.label, class_="tick", x=middle, y=f"{bottom + 31:g}", text_anchor="middle"))
    return el("svg", *drawn, viewBox=f"0 0 {WIDTH:g} {bottom + BOTTOM:g}", role="img", aria_label=label)


def _px(axis: Axis, value: float) -> float:
    return NAMES + axis.place(value) * (WIDTH - NAMES - WORDS)


def _row(row: Row, axis: Axis, top: float, height: float) -> Markup:
    thick = min(height - 6, 16)
    y = top + (height - thick) / 2
    base = f"{top + height / 2 + 4:.1f}"
    drawn: list[Markup | None] = []
    if row.name:
        name = clipped(row.name, NAMES - 8)
        drawn.append(el("text", el("title", row.name), name, x=f"{NAMES - 8:g}", y=base, text_anchor="end"))
    end = NAMES
    for part in row.parts:
        left, right = sorted((_px(axis, part.start), _px(axis, part.end)))
        end = max(end, right)
        width = max(right - left, 0.8)
        box = f'x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{thick:g}"'
        rect = shape("rect", box, class_=part.css)
        word = None
        if part.inside and width > 7 * len(part.inside):
            at = f"{(left + right) / 2:.1f}"
            word = el("text", part.inside, class_="onbar", x=at, y=base, text_anchor="middle")
        drawn.append(el("g", el("title", part.title), rect, word))
    if row.low is not None and row.high is not None:
        left, right = _px(axis, max(row.low, axis.low)), _px(axis, min(row.high, axis.high))
        end = max(end, right)
        middle = y + thick / 2
        whisker = f"M{left:.1f} {middle - 4:.1f}v8m0 -4H{right:.1f}m0 -4v8"
        drawn.append(shape("path", f'class="whisker" d="{whisker}"'))
    if row.words:
        # Behind the bar where it is short enough, else in the margin.
        drawn.append(el("text", row.words, x=f"{min(end + 6, WIDTH - WORDS + 6):.1f}", y=base))
    return el("g", joined(*drawn), class_=row.css)
