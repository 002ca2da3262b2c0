"""Whole sessions with real workers, and single runs in this process."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import profiler
from profiler import sessions
from profiler.analysis.state import SessionState
from profiler.events import Event
from profiler.follow import Follower
from profiler.launch import child_command
from profiler.request import Options, resolve
from profiler.sessions import SessionFolder
from profiler.worker.failures import classify
from profiler.worker.pulse import Pulse

ROOT = Path(profiler.__file__).resolve().parents[1]
MADE_UP = Path(__file__).with_name("madeup.py")
LIMIT_S = 540


def asked(pipeline: str, **options: Any) -> Options:
    """``pipeline`` of the catalogue, or a function of ``madeup``: one repeat of no-compile unless ``options`` say."""
    origin = pipeline if "-" in pipeline else f"{MADE_UP}:{pipeline}"
    return Options(**{"pipeline": origin, "variants": ["no-compile"], "repeats": 1, "calls": 2, **options})


def conduct(home: Path, options: Options, device: str) -> SessionState:
    """Make the session in the foreground, with a conductor and workers of its own; what its logs say."""
    folder = sessions.create(resolve(options, device), profiler.__version__, home)
    runtime = home / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    given = {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "STEPSCOPE_HOME": str(home)}
    with folder.conductor_output.open("wb") as output:
        done = subprocess.run(
            child_command("conductor", str(folder.path)),
            cwd=ROOT,
            env=os.environ | given,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=LIMIT_S,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the conductor ended with {done.returncode}: {folder.conductor_output.read_text()[-2000:]}")
    return read(folder)


def read(folder: SessionFolder) -> SessionState:
    """The folded state of a session that is over."""
    follower = Follower(folder)
    more = True
    while more:
        _, more = follower.poll()
    return follower.state


def told(state: SessionState) -> str:
    """How the runs ended, for a failed test's message."""
    return "; ".join(f"{run.name}: {run.outcome} ({run.reason})" for run in state.runs.values())


def in_this_process(options: Options, device: str, folder: Path) -> list[Event]:
    """The first run of what was asked for, without a conductor and a process of its own: what it would have logged.

    Never for what spoils a CUDA context.
    """
    from profiler.worker.run import CaseRun

    request = resolve(options, device)
    events: list[Event] = []
    case_run = CaseRun(request, request.case(request.runs[0].case), "here", folder, events.append, Pulse(events.append))
    try:
        case_run.execute()
    except Exception as error:
        ended, out_of_memory = classify(error, case_run.when, device)
        events += [event for event in (out_of_memory, ended) if event is not None]
    case_run._lock.release()
    return events
