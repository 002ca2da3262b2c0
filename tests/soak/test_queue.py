"""Ten sessions that are started at once have the device one after the other, and all of them get it."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from profiler import sessions
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from tests.soak import queueing
from tests.whole.program import COMMAND

ROOT = Path(__file__).resolve().parents[2]
MANY = 10


def test_ten_at_once_have_the_device_one_by_one(tmp_path: Path) -> None:
    killed = [0, 4]
    program = [sys.executable, "-m", queueing.__name__, str(tmp_path), str(MANY), "0.02", *map(str, killed)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    before = ""  # who looks before anybody has written its name sees none
    for number, line in zip(killed, done.stdout.splitlines(), strict=True):
        turns = json.loads(line)
        assert sorted(session for session, *_ in turns) == [f"{number:02d}-session" for number in range(MANY)]
        for (_, _, _, given), (_, _, taken, _) in pairwise(turns):
            assert given is None or given <= taken, "two had the device at once"
        assert [place for place, turn in enumerate(turns, start=1) if turn[3] is None] == ([number] if number else [])
        earlier = [before]
        for session, behind, *_ in turns:
            assert set(behind) <= set(earlier), "it waited behind somebody who hadn't the device before it"
            earlier.append(session)
        before = earlier[-1]


@pytest.mark.soak
def test_ten_sessions_of_the_program_at_once(own_home: Path) -> None:
    asked = ["run", "sd15-txt2img", "--size", "tiny", "--device", "cpu", "--variant", "no-compile", "--steps", "4"]
    asked += ["--calls", "2", "--repeats", "1", "--headless"]
    started = [
        subprocess.Popen([*COMMAND, *asked], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(MANY)
    ]
    for process in started:
        said, _ = process.communicate(timeout=1200)
        assert process.returncode == 0, said
    states = [Follower(folder).read_all() for folder in sessions.all_sessions(own_home)]
    assert [state.conducted for state in states] == ["done"] * MANY
    turns = sorted(map(_turn, states))
    for (_, given), (taken, _) in pairwise(turns):
        assert given <= taken, "two measured at once"
    assert not [process for process in psutil.process_iter() if str(own_home) in " ".join(_command(process))]


def _turn(state: SessionState) -> tuple[int, int]:
    """From when to when the session's one run had the device."""
    (run,) = state.runs.values()
    assert run.outcome == "ok" and run.end is not None
    return run.phases[0].start_ns, run.end.t


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
