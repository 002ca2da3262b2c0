"""Energy for each image: differences of the device's energy counter over the measured calls.

The counter is the device's own (mJ since the driver was loaded), which an integral of sampled power is not: NVML's
power is a mean over the last second on many devices. What it says at a call's ends lies between two samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from profiler.analysis.columns import ABSENT
from profiler.analysis.state import Call, RunState, SessionState
from profiler.analysis.statistics import median

NEAR_NS = 250_000_000
"""A sample further from a call's end than this says nothing of it: the sampler's period is 100 ms."""
SHORTEST_NS = 1_000_000_000
"""A call shorter than this has too few samples of its own: calls that follow each other are then taken as one."""


class Energy(NamedTuple):
    """``error`` is a share of ``joules_per_image``, about: how far the samples lie from the calls' ends. ``reason``
    says why there is no figure.
    """

    joules_per_image: float | None = None
    error: float | None = None
    reason: str | None = None


class _Used(NamedTuple):
    joules: float
    images: int
    error: float


def energy(session: SessionState, run: RunState, calls: Sequence[Call]) -> Energy:
    """Of ``calls``, the headline's of ``run``, in order. Empty where the device is none that NVML samples."""
    if run.environment is None or not run.environment.device.startswith("cuda") or not calls or not len(session.gpu):
        return Energy()
    stretches = _stretches(calls)
    lasted = sum(_end(each[-1]) - each[0].start_ns for each in stretches)
    if lasted < SHORTEST_NS:
        return Energy(reason=f"{lasted / 1e9:.2f} s of measured calls are too short for 10 samples a second")
    found = [_used(session, each) for each in stretches]
    used = [one for one in found if one is not None]
    if not used or len(used) * 2 < len(found):
        field = session.gpu_fields.get("energy_mj")
        why = f"NVML gives no energy counter: {field}" if field else "samples are missing, or the counter was set back"
        return Energy(reason=why)
    return Energy(median([one.joules / one.images for one in used]), median([one.error for one in used]))


def _stretches(calls: Sequence[Call]) -> list[list[Call]]:
    """Each call by itself where all are long enough, else the calls that follow each other together."""
    if all((call.ns or 0) >= SHORTEST_NS for call in calls):
        return [[call] for call in calls]
    found: list[list[Call]] = []
    for call in calls:
        if found and found[-1][-1].index == call.index - 1:
            found[-1].append(call)
        else:
            found.append([call])
    return found


def _used(session: SessionState, calls: Sequence[Call]) -> _Used | None:
    """What the device used from the first of ``calls`` to the last; None if its counter doesn't say."""
    start, end = calls[0].start_ns, _end(calls[-1])
    images = sum(call.images for call in calls)
    before, after = _at(session, start), _at(session, end)
    if before is None or after is None or images <= 0 or end <= start:
        return None
    first, last = session.gpu.first_at("t", start), session.gpu.first_at("t", end + 1)
    counts = [before.mj, *(mj for mj in session.gpu.column("energy_mj", first, last) if mj != ABSENT), after.mj]
    if any(later < earlier for earlier, later in pairwise(counts)) or after.mj <= before.mj:
        return None  # the counter was set back, or stands still
    return _Used((after.mj - before.mj) / 1e3, images, (before.off_ns + after.off_ns) / (end - start))


class _Counter(NamedTuple):
    mj: float
    off_ns: int  # how far the nearest sample is


def _at(session: SessionState, t: int) -> _Counter | None:
    """The counter at ``t``: between the samples around it, or the one near it where there is one on one side only."""
    gpu = session.gpu
    later = gpu.first_at("t", t)
    near = [
        (gpu.cell(row, "t"), gpu.cell(row, "energy_mj"))
        for row in (later - 1, later)
        if 0 <= row < len(gpu) and gpu.cell(row, "energy_mj") != ABSENT and abs(gpu.cell(row, "t") - t) <= NEAR_NS
    ]
    if not near:
        return None
    off = min(abs(at - t) for at, _ in near)
    if len(near) == 1 or near[0][0] == near[1][0]:
        return _Counter(near[0][1], off)
    (left, low), (right, high) = near
    if high < low:
        return None
    return _Counter(low + (high - low) * (t - left) / (right - left), off)


def _end(call: Call) -> int:
    return call.start_ns + (call.ns or 0)
