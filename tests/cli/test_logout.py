"""Where a logout kills what a login has started, that is said before it does."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from profiler import doctor, logins
from tests.conductor.support import begin, finish, make
from tests.conductor.test_real_processes import running
from tui.cli import main


@pytest.mark.parametrize("killed", [True, False])
def test_doctor_and_what_leaves_a_session_behind_say_so(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], killed: bool
) -> None:
    monkeypatch.setattr(logins, "killed_at_logout", lambda: killed)
    found = {finding.name: finding for finding in doctor.examine(own_home)}
    assert ("logout" in found) is killed

    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep")
    running(folder)
    os.kill(pid, signal.SIGTERM)
    finish(folder, pid)
    monkeypatch.setattr(
        "profiler.conductor.resume", lambda *_, **__: pid
    )  # the real one needs torch, and takes its time
    assert main(["resume", folder.id, "--detach", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("{")
    assert err == (f"stepscope: {logins.TEXT}: {logins.REMEDY}\n" if killed else "")
