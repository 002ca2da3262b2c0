"""What a line has at a place of the x axis. For lines of any length; the points need not be those that are drawn."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def nearest(xs: Sequence[float], ys: Sequence[float], x: float, within: float) -> float | None:
    """The y of the point nearest to ``x``, at most ``within`` x units away; None where there is none, or a gap.

    For points that stand for themselves, as steps. ``xs`` ascend.
    """
    place = bisect_left(xs, x)
    near = [n for n in (place - 1, place) if 0 <= n < len(xs) and abs(xs[n] - x) <= within]
    best = min(near, key=lambda n: abs(xs[n] - x), default=None)
    return ys[best] if best is not None and math.isfinite(ys[best]) else None


LAST_HOLDS = 1.0
"""Units (seconds) for which the newest sample is taken to hold: a sampler that is silent for longer has stopped."""


def held(xs: Sequence[float], ys: Sequence[float], x: float, *, beyond: float = LAST_HOLDS) -> float | None:
    """The y of the last point at or before ``x``; None before the first, in a gap, and later than ``beyond`` x units
    after the last.

    For samples, which hold until the next one. ``xs`` ascend.
    """
    place = bisect_right(xs, x) - 1
    if place < 0 or (place == len(xs) - 1 and xs[place] + beyond < x):
        return None
    return ys[place] if math.isfinite(ys[place]) else None
