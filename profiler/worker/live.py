"""From marks to events: what the measuring thread recorded is written by another thread, as soon as it is complete."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from profiler.events import Event, LoopEnded, LoopStarted, Stage, Step
from profiler.worker.clock import Clock, Mark

Sink = Callable[[Event], None]
INTERVAL_S = 0.05


class Record(Protocol):
    """Something recorded in timed code, in the order in which the device reaches it."""

    @property
    def end(self) -> Mark: ...

    def event(self, clock: Clock) -> Event: ...


class LoopTime:
    """Where a loop's steps stand on the log's clock. Kept by the thread that writes, never in timed code.

    A step begins where the one before it ended, and the loop is the sum: rounding can't open gaps.
    """

    def __init__(self) -> None:
        self.next_ns = 0
        self.total_ns = 0


class LoopOpened(NamedTuple):
    call: int
    loop: int
    name: str
    denoisers: list[str]
    iterations: int | None
    time: LoopTime
    end: Mark  # the first boundary

    def event(self, clock: Clock) -> Event:
        self.time.next_ns = clock.at(self.end)
        return LoopStarted(
            call=self.call,
            loop=self.loop,
            name=self.name,
            denoisers=self.denoisers,
            iterations=self.iterations,
            start_ns=self.time.next_ns,
        )


class StepTaken(NamedTuple):
    call: int
    loop: int
    step: int
    time: LoopTime
    start: Mark
    end: Mark
    enqueue_ns: int
    scheduler_ns: int
    host_bound: bool | None
    graphs: int | None

    def event(self, clock: Clock) -> Event:
        ns = clock.between(self.start, self.end)
        start_ns = self.time.next_ns
        self.time.next_ns += ns
        self.time.total_ns += ns
        return Step(
            call=self.call,
            loop=self.loop,
            step=self.step,
            start_ns=start_ns,
            ns=ns,
            host_ns=self.end.host_ns - self.start.host_ns,
            enqueue_ns=self.enqueue_ns,
            scheduler_ns=self.scheduler_ns,
            host_bound=self.host_bound,
            graphs=self.graphs,
        )


class LoopClosed(NamedTuple):
    call: int
    loop: int
    evaluations: int
    iterations: int
    time: LoopTime
    end: Mark  # the last boundary

    def event(self, clock: Clock) -> Event:
        return LoopEnded(
            call=self.call,
            loop=self.loop,
            ns=self.time.total_ns,
            evaluations=self.evaluations,
            iterations=self.iterations,
        )


class StageTaken(NamedTuple):
    call: int
    name: str
    start: Mark
    end: Mark

    def event(self, clock: Clock) -> Event:
        return Stage(
            call=self.call, name=self.name, start_ns=clock.at(self.start), ns=clock.between(self.start, self.end)
        )


class LiveWriter:
    """Turns records into events and passes them to ``sink``, in order, each once its last mark is complete.

    ``put`` is all that timed code calls. ``start`` runs the thread, which looks every 50 ms; without it everything is
    written by ``flush``. A failure of the clock or the sink in the thread is raised by the next ``flush``.
    """

    def __init__(self, clock: Clock, sink: Sink, interval_s: float = INTERVAL_S) -> None:
        self._clock = clock
        self._sink = sink
        self._interval_s = interval_s
        self._records: deque[Record] = deque()
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self.put = self._records.append

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="stepscope-live", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread. What isn't complete stays unwritten."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def flush(self) -> None:
        """Write everything that is complete; after a synchronisation that is everything. Raises what failed."""
        if self._failure is not None:
            raise self._failure
        self._write_complete()

    def forget(self) -> None:
        """Drop what isn't written: the call that recorded it has failed."""
        with self._mutex:
            self._records.clear()

    def _run(self) -> None:
        self._clock.enter_thread()
        while not self._stopping.wait(self._interval_s):
            try:
                self._write_complete()
            except Exception as error:
                # Mostly a CUDA error, which the measuring thread meets as well; flush() raises it if not.
                self._failure = error
                return

    def _write_complete(self) -> None:
        with self._mutex:
            while self._records and self._clock.complete(self._records[0].end):
                self._sink(self._records.popleft().event(self._clock))
