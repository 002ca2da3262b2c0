"""The worker: a process that measures one run, writes what it sees to the run's log, and ends."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

import psutil

import profiler
from profiler import identity, sessions
from profiler.eventlog import EventLog
from profiler.events import Header, RunEnded
from profiler.request import Case, Request
from profiler.secrets import redacted
from profiler.sessions import SessionFolder
from profiler.trust import NOTHING, Trust, trust_of
from profiler.worker import environment, lifeline
from profiler.worker.pulse import Pulse
from profiler.worker.stopping import Stopped, StopSignal

UNWRITTEN = 2


def main(session: str, run: str, *arguments: str) -> NoReturn:
    """Measure ``run`` of the session in the folder ``session``. Does not return: the process ends with the exit code.

    ``arguments`` say what else than safetensors may be loaded (``profiler.trust``).

    0: done, ``unsupported``, out of memory or stopped; 1: failed; 2: the log or its last word could not be written.
    """
    _leave(work(Path(session), run, trust_of(arguments)))


def work(session: Path, run: str, trust: Trust = NOTHING) -> int:
    """``main`` without leaving the process, whose SIGTERM and environment variables it takes over."""
    stop = StopSignal()
    stop.install()
    folder = SessionFolder(session)
    try:
        manifest = folder.manifest(verbatim=True)
        case = manifest.request.case(manifest.request.run(run).case)
        log = EventLog(folder.run_log(run))
    except (sessions.SessionUnreadable, KeyError, ValueError, OSError) as error:
        _say(f"{run}: {error}")
        return UNWRITTEN
    pulse = Pulse(log.write)
    try:
        log.write(_header(folder.id, run))
        pulse.start()
        lifeline.watch()
        environment.prepare(session, case, manifest.request.cache, remote_code=trust.remote_code)
        outcome = _measure(manifest.request, case, folder, run, log, pulse, stop, trust)
    except (Stopped, OSError, ValueError, ImportError) as error:
        # torch isn't there yet, so nothing that can tell more of an exception is either.
        stop.finished()
        stopped = isinstance(error, Stopped)
        reason = None if stopped else " ".join(str(error).split())[:300]
        outcome = RunEnded(outcome="stopped" if stopped else "failed", reason=reason, error=type(error).__name__)
    pulse.stop()
    lost = log.lost
    log.write(outcome)
    told = log.lost == lost
    log.close()
    if log.lost:
        why = log.error.strerror if log.error else "a write came out short"
        _say(f"{log.lost} records could not be written: {why}")
    if not told:
        return UNWRITTEN
    return 1 if outcome.outcome == "failed" else 0


def _measure(
    request: Request,
    case: Case,
    folder: SessionFolder,
    run: str,
    log: EventLog,
    pulse: Pulse,
    stop: StopSignal,
    trust: Trust,
) -> RunEnded:
    """Make the run; whatever ends it becomes its last word."""
    # These import torch, which reads the environment prepared above.
    from profiler.worker import memorylimit
    from profiler.worker.failures import classify
    from profiler.worker.run import CaseRun

    case_run = CaseRun(request, case, folder.id, folder.run(run), log.write, pulse, trust)
    try:
        case_run.execute()
    except BaseException as error:
        stop.finished()
        reason = memorylimit.refusal(error)
        memorylimit.lift()
        if not isinstance(error, Stopped):
            with contextlib.suppress(OSError):  # worker.log may be on the disk that is full
                sys.stderr.write(redacted(traceback.format_exc()))
        ended, out_of_memory = classify(reason, case_run.when, request.device)
        if out_of_memory is not None:
            log.write(out_of_memory)
        return ended
    stop.finished()
    return RunEnded(outcome="ok")


def _header(session: str, run: str) -> Header:
    return Header(
        writer="worker",
        session=session,
        run=run,
        stepscope=profiler.__version__,
        host=sessions.host_name(),
        boot_id=sessions.boot_id(),
        pid=os.getpid(),
        pid_started=identity.started(os.getpid()),
        wall_ns=time.time_ns(),
    )


def _say(line: str) -> None:
    """Standard error is worker.log, which may be on a full disk."""
    with contextlib.suppress(OSError):
        sys.stderr.write(redacted(f"stepscope worker: {line}\n"))


def _leave(code: int) -> NoReturn:
    """End the process now, and the compilers it has started.

    The interpreter's own way out waits for compile jobs under way, and tears down CUDA and thread pools, which can hang
    or crash after all that counts has been written.
    """
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
