"""Reads the list of sessions in turns: what is over and unchanged is read once, of what is under way what is new."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from profiler.analysis.state import SessionState
from profiler.eventlog import is_locked
from profiler.follow import written_stamp
from profiler.overview import OverviewReader
from profiler.sessions import SessionFolder, SessionUnreadable, all_sessions
from profiler.underway import ProgressFollower
from tui.feed import Source, Turn
from tui.pictures.listing import UNDER_WAY, Going, Listing, SessionLine, aged, session_line
from tui.pictures.names import latest_ns
from tui.pictures.progress import progress_lines

LOOK_AGAIN_S = 2.0
BUDGET_S = 0.05
READ_S = 0.02
"""So long one session's logs are read before the next one has its turn."""

AT_REST = 100
"""Sessions that are over and are looked at in one round: of more a part, and the others in the rounds after it."""

LIST_ANYWAY = 10
"""Every so many rounds the folder of all sessions is listed whether or not it says that it was changed."""

GRAIN_NS = 4_000_000_000

Stamp = tuple[int, ...]


@dataclass(slots=True)
class _Known:
    """What was read of a session, and what its files and its lock were like then."""

    stamp: Stamp
    locked: bool
    line: SessionLine
    reader: OverviewReader | None = None  # of one under way: it is read on
    follower: ProgressFollower | None = None


class ListingSource(Source[Listing]):
    """The sessions under ``root``."""

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """``clock`` in seconds paces the reading; ``now_ns`` is the clock of the logs."""
        self._root = root
        self._clock = clock
        self._wall_ns = wall_ns
        self._now_ns = now_ns
        self._known: dict[str, _Known] = {}
        self._folders: list[SessionFolder] = []
        self._unseen: deque[SessionFolder] = deque()  # of this round
        self._unread: deque[SessionFolder] = deque()  # under way, to be read on in this round
        self._found, self._rounds = -1, 0  # when the folder of all was changed; how often it was looked at
        self._resting = 0  # where the next round goes on among those that are over
        self._next_round = float("-inf")
        self._last: Listing | None = None

    def look_again(self, *sessions: str) -> None:
        """Begin a new round with the next turn, and with these sessions: something was done to them."""
        for session in sessions:
            if session in self._known:
                self._known[session].stamp = ()
        self._unseen.clear()
        self._unread.clear()
        self._next_round = float("-inf")

    def turn(self) -> Turn[Listing]:
        """Look at sessions for a short while; a picture whenever something is new."""
        start = self._clock()
        if not self._unseen and not self._unread and start >= self._next_round:
            try:
                self._begin()
            except OSError as error:
                why = f"cannot read {self._root / 'sessions'}: {error.strerror}"
                return self._new(Listing((), True, why), LOOK_AGAIN_S)
            self._next_round = start + LOOK_AGAIN_S
        while self._unseen and self._clock() - start < BUDGET_S:
            self._look_at(self._unseen.popleft())
        # The whole list comes first; how far those under way are is read after it.
        while not self._unseen and self._unread and self._clock() - start < BUDGET_S:
            self._read_on()
        more = bool(self._unseen or self._unread)
        return self._new(self._listing(), 0.0 if more else max(0.0, self._next_round - self._clock()))

    def _begin(self) -> None:
        """Who is looked at in this round: at first those under way, then of those that are over a part."""
        self._find()
        present = {folder.id for folder in self._folders}
        for gone in [session for session in self._known if session not in present]:
            del self._known[gone]
        new = [folder for folder in self._folders if folder.id not in self._known]
        # The lock tells who is running for next to nothing: those are on top, and are read first.
        new.sort(key=lambda folder: not is_locked(folder.conductor_log))
        known = [folder for folder in self._folders if folder.id in self._known]
        first = {name for name, known in self._known.items() if known.line.under_way or not known.stamp}
        going = [folder for folder in known if folder.id in first]
        # By name: what is newest changes, and then some would be passed over.
        over = sorted((folder for folder in known if folder.id not in first), key=lambda folder: folder.id)
        self._resting = self._resting if self._resting < len(over) else 0
        part = over[self._resting : self._resting + AT_REST]
        self._resting += len(part)
        self._unseen = deque([*going, *new, *part])

    def _find(self) -> None:
        """List the folders, unless none has come or gone since. Raises OSError where that can't be done."""
        try:
            found = os.stat(self._root / "sessions").st_mtime_ns
        except FileNotFoundError:
            found = 0
        # Within its clock's grain a folder may change twice; and some file systems don't tell at all.
        if found != self._found or self._rounds % LIST_ANYWAY == 0 or self._wall_ns() - found < GRAIN_NS:
            self._folders = all_sessions(self._root)
            self._found = found
        self._rounds += 1

    def _look_at(self, folder: SessionFolder) -> None:
        known = self._known.get(folder.id)
        stamp = written_stamp(folder)
        if known is not None and known.stamp == stamp:
            # What is under way can die without a word written; then nobody holds its lock any more.
            state = known.line.state
            if state not in UNDER_WAY or (state == "running" and known.locked == is_locked(folder.conductor_log)):
                self._unread.extend([folder] if known.follower is not None else [])
                return
        locked = is_locked(folder.conductor_log)
        reader = (known.reader if known is not None else None) or OverviewReader(folder)
        line = session_line(reader.read())
        if not line.under_way:
            self._known[folder.id] = _Known(stamp, locked, line)
            return
        follower = known.follower if known is not None else None
        going = known.line.going if known is not None else None
        self._known[folder.id] = _Known(stamp, locked, replace(line, going=going), reader, follower)
        self._unread.append(folder)

    def _read_on(self) -> None:
        """Read on in the logs of the first session under way; one that has more waits until the others had a turn."""
        folder = self._unread.popleft()
        known = self._known[folder.id]
        try:
            if known.follower is None:
                known.follower = ProgressFollower(folder)
            _, more = known.follower.poll(READ_S, self._clock)
        except SessionUnreadable:
            return  # it was removed, or damaged, this moment: the next round says so
        if more:
            self._unread.append(folder)
            return
        state = known.follower.state
        session, run = progress_lines(state, max(self._now_ns(), latest_ns(state)))
        if session.fraction is None:
            return  # it has ended since: the next round says so
        current = state.current
        doing = f"{run.label}: {run.text}" if run.label else run.text
        waiting = current is not None and current.waiting is not None
        left = "stopping" if _stopping(state) else session.left
        known.line = replace(known.line, going=Going(session.fraction, left, doing, waiting))

    def _listing(self) -> Listing:
        now_s = self._wall_ns() / 1e9
        for known in self._known.values():
            known.line = aged(known.line, now_s)
        lines = tuple(self._known[folder.id].line for folder in self._folders if folder.id in self._known)
        return Listing(lines, len(lines) == len(self._folders))

    def _new(self, listing: Listing, wait_s: float) -> Turn[Listing]:
        if listing == self._last:
            return Turn(None, wait_s)
        self._last = listing
        return Turn(listing, wait_s)


def _stopping(state: SessionState) -> bool:
    """Whether its profiler has taken the command to stop, since it was begun or resumed."""
    since_ns = state.resumed_ns[-1] if state.resumed_ns else state.started_ns
    return any(one.command == "stop" and since_ns is not None and one.t >= since_ns for one in state.commands)
