"""Comparing many runs: read, folded, compared run by run and case by case, and asked again as a screen does."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from profiler.analysis.cases import CaseFigures, case_figures, lot_figures
from profiler.analysis.lots import Lot
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.sessions import SessionFolder
from tests.bench.table import Row
from tests.support import million

RUNS = 51  # 17 repeats of three variants
STEPS = 1020
LIMIT_S = 1.0
AGAIN_LIMIT_S = 0.025
"""A tenth of the time between two pictures at 4 Hz."""


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="stepscope-bench-") as home:
        folder = million.write(Path(home), events=round(STEPS * RUNS / million.STEP_SHARE), runs=RUNS)
        # A fold of its own for each: figures are kept with it.
        times = [_times(folder) for _ in range(2 if quick else 5)]
    for place, (what, limit) in enumerate(MEASURES):
        seconds = sorted(each[place] for each in times)[len(times) // 2]
        yield Row(f"{RUNS} runs of {STEPS:,} steps, {what}", f"<= {limit:g} s", f"{seconds:.3f} s", seconds <= limit)


MEASURES = (
    ("read and compared run by run", LIMIT_S),
    ("compared run by run", LIMIT_S),
    ("compared case by case", LIMIT_S),
    ("asked again", AGAIN_LIMIT_S),
)


def _times(folder: SessionFolder) -> tuple[float, ...]:
    begun = time.perf_counter()
    state = Follower(folder).read_all()
    read = time.perf_counter() - begun
    lots = _runs(state)
    one_by_one, figures = _timed(lambda: _compared(lots))
    if len(lots) != RUNS or any(one.speedup is None or one.steps is None or one.steps.n < 900 for one in figures[1:]):
        raise RuntimeError("the runs were not compared")
    again, _ = _timed(lambda: _compared(_runs(state)))
    fresh = Follower(folder).read_all()
    pooled, cases = _timed(lambda: case_figures(fresh))
    if any(case.verdict != "FASTER" for case in cases[1:]):
        raise RuntimeError("the cases were not compared")
    return read + one_by_one, one_by_one, pooled, again


def _runs(state: SessionState) -> list[Lot]:
    return [Lot(state, run.case, run.name) for run in state.runs.values()]


def _compared(lots: Sequence[Lot]) -> list[CaseFigures]:
    """Each against the first."""
    return [lot_figures(lot, lots[0]) for lot in lots]


def _timed(work: Callable[[], list[CaseFigures]]) -> tuple[float, list[CaseFigures]]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found
