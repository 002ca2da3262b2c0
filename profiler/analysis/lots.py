"""Lots: what is compared as one, a case of a session or one of its runs. Lots of any sessions can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count

from profiler.analysis import workloads
from profiler.analysis.figures import RunFigures, run_figures
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.statistics import median
from profiler.request import Case

BASELINE_VARIANT = "no-compile"


@dataclass(frozen=True, slots=True)
class Lot:
    """The runs of ``case``, or the one called ``run`` alone."""

    session: SessionState
    case: Case
    run: str | None = None

    @property
    def name(self) -> str:
        """What it is called within its session."""
        return self.run or self.case.name

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other one: its session's id and its name."""
        return self.session.session, self.name

    @property
    def runs(self) -> list[RunState]:
        """All of them, in the order in which they are made."""
        return self.session.runs_of(self.case.name) if self.run is None else [self.session.runs[self.run]]

    @property
    def usable(self) -> list[RunState]:
        """Runs whose measured calls count: those that go on or ended well.

        Where there are none of those, what its runs had measured before they ended is all there is, and is shown.
        """
        measured = [run for run in self.runs if run.calls_of("measure")]
        return [run for run in measured if run.outcome in (None, "ok")] or measured

    @property
    def cold(self) -> list[RunState]:
        """Those of the usable runs that found an empty compile cache."""
        return [run for run in self.usable if was_cold(self.session, run)]

    @property
    def warm(self) -> list[RunState]:
        """Those of the usable runs that found their compiled code in the cache."""
        return [run for run in self.usable if was_cold(self.session, run) is False]

    def figures(self, runs: list[RunState] | None = None) -> list[RunFigures]:
        """The figures of ``runs``, of the usable ones unless given."""
        return [run_figures(self.session, run) for run in (self.usable if runs is None else runs)]

    def values(self, figure: Callable[[RunFigures], float | None], runs: list[RunState] | None = None) -> list[float]:
        """One value a process: ``figure`` of each of ``runs`` that has it."""
        return [value for figures in self.figures(runs) if (value := figure(figures)) is not None]

    def middle(self, figure: Callable[[RunFigures], float | None], runs: list[RunState] | None = None) -> float | None:
        """The median of ``values``."""
        return median(self.values(figure, runs))

    @property
    def startup_s(self) -> float | None:
        """From the end of loading to the first image, in seconds: of the cold run if there is one, else the median."""
        return self.middle(lambda run: run.startup_s, self.cold or self.usable)


def lots_of(session: SessionState) -> list[Lot]:
    """The cases of a session."""
    return [Lot(session, case) for case in session.request.cases]


def session_ids(sessions: Iterable[SessionState]) -> dict[SessionState, str]:
    """What to call each of ``sessions``: its id. Copies of one session, in other folders, have a number behind it."""
    found: dict[SessionState, str] = {}
    for session in dict.fromkeys(sessions):
        numbered = (f"{session.session}~{number}" for number in count(2))
        found[session] = next(one for one in chain([session.session], numbered) if one not in found.values())
    return found


def choose_baseline(lots: Sequence[Lot], lot: Lot, wanted: Lot | None = None) -> Lot | None:
    """What ``lot`` is compared with among the ``lots`` of a comparison, of any sessions; ``wanted``: one that was
    pinned.

    Else the first no-compile one of the same workload, else the first no-compile one, else the first of all. It may be
    ``lot`` itself. None where there are no lots.
    """
    if wanted is not None:
        return wanted
    # Asked one after the other: of thousands the first is mostly one.
    alike = (one for one in _plain(lots) if workloads.alike(lot.case.workload, one.case.workload))
    return next(chain(alike, _plain(lots), lots), None)


def _plain(lots: Iterable[Lot]) -> Iterator[Lot]:
    return (one for one in lots if one.case.compilation.variant == BASELINE_VARIANT)


def was_cold(session: SessionState, run: RunState) -> bool | None:
    """Whether a run that has made a call started with an empty compile cache; None: neither empty nor filled.

    A cache that is the user's own, or that earlier sessions have left, may hold the code of this case, a part of it, or
    that of others: torch's lookups up to the end of the first call tell. Logs from before the conductor wrote down what
    it found: the first repeat was cold.
    """
    if session.request.cache == "cold":
        return run.run.repeat == 1 if run.cold is None else run.cold
    states = {lookup.state for one in run.compiles.values() if one.call in (None, 0) for lookup in one.caches}
    if run.cold or "miss" not in states:
        return bool(run.cold)
    return None if "hit" in states else True
