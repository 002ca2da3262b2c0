"""The GPU panel: what NVML saw over the session's own time, a small plot each, and why the clocks were held down."""

from __future__ import annotations

from profiler.analysis.state import SessionState
from tui.charts.lanes import Lanes
from tui.charts.window import Window


class GpuChart:
    """Makes the lanes of one session; keeps what saves it from starting over each time."""

    def __init__(self, session: SessionState) -> None:
        self._session = session

    def lanes(self, columns: int, now_s: float, *, window: Window | None = None, cursor: float | None = None) -> Lanes:
        """The lanes as they are now, for a plot of about ``columns``; ``now_s`` on any monotonic clock.

        ``window`` (None: all) and ``cursor`` (None: none) are seconds of the session's own time, as on the memory
        chart.
        """
        return Lanes("GPU")
