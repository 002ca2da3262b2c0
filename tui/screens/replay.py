"""The Replay screen: Live on a session that is played again, with a row that says where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from profiler.replay import Start
from profiler.sessions import SessionFolder
from tui import keys
from tui.feed import Feed
from tui.messages import ReplayChanged
from tui.panels.player import PlayerPanel
from tui.pictures.player import Player, ReplayPicture
from tui.replay import ReplayReading, ReplaySource
from tui.screens.live import LiveScreen


class ReplayScreen(LiveScreen, inherit_bindings=False):
    """Shows a session as it was. It stands still while another screen is seen."""

    where = keys.REPLAY
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.REPLAY)

    def __init__(
        self,
        folder: SessionFolder,
        *,
        ascii: bool = False,
        start: Start | None = None,
        source: ReplaySource | None = None,
    ) -> None:
        """``source``, where it is given, is of ``folder``; else one that begins as ``start`` says."""
        played = source or ReplaySource(ReplayReading(folder, start))
        super().__init__(folder, ascii=ascii, source=played.live)
        self.reading = played.reading
        self.player = self.reading.player
        self._played = played
        self._feed: Feed[ReplayPicture] = Feed(played, self._publish_replay, self._feed_failed)  # type: ignore[assignment]
        self._row = PlayerPanel(self.player, ascii=ascii)

    def compose_body(self) -> ComposeResult:
        yield from super().compose_body()
        yield self._row

    # --- pictures ---

    def _publish_replay(self, picture: ReplayPicture) -> None:
        self.post_message(ReplayChanged(picture))

    def on_replay_changed(self, message: ReplayChanged) -> None:
        self.picture, self.player = message.picture.live, message.picture.player
        self._apply_when_taken()

    def _apply(self) -> None:
        with self.app.batch_update():
            self._row.put(self.player)
            super()._apply()

    def attend(self, seen: bool) -> None:
        # The time in which nobody looked is not the session's.
        self._feed.order(self._played.rest)
        super().attend(seen)

    # --- keys ---

    def possible(self, action: str) -> bool:
        """``action`` with or without its parameter."""
        name, _, parameter = action.partition("(")
        player: Player = self.player
        there = {"compile": player.jumps, "step": player.steps}.get(name)
        if there is not None:
            return any(there) if not parameter else there[not parameter.startswith("-")]
        return super().possible(action)

    def _do(self, action: Callable[[ReplayReading], None]) -> None:
        self._feed.order(lambda: self._played.do(action))

    def action_play(self) -> None:
        self._do(ReplayReading.play)

    def action_step(self, direction: int) -> None:
        self._do(lambda reading: reading.step(direction))

    def action_compile(self, direction: int) -> None:
        if not self.player.jumps[direction > 0]:
            self.notice(f"no compile began {'after' if direction > 0 else 'before'} this moment")
            return
        self._do(lambda reading: reading.compile(direction))

    def action_speed(self, direction: int) -> None:
        self._do(lambda reading: reading.faster(direction))

    def action_whole(self, direction: int) -> None:
        self._do(lambda reading: reading.whole(direction))

    def on_player_panel_sought(self, message: PlayerPanel.Sought) -> None:
        message.stop()
        self._do(lambda reading: reading.seek(message.fraction))
