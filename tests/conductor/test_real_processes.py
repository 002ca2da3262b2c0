"""Real conductors with misbehaving workers. Waits are bounded; nothing depends on how fast the machine is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from profiler import events as ev
from profiler import sessions
from profiler.conductor import CannotStart, start
from profiler.conductor.processes import Ended, WorkerProcess
from profiler.eventlog import is_locked
from profiler.sessions import Liveness, SessionFolder
from tests.conductor.fake_nvml import UUID
from tests.conductor.support import (
    DRIVE,
    ROOT,
    begin,
    conduct,
    endings,
    eventually,
    finish,
    in_session,
    last_word,
    log,
    make,
    notes,
)


def running(folder: SessionFolder, index: int = 0) -> int:
    """The pid of the worker of run ``index``, once it is in a call."""
    run = folder.manifest().request.runs[index].name
    eventually(lambda: any(isinstance(event, ev.CallStarted) for event in log(folder.run_log(run))), f"a call of {run}")

    def pids() -> list[int | None]:
        changes = [event for event in log(folder.conductor_log) if isinstance(event, ev.RunChanged)]
        return [event.pid for event in changes if event.run == run and event.state == "running"]

    # The worker may get there before its conductor has the processor again and says that it runs.
    eventually(pids, f"the start of {run}")
    [pid] = pids()
    assert pid is not None
    return pid


def test_every_way_a_worker_can_end(own_home: Path) -> None:
    does = "ok,oom,failed,unsupported,crash,wordless,silent,import-error,crash-after"
    folder = make(own_home, runs=9)
    events = conduct(folder, does)

    assert [type(event) for event in events[:2]] == [ev.Header, ev.SessionChanged]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.state for event in events if isinstance(event, ev.RunChanged)][:9] == ["queued"] * 9
    found = [(end.outcome, end.reason, end.exit_code, end.signal) for end in endings(events)]
    assert found == [
        ("ok", None, 0, None),
        ("oom", "CUDA out of memory", 0, None),
        ("failed", "RuntimeError: shapes differ", 1, None),
        ("unsupported", "no C++ compiler", 0, None),
        ("died", "killed by SIGSEGV (segmentation fault) while loading", None, signal.SIGSEGV),
        ("died", "ended without a last word while loading (exit code 0)", 0, None),
        ("died", "ended without a last word before its first record (exit code 0)", 0, None),
        (
            "died",
            "could not start (exit code 1): ModuleNotFoundError: No module named 'no_such_module_at_all'",
            1,
            None,
        ),
        (
            "ok",
            "the process then crashed while it ended (SIGSEGV (segmentation fault))",
            None,
            signal.SIGSEGV,
        ),
    ]
    assert last_word(events).state == "done"
    assert folder.liveness(folder.manifest()) is Liveness.GONE
    assert folder.worker_log("001-case-r1").stat().st_mode & 0o777 == 0o600
    assert folder.run("001-case-r1").stat().st_mode & 0o777 == 0o700


def test_what_a_worker_prints_stays_in_its_file(own_home: Path) -> None:
    folder = make(own_home)
    [end] = endings(conduct(folder, "flood"))
    assert (end.outcome, end.exit_code) == ("died", 3)
    assert end.reason == "ended while loading (exit code 3): the last line"
    assert folder.worker_log("001-case-r1").stat().st_size > 100 << 20
    assert folder.conductor_output.read_bytes() == b""


def test_nothing_of_a_run_is_left_behind(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    events = conduct(folder, "family,ok")
    children = next(event.text for event in log(folder.run_log("001-case-r1")) if isinstance(event, ev.Note))
    [leader] = [event.pid for event in events if isinstance(event, ev.RunChanged) and event.pid][:1]
    assert not [pid for pid in map(int, children.split()) if psutil.pid_exists(pid)]
    assert leader is not None
    assert in_session(leader) == []
    assert [end.outcome for end in endings(events)] == ["ok", "ok"]


def test_stop_ends_the_run_and_the_session(own_home: Path) -> None:
    folder = make(own_home, runs=3)
    pid = begin(folder, "sleep")
    worker = running(folder)
    sessions.send(folder, "stop")
    events = finish(folder, pid)
    assert [(end.outcome, end.reason) for end in endings(events)] == [("stopped", "stopped on request")] * 3
    assert [event.pid for event in events if isinstance(event, ev.Command)] == [os.getpid()]
    assert last_word(events).state == "stopped"
    assert list(folder.control.iterdir()) == []
    assert in_session(worker) == []


def test_skip_goes_on_with_the_next_run(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep,ok")
    running(folder)
    sessions.send(folder, "skip", "002-case-r2")  # not under way: nothing happens
    sessions.send(folder, "skip", "001-case-r1")
    events = finish(folder, pid)
    assert [(end.outcome, end.reason) for end in endings(events)] == [("stopped", "skipped on request"), ("ok", None)]
    assert notes(events) == ["skip-ignored"]
    assert last_word(events).state == "done"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_stop_the_session(own_home: Path, number: signal.Signals) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep")
    running(folder)
    os.kill(pid, number)
    events = finish(folder, pid)
    assert [end.outcome for end in endings(events)] == ["stopped", "stopped"]
    assert last_word(events).reason == f"stopped by {number.name}"


def test_a_worker_that_ignores_sigterm_is_killed(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "stubborn", limits="600 30 0.3")
    worker = running(folder)
    sessions.send(folder, "stop")
    [end] = endings(finish(folder, pid))
    assert (end.outcome, end.signal) == ("stopped", signal.SIGKILL)
    assert end.reason == "stopped on request (it had to be killed)"
    assert not psutil.pid_exists(worker)


def test_a_hung_worker_is_reported_and_stopped(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    first, second = endings(conduct(folder, "suspended,ok", limits="6 30 2"))
    assert first.outcome == "failed"
    assert first.reason == "hung: no record for 6 s while loading (the worker is suspended (SIGSTOP))"
    assert second.outcome == "ok"


def test_a_worker_that_does_not_leave_keeps_its_outcome(own_home: Path) -> None:
    [end] = endings(conduct(make(own_home), "linger", limits="600 0.3 2"))
    assert end.outcome == "ok"
    assert end.reason == "the process did not leave within 0.3 s of its last word and was ended"


def test_max_time_bounds_the_session(own_home: Path) -> None:
    events = conduct(make(own_home, runs=2, max_time_s=1.0), "sleep")
    assert [(end.outcome, end.reason) for end in endings(events)] == [("stopped", "max time of 1 s reached")] * 2
    assert last_word(events).state == "stopped"


def test_a_killed_worker_does_not_end_the_session(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep,ok")
    os.kill(running(folder), signal.SIGKILL)
    first, second = endings(finish(folder, pid))
    assert (first.outcome, first.signal) == ("died", signal.SIGKILL)
    assert first.reason == "killed by SIGKILL (killed) in call 0 (measure)"
    assert second.outcome == "ok"


def test_workers_end_with_a_killed_conductor(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "stubborn")
    worker = running(folder)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not in_session(worker), "the end of the worker's group")
    assert not is_locked(folder.conductor_log)
    assert folder.liveness(folder.manifest()) is Liveness.GONE
    # What is left does not stand in the way of the next session, or of a removal.
    [end] = endings(conduct(make(own_home), "ok"))
    assert end.outcome == "ok"
    sessions.remove(folder)


def test_a_suspended_worker_ends_with_a_killed_conductor(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    worker = running(folder)
    os.kill(worker, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not in_session(worker), "the end of the worker's group")


def test_the_cache_goes_with_the_session_unless_it_is_kept(own_home: Path) -> None:
    for keep in (False, True):
        folder = make(own_home, keep_cache=keep)
        (folder.path / "cache" / "case").mkdir(parents=True)
        conduct(folder, "ok")
        assert (folder.path / "cache").exists() is keep


def by_hand(folder: SessionFolder, **environ: str) -> subprocess.CompletedProcess[str]:
    """The conductor in the foreground, for its exit code."""
    return subprocess.run(
        [sys.executable, str(DRIVE), str(folder.path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_exit_codes(own_home: Path) -> None:
    folder = make(own_home)
    assert by_hand(folder, STANDIN="failed").returncode == 0
    again = by_hand(folder, STANDIN="ok")
    assert again.returncode == 2
    assert again.stderr == (
        f"session {folder.id} was conducted before: 'stepscope resume {folder.id}' makes what it still owes\n"
    )
    assert by_hand(SessionFolder(own_home / "nowhere"), STANDIN="ok").returncode == 2


def test_a_log_that_cannot_grow_is_one_line_and_an_exit_code(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    ended = by_hand(folder, STANDIN="ok", LARGEST_FILE="400")
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.endswith("of the conductor's records could not be written: File too large")
    assert folder.conductor_log.stat().st_size <= 400
    # Both runs were made all the same.
    assert folder.run_log("002-case-r2").exists()


def test_a_bug_ends_the_session_as_failed(own_home: Path) -> None:
    folder = make(own_home)
    ended = by_hand(folder, STANDIN="bug")
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    said = last_word(log(folder.conductor_log))
    assert (said.state, said.reason) == ("failed", "the profiler failed: RuntimeError: a bug in the profiler")


def test_a_run_whose_folder_cannot_be_made_fails_and_the_others_go_on(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    (folder.runs / "001-case-r1").write_text("in the way")
    first, second = endings(conduct(folder, "ok"))
    assert (first.outcome, first.reason) == ("failed", "the run can't be started: File exists")
    assert second.outcome == "ok"


def test_without_adoption_the_workers_session_is_ended_all_the_same(tmp_path: Path) -> None:
    output = tmp_path / "worker.log"
    worker = WorkerProcess(["/bin/sh", "-c", "sleep 600 & sleep 600 & exit 7"], output, os.environ, adopts=False)
    try:
        eventually(lambda: worker.wait(0.1) is not None, "the worker's end")
        assert len(in_session(worker.pid)) == 2
        assert worker.end(1.0) == Ended(killed=False, survivors=[])
        assert in_session(worker.pid) == []
        assert worker.wait(0.0) == 7
        assert worker.state() == "gone"
    finally:
        worker.close()


def test_a_worker_that_cannot_be_started_leaves_nothing_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        WorkerProcess(["/no/such/program"], tmp_path / "worker.log", os.environ, adopts=False)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_conductor_imports_nothing_heavy() -> None:
    code = (
        "import sys, profiler.conductor.main\n"
        "print(*sys.modules.keys() & {'torch', 'numpy', 'diffusers', 'textual', 'tui', 'pynvml'})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "\n"


def test_a_session_has_one_conductor_and_is_conducted_once(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    running(folder)
    with pytest.raises(CannotStart, match="has a conductor already"):
        begin(folder, "ok")
    os.kill(pid, signal.SIGTERM)
    finish(folder, pid)
    with pytest.raises(CannotStart, match="was conducted before"):
        begin(folder, "ok")


def test_start_says_why_it_could_not(own_home: Path) -> None:
    folder = make(own_home)
    with pytest.raises(CannotStart, match=r"ended at once \(exit code 3\)"):
        start(folder, command=lambda *_: ["/bin/sh", "-c", "exit 3"])
    with pytest.raises(CannotStart, match="can't be started: No such file"):
        start(folder, command=lambda *_: ["/no/such/program"])
    with pytest.raises(CannotStart, match=r"did not take over within 0\.1 s"):
        start(folder, command=lambda *_: ["/bin/sleep", "60"], timeout_s=0.1)
    folder.manifest_file.write_text("{}")
    with pytest.raises(CannotStart, match=r"session\.json is damaged"):
        begin(folder, "ok")


def test_the_conductor_is_out_of_reach_of_the_terminal(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    try:
        assert os.getsid(pid) not in (pid, os.getsid(0))
        assert os.getsid(pid) == os.getpgid(pid) == psutil.Process(pid).ppid()  # its guardian's
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        assert os.readlink(f"/proc/{pid}/cwd") == os.getcwd()
        assert folder.liveness(folder.manifest()) is Liveness.ALIVE
        worker = running(folder)
        assert os.getsid(worker) == worker
        # The worker holds the read end of the lifeline alone, and neither log nor lock of the conductor.
        held = [os.readlink(f"/proc/{worker}/fd/{number}") for number in os.listdir(f"/proc/{worker}/fd")]
        assert len([name for name in held if name.startswith("pipe:")]) == 1
        assert str(folder.conductor_log) not in held
    finally:
        os.kill(pid, signal.SIGTERM)
        finish(folder, pid)


def test_a_removed_session_folder_ends_the_session(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep")
    worker = running(folder)
    folder.path.rename(folder.path.with_name("elsewhere"))
    moved = SessionFolder(folder.path.with_name("elsewhere"))
    events = finish(moved, pid)
    assert last_word(events).reason == "the session's folder was removed"
    assert in_session(worker) == []


def test_a_gpu_session_is_sampled_at_the_device_of_its_worker(own_home: Path, tmp_path: Path) -> None:
    (tmp_path / "pynvml.py").write_text(
        "from tests.conductor.fake_nvml import FakeNvml, NVMLError\n"
        "_one = FakeNvml()\n"
        "def __getattr__(name):\n    return getattr(_one, name)\n"
    )
    folder = make(own_home, device="cuda:0")
    pid = begin(folder, "sleep", environ={"STANDIN_UUID": UUID, "PYTHONPATH": f"{tmp_path}:{ROOT}"})
    running(folder)
    eventually(lambda: samples_in(folder), "a sample")
    os.kill(pid, signal.SIGTERM)
    events = finish(folder, pid)
    [seen] = [event for event in events if isinstance(event, ev.DeviceSeen)]
    assert seen.uuid == f"GPU-{UUID}"
    # The worker is not in the list of the invented driver, nothing changes: one sample says it all.
    [sample] = samples_in(folder)
    assert (sample.power_mw, sample.process_bytes) == (512_000, None)


def test_a_gpu_session_without_a_driver_works(own_home: Path, tmp_path: Path) -> None:
    (tmp_path / "pynvml.py").write_text("raise RuntimeError('damaged')")
    folder = make(own_home, device="cuda:0")
    environ = {"STANDIN_UUID": UUID, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    events = finish(folder, begin(folder, "ok", environ=environ))
    [seen] = [event for event in events if isinstance(event, ev.DeviceSeen)]
    assert seen.reason == "the module pynvml can't be imported: damaged"
    assert [end.outcome for end in endings(events)] == ["ok"]


def samples_in(folder: SessionFolder) -> list[ev.GpuSample]:
    return [event for event in log(folder.conductor_log) if isinstance(event, ev.GpuSample)]
