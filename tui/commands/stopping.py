"""Ctrl-C and other signals to a command that waits for a session: they end it, in bounded time."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from profiler import halt, sessions
from profiler.sessions import SessionFolder
from tui.commands.common import RUN_FAILED, CommandError
from tui.echo import echo
from tui.managing import wake

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ASKED_SECONDS = 20.0
"""From the first signal until the session is ended with more than a request. A worker gets 10 s for its last word, and
what it leaves behind 7 s more."""
AT_ONCE = halt.Patience(obey=1.0, end=2.0, die=15.0)
"""After a second signal: seconds for the request, for the end, and after SIGKILL."""


class _Sooner(Exception):
    """A further signal came: what goes on is too slow."""


class Stopping:
    """What the signals have asked for so far. ``wait`` does what a signal handler can't."""

    def __init__(
        self,
        folder: SessionFolder,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        end: Callable[..., bool] = halt.halt,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._sleep = sleep
        self._end = end
        self._signals = 0
        self._answered = 0  # how many of the signals the waiting has seen
        self._first_at = 0.0
        self._unasked = False

    def on_signal(self, number: int, _frame: object) -> None:
        """A signal handler: the first one leaves the request to stop, however busy the command is."""
        self._signals += 1
        if self._signals == 1:
            self._first_at = self._clock()
            try:
                sessions.send(self._folder, "stop")
            except OSError:
                self._unasked = True

    def wait(self, seconds: float) -> None:
        """Sleep for so long. After a signal: see to it that the session ends, which may take longer.

        Raises CommandError, code 1, where a process of the session can't be ended.
        """
        if not self._signals:
            self._sleep(seconds)
            return
        again = self._signals > 1
        if again and self._answered < 2:
            _say("stopping at once")
        elif not again and not self._answered:
            _say("stopping: the run under way ends within seconds; a second ctrl-c ends it at once")
            woken = wake(self._folder)
            if woken is not None:
                _say(f"the profiler process {woken} was suspended: it goes on, to end")
        self._answered = self._signals
        if again or self._unasked or self._clock() - self._first_at >= ASKED_SECONDS:
            self._see_to_it(AT_ONCE if again else halt.PATIENCE)
        self._sleep(seconds)

    def _see_to_it(self, patience: halt.Patience) -> None:
        answered = self._signals

        def sleep(seconds: float) -> None:
            if self._signals > answered:
                raise _Sooner
            self._sleep(seconds)

        try:
            self._end(self._folder, say=_say, patience=patience, clock=self._clock, sleep=sleep)
        except _Sooner:
            return
        except (halt.CannotHalt, sessions.SessionUnreadable) as error:
            raise CommandError(str(error), RUN_FAILED) from None


@contextmanager
def stopping_on_signals(folder: SessionFolder) -> Iterator[Stopping]:
    """Ctrl-C, SIGTERM and SIGHUP ask the session to stop; we stay until it has ended, a second one sees to that."""
    stopping = Stopping(folder)
    before = {number: signal.signal(number, stopping.on_signal) for number in SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    with suppress(OSError):  # after a hang-up there is no terminal
        echo(line, aside=True)
