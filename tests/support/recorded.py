"""Recorded sessions for tests and benches: written through the real log, deterministic, at once or at their own pace.

* ``finished()``: three cases, done; what replay, ``show`` and golden screens read.
* ``live()``: one of three cases under way; a ``Feeder`` plays its last part at real pace or as far as it is told.
* ``million()``: a session of a million events, for the cost of loading (in ``tests.support.million``).

``finished().write(home)`` makes the session under ``home``/sessions and returns its folder.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.fold import SessionFold
from profiler.analysis.state import SessionState
from profiler.eventlog import EventLog
from profiler.request import Leg, Options, Request, resolve
from profiler.sessions import Manifest, SessionFolder, boot_id, host_name, write_atomically
from tests.support.story import BOOT, HOST, MS, NO_SUCH_PID, PACE, SECOND, UUID, RecompileAt, Record, Story, gpu_samples

BASE_NS = 1_000 * SECOND
WALL_NS = 1_767_225_600 * SECOND  # 2026-01-01 00:00 UTC
TICK_S = 0.05  # how often a real worker writes what is complete


@dataclass(frozen=True)
class Recording:
    """The records of a session in order of time. ``live_ns``: what comes before it is history to a live viewer."""

    session: str
    request: Request
    records: Sequence[Record]
    live_ns: int

    @property
    def end_ns(self) -> int:
        return self.records[-1].event.t

    def write(self, home: Path, *, until_ns: int | None = None, here: bool = False) -> SessionFolder:
        """Write the records up to ``until_ns`` (None: all) as a session folder.

        ``here`` makes it a session of this host and boot, so that one without a conductor counts as dead; without it
        the session is a copied one, whose state is the last one logged.
        """
        with Feeder(self, home, here=here) as feeder:
            feeder.feed(self.end_ns if until_ns is None else until_ns)
        return feeder.folder

    def folded(self, until_ns: int | None = None) -> SessionState:
        """The state after the records up to ``until_ns`` (None: all), without a folder."""
        fold = SessionFold(self.session, self.request)
        for record in self.records:
            if until_ns is None or record.event.t <= until_ns:
                if record.run is None:
                    fold.conductor([record.event])
                else:
                    fold.run(record.run, [record.event])
        return fold.state


class Feeder:
    """Appends a recording's records to the logs, which it holds open and locked like a live conductor and worker."""

    def __init__(self, recording: Recording, home: Path, *, here: bool = True) -> None:
        self.recording = recording
        self.folder = make_folder(recording.request, home, recording.session, here=here)
        self._logs: dict[str | None, EventLog] = {}
        self._next = 0
        self._shift_ns = 0
        self.written: Callable[[ev.Event], None] | None = None  # told of every event that was appended

    def __enter__(self) -> Feeder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for log in self._logs.values():
            log.close()
        self._logs.clear()

    def feed(self, until_ns: int) -> int:
        """Append every record up to ``until_ns`` of the recording's clock; returns how many."""
        first, records = self._next, self.recording.records
        while self._next < len(records) and records[self._next].event.t <= until_ns:
            record = records[self._next]
            event = shifted(record.event, self._shift_ns)
            self._log(record.run).write(event)
            if self.written is not None:
                self.written(event)
            self._next += 1
        return self._next - first

    def feed_history(self) -> int:
        """Append what lies before the live part, with its times shifted so that the live part begins now."""
        self._shift_ns = time.monotonic_ns() - self.recording.live_ns
        return self.feed(self.recording.live_ns)

    def resume(self) -> None:
        """Let the records that are left follow on from now, whatever time has passed since the last one."""
        left = self.recording.records[self._next : self._next + 1]
        if left:
            self._shift_ns = time.monotonic_ns() - left[0].event.t

    def play(self, seconds: float, stopping: threading.Event | None = None) -> int:
        """Append the live part at its real pace for ``seconds``."""
        stopping = stopping or threading.Event()
        fed = 0
        start = time.monotonic_ns()
        end = start + int(seconds * SECOND)
        while (now := time.monotonic_ns()) < end:
            fed += self.feed(now - self._shift_ns)
            if stopping.wait(TICK_S):
                break
        return fed

    def _log(self, run: str | None) -> EventLog:
        log = self._logs.get(run)
        if log is None:
            path = self.folder.conductor_log
            if run is not None:
                self.folder.run(run).mkdir(mode=0o700, exist_ok=True)
                path = self.folder.run_log(run)
            log = self._logs[run] = EventLog(path)
        return log


def shifted(event: ev.Event, by_ns: int) -> ev.Event:
    """A copy of ``event`` with every point in time moved by ``by_ns``."""
    changes: dict[str, int] = {"t": event.t + by_ns}
    if getattr(event, "start_ns", 0):
        changes["start_ns"] = event.start_ns + by_ns
    return msgspec.structs.replace(event, **changes)


def make_folder(request: Request, home: Path, session: str, *, here: bool) -> SessionFolder:
    """An empty session folder called ``session``, with the modes that the real ones have."""
    sessions = home / "sessions"
    sessions.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = SessionFolder(sessions / session)
    for path in (folder.path, folder.control, folder.runs):
        path.mkdir(mode=0o700)
    manifest = Manifest(
        session=session,
        created_wall_ns=time.time_ns() if here else WALL_NS,
        stepscope="0.1.0",
        host=host_name() if here else HOST,
        boot_id=boot_id() if here else BOOT,
        request=request,
    )
    write_atomically(folder.manifest_file, msgspec.json.encode(manifest))
    return folder


