"""How the latencies of steps are distributed: a histogram with shared bins, and the cumulative distribution."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.curves.model import LoopDistribution
from profiler.analysis.lots import Lot


def distribution(lots: Sequence[Lot], baseline: Lot | None = None) -> list[LoopDistribution]:
    """One for each denoising loop that any of ``lots`` has."""
    raise NotImplementedError
