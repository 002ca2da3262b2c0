"""The records of a log by number: when each was written, and a way to read on from any of them.

A million records aren't kept: their times are (8 bytes each), and at places some thousand records apart how the reader
stood there, so that it can be taken up from the nearest one.
"""

from __future__ import annotations

import copy
from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path

from profiler.analysis.fold import SessionFold
from profiler.analysis.state import Losses
from profiler.clocks import Clock
from profiler.eventlog import READ_BYTES, LogReader
from profiler.events import CompileStarted, Event, GpuSample, Header, Recompile, Step

APART = 1024
"""Records at least between two places from which the log can be read on."""


class Records:
    """One log. A record counts as written at the latest time of all records up to it: times never fall."""

    def __init__(self, path: Path, clock: Clock | None) -> None:
        self._reader = LogReader(path, clock)
        self.times = array("q")
        self.steps = array("q")  # of these, when steps were told
        self.compiles = array("q")  # when compiles and recompiles began
        self.losses = Losses()
        self._begun: set[tuple[int, str | None]] = set()
        self._places: list[tuple[int, LogReader]] = []  # the number of the next record, and the reader before it
        # Where the last ``take`` stopped: the number of the next record, those read ahead, and the reader behind them.
        self._at = 0
        self._ahead: list[Event] = []
        self._on: LogReader | None = None

    def learn(self) -> tuple[bool, bool] | None:
        """Read on: (whether there were records, whether there are more); None: the log was replaced or cut."""
        before = copy.copy(self._reader)
        chunk = self._reader.read(READ_BYTES)
        if chunk.restarted:
            return None
        if chunk.events:
            if not self._places or len(self.times) - self._places[-1][0] >= APART:
                self._places.append((len(self.times), before))
            self._note(chunk.events)
        reader = self._reader
        self.losses = Losses(reader.lost, reader.bad, reader.unknown, reader.refused)
        return bool(chunk.events), chunk.more

    def _note(self, events: list[Event]) -> None:
        """Take down when ``events`` were written."""
        times, steps = self.times, self.steps
        latest = times[-1] if times else events[0].t
        for event in events:
            latest = max(latest, event.t)
            times.append(latest)
            kind = type(event)
            if kind is Step:
                steps.append(latest)
            elif kind is CompileStarted or kind is Recompile:
                # A recompile is told by both.
                key = (event.epoch, event.id)  # type: ignore[attr-defined]
                if key not in self._begun:
                    self._begun.add(key)
                    self.compiles.append(latest)

    def count(self, t: int) -> int:
        """How many records the log had at ``t``."""
        return bisect_right(self.times, t)

    def take(self, first: int, end: int) -> list[Event]:
        """Records from number ``first`` on, before ``end`` and as many as one read has; [] where the log was cut."""
        if self._on is None or self._at != first:
            place = bisect_right(self._places, first, key=lambda found: found[0]) - 1
            self._at, reader = self._places[place]
            self._on, self._ahead = copy.copy(reader), []
        while not self._ahead or self._at + len(self._ahead) <= first:
            self._at += len(self._ahead)
            chunk = self._on.read(READ_BYTES)
            self._ahead = chunk.events
            if chunk.restarted or not (chunk.events or chunk.more):
                self._on = None
                return []
        taken = self._ahead[first - self._at : end - self._at]
        del self._ahead[: end - self._at]
        self._at = first + len(taken)
        if not self._ahead and self._at >= len(self.times):
            self._on = None  # nothing is kept for a log that is read to its end
        return taken


class ConductorRecords(Records):
    """The conductor's log. Its few records but GPU samples are kept: they are told again whenever one goes back."""

    def __init__(self, path: Path, clock: Clock | None) -> None:
        super().__init__(path, clock)
        self.headers = 0
        self._kept: list[Event] = []
        self._numbers = array("q")  # of those kept

    def _note(self, events: list[Event]) -> None:
        start = len(self.times)
        super()._note(events)
        for number, event in enumerate(events, start):
            if type(event) is not GpuSample:
                self._kept.append(event)
                self._numbers.append(number)
                self.headers += type(event) is Header

    def samples(self, count: int) -> int:
        """How many of the first ``count`` records are GPU samples."""
        return count - bisect_left(self._numbers, count)

    def tell(self, fold: SessionFold, count: int) -> None:
        """Fold the first ``count`` records; of GPU samples nothing but how late it was."""
        times = self.times
        for number, event in zip(self._numbers, self._kept, strict=True):
            if number >= count:
                break
            if number:
                fold.reached(times[number - 1])
            fold.conductor([event])
        if count:
            fold.reached(times[count - 1])
