"""Samples the GPU under measurement, in a thread of the conductor: outside the process that is measured."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from profiler import events as ev
from profiler.conductor import nvml

FAST_SECONDS = 0.1
SLOW_SECONDS = 1.0
REPEAT_SECONDS = 0.5
"""An equal sample is written again after this time: without, silence could mean that all is as before, or a gap."""
_SLOW_ANSWER_SECONDS = 1.0
_NO_ANSWER_SECONDS = 5.0
_INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h
_UNMATCHED = "process ids can't be matched in a container"


class Focus(NamedTuple):
    """What to sample: the device of the run under way, as its worker reports it."""

    leader: int  # the worker's pid, which is the session id of all of its processes
    uuid: str | None
    pci_bus_id: str | None
    period_s: float | None  # None: don't sample now


class GpuSampler:
    """``focus`` says what to look at; the thread writes DeviceSeen, GpuSample and GpuField records."""

    def __init__(
        self,
        write: Callable[[ev.Event], None],
        *,
        load: Callable[[], Any] = nvml.load,
        clock: Callable[[], float] = time.monotonic,
        session_of: Callable[[int], int] = os.getsid,
        host_pids: bool | None = None,
    ) -> None:
        self._write = write
        self._load = load
        self._clock = clock
        self._session_of = session_of
        self._host_pids = _in_initial_pid_namespace() if host_pids is None else host_pids
        self._wake = threading.Condition()
        self._focus: Focus | None = None
        self._closing = False
        self._thread: threading.Thread | None = None
        self._asked_at: float | None = None  # since when NVML has been busy with our question
        self._silence_noted = False
        self._was_slow = False
        self._nvml: Any = None
        self._device: nvml.Device | None = None
        self._watched: tuple[int, str | None, str | None] | None = None
        self._seen: ev.DeviceSeen | None = None
        self._dead = False  # no driver, or the device is lost: nothing is asked any more
        self._reasons: dict[str, str] = {}
        self._last: ev.GpuSample | None = None
        self._last_at = 0.0
        self._own_seen = False
        self._reserve_noted = False

    # --- from the conductor's main thread -----------------------------------------------------------------------------

    @property
    def watching(self) -> bool:
        """Whether there is a device to sample: then the worker's log is worth a closer look."""
        return self._device is not None and not self._dead

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="gpu", daemon=True)
        self._thread.start()

    def focus(self, focus: Focus | None) -> None:
        """Look at ``focus`` from now on. Never waits for NVML; notes it when NVML has not answered for long."""
        asked_at = self._asked_at
        if asked_at is not None and not self._silence_noted and self._clock() - asked_at >= _NO_ANSWER_SECONDS:
            self._silence_noted = True
            self._note("gpu-gap", f"NVML has not answered for {_NO_ANSWER_SECONDS:g} s: no GPU samples meanwhile")
        if focus == self._focus:
            return
        # The thread holds the lock to look at its fields and to write, never while it asks NVML.
        with self._wake:
            self._focus = focus
            self._wake.notify()

    def close(self, timeout_s: float = 2.0) -> None:
        """End the thread; one that is stuck in the driver is left behind and writes nothing more."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self.open()
            due = self._clock()
            while not self._closing:
                focus = self._focus
                period = self.tick(focus)
                # From due time to due time, so that the pace holds; a tick that took longer leaves a gap.
                due = max(due + (period or 0.0), self._clock())
                with self._wake:
                    if self._focus is focus and not self._closing:
                        self._wake.wait(None if period is None else due - self._clock())
                    if self._focus is not focus:
                        due = self._clock()
        except Exception as error:
            traceback.print_exc()
            self._die(f"the GPU sampler failed: {nvml.describe(error)}")

    def open(self) -> None:
        """Load NVML, or record why there are no samples."""
        try:
            # Waking a driver that nothing uses takes seconds, and nobody misses a sample then.
            self._nvml = self._asking(self._load, note_slow=False)
        except nvml.NvmlUnavailable as error:
            self._die(str(error))

    def tick(self, focus: Focus | None) -> float | None:
        """Sample once if it is time to; seconds until the next sample, None: not before the focus changes."""
        if self._dead or focus is None:
            return None
        try:
            if not self._attach(focus) or focus.period_s is None:
                return None
            self._asking(lambda: self._sample(focus.leader))
        except nvml.DeviceLost as error:
            self._die(str(error))
            return None
        return focus.period_s

    def _attach(self, focus: Focus) -> bool:
        """Have the device of ``focus``; False if NVML doesn't know it. A new run asks anew."""
        watched = (focus.leader, focus.uuid, focus.pci_bus_id)
        if watched != self._watched:
            self._watched, self._device, self._last, self._own_seen = watched, None, None, False
            try:
                device = self._asking(lambda: nvml.Device(self._nvml, focus.uuid, focus.pci_bus_id))
            except nvml.DeviceUnknown as error:
                self._say(ev.DeviceSeen(uuid=focus.uuid, reason=str(error)))
                return False
            self._device = device
            self._say(
                ev.DeviceSeen(
                    uuid=device.uuid,
                    name=device.name,
                    total_bytes=device.total_bytes,
                    driver=device.driver,
                    max_sm_mhz=device.max_sm_mhz,
                    supported_reasons=device.supported_reasons,
                )
            )
        return self._device is not None

    def _sample(self, leader: int) -> None:
        assert self._device is not None
        readings = self._device.read()
        self._add_processes(readings, leader)
        self._report_fields(readings.reasons)
        sample = ev.GpuSample(**readings.values)
        now = self._clock()
        if sample != self._last or now - self._last_at >= REPEAT_SECONDS:
            self._last, self._last_at = msgspec.structs.replace(sample), now  # the log fills seq and t in
            self._put(sample)

    def _add_processes(self, readings: nvml.Readings, leader: int) -> None:
        assert self._device is not None
        try:
            processes = self._device.processes()
        except nvml.NvmlUnavailable as error:
            readings.reasons.update(process_bytes=str(error), others=str(error))
            return
        own = [process for process in processes if self._is_own(process.pid, leader)]
        self._own_seen |= bool(own)
        if not (self._host_pids or self._own_seen):
            # The driver gives the host's numbers, which mean nothing, or something else, in a container.
            readings.reasons.update(process_bytes=_UNMATCHED, others=_UNMATCHED)
            return
        mine = {process.pid for process in own}
        others = {process.pid for process in processes} - mine
        readings.values["others"] = len(others)
        # Nothing is asked while nobody else is there: it is one more question to the driver, ten times a second.
        computing = self._device.computing() if others else None
        if computing is not None:
            readings.values["others_busy"] = len(computing & others)
        sizes = [process.bytes for process in own if process.bytes is not None]
        if own and len(sizes) == len(own):
            readings.values["process_bytes"] = sum(sizes)
        else:
            readings.reasons["process_bytes"] = (
                "the driver gives no memory by process" if own else "no process of the run is on the device"
            )

    def _is_own(self, pid: int, leader: int) -> bool:
        try:
            return self._session_of(pid) == leader
        except OSError:
            return False

    def _report_fields(self, reasons: dict[str, str]) -> None:
        for field in sorted(reasons.keys() | self._reasons.keys()):
            if reasons.get(field) != self._reasons.get(field):
                self._put(ev.GpuField(field=field, reason=reasons.get(field)))
        self._reasons = reasons
        if self._device is not None and self._device.used_includes_reserved and not self._reserve_noted:
            self._reserve_noted = True
            self._note("nvml-memory", "this driver counts what it reserves itself as used device memory")

    def _asking(self, question: Callable[[], Any], *, note_slow: bool = True) -> Any:
        """Ask NVML, and make it visible when the answer was long in coming."""
        started = self._asked_at = self._clock()
        try:
            return question()
        finally:
            self._asked_at, self._silence_noted = None, False
            took = self._clock() - started
            if note_slow and took >= _SLOW_ANSWER_SECONDS and not self._was_slow:
                self._note("gpu-gap", f"NVML took {took:.1f} s to answer: no GPU samples meanwhile")
            self._was_slow = took >= _SLOW_ANSWER_SECONDS

    def _die(self, reason: str) -> None:
        self._dead = True
        known = self._seen or ev.DeviceSeen()
        self._say(msgspec.structs.replace(known, reason=reason))

    def _say(self, seen: ev.DeviceSeen) -> None:
        """Write ``seen`` unless it was said already."""
        if seen == self._seen:
            return
        self._seen = msgspec.structs.replace(seen)
        self._put(seen)

    def _note(self, code: str, text: str) -> None:
        self._put(ev.Note(level="warning", code=code, text=text))

    def _put(self, event: ev.Event) -> None:
        """Write ``event``; nothing once ``close`` has said so: the log may be closed by then."""
        with self._wake:
            if not self._closing:
                self._write(event)


class NoSampler:
    """Stands in where there is no GPU under measurement."""

    watching = False

    def __init__(self, write: Callable[[ev.Event], None]) -> None:
        self._write = write

    def start(self) -> None:
        """Record why there are no samples."""
        self._write(ev.DeviceSeen(reason="the runs are on the CPU"))

    def focus(self, focus: Focus | None) -> None:
        """Nothing to look at."""

    def close(self, timeout_s: float = 0.0) -> None:
        """Nothing to end."""


def _in_initial_pid_namespace() -> bool:
    try:
        return os.readlink("/proc/self/ns/pid") == _INITIAL_PID_NAMESPACE
    except OSError:
        return False
