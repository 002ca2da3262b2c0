"""Supervision with an invented worker and a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from profiler import events as ev
from profiler.conductor.ending import Ending, Order, Why
from profiler.conductor.gpu import FAST_SECONDS, SLOW_SECONDS, Focus
from profiler.conductor.hostmemory import OomKills
from profiler.conductor.processes import Ended, Survivor
from profiler.conductor.supervise import Supervisor
from profiler.conductor.watch import RunWatch
from profiler.eventlog import EventLog
from tests.conductor.support import Clock

Scene = Callable[[], None]


class FakeWorker:
    """Plays ``scenes`` one a second, then ends with ``code``; None: it never ends by itself."""

    def __init__(self, clock: Clock, scenes: list[Scene], code: int | None) -> None:
        self.pid = 4242
        self._clock = clock
        self._scenes = scenes
        self._code = code
        self.status = "sleeping"
        self.clock_of_processor = 0.0
        self.ended: Ended | None = None
        self.will_end = Ended(False, [])
        self.after_end: int | None = -15

    def wait(self, timeout_s: float) -> int | None:
        if self.ended is not None:
            return self.after_end
        if not timeout_s:
            return None
        if self._scenes:
            self._clock.now += 1.0
            self._scenes.pop(0)()
            return None
        if self._code is None:
            self._clock.now += 1.0
        return self._code

    def state(self) -> str:
        return self.status

    def cpu_seconds(self) -> float:
        return self.clock_of_processor

    def end(self, grace_s: float) -> Ended:
        self.ended = self.will_end
        return self.will_end


class FakeSampler:
    watching = False

    def __init__(self) -> None:
        self.focused: list[Focus | None] = []

    def start(self) -> None: ...

    def focus(self, focus: Focus | None) -> None:
        if not self.focused or self.focused[-1] != focus:
            self.focused.append(focus)

    def close(self) -> None: ...


class Stage:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.log = EventLog(folder / "events.jsonl")
        self.sampler = FakeSampler()
        self.written: list[ev.Event] = []
        self.oom = folder / "memory.events"
        self.oom.write_text("oom_kill 1\n")
        self.order: Order | None = None
        self.worker = FakeWorker(self.clock, [], None)

    def say(self, *events: ev.Event) -> Scene:
        def scene() -> None:
            for event in events:
                self.log.write(event)

        return scene

    def play(self, *scenes: Scene, code: int | None = None) -> Ending:
        self.worker._scenes = list(scenes)
        self.worker._code = code
        supervisor = Supervisor(
            self.worker,
            self.folder,
            orders=lambda: self.order,
            write=self.written.append,
            sampler=self.sampler,
            oom_kills=OomKills([self.oom]),
            clock=self.clock,
        )
        self.began = self.clock.now
        return supervisor.supervise()

    @property
    def took(self) -> float:
        return self.clock.now - self.began


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


ENVIRONMENT = ev.Environment(device="cuda:0", uuid="u", pci_bus_id="p")


def test_silence_for_ten_minutes_is_a_hang(stage: Stage) -> None:
    stage.worker.status = "running"
    ending = stage.play(stage.say(ev.PhaseStarted(phase="measure"), ev.CallStarted(call=3, phase="measure")))
    assert ending == Ending("failed", "hung: no record for 600 s in call 3 (measure) (the worker computes)", None, 15)
    assert stage.took == 601.0


def test_a_machine_that_stood_still_is_no_silence_of_the_worker(stage: Stage) -> None:
    """A paused container, a halted virtual machine: the worker can't have said anything either."""

    def pause() -> None:
        stage.clock.now += 3600.0

    begun = stage.say(ev.PhaseStarted(phase="measure"), ev.CallStarted(call=3, phase="measure"))
    ending = stage.play(begun, pause, *[lambda: None] * 20, stage.say(ev.RunEnded(outcome="ok")), code=0)
    assert (ending.outcome, ending.reason) == ("ok", None)
    assert stage.written == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("stopped", "the worker is suspended (SIGSTOP)"),
        ("disk-sleep", "the worker waits in the kernel"),
        ("unheard-of", "the worker gives no sign of life"),
    ],
)
def test_hangs_are_told_apart(stage: Stage, status: str, words: str) -> None:
    stage.worker.status = status
    assert stage.play().reason == f"hung: no record for 600 s before its first record ({words})"


def test_a_full_disk_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_bavail, f_frsize = 10, 4096

    monkeypatch.setattr("profiler.diskroom.os.statvfs", lambda _path: Full)
    assert "(the disk is full)" in (stage.play().reason or "")


