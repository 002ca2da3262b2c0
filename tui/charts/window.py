"""The part of an x axis that is seen: zooming and panning as arithmetic, with limits. Pure functions."""

from __future__ import annotations

import math
from typing import NamedTuple

MOST_ZOOM = 10_000.0
"""The whole is at most so many windows wide: beyond that neighbouring steps are screens apart."""


class Window(NamedTuple):
    """[low, high] in units of the axis; low < high."""

    low: float
    high: float

    @property
    def span(self) -> float:
        return self.high - self.low


def zoomed(window: Window, whole: Window, factor: float, at: float | None = None, *, least: float = 0.0) -> Window:
    """``window`` ``factor`` times as near (below 1: farther away), with ``at`` staying where it is on the screen.

    ``at`` None: the right end stays. The result lies within ``whole`` and is at least ``least`` wide, but never
    narrower than ``whole`` / ``MOST_ZOOM``.
    """
    window = within(window, whole)
    if not (math.isfinite(factor) and factor > 0):
        return window
    narrowest = min(max(least, whole.span / MOST_ZOOM), whole.span)
    span = min(max(window.span / factor, narrowest), whole.span)
    pivot = window.high if at is None or not math.isfinite(at) else min(max(at, window.low), window.high)
    low = pivot - (pivot - window.low) / window.span * span
    return within(Window(low, low + span), whole)


def panned(window: Window, whole: Window, by: float) -> Window:
    """``window`` moved by ``by`` units (to the right above 0), as far as ``whole`` goes."""
    if not math.isfinite(by):
        return within(window, whole)
    return within(Window(window.low + by, window.high + by), whole)


def within(window: Window | None, whole: Window) -> Window:
    """``window`` moved into ``whole``, and no wider than it; None is the whole."""
    if window is None or not (math.isfinite(window.low) and math.isfinite(window.high)):
        return whole
    span = window.span
    if not 0 < span < whole.span:
        return whole
    low = min(max(window.low, whole.low), whole.high - span)
    return Window(low, min(low + span, whole.high))
