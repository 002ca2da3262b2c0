"""Which calls, stages, compiles and runs a figure is over, at the edges where one more or less would tell another."""

from __future__ import annotations

import pytest

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.analysis.comparing import compare
from profiler.analysis.curves import Identity, stages
from profiler.analysis.curves.distribution import spread
from profiler.analysis.figures import RunFigures, run_figures
from profiler.analysis.lots import lots_of
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import summary
from tests.analysis.events import MS, call, fold, frame, request

PLAIN = "no-compile"


def _only(log: list[ev.Event], variant: str = PLAIN) -> RunFigures:
    given = request(variants=[variant], repeats=1)
    name = given.runs[0].name
    state = fold(given, {name: log}).state
    return run_figures(state, state.runs[name])


def _compiled(identifier: str, start: int, ms: int, *, again: bool = False, dynamo: int = 0) -> list[ev.Event]:
    ended = ev.CompileEnded(t=(start + ms) * MS, id=identifier, start_ns=start * MS, ns=ms * MS)
    ended.phases = {"dynamo": dynamo * MS} if dynamo else {}
    return [ev.CompileStarted(t=start * MS, id=identifier, function="f", recompile=again), ended]


def _session(paces: dict[str, float], outcomes: dict[int, str] | None = None, **options: object) -> SessionState:
    """Calls of one step, three a run or as many as asked for; ``outcomes`` of repeats that did not end well, their
    steps take ten times as long. The first repeat of a compiled variant compiles for 3 s, the others for 1 s.
    """
    given = request(variants=list(paces), **({"repeats": 3, "calls": 3} | options))
    logs, told = {}, []
    for run in given.runs:
        variant = given.case(run.case).compilation.variant
        outcome = (outcomes or {}).get(run.repeat, "ok")
        step = paces[variant] * (1 + run.repeat / 1000) * (1 if outcome == "ok" else 10)
        log = frame()
        if variant != PLAIN:
            log += _compiled("0/0", 110, 3000 if run.repeat == 1 else 1000)
        for index in range(given.case(run.case).workload.calls):
            log += call(index, "measure", 5000 + 1000 * index, [step])
        logs[run.name] = log
        told += [
            ev.RunChanged(t=1, run=run.name, state="running", cold=variant == PLAIN or run.repeat == 1),
            ev.RunChanged(t=99_000 * MS, run=run.name, state="ended", outcome=outcome),
        ]
    return fold(given, logs, list(told)).state


def test_half_of_the_calls_clean_are_enough_for_the_headline() -> None:
    log = frame()
    for index in range(6):
        log += call(index, "measure", 1000 * index, [5.0 if index % 2 else 90.0], retries=(index + 1) % 2)
    figures = _only(log)
    assert figures.steps is not None and (figures.steps.n, figures.steps.median_ms) == (3, 5.0)
    log += call(6, "measure", 7000, [90.0], retries=1)
    figures = _only(log)
    assert figures.steps is not None and figures.steps.n == 7, "three of seven aren't"


def test_a_stage_that_a_call_enters_twice_counts_with_its_sum() -> None:
    log = [*frame(), *call(0, "measure", 100, [5.0])]
    for start, ns in ((200, 3), (300, 4)):
        log.insert(-1, ev.Stage(call=0, name="decode", start_ns=start * MS, ns=ns * MS))
    assert {one.name: one.median_ms for one in _only(log).stages} == {"denoise": 5.0, "decode": 7.0}


def test_a_call_begins_when_it_says_and_not_when_that_was_written() -> None:
    log = [*frame(), *call(0, "measure", 300, [5.0])]
    for event in log:
        if isinstance(event, ev.CallStarted):
            event.t += 40 * MS
    assert _only(log).first_image_s == pytest.approx(0.305), "from 0, when loading began"


def test_of_values_that_are_equal_all_count_where_the_curve_has_fewer_points_than_values() -> None:
    who = Identity(key=("s", "c"), label="c", variant=PLAIN, engine=None, nth=0, baseline=True)
    (curve,) = spread("denoise", [(who, [1.0] * 500 + [float(value) for value in range(2, 502)])]).ecdfs
    assert dict(zip(curve.xs, curve.ys))[1.0] == 0.5


def test_other_is_what_all_stages_together_leave_of_a_call() -> None:
    given = request(variants=[PLAIN], repeats=1)
    log = [*frame(), *call(0, "measure", 100, [5.0], tail=15.0)]
    log.insert(-1, ev.Stage(call=0, name="decode", start_ns=106 * MS, ns=7 * MS))
    (bar,) = stages(lots_of(fold(given, {given.runs[0].name: log}).state))
    assert dict(bar.parts) == pytest.approx({"denoise": 0.005, "decode": 0.007, "other": 0.008})


def test_each_recompile_of_a_frame_counts() -> None:
    log = [*frame("compile"), *_compiled("0/0", 200, 50)]
    for number in (1, 2, 3):
        log += _compiled(f"0/{number}", 200 + 100 * number, 50, again=True)
    found = _only(log, "compile").compile
    assert (found.compiles, found.recompiles) == (1, 3)
    assert found.seconds == pytest.approx(0.2)


def test_the_parts_of_what_a_case_compiled_add_up_to_its_seconds_where_compiles_lie_within_others() -> None:
    given = request(variants=["compile"], repeats=1)
    log = [*frame("compile"), *_compiled("0/0", 100, 500, dynamo=450), *_compiled("1/0", 200, 300, dynamo=290)]
    side = summary(fold(given, {given.runs[0].name: log}).state, given.cases[0].name)
    assert side.seconds == pytest.approx(0.5)
    assert sum(part.ms for part in side.parts) == pytest.approx(500)


@pytest.mark.parametrize("outcome", ["stopped", "died", "failed"])
def test_runs_that_came_to_nothing_are_in_no_figure_while_others_ended_well(outcome: str) -> None:
    state = _session({PLAIN: 10.0, "compile": 5.0}, {2: outcome})
    plain, compiled = case_figures(state)
    assert plain.steps is not None and plain.steps.n == 6
    assert compiled.speedup == pytest.approx(2.0, rel=1e-2)


def test_a_case_compiles_as_long_as_its_longest_run() -> None:
    assert case_figures(_session({"compile": 5.0}))[0].compile_s == pytest.approx(3.0)


def test_what_compiles_nothing_starts_up_as_it_does_whatever_the_cache_holds() -> None:
    """All its runs count as cold: a warm break-even takes those."""
    compiled = case_figures(_session({PLAIN: 10.0, "compile": 5.0}))[1]
    assert compiled.extra_startup_warm_s is not None and compiled.break_even_warm_images is not None


def test_half_of_the_calls_disturbed_are_no_doubt() -> None:
    state = _session({PLAIN: 10.0, "compile": 5.0}, calls=4)
    for run in state.runs.values():
        for index in (0, 1):
            run.calls[index].waited_ns = run.calls[index].ns
    plain, compiled = lots_of(state)
    assert compare(compiled, plain).doubt is None


def test_two_sessions_are_compared_at_the_higher_confidence_of_the_two() -> None:
    sure = lots_of(_session({PLAIN: 10.0, "compile": 5.0}, until_sure=True))
    other = lots_of(_session({PLAIN: 10.0, "compile": 5.0}))
    found = [compare(other[1], sure[0]), compare(sure[1], other[0])]
    assert [one.confidence for one in found] == [pytest.approx(0.9875)] * 2
