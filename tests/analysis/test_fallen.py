"""How many steps fell to eager: by the graphs that their own loop should run, from the step that the worker named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from profiler import events as ev
from profiler.analysis.fallen import fallen_steps
from profiler.analysis.figures import run_figures
from tests.analysis.events import chained, fold, frame, request

LOOPS = {"base": [5.0] * 3, "super": [5.0] * 2}


def _fallen(
    graphs: Mapping[tuple[int, int], Sequence[int | None]], *falls: ev.EagerFallback
) -> tuple[dict[int, int], int]:
    """Calls of two loops whose steps ran so many ``graphs``, by call and loop: by call, and the figure of the run."""
    given = request(variants=["compile"], repeats=1)
    name = given.runs[0].name
    log = frame()
    for index in sorted({call for call, _ in graphs}):
        log += chained(index, "measure", 100 + 1000 * index, LOOPS, planned=5)
    for event in log:
        if isinstance(event, ev.Step):
            event.graphs = graphs[event.call, event.loop][event.step]
    state = fold(given, {name: [*log, *falls]}).state
    run = state.runs[name]
    return fallen_steps(run), run_figures(state, run).compile.eager_fallback_steps


def test_a_loop_that_needs_fewer_graphs_has_not_fallen_with_another() -> None:
    graphs = {(0, 0): [8, 6, 6], (0, 1): [4, 4], (1, 0): [6, 6, 6], (1, 1): [4, 4]}
    fall = ev.EagerFallback(call=0, loop=0, step=1, graphs=6, expected=8)
    assert _fallen(graphs, fall) == ({0: 2, 1: 3}, 5)


def test_the_second_loop_of_a_call_counts_from_its_own_step_on() -> None:
    graphs = {(0, 0): [1, 1, 1], (0, 1): [4, 3], (1, 0): [1, 1, 1], (1, 1): [3, 3]}
    fall = ev.EagerFallback(call=0, loop=1, step=1, graphs=3, expected=4)
    assert _fallen(graphs, fall) == ({0: 1, 1: 2}, 3)


def test_what_should_run_may_become_more_and_each_loop_falls_by_itself() -> None:
    graphs = {(0, 0): [4, 3, 4], (0, 1): [9, 7], (1, 0): [6, 5, 6], (1, 1): [9, 8]}
    falls = [
        ev.EagerFallback(call=1, loop=0, step=1, graphs=5, expected=6),
        ev.EagerFallback(call=0, loop=0, step=1, graphs=3, expected=4),
        ev.EagerFallback(call=0, loop=1, step=1, graphs=7, expected=9),
    ]
    assert _fallen(graphs, *falls) == ({0: 2, 1: 2}, 4)


@pytest.mark.parametrize("graphs", [None, 8])
def test_steps_that_ran_everything_or_that_nothing_is_known_of_have_not_fallen(graphs: int | None) -> None:
    fall = ev.EagerFallback(call=0, loop=0, step=0, graphs=6, expected=8)
    assert _fallen({(0, 0): [graphs] * 3, (0, 1): [4, 4]}, fall) == ({}, 0)
    assert _fallen({(0, 0): [1] * 3, (0, 1): [4, 4]}) == ({}, 0)
