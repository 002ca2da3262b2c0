"""Stand-ins for workers that do more than say how they ended, with the real log and lifeline. Import no torch."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from profiler import events as ev
from profiler import identity
from profiler.eventlog import EventLog
from profiler.sessions import SessionFolder, boot_id, host_name
from profiler.worker import lifeline

FOREVER = 600


def run(session: str, run: str, does: str) -> int:
    """Be the worker of ``run`` and do what the word ``does`` says; returns the exit code."""
    if does == "import-error":
        import no_such_module_at_all  # type: ignore[import-not-found]  # noqa: F401
    folder = SessionFolder(Path(session))
    log = EventLog(folder.run_log(run))
    lifeline.watch()
    log.write(
        ev.Header(
            t=time.monotonic_ns(),
            wall_ns=time.time_ns(),
            writer="worker",
            session=folder.id,
            run=run,
            pid=os.getpid(),
            pid_started=identity.started(os.getpid()),
            host=host_name(),
            boot_id=boot_id(),
        )
    )
    log.write(
        ev.Environment(device="cuda:0" if "STANDIN_UUID" in os.environ else "cpu", uuid=os.environ.get("STANDIN_UUID"))
    )
    log.write(ev.PhaseStarted(phase="load"))
    if does.startswith("compiles-"):
        # Leaves something in its compile cache.
        does = does.removeprefix("compiles-")
        kernel = folder.path / "cache" / folder.manifest().request.run(run).case / "inductor" / "deep" / "kernel.so"
        kernel.parent.mkdir(parents=True, exist_ok=True)
        kernel.touch()
    return BEHAVIOURS[does](log)


def _say(log: EventLog, outcome: str, code: int, reason: str | None = None) -> int:
    log.write(ev.RunEnded(outcome=outcome, reason=reason))
    return code


def _sleep(log: EventLog) -> int:
    """A run that takes long and obeys SIGTERM."""

    def obey(_number: int, _frame: object) -> None:
        os._exit(_say(log, "stopped", 0))

    signal.signal(signal.SIGTERM, obey)
    log.write(ev.PhaseStarted(phase="measure"))
    log.write(ev.CallStarted(call=0, phase="measure"))
    time.sleep(FOREVER)
    return 1


def _crash(log: EventLog) -> int:
    os.kill(os.getpid(), signal.SIGSEGV)
    return _sleep(log)


def _stubborn(log: EventLog) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    log.write(ev.PhaseStarted(phase="measure"))
    log.write(ev.CallStarted(call=0, phase="measure"))
    time.sleep(FOREVER)
    return 1


def _suspended(log: EventLog) -> int:
    os.kill(os.getpid(), signal.SIGSTOP)
    return _sleep(log)


def _linger(log: EventLog) -> int:
    log.write(ev.RunEnded(outcome="ok"))
    return _sleep(log) and 0


def _crash_after(log: EventLog) -> int:
    log.write(ev.RunEnded(outcome="ok"))
    return _crash(log)


def _flood(log: EventLog) -> int:
    """100 MB on standard output, in the shape of a progress bar that never ends its line."""
    for _ in range(100):
        os.write(1, (b"\x1b[2J\rstep 1/50 " * 80000)[: 1 << 20])
    os.write(1, b"\nthe last line\n")
    return 3


def _family(log: EventLog) -> int:
    """Ends well and leaves a child, a grandchild in a group of its own and one in a session of its own behind."""
    sleeper = f"import time; time.sleep({FOREVER})"
    nested = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {sleeper!r}]); time.sleep({FOREVER})"
    )
    ignoring = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {sleeper}"
    children = [
        subprocess.Popen([sys.executable, "-c", nested]),
        subprocess.Popen([sys.executable, "-c", ignoring], process_group=0),
        subprocess.Popen([sys.executable, "-c", sleeper], start_new_session=True),
    ]
    log.write(ev.Note(code="children", text=" ".join(str(child.pid) for child in children)))
    time.sleep(0.3)  # let the grandchild start
    for child in children:
        child.returncode = 0  # left behind on purpose: no warning about it
    return _say(log, "ok", 0)


_SLEEPER = f"import time; time.sleep({FOREVER})"
_STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_SLEEPER}"
_ORPHANED = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", sys.argv[1]], stdout=2, start_new_session=True, env={})
print(child.pid, flush=True)
os._exit(0)
"""


