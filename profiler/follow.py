"""Follow a session's folder: read what its logs have gained, in bounded turns, and fold it.

The same follower serves the live screen, a reattach, a replay of a finished session and ``show``.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from profiler.analysis.fold import SessionFold
from profiler.analysis.state import Losses, SessionState
from profiler.eventlog import READ_BYTES, LogReader
from profiler.events import Event
from profiler.sessions import Liveness, Manifest, SessionFolder, SessionUnreadable


class Follower:
    """Reads one session. ``poll`` in a loop keeps ``state`` up to date; it never blocks for long and never raises on
    what the folder contains.
    """

    def __init__(self, folder: SessionFolder, manifest: Manifest | None = None) -> None:
        """Raises SessionUnreadable when there is no usable session.json."""
        self.folder = folder
        self._stamp = stamp_of(folder)  # taken before it is read, so that no change is missed
        self.manifest = manifest or folder.manifest()
        self.liveness = self._before = Liveness.STARTING
        self._open()
        self._shown = self._fold.state

    def _open(self) -> None:
        """Begin to read anew. What was read before stays ``state`` until as much is there again."""
        request, clock = self.manifest.request, self.manifest.clock
        self._fold = SessionFold(self.manifest.session, request)
        self._conductor = LogReader(self.folder.conductor_log, clock)
        self._runs = {run.name: LogReader(self.folder.run_log(run.name), clock) for run in request.runs}
        self._losses: dict[str | None, Losses] = {}
        # Logs that this round has not read yet; a round may take several turns, however many logs there are.
        self._left: deque[str | None] = deque()

    @property
    def state(self) -> SessionState:
        """The folded state; another object after session.json or a log was replaced or cut.

        That one comes once it was read to its end: who looks on sees no session that is begun and half there.
        """
        return self._shown

    def poll(self, budget_s: float = 0.05, clock: Callable[[], float] = time.monotonic) -> tuple[bool, bool]:
        """Read for at most about ``budget_s`` seconds: (whether the state changed, whether there is more to read)."""
        changed, more = self._read(budget_s, clock)
        if self._shown is self._fold.state:
            return changed, more
        if more:
            return False, True
        self._shown = self._fold.state
        return True, False

    def _read(self, budget_s: float, clock: Callable[[], float]) -> tuple[bool, bool]:
        """``poll`` of what is being read, which is not what is shown while it is read anew."""
        changed = self._look_at_manifest()
        if not self._left:
            # Asked before reading: what is in the logs when the conductor is gone is all there will be.
            self._before = self.folder.liveness(self.manifest)
            self._left = deque([None, *filter(self._worth_reading, self._runs)])
        deadline = clock() + budget_s
        while self._left:
            name = self._left[0]
            reader = self._conductor if name is None else self._runs[name]
            chunk = reader.read(READ_BYTES)
            if chunk.restarted:
                self._open()
                return True, True
            if chunk.events:
                changed = True
                self._feed(name, chunk.events)
            changed |= self._note_losses(name, reader)
            if not chunk.more:
                self._left.popleft()
            if self._left and clock() >= deadline:
                return changed, True
        changed |= self._settle(self._before)
        return changed, False

    def read_all(self) -> SessionState:
        """Everything there is now."""
        while self.poll(budget_s=3600.0)[1]:
            pass
        return self.state

    def _look_at_manifest(self) -> bool:
        """Start over where session.json was replaced: the session was resumed, or runs were added to it."""
        stamp = stamp_of(self.folder)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        with suppress(SessionUnreadable):  # removed or damaged meanwhile: what was read of it still holds
            self.manifest = self.folder.manifest()
            self._open()
            return True
        return False

    def _worth_reading(self, name: str) -> bool:
        """Runs that were not reached yet have no log; one that ended and was read to its last word gains nothing."""
        run = self._fold.state.runs[name]
        return not (run.end is not None and run.conducted_end is not None)

    def _feed(self, name: str | None, events: list[Event]) -> None:
        if name is None:
            self._fold.conductor(events)
        else:
            self._fold.run(name, events)

    def _note_losses(self, name: str | None, reader: LogReader) -> bool:
        losses = Losses(reader.lost, reader.bad, reader.unknown, reader.refused)
        if losses == self._losses.get(name, Losses()):
            return False
        self._losses[name] = losses
        self._fold.losses(name, losses)
        return True

    def _settle(self, liveness: Liveness) -> bool:
        """Tell the state whether somebody is left to end what goes on."""
        self.liveness = liveness
        state = self._fold.state
        reason = presumption(state, liveness)
        if state.presumed == reason:
            return False
        state.presume_dead(reason)
        return True


def presumption(state: SessionState, liveness: Liveness) -> str | None:
    """Why a session that nobody ended is taken for dead; None: it isn't."""
    if liveness is not Liveness.GONE or state.conducted not in ("starting", "running"):
        return None
    if state.header is None:
        return "the profiler process never started"
    return "the profiler process ended without a word"


def stamp_of(folder: SessionFolder) -> tuple[int, ...]:
    """Another one whenever session.json was replaced; () where there is none."""
    try:
        found = os.stat(folder.manifest_file)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def written_stamp(folder: SessionFolder) -> tuple[int, ...]:
    """Another one when session.json or what the conductor wrote has changed."""
    stamp: list[int] = []
    for path in (folder.manifest_file, folder.conductor_log):
        try:
            found = os.stat(path)
        except OSError:
            stamp += [0, 0]
        else:
            stamp += [found.st_size, found.st_mtime_ns]
    return tuple(stamp)
