"""The worker as a process: what it logs, and how it ends."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiler import launch, sessions
from profiler.eventlog import EventLog, LogReader, is_locked
from profiler.events import (
    CallEnded,
    CallStarted,
    CompileEnded,
    CompileStarted,
    Environment,
    Event,
    Header,
    Heartbeat,
    LoadProgress,
    Memory,
    Output,
    PhaseStarted,
    RunEnded,
    Waiting,
)
from profiler.request import Options, resolve
from profiler.sessions import SessionFolder
from profiler.worker import lifeline
from profiler.worker.device import DeviceLock, DeviceUnavailable

PATIENCE_SECONDS = 120


class Worker:
    """One run of a new session, in a worker process as the conductor starts it."""

    def __init__(
        self,
        home: Path,
        environ: dict[str, str] | None = None,
        lifeline_fd: int | None = None,
        lost: Path | None = None,
        **options: Any,
    ):
        """``lost``: a file that is there when the run is asked for and gone when it is made."""
        made = {"size": "tiny", "steps": 2, "calls": 2, "repeats": 1, "variants": ["no-compile"], "backend": "eager"}
        request = resolve(Options(pipeline="sd15-txt2img", **{**made, **options}), "cpu")
        if lost is not None:
            lost.unlink()
        self.folder: SessionFolder = sessions.create(request, "0", home)
        self.name = request.runs[0].name
        self.folder.run(self.name).mkdir(mode=0o700)
        self._reader = LogReader(self.folder.run_log(self.name))
        self.events: list[Event] = []
        with self.folder.worker_log(self.name).open("wb") as output:
            self.process = subprocess.Popen(
                launch.child_command("worker", str(self.folder.path), self.name),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=() if lifeline_fd is None else (lifeline_fd,),
                env={**os.environ, "OMP_NUM_THREADS": "1", **(environ or {})},
            )

    def of(self, kind: type[Event]) -> list[Any]:
        chunk = self._reader.read()
        while chunk.events:
            self.events += chunk.events
            chunk = self._reader.read()
        return [event for event in self.events if type(event) is kind]

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self.process.poll() is None or condition(), f"{what} never came: {self.output()}"
            assert time.monotonic() < deadline, f"{what} did not come in time"
            time.sleep(0.02)

    def wait(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)

    def last_word(self) -> RunEnded:
        [ended] = self.of(RunEnded)
        assert self.events[-1] is ended
        return ended

    def output(self) -> str:
        return self.folder.worker_log(self.name).read_text()


def test_a_run_from_header_to_last_word(own_home: Path) -> None:
    worker = Worker(own_home, variants=["compile"])
    assert worker.wait() == 0, worker.output()
    assert worker.last_word() == RunEnded(seq=worker.events[-1].seq, t=worker.events[-1].t, outcome="ok")
    assert type(worker.events[0]) is Header
    assert [event.seq for event in worker.events] == list(range(1, len(worker.events) + 1))
    [environment] = worker.of(Environment)
    assert (environment.device, environment.trace, environment.trace_reason) == ("cpu", True, None)
    assert {"python", "torch", "diffusers", "transformers", "accelerate", "stepscope"} <= set(environment.versions)
    assert [(phase.phase, phase.calls) for phase in worker.of(PhaseStarted)] == [
        ("load", None),
        ("compile", 1),
        ("warmup", 1),
        ("measure", 2),
    ]
    assert [call.phase for call in worker.of(CallStarted)] == ["compile", "warmup", "measure", "measure"]
    assert [call.call for call in worker.of(CallEnded)] == [0, 1, 2, 3]
    assert [load.done for load in worker.of(LoadProgress)] == list(range(6))
    assert {memory.phase for memory in worker.of(Memory)} == {"load", "compile", "warmup", "measure"}
    assert worker.of(Heartbeat)
    assert [compiled.call for compiled in worker.of(CompileEnded)] == [0]
    [output] = worker.of(Output)
    assert output.call == 3
    assert (worker.folder.run(worker.name) / output.file).is_file()
    assert "Traceback" not in worker.output()
    assert not is_locked(worker.folder.run_log(worker.name))


def test_compile_caches_are_the_cases_own(own_home: Path) -> None:
    worker = Worker(own_home)
    assert worker.wait() == 0, worker.output()
    cache = worker.folder.path / "cache" / worker.folder.manifest().request.cases[0].name
    assert sorted(path.name for path in cache.iterdir()) == ["cuda", "inductor", "triton"]


@pytest.mark.parametrize("kind", [CallStarted, CompileStarted])
def test_sigterm_stops_it_in_the_middle_of_a_call_or_a_compile(own_home: Path, kind: type[Event]) -> None:
    worker = Worker(own_home, variants=["compile"], backend="aot_eager", steps=999)
    worker.until(lambda: worker.of(kind), kind.__name__)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.output()
    assert worker.last_word().outcome == "stopped"
    assert "Traceback" not in worker.output()


def test_sigterm_stops_it_while_it_starts(own_home: Path) -> None:
    worker = Worker(own_home)
    worker.until(lambda: worker.of(Header), "the header")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.output()
    assert worker.last_word().outcome == "stopped"


def test_a_last_word_that_finds_no_room_is_told_by_exit_code_and_output(own_home: Path) -> None:
    worker = Worker(own_home, calls=20)
    worker.until(lambda: worker.of(CallEnded), "a call")
    size = worker.folder.run_log(worker.name).stat().st_size
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    assert worker.wait() == 2
    assert "records could not be written: File too large" in worker.output()
    assert worker.of(RunEnded) == []


def test_it_ends_when_its_conductor_is_gone(own_home: Path) -> None:
    read_end, write_end = os.pipe()
    worker = Worker(own_home, {lifeline.VARIABLE: str(read_end)}, lifeline_fd=read_end, steps=999)
    os.close(read_end)
    worker.until(lambda: worker.of(CallStarted), "a call")
    os.close(write_end)
    assert worker.wait() in (0, -signal.SIGTERM, -signal.SIGKILL)
    assert worker.last_word().outcome == "stopped"


def test_it_waits_for_the_device_and_says_behind_whom(own_home: Path) -> None:
    lock = DeviceLock(sessions.runtime_folder(), "cpu", "other-session")
    lock.take([].append, queue=True)
    worker = Worker(own_home)
    worker.until(lambda: worker.of(Waiting), "the wait")
    assert worker.of(Waiting)[0].behind == "other-session"
    assert not worker.of(PhaseStarted)
    lock.release()
    assert worker.wait() == 0, worker.output()
    assert worker.last_word().outcome == "ok"


def test_it_fails_on_a_taken_device_if_it_may_not_wait(own_home: Path) -> None:
    lock = DeviceLock(sessions.runtime_folder(), "cpu", "other-session")
    lock.take([].append, queue=True)
    worker = Worker(own_home, queue=False)
    assert worker.wait() == 1
    lock.release()
    assert worker.last_word().reason == "device cpu is in use by session other-session"


def test_a_lock_whose_file_was_removed_is_not_taken_for_the_device(own_home: Path) -> None:
    """Who waited for it would measure beside everybody who came after the removal."""
    first, waiting = (DeviceLock(sessions.runtime_folder(), "cpu", name) for name in ("first", "waiting"))
    first.take(lambda _: None, queue=False)
    (sessions.runtime_folder() / "cpu.lock").unlink()
    late = DeviceLock(sessions.runtime_folder(), "cpu", "late")
    late.take(lambda _: None, queue=False)
    first.release()
    with pytest.raises(DeviceUnavailable, match="in use by session late"):
        waiting.take(lambda _: None, queue=False)
    late.release()
    waiting.take(lambda _: None, queue=False)
    waiting.release()


def test_the_next_run_of_the_same_session_waits_in_silence(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (DeviceLock(sessions.runtime_folder(), "cpu", "mine") for _ in range(2))
    events: list[Event] = []
    first.take(events.append, queue=False)
    monkeypatch.setattr("profiler.worker.device.time.sleep", lambda _: first.release())
    second.take(events.append, queue=False)
    assert events == []
    assert second.holder() == "mine"


def test_no_compiler_is_unsupported_before_anything_is_loaded(own_home: Path) -> None:
    worker = Worker(own_home, {"PATH": "/nonexistent"}, variants=["compile"], backend="inductor")
    assert worker.wait() == 0
    assert worker.last_word().outcome == "unsupported"
    assert worker.last_word().reason == "no C++ compiler (apt install g++ python3-dev)"


def test_a_folder_without_a_pipeline_is_a_failure_in_one_line(own_home: Path, tmp_path: Path) -> None:
    index = tmp_path / "model_index.json"
    index.write_text('{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}')
    (tmp_path / "unet").mkdir()
    worker = Worker(own_home, lost=index, weights=str(tmp_path))
    assert worker.wait() == 1
    ended = worker.last_word()
    assert (ended.outcome, ended.error) == ("failed", "BuildError")
    assert "model_index.json" in (ended.reason or "")
    assert "Traceback" in worker.output()


def test_a_log_that_has_a_writer_is_left_alone(own_home: Path) -> None:
    worker = Worker(own_home)
    assert worker.wait() == 0, worker.output()
    log = EventLog(worker.folder.run_log(worker.name))
    again = subprocess.run(
        launch.child_command("worker", str(worker.folder.path), worker.name),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    log.close()
    assert again.returncode == 2
    assert "is being written by another process" in again.stderr
