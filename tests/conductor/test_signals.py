"""Every signal to the conductor and to the worker, and who is meant by a pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import pytest

from profiler import events as ev
from profiler import halt, identity, sessions
from profiler.analysis.state import Losses
from profiler.eventlog import EventLog, is_locked
from profiler.follow import Follower
from profiler.halt import CannotHalt, Patience
from profiler.sessions import Liveness, SessionFolder, boot_id, host_name
from tests.conductor.support import begin, endings, eventually, finish, in_session, last_word, log, make
from tests.conductor.test_orphans import alive, family, guardian
from tests.conductor.test_real_processes import running
from tests.support import recorded

RUN = "001-case-r1"
HASTE = Patience(obey=0.5, end=2.0, die=10.0)

# --- what each signal does ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "outcome", "reason"),
    [
        (signal.SIGTERM, "stopped", None),
        (signal.SIGINT, "died", "killed by SIGINT (interrupt) in call 0 (measure)"),
        (signal.SIGHUP, "died", "killed by SIGHUP (hangup) in call 0 (measure)"),
        (signal.SIGKILL, "died", "killed by SIGKILL (killed) in call 0 (measure)"),
    ],
)
def test_a_signal_to_a_worker_ends_its_run_alone(
    own_home: Path, number: signal.Signals, outcome: str, reason: str | None
) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep,ok")
    os.kill(running(folder), number)
    events = finish(folder, pid)
    first, second = endings(events)
    assert (first.outcome, first.reason, second.outcome) == (outcome, reason, "ok")
    assert last_word(events).state == "done"
    # Nothing that was written is lost, and the device is free.
    state = Follower(folder).read_all()
    assert all(run.losses == Losses() for run in state.runs.values())
    assert not is_locked(folder.run_log(RUN))


def test_a_worker_that_is_suspended_and_let_go_on_goes_on(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    worker = running(folder)
    os.kill(worker, signal.SIGSTOP)
    eventually(lambda: psutil.Process(worker).status() == psutil.STATUS_STOPPED, "the suspension")
    os.kill(worker, signal.SIGCONT)
    sessions.send(folder, "stop")
    assert [end.outcome for end in endings(finish(folder, pid))] == ["stopped"]


def test_a_second_signal_to_the_conductor_changes_nothing(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    running(folder)
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)
    assert last_word(finish(folder, pid)).reason in ("stopped by SIGINT", "stopped by SIGTERM")


def test_a_conductor_that_is_suspended_and_let_go_on_goes_on(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep,ok")
    worker = running(folder)
    os.kill(pid, signal.SIGSTOP)
    os.kill(worker, signal.SIGKILL)
    assert folder.liveness(folder.manifest()) is Liveness.ALIVE
    os.kill(pid, signal.SIGCONT)
    events = finish(folder, pid)
    assert [end.outcome for end in endings(events)] == ["died", "ok"]
    assert last_word(events).state == "done"


# --- an end in bounded time -----------------------------------------------------------------------------------------


def test_a_suspended_conductor_is_woken_to_end(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    worker = running(folder)
    os.kill(pid, signal.SIGSTOP)
    said: list[str] = []
    assert halt.halt(folder, say=said.append)
    assert said == [f"the profiler process {pid} is suspended: it is let go on, to end"]
    assert not alive([pid, worker])
    assert last_word(log(folder.conductor_log)).reason == "stopped on request"


def test_one_that_obeys_nothing_is_told_then_killed_with_all_it_has_started(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "parent", environ={"DEAF": "1"})
    worker, guard, children = running(folder), guardian(pid), family(folder)
    said: list[str] = []
    assert halt.halt(folder, say=said.append, patience=HASTE)
    assert said[:2] == [
        f"the profiler process does not answer: process {pid} gets SIGTERM",
        f"process {pid} does not end on SIGTERM: it is killed",
    ]
    assert not alive([pid, guard, worker, *children])
    state = Follower(folder).read_all()
    assert (state.state, state.presumed) == ("died", "the profiler process ended without a word")


def test_a_suspended_guardian_is_let_go_on_at_the_end(own_home: Path) -> None:
    """Of the session that ends by itself, of the one that is stopped, and of the one whose profiler was killed."""
    folder = make(own_home)
    pid = begin(folder, "sleep")
    running(folder)
    guard = guardian(pid)
    os.kill(guard, signal.SIGSTOP)
    sessions.send(folder, "skip")
    eventually(lambda: not psutil.pid_exists(guard), "the guardian's end")

    folder = make(own_home)
    pid = begin(folder, "parent-deaf")
    worker, guard, children = running(folder), guardian(pid), family(folder)
    os.kill(guard, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_locked(folder.conductor_log), "the conductor's end")
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: not is_locked(folder.run_log(RUN)), "the worker's end")
    assert len(alive(children)) == 5
    assert halt.halt(folder)
    assert not alive([guard, *children])
    assert not halt.halt(folder), "nothing is left to end"


def test_without_descriptors_of_processes(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this Python nor the one of the session's processes has any."""
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.delattr(signal, "pidfd_send_signal")
    folder = make(own_home)
    pid = begin(folder, "sleep", environ={"NO_PIDFD": "1"})
    worker, guard = running(folder), guardian(pid)
    os.kill(pid, signal.SIGSTOP)
    said: list[str] = []
    assert halt.halt(folder, say=said.append)
    assert said == [f"the profiler process {pid} is suspended: it is let go on, to end"]
    assert not alive([pid, worker, guard])
    assert last_word(log(folder.conductor_log)).reason == "stopped on request"


