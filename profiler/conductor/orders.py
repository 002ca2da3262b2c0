"""Everything that may tell the conductor to end a run or the session: commands, signals, the session's time."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from profiler.conductor.control import Inbox
from profiler.conductor.ending import Order, Why
from profiler.conductor.ownlog import OwnLog
from profiler.events import Event, Note


class Orders:
    """``stop`` is the reason why the session ends early, None while it goes on."""

    def __init__(
        self,
        session: Path,
        write: Callable[[Event], None],
        *,
        max_time_s: float | None,
        clock: Callable[[], float],
        own_log: OwnLog | None = None,
    ) -> None:
        self.stop: str | None = None
        self.out_of_time = False  # and that is why it stops
        self._session = session
        self._write = write
        self._inbox = Inbox(session / "control", write)
        self._clock = clock
        self._own_log = own_log
        self._max_time_s = max_time_s
        self._deadline = None if max_time_s is None else clock() + max_time_s

    def on_signal(self, number: int, _frame: object) -> None:
        """A signal handler: SIGTERM, SIGINT and SIGHUP stop the session."""
        self.stop = self.stop or f"stopped by {signal.Signals(number).name}"

    def poll(self, run: str | None) -> Order | None:
        """The order to end ``run``, which is under way, if there is one; None as ``run``: nothing is."""
        skip = False
        for command in self._inbox.take():
            if command.command == "stop":
                self.stop = self.stop or "stopped on request"
            elif run is not None and command.run in (None, run):
                skip = True
            else:
                self._write(Note(code="skip-ignored", text=f"skip: {command.run or 'no run'} is not under way"))
        if self._deadline is not None and self._clock() >= self._deadline:
            self.out_of_time |= self.stop is None
            self.stop = self.stop or f"max time of {self._max_time_s:g} s reached"
        if _gone(self._session):
            self.stop = self.stop or "the session's folder was removed"
        elif self._own_log is not None and (missing := self._own_log.missing()) is not None:
            self.stop = self.stop or f"the session's log, conductor.jsonl, was {missing}"
        if self.stop is not None:
            return Order(Why.ASKED, self.stop)
        return Order(Why.ASKED, "skipped on request") if skip else None


def _gone(folder: Path) -> bool:
    try:
        folder.stat()
    except FileNotFoundError:
        return True
    except OSError:
        # A network file system that does not answer just now says nothing about the folder.
        return False
    return False
