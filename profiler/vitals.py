"""Signs of life of a session under way, for whoever looks at it from outside: how long nothing came, and from where.

A worker writes a heartbeat every two seconds from a thread of its own. None for long means that it is suspended, that
C code holds the interpreter, or that it waits in the kernel; at least that is what the kernel is asked for here.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from profiler.analysis.state import RunState, SessionState
from profiler.diskroom import full_disk
from profiler.identity import whose
from profiler.sessions import Liveness

SILENT_SECONDS = 10.0
"""Five heartbeats: a shorter silence is a busy machine's."""


class Vitals(NamedTuple):
    """What is to be known of a session whose profiler is alive. All None: all is well, or nobody can tell."""

    profiler: str | None = None  # "stopped" or "tracing-stop": the profiler process is suspended, no command is obeyed
    run: str | None = None  # the run under way from which nothing came for long
    silent_s: float | None = None  # how long, in seconds
    phase: str | None = None  # in which phase: load, compile, warmup, measure; None: before the first
    disk: str | None = None  # nothing came for long, from the profiler neither, and nothing can: "the disk is full"
    worker: str | None = None  # what its process does: "stopped", "running", "sleeping", "disk-sleep"; None: not known


WELL = Vitals()


def vitals(session: SessionState, liveness: Liveness, now_ns: int, folder: Path) -> Vitals:
    """Signs of life of the session in ``folder`` at ``now_ns`` of this boot's monotonic clock.

    Of a session of another boot nothing is known.
    """
    if liveness is not Liveness.ALIVE or session.over:
        return WELL
    seen = whose(session.header)
    quiet_s = (now_ns - max([session.last_t, *(run.last_t for run in session.runs.values())])) / 1e9
    found = Vitals(
        profiler=seen.state if seen is not None and seen.suspended else None,
        disk=full_disk(folder) if quiet_s >= SILENT_SECONDS else None,
    )
    run = session.current
    silent_s = None if run is None else silence_s(run, now_ns)
    if run is None or silent_s is None or silent_s < SILENT_SECONDS:
        return found
    worker = whose(run.header)
    return found._replace(
        run=run.run.name,
        silent_s=silent_s,
        phase=None if run.phase is None else run.phase.name,
        worker=None if worker is None else worker.state,
    )


def silence_s(run: RunState, now_ns: int) -> float | None:
    """Seconds since the last record of a run under way, heartbeats included; None where it has written none yet."""
    if run.header is None or run.end is not None:
        return None
    return max(0.0, (now_ns - run.last_t) / 1e9)
