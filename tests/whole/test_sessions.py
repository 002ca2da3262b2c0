from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from profiler import sessions
from profiler.follow import Follower
from tests.support.terminal import Terminal
from tests.whole.program import COMMAND, PATIENCE_S, begun, measured_calls, only, ours, role, stepscope, until

pytestmark = [pytest.mark.pty, pytest.mark.usefixtures("nothing_stays_behind")]

# dynamo alone: everything but the kernels is real, and a compile takes a second.
TINY = ["run", "sd15-txt2img", "--size", "tiny", "--device", "cpu", "--backend", "eager", "--repeats", "1"]
TEARDOWN = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l")


def measuring(calls: int) -> Callable[[str], bool]:
    """Whether a screen shows a measured call under way; a particular one may come and go between two paints."""
    return lambda text: re.search(rf"\bcall \d+ of {calls}\b", text) is not None


def results(text: str) -> list[str]:
    """The rows of the results table; the axes of the charts may remember more than a new screen can know."""
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("results")), len(lines))
    return lines[start:]


def test_a_session_survives_the_loss_of_its_terminal_and_is_there_when_one_comes_back(own_home: Path) -> None:
    with Terminal([*COMMAND, *TINY, "--variant", "no-compile", "--variant", "compile", "--calls", "30"]) as terminal:
        terminal.wait_for(measuring(30), PATIENCE_S)
        before = only(own_home)
        terminal.hang_up()
        assert terminal.wait() is not None
    assert ours(own_home), "the profiler went with the terminal"
    assert before.liveness(before.manifest()) is not sessions.Liveness.GONE
    with Terminal([*COMMAND, "watch", "last"], columns=120, rows=40) as terminal:
        terminal.wait_for("compile")
        terminal.wait_for("done", PATIENCE_S)
        terminal.wait_for(lambda text: len(results(text)) > 3)
        first = results(terminal.text)
        terminal.send("q")
        assert terminal.wait() == 0
    state = Follower(before).read_all()
    assert state.state == "done"
    assert [run.outcome for run in state.runs.values()] == ["ok", "ok"]
    assert all(len(run.calls_of("measure")) == 30 for run in state.runs.values())
    with Terminal([*COMMAND, "watch", "last"], columns=120, rows=40) as terminal:
        terminal.wait_for("done")
        terminal.wait_for(lambda text: results(text) == first)


def test_q_leaves_the_profiler_running_and_says_how_to_come_back(own_home: Path) -> None:
    with Terminal([*COMMAND, *TINY, "--variant", "no-compile", "--calls", "200"]) as terminal:
        terminal.wait_for(measuring(200), PATIENCE_S)
        terminal.send("q")
        terminal.wait_for(f"stepscope watch {only(own_home).id}")
        assert terminal.wait() == 0
        for code in TEARDOWN:
            assert code in terminal.raw
    assert role(own_home, "worker")
    assert stepscope("stop", "last").returncode == 0
    until(lambda: not ours(own_home))
    state = Follower(only(own_home)).read_all()
    assert state.state == "stopped"
    assert [run.outcome for run in state.runs.values()] == ["stopped"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_restore_the_terminal(number: signal.Signals, own_home: Path) -> None:
    with Terminal(COMMAND) as terminal:
        terminal.wait_for("stepscope")
        until(lambda: TEARDOWN[0][:-1] + b"h" in terminal.raw)
        terminal.signal(number)
        terminal.wait()
        for code in TEARDOWN:
            assert code in terminal.raw


def test_a_killed_screen_disturbs_nothing(own_home: Path) -> None:
    with Terminal([*COMMAND, *TINY, "--variant", "no-compile", "--calls", "20"]) as terminal:
        terminal.wait_for(measuring(20), PATIENCE_S)
        terminal.signal(signal.SIGKILL)
        terminal.wait()
    until(lambda: not ours(own_home))
    assert Follower(only(own_home)).read_all().state == "done"


def test_a_killed_worker_is_reported_and_the_other_runs_are_made(own_home: Path) -> None:
    assert (
        stepscope(*TINY, "--variant", "no-compile", "--variant", "compile", "--calls", "40", "--detach").returncode == 0
    )
    folder = only(own_home)
    until(lambda: measured_calls(folder) >= 2)
    role(own_home, "worker").kill()
    until(lambda: not ours(own_home))
    shown = json.loads(stepscope("show", "last", "--json").stdout)
    assert [run["outcome"] for run in shown["runs"]] == ["died", "ok"]
    assert "SIGKILL" in shown["runs"][0]["reason"]
    assert (
        len([call for call in shown["runs"][0]["calls"] if call["phase"] == "measure"]) >= 2
    )  # what was logged is kept
    assert shown["state"] == "done"


def test_a_killed_conductor_takes_its_worker_along_and_the_next_session_starts_cleanly(own_home: Path) -> None:
    assert stepscope(*TINY, "--variant", "no-compile", "--calls", "500", "--detach").returncode == 0
    folder = only(own_home)
    until(lambda: measured_calls(folder) >= 1)
    role(own_home, "conductor").kill()
    until(lambda: not ours(own_home))
    shown = json.loads(stepscope("show", "last", "--json").stdout)
    assert shown["state"] == "died"
    assert shown["runs"][0]["outcome"] == "died"
    again = stepscope(*TINY, "--variant", "no-compile", "--calls", "2", "--steps", "3", "--headless", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["runs"][0]["outcome"] == "ok"


def test_headless_is_stopped_by_a_signal_and_says_so(own_home: Path) -> None:
    command = [*COMMAND, *TINY, "--variant", "no-compile", "--calls", "500", "--headless"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        until(lambda: begun(own_home))
        folder = only(own_home)
        until(lambda: measured_calls(folder) >= 1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "stopped" in out
    assert not ours(own_home)


def test_two_sessions_share_a_device_one_after_the_other(own_home: Path) -> None:
    assert stepscope(*TINY, "--variant", "no-compile", "--calls", "2000", "--detach").returncode == 0
    first = only(own_home)
    until(lambda: measured_calls(first) >= 1)
    refused = stepscope(*TINY, "--variant", "no-compile", "--calls", "1", "--no-queue", "--headless")
    assert refused.returncode == 1
    assert first.id in refused.stdout
    known = {folder.id for folder in sessions.all_sessions(own_home)}

    def is_waiting() -> bool:
        later = [folder for folder in sessions.all_sessions(own_home) if folder.id not in known]
        if not later or not later[0].manifest_file.exists():
            return False
        return any(run.waiting is not None for run in Follower(later[0]).read_all().runs.values())

    command = [*COMMAND, *TINY, "--variant", "no-compile", "--calls", "1", "--headless"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        until(is_waiting)
        sessions.send(first, "stop")
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert f"waiting behind {first.id}" in out
    assert Follower(first).read_all().state == "stopped"
