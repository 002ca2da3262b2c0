"""A worker never outlives its conductor: it holds the read end of a pipe whose other end closes with the conductor."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Iterable, Mapping

import psutil

VARIABLE = "STEPSCOPE_LIFELINE_FD"
GRACE_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1


def watch(environ: Mapping[str, str] = os.environ) -> threading.Thread | None:
    """Start the thread that ends this process group when the pipe closes; None where no pipe was passed.

    Raises ValueError or OSError if the variable doesn't name an open descriptor.
    """
    given = environ.get(VARIABLE)
    if given is None:
        return None
    descriptor = int(given)
    # Processes that the worker starts (compilers) have no use for it.
    os.set_inheritable(descriptor, False)
    # Suspended (SIGSTOP), the thread could not see the pipe close: the kernel wakes the process when its parent ends.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT, 0, 0, 0)
    thread = threading.Thread(target=_wait, args=(descriptor,), name="stepscope-lifeline", daemon=True)
    thread.start()
    return thread


def _wait(descriptor: int) -> None:
    try:
        while os.read(descriptor, 64):
            pass
    finally:
        _end_process_group()


def _end_process_group() -> None:
    """The group, and what sits below this process in groups and sessions of its own.

    The conductor's guardian does so too, and finds orphans as well; it may have been killed with it.
    """
    # Compilers have no last word to say. The worker has, and may leave as soon as it is told to end.
    _kill(psutil.Process().children(recursive=True))
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    _kill(psutil.Process().children(recursive=True))
    os.killpg(0, signal.SIGKILL)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):  # ended meanwhile
            process.kill()
