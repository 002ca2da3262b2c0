"""Slices of time on tracks: on each lane of a track they lie within each other or apart, never across."""

from __future__ import annotations

from typing import NamedTuple

MOST_LANES = 8


class Placed(NamedTuple):
    """Where a slice came to lie: the lane of its track, from 0, and its time."""

    lane: int
    start_ns: int
    ns: int


class Track:
    """Gives every slice the first lane on which it crosses none of those that were placed before.

    Trace viewers drop a slice that begins within another one and ends behind it. Two clocks that differ by less than
    ``slack_ns`` make such slices of ones that touch: those are moved behind the other or cut to its end. ``place`` the
    slices by their begin, and of those that begin together the longest first.
    """

    def __init__(self, slack_ns: int) -> None:
        self._slack_ns = slack_ns
        self._lanes: list[_Lane] = []

    def place(self, start_ns: int, ns: int) -> Placed | None:
        """None where it crosses slices on every lane there may be, as only damaged logs have them."""
        ns = max(ns, 0)
        for number, lane in enumerate(self._lanes):
            fitted = lane.fit(start_ns, ns, self._slack_ns)
            if fitted is not None:
                return Placed(number, *fitted)
        if len(self._lanes) == MOST_LANES:
            return None
        self._lanes.append(_Lane(start_ns, ns))
        return Placed(len(self._lanes) - 1, start_ns, ns)


class _Lane:
    def __init__(self, start_ns: int, ns: int) -> None:
        self._free_ns = start_ns  # nothing that ended before can be crossed from here on
        self._ends = [start_ns + ns]  # of the slices that lie within each other, the innermost last

    def fit(self, start_ns: int, ns: int, slack_ns: int) -> tuple[int, int] | None:
        """The slice as it fits, and take it; None where it doesn't."""
        ends, free = self._ends, self._free_ns
        depth, latest = len(ends), start_ns + slack_ns
        while True:
            while depth and ends[depth - 1] <= start_ns:
                depth -= 1
                free = max(free, ends[depth])
            if start_ns < free:
                if free > latest:
                    return None
                start_ns = free
                continue
            over = start_ns + ns - ends[depth - 1] if depth else 0
            if over <= 0:
                break
            inside = ends[depth - 1] - start_ns
            if over <= min(inside, slack_ns):
                ns -= over
                break
            if start_ns + inside > latest:
                return None
            start_ns = ends[depth - 1]
        del ends[depth:]
        ends.append(start_ns + ns)
        self._free_ns = free
        return start_ns, ns
