"""A day of a session in fast-forward: its worker, its sampler and who looks on, all on a clock that is turned by hand.

Every part is the real one: the logs are written through ``EventLog`` and read by the conductor's ``RunWatch``, by the
source of the Live screen and by that of the list of sessions. Only the GPU's driver is a fake, and the worker's calls
are made up (``tests.support.story``).
"""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.conductor.gpu import FAST_SECONDS, Focus, GpuSampler
from profiler.conductor.watch import RunWatch
from profiler.eventlog import EventLog
from tests.conductor.fake_nvml import UUID, FakeNvml
from tests.support.recorded import make_folder, request
from tests.support.story import MS, SECOND, Record, Story
from tui.feed import LiveSource
from tui.listing import ListingSource

STEP_NS = 500 * MS
"""A big model's step: 172 800 in a day."""

WATCH_S, HEARTBEAT_S = 0.25, 2.0


class Day:
    """A session of runs of an hour each. ``pass_time`` plays it on; ``close`` lets go of everything."""

    def __init__(self, home: Path, *, hours: int, run_s: float = 3600.0, look_s: float = 2.0) -> None:
        """``look_s``: how often the sources of the screens have a turn. What they do takes no time of the day."""
        self._asked = request(steps=50, calls=1_000, warmup=0, variants=["no-compile"], repeats=hours)
        self._run_ns, self._look_ns = int(run_s * SECOND), int(look_s * SECOND)
        self.now_ns = 1_000 * SECOND
        self.calls = self.samples = self.pictures = self.listings = 0
        self.folder = make_folder(self._asked, home, "long-sd15-txt2img", here=True)
        self._conductor = EventLog(self.folder.conductor_log, clock=lambda: self.now_ns)
        self._begin()
        self._nvml = FakeNvml()
        self._sampler = GpuSampler(
            self._sampled, load=lambda: self._nvml, clock=self.clock, session_of=lambda pid: pid, host_pids=True
        )
        self._sampler.open()
        self._runs = deque(self._asked.runs)
        self._worker: EventLog | None = None
        self._next_run()
        self.live = LiveSource(self.folder, clock=self.clock, now_ns=lambda: self.now_ns)
        self.list = ListingSource(home, clock=self.clock, now_ns=lambda: self.now_ns)
        self._watched_ns = self._looked_ns = self.now_ns

    def clock(self) -> float:
        """Seconds."""
        return self.now_ns / SECOND

    def close(self) -> None:
        self._end_run()
        self._sampler.close()
        self._conductor.close()

    def pass_time(self, seconds: float) -> None:
        """Let so much of the day pass, in the pace of the sampler's ticks."""
        end_ns = self.now_ns + int(seconds * SECOND)
        while self.now_ns < end_ns:
            self.now_ns += int(FAST_SECONDS * SECOND)
            if self.now_ns >= self._run_began_ns + self._run_ns and self._runs:
                self._end_run()
                self._next_run()
            self._work()
            self._nvml.energy += 1  # no two samples are alike, so every one of them is written
            self._sampler.focus(self._focus)
            self._sampler.tick(self._focus)
            self._nvml.calls.clear()
            if self.now_ns - self._watched_ns >= WATCH_S * SECOND:
                self._watched_ns = self.now_ns
                self._watch.read(self.clock())
            if self.now_ns - self._looked_ns >= self._look_ns:
                self._look()

    def stand_still(self, seconds: float) -> None:
        """Let time pass in which the worker lives and says nothing else, and nothing is sampled: a long compile."""
        assert self._worker is not None
        for _ in range(int(seconds / HEARTBEAT_S)):
            self.now_ns += int(HEARTBEAT_S * SECOND)
            self._worker.write(ev.Heartbeat(t=self.now_ns, rss_bytes=1 << 30))
            self._watch.read(self.clock())
            self._look()
        self._story.now = self.now_ns

    @property
    def kept(self) -> int:
        """Bytes of the columns in which the Live screen's fold keeps steps, memory and samples."""
        columns = [self.state.gpu, *(each for run in self.state.runs.values() for each in (run.steps, run.memory))]
        return 8 * sum(len(each) * each.width for each in columns)

    @property
    def state(self) -> SessionState:
        """What the Live screen has folded."""
        with self.live.reading as reading:
            return reading.state

    def _look(self) -> None:
        self._looked_ns = self.now_ns
        self.pictures += self.live.turn().picture is not None
        self.listings += self.list.turn().picture is not None

    def _begin(self) -> None:
        manifest = self.folder.manifest()
        header = ev.Header(writer="conductor", session=self.folder.id, host=manifest.host, boot_id=manifest.boot_id)
        header.wall_ns = time.time_ns()
        self._conductor.write(header)
        self._conductor.write(ev.SessionChanged(state="running"))
        for run in self._asked.runs:
            self._conductor.write(ev.RunChanged(run=run.name, state="queued"))

    def _next_run(self) -> None:
        run = self._runs.popleft()
        self._conductor.write(ev.RunChanged(run=run.name, state="running"))
        self.folder.run(run.name).mkdir(mode=0o700)
        self._worker = EventLog(self.folder.run_log(run.name))
        self._run_began_ns = self.now_ns
        self._story = Story(self._asked, run, self.folder.id, self.now_ns, STEP_NS)
        self._story.opening()
        self._story.load()
        self._story.tell(ev.PhaseStarted(phase="measure", calls=self._story.workload.calls))
        self._due = self._taken()
        self._watch = RunWatch(self.folder.run_log(run.name), self.clock())
        self._focus = Focus(10_000 + run.repeat, UUID, None, FAST_SECONDS)

    def _end_run(self) -> None:
        assert self._worker is not None
        self._worker.write(ev.RunEnded(t=self.now_ns, outcome="ok"))
        self._worker.close()
        self._conductor.write(ev.RunChanged(run=self._story.run.name, state="ended", outcome="ok", exit_code=0))

    def _work(self) -> None:
        """Write what the worker has done until now."""
        assert self._worker is not None
        while not self._due:
            self._story.call("measure")
            self._due = self._taken()
            self.calls += 1
        while self._due and self._due[0].event.t <= self.now_ns:
            self._worker.write(self._due.popleft().event)

    def _taken(self) -> deque[Record]:
        records = deque(self._story.records)
        self._story.records.clear()
        return records

    def _sampled(self, event: ev.Event) -> None:
        self.samples += type(event) is ev.GpuSample
        self._conductor.write(event)
