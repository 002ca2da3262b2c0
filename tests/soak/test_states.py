"""What was folded of a session is given back with the session, whatever was computed of it: caches keep none alive."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from profiler.analysis.cases import case_figures
from profiler.analysis.figures import run_figures
from profiler.analysis.legs import case_legs, run_legs
from profiler.analysis.lots import lots_of
from profiler.analysis.progress import session_progress
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import occurrences
from profiler.analysis.triggers.groups import groups
from profiler.report.trace import trace
from tests.support import recorded
from tui.pictures.live import LivePainter
from tui.pictures.view import StepsView

USES: dict[str, Callable[[SessionState], object]] = {
    "figures of runs": lambda state: [run_figures(state, run) for run in state.runs.values()],
    "figures of cases": case_figures,
    "legs": lambda state: [run_legs(run) for run in state.runs.values()] + [case_legs([*state.runs.values()])],
    "lots": lambda state: [lot.figures(lot.runs) for lot in lots_of(state)],
    "progress": lambda state: session_progress(state, state.last_t),
    "triggers": lambda state: groups(occurrences(state)),
    "trace": lambda state: list(trace(state)),
    "Live": lambda state: LivePainter(state).picture(
        StepsView(), state.last_t, copied=False, loading=False, figures=True
    ),
}


@pytest.mark.parametrize("use", USES)
def test_a_state_is_given_back_when_nobody_looks_any_more(use: str) -> None:
    state = recorded.finished(legs=("a", "b"), calls=3).folded()
    USES[use](state)
    left = [weakref.ref(state), *map(weakref.ref, state.runs.values())]
    del state
    gc.collect()
    assert not any(each() for each in left)