def test_a_worker_that_was_left_behind_is_ended(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "deaf")
    worker = running(folder)
    os.kill(guardian(pid), signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_locked(folder.conductor_log), "the conductor's end")
    said: list[str] = []
    assert halt.halt(folder, say=said.append, patience=HASTE._replace(die=3.0))
    assert said == [
        "the profiler process is gone and has left a worker behind: it is ended",
        f"the worker, process {worker}, is still there: it is killed",
    ]
    assert in_session(worker) == []
    assert not halt.halt(folder), "nothing is left to end"


def test_a_full_disk_does_not_keep_a_session_going(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    worker = running(folder)
    folder.control.rmdir()  # as where no command can be left
    folder.control.write_text("in the way")
    said: list[str] = []
    assert halt.halt(folder, say=said.append)
    assert said == [f"no command can be left: process {pid} gets SIGTERM"]
    assert not alive([pid, worker])
    assert last_word(log(folder.conductor_log)).reason == "stopped by SIGTERM"


# --- who is meant ---------------------------------------------------------------------------------------------------


@contextmanager
def stranger(*opens: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else that has ``opens`` open."""
    code = "import sys; files = [open(name) for name in sys.argv[1:]]; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, *map(str, opens)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        assert process.poll() is None, "a stranger's process was signalled"
        process.kill()


def header(pid: int, **fields: object) -> ev.Header:
    told = {"started": identity.started(pid), "host": host_name(), "boot_id": boot_id()} | fields
    return ev.Header(
        writer="conductor",
        session="s",
        pid=pid,
        pid_started=told.pop("started"),
        wall_ns=1,
        **told,  # type: ignore[arg-type]
    )


def test_a_process_is_told_by_pid_start_and_boot(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    with stranger(path) as process:
        own = header(process.pid)
        seen = identity.whose(own)
        assert seen is not None
        assert seen.alive
        assert (seen.parent, seen.suspended) == (os.getpid(), False)
        assert own.pid_started is not None
        for other in (
            None,
            header(process.pid, started=own.pid_started + 0.01),  # the pid was given again
            header(process.pid, started=None),
            header(process.pid, boot_id="another"),
            header(process.pid, host="another"),
            header(0),
            header(-1),
            header(2**40),
        ):
            assert identity.whose(other) is None
            assert identity.hold(other, path) is None
        held = identity.hold(own, path)
        assert held is not None
        with held:
            assert held.state in ("sleeping", "running")
            assert not held.wait(0.0)
        # The same process, which has nothing to do with that log.
        assert identity.hold(own, tmp_path / "other") is None
    assert identity.whose(own) is None
    assert identity.look(process.pid) is None


def test_a_process_that_has_ended_is_never_signalled(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    with subprocess.Popen(["/bin/sleep", "600"], stdin=path.open()) as process:
        held = identity.hold(header(process.pid), path)
        assert held is not None
        process.kill()
    with held:
        assert held.wait(5.0)
        assert not held.signal(signal.SIGTERM)
        assert held.state == "gone"


def test_the_name_of_a_process_may_hold_anything(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "600"]) as process:
        eventually(lambda: psutil.Process(process.pid).name() == "a) R 1 (b", "its name")
        seen = identity.look(process.pid)
        process.kill()
    assert seen is not None
    assert (seen.parent, seen.alive) == (os.getpid(), True)


@pytest.mark.parametrize("reused", ["started", "open"])
def test_a_reused_pid_is_never_signalled_and_the_session_is_shown_dead(tmp_path: Path, reused: str) -> None:
    folder = recorded.make_folder(recorded.request(), tmp_path, "aaaa-one", here=True)
    run = folder.manifest().request.runs[0].name
    with stranger() as process:
        changed = {"started": 1.0} if reused == "started" else {}
        for path in (folder.conductor_log, folder.run_log(run)):
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = EventLog(path)
            writer.write(header(process.pid, **changed))
            writer.write(ev.SessionChanged(state="running"))
            writer.close()
        assert not halt.halt(folder)
        assert Follower(folder).read_all().state == "died"
        # Somebody holds the lock, and it can't be told who.
        holder = EventLog(folder.conductor_log)
        with pytest.raises(CannotHalt, match="can't be told for sure"):
            halt.halt(folder, patience=Patience(0.1, 0.1, 0.1))
        holder.close()


def test_a_copied_session_is_never_signalled(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    running(folder)
    twin = SessionFolder(folder.path.with_name("copy"))
    twin.path.mkdir()
    manifest = msgspec.structs.replace(folder.manifest(), host="another")
    sessions.write_manifest(twin, manifest)
    twin.conductor_log.write_bytes(folder.conductor_log.read_bytes())
    assert not halt.halt(twin)
    assert alive([pid]) == [pid]
    os.kill(pid, signal.SIGTERM)
    finish(folder, pid)
