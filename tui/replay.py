"""A session played again: a reading whose clock is the replay's, and the source of its pictures.

The screens are those of a live session; what is another is the clock. The replay stands still while it isn't seen.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import replace

from profiler.analysis.state import SessionState
from profiler.replay import FASTEST, SECOND, SLOWEST, Replay, Start
from profiler.sessions import Liveness, SessionFolder
from tui.feed import BUDGET_S, RESTING_S, LiveSource, Reading, Source, Turn
from tui.inspecting import TriggersSource
from tui.pictures.live import LivePicture
from tui.pictures.names import latest_ns
from tui.pictures.player import Player, Playing, ReplayPicture, length_text, position, shares
from tui.pictures.triggers.painter import Status, TriggersPicture

SPEEDS = (SLOWEST, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, FASTEST)
"""What the keys go through; the command line takes any between the first and the last."""


class ReplayReading(Reading):
    """The session as it was at the replay's moment. As any reading it belongs to who is within ``with reading:``."""

    def __init__(self, folder: SessionFolder, start: Start | None = None) -> None:
        super().__init__(folder)
        self._start: Start | None = start or Start()  # None once it is applied
        self._replay: Replay | None = None
        self._looked_at = float("-inf")
        self._t = 0  # the moment, on the log's clock
        self._told_s = -1  # the whole second that was told last
        self._behind = True  # the moment isn't folded yet
        self._compiles: tuple[tuple[int, int], tuple[int, ...]] = ((-1, -1), ())
        self._unreadable = False
        self.speed = self._start.speed if self._start is not None else 1.0
        self.playing = True

    def __enter__(self) -> ReplayReading:
        super().__enter__()
        return self

    # --- as a reading ---

    def poll(self, clock: Callable[[], float]) -> bool:
        """Read on towards the moment; whether there is more to read. Raises SessionUnreadable."""
        self._unreadable = self._replay is None  # unless the next line says otherwise
        replay = self._replay = self._replay or Replay(self.folder)
        self._unreadable = False
        if not replay.known or self._growing or clock() - self._looked_at >= RESTING_S:
            self._looked_at = clock()
            _, more = replay.read(BUDGET_S, clock)
            if more and not replay.known:
                self._behind = True
                return True
        if self._start is not None:
            self._t = replay.begun(self._start)
            self._start = None
        changed, self._behind = replay.go(self._t, BUDGET_S, clock)
        # What goes on between two records, as a compile's seconds, is told every second.
        second = self._t // SECOND
        self.revision += changed or second != self._told_s
        self._told_s = second
        return self._behind

    @property
    def state(self) -> SessionState:
        """The session at the moment; another object after going back."""
        assert self._replay is not None
        return self._replay.state

    @property
    def alive(self) -> bool:
        """Whether its time goes on."""
        return self.playing

    @property
    def copied(self) -> bool:
        """Where the log of a session that was made elsewhere ends nobody knows how it went on."""
        replay = self._replay
        return replay is not None and replay.liveness is Liveness.COPIED and self._t >= replay.end_ns

    def now_ns(self, now_ns: int) -> int:
        """The replay's moment, whatever time it is."""
        return latest_ns(self.state) if self.state.over else self._t

    @property
    def _growing(self) -> bool:
        return self._replay is not None and self._replay.growing

    # --- as a player ---

    def advance(self, seconds: float) -> None:
        """So much time has passed. The session's time goes on unless what it has come to isn't read yet."""
        replay = self._replay
        if replay is None or not self.playing or self._behind:
            return
        self._t = min(replay.later(self._t, round(seconds * self.speed * SECOND)), replay.end_ns)
        if self._t >= replay.end_ns and not self._growing:
            self.playing = False

    def play(self) -> None:
        """Play or pause; from the beginning where all has been played."""
        replay = self._replay
        if replay is not None and not self.playing and self._t >= replay.end_ns and not self._growing:
            self._t = replay.begin_ns
        self.playing = not self.playing

    def step(self, direction: int) -> None:
        """To the moment at which the next step was told (1) or the one before (-1), and pause there."""
        found = self._replay.steps_from(self._t, direction) if self._replay is not None else None
        if found is not None:
            self._t, self.playing = found, False

    def compile(self, direction: int) -> None:
        """To where the next compile began (1), or the one before (-1)."""
        found = self._replay.compiles_from(self._t, direction) if self._replay is not None else None
        if found is not None:
            self._t = found

    def whole(self, direction: int) -> None:
        """To the beginning (-1) or the end (1)."""
        if self._replay is not None:
            self._t = self._replay.begin_ns if direction < 0 else self._replay.end_ns
            self.playing = self.playing and (direction < 0 or self._growing)

    def seek(self, fraction: float) -> None:
        """To ``fraction`` of the whole."""
        if self._replay is not None:
            self._t = self._replay.begun(Start(share=fraction))

    def faster(self, direction: int) -> None:
        """Play at the next speed of ``SPEEDS`` (1) or the one before (-1)."""
        place = bisect_right(SPEEDS, self.speed) if direction > 0 else bisect_left(SPEEDS, self.speed) - 1
        self.speed = SPEEDS[min(max(place, 0), len(SPEEDS) - 1)]

    @property
    def player(self) -> Player:
        """Where it is."""
        replay = self._replay
        if replay is None or not replay.known:
            return Player("at the end" if self._unreadable else "reading", speed=self.speed)
        length = replay.seconds(replay.end_ns)
        return Player(
            self._playing(replay),
            round(replay.seconds(self._t), 1),
            # While the session runs whole seconds do: that it grows is no news.
            float(int(length)) if replay.growing else round(length, 1),
            self.speed,
            self._marks(replay, length),
            (replay.steps_from(self._t, -1) is not None, replay.steps_from(self._t, 1) is not None),
            (replay.compiles_from(self._t, -1) is not None, replay.compiles_from(self._t, 1) is not None),
        )

    def _playing(self, replay: Replay) -> Playing:
        if self._t >= replay.end_ns:
            return "up to now" if self.playing else "at the end"
        return "playing" if self.playing else "paused"

    def _marks(self, replay: Replay, length_s: float) -> tuple[int, ...]:
        known = (replay.compile_count, round(length_s))
        if self._compiles[0] != known:
            self._compiles = known, shares(map(replay.seconds, replay.compiles()), length_s)
        return self._compiles[1]


