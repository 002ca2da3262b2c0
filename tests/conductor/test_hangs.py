"""Workers that give no sign of life, or none but heartbeats: what is said of them, and when they are ended."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from profiler import events as ev
from profiler.conductor.ending import Order, Why
from profiler.conductor.vigil import Bounds, Vigil
from profiler.conductor.watch import RunWatch
from profiler.eventlog import EventLog
from profiler.follow import Follower
from profiler.sessions import Liveness
from profiler.vitals import WELL, vitals
from tests.conductor.support import Clock, begin, conduct, endings, eventually, finish, in_session, make
from tests.conductor.test_real_processes import running

CALL = (ev.PhaseStarted(phase="measure"), ev.CallStarted(call=3, phase="measure"))
LOADING = (ev.PhaseStarted(phase="load"),)
COMPILE = (ev.PhaseStarted(phase="compile"), ev.CompileStarted(id="0/0"))


class Watched:
    """A worker that is an invention, a real log, and a clock that is turned by hand."""

    def __init__(self, folder: Path, *events: ev.Event) -> None:
        self.clock = Clock()
        self.log = EventLog(folder / "events.jsonl")
        self.watch = RunWatch(folder / "events.jsonl", self.clock.now)
        self.said: list[ev.Event] = []
        self.vigil = Vigil(self, self.watch, self.said.append, Bounds(hung=600.0, silent=30.0))
        self.status = "sleeping"
        self.cpu = 0.0
        self.tell(*events)

    def state(self) -> str:
        return self.status

    def cpu_seconds(self) -> float:
        return self.cpu

    def tell(self, *events: ev.Event) -> None:
        for event in events:
            self.log.write(event)

    def pass_by(self, seconds: int, beats: bool = False, computes: float = 0.0) -> Order | None:
        """``beats``: with a heartbeat a second. ``computes``: that share of a core is busy."""
        for _ in range(seconds):
            self.clock.now += 1.0
            self.cpu += computes
            if beats:
                self.tell(ev.Heartbeat(rss_bytes=1))
            self.watch.read(self.clock.now)
            order = self.vigil.look(self.clock.now, lambda: None)
            if order is not None:
                return order
        return None

    @property
    def notes(self) -> list[tuple[str, str]]:
        return [(event.code, event.text) for event in self.said if isinstance(event, ev.Note)]


def test_silence_is_noted_once_and_its_end_too(tmp_path: Path) -> None:
    run = Watched(tmp_path, *LOADING)
    run.status = "running"
    run.pass_by(30)
    assert run.notes == []
    run.pass_by(200)
    assert run.notes == [("silent", "no sign of life for 30 s while loading (the worker computes)")]
    run.tell(ev.Heartbeat(rss_bytes=1))
    run.pass_by(25)
    assert run.notes[1:] == [("alive", "the worker gives signs of life again, after 230 s without")]


@pytest.mark.parametrize(("events", "where"), [(CALL, "in call 3 (measure)"), (COMPILE, "while compiling")])
def test_a_suspended_worker_is_noted_at_once_and_hung_later(
    tmp_path: Path, events: tuple[ev.Event, ...], where: str
) -> None:
    """In a compile too: a process that is suspended compiles nothing."""
    run = Watched(tmp_path, *events)
    run.status = "stopped"
    run.pass_by(6)
    assert run.notes == [("silent", f"no sign of life for 5 s {where} (the worker is suspended (SIGSTOP))")]
    assert run.pass_by(590) is None
    order = run.pass_by(10)
    assert order == Order(Why.HUNG, f"hung: no record for 600 s {where} (the worker is suspended (SIGSTOP))")


def test_a_silent_compile_is_noted_and_never_ended(tmp_path: Path) -> None:
    run = Watched(tmp_path, *COMPILE)
    assert run.pass_by(7200) is None
    assert run.notes == [("silent", "no sign of life for 30 s while compiling (the worker sleeps)")]


def test_heartbeats_alone_of_a_run_that_computes_nothing_are_a_hang(tmp_path: Path) -> None:
    run = Watched(tmp_path, *CALL)
    order = run.pass_by(700, beats=True, computes=0.002)
    text = "nothing but heartbeats for {} s in call 3 (measure) (its processes compute nothing)"
    assert run.notes == [("stalled", text.format(450))]
    assert order == Order(Why.HUNG, f"hung: {text.format(600)}")


def test_a_long_step_is_no_hang(tmp_path: Path) -> None:
    run = Watched(tmp_path, *CALL)
    assert run.pass_by(7200, beats=True, computes=1.0) is None
    assert run.notes == []
    # It goes on after a while of nothing.
    run.pass_by(400, beats=True)
    run.tell(ev.CallEnded(call=3))
    run.pass_by(5, beats=True)
    assert [code for code, _ in run.notes] == ["stalled", "alive"]


@pytest.mark.parametrize(
    ("events", "noted"), [(COMPILE, True), (LOADING, True), ((ev.Waiting(behind="another"),), False)]
)
def test_a_compile_a_download_and_a_queue_may_stand_still(
    tmp_path: Path, events: tuple[ev.Event, ...], noted: bool
) -> None:
    run = Watched(tmp_path, *events)
    assert run.pass_by(7200, beats=True) is None
    assert [code for code, _ in run.notes] == ["stalled"] * noted


def test_a_worker_that_holds_the_interpreter_is_ended_in_bounded_time(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    begun = time.monotonic()
    events = conduct(folder, "deaf,ok", limits="6 30 0.3 3")
    first, second = endings(events)
    assert (first.outcome, first.signal) == ("failed", signal.SIGKILL)
    assert first.reason == ("hung: no record for 6 s in call 0 (measure) (the worker sleeps) (it had to be killed)")
    said = [event.text for event in events if isinstance(event, ev.Note)]
    assert said == ["no sign of life for 3 s in call 0 (measure) (the worker sleeps)"]
    assert second.outcome == "ok"
    assert time.monotonic() - begun < 120


def test_a_worker_that_hangs_and_beats(own_home: Path) -> None:
    events = conduct(make(own_home, runs=2), "hangs-and-beats,ok", limits="6 30 1 3")
    first, second = endings(events)
    assert first.reason == "hung: nothing but heartbeats for 6 s in call 0 (measure) (its processes compute nothing)"
    assert (first.outcome, second.outcome) == ("failed", "ok")


def test_what_a_viewer_is_told_of_a_worker_that_is_suspended(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    worker = running(folder)
    viewer = Follower(folder)

    def look(later_s: float) -> object:
        state = viewer.read_all()
        return vitals(state, viewer.liveness, state.runs["001-case-r1"].last_t + int(later_s * 1e9), folder.path)

    assert look(9.0) == WELL
    os.kill(worker, signal.SIGSTOP)
    eventually(lambda: look(42.0).worker == "stopped", "the worker's suspension")  # type: ignore[attr-defined]
    assert look(42.0) == WELL._replace(run="001-case-r1", silent_s=42.0, phase="measure", worker="stopped")
    assert look(9.0) == WELL
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: look(9.0).profiler == "stopped", "the profiler's suspension")  # type: ignore[attr-defined]
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGTERM)
    finish(folder, pid)
    assert viewer.read_all().over
    assert look(9.0) == look(42.0) == WELL
    assert viewer.liveness is Liveness.GONE
    assert in_session(worker) == []
