"""Peaks of memory, by phase: torch's own, NVML's of the device, and what the run has on the device beside torch."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from profiler.analysis.columns import ABSENT, known
from profiler.analysis.state import Phase, RunState, SessionState

NEAR_NS = 2_000_000_000
"""How far apart a look at torch's memory and one at the device's may be: NVML is asked once a second while loading."""


class MemoryFigures(msgspec.Struct, frozen=True):
    """Peaks in bytes. Between variants ``allocated_peak_bytes`` is the comparable one: what torch reserves depends on
    what it freed before. ``device_peak_bytes`` is the largest of NVML's samples; torch's are exact.
    """

    allocated_peak_bytes: int | None = None
    reserved_peak_bytes: int | None = None
    device_peak_bytes: int | None = None
    rss_peak_bytes: int | None = None
    outside_torch_bytes: int | None = None  # of the device, by this run, beside what torch has reserved: the most seen


def memory_figures(session: SessionState, run: RunState, phases: Iterable[Phase]) -> MemoryFigures:
    """The peaks over ``phases`` of ``run``."""
    phases = list(phases)
    spans = [(phase.start_ns, phase.end_ns or run.ended_ns or run.last_t) for phase in phases]
    return MemoryFigures(
        allocated_peak_bytes=_largest(phase.allocated_peak_bytes for phase in phases),
        reserved_peak_bytes=_largest(phase.reserved_peak_bytes for phase in phases),
        device_peak_bytes=_largest(_device_peak(session, *span) for span in spans),
        rss_peak_bytes=_largest(phase.rss_peak_bytes for phase in phases),
        outside_torch_bytes=_largest(_outside_torch(session, run, *span) for span in spans),
    )


def _device_peak(session: SessionState, start_ns: int, end_ns: int) -> int | None:
    first, last = session.gpu.first_at("t", start_ns), session.gpu.first_at("t", end_ns + 1)
    return max(known(session.gpu.column("used_bytes", first, last)), default=None)


def _outside_torch(session: SessionState, run: RunState, start_ns: int, end_ns: int) -> int | None:
    """The CUDA context, libraries' workspaces, loaded kernels: what NVML sees of this run less what torch reserved.

    Where the driver doesn't tell processes apart the whole device stands for the run if nobody else is on it; where
    that isn't known either there is no figure.
    """
    rows = run.memory
    found: list[int] = []
    for row in range(rows.first_at("t", start_ns), rows.first_at("t", end_ns + 1)):
        reserved = rows.cell(row, "reserved_bytes")
        used = ABSENT if reserved == ABSENT else _used_by_run(session, rows.cell(row, "t"))
        if used >= reserved != ABSENT:
            found.append(used - reserved)
    return max(found, default=None)


def _used_by_run(session: SessionState, t: int) -> int:
    """Bytes of the device that the run under way has at ``t``, from the last sample before; ABSENT: not known."""
    gpu = session.gpu
    row = gpu.first_at("t", t + 1) - 1
    if row < 0 or t - gpu.cell(row, "t") > NEAR_NS:
        return ABSENT
    own = gpu.cell(row, "process_bytes")
    if own != ABSENT:
        return own
    return gpu.cell(row, "used_bytes") if gpu.cell(row, "others") == 0 else ABSENT


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
