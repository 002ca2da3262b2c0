"""The clocks of a run: boundaries are marked in the timed loop and turned into nanoseconds outside it.

``HostClock`` is for a CPU, where a call that returned is done. ``CudaClock`` records CUDA events on the current stream
and never synchronises between ``anchor`` and the end of the call; another thread asks whether an event has completed.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

EVENTS_PER_STEP = 2  # the boundary after scheduler.step, and the denoiser's return
EVENTS_PER_CALL = 16  # the anchor, the loops' first boundaries and the stages
_THREAD_LOCAL = 1  # cudaStreamCaptureModeThreadLocal, in the CUDA runtime's driver_types.h


class Mark(NamedTuple):
    """A boundary: host time in nanoseconds of CLOCK_MONOTONIC and, on CUDA, an event recorded in the stream."""

    host_ns: int
    event: Any = None


class Clock(Protocol):
    def prepare(self, steps: int) -> None:
        """Make ready for a call of about ``steps`` scheduler steps. Outside timed code."""

    def anchor(self) -> None:
        """Tie device time to the log's clock. At a call's start, device idle, outside its loops."""

    def mark(self) -> Mark:
        """Mark a boundary. Inside timed code."""

    def drained(self, mark: Mark) -> bool | None:
        """Whether the device has already reached ``mark``; None where the host is the device. Inside timed code."""

    def complete(self, mark: Mark) -> bool:
        """Whether ``mark`` can be read. Any thread."""

    def at(self, mark: Mark) -> int:
        """When ``mark`` was reached, in nanoseconds on the log's clock. Only once complete."""

    def between(self, start: Mark, end: Mark) -> int:
        """Nanoseconds from ``start`` to ``end``. Only once both are complete."""

    def synchronize(self) -> None:
        """Wait until the device is idle. Outside timed code."""

    def enter_thread(self) -> None:
        """Make this thread fit for ``complete``, ``at`` and ``between``."""


class HostClock:
    """Host time: what a mark says is final at once."""

    def __init__(self, now: Callable[[], int] = time.monotonic_ns) -> None:
        self._now = now

    def prepare(self, steps: int) -> None:
        pass

    def anchor(self) -> None:
        pass

    def mark(self) -> Mark:
        return Mark(self._now())

    def drained(self, mark: Mark) -> bool | None:
        return None

    def complete(self, mark: Mark) -> bool:
        return True

    def at(self, mark: Mark) -> int:
        return mark.host_ns

    def between(self, start: Mark, end: Mark) -> int:
        return end.host_ns - start.host_ns

    def synchronize(self) -> None:
        pass

    def enter_thread(self) -> None:
        pass


class CudaClock:
    """Device time from CUDA events (resolution about 0.5 us), on the stream that is current when a mark is made.

    ``cuda`` is ``torch.cuda``, or a stand-in with Event, current_stream, synchronize and set_device.
    """

    def __init__(self, device: int, cuda: Any = None, now: Callable[[], int] = time.monotonic_ns) -> None:
        if cuda is None:
            import torch

            cuda = torch.cuda
        self._cuda = cuda
        self._device = device
        self._now = now
        self._events: list[Any] = []
        self._used = 0
        self._zero: Any = None
        self._zero_ns = 0

    def prepare(self, steps: int) -> None:
        # All events of the last call have been read by now, so they can be recorded again.
        self._used = 0
        needed = steps * EVENTS_PER_STEP + EVENTS_PER_CALL
        while len(self._events) < needed:
            self._events.append(self._new_event())

    def _new_event(self) -> Any:
        event = self._cuda.Event(enable_timing=True)
        # torch creates the event itself at its first record, which costs more than recording it again.
        event.record(self._cuda.current_stream(self._device))
        return event

    def anchor(self) -> None:
        self.synchronize()
        # The device is idle: it reaches this event as soon as it is recorded.
        self._zero_ns, self._zero = self.mark()

    def mark(self) -> Mark:
        if self._used == len(self._events):
            self._events.append(self._cuda.Event(enable_timing=True))
        event = self._events[self._used]
        self._used += 1
        event.record(self._cuda.current_stream(self._device))
        return Mark(self._now(), event)

    def drained(self, mark: Mark) -> bool | None:
        return bool(mark.event.query())

    def complete(self, mark: Mark) -> bool:
        return bool(mark.event.query())

    def at(self, mark: Mark) -> int:
        return self._zero_ns + _nanoseconds(self._zero.elapsed_time(mark.event))

    def between(self, start: Mark, end: Mark) -> int:
        return _nanoseconds(start.event.elapsed_time(end.event))

    def synchronize(self) -> None:
        self._cuda.synchronize(self._device)

    def enter_thread(self) -> None:
        # A thread begins on device 0, where asking about an event would make a context of several hundred MB.
        self._cuda.set_device(self._device)
        leave_captures_alone(runtime(self._cuda))


def runtime(cuda: Any) -> Any:
    """The CUDA runtime that ``cuda``, torch.cuda or a stand-in, has loaded; None where it hasn't or can't be found."""
    import torch

    if cuda is not torch.cuda or torch.version.cuda is None:
        return None
    try:
        # The one that is there already: another copy would have threads of its own.
        return ctypes.CDLL(f"libcudart.so.{torch.version.cuda.partition('.')[0]}", mode=os.RTLD_NOLOAD)
    except OSError:
        return None


def leave_captures_alone(library: Any) -> bool:
    """Let this thread ask about events while another one captures a CUDA graph; whether ``library`` could do it.

    A capture of the mode "global", torch.cuda.graph's default, forbids every thread to ask, and is spoilt by one that
    does (cudaStreamBeginCapture). A thread of the mode "thread local" has nothing to do with others' captures
    (cudaThreadExchangeStreamCaptureMode). Inductor's captures bother nobody: they are thread-local themselves.
    """
    exchange = getattr(library, "cudaThreadExchangeStreamCaptureMode", None)
    return exchange is not None and exchange(ctypes.byref(ctypes.c_int(_THREAD_LOCAL))) == 0


def _nanoseconds(milliseconds: float) -> int:
    return round(milliseconds * 1e6)
