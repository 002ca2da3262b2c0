"""Signals to a command that waits for a session, and ``stop``: what they end, and that they end themselves."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from profiler import events as ev
from profiler import halt, sessions
from profiler.follow import Follower
from profiler.halt import CannotHalt, Patience, last_header
from profiler.identity import look, whose
from profiler.sessions import Liveness, SessionFolder
from tests.conductor.support import Clock, begin, endings, eventually, finish, last_word, log, make
from tests.support import recorded
from tui.cli import main
from tui.commands.common import CommandError
from tui.commands.stopping import ASKED_SECONDS, AT_ONCE, SIGNALS, Stopping, stopping_on_signals
from tui.plain import follow_plainly

INT = int(signal.SIGINT)


class Halting:
    """Stands for ``halt.halt``: notes how much patience it was given, and does ``then``."""

    def __init__(self, then: Callable[..., bool] = lambda **_: True) -> None:
        self.given: list[Patience] = []
        self._then = then

    def __call__(self, folder: SessionFolder, *, patience: Patience, **how: object) -> bool:
        self.given.append(patience)
        return self._then(**how)


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return recorded.make_folder(recorded.request(), tmp_path, "aaaa-one", here=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def stopping(folder: SessionFolder, clock: Clock, end: Halting) -> Stopping:
    def sleep(seconds: float) -> None:
        clock.now += seconds

    return Stopping(folder, clock=clock, sleep=sleep, end=end)


def left(folder: SessionFolder) -> int:
    return len(list(folder.control.glob("*.json")))


def test_without_a_signal_it_waits_and_says_nothing(
    folder: SessionFolder, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    end = Halting()
    one = stopping(folder, clock, end)
    for _ in range(1000):
        one.wait(0.25)
    assert clock.now == 1250.0
    assert (end.given, left(folder), capsys.readouterr()) == ([], 0, ("", ""))


def test_the_first_signal_asks_and_says_what_a_second_does(
    folder: SessionFolder, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    end = Halting()
    one = stopping(folder, clock, end)
    one.on_signal(INT, None)
    assert left(folder) == 1, "asked at once, however long the command doesn't wait"
    while clock.now < 1000 + ASKED_SECONDS:
        one.wait(0.25)
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "a second ctrl-c ends it at once" in err
    assert end.given == []
    one.wait(0.25)
    assert end.given == [halt.PATIENCE], "what doesn't end in time is ended"


def test_a_second_signal_ends_it_at_once(
    folder: SessionFolder, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    end = Halting()
    one = stopping(folder, clock, end)
    one.on_signal(INT, None)
    one.wait(0.25)
    one.on_signal(INT, None)
    one.wait(0.25)
    assert end.given == [AT_ONCE]
    assert "stopping at once" in capsys.readouterr().err
    assert sum(AT_ONCE) < 20 and sum(halt.PATIENCE) < 120, "both have an end"


def test_a_further_signal_makes_an_end_under_way_shorter(folder: SessionFolder, clock: Clock) -> None:
    def then(*, sleep: Callable[[float], None], **_: object) -> bool:
        if len(end.given) == 1:
            one.on_signal(INT, None)
            for _ in range(10_000):
                sleep(0.05)
            pytest.fail("the signal went unheard")
        return True

    end = Halting(then)
    one = stopping(folder, clock, end)
    one.on_signal(INT, None)
    clock.now += ASKED_SECONDS
    one.wait(0.25)
    one.wait(0.25)
    assert end.given == [halt.PATIENCE, AT_ONCE]


def test_where_no_command_can_be_left_nothing_is_waited_for(
    folder: SessionFolder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sessions, "send", full)
    end = Halting()
    one = stopping(folder, clock, end)
    one.on_signal(INT, None)
    one.wait(0.25)
    assert end.given == [halt.PATIENCE]


@pytest.mark.parametrize("error", [CannotHalt("process 7 is \x1b[2Jstuck"), sessions.SessionUnreadable("gone")])
def test_what_cannot_be_ended_ends_the_command_with_one_line(
    folder: SessionFolder, clock: Clock, error: Exception
) -> None:
    def then(**_: object) -> bool:
        raise error

    one = stopping(folder, clock, Halting(then))
    one.on_signal(INT, None)
    one.on_signal(INT, None)
    with pytest.raises(CommandError) as raised:
        one.wait(0.25)
    assert (raised.value.message, raised.value.code) == (str(error), 1)


def test_a_terminal_that_is_gone_disturbs_nothing(
    folder: SessionFolder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("tui.commands.stopping.echo", gone)
    one = stopping(folder, clock, Halting())
    one.on_signal(int(signal.SIGHUP), None)
    one.wait(0.25)
    assert clock.now == 1000.25


def test_the_handlers_of_before_are_put_back(folder: SessionFolder) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with stopping_on_signals(folder):
        assert all(signal.getsignal(number) not in before for number in SIGNALS)
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("command", ["stop", "skip"])
def test_a_session_of_another_machine_is_not_said_to_be_over(
    command: str, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = recorded.live()
    folder = recording.write(own_home, until_ns=recording.live_ns)
    assert main([command, folder.id]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "doesn't run here" in err
    assert not list(folder.control.iterdir())


# --- real processes ---


@pytest.fixture
def conducted(own_home: Path) -> Iterator[Callable[[str], SessionFolder]]:
    """Sessions under way, by what their workers do; none is left behind."""
    begun: list[SessionFolder] = []

    def begin_one(does: str) -> SessionFolder:
        folder = make(own_home, runs=2)
        begun.append(folder)
        begin(folder, does, limits="600 30 1")
        first = folder.run_log("001-case-r1")
        eventually(lambda: first.exists() and any(isinstance(one, ev.CallStarted) for one in log(first)), "a call")
        return folder

    yield begin_one
    for folder in begun:
        pid = profiler_of(folder)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            eventually(lambda folder=folder: profiler_of(folder) is None, "the end of what was killed")


def profiler_of(folder: SessionFolder) -> int | None:
    """The pid of the session's profiler process while it lives."""
    header = last_header(folder.conductor_log)
    return header.pid if header is not None and whose(header) is not None else None


