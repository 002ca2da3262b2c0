"""Reads sessions on threads of their own and hands finished pictures to the screens.

The fold, the follower and everything that is derived from them belong to the feeds' threads, to one of them at a time;
what crosses over to the UI is frozen. So the UI waits for no lock, and a key is answered while a million events are
being read.
"""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.sessions import Liveness, SessionFolder, SessionUnreadable
from profiler.vitals import WELL, Vitals, vitals
from tui.charts.canvas import prepare
from tui.pictures.live import LivePainter, LivePicture, unreadable
from tui.pictures.names import latest_ns
from tui.pictures.view import StepsView
from tui.settings import USUAL_HZ

REFRESH_S = 1 / USUAL_HZ
"""A picture every so often at most, unless the feed's user says otherwise: each costs bytes."""

BUDGET_S = 0.03
"""How long one turn reads: between turns the picture is made and other threads get their chance."""

BREATH_S = 0.001
"""Between two turns, so that the thread that answers keys gets the interpreter at once."""

CLOCKWORK_S = 1.0
"""How often a picture is made of a session that says nothing but whose time goes on (a compile's seconds)."""

RESTING_S = 1.0
"""How often a session that is over, or on another machine, is looked at."""

FIGURES_S = 1.0
"""How often the table of results is computed anew while a session goes on: figures over many calls take longest."""

LIVE_SHARE, LOADING_SHARE = 15, 10
"""How many times as long as it took to make lies between a big session's picture and its next."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn(Generic[T]):
    """What one turn brought: a picture if there is a new one, and the seconds until the next turn is due."""

    picture: T | None
    wait_s: float


class Source(ABC, Generic[T]):
    """Something that is read in turns. Used by one thread."""

    pace: Callable[[], float] = staticmethod(lambda: REFRESH_S)
    """Seconds from one picture to the next that are worth making now."""

    @abstractmethod
    def turn(self) -> Turn[T]:
        """Read on for a short while."""


class Reading:
    """A session's logs, read and folded once however many screens look at it.

    What it holds belongs to the thread that is within ``with reading:``; the state is told by ``revision`` to have
    changed to each who looks.
    """

    def __init__(self, folder: SessionFolder) -> None:
        self.folder = folder
        self.revision = 0
        self._follower: Follower | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Reading:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def poll(self, clock: Callable[[], float]) -> bool:
        """Read on for a short while; whether there is more to read. Raises SessionUnreadable where there is nothing."""
        if self._follower is None:
            self._follower = Follower(self.folder)
        changed, more = self._follower.poll(BUDGET_S, clock)
        self.revision += changed
        return more

    @property
    def state(self) -> SessionState:
        """The folded state, once it was polled; another object after a log was replaced."""
        assert self._follower is not None
        return self._follower.state

    @property
    def alive(self) -> bool:
        """Whether somebody writes the logs, or is about to."""
        return self._follower is not None and self._follower.liveness in (Liveness.ALIVE, Liveness.STARTING)

    @property
    def copied(self) -> bool:
        """Whether the session was made on another machine or before a restart."""
        return self._follower is not None and self._follower.liveness is Liveness.COPIED

    def vitals(self, now_ns: int) -> Vitals:
        """The signs of life of the session's processes at ``now_ns`` of the log's clock."""
        follower = self._follower
        return WELL if follower is None else vitals(follower.state, follower.liveness, now_ns, self.folder.path)

    def now_ns(self, now_ns: int) -> int:
        """The present on the log's clock: only a live session's time goes on, any other stands at its last record."""
        last_ns = latest_ns(self.state)
        return max(now_ns, last_ns) if self.alive and not self.state.over else last_ns


class LiveSource(Source[LivePicture]):
    """One session's pictures."""

    def __init__(
        self,
        folder: SessionFolder,
        *,
        clock: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.monotonic_ns,
        reading: Reading | None = None,
    ) -> None:
        """``clock`` in seconds paces the reading; ``now_ns`` is the clock of the logs.

        ``reading`` is shared with other screens of the session; None: one of its own.
        """
        self._folder = folder
        self.reading = reading or Reading(folder)
        self._clock = clock
        self._now_ns = now_ns
        self._seen = -1
        self._painter: LivePainter | None = None
        self._view = StepsView()
        self._last: LivePicture | None = None
        self._made_at = float("-inf")
        self._cost = 0.0  # seconds that the last picture took
        self._stale = True
        self._more = True  # whether there was more to read before the last picture
        self._figured_at = float("-inf")
        self._figures_owed = False  # whether the last picture had the figures of one before
        self._view_changed = False

    def look(self, view: StepsView) -> None:
        """Make the next pictures as ``view`` says."""
        if view != self._view:
            self._view = view
            self._view_changed = True

    def turn(self) -> Turn[LivePicture]:
        with self.reading as reading:
            return self._turn(reading)

    def _turn(self, reading: Reading) -> Turn[LivePicture]:
        if self._view_changed and self._painter is not None and self._last is not None:
            # A key was pressed: answer it first, with what is known.
            self._view_changed = False
            return self._new(self._painter.seen_as(self._view, self._last), 0.0)
        if self._view.paused and self._last is not None:
            return Turn(None, RESTING_S)  # what is seen stands still: nothing is read for it
        try:
            more = reading.poll(self._clock)
        except SessionUnreadable as error:
            return self._new(unreadable(self._folder.id, str(error)), RESTING_S)
        # That all was read is new too, though the last look at the logs brought nothing.
        all_read = self._more and not more
        self._stale |= reading.revision != self._seen or all_read
        self._seen = reading.revision
        now = self._clock()
        age = now - self._made_at
        figured = now - self._figured_at
        if not (self._stale or (reading.alive and age >= CLOCKWORK_S) or (self._figures_owed and figured >= FIGURES_S)):
            rest = self.pace() if reading.alive else RESTING_S
            return Turn(None, min(rest, FIGURES_S - figured) if self._figures_owed else rest)
        # While a long log is being read, reading goes first: what is painted then will not last.
        # Once all is read no half of it stays on the screen, however long that took to make.
        apart = max(self.pace(), self._cost * (0 if all_read else LOADING_SHARE if more else LIVE_SHARE))
        if age < apart:
            return Turn(None, 0.0 if more else apart - age)
        # The first picture of all that was read, one that somebody asked for and the last one have everything.
        fresh = self._stale or self._figures_owed
        figures = self._more or reading.state.over or age == math.inf or (fresh and figured >= FIGURES_S)
        picture = self._paint(reading, more, figures=figures)
        self._cost = self._clock() - now
        self._made_at = now
        self._more, self._figures_owed = more, fresh and not figures
        if figures:
            self._figured_at = now
        self._stale = False
        return self._new(picture, 0.0 if more else self.pace())

    def _paint(self, reading: Reading, loading: bool, *, figures: bool) -> LivePicture:
        state = reading.state
        if self._painter is None or self._painter.session is not state:
            self._painter = LivePainter(state)
        if loading:
            prepare()  # there is more to read, and the picture is drawn meanwhile
        now_ns = reading.now_ns(self._now_ns())
        vitals = reading.vitals(now_ns) if not loading else WELL  # what was read may be old, what is to come newer
        return self._painter.picture(
            self._view, now_ns, copied=reading.copied, loading=loading, figures=figures, vitals=vitals
        )

    def _new(self, picture: LivePicture, wait_s: float) -> Turn[LivePicture]:
        if picture == self._last:
            return Turn(None, wait_s)
        self._last = picture
        return Turn(picture, wait_s)


