"""NVML's samples over the session's own time: the figures as lines with gaps, the clock event reasons as stretches."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence

from profiler.analysis.columns import ABSENT
from profiler.analysis.gpuload import GAP_NS
from profiler.analysis.samples import bits, evenly
from profiler.analysis.state import SessionState
from tui.charts.reading import held
from tui.pictures.names import origin_ns, session_s

REASONS = "reasons"


class GpuTrace:
    """Some columns of the samples, and the reasons, added to as the log grows: ``xs`` in seconds, ``ys`` by column.

    Where nothing was sampled for `GAP_NS` the lines have a gap (NaN), unless the log is of a time in which equal
    samples weren't written. What was not measured is NaN too. ``layout`` grows whenever all began anew.
    """

    def __init__(self, session: SessionState, columns: Sequence[str]) -> None:
        self._session = session
        self._columns = (*columns, REASONS)
        self.layout = 0
        self.restart()

    def restart(self) -> None:
        """Forget what was taken in: what the session's own time depends on has changed."""
        self.layout += 1
        self.clock = clock_of(self._session)
        self._rows = 0
        self._last_t: int | None = None
        self.xs = array("d")
        self.ys = {column: array("d") for column in self._columns}
        self.largest = dict.fromkeys(self._columns, 0.0)
        self.reasons = Stretches(self.xs, self.ys[REASONS])

    def follow(self) -> None:
        """Take in the samples that have come."""
        if clock_of(self._session) != self.clock:
            self.restart()
        gpu = self._session.gpu
        first, self._rows = self._rows, len(gpu)
        if first == self._rows:
            return
        gaps = self._take_times(gpu.column("t", first))
        for column in self._columns:
            ys = self.ys[column]
            for gap, value in zip(gaps, gpu.column(column, first), strict=True):
                if gap:
                    ys.append(math.nan)
                ys.append(math.nan if value == ABSENT else value)
                if value > self.largest[column]:
                    self.largest[column] = float(value)
        self.reasons.follow()

    def _take_times(self, times: Sequence[int]) -> list[bool]:
        """Take in when samples were; whether a gap comes before each."""
        gaps: list[bool] = []
        breaks = evenly(self._session)
        for t in times:
            gap = breaks and self._last_t is not None and t - self._last_t > GAP_NS
            if gap:
                self.xs.append(self.xs[-1])
            gaps.append(gap)
            self._last_t = t
            x = session_s(self._session, t)
            self.xs.append(max(x, self.xs[-1]) if self.xs else x)
        return gaps

    def at(self, column: str, x: float) -> float | None:
        """The figure at ``x``; None where there is none."""
        return held(self.xs, self.ys[column], x)

    @property
    def last(self) -> float:
        """When the newest sample was; 0 before the first."""
        return self.xs[-1] if self.xs else 0.0


class _Times:
    """When one reason held the clocks down: stretches of the session's own time, in order."""

    def __init__(self) -> None:
        self.starts = array("d")
        self.ends = array("d")

    def add(self, start: float, end: float) -> None:
        if self.ends and start <= self.ends[-1]:
            self.ends[-1] = max(end, self.ends[-1])
        else:
            self.starts.append(start)
            self.ends.append(end)


class Stretches:
    """The clock event reasons of the samples, by bit, added to as samples come."""

    def __init__(self, xs: Sequence[float], masks: Sequence[float]) -> None:
        self._xs = xs
        self._masks = masks
        self._taken = 0
        self._times: dict[int, _Times] = {}

    @property
    def seen(self) -> list[int]:
        """The bits that were set in any sample."""
        return list(self._times)

    def follow(self) -> None:
        """Take in the samples that have come: each holds until the next one, or as long as a gap begins to be one."""
        for place in range(self._taken, len(self._xs) - 1):
            start, mask = self._xs[place], self._masks[place]
            if math.isfinite(mask):
                end = min(self._xs[place + 1], start + GAP_NS / 1e9)
                for bit in bits(int(mask)):
                    self._times.setdefault(bit, _Times()).add(start, end)
        self._taken = max(0, len(self._xs) - 1)

    def touches(self, bit: int, low: float, high: float) -> bool:
        """Whether ``bit`` was set at any time in [low, high)."""
        times = self._times.get(bit)
        place = bisect_left(times.starts, high) - 1 if times is not None else -1
        return times is not None and place >= 0 and times.ends[place] > low


def clock_of(session: SessionState) -> tuple[object, ...]:
    """What the session's own time depends on."""
    return origin_ns(session), *session.pauses
