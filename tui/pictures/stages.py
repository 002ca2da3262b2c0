"""What a call of each case spends its time on: a stacked bar a case, of the one set of figures."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.cases import CaseFigures
from profiler.analysis.state import SessionState
from tui.charts.stacked import Stacked


class StagesChart:
    """Makes the bars of one session."""

    def __init__(self, session: SessionState) -> None:
        self._session = session

    def bars(self, figures: Sequence[CaseFigures], now_s: float, *, group: str | None = None) -> Stacked:
        """A bar a case of ``figures`` (as `case_figures` gives them); ``group``: of that workload alone (its key)."""
        return Stacked("stages", "s")
