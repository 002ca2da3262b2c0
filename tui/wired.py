"""The app's side of the wire: what is painted is the difference to what the terminal shows, when the link takes it."""

from __future__ import annotations

import math
import time
from typing import Any, Protocol, runtime_checkable

from textual import events
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.driver import Driver
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer

from tui.link import LOOK_AGAIN_S, Link, MeasuredFile
from tui.painting import Memory, ThriftyUpdate
from tui.settings import Settings
from tui.timing import after
from tui.turns import OrderlyApp

RESIZES_APART_S = 0.25
"""While a window is dragged to another size, how often the screen is laid out and sent for it."""


@runtime_checkable
class Attentive(Protocol):
    """A screen that wants to know whether anything of it is sent."""

    def attend(self, seen: bool) -> None:
        """Nothing that is painted is sent from now on, or all is again."""


class WiredApp(OrderlyApp):
    """Sends little. ``link`` says when pictures may be painted: screens ask it, and what they paint all the same waits
    here, where only the last of it is sent.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = settings or Settings()
        self.link = Link(self.settings)
        self._terminal = Memory()
        self._file: MeasuredFile | None = None
        self._held = False  # something was painted that the terminal hasn't got yet
        self._held_timer: Timer | None = None
        self._resized_at = -math.inf

    def _build_driver(self, *arguments: Any, **options: Any) -> Driver:
        driver = super()._build_driver(*arguments, **options)
        file = getattr(driver, "_file", None)  # Textual's drivers let nobody choose what they write to
        if file is not None:  # there is none without a terminal
            self._file = driver._file = MeasuredFile(file, self.link)  # type: ignore[attr-defined]
            self.link.queued = self._queued
        return driver

    def hush(self) -> None:
        """From now on nothing is written to the terminal; a write under way may still end."""
        if self._file is not None:
            self._file.shut = True

    def _queued(self) -> int:
        """How much the driver's thread has yet to write, which Textual tells nobody."""
        writer = getattr(self._driver, "_writer_thread", None)
        return 0 if writer is None else writer._queue.qsize()

    # --- what the terminal says ---

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.MouseDown | events.MouseScrollUp | events.MouseScrollDown):
            self.link.asked()
        await super().on_event(self._present(event) if isinstance(event, events.Resize) else event)

    def _present(self, event: events.Resize) -> events.Resize:
        """``event`` with the size that the terminal has now.

        A signal of a change may interrupt Textual's handler of the one before it: then the older size comes last.
        """
        size_of = getattr(self._driver, "_get_terminal_size", None)
        if self.is_headless or size_of is None:
            return event
        size = Size(*size_of())
        return event if size == event.size else events.Resize(size, size)

    def watch_app_focus(self, focused: bool) -> None:
        """What is painted for the change itself, a word that the screen stands still, is still let through."""
        self.link.asked()
        self.link.focused = focused
        for screen in self.screen_stack:
            if isinstance(screen, Attentive):
                screen.attend(not self.link.still)
        if focused and self._held:
            self._send_held()

    def _check_resize(self) -> None:
        """Textual's, for the last of the sizes that come fast one after another, as they do while one drags."""
        wait_s = self._resized_at + RESIZES_APART_S - time.monotonic()
        if self.link.busy:
            wait_s = max(wait_s, LOOK_AGAIN_S[-1])
        if wait_s > 0 and not self.is_headless:
            if self._resize_timer is not None:
                self._resize_timer.stop()
            self._resize_timer = after(self, wait_s, self._check_resize)
            return
        self._resized_at = time.monotonic()
        if self.link.still:
            self.link.asked()  # what is seen would be torn till the focus comes, as of a pane that another one narrows
        super()._check_resize()
        # Terminals rewrap or clear what they showed, also where they end up with the size that they had.
        self._terminal.forget()
        if self.screen_stack:
            self.screen.refresh()

    # --- painting ---

    def redraw(self) -> None:
        """Send the whole screen again, whatever the terminal shows."""
        self._terminal.forget()
        self.link.asked()
        self.refresh(layout=True)
        self.screen.refresh()

    def _display(self, screen: Screen[object], renderable: object) -> None:
        if not isinstance(renderable, ChopsUpdate | LayoutUpdate):
            super()._display(screen, renderable)  # type: ignore[arg-type]
            return
        if self._batch_count:
            return
        alive = self._running and not self._closed and not self.is_headless and self._driver is not None
        if alive and self._fits(screen) and not self._to_be_held():
            self._send(ThriftyUpdate(renderable, self._terminal).render_segments(self.console))
        self.post_display_hook()

    def _fits(self, screen: Screen[object]) -> bool:
        """Whether the screen was laid out for the size that the terminal has now; if not, it soon is, and painted."""
        return self._resize_event is None and screen._compositor.size == self._size

    def _to_be_held(self) -> bool:
        """Whether the terminal can't have this now: all that is held is sent as one when it can."""
        wait_s = self.link.hold_s()
        if self._held:
            if not wait_s:
                self._send_held()
            return True
        if not wait_s:
            return False
        self._held = True
        self._hold(wait_s)
        return True

    def _hold(self, wait_s: float) -> None:
        if math.isfinite(wait_s):  # else until the terminal has the focus
            self._held_timer = after(self, wait_s, self._send_held)

    def _send_held(self) -> None:
        """Paint the whole screen: the memory knows what the terminal has, so only what was held is sent."""
        if self._held_timer is not None:
            self._held_timer.stop()
            self._held_timer = None
        wait_s = self.link.hold_s()
        if wait_s:
            self._hold(wait_s)
            return
        self._held = False
        if self.is_running:
            self.screen.refresh()

    def _send(self, codes: str) -> None:
        if not codes or self._driver is None:
            return
        at = self.screen.outer_size.clamp_offset(self.cursor_position)
        if at.x or at.y:  # where input methods open their window
            codes += f"\x1b[{at.y + 1};{at.x + 1}H"
        self._driver.write(f"{SYNC_START}{codes}{SYNC_END}" if self._sync_available else codes)
        self._driver.flush()
