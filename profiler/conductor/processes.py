"""The processes of a run: start the worker in a session of its own, find what belongs to it, end all of it."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from profiler import identity
from profiler.conductor.start import open_output

LIFELINE_VARIABLE = "STEPSCOPE_LIFELINE_FD"
"""Names the read end of a pipe in a worker: end-of-file on it means that the conductor is gone."""
GRACE_SECONDS = 10.0
SWEEP_SECONDS = 2.0
KILL_SECONDS = 5.0
_LOOK_SECONDS = 0.05
_PR_SET_CHILD_SUBREAPER = 36


class Survivor(NamedTuple):
    """A process that even SIGKILL has not ended."""

    pid: int
    state: str  # psutil's word: "disk-sleep", "running", ...


class Ended(NamedTuple):
    """How ``WorkerProcess.end`` went."""

    killed: bool  # the worker ignored SIGTERM for the whole grace time
    survivors: list[Survivor]


def adopt_orphans() -> bool:
    """Have the kernel hand every orphan below this process to it, so that none is out of sight; False if it can't."""
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


class WorkerProcess:
    """A worker, leader of its own session and process group, tied to this process by its lifeline."""

    def __init__(self, command: list[str], output: Path, environ: Mapping[str, str], *, adopts: bool) -> None:
        """Start ``command`` with its output appended to ``output``. Raises OSError; then nothing is left open.

        ``adopts`` says that ``adopt_orphans`` worked: every process below this one then belongs to the run.
        """
        self._adopts = adopts
        read_end, self._lifeline = os.pipe()
        descriptor = -1
        try:
            descriptor = open_output(output)
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                close_fds=True,
                pass_fds=(read_end,),
                env={**environ, LIFELINE_VARIABLE: str(read_end)},
            )
        except OSError:
            os.close(self._lifeline)
            raise
        finally:
            os.close(read_end)
            if descriptor >= 0:
                os.close(descriptor)
        self.pid = self._process.pid
        # Without it ``wait`` asks every few milliseconds.
        self._pidfd = identity.descriptor_of(self.pid)

    def wait(self, timeout_s: float) -> int | None:
        """Sleep until the worker has ended, at most ``timeout_s``; its exit code (-N: signal N), None if it lives.

        It stays a zombie until ``end``: no other process can have its pid or be taken for the leader of its session.
        """
        if self._process.returncode is not None:
            return self._process.returncode
        deadline = time.monotonic() + timeout_s
        while (code := _exit_code(self.pid)) is None and (left := deadline - time.monotonic()) > 0:
            if self._pidfd is None:
                time.sleep(min(left, _LOOK_SECONDS))
                continue
            waiting = select.poll()
            waiting.register(self._pidfd, select.POLLIN)
            waiting.poll(left * 1000)
        return code

    def state(self) -> str:
        """psutil's word for what the worker's main thread does; "gone" once it has ended."""
        seen = None if self._process.returncode is not None else identity.look(self.pid)
        return seen.state if seen is not None and seen.alive else "gone"

    def cpu_seconds(self) -> float:
        """How long the run's processes have computed, as far as they are still there."""
        return sum(_cpu_seconds(process) for process in self._members())

    def end(self, grace_s: float = GRACE_SECONDS) -> Ended:
        """End the worker (TERM, ``grace_s`` for its last word, KILL), then whatever is left of its processes."""
        killed = False
        if self.wait(0.0) is None:
            self._signal_worker(signal.SIGTERM)
            # A suspended process sees SIGTERM only once it goes on.
            self._signal_worker(signal.SIGCONT)
            killed = self.wait(grace_s) is None
        survivors = sweep(self._left, 0.0 if killed else SWEEP_SECONDS)
        self._process.poll()
        return Ended(killed, survivors)

    def close(self) -> None:
        """Let go of the descriptors; a worker that still lives ends itself then."""
        os.close(self._lifeline)
        if self._pidfd is not None:
            os.close(self._pidfd)

    def _signal_worker(self, number: int) -> None:
        # Not collected yet, so the pid is its own.
        if self._process.returncode is None:
            os.kill(self.pid, number)

    def _left(self) -> list[psutil.Process]:
        """Live processes of the run: below this process, and everyone in the worker's session."""
        return [process for process in self._members() if not _over(process, self.pid)]

    def _members(self) -> set[psutil.Process]:
        found = set(_session_members(self.pid))
        if self._adopts:
            found.update(psutil.Process().children(recursive=True))
        return found


def below(keep: int) -> list[psutil.Process]:
    """Live processes below this one. Its own children that have ended are collected, all but ``keep``."""
    return [process for process in psutil.Process().children(recursive=True) if not _over(process, keep)]


def sweep(left: Callable[[], Iterable[psutil.Process]], grace_s: float) -> list[Survivor]:
    """End what ``left`` finds: TERM, ``grace_s``, KILL. Returns what is there ``KILL_SECONDS`` after that."""
    for number, seconds in [(signal.SIGTERM, grace_s), (signal.SIGKILL, KILL_SECONDS)]:
        deadline = time.monotonic() + seconds
        signalled: set[psutil.Process] = set()
        while found := set(left()):
            if time.monotonic() >= deadline:
                break
            # Looked for again each time: a process may start another before the signal reaches it.
            for process in found - signalled:
                _signal(process, number)
                _signal(process, signal.SIGCONT)
                signalled.add(process)
            time.sleep(_LOOK_SECONDS)
        else:
            return []
    return [Survivor(process.pid, _status(process)) for process in left()]


def _exit_code(child: int) -> int | None:
    """The exit code of a child that is left uncollected (-N: signal N), None while it lives."""
    found = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def _over(process: psutil.Process, keep: int) -> bool:
    """Whether it has ended. It is collected then if it is a child of this process other than ``keep``."""
    if _status(process) not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD, "gone"):
        return False
    if process.pid != keep:
        _reap(process.pid)
    return True


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        spent = process.cpu_times()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
    return float(spent.user + spent.system + spent.children_user + spent.children_system)


def _session_members(leader: int) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == leader:
                found.append(psutil.Process(pid))
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    return found


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        # Ended meanwhile, or runs as another user: then it is reported as a survivor.
        return


def _status(process: psutil.Process) -> str:
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return "gone"


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # Somebody else's child: its parent collects it.
        return
