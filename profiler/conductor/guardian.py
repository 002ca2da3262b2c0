"""A killed conductor leaves no process behind: its guardian, which is its parent, sees to that.

A worker ends by itself when its conductor is gone (`profiler.worker.lifeline`), but what it has started may sit in
sessions and groups of its own, and C code that holds the interpreter keeps it from noticing at all. The kernel hands
every orphan to the closest ancestor that adopts; with the conductor dead that is the guardian, whatever the orphan has
made of its session, its group and its environment. The guardian sleeps all the time and does nothing else.

Where the guardian itself is killed, the conductor goes on; the workers' own lifeline then has to do.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
from types import FrameType
from typing import NoReturn

from profiler import identity
from profiler.conductor.processes import SWEEP_SECONDS, adopt_orphans, below, sweep

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_NAME = 15
_KILLED = 128  # plus the signal: the exit code that a shell gives


def stand_guard() -> None:
    """Go on in a child of this process, which stays as its guardian and ends with its exit code.

    To be called before anything is open that must close with the conductor, and while there is one thread. Where no
    process can be made, this one goes on without a guardian.
    """
    # Both go by the same signals: none may come between.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    guardian = os.getpid()
    adopt_orphans()  # before there is one who could leave any
    try:
        conductor = os.fork()
    except OSError:
        conductor = 0
    else:
        if conductor:
            _guard(conductor)
        atexit.register(_let_go_on, guardian)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _let_go_on(guardian: int) -> None:
    """Suspended by whoever suspends all that is called stepscope, it would stay for ever."""
    if os.getppid() == guardian:
        os.kill(guardian, signal.SIGCONT)


def _close_all() -> None:
    """All but standard input, output and error."""
    try:
        highest = max(map(int, os.listdir("/proc/self/fd")))
    except OSError:
        highest = 255
    # Not up to the limit: that is a thousand million in some containers, and old kernels close one by one.
    os.closerange(3, highest + 1)


def _guard(conductor: int) -> NoReturn:
    code = 1
    # Whatever happens here, this process must not go on as a second conductor.
    with contextlib.suppress(BaseException):
        ctypes.CDLL(None).prctl(_PR_SET_NAME, identity.GUARDIAN.encode(), 0, 0, 0)
        _close_all()

        def forward(number: int, _frame: FrameType | None) -> None:
            # It is our child and is collected below, so its pid is nobody else's.
            os.kill(conductor, number)

        for number in FORWARDED:
            signal.signal(number, forward)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        # Left uncollected until the end, so that no signal can reach another process with its pid.
        found = os.waitid(os.P_PID, conductor, os.WEXITED | os.WNOWAIT)
        assert found is not None
        code = found.si_status if found.si_code == os.CLD_EXITED else _KILLED + found.si_status
        sweep(lambda: below(conductor), SWEEP_SECONDS)
        # Collected by us, and not left to whoever is process 1: in a container that may be a program that never does.
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        os.waitpid(conductor, 0)
    os._exit(code)
