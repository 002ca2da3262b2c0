"""A session as it was at any moment of its time: its logs folded up to there, forwards and back.

What a moment shows is the fold of the records that its logs had by then, which is what a viewer saw. The logs are read
once from end to end, for the time of each record; then any moment is a matter of how many records of each log go into
the fold. Forwards they are added. Backwards only the log of the run that was under way is folded again: logs are folded
independently of each other, so those that were complete by then stay as they are.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from profiler.analysis.fold import SessionFold
from profiler.analysis.state import SessionState
from profiler.follow import presumption, stamp_of
from profiler.recordlog import ConductorRecords, Records
from profiler.sessions import Liveness, SessionFolder, SessionUnreadable

SECOND = 1_000_000_000
SLOWEST, FASTEST = 0.1, 1000.0
"""Seconds of the session per second."""
BUDGET_S = 0.05


@dataclass(frozen=True, slots=True)
class Start:
    """How a replay begins: at ``at_s`` seconds, or at the ``share`` of the whole (0 to 1) where that is given.

    ``speed``: seconds of the session per second.
    """

    speed: float = 1.0
    at_s: float = 0.0
    share: float | None = None


class Replay:
    """The moments of one session. Never raises on what the folder holds once it was opened."""

    def __init__(self, folder: SessionFolder) -> None:
        """Raises SessionUnreadable when there is no usable session.json."""
        self.folder = folder
        self._stamp = stamp_of(folder)  # taken before it is read, so that no change is missed
        self.manifest = folder.manifest()
        self.liveness = Liveness.STARTING
        self._open()

    def _open(self) -> None:
        """Begin anew: nothing is known of the logs."""
        request, clock = self.manifest.request, self.manifest.clock
        self._conductor = ConductorRecords(self.folder.conductor_log, clock)
        self._runs = {run.name: Records(self.folder.run_log(run.name), clock) for run in request.runs}
        self._every: tuple[Records, ...] = (self._conductor, *self._runs.values())
        self._unread: list[Records] = []
        self.known = False  # whether all logs were read to their ends once
        self.pauses: tuple[tuple[int, int], ...] = ()  # nobody conducted it: from, to, in nanoseconds
        self._headers = 0
        self._fold = self._fresh()
        self._fed: dict[str, int] = dict.fromkeys(self._runs, 0)  # records in the fold, by run
        self._told = 0  # of the conductor's
        self._next: SessionFold | None = None  # of an earlier moment, under way
        self._next_fed: dict[str, int] = {}

    def _fresh(self) -> SessionFold:
        return SessionFold(self.manifest.session, self.manifest.request)

    # --- what there is ---

    def read(self, budget_s: float, clock: Callable[[], float] = time.monotonic) -> tuple[bool, bool]:
        """Learn of the logs' records for about ``budget_s`` seconds: (whether there are new ones, whether to go on)."""
        self._look_at_manifest()
        if not self._unread:
            # Asked before reading: what is in the logs when the conductor is gone is all there will be.
            self.liveness = self.folder.liveness(self.manifest)
            self._unread = list(self._every)
        deadline = clock() + budget_s
        new = False
        while self._unread:
            log = self._unread[-1]
            found = log.learn()
            if found is None:
                self._open()
                return True, True
            new |= found[0]
            if not found[1]:
                self._unread.pop()
            if self._unread and clock() >= deadline:
                return new, True
        self._note_losses(self._fold)
        self._find_pauses()
        self.known = True
        return new, False

    def _look_at_manifest(self) -> None:
        stamp = stamp_of(self.folder)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        with suppress(SessionUnreadable):  # removed or damaged meanwhile: what was read of it still holds
            self.manifest = self.folder.manifest()
            self._open()

    def _note_losses(self, fold: SessionFold) -> None:
        """What the logs lack: of a record that can't be read nobody knows when it was written."""
        for name, log in ((None, self._conductor), *self._runs.items()):
            before = fold.state.losses if name is None else fold.state.runs[name].losses
            if log.losses != before:
                fold.losses(name, log.losses)

    def _find_pauses(self) -> None:
        headers = self._conductor.headers
        if headers != self._headers:
            self._headers = headers
            fold = self._fresh()
            self._conductor.tell(fold, len(self._conductor.times))
            self.pauses = tuple((start, end) for start, end in fold.state.pauses if end > start)

    @property
    def begin_ns(self) -> int:
        """When the first record was written; 0 where there is none."""
        return min((log.times[0] for log in self._every if log.times), default=0)

    @property
    def end_ns(self) -> int:
        """When the last record was written that there is so far; 0 where there is none."""
        return max((log.times[-1] for log in self._every if log.times), default=0)

    def seconds(self, t: int) -> float:
        """How far into the session ``t`` is; its pauses are left out."""
        return (t - self.begin_ns - sum(max(0, min(t, end) - start) for start, end in self.pauses)) / 1e9

    def moment(self, seconds: float) -> int:
        """When the session had come as far as ``seconds``, in nanoseconds on its clock: the reverse of ``seconds``."""
        return self.later(self.begin_ns, round(seconds * 1e9))

    def later(self, t: int, ns: int) -> int:
        """The moment ``ns`` nanoseconds after ``t``; pauses that lie between, or in which ``t`` lies, don't count."""
        later = t + ns
        for start, end in self.pauses:
            if end > t and start < later:
                later += end - max(start, t)
        return later

    def begun(self, start: Start) -> int:
        """The moment at which ``start`` begins."""
        wanted = start.at_s if start.share is None else start.share * self.seconds(self.end_ns)
        return max(self.begin_ns, min(self.moment(wanted), self.end_ns))

    @property
    def growing(self) -> bool:
        """Whether somebody writes the logs, or is about to."""
        return self.liveness in (Liveness.ALIVE, Liveness.STARTING)

    def steps_from(self, t: int, direction: int) -> int | None:
        """When the next step was told after ``t`` (``direction`` 1), or the one before it (-1); None: there is none."""
        return _nearest((log.steps for log in self._runs.values()), t, direction)

    def compiles_from(self, t: int, direction: int) -> int | None:
        """As ``steps_from``, when a compile or recompile began."""
        return _nearest((log.compiles for log in self._runs.values()), t, direction)

    @property
    def compile_count(self) -> int:
        """How many compiles and recompiles began."""
        return sum(len(log.compiles) for log in self._runs.values())

    def compiles(self) -> Iterator[int]:
        """When each compile and recompile began, run by run."""
        for log in self._runs.values():
            yield from log.compiles

    # --- a moment ---

    @property
    def state(self) -> SessionState:
        """The session at the moment that was gone to last; another object each time after going back."""
        return self._fold.state

    def go(self, t: int, budget_s: float, clock: Callable[[], float] = time.monotonic) -> tuple[bool, bool]:
        """Fold towards the moment ``t`` for about ``budget_s`` seconds: (whether the state changed, whether to go on).

        Where ``t`` lies before what is folded, the state stays until that of ``t`` is there.
        """
        deadline = clock() + budget_s
        wanted = {name: log.count(t) for name, log in self._runs.items()}
        told = self._conductor.count(t)
        if told >= self._told and all(count >= self._fed[name] for name, count in wanted.items()):
            self._next = None
            return self._forward(wanted, told, t, lambda: clock() >= deadline)
        return self._back(wanted, told, t, lambda: clock() >= deadline)

    def _forward(self, wanted: dict[str, int], told: int, t: int, late: Callable[[], bool]) -> tuple[bool, bool]:
        changed = False
        while self._told < told:
            events = self._conductor.take(self._told, told)
            if not events:
                self._open()
                return True, True
            self._fold.conductor(events)
            self._told += len(events)
            changed = True
            if late():
                return True, True
        for name, count in wanted.items():
            if self._fed[name] < count:
                changed = True
                if not self._feed(self._fold, self._fed, name, count, late):
                    return True, True
        return self._settle(t) or changed, False

    def _back(self, wanted: dict[str, int], told: int, t: int, late: Callable[[], bool]) -> tuple[bool, bool]:
        same = [name for name, count in wanted.items() if count == self._fed[name]]
        again = [name for name in wanted if wanted[name] != self._fed[name]]
        if self._next is None or any(wanted[name] < self._next_fed[name] for name in again):
            self._next, self._next_fed = self._fresh(), dict.fromkeys(self._runs, 0)
        fold = self._next
        for name in again:
            if not self._feed(fold, self._next_fed, name, wanted[name], late):
                return False, True
        fold.take(self._fold, same, self._conductor.samples(told))
        self._conductor.tell(fold, told)
        self._note_losses(fold)
        self._fold, self._fed, self._told, self._next = fold, wanted, told, None
        self._settle(t)
        return True, False

    def _feed(self, fold: SessionFold, fed: dict[str, int], name: str, count: int, late: Callable[[], bool]) -> bool:
        """Fold the records of a run up to the ``count``th; False where there was no time for all."""
        log = self._runs[name]
        while fed[name] < count:
            events = log.take(fed[name], count)
            if not events:  # it was replaced or cut
                self._open()
                return False
            fold.run(name, events)
            fed[name] += len(events)
            if fed[name] < count and late():
                return False
        return True

    def _settle(self, t: int) -> bool:
        """At the very end of a session that died it is known that nobody is left to end what goes on."""
        state = self._fold.state
        over = self.known and t >= self.end_ns
        reason = presumption(state, self.liveness) if over else None
        if state.presumed == reason:
            return False
        state.presume_dead(reason)
        return True


