"""SIGTERM ends the run at once, in the middle of a call or a compile, with ``stopped`` as its outcome."""

from __future__ import annotations

import signal
import threading
from types import FrameType

AGAIN_SECONDS = 0.5


class Stopped(BaseException):
    """SIGTERM arrived. Not an Exception: torch and the pipelines catch those and go on."""


class StopSignal:
    """Raises Stopped in the main thread when SIGTERM arrives, until ``finished`` is called."""

    def __init__(self) -> None:
        self._finished = False

    def install(self) -> None:
        """Main thread only."""
        signal.signal(signal.SIGTERM, self._handle)

    def finished(self) -> None:
        """The run has its outcome: SIGTERM is ignored from now on, so that the last word gets written."""
        self._finished = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._finished:
            return
        # Python drops an exception that is raised inside a destructor or a callback from C, and then nothing has
        # stopped: knock again until the run is over.
        again = threading.Timer(AGAIN_SECONDS, self._knock)
        again.daemon = True
        again.start()
        raise Stopped

    def _knock(self) -> None:
        if not self._finished:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
