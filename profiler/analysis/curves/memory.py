"""Memory over the time of a run."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.curves.model import MemoryOverTime
from profiler.analysis.lots import Lot


def memory(lots: Sequence[Lot], baseline: Lot | None = None) -> MemoryOverTime:
    """The memory of the middle run of each of ``lots``."""
    raise NotImplementedError
