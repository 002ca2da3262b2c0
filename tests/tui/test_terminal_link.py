"""The app in a real pseudo-terminal that is slow, unfocused, suspended, dragged about or tmux. Bounded waits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import recorded
from tests.support.terminal import FOCUS_COMES, FOCUS_GOES, PATIENCE_S, Terminal

pytestmark = pytest.mark.pty
REPOSITORY = Path(__file__).parents[2]
SECOND = 1_000_000_000
START = """
import sys
from pathlib import Path
from profiler.sessions import SessionFolder
from tui.app import StepscopeApp
from tui.settings import Settings
settings = Settings(max_bytes_per_second=int(sys.argv[3]) or None)
StepscopeApp(Path(sys.argv[1]), SessionFolder(Path(sys.argv[2])), settings=settings).run()
"""
HELP = "the chart before"
QUIET_S = 1.2
"""Longer than a chart holds its newest column back."""


@pytest.fixture
def feeder(tmp_path: Path) -> Iterator[recorded.Feeder]:
    """A session of 20 steps a second, with 5 seconds of its live part."""
    recording = recorded.live()
    with recorded.Feeder(recording, tmp_path, here=False) as made:
        made.feed(recording.live_ns + 5 * SECOND)
        yield made


def command(feeder: recorded.Feeder, budget: int = 0) -> list[str]:
    return [sys.executable, "-c", START, str(feeder.folder.path.parent.parent), str(feeder.folder.path), str(budget)]


def start(
    feeder: recorded.Feeder, columns: int = 120, rows: int = 40, *, budget: int = 0, takes: float | None = None
) -> Terminal:
    environ = {"PYTHONPATH": str(REPOSITORY)}
    return Terminal(command(feeder, budget), columns=columns, rows=rows, cwd=REPOSITORY, environ=environ, takes=takes)


def feed_to(feeder: recorded.Feeder, seconds: float) -> None:
    feeder.feed(feeder.recording.live_ns + int(seconds * SECOND))


def settle(terminal: Terminal) -> None:
    """Wait until no byte has come for a while."""
    terminal.wait_for_rest(QUIET_S)


def test_nothing_is_sent_while_unfocused_or_suspended_and_then_the_newest(feeder: recorded.Feeder) -> None:
    with start(feeder) as terminal:
        terminal.wait_for("call 2 of")
        terminal.send(FOCUS_GOES)
        terminal.wait_for("stands still")
        settle(terminal)
        sent = len(terminal.raw)
        feed_to(feeder, 6)
        with pytest.raises(TimeoutError):
            terminal.wait_for_bytes(2.0, above=sent)
        terminal.send(FOCUS_COMES)
        terminal.wait_for(lambda text: "call 3 of" in text and "stands still" not in text)
        assert len(terminal.raw) - sent < 3000

        # A pane that is split or dragged from the one beside it: what it showed is torn, and it is drawn anew once.
        terminal.send(FOCUS_GOES)
        terminal.wait_for("stands still")
        settle(terminal)
        terminal.resize(84, 24)
        terminal.wait_for(lambda text: "results " in text and text.splitlines()[-1].endswith("q quit"))
        settle(terminal)
        terminal.send(FOCUS_COMES)
        terminal.wait_for(lambda text: "stands still" not in text)

        terminal.signal(signal.SIGTSTP)
        until(lambda: psutil.Process(terminal.process.pid).status() == psutil.STATUS_STOPPED)
        until(lambda: b"\x1b[?1049l" in terminal.raw[sent:])
        stopped = len(terminal.raw)
        feed_to(feeder, 9)
        with pytest.raises(TimeoutError):
            terminal.wait_for_bytes(0.5, above=stopped)
        terminal.signal(signal.SIGCONT)
        terminal.wait_for("call 4 of")
        assert b"\x1b[?1049h" in terminal.raw[stopped:]


def test_stopped_by_another_process_it_goes_on_as_it_was(feeder: recorded.Feeder) -> None:
    with start(feeder, 118, 38) as terminal:
        before = terminal.modes
        terminal.wait_for("call 2 of")
        settle(terminal)
        seen, threads, raw = terminal.text, terminal.threads, terminal.modes
        assert raw != before
        for _ in range(3):
            terminal.signal(signal.SIGSTOP)
            until(lambda: psutil.Process(terminal.process.pid).status() == psutil.STATUS_STOPPED)
            sent = len(terminal.raw)
            terminal.signal(signal.SIGCONT)
            until(lambda sent=sent: b"\x1b[?1049h" in terminal.raw[sent:])
            settle(terminal)
            assert (terminal.text, terminal.threads, terminal.modes) == (seen, threads, raw)
        terminal.send("q")
        assert terminal.wait() == 0
        assert terminal.modes == before
        # The keyboard's protocol is left as often as it was entered.
        assert terminal.raw.count(b"\x1b[>") == terminal.raw.count(b"\x1b[<u") > 0


def test_a_window_that_is_dragged_about_costs_little_and_ends_right(feeder: recorded.Feeder) -> None:
    with start(feeder) as dragged:
        dragged.wait_for("call 2 of")
        settle(dragged)
        sent, used = len(dragged.raw), dragged.cpu_seconds()
        for number in range(200):
            dragged.resize(80 + number % 90, 24 + number % 37)
        dragged.resize(118, 38)
        settle(dragged)
        assert len(dragged.raw) - sent < 60_000
        assert dragged.cpu_seconds() - used < 2.0
        dragged.send("?")
        dragged.wait_for(HELP)
        dragged.send("?")
        settle(dragged)
        with start(feeder, 118, 38) as fresh:
            fresh.wait_for("call 2 of")
            settle(fresh)
            assert dragged.text == fresh.text


def test_a_slow_link_gets_fewer_pictures_and_answers_keys(feeder: recorded.Feeder) -> None:
    with start(feeder) as terminal:
        terminal.wait_for("call 2 of")
        settle(terminal)
        terminal.takes = 400.0  # bytes a second; a full pseudo-terminal holds some thousand
        for part in range(70, 96):
            feed_to(feeder, part / 10)
            with_timeout(terminal, 0.1)
        terminal.takes = None
        terminal.wait_for("call 4 of")  # the newest, whatever was left out before
        terminal.send("?")
        terminal.wait_for(HELP)


def test_a_budget_of_bytes_is_kept(feeder: recorded.Feeder) -> None:
    budget = 2000
    with start(feeder, budget=budget) as terminal:
        terminal.wait_for("call 2 of")
        begun = time.monotonic()
        sent = len(terminal.raw)
        for part in range(60, 96):
            feed_to(feeder, part / 10)
            with_timeout(terminal, 0.1)
        seconds = time.monotonic() - begun
        one = 6000  # a picture may overdraw the budget, which the next ones wait for
        assert len(terminal.raw) - sent <= budget * seconds + one
        terminal.send("?")
        terminal.wait_for(HELP)


def with_timeout(terminal: Terminal, seconds: float) -> None:
    """Let time pass, in which bytes may come or not."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            terminal.wait_for_bytes(left, above=len(terminal.raw))
        except TimeoutError:
            return


