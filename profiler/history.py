"""What earlier sessions of a home tell about a new request: their runs, read in turns and no more than are needed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from profiler.analysis.expecting import Past, kind, pasts_of
from profiler.follow import Follower, written_stamp
from profiler.request import Request
from profiler.sessions import Liveness, Manifest, SessionFolder, SessionUnreadable, all_sessions, host_name

MOST_SESSIONS = 4
"""Of each pipeline, the newest: what was measured long ago on older software tells less."""

MOST_BYTES = 32 << 20
"""A session whose logs are larger isn't read for an estimate: that would take seconds."""

LOOK_AGAIN_S = 30.0
"""How often new sessions are looked for."""

Work = tuple[str, str | None, str, str]
"""What sessions must agree in: pipeline, origin, size, and kind of device."""

Stamp = tuple[int, ...]


class History:
    """Reads the sessions under ``root``. Sessions that go on are left out: their figures change. For one thread."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._clock = clock
        self._wanted: frozenset[Work] = frozenset()
        self._works: dict[str, tuple[Stamp, frozenset[Work]]] = {}
        self._pasts: dict[str, tuple[Stamp, tuple[Past, ...]]] = {}
        self._todo: list[SessionFolder] = []
        self._read: dict[Work, int] = {}  # sessions that were found for each
        self._kept: list[str] = []
        self._follower: Follower | None = None
        self._due = float("-inf")

    @property
    def pasts(self) -> tuple[Past, ...]:
        """What is known so far of the request that is looked for, newest sessions first."""
        return tuple(past for name in self._kept if name in self._pasts for past in self._pasts[name][1])

    def look_for(self, request: Request) -> None:
        """Have the next turns read what tells about ``request``."""
        wanted = frozenset(_works(request))
        if wanted != self._wanted:
            self._wanted = wanted
            # What is read now may tell nothing about it.
            self._todo, self._follower = [], None
            self.again()

    def again(self) -> None:
        """Look at the home anew in the next turn: there may be other sessions."""
        self._due = float("-inf")

    def turn(self, budget_s: float = 0.05) -> bool:
        """Read on for about ``budget_s`` seconds; whether there is more to read now."""
        deadline = self._clock() + budget_s
        if not self._todo and self._follower is None:
            if self._clock() < self._due or not self._wanted:
                return False
            self._begin()
        while self._clock() < deadline:
            if self._follower is not None:
                self._read_on(self._follower, deadline)
            elif self._todo:
                self._look_at(self._todo.pop(0))
            else:
                return False
        return bool(self._todo or self._follower)

    def _begin(self) -> None:
        self._due = self._clock() + LOOK_AGAIN_S
        self._read = dict.fromkeys(self._wanted, 0)
        self._kept = []
        try:
            self._todo = all_sessions(self._root)
        except OSError:
            self._todo = []  # nothing is known then; the list of sessions says why it can't be read

    def _look_at(self, folder: SessionFolder) -> None:
        if all(count >= MOST_SESSIONS for count in self._read.values()):
            self._todo = []
            return
        stamp = written_stamp(folder)
        known = self._works.get(folder.id)
        try:
            manifest = folder.manifest() if known is None or known[0] != stamp else None
            if manifest is not None:
                self._works[folder.id] = (stamp, frozenset(_works(manifest.request)))
            telling = self._works[folder.id][1] & self._wanted
            if not any(self._read[work] < MOST_SESSIONS for work in telling):
                return
            kept = self._pasts.get(folder.id)
            if kept is None or kept[0] != stamp:
                self._open(folder, manifest or folder.manifest())
                return
        except SessionUnreadable:
            return
        self._keep(folder.id, telling if kept[1] else frozenset())

    def _open(self, folder: SessionFolder, manifest: Manifest) -> None:
        going_on = folder.liveness(manifest) in (Liveness.ALIVE, Liveness.STARTING)
        if not going_on and _log_bytes(folder, manifest) <= MOST_BYTES:
            self._follower = Follower(folder)

    def _read_on(self, follower: Follower, deadline: float) -> None:
        """Read the session under way for a while, and keep what it tells once it was read to its end."""
        _, more = follower.poll(max(deadline - self._clock(), 0.001), self._clock)
        if more:
            return
        self._follower = None
        folder, manifest = follower.folder, follower.manifest
        found = pasts_of(follower.state, made_ns=manifest.created_wall_ns, here=manifest.host == host_name())
        self._pasts[folder.id] = (written_stamp(folder), tuple(found))
        self._keep(folder.id, self._works[folder.id][1] & self._wanted if found else frozenset())

    def _keep(self, session: str, telling: frozenset[Work]) -> None:
        self._kept.append(session)
        for work in telling:
            self._read[work] += 1


def _works(request: Request) -> set[Work]:
    of = kind(request.device)
    return {(work.pipeline, work.origin, work.size, of) for work in (case.workload for case in request.cases)}


def _log_bytes(folder: SessionFolder, manifest: Manifest) -> int:
    return sum(_size(path) for path in (folder.conductor_log, *map(folder.run_log, _names(manifest))))


def _names(manifest: Manifest) -> list[str]:
    return [run.name for run in manifest.request.runs]


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
