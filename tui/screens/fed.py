"""A screen whose pictures a feed makes: it reads while the screen is seen, and a slow terminal gets the newest one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tui.feed import Feed
from tui.messages import FeedFailed
from tui.screens.base import BaseScreen
from tui.timing import after

if TYPE_CHECKING:
    from tui.link import Link

STILL = "stands still while another window has the focus"


class FedScreen(BaseScreen):
    """Starts, pauses and stops ``_feed``, which the subclass makes, and raises what ended it."""

    _feed: Feed[Any]

    def __init__(self, *, ascii: bool = False) -> None:
        super().__init__(ascii=ascii)
        self._waiting = False
        self._suspended = False
        self._covered = False  # another screen is about to be put on top of this one, which no one has seen
        self._missed = False  # a picture came while nothing was to be painted

    @property
    def _link(self) -> Link:
        link: Link = self.app.link  # type: ignore[attr-defined]
        return link

    def on_mount(self) -> None:
        self.refresh_footer()
        self._feed.pace(lambda: self._link.pace_s)
        self._feed.start()

    def on_unmount(self) -> None:
        self._feed.stop()

    def on_screen_suspend(self) -> None:
        self._suspended, self._covered = True, False
        self._feed.pause(True)

    def on_screen_resume(self) -> None:
        if self._covered:
            return  # Textual makes it the first screen before the app puts the other one on it
        self._suspended = False
        self.attend(not self._link.still)

    def attend(self, seen: bool) -> None:
        """Nothing of this screen is sent from now on, since another window has the focus; or all is again."""
        self._feed.pause(self._suspended or not seen)
        foot = self._foot.value
        if not seen:
            self._foot.put(replace(foot, notice=STILL))
            return
        if foot.notice == STILL:
            self._foot.put(replace(foot, notice=""))
        if self._missed:
            self._apply_when_taken()

    def _feed_failed(self, error: BaseException) -> None:
        self.post_message(FeedFailed(error))

    def on_feed_failed(self, message: FeedFailed) -> None:
        raise message.error

    def _apply(self) -> None:
        """Paint the newest picture."""

    def _apply_when_taken(self) -> None:
        """Paint the newest picture as soon as the link takes it."""
        wait_s = self._link.wait_s()
        self._missed = math.isinf(wait_s)
        if not wait_s:
            self._link.painted()
            self._apply()
        elif not self._waiting and not self._missed:
            self._waiting = True
            after(self, wait_s, self._apply_later)

    def _apply_later(self) -> None:
        self._waiting = False
        self._apply_when_taken()