def test_a_worker_whose_last_word_found_no_room_died_of_the_disk(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_bavail, f_frsize = 10, 4096

    monkeypatch.setattr("profiler.diskroom.os.statvfs", lambda _path: Full)
    scenes = [stage.say(ev.PhaseStarted(phase="measure"), ev.CallStarted(call=3, phase="measure"))]
    assert stage.play(*scenes, code=2) == Ending(
        "died", "ended in call 3 (measure) (exit code 2): the disk is full", 2, None
    )


def test_heartbeats_keep_a_run_alive(stage: Stage) -> None:
    beats = [stage.say(ev.Heartbeat()) for _ in range(2000)]
    ending = stage.play(stage.say(ev.Waiting(behind="other")), *beats, stage.say(ev.RunEnded(outcome="ok")), code=0)
    assert ending == Ending("ok", None, 0, None)


@pytest.mark.parametrize(
    "begins",
    [
        [ev.PhaseStarted(phase="compile"), ev.CallStarted(call=0, phase="compile")],
        [ev.PhaseStarted(phase="measure"), ev.CallStarted(call=2), ev.CompileStarted(id="5/0")],
    ],
)
def test_a_compile_may_take_as_long_as_it_takes(stage: Stage, begins: list[ev.Event]) -> None:
    silence: list[Scene] = [lambda: None] * 3000
    ending = stage.play(stage.say(*begins), *silence, stage.say(ev.RunEnded(outcome="ok")), code=0)
    assert ending.outcome == "ok"


def test_a_hang_after_a_compile_is_seen_though_its_end_was_lost(stage: Stage) -> None:
    ending = stage.play(
        stage.say(ev.PhaseStarted(phase="measure"), ev.CompileStarted(id="5/0"), ev.CallStarted(call=2))
    )
    assert ending.outcome == "failed"


def test_a_last_word_without_an_end(stage: Stage) -> None:
    ending = stage.play(stage.say(ev.RunEnded(outcome="oom", reason="3 GiB too much")))
    assert ending.outcome == "oom"
    assert ending.reason == "3 GiB too much; the process did not leave within 30 s of its last word and was ended"
    assert stage.took == 31.0


def test_an_order_that_comes_after_the_last_word_changes_nothing(stage: Stage) -> None:
    def stop() -> None:
        stage.log.write(ev.RunEnded(outcome="failed", reason="boom"))
        stage.order = Order(Why.ASKED, "stopped on request")

    assert stage.play(stop).reason == "boom"


def test_a_process_that_survives_sigkill_is_reported(stage: Stage) -> None:
    stage.worker.will_end = Ended(True, [Survivor(4242, "disk-sleep")])
    stage.worker.after_end = None
    stage.order = Order(Why.ASKED, "skipped on request")
    assert stage.play() == Ending("stopped", "skipped on request (it had to be killed)", None, None)
    [note] = stage.written
    assert isinstance(note, ev.Note)
    assert (note.level, note.code) == ("error", "unkillable")
    assert "process 4242 does not end even on SIGKILL (it is in state disk-sleep)" in note.text


def test_the_hosts_memory(stage: Stage) -> None:
    def strike() -> None:
        stage.oom.write_text("oom_kill 2\n")

    ending = stage.play(stage.say(ev.PhaseStarted(phase="load")), strike, code=-9)
    assert ending == Ending("died", "host out of memory: the kernel killed the worker while loading", None, 9)
    assert stage.written == []


def test_the_hosts_memory_hits_another_process_of_the_run(stage: Stage) -> None:
    def strike() -> None:
        stage.oom.write_text("oom_kill 2\n")

    ending = stage.play(strike, stage.say(ev.RunEnded(outcome="failed", reason="BrokenPipeError")), code=1)
    assert ending.reason == "BrokenPipeError"
    assert [event.code for event in stage.written if isinstance(event, ev.Note)] == ["host-oom"]


def test_what_is_sampled_and_how_often(stage: Stage) -> None:
    stage.play(
        stage.say(ENVIRONMENT),
        stage.say(ev.Waiting(behind="other")),
        stage.say(ev.PhaseStarted(phase="load")),
        stage.say(ev.PhaseStarted(phase="compile"), ev.CallStarted(call=0)),
        stage.say(ev.CallEnded(call=0), ev.PhaseStarted(phase="measure"), ev.CallStarted(call=1)),
        stage.say(ev.CallEnded(call=1)),
        stage.say(ev.RunEnded(outcome="ok")),
        code=0,
    )
    assert [focus.period_s if focus else "none" for focus in stage.sampler.focused] == [
        None,
        SLOW_SECONDS,
        FAST_SECONDS,
        SLOW_SECONDS,
        "none",
    ]
    assert stage.sampler.focused[0] == Focus(4242, "u", "p", None)


def test_what_a_run_does_in_words(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    watch = RunWatch(log.path, 0.0)

    def after(*events: ev.Event) -> str:
        for event in events:
            log.write(event)
        watch.read(1.0)
        return watch.doing

    assert after() == "before its first record"
    assert after(ev.Header()) == "while starting"
    assert after(ev.Waiting(behind="abcd")) == "while waiting for the device"
    assert after(ev.PhaseStarted(phase="load")) == "while loading"
    assert after(ev.PhaseStarted(phase="compile")) == "while compiling"
    assert after(ev.PhaseStarted(phase="warmup")) == "between calls (warmup)"
    assert after(ev.CallStarted(call=1)) == "in call 1 (warmup)"
    assert after(ev.CompileStarted(id="0/1")) == "while compiling"
    assert after(ev.CompileEnded(id="0/1")) == "in call 1 (warmup)"
    assert after(ev.Recompile(id="0/2", starts=True)) == "while compiling"
    assert after(ev.CompileLimit(id="0/2")) == "in call 1 (warmup)"
    assert after(ev.Recompile(id="0/3")) == "in call 1 (warmup)"
    assert watch.last_sign == 1.0
    assert after(ev.RunEnded(outcome="ok"), ev.RunEnded(outcome="stopped")) == "between calls (warmup)"
    assert watch.end is not None
    assert watch.end.outcome == "ok"
