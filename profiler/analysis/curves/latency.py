"""Latency of the steps of a call, and of all measured steps in order."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.curves.model import LoopLatency
from profiler.analysis.lots import Lot


def latency(lots: Sequence[Lot], baseline: Lot | None = None) -> list[LoopLatency]:
    """One for each denoising loop that any of ``lots`` has."""
    raise NotImplementedError
