"""Reads the list of sessions in turns; what is over and unchanged is read once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profiler.eventlog import is_locked
from profiler.overview import Overview, read_overview
from profiler.sessions import SessionFolder, all_sessions
from tui.feed import Source, Turn
from tui.pictures.listing import UNDER_WAY, Listing, session_lines

LOOK_AGAIN_S = 2.0
BUDGET_S = 0.05
Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a session, and what its files and its lock were like then."""

    stamp: Stamp
    locked: bool
    overview: Overview


class ListingSource(Source[Listing]):
    """The sessions under ``root``."""

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._root = root
        self._clock = clock
        self._wall_ns = wall_ns
        self._known: dict[str, _Known] = {}
        self._folders: list[SessionFolder] = []
        self._next = 0
        self._complete = False
        self._last: Listing | None = None

    def turn(self) -> Turn[Listing]:
        """Look at sessions for a short while; a picture whenever something is new."""
        deadline = self._clock() + BUDGET_S
        if self._next >= len(self._folders):
            try:
                self._folders = all_sessions(self._root)
            except OSError as error:
                return self._new(
                    Listing((), True, f"cannot read {self._root / 'sessions'}: {error.strerror}"), LOOK_AGAIN_S
                )
            self._next = 0
        while self._next < len(self._folders) and self._clock() < deadline:
            self._look_at(self._folders[self._next])
            self._next += 1
        more = self._next < len(self._folders)
        self._complete |= not more
        present = [self._known[folder.id].overview for folder in self._folders if folder.id in self._known]
        listing = Listing(session_lines(present, self._wall_ns()), self._complete)
        return self._new(listing, 0.0 if more else LOOK_AGAIN_S)

    def _look_at(self, folder: SessionFolder) -> None:
        known = self._known.get(folder.id)
        stamp = _stamp(folder)
        if known is not None and known.stamp == stamp:
            # What is under way can die without a word written; then nobody holds its lock any more.
            state = known.overview.state
            if state not in UNDER_WAY or (state == "running" and known.locked == is_locked(folder.conductor_log)):
                return
        locked = is_locked(folder.conductor_log)
        self._known[folder.id] = _Known(stamp, locked, read_overview(folder))

    def _new(self, listing: Listing, wait_s: float) -> Turn[Listing]:
        if listing == self._last:
            return Turn(None, wait_s)
        self._last = listing
        return Turn(listing, wait_s)


def _stamp(folder: SessionFolder) -> Stamp:
    """Changes whenever something was written."""
    stamp: list[int] = []
    for path in (folder.manifest_file, folder.conductor_log):
        try:
            found = os.stat(path)
        except OSError:
            stamp += [0, 0]
        else:
            stamp += [found.st_size, found.st_mtime_ns]
    return tuple(stamp)
