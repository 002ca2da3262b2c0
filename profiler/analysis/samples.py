"""What NVML's samples say of each measured call of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from weakref import WeakKeyDictionary

from profiler.analysis.columns import ABSENT, known
from profiler.analysis.state import Call, RunState, SessionState
from profiler.analysis.statistics import median

GPU_IDLE = 0x1
NEAR_NS = 200_000_000
"""A sample this close stands for a call that is too short to have one of its own: twice the sampler's period."""
_SAMPLED_EVENLY = 3
"""Since this minor version of the format a sample comes every second at least, equal ones too: none is a gap."""


@dataclass(frozen=True, slots=True)
class CallSamples:
    """Of one call. ``reasons`` counts samples by bit of NVML's clock event reasons, ``asked`` those that have any."""

    count: int
    asked: int
    reasons: dict[int, int]
    sm_mhz: float | None  # the median while the device computed
    others: tuple[int, int] | None  # other processes on the device: fewest and most; None where that isn't known
    others_busy: int | None  # most of those that computed at a time; None where nobody says
    gap_ns: int | None  # the longest time without a sample; None in logs that don't tell


_Key = tuple[int, int, int]
_cache: WeakKeyDictionary[RunState, dict[int, tuple[_Key, CallSamples]]] = WeakKeyDictionary()


def call_samples(session: SessionState, run: RunState, call: Call) -> CallSamples:
    """What was sampled during ``call``, which has ended. Kept: most calls get no further samples."""
    start, end = call.start_ns, call.start_ns + (call.ns or 0)
    first, last = session.gpu.first_at("t", start), session.gpu.first_at("t", end + 1)
    if first == last and first:
        at = session.gpu.cell(first - 1, "t")
        phase = run.phase_named(call.phase)
        first -= start - at <= NEAR_NS and phase is not None and at >= phase.start_ns
    kept = _cache.setdefault(run, {})
    key = (first, last, min(end, session.last_t))
    found = kept.get(call.index)
    if found is None or found[0] != key:
        found = kept[call.index] = (key, _look(session, start, key))
    return found[1]


def _look(session: SessionState, start: int, key: _Key) -> CallSamples:
    first, last, end = key
    gpu = session.gpu
    gap = _longest_gap(start, gpu.column("t", first, last), end) if evenly(session) else None
    masks = gpu.column("reasons", first, last)
    said = known(masks)
    everybody = 0
    for mask in said:
        everybody |= mask
    others = known(gpu.column("others", first, last))
    return CallSamples(
        count=last - first,
        asked=len(said),
        reasons={bit: sum(1 for mask in said if mask & bit) for bit in bits(everybody)},
        sm_mhz=_clock(gpu.column("sm_mhz", first, last), masks, gpu.column("utilization", first, last)),
        others=(min(others), max(others)) if others else None,
        others_busy=max(known(gpu.column("others_busy", first, last)), default=None),
        gap_ns=gap,
    )


def bits(mask: int) -> list[int]:
    """The bits that are set in ``mask``, lowest first."""
    return [1 << position for position in range(mask.bit_length()) if mask >> position & 1]


def others_at_first(session: SessionState, run: RunState) -> int | None:
    """How many other processes were on the device when ``run`` was first sampled, before it measured anything."""
    if not run.phases:
        return None
    first = session.gpu.first_at("t", run.phases[0].start_ns)
    measured = run.phase_named("measure")
    last = session.gpu.first_at("t", measured.start_ns) if measured is not None else len(session.gpu)
    return next(iter(known(session.gpu.column("others", first, last))), None)


def evenly(session: SessionState) -> bool:
    """Whether a sample was written every second at least, so that silence is a gap."""
    return session.header is not None and session.header.minor >= _SAMPLED_EVENLY


def _longest_gap(start: int, times: Sequence[int], end: int) -> int:
    edges = [start, *times, max(end, start)]
    return max(max(0, after - before) for before, after in pairwise(edges))


def _clock(clocks: Sequence[int], masks: Sequence[int], busy: Sequence[int]) -> float | None:
    """Without the samples between two kernels, in which an idle clock says nothing of the work."""
    return median(
        [
            float(clock)
            for clock, mask, share in zip(clocks, masks, busy, strict=True)
            if clock != ABSENT and share != 0 and (mask == ABSENT or not mask & GPU_IDLE)
        ]
    )