def _raise_family() -> list[int]:
    """A child, one in a group and one in a session of its own, and two orphans in sessions of their own without any
    environment; half of them ignore SIGTERM.
    """

    def child(code: str, **where: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdout=subprocess.DEVNULL, **where)

    children = [
        child(_SLEEPER),
        child(_STUBBORN, process_group=0),
        child(_STUBBORN, start_new_session=True),
    ]
    pids = [one.pid for one in children]
    for one in children:
        one.returncode = 0  # left behind on purpose: no warning about it
    for code in (_SLEEPER, _STUBBORN):
        told = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _ORPHANED, code],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            check=True,
        )
        pids.append(int(told.stdout))
    return pids


def _parent(log: EventLog, then: Callable[[EventLog], int]) -> int:
    log.write(ev.Note(code="children", text=" ".join(map(str, _raise_family()))))
    return then(log)


def _suspended_in_a_call(log: EventLog) -> int:
    log.write(ev.PhaseStarted(phase="measure"))
    log.write(ev.CallStarted(call=0, phase="measure"))
    return _suspended(log)


def _deaf(log: EventLog) -> int:
    """C code that keeps the interpreter's lock: no Python of this process runs, in any thread."""
    log.write(ev.PhaseStarted(phase="measure"))
    log.write(ev.CallStarted(call=0, phase="measure"))
    signal.signal(signal.SIGTERM, lambda *_: None)  # Python's, as the worker's own, which is never called
    mutex = ctypes.create_string_buffer(128)  # of zeros: as PTHREAD_MUTEX_INITIALIZER
    for _ in range(2):  # the second one waits for the first, which no signal ends
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)
    return 1


def _closes_its_log(log: EventLog) -> int:
    """Closes every descriptor it has, as a library that makes itself a daemon would."""
    os.closerange(3, 256)
    log.write(ev.PhaseStarted(phase="measure"))
    return _say(log, "ok", 0)


def _beats(log: EventLog, *events: ev.Event) -> int:
    """A main thread that hangs after ``events`` while heartbeats go on."""
    for event in events:
        log.write(event)
    deadline = time.monotonic() + FOREVER
    while time.monotonic() < deadline:
        log.write(ev.Heartbeat(rss_bytes=1))
        time.sleep(0.1)
    return 1


def _walk(log: EventLog) -> int:
    """Calls one after the other until SIGTERM."""

    def obey(_number: int, _frame: object) -> None:
        os._exit(_say(log, "stopped", 0))

    signal.signal(signal.SIGTERM, obey)
    log.write(ev.PhaseStarted(phase="measure"))
    for call in range(int(FOREVER / 0.05)):
        log.write(ev.CallStarted(call=call, phase="measure", start_ns=time.monotonic_ns()))
        time.sleep(0.05)
        log.write(ev.CallEnded(call=call, ns=50_000_000, images=1))
    return 1


BEHAVIOURS = {
    "ok": lambda log: _say(log, "ok", 0),
    "sleep": _sleep,
    "walk": _walk,
    "crash": _crash,
    "stubborn": _stubborn,
    "suspended": _suspended,
    "linger": _linger,
    "crash-after": _crash_after,
    "flood": _flood,
    "family": _family,
    "parent": lambda log: _parent(log, _sleep),
    "parent-suspended": lambda log: _parent(log, _suspended_in_a_call),
    "parent-deaf": lambda log: _parent(log, _deaf),
    "parent-ends": lambda log: _parent(log, lambda log: _say(log, "ok", 0)),
    "deaf": _deaf,
    "closes-its-log": _closes_its_log,
    "hangs-and-beats": lambda log: _beats(log, ev.PhaseStarted(phase="measure"), ev.CallStarted(phase="measure")),
    "hangs-in-a-compile": lambda log: _beats(log, ev.PhaseStarted(phase="compile"), ev.CompileStarted(id="0/0")),
}
