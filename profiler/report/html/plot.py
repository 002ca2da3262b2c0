"""A plot as SVG: a frame with two axes, and lines, bands, stairs, points and words in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from profiler.report.html.axes import Axis, thinned, value_text
from profiler.report.html.look import Look
from profiler.report.html.markup import Markup, el, joined, shape, text

WIDTH = 640.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 14.0, 24.0, 42.0
STRIP = 13.0
"""Height of a row of phases below the axis."""
BUDGET = 14_000
"""Points of all lines of a plot together: what keeps a page of 50 runs small."""
MARKERS = 7
"""Markers on a line, so that it is told apart where it crosses others."""

Points = Sequence[tuple[float, float]]


class Plot:
    """Values are given in the base units of ``x`` and ``y``. ``lines``: how many there will be."""

    def __init__(self, x: Axis, y: Axis, *, height: float = 250.0, lines: int = 1, below: float = 0.0) -> None:
        self.x, self.y = x, y
        self.height = height + below  # what lies below the axis: strips of phases
        self._bottom = height - BOTTOM
        self._columns = max(40, min(int(WIDTH), BUDGET // (2 * max(lines, 1))))
        self._many = lines > 12
        self._back: list[Markup] = []
        self._front: list[Markup] = []

    def px(self, x: float) -> float:
        return LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT)

    def py(self, y: float) -> float:
        return self._bottom - self.y.place(y) * (self._bottom - TOP)

    def line(self, look: Look, xs: Sequence[float], ys: Sequence[float], title: str, *, stairs: bool = False) -> None:
        """A line; a NaN is a gap in it. What lies above the range is drawn at its top edge, with its value."""
        points = thinned(xs, ys, self.x.low, self.x.high, self._columns)
        path = self._path(points, stairs=stairs)
        shapes = [shape("path", f'class="line" d="{path}"', stroke_dasharray=look.dash)]
        # Stairs have enough corners of their own.
        shapes += [] if self._many or stairs else [self._marker(look, *point) for point in self._spread(points)]
        shapes += self._sticking_out(points)
        self._front.append(el("g", el("title", title), *shapes, class_=look.css))

    def band(self, look: Look, xs: Sequence[float], low: Sequence[float], high: Sequence[float]) -> None:
        """The area between ``low`` and ``high``, piece by piece where both are known."""
        lower = thinned(xs, low, self.x.low, self.x.high, self._columns)
        upper = thinned(xs, high, self.x.low, self.x.high, self._columns)
        if any(not math.isfinite(y) for _, y in (*lower, *upper)):
            lower = [point for point in lower if math.isfinite(point[1])]
            upper = [point for point in upper if math.isfinite(point[1])]
        if lower and upper:
            path = self._path([*upper, *reversed(lower)])
            self._back.append(el("g", shape("path", f'class="band" d="{path}Z"'), class_=look.css))

    def area(self, look: Look, xs: Sequence[float], ys: Sequence[float]) -> None:
        """What lies between the axis and stairs."""
        base = self.y.low
        path = self._path([(xs[0], base), *zip(xs, ys, strict=True), (xs[-1], base)], stairs=True)
        self._back.append(el("g", shape("path", f'class="band" d="{path}Z"'), class_=look.css))

    def rule(self, x: float | None = None, y: float | None = None, css: str = "edge") -> None:
        """A line across the whole plot."""
        if x is not None:
            at = f"{self.px(x):.1f}"
            self._back.append(
                shape("path", f'class="{css}" d="M{at} {TOP:g}V{self._bottom:g}"', stroke_dasharray="3 3")
            )
        if y is not None:
            at = f"{self.py(y):.1f}"
            path = f"M{LEFT:g} {at}H{WIDTH - RIGHT:g}"
            self._back.append(shape("path", f'class="{css}" d="{path}"', stroke_dasharray="3 3"))

    def point(self, look: Look, x: float, y: float, title: str, label: str = "") -> None:
        """One place that matters, with words beside it."""
        px, py = self.px(x), self.py(y)
        ring = shape("circle", f'class="mark hollow" cx="{px:.1f}" cy="{py:.1f}" r="5"')
        self._front.append(el("g", el("title", title), ring, class_=look.css))
        if label:
            # Below: lines that cross at a small angle leave most room there.
            self.words(px + 3, py + 19, label, anchor="end" if px > WIDTH * 0.8 else "start")

    def words(self, px: float, py: float, said: str, *, anchor: str | None = None, css: str | None = None) -> None:
        """Text at a place of the drawing; where it would leave it, it ends there."""
        if anchor is None:
            anchor = "end" if px > WIDTH * 0.7 else "start" if px < WIDTH * 0.3 else "middle"
        self._front.append(el("text", said, x=f"{px:.1f}", y=f"{max(py, 11):.1f}", text_anchor=anchor, class_=css))

    def strip(self, look: Look, row: int, spans: Iterable[tuple[float, float, str, str]]) -> None:
        """Stretches of x below the axis: (from, to, name, title) each; the name stands in it where it has room."""
        top = self._bottom + BOTTOM - 4 + row * STRIP
        drawn = []
        for start, end, name, title in spans:
            left, right = self.px(max(start, self.x.low)), self.px(min(end, self.x.high))
            width = max(right - left - 1, 1)  # a gap between two
            box = f'class="soft" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{STRIP - 2:g}"'
            at = f"{left + width / 2:.1f}"
            fits = width > 6.5 * len(name)
            word = el("text", name, class_="in", x=at, y=f"{top + 9:.1f}", text_anchor="middle") if fits else None
            drawn.append(el("g", el("title", title), shape("rect", box), word))
        self._front.append(el("g", *drawn, class_=look.css))

    def svg(self, label: str) -> Markup:
        """The whole drawing; ``label`` says in a sentence what it shows, for those who don't see it."""
        return el(
            "svg",
            self._grid(),
            *self._back,
            el("g", *self._front, class_="many" if self._many else None),
            viewBox=f"0 0 {WIDTH:g} {self.height:g}",
            role="img",
            aria_label=label,
        )

    def _grid(self) -> Markup:
        drawn: list[Markup] = []
        for value, said in self.y.ticks(5):
            y = self.py(value)
            drawn.append(shape("path", f'class="grid" d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"'))
            drawn.append(el("text", said, class_="tick", x=f"{LEFT - 6:g}", y=f"{y + 4:.1f}", text_anchor="end"))
        for value, said in self.x.ticks(7):
            x = self.px(value)
            drawn.append(shape("path", f'class="grid" d="M{x:.1f} {TOP:g}V{self._bottom + 4:g}"'))
            at = f"{x:.1f}"
            drawn.append(el("text", said, class_="tick", x=at, y=f"{self._bottom + 16:g}", text_anchor="middle"))
        drawn.append(shape("path", f'class="edge" d="M{LEFT:g} {TOP:g}V{self._bottom:g}H{WIDTH - RIGHT:g}"'))
        drawn.append(el("text", self.y.label, class_="tick", x="4", y="10"))
        middle = f"{(LEFT + WIDTH - RIGHT) / 2:g}"
        below = f"{self._bottom + 31:g}"
        drawn.append(el("text", self.x.label, class_="tick", x=middle, y=below, text_anchor="middle"))
        return joined(*drawn)

    def _path(self, points: Points, *, stairs: bool = False) -> str:
        """A path of ``points``; above the range it keeps to the top edge."""
        out: list[str] = []
        pen = False
        last = ""
        for x, y in points:
            if not math.isfinite(y):
                pen = False
                continue
            px, py = f"{self.px(x):.1f}", f"{self.py(min(y, self.y.high)):.1f}"
            if not pen:
                out.append(f"M{px} {py}")
            elif stairs:
                out.append(f"H{px}V{py}" if py != last else f"H{px}")
            else:
                out.append(f"L{px} {py}")
            pen, last = True, py
        return "".join(out)

    def _spread(self, points: Points) -> list[tuple[float, float]]:
        """A few of ``points`` that are drawn where they are."""
        inside = [(x, y) for x, y in points if math.isfinite(y) and y <= self.y.high]
        count = min(MARKERS, len(inside))
        return [inside[(2 * number + 1) * len(inside) // (2 * count)] for number in range(count)]

    def _marker(self, look: Look, x: float, y: float) -> Markup:
        return marker(look, self.px(x), self.py(y))

    def _sticking_out(self, points: Points) -> list[Markup]:
        """Marks at the top edge for what lies above it; the highest with its value in words."""
        above = [(x, y) for x, y in points if math.isfinite(y) and y > self.y.high]
        if not above:
            return []
        drawn = [self._arrow(x, y) for x, y in sorted(above, key=lambda point: -point[1])[:20]]
        x, y = max(above, key=lambda point: point[1])
        px = self.px(x)
        anchor = "end" if px > WIDTH * 0.85 else "start"
        beside = px + (-7 if anchor == "end" else 7)
        said = value_text(self.y.kind, y)
        return [*drawn, el("text", said, x=f"{beside:.1f}", y=f"{TOP - 3:g}", text_anchor=anchor)]

    def _arrow(self, x: float, y: float) -> Markup:
        px = self.px(x)
        path = shape("path", f'class="mark" d="M{px - 4:.1f} {TOP:g}h8l-4 -7z"')
        return el("g", el("title", value_text(self.y.kind, y)), path)


def marker(look: Look, x: float, y: float) -> Markup:
    """A sign about 7 wide around a place."""
    css = "mark hollow" if look.hollow else "mark"
    if look.marker == "circle":
        return shape("circle", f'class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="3"')
    return shape("path", f'class="{css}" d="M{x:.1f} {y:.1f}{_SIGNS[look.marker]}"')


_SIGNS = {
    "triangle": "m-3.6 3l3.6 -6.4l3.6 6.4z",
    "down": "m-3.6 -3l3.6 6.4l3.6 -6.4z",
    "square": "m-3 -3h6v6h-6z",
    "diamond": "m0 -4l4 4l-4 4l-4 -4z",
}


def swatch(look: Look) -> Markup:
    """The line of a lot in a legend."""
    line = shape("path", 'class="line" d="M0 6H30"', stroke_dasharray=look.dash)
    return el("svg", line, marker(look, 15, 6), viewBox="0 0 30 12", class_=f"swatch {look.css}", aria_hidden="true")


def clipped(said: str, room: float) -> Markup:
    """``said`` in about ``room`` units; letters are about 7.2 wide. Its end stays: the variant is there."""
    most = max(4, int(room / 7.2))
    return text(said if len(said) <= most else f"…{said[1 - most :]}", 200)