class Feed(Generic[T]):
    """Runs a source on a thread until it is stopped, and publishes its pictures from there.

    A daemon thread and not one of the event loop's: leaving the program must not wait for a read that hangs on a
    network file system.
    """

    def __init__(
        self, source: Source[T], publish: Callable[[T], object], failed: Callable[[BaseException], object]
    ) -> None:
        """``publish`` and ``failed`` are called on the feed's thread."""
        self._source = source
        self._publish = publish
        self._failed = failed
        self._wake = threading.Condition()
        self._orders: list[Callable[[], object]] = []
        self._stopped = False
        self._paused = False
        self._thread = threading.Thread(target=self._run, name="stepscope-feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def pace(self, pace: Callable[[], float]) -> None:
        """Make pictures no more often than ``pace`` says, on the feed's thread: seconds from one to the next."""
        self._source.pace = pace

    def stop(self) -> None:
        """No turn begins after this."""
        with self._wake:
            self._stopped = True
            self._wake.notify()

    def pause(self, paused: bool) -> None:
        """While paused nothing is read: nobody looks."""
        with self._wake:
            self._paused = paused
            self._wake.notify()

    def order(self, action: Callable[[], object]) -> None:
        """Have ``action`` done on the feed's thread before its next turn, which begins at once."""
        with self._wake:
            self._orders.append(action)
            self._wake.notify()

    def _run(self) -> None:
        try:
            wait_s = 0.0
            while self._ready(wait_s):
                turn = self._source.turn()
                if turn.picture is not None:
                    self._publish(turn.picture)
                wait_s = turn.wait_s
        except BaseException as error:
            # The screen raises it where it ends the app with a traceback, as an error of its own would.
            self._failed(error)

    def _ready(self, wait_s: float) -> bool:
        """Wait until the next turn is due or somebody wants something; False when there is no next turn."""
        with self._wake:
            if not self._orders and not self._stopped:
                self._wake.wait(max(wait_s, BREATH_S))
            while self._paused and not self._stopped and not self._orders:
                self._wake.wait()
            orders, self._orders = self._orders, []
            if self._stopped:
                return False
        for action in orders:
            action()
        return True
