"""A stand-in for ``torch.cuda`` with one stream, in a time that passes only when the host or the device works.

As the documents have it: launches are asynchronous until ``DEPTH`` of them are pending, then the host waits for room;
an event is complete once the device has got there; ``elapsed_time`` of an event that isn't raises; in the
synchronisation debug mode "error" what waits for a stream raises, and ``synchronize`` doesn't.
"""

from __future__ import annotations

from collections import deque
from typing import Any

US = 1_000
MS = 1_000_000
DEPTH = 1024  # launches that are pending when the next one blocks: what is commonly seen, CUDA documents no number


class Time:
    """Nanoseconds of the host's clock."""

    def __init__(self, ns: int = 5_000 * MS) -> None:
        self.ns = ns

    def __call__(self) -> int:
        return self.ns


class FakeCuda:
    """``drift``: how much faster the device's own clock runs than the host's, as a share."""

    def __init__(self, host: Time, drift: float = 0.0) -> None:
        self.host = host
        self.waits = 0  # how often the host waited for the device, other than for room
        self._ends: deque[int] = deque()  # when what is pending will be done
        self._free_ns = 0
        self._mode = "default"
        fake = self

        class Event:
            def __init__(self, enable_timing: bool = False) -> None:
                self._timed = enable_timing
                self._at: int | None = None

            def record(self, stream: object = None) -> None:
                self._at = max(fake._free_ns, host.ns)

            def query(self) -> bool:
                return self._at is not None and self._at <= host.ns

            def synchronize(self) -> None:
                fake._wait(self._at or 0)

            def elapsed_time(self, end: Event) -> float:
                if not (self._timed and end._timed):
                    raise ValueError("both events must be made with enable_timing=True")
                if not (self.query() and end.query()):
                    raise RuntimeError("CUDA error: device not ready")
                assert self._at is not None
                assert end._at is not None
                return (end._at - self._at) * (1 + drift) / MS

        self.Event = Event

    def launch(self, host_ns: int, device_ns: int) -> None:
        """The host takes ``host_ns`` to queue a kernel of ``device_ns``."""
        self.host.ns += host_ns
        while self._ends and self._ends[0] <= self.host.ns:
            self._ends.popleft()
        if len(self._ends) == DEPTH:
            self.host.ns = self._ends.popleft()
        self._free_ns = max(self._free_ns, self.host.ns) + device_ns
        self._ends.append(self._free_ns)

    def item(self) -> None:
        """Read a tensor on the host: what ``.item()`` does."""
        if self._mode == "error":
            raise RuntimeError("called a synchronizing CUDA operation")
        self._wait(self._free_ns)

    def synchronize(self, device: int | None = None) -> None:
        self._wait(self._free_ns)

    def set_sync_debug_mode(self, mode: Any) -> None:
        self._mode = {0: "default", 1: "warn", 2: "error"}.get(mode, mode)

    def get_sync_debug_mode(self) -> int:
        return ["default", "warn", "error"].index(self._mode)

    def current_stream(self, device: int | None = None) -> str:
        return "stream"

    def set_device(self, device: int) -> None:
        """There is one."""

    def _wait(self, until_ns: int) -> None:
        self.waits += 1
        self.host.ns = max(self.host.ns, until_ns)