def suspend(folder: SessionFolder) -> None:
    pid = profiler_of(folder)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: (seen := look(pid)) is not None and seen.state == "stopped", "a suspended profiler")


def interrupted(folder: SessionFolder, times: int) -> list[str]:
    """What a command that follows the session says until its end; ``times`` Ctrl-C come when it waits."""
    said: list[str] = []
    left = [times]

    with stopping_on_signals(folder) as one:

        def wait(seconds: float) -> None:
            if left[0]:
                left[0] -= 1
                os.kill(os.getpid(), signal.SIGINT)
            one.wait(seconds)

        follow_plainly(Follower(folder), say=said.append, wait=wait)
    return said


def test_one_ctrl_c_stops_a_session_in_order(conducted: Callable[[str], SessionFolder]) -> None:
    folder = conducted("sleep")
    said = interrupted(folder, 1)
    events = log(folder.conductor_log)
    assert [end.outcome for end in endings(events)] == ["stopped", "stopped"]
    assert last_word(events).state == "stopped"
    assert any("stopped on request" in line for line in said)


@pytest.mark.parametrize(("times", "does"), [(1, "sleep"), (2, "stubborn")])
def test_one_whose_profiler_is_suspended_ends_too(
    times: int, does: str, conducted: Callable[[str], SessionFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = conducted(does)
    suspend(folder)
    interrupted(folder, times)
    assert folder.liveness(folder.manifest()) is Liveness.GONE
    assert "was suspended: it goes on" in capsys.readouterr().err
    if times == 1:
        assert last_word(log(folder.conductor_log)).state == "stopped"


def test_stop_returns_when_nothing_runs_any_more(
    conducted: Callable[[str], SessionFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = conducted("stubborn")
    assert main(["stop", folder.id]) == 0
    out, err = capsys.readouterr()
    assert folder.liveness(folder.manifest()) is Liveness.GONE
    assert out.splitlines()[-1] == f"session {folder.id} has ended" and err == ""
    assert "within seconds" in out.splitlines()[0]
    assert main(["stop", folder.id]) == 1
    assert "isn't running (stopped)" in capsys.readouterr().err


def test_stop_and_skip_reach_a_suspended_profiler(
    conducted: Callable[[str], SessionFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = conducted("sleep")
    suspend(folder)
    assert main(["skip", folder.id]) == 0
    assert "was suspended: it goes on" in capsys.readouterr().out
    eventually(lambda: len(endings(log(folder.conductor_log))) == 1, "the run's end")
    suspend(folder)
    pid = profiler_of(folder)
    assert pid is not None
    assert main(["stop", folder.id]) == 0
    assert "is suspended: it is let go on" in capsys.readouterr().out
    assert [end.reason for end in endings(finish(folder, pid))] == ["skipped on request", "stopped on request"]