AT_ONCE_S = 0.05
"""An answer that comes within this time seems to come at once."""


class _Pictures(LiveSource):
    """A live source that can be told that a key was pressed."""

    def hurry(self) -> bool:
        """Make the next picture at once; whether that takes longer than one wants to wait for an answer."""
        self._made_at = float("-inf")
        return self._cost > AT_ONCE_S


class ReplaySource(Source[ReplayPicture]):
    """Pictures of a replay; its time goes on with its turns."""

    def __init__(self, reading: ReplayReading, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` in seconds: of it the replay's speed is told."""
        self.reading = reading
        self._live = _Pictures(reading.folder, clock=clock, reading=reading)
        self._clock = clock
        self._turned_at: float | None = None
        self._newest: LivePicture | None = None
        self._last: ReplayPicture | None = None
        self._row_first = False  # a key was pressed, and a big session's picture will take its time

    @property
    def live(self) -> LiveSource:
        """What makes the session's pictures."""
        return self._live

    def rest(self) -> None:
        """The time up to the next turn doesn't count: nobody looked."""
        self._turned_at = None

    def do(self, action: Callable[[ReplayReading], None]) -> None:
        """Do what a key asks of the player, and show it at once."""
        self._pass_time()
        with self.reading as reading:
            action(reading)
        self._row_first = self._live.hurry()

    def _pass_time(self) -> None:
        now = self._clock()
        if self._turned_at is not None:
            with self.reading as reading:
                reading.advance(now - self._turned_at)
        self._turned_at = now

    def turn(self) -> Turn[ReplayPicture]:
        self._pass_time()
        self._live.pace = self.pace
        row_first, self._row_first = self._row_first, False
        turn: Turn[LivePicture] = Turn(None, 0.0) if row_first else self._live.turn()
        self._newest = turn.picture or self._newest
        with self.reading as reading:
            player = reading.player
            wait_s = min(turn.wait_s, self.pace()) if reading.playing else turn.wait_s
        if self._newest is None:
            return Turn(None, wait_s)
        picture = ReplayPicture(self._newest, player)
        if picture == self._last:
            return Turn(None, wait_s)
        self._last = picture
        return Turn(picture, wait_s)


class ReplayedTriggers(TriggersSource):
    """What was compiled as far as a replay has come."""

    def turn(self) -> Turn[TriggersPicture]:
        turn = super().turn()
        picture = turn.picture
        if picture is None or not isinstance(self.reading, ReplayReading):
            return turn
        with self.reading as reading:
            player = reading.player
        far = f"{position(player.at_s)} of {length_text(player)}"
        status = Status(
            f"as far as the replay has come: {far}; what was compiled later isn't here", "warn", f"replay: up to {far}"
        )
        return Turn(replace(picture, statuses=(status, *picture.statuses)), turn.wait_s)
