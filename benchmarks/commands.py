"""``stepscope`` commands, one after the other: signals to us are for the one under way, one time bounds them all."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STEPSCOPE = [sys.executable, str(Path(__file__).resolve().parent.parent / "stepscope.py")]
ENDING_SECONDS = 30.0
"""What of the time that is given is left for the end: a worker gets 10 s for its last word, what it leaves behind 7 s
more; then the tables are made and the logs are kept."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TOGETHER_SECONDS = 1.0
"""Signals that come so close are one: ``timeout`` and ``make`` both send theirs to the same process."""


class Commands:
    """``max_time_s``: seconds from now on in which all is to be over; None: as long as it takes."""

    def __init__(self, max_time_s: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._max_time_s = max_time_s
        self.signalled = False  # a signal ended one of them

    def left_s(self) -> float | None:
        """How long a session may go on from now, in seconds: of the whole time ``ENDING_SECONDS``, of a short one half,
        are for what comes after it. At least 1; None: as long as it takes.
        """
        if self._max_time_s is None:
            return None
        ending = min(ENDING_SECONDS, self._max_time_s / 2)
        return max(1.0, self._max_time_s - ending - (self._clock() - self._began))

    def run(self, *arguments: str) -> int:
        """Run ``stepscope``; its exit code. It stops its session, in bounded time, on a signal."""
        with self._started(arguments) as process:
            return process.wait()

    def follow(self, session: str) -> int:
        """Watch a session that another command has begun to its end; the exit code. On a signal, or when the time is
        up, it is stopped, in bounded time.
        """
        with self._started(("watch", session, "--plain")) as process:
            try:
                code = process.wait(self.left_s())
            except subprocess.TimeoutExpired:
                process.kill()  # it only reads
                code = process.wait()
                self.run("stop", session)
            else:
                if self.signalled:
                    self.run("stop", session)
        return code

    @contextmanager
    def _started(self, arguments: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
        # In a process group of its own: a terminal's Ctrl-C comes to us alone, and once.
        process = subprocess.Popen([*STEPSCOPE, *arguments], process_group=0)
        last: float | None = None

        def pass_on(number: int, _frame: object) -> None:
            nonlocal last
            self.signalled = True
            now = self._clock()
            if last is None or now - last >= _TOGETHER_SECONDS:
                with suppress(ProcessLookupError):
                    process.send_signal(number)
            last = now

        before = {number: signal.signal(number, pass_on) for number in SIGNALS}
        try:
            yield process
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