def _nearest(logs: Iterable[array[int]], t: int, direction: int) -> int | None:
    found: list[int] = []
    for times in logs:
        place = bisect_right(times, t) if direction > 0 else bisect_left(times, t) - 1
        if 0 <= place < len(times):
            found.append(times[place])
    if not found:
        return None
    return min(found) if direction > 0 else max(found)


class ReplayFollower:
    """Plays a session at its own pace, for those who otherwise follow one as it runs.

    Of a session that runs it comes to what there is, and goes on with that.
    """

    def __init__(
        self, folder: SessionFolder, start: Start | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``clock`` in seconds. Raises SessionUnreadable."""
        self.folder = folder
        self._replay = Replay(folder)
        self._start = start or Start()
        self._clock = clock
        self._polled_at: float | None = None
        self._t = 0

    def poll(self) -> tuple[bool, bool]:
        """Go on to where the session is by now: (whether the state changed, whether there is more to read)."""
        replay, now = self._replay, self._clock()
        if not replay.known or replay.growing:
            while replay.read(BUDGET_S)[1]:
                pass
        if self._polled_at is None:
            self._t = replay.begun(self._start)
        else:
            passed = round((now - self._polled_at) * self._start.speed * SECOND)
            self._t = max(self._t, min(replay.later(self._t, passed), replay.end_ns))
        self._polled_at = now
        return replay.go(self._t, BUDGET_S)

    @property
    def state(self) -> SessionState:
        """The session as it was."""
        return self._replay.state

    @property
    def liveness(self) -> Liveness:
        """Before the end a session lives, whatever became of it."""
        return self._replay.liveness if self._t >= self._replay.end_ns else Liveness.ALIVE

    @property
    def span_s(self) -> tuple[float, float]:
        """Seconds into the session: where it is, and the end of what there is."""
        return self._replay.seconds(self._t), self._replay.seconds(self._replay.end_ns)

    def now_ns(self) -> int:
        """The moment, on the log's clock."""
        return self._t
