"""What the user chose to see of a session's charts: which steps, on which axis, which part of it, and the cursor."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from tui.charts.window import Window, panned
from tui.pictures.focus import Focus

AxisKind = Literal["steps", "time"]

PANELS = ("steps", "memory", "gpu", "stages")
"""The charts of the Live screen, in the order in which tab goes through them."""


@dataclass(frozen=True, slots=True)
class At:
    """A place of an x axis that was clicked on: in slots of calls, or seconds of the session's own time."""

    x: float
    axis: AxisKind


@dataclass(frozen=True, slots=True)
class StepsView:
    """What the user chose to see: which repeat (None: the newest of each case), which loop, whether spikes too.

    The cursor is at ``focus``, else at the step nearest to ``at``, and from there ``moved`` steps on; with neither
    and ``moved`` not 0 it begins at the newest step that is seen. ``slots`` is the window of the step chart's axis of
    calls (overlaid: of steps), ``times`` that of every axis of time; None: all of it. What is new stays in sight in
    those windows whose axes are ``following``.
    """

    repeat: int | None = None
    loop: int = 0
    full_range: bool = False
    group: str | None = None  # a workload's key; None: that of the run under way
    columns: int = 160
    focus: Focus | None = None  # what the cursor points at: its workload, repeat and loop go before those chosen
    at: At | None = None
    moved: int = 0
    seek: bool = False  # whether the step chart's window goes where the cursor is
    axis: AxisKind = "steps"
    log: bool = False
    overlay: bool = False  # all calls over each other, on the axis of steps
    slots: Window | None = None
    times: Window | None = None
    following: tuple[AxisKind, ...] = ()
    paused: bool = False
    panels: tuple[str, ...] = PANELS  # those that are seen; pictures of others aren't made

    @property
    def window(self) -> Window | None:
        """The window of the step chart's axis."""
        return self.times if self.axis == "time" else self.slots

    def followed(self, axis: AxisKind, newest: float | None, whole: Window) -> StepsView:
        """Move a window that follows its axis on by halves of itself, until ``newest`` lies in it.

        By halves and not bit by bit, since a window that moves is a whole chart to paint. A cursor holds it.
        """
        window = self.times if axis == "time" else self.slots
        if window is None or newest is None or axis not in self.following or self.pointing or newest <= window.high:
            return self
        half = window.span / 2
        return self.windowed(panned(window, whole, math.ceil((newest - window.high) / half) * half), axis)

    def windowed(self, window: Window | None, axis: AxisKind) -> StepsView:
        """Give it another window of its axis of calls or of those of time."""
        return replace(self, times=window) if axis == "time" else replace(self, slots=window)

    @property
    def pointing(self) -> bool:
        """Whether a cursor was asked for."""
        return self.focus is not None or self.at is not None or self.moved != 0

    def pointed(self, focus: Focus | None) -> StepsView:
        """Put the cursor at ``focus``, or take it off the chart."""
        return replace(self, focus=focus, at=None, moved=0, seek=focus is not None)
