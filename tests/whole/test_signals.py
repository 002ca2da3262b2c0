"""Signals to a screen: the profiler and its worker go on, and who comes back sees what one sees who never left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from profiler.follow import Follower
from profiler.sessions import SessionFolder
from tests.conductor.support import begin, eventually, finish, make
from tests.conductor.test_real_processes import running
from tests.support.states import plain
from tests.support.terminal import Terminal
from tests.whole.program import COMMAND, stepscope
from tests.whole.test_sessions import TEARDOWN

pytestmark = pytest.mark.pty

WATCH = [*COMMAND, "watch", "last"]


class Session:
    """One under way, and a viewer of it that nobody disturbs."""

    def __init__(self, home: Path) -> None:
        self.folder: SessionFolder = make(home)
        self.conductor = begin(self.folder, "walk")
        self.worker = running(self.folder)
        self.viewer = Follower(self.folder)

    def calls(self) -> int:
        return len(self.viewer.read_all().runs["001-case-r1"].calls_of("measure"))

    def goes_on(self) -> None:
        """Both processes are there, and calls are made."""
        before = self.calls()
        eventually(lambda: self.calls() > before, "another call")
        assert psutil.pid_exists(self.conductor)
        assert psutil.pid_exists(self.worker)

    def looks_the_same_from_anew(self) -> None:
        """A viewer that comes back folds the same state as the one that never left, while the session goes on."""
        with suspended(self.worker):  # nobody reads as fast as it writes where the machine has much else to do
            assert plain(self.viewer.read_all()) == plain(Follower(self.folder).read_all())


@contextmanager
def suspended(pid: int) -> Iterator[None]:
    """The process writes nothing meanwhile; one that has ended doesn't either."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        yield
        return
    process.suspend()
    eventually(lambda: process.status() == psutil.STATUS_STOPPED, "the worker's suspension")
    yield
    process.resume()


@pytest.fixture
def session(own_home: Path) -> Iterator[Session]:
    one = Session(own_home)
    yield one
    assert stepscope("stop", "last").returncode == 0
    events = finish(one.folder, one.conductor)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    one.looks_the_same_from_anew()
    state = one.viewer.state
    assert (state.state, state.losses.lost, state.runs["001-case-r1"].losses.lost) == ("stopped", 0, 0)


def test_whatever_ends_the_screen_the_session_goes_on_and_is_seen_as_if_one_had_stayed(session: Session) -> None:
    for number, code, restored in [
        (signal.SIGINT, 0, True),
        (signal.SIGTERM, 128 + signal.SIGTERM, True),
        (signal.SIGHUP, 128 + signal.SIGHUP, True),
        (signal.SIGKILL, -signal.SIGKILL, False),
    ]:
        with Terminal(WATCH) as terminal:
            terminal.wait_for("run started")
            if number is signal.SIGINT:
                # Suspended first, and let go on: it is a screen again. Then a second one right behind the first.
                terminal.signal(signal.SIGSTOP)
                session.goes_on()
                terminal.signal(signal.SIGCONT)
                terminal.send("?")
                terminal.wait_for("esc close")
                terminal.signal(number)
            terminal.signal(number)
            assert terminal.wait() == code, number
            assert all(part in terminal.raw for part in TEARDOWN) is restored, number
        session.goes_on()
        session.looks_the_same_from_anew()
    with Terminal(WATCH) as terminal:
        terminal.wait_for("run started")
