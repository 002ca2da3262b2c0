"""The program as a user starts it, and what is left of it on the machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from profiler import sessions
from profiler.follow import Follower
from profiler.sessions import SessionFolder

PATIENCE_S = 300.0
"""A bound for a machine under load, on which a compile may take minutes; tests wait for what they need, no longer."""

ENTRY = Path(__file__).resolve().parents[2] / "stepscope.py"
COMMAND = [sys.executable, str(ENTRY)]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def ours(home: Path) -> list[psutil.Process]:
    """Conductors and workers of the sessions in ``home``."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def role(home: Path, name: str) -> psutil.Process:
    """The ``conductor`` or the ``worker``; the conductor's guardian, its parent, has the same command line."""
    found = [process for process in ours(home) if name in process.cmdline()]
    return next(process for process in found if name == "worker" or process.ppid() in {other.pid for other in found})


def only(home: Path) -> SessionFolder:
    (folder,) = sessions.all_sessions(home)
    return folder


def begun(home: Path) -> bool:
    """Whether there is a session; its folder is there a moment before what it says of itself."""
    return any(folder.manifest_file.exists() for folder in sessions.all_sessions(home))


def stepscope(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def measured_calls(folder: SessionFolder) -> int:
    state = Follower(folder).read_all()
    return sum(len(run.calls_of("measure")) for run in state.runs.values())
