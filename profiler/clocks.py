"""One clock for a session whose logs were written in several boots.

Records have the monotonic clock of the boot in which they were written. A session that was resumed after a restart, or
on another machine, has logs of several such clocks; their headers say how each maps to the wall clock. Readers place
every record on the clock of the boot that ``session.json`` names, the last one: what happened before it began lies
before its zero, at negative times.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from profiler.events import Event, Header, Int64

POINTS = ("t", "start_ns")
"""The fields of records that are points in time; every other ``*_ns`` is a duration, or of the wall clock."""
_LARGEST = 2**63 - 1


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A boot of a host where a session ran."""

    host: str
    boot_id: str
    clock_ns: Int64 | None = None  # wall clock minus monotonic clock there; None: as the headers of its logs have it


class Offsets:
    """How the clocks of places map to the wall clock."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._known = {(place.host, place.boot_id): place.clock_ns for place in places if place.clock_ns is not None}

    def of(self, header: Header) -> int:
        """Wall clock minus monotonic clock for the records that follow ``header``, in nanoseconds."""
        return self._known.get((header.host, header.boot_id), header.wall_ns - header.t)


class Clock:
    """The clock of place ``here``, on which records of the places ``earlier`` are to lie."""

    def __init__(self, here: Place, earlier: Iterable[Place]) -> None:
        """``here.clock_ns`` must be known."""
        assert here.clock_ns is not None
        self._boot_id = here.boot_id
        self._zero_ns = here.clock_ns
        self._offsets = Offsets(earlier)

    def shift_ns(self, header: Header) -> int:
        """What is to be added to the times of the records that follow ``header``."""
        if not header.boot_id or not header.wall_ns or header.boot_id == self._boot_id:
            return 0
        return self._offsets.of(header) - self._zero_ns


def move(event: Event, by_ns: int) -> None:
    """Move every point in time of ``event`` by ``by_ns``, within 64 bits whatever a damaged header asks for."""
    event.t = _bounded(event.t + by_ns)
    start_ns = getattr(event, "start_ns", 0)
    if start_ns:  # 0: not told
        event.start_ns = _bounded(start_ns + by_ns)  # type: ignore[attr-defined]


def _bounded(value: int) -> int:
    return max(-_LARGEST, min(value, _LARGEST))
