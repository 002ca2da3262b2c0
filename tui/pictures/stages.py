"""What a call of each case spends its time on: a stacked bar a case, of the one set of figures."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.cases import CaseFigures
from profiler.analysis.state import SessionState
from profiler.request import Case
from tui import safe
from tui.charts.axes import StickyRange
from tui.charts.stacked import Bar, Kind, Stacked
from tui.pictures.looks import case_look
from tui.pictures.names import case_label, group_key, variant_label

_FILLS = (("█", "#"), ("▒", "="), ("▓", "+"), ("░", "-"), ("▞", "%"), ("▄", ":"))


class StagesChart:
    """Makes the bars of one session."""

    def __init__(self, session: SessionState) -> None:
        self._session = session
        self._ranges: dict[str | None, StickyRange] = {}

    def bars(
        self, figures: Sequence[CaseFigures], now_s: float, *, group: str | None = None, first: str = ""
    ) -> Stacked:
        """A bar a case of ``figures`` (as `case_figures` gives them); ``group``: of that workload alone (its key).

        The cases with the workload of the case ``first`` come before the others, for which there may be no room.

        ``now_s`` on any monotonic clock. A stage's time is what a call takes in it, the median.
        """
        request = self._session.request
        cases = {case.name: case for case in request.cases if group is None or group_key(case.workload) == group}
        seen = [(cases[one.case], one) for one in figures if one.case in cases]
        if first in cases:
            before = group_key(cases[first].workload)
            seen.sort(key=lambda one: group_key(one[0].workload) != before)
        names = list(dict.fromkeys(stage.name for _, one in seen for stage in one.stages))
        bars = tuple(self._bar(case, one, names, alone=group is not None) for case, one in seen)
        longest = max((bar.total or 0.0 for bar in bars), default=0.0)
        high = self._ranges.setdefault(group, StickyRange("s")).fit(longest, now_s)
        return Stacked(
            "stages of a call",
            "s",
            tuple(_kind(name, number) for number, name in enumerate(names)),
            bars if names else (),
            high,
            empty="no stages were measured" if self._session.over else "waiting for the first measured call",
        )

    def _bar(self, case: Case, figures: CaseFigures, names: Sequence[str], *, alone: bool) -> Bar:
        request = self._session.request
        look = case_look(case, request)
        known = {stage.name: stage.median_ms / 1e3 for stage in figures.stages}
        label = variant_label(case, request) if alone else case_label(case, request)
        return Bar(
            safe.line(label, 80),
            look.style.marker,
            look.style.ascii_marker,
            look.word,
            tuple(known.get(name) for name in names),
            "" if known else self._why(figures),
        )

    def _why(self, figures: CaseFigures) -> str:
        """Why a case has no bar."""
        if not figures.ended and not self._session.over:
            return "not measured yet"
        bad = [outcome for outcome in figures.outcomes if outcome != "ok"]
        return safe.line(bad[0], 40) if bad else "no measured call"


def _kind(name: str, number: int) -> Kind:
    fill, fill_ascii = _FILLS[number % len(_FILLS)]
    return Kind(safe.line(name, 40).replace("_", " "), f"series:further-{number}", fill, fill_ascii)
