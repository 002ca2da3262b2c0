"""The end of the program at moments that are hard to meet: the signal comes from within, right there. Bounded waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support import recorded
from tests.support.terminal import Terminal
from tests.tui.test_terminal_link import until
from tui.ending import CODES, PUT_BACK, Ending

REPOSITORY = Path(__file__).parents[2]
AT = """
import os, signal, sys
import stepscope
from textual.drivers.linux_driver import LinuxDriver

def strike(name, number):
    whole = getattr(LinuxDriver, name)
    def struck(*arguments, **options):
        whole(*arguments, **options)
        setattr(LinuxDriver, name, whole)
        os.kill(os.getpid(), number)
    setattr(LinuxDriver, name, struck)

strike(sys.argv.pop(1), getattr(signal, sys.argv.pop(1)))
sys.exit(stepscope.main())
"""
LOADING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # what starts the tests may have it ignored
import stepscope

class Struck:
    def find_spec(self, name, *_):
        if name == "tui.terminals":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Struck())
sys.exit(stepscope.main())
"""


def start(home: Path, after: str, number: str) -> Terminal:
    """The command on a session; once ``after`` of Textual's driver is done, the signal ``number`` comes."""
    folder = recorded.finished().write(home)
    environ = {"PYTHONPATH": str(REPOSITORY), "STEPSCOPE_HOME": str(home)}
    command = [sys.executable, "-c", AT, after, number, "watch", folder.id]
    return Terminal(command, columns=100, rows=30, cwd=REPOSITORY, environ=environ)


@pytest.mark.pty
def test_a_signal_before_the_first_picture_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with start(tmp_path, "start_application_mode", "SIGTERM") as terminal:
        before = terminal.modes
        assert terminal.wait(30) == 128 + signal.SIGTERM
        assert terminal.modes == before
        terminal.wait_for("opens the session again")
        assert terminal.raw.rfind(b"\x1b[?1049l") > terminal.raw.rfind(b"\x1b[?1049h") > -1


@pytest.mark.pty
def test_stopped_while_it_begins_and_ended_while_the_terminal_takes_nothing(tmp_path: Path) -> None:
    with start(tmp_path, "__init__", "SIGTSTP") as terminal:
        before = terminal.modes
        process = psutil.Process(terminal.process.pid)
        until(lambda: process.status() == psutil.STATUS_STOPPED, 30)
        terminal.signal(signal.SIGCONT)
        terminal.wait_for("results", 30)
        threads = terminal.threads
        with terminal._changed:  # what reads waits for it
            fill(Path(os.readlink(f"/proc/{terminal.process.pid}/fd/2")))
            terminal.send("q")
            until(lambda: terminal.threads < threads, 30)  # no key is read any more
            terminal.signal(signal.SIGTERM)
            assert terminal.wait(30) == 0  # the key's code: it came first
            assert terminal.modes == before
        until(lambda: terminal.raw.endswith(PUT_BACK), 30)


def fill(terminal: Path) -> None:
    """Write until the terminal takes nothing more; what reads it has stopped, or is about to."""
    descriptor = os.open(terminal, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    full_since = time.monotonic()
    try:
        while time.monotonic() - full_since < 0.5:
            try:
                os.write(descriptor, b"." * 1024)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                full_since = time.monotonic()
    finally:
        os.close(descriptor)


def test_ctrl_c_while_modules_are_loaded_ends_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADING, "ls"], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_first_that_ends_it_says_the_code_and_the_soonest_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.ending._hung_up", lambda _: False)
    ending = Ending(lambda _: None, lambda: None)
    ending.begin(0)
    late = ending._deadline
    ending.begin(CODES[signal.SIGTERM], 1.0)
    assert ending._deadline < late
    soon = ending._deadline
    ending.begin(CODES[signal.SIGHUP])
    assert (ending._code, ending._deadline) == (0, soon)
    ending.over()
    ending._see_to_it()  # returns: nothing is left to see to
