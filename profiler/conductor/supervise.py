"""Watch one run from its worker's start to the end of its last process, and say how it ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from profiler import events as ev
from profiler.conductor.ending import Ending, Evidence, Order, Why, classify, last_line
from profiler.conductor.gpu import FAST_SECONDS, SLOW_SECONDS, Focus
from profiler.conductor.hostmemory import OomKills
from profiler.conductor.processes import GRACE_SECONDS, Ended
from profiler.conductor.vigil import Bounds, Vigil
from profiler.conductor.watch import RunWatch
from profiler.diskroom import full_disk

TICK_SECONDS = 0.25
MOST_BETWEEN_SECONDS = 2.0
"""Of the time between two looks at a worker so much counts: where it was longer, the conductor stood still itself."""


class Limits(NamedTuple):
    """How long the conductor waits, in seconds."""

    hung: float = 600.0  # no record and no heartbeat outside a compile, or heartbeats alone and nothing is computed
    farewell: float = 30.0  # from the last word to the end of the process
    grace: float = GRACE_SECONDS  # from SIGTERM to SIGKILL
    silent: float = 30.0  # no record and no heartbeat, until that is noted


DEFAULT_LIMITS = Limits()


class Worker(Protocol):
    """What supervision needs of a worker's processes."""

    pid: int

    def wait(self, timeout_s: float) -> int | None: ...
    def state(self) -> str: ...
    def cpu_seconds(self) -> float: ...
    def end(self, grace_s: float) -> Ended: ...


class Sampler(Protocol):
    @property
    def watching(self) -> bool: ...
    def start(self) -> None: ...
    def focus(self, focus: Focus | None) -> None: ...
    def close(self) -> None: ...


class Waking:
    """A clock, in seconds, of the time in which the conductor could see a sign of life, called at every look.

    A container that is paused or a virtual machine that is halted stops the worker too: what is missing of its signs
    when both go on is nobody's hang.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._before = self._now = clock()

    def __call__(self) -> float:
        before, self._before = self._before, self._clock()
        self._now += min(self._before - before, MOST_BETWEEN_SECONDS)
        return self._now


class Supervisor:
    """Supervises one worker. Asks ``orders`` four times a second whether the run is to end."""

    def __init__(
        self,
        worker: Worker,
        folder: Path,
        *,
        orders: Callable[[], Order | None],
        write: Callable[[ev.Event], None],
        sampler: Sampler,
        oom_kills: OomKills,
        clock: Callable[[], float],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._worker = worker
        self._folder = folder
        self._orders = orders
        self._write = write
        self._sampler = sampler
        self._oom_kills = oom_kills
        self._oom_before = oom_kills.count()
        self._clock = Waking(clock)
        self._limits = limits
        self._watch = RunWatch(folder / "events.jsonl", self._clock())
        self._vigil = Vigil(worker, self._watch, write, Bounds(limits.hung, limits.silent))

    def supervise(self) -> Ending:
        """Blocks until the run has ended and none of its processes is left, or one that can't be ended is reported."""
        code, order = self._until_it_ends()
        ended = self._worker.end(self._limits.grace)
        self._sampler.focus(None)
        signalled = code is None
        if signalled:
            code = self._worker.wait(0.0)
        self._watch.read(self._clock())
        for survivor in ended.survivors:
            self._note(
                "error",
                "unkillable",
                f"process {survivor.pid} does not end even on SIGKILL (it is in state {survivor.state}):"
                " it may still hold the device",
            )
        host_oom = self._oom_kills.rose(self._oom_before)
        ending = classify(
            Evidence(
                last_word=self._watch.end,
                code=code,
                order=order,
                signalled=signalled,
                killed=ended.killed,
                host_oom=host_oom,
                began=self._watch.began,
                doing=self._watch.doing,
                hint=self._full_disk() or last_line(self._folder / "worker.log"),
            )
        )
        if host_oom and "out of memory" not in (ending.reason or ""):
            self._note("warning", "host-oom", "the kernel killed a process during this run: the host ran out of memory")
        return ending

    def _until_it_ends(self) -> tuple[int | None, Order | None]:
        """Wait for the worker's end or for a reason to end it."""
        while True:
            code = self._worker.wait(FAST_SECONDS if self._sampler.watching else TICK_SECONDS)
            self._watch.read(self._clock())
            if code is not None:
                return code, None
            self._sampler.focus(self._focus())
            order = self._orders() or self._overdue()
            if order is not None:
                return None, order if self._watch.end is None or order.why is Why.LINGERED else None

    def _focus(self) -> Focus | None:
        watch = self._watch
        if watch.environment is None:
            return None
        if watch.phase is None:
            period = None  # behind another session, or not under way yet
        else:
            period = FAST_SECONDS if watch.call is not None and watch.phase != "compile" else SLOW_SECONDS
        return Focus(self._worker.pid, watch.environment.uuid, watch.environment.pci_bus_id, period)

    def _overdue(self) -> Order | None:
        now, watch, limits = self._clock(), self._watch, self._limits
        if watch.end is not None:
            late = now - watch.ended_at >= limits.farewell
            reason = f"the process did not leave within {limits.farewell:g} s of its last word and was ended"
            return Order(Why.LINGERED, reason) if late else None
        if watch.lost_log is not None:
            return Order(Why.LOST, f"its log was {watch.lost_log} {watch.doing}: what it measures can't be kept")
        return self._vigil.look(now, self._full_disk)

    def _full_disk(self) -> str | None:
        return full_disk(self._folder)

    def _note(self, level: str, code: str, text: str) -> None:
        self._write(ev.Note(level=level, code=code, text=text))
