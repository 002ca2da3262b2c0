"""Whether the host had time for a call: waits for a core, and what else its cores did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.analysis.state import Call, RunState

WAITED = 0.02
"""A call whose thread waited for a core for a larger share of its time is flagged.

Measured on two cores with matrix products on one thread: with a core to itself it waits 0.0-0.4 % of the time and
calls spread by 3 %; with one other program a core it waits 50 %, and takes twice as long. With two threads and no more
cores than that, one other program makes a call 10 times as long (each barrier waits for the thread that has no core)
and the calling thread waits 50-60 %. So there is much room between the two, and 2 % is what it may cost at least.
"""
CROWDED = 0.10
"""Other processes may use the cores that the run leaves free, and of the others this share."""
TICK_NS = 10_000_000
"""The kernel counts a core's time in ticks: how far off both readings of a core may be."""


@dataclass(frozen=True, slots=True)
class HostShare:
    """Of one call; None: not measured. ``cores`` are those that the run may use."""

    waited: float | None  # share of the call in which its thread was ready and had no core
    foreign_cores: float | None  # used by everything else, on average
    cores: int
    crowded: bool  # by others, so that the run's own threads had to share

    @property
    def busy(self) -> bool:
        """Whether the host's load touched the call."""
        return self.crowded or (self.waited is not None and self.waited > WAITED)


def share(run: RunState, call: Call) -> HostShare:
    """What ``call`` had of the host."""
    environment = run.environment
    cores = environment.cores if environment is not None else 0
    ns = call.ns or 0
    waited = call.waited_ns / ns if call.waited_ns is not None and ns > 0 else None
    foreign = call.foreign_cpu_ns if ns > 0 else None
    crowded = False
    if foreign is not None and environment is not None and cores > 0:
        # On a GPU run one thread launches; on a CPU all of torch's compute.
        needed = environment.threads if environment.device == "cpu" else 1
        free = max(0, cores - max(1, needed))
        crowded = foreign - free * ns > max(CROWDED * cores * ns, 2 * TICK_NS * cores)
    return HostShare(waited, foreign / ns if foreign is not None else None, cores, crowded)


def busy_line(touched: Sequence[HostShare], of: int) -> list[str]:
    """The flag for the calls that were ``touched``, of ``of`` measured ones; [] for none."""
    if not touched:
        return []
    parts: list[str] = []
    waited = [one.waited for one in touched if one.waited is not None]
    if waited:
        parts.append(f"their thread waited for a core up to {max(waited):.1%} of the time")
    foreign = [one for one in touched if one.foreign_cores is not None]
    if foreign:
        most = max(foreign, key=lambda one: one.foreign_cores or 0.0)
        cores = f" of {most.cores} core{'s' * (most.cores != 1)}" if most.cores else " cores"
        parts.append(f"other processes used up to {most.foreign_cores:.1f}{cores}")
    return [f"the host was busy in {len(touched)} of {of} measured calls: {', '.join(parts)}"]
