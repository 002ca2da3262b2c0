"""The app in a real pseudo-terminal: what goes over the wire, and how it ends. Bounded waits."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.support.terminal import Terminal

pytestmark = pytest.mark.pty
REPOSITORY = Path(__file__).parents[2]
SECOND = 1_000_000_000
START = """
import sys
from pathlib import Path
from profiler.sessions import SessionFolder
from tui.app import StepscopeApp
app = StepscopeApp(Path(sys.argv[1]), SessionFolder(Path(sys.argv[2])))
app.run()
print(app.farewell)
"""


def start(home: Path, folder: SessionFolder, columns: int = 80, rows: int = 24) -> Terminal:
    command = [sys.executable, "-c", START, str(home), str(folder.path)]
    return Terminal(command, columns=columns, rows=rows, cwd=REPOSITORY, environ={"PYTHONPATH": str(REPOSITORY)})


def settle(terminal: Terminal) -> None:
    """Wait until the figures are there and no byte has come for longer than a chart holds its newest column back."""
    terminal.wait_for("1.61x")
    terminal.wait_for_rest(1.2)


def test_without_stderr_on_the_terminal_the_report_is_plain(tmp_path: Path) -> None:
    folder = recorded.finished().write(tmp_path)
    command = f"{sys.executable} stepscope.py watch {folder.id} 2>{tmp_path / 'errors'}"
    environ = {"STEPSCOPE_HOME": str(tmp_path)}
    with Terminal(["sh", "-c", command], columns=200, rows=50, cwd=REPOSITORY, environ=environ) as terminal:
        terminal.wait_for("speed-up")
        assert terminal.wait() == 0
    assert (tmp_path / "errors").read_bytes() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(number: signal.Signals, tmp_path: Path) -> None:
    with recorded.Feeder(recorded.live(), tmp_path) as feeder:
        feeder.feed_history()
        with start(tmp_path, feeder.folder) as terminal:
            settle(terminal)
            shown = len(terminal.raw)
            terminal.signal(number)
            terminal.wait()
            terminal.wait_for("stepscope watch live-sd15-txt2img brings you back")
            for restored in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1003l"):
                assert restored in terminal.raw[shown:]


@pytest.mark.parametrize("ignored", [False, True], ids=["hang-up", "hang-up under nohup"])
def test_a_lost_terminal_ends_the_app(ignored: bool, tmp_path: Path) -> None:
    folder = recorded.finished().write(tmp_path)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN) if ignored else None
    try:
        terminal = start(tmp_path, folder)
    finally:
        if before is not None:
            signal.signal(signal.SIGHUP, before)
    with terminal:
        terminal.wait_for("results")
        terminal.hang_up()
        try:
            terminal.wait()
        except subprocess.TimeoutExpired:
            pytest.fail(f"still there, having used {terminal.cpu_seconds():.1f} s of CPU")


def test_nothing_is_sent_while_nothing_changes_and_little_when_something_does(tmp_path: Path) -> None:
    recording = recorded.live()
    with recorded.Feeder(recording, tmp_path, here=False) as feeder:
        feeder.feed(recording.live_ns + 5 * SECOND)
        with start(tmp_path, feeder.folder, 120, 40) as terminal:
            terminal.wait_for("call 2 of")
            settle(terminal)
            quiet_from = len(terminal.raw)
            with pytest.raises(TimeoutError):
                terminal.wait_for_bytes(2.0, above=quiet_from)
            feeder.feed(recording.live_ns + 6 * SECOND)
            terminal.wait_for("call 3 of")
            assert len(terminal.raw) - quiet_from < 2000


def test_the_terminal_shows_what_the_app_means_after_many_changes(tmp_path: Path) -> None:
    recording = recorded.live()
    with recorded.Feeder(recording, tmp_path, here=False) as feeder:
        feeder.feed(recording.live_ns)
        with start(tmp_path, feeder.folder, 120, 40) as grown:
            grown.wait_for("results")
            for part in range(1, 5):
                feeder.feed(recording.live_ns + part * 8 * SECOND)
                size = (80, 24) if part % 2 else (120, 40)
                grown.resize(*size)
                grown.send("?")  # opens and closes the help
            with start(tmp_path, feeder.folder, 120, 40) as fresh:
                settle(fresh)
                settle(grown)
                assert grown.text == fresh.text
