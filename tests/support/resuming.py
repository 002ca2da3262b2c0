"""Sessions that were left, and what the next conductor does with them."""

from __future__ import annotations

import time

from profiler import events as ev
from profiler import sessions
from profiler.analysis.state import SessionState
from profiler.eventlog import EventLog
from profiler.follow import Follower
from profiler.resume import Debt, find_debt, take_up
from profiler.sessions import Manifest, SessionFolder


def names(folder: SessionFolder) -> list[str]:
    return [run.name for run in folder.manifest().request.runs]


def say(folder: SessionFolder, *events: ev.Event) -> None:
    """Append records of another conductor, of this boot, and end it."""
    log = EventLog(folder.conductor_log)
    log.write(
        ev.Header(t=time.monotonic_ns(), wall_ns=time.time_ns(), host=sessions.host_name(), boot_id=sessions.boot_id())
    )
    log.write(ev.SessionChanged(state="running"))
    for event in events:
        log.write(event)
    log.close()


def again(folder: SessionFolder, **options: bool) -> tuple[Debt, Manifest]:
    debt = find_debt(folder, **options)
    return debt, take_up(folder, debt, now_wall_ns=time.time_ns(), now_ns=time.monotonic_ns())


def read(folder: SessionFolder) -> SessionState:
    return Follower(folder).read_all()
