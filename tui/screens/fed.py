"""A screen whose pictures a feed makes: it reads while the screen is seen, and a slow terminal gets the newest one."""

from __future__ import annotations

from typing import Any

from tui.feed import Feed
from tui.messages import FeedFailed
from tui.screens.base import BaseScreen

SLOW_LINK_S = 0.25
"""While the terminal hasn't taken the last pictures, the newest one waits this long and replaces them."""


class FedScreen(BaseScreen):
    """Starts, pauses and stops ``_feed``, which the subclass makes, and raises what ended it."""

    _feed: Feed[Any]

    def __init__(self, *, ascii: bool = False) -> None:
        super().__init__(ascii=ascii)
        self._waiting = False

    def on_mount(self) -> None:
        self.refresh_footer()
        self._feed.start()

    def on_unmount(self) -> None:
        self._feed.stop()

    def on_screen_suspend(self) -> None:
        self._feed.pause(True)

    def on_screen_resume(self) -> None:
        self._feed.pause(False)

    def _feed_failed(self, error: BaseException) -> None:
        self.post_message(FeedFailed(error))

    def on_feed_failed(self, message: FeedFailed) -> None:
        raise message.error

    def _apply(self) -> None:
        """Paint the newest picture."""

    def _apply_when_taken(self) -> None:
        """Paint, unless the terminal still has earlier pictures to take: then wait and paint the newest."""
        if self.app.link_busy:  # type: ignore[attr-defined]
            if not self._waiting:
                self._waiting = True
                self.set_timer(SLOW_LINK_S, self._apply_later)
            return
        self._apply()

    def _apply_later(self) -> None:
        self._waiting = False
        self._apply_when_taken()
