"""Signs of life of a worker: what the conductor notes of their absence, and when it takes a run for hung."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from profiler import events as ev
from profiler.conductor.ending import Order, Why
from profiler.conductor.watch import RunWatch
from profiler.identity import SUSPENDED

SUSPENDED_SECONDS = 5.0
"""Two heartbeats and a half: no other silence is looked into so soon."""
IDLE_SHARE = 0.01
"""Of one core: a worker that waits for something spends less, heartbeats and samples included; one that waits for the
GPU spins and spends a whole one."""
_LOOKS = 20  # at the processor's time, within the time after which a run counts as hung
_STATES = {
    "stopped": "the worker is suspended (SIGSTOP)",
    "tracing-stop": "a debugger holds the worker",
    "disk-sleep": "the worker waits in the kernel",
    "running": "the worker computes",
    "sleeping": "the worker sleeps",
}


class Living(Protocol):
    """What is asked of a worker's processes."""

    def state(self) -> str: ...
    def cpu_seconds(self) -> float: ...


class Bounds(NamedTuple):
    """In seconds."""

    hung: float
    silent: float


class Vigil:
    """Asked at every tick. Says once in the log that nothing comes any more, and once that something came again."""

    def __init__(self, worker: Living, watch: RunWatch, write: Callable[[ev.Event], None], bounds: Bounds) -> None:
        self._worker = worker
        self._watch = watch
        self._write = write
        self._bounds = bounds
        self._early = min(SUSPENDED_SECONDS, bounds.hung / 4)
        self._silent_from: float | None = None  # said so: since the sign before
        self._stalled_from: float | None = None
        self._looked_at: float | None = None  # when the processor's time was, and what it was
        self._cpu = 0.0
        self._idle_from: float | None = None

    def look(self, now: float, full_disk: Callable[[], str | None]) -> Order | None:
        """The order to end the run, if it is hung."""
        return self._silence(now, full_disk) or self._standstill(now)

    def _silence(self, now: float, full_disk: Callable[[], str | None]) -> Order | None:
        """Neither a record nor a heartbeat."""
        watch, bounds = self._watch, self._bounds
        silent = now - watch.last_sign
        if self._silent_from is not None and watch.last_sign > self._silent_from:
            gone_by = watch.last_sign - self._silent_from
            self._note("info", "alive", f"the worker gives signs of life again, after {gone_by:.0f} s without")
            self._silent_from = None
        if silent < self._early:
            return None
        state = self._worker.state()
        suspended = state in SUSPENDED
        why = full_disk() or _STATES.get(state, "the worker gives no sign of life")
        # A compile may hold the interpreter for long, heartbeats included. A suspended process compiles nothing.
        if silent >= bounds.hung and (suspended or not watch.compiling):
            return Order(Why.HUNG, f"hung: no record for {bounds.hung:g} s {watch.doing} ({why})")
        if self._silent_from is None and (suspended or silent >= bounds.silent):
            self._silent_from = watch.last_sign
            self._note("warning", "silent", f"no sign of life for {silent:.0f} s {watch.doing} ({why})")
        return None

    def _standstill(self, now: float) -> Order | None:
        """Heartbeats alone, from a run that computes nothing: its main thread waits for what does not come."""
        watch, bounds = self._watch, self._bounds
        if self._stalled_from is not None and watch.last_progress > self._stalled_from:
            self._note("info", "alive", f"the run goes on after {watch.last_progress - self._stalled_from:.0f} s")
            self._stalled_from = None
        since = now - watch.last_progress
        beating = now - watch.last_sign < self._early  # else there is silence, which is another matter
        if since < bounds.hung / 2 or watch.behind is not None or not beating:
            self._looked_at = self._idle_from = None
            return None
        if self._looked_at is None or now - self._looked_at >= bounds.hung / _LOOKS:
            self._look_at_processor(now)
        idle = 0.0 if self._idle_from is None else now - self._idle_from
        # A compile is never ended for that. A slow download spends next to nothing, as a dead one does.
        if (
            since >= bounds.hung
            and idle >= bounds.hung / 2
            and not watch.compiling
            and watch.phase not in (None, "load")
        ):
            return Order(
                Why.HUNG,
                f"hung: nothing but heartbeats for {bounds.hung:g} s {watch.doing} (its processes compute nothing)",
            )
        if self._stalled_from is None and idle >= bounds.hung / 4:
            self._stalled_from = watch.last_progress
            text = f"nothing but heartbeats for {since:.0f} s {watch.doing} (its processes compute nothing)"
            self._note("warning", "stalled", text)
        return None

    def _look_at_processor(self, now: float) -> None:
        cpu = self._worker.cpu_seconds()
        # Less than before: one of them has ended.
        if self._looked_at is None or abs(cpu - self._cpu) >= IDLE_SHARE * (now - self._looked_at):
            self._idle_from = now
        self._looked_at, self._cpu = now, cpu

    def _note(self, level: str, code: str, text: str) -> None:
        self._write(ev.Note(level=level, code=code, text=text))
