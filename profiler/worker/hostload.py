"""What else happened on the host during a call: other processes on its cores, waits for a core, garbage collection.

Everything is read from counters ahead of the timed part of a call and behind it; nothing runs inside.

Garbage collections are counted and not prevented: what a user's own program does not do (gc.freeze, gc.disable, a
collection ahead of the measured calls) would make other figures than the user's. Measured on SD 1.5 (tiny twin, 420,000
objects after loading, torch's and diffusers' own): a full collection takes 0.2-0.9 s. Loading has one and compiling one
or two, but 60 steady calls had none, and one young collection (0.3 ms) in 20 calls. So one in a measured call is an
accident, as a compile in it brings, and is flagged.
"""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from typing import NamedTuple

_STAT = Path("/proc/stat")
_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_OLDEST = 2
"""The generation whose collection goes over all objects that the garbage collector knows."""


class Counters(NamedTuple):
    """Sums since some start. Nanoseconds of CPU time, None where the kernel doesn't tell."""

    own_ns: int  # of this process, all threads
    waited_ns: int | None  # of the calling thread: ready, and waiting for a core
    busy_ns: int | None  # of the cores that this process may use, whoever used them
    collections: int  # of all objects, by Python's garbage collector


class Load(NamedTuple):
    """What lies between two looks at the counters, as in CallEnded."""

    waited_ns: int | None
    foreign_cpu_ns: int | None
    collections: int


class HostLoad:
    """Reads the counters of the calling thread's process. ``stat`` and ``schedstat`` are the kernel's files."""

    def __init__(self, stat: Path = _STAT, schedstat: Path = _SCHEDSTAT) -> None:
        self._stat = stat
        self._schedstat = schedstat
        # In a container with a set of its own cores, what others do on the rest of the machine is no concern.
        self._cores = {b"cpu%d" % core for core in os.sched_getaffinity(0)}
        self._tick_ns: int = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

    def read(self) -> Counters:
        """The counters now. About 0.1 ms; it grows with the number of cores."""
        busy_ns = self._busy_ns()
        collections = int(gc.get_stats()[_OLDEST]["collections"])
        return Counters(time.process_time_ns(), self._waited_ns(), busy_ns, collections)

    def between(self, before: Counters, after: Counters) -> Load:
        """What happened from ``before`` to ``after``, which the same thread read."""
        waited = None
        if before.waited_ns is not None and after.waited_ns is not None and after.waited_ns >= before.waited_ns:
            waited = after.waited_ns - before.waited_ns
        return Load(waited, self._foreign_ns(before, after), after.collections - before.collections)

    def _foreign_ns(self, before: Counters, after: Counters) -> int | None:
        if before.busy_ns is None or after.busy_ns is None or after.busy_ns < before.busy_ns:
            return None
        foreign = after.busy_ns - before.busy_ns - (after.own_ns - before.own_ns)
        # The kernel counts a core's time in ticks of usually 10 ms, this process's own to the nanosecond. Much less
        # than nothing is no error of rounding: those aren't the counters of the cores that this process runs on.
        if foreign < -(self._tick_ns * len(self._cores) * 2 + (after.own_ns - before.own_ns) // 10):
            return None
        return max(0, foreign)

    def _waited_ns(self) -> int | None:
        """The second field, run_delay: Documentation/scheduler/sched-stats.rst. Absent without CONFIG_SCHED_INFO."""
        try:
            return int(self._schedstat.read_bytes().split()[1])
        except (OSError, ValueError, IndexError):
            return None

    def _busy_ns(self) -> int | None:
        """user + nice + system + irq + softirq + steal of the own cores: Documentation/filesystems/proc.rst, 1.7."""
        try:
            rows = [line.split() for line in self._stat.read_bytes().splitlines() if line.startswith(b"cpu")]
            own = [[int(ticks) for ticks in row[1:9]] for row in rows if row[0] in self._cores]
        except (OSError, ValueError):
            return None
        if len(own) != len(self._cores) or any(len(row) < 8 for row in own):
            return None
        ticks = sum(user + nice + system + irq + soft + steal for user, nice, system, _, _, irq, soft, steal in own)
        return ticks * self._tick_ns
