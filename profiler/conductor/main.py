"""The conductor's process: take the session over, conduct it, let go of it."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from pathlib import Path

import psutil

from profiler import __version__
from profiler import events as ev
from profiler.conductor.conduct import Command, Conductor, losses
from profiler.conductor.processes import adopt_orphans
from profiler.conductor.start import report
from profiler.conductor.supervise import DEFAULT_LIMITS, Limits
from profiler.eventlog import EventLog
from profiler.launch import child_command
from profiler.sessions import Manifest, SessionFolder, SessionUnreadable, boot_id, host_name

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class CannotConduct(Exception):
    """The session can't be taken over; one line says why."""


def main(session_folder: str, *, command: Command = child_command, limits: Limits = DEFAULT_LIMITS) -> int:
    """Conduct the session in ``session_folder`` to its end.

    Returns 0 when it ended as it should, whatever its runs' outcomes; 1 when it failed or its log has lost records; 2
    when it could not be taken over. Stops the session on SIGTERM, SIGINT and SIGHUP.
    """
    folder = SessionFolder(Path(session_folder).absolute())
    try:
        manifest, log = _take_over(folder)
    except CannotConduct as error:
        report(str(error))
        _say(str(error))
        return 2
    conductor = Conductor(folder, manifest.request, log, adopts=adopt_orphans(), command=command, limits=limits)
    for number in STOP_SIGNALS:
        signal.signal(number, conductor.orders.on_signal)
    _write_header(log, folder.id)
    report(None)
    failed = False
    try:
        conductor.conduct()
    except Exception as error:
        traceback.print_exc()
        failed = True
        log.write(ev.SessionChanged(state="failed", reason=f"the profiler failed: {type(error).__name__}: {error}"))
    log.close()
    lost = losses(log)
    if lost:
        _say(lost)
    return 1 if failed or lost else 0


def _take_over(folder: SessionFolder) -> tuple[Manifest, EventLog]:
    try:
        manifest = folder.manifest()
        log = EventLog(folder.conductor_log)
    except SessionUnreadable as error:
        raise CannotConduct(str(error)) from error
    except FileExistsError as error:
        raise CannotConduct(f"session {folder.id} has a conductor already") from error
    except OSError as error:
        raise CannotConduct(f"session {folder.id}: cannot write its log: {error.strerror}") from error
    # A second header and a second count of records would make two sessions of one.
    if os.stat(folder.conductor_log).st_size:
        log.close()
        raise CannotConduct(f"session {folder.id} was conducted before: start a new one")
    return manifest, log


def _write_header(log: EventLog, session: str) -> None:
    log.write(
        ev.Header(
            t=time.monotonic_ns(),
            wall_ns=time.time_ns(),
            writer="conductor",
            session=session,
            stepscope=__version__,
            host=host_name(),
            boot_id=boot_id(),
            pid=os.getpid(),
            pid_started=psutil.Process().create_time(),
        )
    )


def _say(line: str) -> None:
    """Standard error is conductor.log."""
    sys.stderr.write(line + "\n")
