"""A conductor that is killed leaves no process behind, whatever its worker has started."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from profiler import events as ev
from profiler import sessions
from profiler.conductor.processes import adopt_orphans
from profiler.eventlog import is_locked
from profiler.sessions import Liveness, SessionFolder
from tests.conductor.support import begin, conduct, endings, eventually, finish, last_word, log, make
from tests.conductor.test_real_processes import running

RUN = "001-case-r1"


def family(folder: SessionFolder) -> list[int]:
    """The pids that the worker says are its children, once all of them run."""
    found: list[int] = []

    def told() -> bool:
        texts = [e.text for e in log(folder.run_log(RUN)) if isinstance(e, ev.Note) and e.code == "children"]
        found[:] = [int(word) for text in texts for word in text.split()]
        return bool(found)

    eventually(told, "the worker's children")
    return found


def alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def guardian(conductor: int) -> int:
    return psutil.Process(conductor).ppid()


@pytest.fixture
def adopting() -> Iterator[None]:
    """What a conductor or guardian leaves uncollected is this process's, and stays."""
    assert adopt_orphans()
    yield
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


@pytest.mark.parametrize("does", ["parent", "parent-suspended", "parent-deaf"])
def test_a_killed_conductor_leaves_no_process_behind(own_home: Path, does: str) -> None:
    """Children in groups and sessions of their own, orphans, with another environment; of a worker that works, is
    suspended, or holds the interpreter's lock in C.
    """
    folder = make(own_home)
    pid = begin(folder, does)
    worker, guard = running(folder), guardian(pid)
    children = family(folder)
    assert len(alive(children)) == 5
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(guard), "the guardian's end")
    # It ends last: nothing is left by then.
    assert alive([pid, worker, *children]) == []
    assert not is_locked(folder.conductor_log)
    assert not is_locked(folder.run_log(RUN))
    assert folder.liveness(folder.manifest()) is Liveness.GONE


def test_a_killed_guardian_changes_nothing(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep,ok")
    worker = running(folder)
    os.kill(guardian(pid), signal.SIGKILL)
    eventually(lambda: guardian(pid) != os.getsid(pid), "the guardian's end")
    os.kill(worker, signal.SIGKILL)
    events = finish(folder, pid)
    assert [end.outcome for end in endings(events)] == ["died", "ok"]
    assert last_word(events).state == "done"


def test_conductor_and_guardian_killed_at_once(own_home: Path) -> None:
    """The worker then ends what it can find by itself: all below it."""
    folder = make(own_home)
    pid = begin(folder, "parent")
    worker, guard = running(folder), guardian(pid)
    children = family(folder)
    os.kill(guard, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive([pid, worker, *children[:3]]), "the end of the worker and of what is below it")
    for child in alive(children):  # orphans before that: nobody knows them any more
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_guardian_hands_signals_on(own_home: Path, number: signal.Signals) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    running(folder)
    os.kill(guardian(pid), number)
    assert last_word(finish(folder, pid)).reason == f"stopped by {number.name}"


def test_no_zombie_is_left_to_process_1(own_home: Path, adopting: None) -> None:
    """In a container that may be a program that collects nobody."""
    folder = make(own_home)
    pid = begin(folder, "sleep")
    guard = guardian(pid)
    running(folder)
    sessions.send(folder, "stop")
    eventually(lambda: not psutil.pid_exists(guard), "the guardian's end")
    assert not psutil.pid_exists(pid)


def test_the_end_of_a_run_is_the_end_of_its_orphans(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    events = conduct(folder, "parent-ends,ok")
    assert alive(family(folder)) == []
    assert [end.outcome for end in endings(events)] == ["ok", "ok"]
