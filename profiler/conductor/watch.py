"""What the conductor needs to know of a run under way, from the worker's own log."""

from __future__ import annotations

import os
from pathlib import Path

from profiler import events as ev
from profiler.eventlog import LogReader


class RunWatch:
    """Tails one ``events.jsonl``. Times are seconds on the clock that the caller passes in."""

    def __init__(self, path: Path, now: float) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None  # device and number of the log, once it is there
        self._reader = LogReader(path)
        self._position = 0
        self._compiles: set[tuple[int, str | None]] = set()
        self.last_sign = now  # when the log last grew
        self.last_progress = now  # when it last gained more than heartbeats and samples of the memory
        self.lost_log: str | None = None  # "removed" or "replaced": what is written to it is read by nobody
        self.environment: ev.Environment | None = None
        self.behind: str | None = None  # waits for the device, which this session has
        self.phase: str | None = None
        self.call: int | None = None  # under way
        self.end: ev.RunEnded | None = None
        self.ended_at = 0.0  # when ``end`` was read

    def read(self, now: float) -> None:
        """Take in everything the log has gained."""
        more = True
        while more:
            chunk = self._reader.read()
            more = chunk.more
            for event in chunk.events:
                self._take(event, now)
        if self._reader.offset != self._position:
            self._position = self._reader.offset
            self.last_sign = now
        self._look_for_it()

    def _look_for_it(self) -> None:
        try:
            found = os.lstat(self._path)
        except FileNotFoundError:
            self.lost_log = "removed" if self._file is not None else None
            return
        except OSError:
            # A network file system that does not answer just now says nothing about the log.
            return
        file = (found.st_dev, found.st_ino)
        self._file = self._file or file
        self.lost_log = "replaced" if file != self._file else None

    @property
    def began(self) -> bool:
        """Whether the worker got as far as writing a record."""
        return self._position > 0

    @property
    def compiling(self) -> bool:
        """Whether a compile is under way: it may hold the interpreter for long, heartbeats included."""
        return self.phase == "compile" or bool(self._compiles)

    @property
    def doing(self) -> str:
        """What the run was last seen doing, for a sentence: "while loading"."""
        if not self.began:
            return "before its first record"
        if self.phase is None:
            return "while waiting for the device" if self.behind else "while starting"
        if self._compiles:
            return "while compiling"
        if self.call is not None:
            return f"in call {self.call} ({self.phase})"
        return {"load": "while loading", "compile": "while compiling"}.get(self.phase, f"between calls ({self.phase})")

    def _take(self, event: ev.Event, now: float) -> None:
        if not isinstance(event, ev.Heartbeat | ev.Memory):
            self.last_progress = now
        match event:
            case ev.CompileStarted() | ev.Recompile(starts=True):
                self._compiles.add((event.epoch, event.id))
            case ev.CompileEnded() | ev.CompileLimit():
                self._compiles.discard((event.epoch, event.id))
            case ev.CallStarted():
                self._compiles.clear()  # an end that was lost must not hide a hang for ever
                self.call = event.call
            case ev.CallEnded():
                self._compiles.clear()
                self.call = None
            case ev.PhaseStarted():
                self.phase, self.call, self.behind = event.phase, None, None
            case ev.Environment():
                self.environment = event
            case ev.Waiting():
                self.behind = event.behind
            case ev.RunEnded() if self.end is None:  # what a signal made it say afterwards is no news
                self.end, self.ended_at, self.call = event, now, None
