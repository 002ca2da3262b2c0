"""What is drawn as bars: speed-ups, memory peaks, stages, the host-bound share."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.cases import CaseFigures
from profiler.analysis.curves.model import PeakBar, ShareBar, SpeedupBar, StageBar
from profiler.analysis.lots import Lot


def speedups(
    lots: Sequence[Lot], baseline: Lot | None = None, figures: Sequence[CaseFigures] | None = None
) -> list[SpeedupBar]:
    """One for each lot, the baseline's own too (its figures are None)."""
    raise NotImplementedError


def memory_peaks(lots: Sequence[Lot], baseline: Lot | None = None) -> list[PeakBar]:
    """The peaks of each lot's phases."""
    raise NotImplementedError


def stages(lots: Sequence[Lot], baseline: Lot | None = None) -> list[StageBar]:
    """The stages of the median measured call of each lot."""
    raise NotImplementedError


def host_bound(lots: Sequence[Lot], baseline: Lot | None = None) -> list[ShareBar]:
    """The host-bound share of each lot."""
    raise NotImplementedError