def until(true: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait for something outside of the terminal."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.02)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux isn't installed")
def test_in_tmux_it_lives_through_detaching_and_another_size(feeder: recorded.Feeder, tmp_path: Path) -> None:
    socket = tmp_path / "tmux"
    tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
    environ = {name: value for name, value in os.environ.items() if name not in ("TMUX", "COLUMNS", "LINES")}
    environ |= {"PYTHONPATH": str(REPOSITORY), "LANG": "C.UTF-8"}

    def told(*arguments: str) -> str:
        done = subprocess.run(
            [*tmux, *arguments], env=environ, cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        return done.stdout

    def shows(wanted: str) -> bool:
        return wanted in told("capture-pane", "-p", "-t", "it")

    told("new-session", "-d", "-s", "it", "-x", "120", "-y", "40", *command(feeder))
    try:
        until(lambda: shows("call 2 of"))
        with Terminal([*tmux, "attach", "-t", "it"], columns=120, rows=40, cwd=REPOSITORY) as first:
            first.wait_for("call 2 of")
        until(lambda: not told("list-clients"))  # the connection was lost: tmux detached it
        feed_to(feeder, 9)
        until(lambda: shows("call 4 of"))
        with Terminal([*tmux, "attach", "-t", "it"], columns=90, rows=30, cwd=REPOSITORY) as second:
            second.wait_for("call 4 of")
            until(lambda: len(told("capture-pane", "-p", "-t", "it").splitlines()) in (29, 30))
            second.send("?")
            second.wait_for(HELP)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)
