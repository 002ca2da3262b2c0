"""Timers that go off once, whatever the machine does meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer


def after(place: MessagePump, wait_s: float, then: Callable[[], object]) -> Timer:
    """Have ``place`` call ``then`` once ``wait_s`` seconds have passed, also where they have when the timer begins.

    Textual's timers leave out the times that they are too late for: one that goes off once, for a moment so near that
    it is over when its task gets the processor, would never do so.
    """
    timer = place.set_timer(wait_s, then)
    timer._skip = False
    return timer