def request(*, device: str = "cuda:0", **options: object) -> Request:
    """Three variants of the tiny pipeline, one repeat, 5 calls of 20 steps, unless ``options`` say otherwise."""
    given = {"pipeline": "sd15-txt2img", "size": "tiny", "steps": 20, "calls": 5, "repeats": 1} | options
    return resolve(msgspec.convert(given, Options), device)


def with_legs(asked: Request, *names: str) -> Request:
    """``asked`` with a scenario whose legs are called so."""
    legs = tuple(Leg(name=name) for name in names)
    return replace(
        asked,
        cases=[replace(case, workload=replace(case.workload, scenario="custom", legs=legs)) for case in asked.cases],
    )


def finished(
    *,
    seed: int = 1,
    device: str = "cuda:0",
    session: str = "done-sd15-txt2img",
    legs: Sequence[str] = (),
    **options: object,
) -> Recording:
    """A session that is done: every run ok, two recompiles in regional-compile's first call, more in new ``legs``."""
    asked = request(device=device, **options)
    if legs:
        asked = with_legs(asked, *legs)
    start = BASE_NS + 200 * MS
    stories: list[Story] = []
    for run in asked.runs:
        story = Story(asked, run, session, start, 50 * MS, seed, wall_offset_ns=WALL_NS - BASE_NS)
        story.whole()
        stories.append(story)
        start = story.now + 300 * MS
    records = merged(conducted(asked, session, stories), stories, seed)
    return Recording(session, asked, records, records[-1].event.t)


def live(
    *,
    steps_per_second: float = 20,
    seconds: float = 60,
    seed: int = 1,
    device: str = "cuda:0",
    session: str = "live-sd15-txt2img",
    recompiles: bool = True,
) -> Recording:
    """Two cases done, the third under way: ``seconds`` of live part at ``steps_per_second``.

    Calls have 51 steps. ``recompiles``: two, after a third and after two thirds of the live part.
    """
    evaluations = 51
    calls = max(2, round(seconds * steps_per_second / evaluations) + 2)
    asked = request(device=device, steps=evaluations - 1, calls=calls)
    # Text encoding and decoding take their share of the call, and the case under way is the faster one.
    step_ns = int(SECOND / steps_per_second / PACE["regional-compile"] * 0.945)
    start = BASE_NS + 200 * MS
    stories: list[Story] = []
    for run in asked.runs[:-1]:
        story = Story(asked, run, session, start, step_ns, seed, wall_offset_ns=WALL_NS - BASE_NS)
        story.whole()
        stories.append(story)
        start = story.now + 300 * MS
    last = Story(asked, asked.runs[-1], session, start, step_ns, seed, wall_offset_ns=WALL_NS - BASE_NS)
    stories.append(last)
    last.opening()
    last.load()
    last.phase("compile", 1)
    last.phase("warmup", 1)
    live_ns = last.now
    last.recompiles = [
        RecompileAt(live_ns + int(seconds * SECOND * share), size)
        for share, size in ((1 / 3, (0, 2, 1)), (2 / 3, (0, 1, 2)))
        if recompiles
    ]
    last.phase("measure", calls)
    records = merged(conducted(asked, session, stories, done=False), stories, seed)
    return Recording(session, asked, [r for r in records if r.event.t <= live_ns + seconds * SECOND], live_ns)


def conducted(asked: Request, session: str, stories: Iterable[Story], *, done: bool = True) -> list[Record]:
    """What the conductor logs about ``stories``, GPU samples left out. Not ``done``: the last run goes on."""
    stories = list(stories)
    begin = stories[0].start_ns - 200 * MS
    told: list[ev.Event] = [
        ev.Header(
            t=begin,
            writer="conductor",
            session=session,
            stepscope="0.1.0",
            host=HOST,
            boot_id=BOOT,
            pid=NO_SUCH_PID,
            wall_ns=WALL_NS,
        ),
        ev.SessionChanged(t=begin, state="running"),
        *(ev.RunChanged(t=begin, run=run.name, state="queued") for run in asked.runs),
    ]
    for number, story in enumerate(stories):
        told.append(ev.RunChanged(t=story.start_ns, run=story.run.name, state="running", pid=NO_SUCH_PID))
        if number == 0 and story.cuda:
            name, total = "NVIDIA Recorded 24 GB", 24 << 30
            seen = ev.DeviceSeen(t=story.start_ns + 2 * SECOND, uuid=UUID, name=name, total_bytes=total, driver="590.1")
            told.append(seen)
        if done or story is not stories[-1]:
            end = story.now + 100 * MS
            told.append(ev.RunChanged(t=end, run=story.run.name, state="ended", outcome="ok", exit_code=0))
    if done:
        told.append(ev.SessionChanged(t=stories[-1].now + 150 * MS, state="done"))
    return [Record(None, event) for event in told]


def merged(conductor: list[Record], stories: list[Story], seed: int) -> list[Record]:
    """All logs in order of time; each log keeps its own order (the sort is stable)."""
    records = list(conductor)
    for story in stories:
        records += story.records
    if stories[0].cuda:
        records += gpu_samples(stories, stories[0].start_ns + 2 * SECOND + 1, stories[-1].now, seed)
    records.sort(key=lambda record: record.event.t)
    assert all(a.event.t <= b.event.t for a, b in pairwise(records))
    return records
