"""Seconds spent against images made, and where a compiled lot has paid for its start-up."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.cases import CaseFigures
from profiler.analysis.curves.model import Cumulative
from profiler.analysis.lots import Lot


def cumulative(
    lots: Sequence[Lot], baseline: Lot | None = None, figures: Sequence[CaseFigures] | None = None
) -> Cumulative:
    """The line of each lot, and its crossing with its baseline's."""
    raise NotImplementedError
