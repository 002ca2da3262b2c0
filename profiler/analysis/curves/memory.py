"""Memory over the time of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from profiler.analysis.columns import ABSENT, Columns
from profiler.analysis.curves.identity import identities, shown, shown_run
from profiler.analysis.curves.model import Identity, MemoryLine, MemoryOverTime, PhaseSpan, Shown
from profiler.analysis.lots import Lot
from profiler.analysis.state import RunState


def memory(lots: Sequence[Lot], baseline: Lot | None = None) -> MemoryOverTime:
    """The memory of one run of each of ``lots``, the middle one; all begin at 0, when their process reported itself.

    On CUDA: allocated and reserved as torch told after each call, and the whole device as NVML saw it. On a CPU:
    the resident set size, which is no VRAM.
    """
    lines: list[MemoryLine] = []
    phases: list[PhaseSpan] = []
    runs: list[Shown] = []
    end_s = 0.0
    for lot, who in zip(lots, identities(lots, baseline), strict=True):
        run = shown_run(lot)
        start_ns = _start_ns(run) if run is not None else None
        if run is None or start_ns is None:
            continue
        end_ns = run.ended_ns if run.ended_ns is not None else run.last_t
        found = _lines(who, lot, run, start_ns, end_ns)
        if not found:
            continue
        lines += found
        runs.append(shown(who, lot, run))
        for phase in run.phases:
            until_ns = phase.end_ns if phase.end_ns is not None else max(end_ns, phase.start_ns)
            phases.append(PhaseSpan(who, phase.name, (phase.start_ns - start_ns) / 1e9, (until_ns - start_ns) / 1e9))
        end_s = max([end_s, (end_ns - start_ns) / 1e9, *(line.xs[-1] for line in found)])
    return MemoryOverTime(tuple(lines), tuple(phases), tuple(runs), end_s)


def _start_ns(run: RunState) -> int | None:
    if run.header is not None:
        return run.header.t
    return run.phases[0].start_ns if run.phases else None


def _lines(who: Identity, lot: Lot, run: RunState, start_ns: int, end_ns: int) -> list[MemoryLine]:
    cuda = lot.session.request.device.startswith("cuda")
    kinds = ("allocated", "reserved") if cuda else ("rss",)
    found = [_line(who, kind, run.memory, f"{kind}_bytes", start_ns, (0, len(run.memory))) for kind in kinds]
    if cuda:
        gpu = lot.session.gpu
        rows = gpu.first_at("t", start_ns), gpu.first_at("t", end_ns + 1)
        found.append(_line(who, "device", gpu, "used_bytes", start_ns, rows))
    return [line for line in found if any(map(math.isfinite, line.ys))]


def _line(who: Identity, kind: str, columns: Columns, name: str, start_ns: int, rows: tuple[int, int]) -> MemoryLine:
    latest = -math.inf
    xs: list[float] = []
    for t in columns.column("t", *rows):
        latest = max(latest, (t - start_ns) / 1e9)  # a damaged log may go back
        xs.append(latest)
    ys = (math.nan if value == ABSENT else float(value) for value in columns.column(name, *rows))
    return MemoryLine(who, kind, tuple(xs), tuple(ys))
