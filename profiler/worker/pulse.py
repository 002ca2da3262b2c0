"""The worker's pulse: heartbeats that show it alive, and memory samples while a call runs."""

from __future__ import annotations

import threading

from profiler.events import Heartbeat
from profiler.worker.live import Sink
from profiler.worker.memory import MemoryProbe, resident_bytes
from profiler.worker.where import HERE

HEARTBEAT_SECONDS = 2.0
SAMPLE_SECONDS = 0.5
_SAMPLES_PER_HEARTBEAT = round(HEARTBEAT_SECONDS / SAMPLE_SECONDS)


class Pulse:
    """A daemon thread: a Heartbeat every 2 s and, once it has a ``probe``, a Memory sample every 0.5 s of a call."""

    def __init__(self, sink: Sink) -> None:
        self.probe: MemoryProbe | None = None
        self._sink = sink
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stepscope-pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is written once this has returned."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        beats = 0
        while True:
            if beats % _SAMPLES_PER_HEARTBEAT == 0:
                self._sink(Heartbeat(rss_bytes=resident_bytes()))
            self._sample()
            beats += 1
            if self._stopping.wait(SAMPLE_SECONDS):
                return

    def _sample(self) -> None:
        phase, call = HERE.phase, HERE.call
        if self.probe is not None and phase is not None and call is not None:
            self._sink(self.probe.sample(phase, call))
