"""What charts of a comparison draw: pure functions from lots to points (``model``).

``baseline`` is the lot that all are compared with; None: each with what `lots.choose_baseline` chooses among them.
``figures`` are those of the lots, in their order, where the caller has them already.
"""

from __future__ import annotations

from profiler.analysis.curves.bars import host_bound, memory_peaks, speedups, stages
from profiler.analysis.curves.cumulative import cumulative
from profiler.analysis.curves.distribution import distribution
from profiler.analysis.curves.identity import identities
from profiler.analysis.curves.latency import latency
from profiler.analysis.curves.memory import memory
from profiler.analysis.curves.model import (
    Crossing,
    Cumulative,
    CumulativeLine,
    Histogram,
    Identity,
    Line,
    LoopDistribution,
    LoopLatency,
    MemoryLine,
    MemoryOverTime,
    PeakBar,
    PhaseSpan,
    ShareBar,
    Shown,
    SpeedupBar,
    StageBar,
)

__all__ = [
    "Crossing",
    "Cumulative",
    "CumulativeLine",
    "Histogram",
    "Identity",
    "Line",
    "LoopDistribution",
    "LoopLatency",
    "MemoryLine",
    "MemoryOverTime",
    "PeakBar",
    "PhaseSpan",
    "ShareBar",
    "Shown",
    "SpeedupBar",
    "StageBar",
    "cumulative",
    "distribution",
    "host_bound",
    "identities",
    "latency",
    "memory",
    "memory_peaks",
    "speedups",
    "stages",
]
