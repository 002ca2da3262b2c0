"""The conductor's process: take the session over, conduct it, let go of it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import msgspec

from profiler import __version__, identity, logins
from profiler import events as ev
from profiler.conductor.conduct import Command, Conductor, losses
from profiler.conductor.guardian import stand_guard
from profiler.conductor.hostmemory import OomKills
from profiler.conductor.ownlog import OwnLog
from profiler.conductor.processes import adopt_orphans
from profiler.conductor.start import FAILED_TOO, RESUME, report, with_limit
from profiler.conductor.supervise import DEFAULT_LIMITS, Limits
from profiler.eventlog import EventLog
from profiler.launch import child_command
from profiler.resume import CannotResume, Debt, survey, take_up, told
from profiler.secrets import redacted
from profiler.sessions import Manifest, SessionFolder, SessionUnreadable, boot_id, host_name
from profiler.trust import trust_of

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class CannotConduct(Exception):
    """The session can't be taken over; one line says why."""


def main(
    session_folder: str,
    *arguments: str,
    command: Command = child_command,
    limits: Limits = DEFAULT_LIMITS,
    oom_kills: OomKills | None = None,
) -> int:
    """Conduct the session in ``session_folder`` to its end, or what is left of it with ``RESUME``.

    Returns 0 when it ended as it should, whatever its runs' outcomes; 1 when it failed or its log has lost records; 2
    when it could not be taken over. Stops the session on SIGTERM, SIGINT and SIGHUP.
    """
    stand_guard()
    folder = SessionFolder(Path(session_folder).absolute())
    try:
        manifest, log, own_log = _take_over(folder, resumes=RESUME in arguments)
        manifest = msgspec.structs.replace(manifest, request=with_limit(manifest.request, arguments))
        debt = _take_up(folder, manifest, log, failed=FAILED_TOO in arguments) if RESUME in arguments else None
    except CannotConduct as error:
        report(str(error))
        _say(str(error))
        return 2
    conductor = Conductor(
        folder,
        manifest.request,
        log,
        adopts=adopt_orphans(),
        command=command,
        limits=limits,
        oom_kills=oom_kills,
        owed=debt.runs if debt else None,
        outcomes=debt.outcomes if debt else None,
        trust=trust_of(arguments),
        own_log=own_log,
    )
    for number in STOP_SIGNALS:
        signal.signal(number, conductor.orders.on_signal)
    _write_header(log, folder.id)
    if debt is not None:
        _tell(log, debt)
    report(None)
    at_logout = logins.warning()
    if at_logout is not None:
        log.write(ev.Note(level="warning", code="logout", text=at_logout))
    failed = False
    try:
        conductor.conduct()
    except Exception as error:
        sys.stderr.write(redacted(traceback.format_exc()))
        failed = True
        log.write(ev.SessionChanged(state="failed", reason=f"the profiler failed: {type(error).__name__}: {error}"))
    log.close()
    missing = own_log.missing()
    if missing is not None:
        _say(f"{folder.conductor_log} was {missing} while the session was conducted")
        with contextlib.suppress(OSError):  # the whole folder was removed, say
            own_log.restore()
    lost = losses(log)
    if lost:
        _say(lost)
    return 1 if failed or lost else 0


def _take_over(folder: SessionFolder, *, resumes: bool) -> tuple[Manifest, EventLog, OwnLog]:
    try:
        manifest = folder.manifest(verbatim=True)
        log = EventLog(folder.conductor_log)
        own_log = OwnLog(folder.conductor_log)
    except SessionUnreadable as error:
        raise CannotConduct(str(error)) from error
    except FileExistsError as error:
        raise CannotConduct(f"session {folder.id} has a conductor already") from error
    except OSError as error:
        raise CannotConduct(f"session {folder.id}: cannot write its log: {error.strerror}") from error
    if os.stat(folder.conductor_log).st_size and not resumes:
        log.close()
        raise CannotConduct(
            f"session {folder.id} was conducted before: 'stepscope resume {folder.id}' makes what it still owes"
        )
    return manifest, log, own_log


def _take_up(folder: SessionFolder, manifest: Manifest, log: EventLog, *, failed: bool) -> Debt:
    """Find out what the session owes and make its folder ready. Closes ``log`` when it can't be resumed."""
    try:
        debt = survey(folder, manifest, failed=failed)
        if debt.nothing:
            raise CannotResume(f"session {folder.id} owes nothing: every run has a result")
        now = take_up(folder, debt, now_wall_ns=time.time_ns(), now_ns=time.monotonic_ns())
    except CannotResume as error:
        log.close()
        raise CannotConduct(str(error)) from error
    except OSError as error:
        log.close()
        raise CannotConduct(f"session {folder.id}: its folder can't be made ready: {error.strerror}") from error
    return debt._replace(manifest=now)


def _tell(log: EventLog, debt: Debt) -> None:
    """What is to be known before the first run of a session that was taken up."""
    now = {"now_wall_ns": time.time_ns(), "now_ns": time.monotonic_ns()}
    for unsaid in debt.unsaid:
        log.write(told(unsaid, debt.manifest, **now))
    count, places = len(debt.runs), len(debt.manifest.earlier)
    where = f" on {debt.manifest.host}" if places and debt.manifest.earlier[-1].host != debt.manifest.host else ""
    text = f"resumed{where} with {count} {'run' if count == 1 else 'runs'} to make"
    if debt.looking:
        text = f"resumed{where} for the repeats that are still needed"
    log.write(ev.Note(code="resumed", text=text))


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
            pid_started=identity.started(os.getpid()),
        )
    )


def _say(line: str) -> None:
    """Standard error is conductor.log."""
    sys.stderr.write(redacted(line) + "\n")
