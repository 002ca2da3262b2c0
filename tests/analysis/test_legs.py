from __future__ import annotations

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.cases import baseline_of, case_figures
from profiler.analysis.figures import run_figures
from profiler.analysis.legs import legs_begin, planned_legs, stretches
from profiler.analysis.lots import choose_baseline, lots_of, was_cold
from profiler.analysis.progress import planned_calls, run_plan, run_progress
from profiler.analysis.state import RunState, SessionState
from profiler.request import Leg, Request
from tests.analysis.events import MS, call, chained, fold, frame, request, with_legs

BACK = [Leg(name="small"), Leg(name="large"), Leg(name="small")]


def _one(legs: list[Leg] | None = None, **options: object) -> Request:
    given = request(**({"variants": ["no-compile"], "repeats": 1, "calls": 3} | options))
    return with_legs(given, legs) if legs else given


def _sweep(legs: list[tuple[str, float, int]], *, compiled_in: set[int] = frozenset()) -> list[ev.Event]:  # type: ignore[assignment]
    """Calls of four steps: (leg, ms a step, images). In a call of ``compiled_in`` a recompile takes 400 ms more."""
    events = frame()
    for index, (leg, ms, images) in enumerate(legs):
        at = 1000 * index
        steps = [ms + 400 * (index in compiled_in), ms, ms, ms]
        made = call(index, "measure", at, steps, leg=leg, images=images)
        if index in compiled_in:
            where = {"id": f"0/{index}", "call": index, "step": 0}
            made[2:2] = [
                ev.CompileStarted(t=at * MS, recompile=True, **where),
                ev.CompileEnded(t=(at + 400) * MS, start_ns=at * MS, ns=400 * MS, **where),
            ]
        events += made
    return events


def _state(given: Request, log: list[ev.Event]) -> tuple[SessionState, RunState]:
    state = fold(given, {given.runs[0].name: log}).state
    return state, state.runs[given.runs[0].name]


# --- plans ---


def test_a_scenario_plans_the_calls_of_its_legs() -> None:
    given = _one([Leg(name="a"), Leg(name="b", calls=1), Leg(name="c")], warmup=2)
    workload = given.cases[0].workload
    assert legs_begin(workload) == [0, 3, 4, 7]
    assert planned_legs(workload) == ["a", "a", "a", "b", "c", "c", "c"]
    assert planned_calls(given.cases[0]) == ["warmup"] * 2 + ["measure"] * 7


def test_a_steady_run_plans_its_calls_without_legs() -> None:
    given = _one(warmup=0)
    assert planned_legs(given.cases[0].workload) == [None] * 3
    assert planned_calls(given.cases[0]) == ["measure"] * 3


def test_progress_names_the_leg() -> None:
    given = _one(BACK, warmup=0)
    log = _sweep([("small", 5, 1)] * 3 + [("large", 20, 1)])[:-4]  # in the middle of the second leg's first call
    state, run = _state(given, log)
    progress = run_progress(state, run, 3_100 * MS)
    assert progress.text == "call 4 of 9, large, step 3 of 4"
    assert progress.fraction == pytest.approx((1 + 3 + 3 / 4) / 10)


def test_calls_to_come_take_as_long_as_their_own_leg() -> None:
    given = _one(BACK, warmup=0)
    log = _sweep([("small", 5, 1)] * 3 + [("large", 50, 1)] * 3)
    state, run = _state(given, log)
    # Three calls of 20 ms: the large leg's 200 ms say nothing about them.
    assert run_progress(state, run, 6_000 * MS).eta_s == pytest.approx(0.06)


def test_how_many_calls_are_measured_is_the_workers_word() -> None:
    given = _one(warmup=0)  # 3 calls were asked for, of each of two sets of call arguments that a function gave
    state, run = _state(given, [*frame(calls=6), *call(0, "measure", 0, [5.0], leg="call arguments 1/2")])
    assert run_plan(run) == ["measure"] * 6
    assert run_progress(state, run, 200 * MS).fraction == pytest.approx(2 / 7)


# --- figures ---


def test_the_headline_is_the_first_legs() -> None:
    given = _one(BACK)
    state, run = _state(given, _sweep([("small", 5, 1)] * 3 + [("large", 20, 1)] * 3 + [("small", 6, 1)] * 3))
    figures = run_figures(state, run)
    assert figures.steps is not None and (figures.steps.n, figures.steps.median_ms) == (12, 5.0)
    assert figures.iterations_per_second == pytest.approx(200.0)
    assert figures.denoise_s == pytest.approx(0.02)


def test_each_leg_has_its_figures_and_one_that_comes_back_a_row_of_its_own() -> None:
    given = _one(BACK)
    log = _sweep([("small", 5, 1)] * 3 + [("large", 20, 1)] * 5 + [("small", 6, 1)] * 3, compiled_in={3})
    given = with_legs(given, [BACK[0], replace(BACK[1], calls=5), BACK[2]])
    state, run = _state(given, log)
    first, large, last = run_figures(state, run).legs
    assert [leg.name for leg in (first, large, last)] == ["small", "large", "small"]
    assert (first.steps.median_ms, last.steps.median_ms) == (5.0, 6.0)  # type: ignore[union-attr]
    assert (large.calls, large.clean_calls, large.all_calls) == (5, 4, False)
    assert large.steps is not None and large.steps.n == 16, "the compiling call is left out"
    assert (large.compiles, large.recompiles, large.compile_s) == (0, 1, pytest.approx(0.4))
    assert (large.first_call_ms, large.call_ms) == (pytest.approx(480), pytest.approx(80))
    assert (first.compiles, first.recompiles) == (0, 0)


def test_too_few_clean_calls_are_judged_leg_by_leg() -> None:
    given = _one(BACK)
    log = _sweep([("small", 5, 1)] * 3 + [("large", 20, 1)] * 3, compiled_in={3})
    state, run = _state(given, log)
    figures = run_figures(state, run)
    small, large = figures.legs
    assert (small.all_calls, large.all_calls) == (False, True)
    assert large.steps is not None and large.steps.n == 12
    assert figures.steps is not None and figures.steps.n == 12, "the headline is clean"
    assert "too few clean calls in large: its figures are over all its calls" in figures.flags
    assert not [flag for flag in figures.flags if "headline" in flag]


def test_spread_needs_as_many_steps_in_a_leg_as_anywhere() -> None:
    given = _one([Leg(name="a", calls=1), Leg(name="b")])
    state, run = _state(given, _sweep([("a", 5, 1)] + [("b", 5, 1)] * 3))
    one, three = run_figures(state, run).legs
    assert one.steps is not None and (one.steps.n, one.steps.iqr_ms, one.steps.p95_ms) == (4, None, None)
    assert three.steps is not None and three.steps.n == 12 and three.steps.p95_ms == 5.0


def test_images_per_second_count_the_images_of_each_call() -> None:
    given = _one([Leg(name="b1"), Leg(name="b4")])
    state, run = _state(given, _sweep([("b1", 5, 1)] * 3 + [("b4", 10, 4)] * 3))
    figures = run_figures(state, run)
    assert [leg.images_per_second for leg in figures.legs] == [pytest.approx(50.0), pytest.approx(100.0)]
    assert figures.image_s == pytest.approx(0.02), "of the first leg"


def test_legs_with_one_name_that_follow_each_other_are_told_apart_by_the_plan() -> None:
    given = _one([Leg(name="same", calls=2), Leg(name="same", calls=1)])
    _, run = _state(given, _sweep([("same", 5, 1)] * 3))
    assert [(leg.position, leg.ordinal, len(leg.calls)) for leg in stretches(run)] == [(0, 0, 2), (1, 2, 1)]


def test_legs_that_the_request_does_not_know_are_read_from_the_log() -> None:
    given = _one(calls=4)  # the worker chose them: nothing but the pipeline itself could tell
    state, run = _state(given, _sweep([("x", 5, 1)] * 2 + [("y", 7, 1)] * 2))
    assert [(leg.name, leg.calls) for leg in run_figures(state, run).legs] == [("x", 2), ("y", 2)]


def test_any_prefix_of_a_scenarios_log_has_figures() -> None:
    given = _one(BACK)
    log = _sweep([("small", 5, 1)] * 3 + [("large", 20, 1)] * 2, compiled_in={3})
    for end in range(len(log)):
        state, run = _state(given, log[:end])
        figures = run_figures(state, run)
        assert sum(leg.calls for leg in figures.legs) == len(run.calls_of("measure"))


def test_a_growing_run_has_the_figures_of_one_read_at_once() -> None:
    given = _one(BACK)
    log = _sweep([("small", 5, 1)] * 3 + [("large", 20, 1)] * 3 + [("small", 6, 1)] * 3, compiled_in={3})
    state, run = _state(given, log)
    grown = fold(given, {})
    for event in log:
        grown.run(run.name, [event])
        run_figures(grown.state, grown.state.runs[run.name])
    assert run_figures(grown.state, grown.state.runs[run.name]) == run_figures(state, run)


def test_a_case_pools_the_legs_of_its_runs() -> None:
    given = with_legs(request(variants=["no-compile"], repeats=2, calls=3), BACK[:2])
    first, second = (run.name for run in given.runs)
    logs = {
        first: _sweep([("small", 5, 1)] * 3 + [("large", 20, 1)] * 3, compiled_in={3}),
        second: _sweep([("small", 7, 1)] * 3 + [("large", 20, 1)] * 3, compiled_in={3, 4}),
    }
    small, large = case_figures(fold(given, logs).state)[0].legs
    assert (small.calls, small.clean_calls, large.calls, large.clean_calls) == (6, 6, 6, 3)
    assert small.steps is not None and small.steps.n == 24 and small.steps.median_ms == 6.0
    assert small.iterations_per_second == pytest.approx((1000 / 5 + 1000 / 7) / 2)
    assert (large.recompiles, large.compile_s) == (2, pytest.approx(0.8)), "of the run with the most"


def test_the_speed_up_of_a_scenario_compares_the_first_legs() -> None:
    given = with_legs(request(variants=["no-compile", "compile"], repeats=1, calls=3, warmup=0), BACK[:2])
    eager, compiled = (run.name for run in given.runs)
    logs = {
        eager: _sweep([("small", 10, 1)] * 3 + [("large", 20, 1)] * 3),
        compiled: _sweep([("small", 5, 1)] * 3 + [("large", 20, 1)] * 3),
    }
    _, case = case_figures(fold(given, logs).state)
    assert case.speedup == pytest.approx(2.0)


# --- several loops ---


def test_a_case_with_several_loops_has_the_figures_of_each() -> None:
    given = request(variants=["no-compile"], repeats=2)
    logs = {}
    for number, run in enumerate(given.runs):
        log = frame()
        for index in range(3):
            log += chained(index, "measure", 1000 * index, {"one": [5.0 + number] * 4, "two": [20.0] * 2}, planned=6)
        logs[run.name] = log
    (case,) = case_figures(fold(given, logs).state)
    assert [(loop.name, loop.n, loop.iterations) for loop in case.loops] == [("one", 24, 4), ("two", 12, 2)]
    assert [loop.median_ms for loop in case.loops] == [5.5, 20.0]
    assert case.loops[0].iterations_per_second == pytest.approx((1000 / 5 + 1000 / 6) / 2)
    assert (case.steps, case.iterations_per_second) == (None, None)
    assert case.denoise_s == pytest.approx((0.06 + 0.064) / 2)


# --- cold, warm, baseline ---


@pytest.mark.parametrize("cold", [[True, False], [False, True]])
def test_what_the_conductor_saw_of_the_cache_says_which_run_was_cold(cold: list[bool]) -> None:
    given = request(variants=["no-compile"], repeats=2)
    logs = {
        run.name: [*frame(), *call(0, "measure", 100 + 1000 * number, [5.0])] for number, run in enumerate(given.runs)
    }
    told = [ev.RunChanged(run=run.name, state="running", cold=was) for run, was in zip(given.runs, cold)]
    (case,) = case_figures(fold(given, logs, list(told)).state)
    # From the start of loading to the end of the first call, which the second run makes a second later.
    times = [0.105, 1.105] if cold[0] else [1.105, 0.105]
    assert [case.first_image_cold_s, case.first_image_warm_s] == [pytest.approx(time) for time in times]


def test_without_its_word_the_first_repeat_was_cold() -> None:
    given = request(variants=["no-compile"], repeats=2)
    logs = {run.name: [*frame(), *call(0, "measure", 100, [5.0])] for run in given.runs}
    (case,) = case_figures(fold(given, logs).state)
    assert case.first_image_cold_s is not None and case.first_image_warm_s is not None
    (case,) = case_figures(fold(replace(given, cache="warm"), logs).state)
    assert case.first_image_cold_s is None


@pytest.mark.parametrize("cache", ["warm", "shared"])
def test_of_a_cache_that_others_fill_torchs_lookups_tell_who_was_cold(cache: str) -> None:
    """The first run found nothing, the second a part, the third all; what a later call compiles is no start-up."""
    given = replace(request(variants=["compile"], repeats=3), cache=cache)
    found = [["miss", "miss", "hit"], ["miss", "hit", "hit"], ["hit", "hit", "miss"]]
    logs = {}
    for run, states, ms in zip(given.runs, found, (1000.0, 500.0, 100.0), strict=True):
        logs[run.name] = [*frame(), *call(0, "compile", 100, [ms]), *call(1, "measure", 2000, [5.0])]
        for number, state in enumerate(states):
            where = {"id": f"{number}/0", "call": number // 2}
            logs[run.name] += [
                ev.CompileStarted(**where, t=(110 + number) * MS),
                ev.CacheLookup(**where, t=(111 + number) * MS, layer="fx", state=state),
                ev.CompileEnded(**where, t=(112 + number) * MS, ns=MS),
            ]
    told = None if cache == "shared" else False
    state = fold(given, logs, [ev.RunChanged(run=run.name, state="running", cold=told) for run in given.runs]).state
    assert [was_cold(state, run) for run in state.runs.values()] == [True, None, False]
    (case,) = case_figures(state)
    assert [case.first_image_cold_s, case.first_image_warm_s] == [pytest.approx(1.1), pytest.approx(0.2)]


@pytest.mark.parametrize("change", [{"dtype": "bfloat16"}, {"scheduler": "DDIMScheduler"}, {"legs": (BACK[0],)}])
def test_a_baseline_has_the_same_workload_in_every_field(change: dict[str, object]) -> None:
    given = request(variants=["no-compile", "compile"], repeats=1)
    eager, compiled = given.cases
    state = fold(given, {}).state
    assert baseline_of(state, compiled.name) == eager.name
    other = replace(given, cases=[eager, replace(compiled, workload=replace(compiled.workload, **change))])
    assert baseline_of(fold(other, {}).state, compiled.name) is None


def test_a_baseline_may_have_been_measured_more_often_as_where_sessions_are_compared() -> None:
    given = request(variants=["no-compile", "compile"], repeats=1)
    eager, compiled = given.cases
    more = replace(compiled, workload=replace(compiled.workload, calls=50, warmup=3))
    state = fold(replace(given, cases=[eager, more]), {}).state
    assert baseline_of(state, more.name) == eager.name
    assert choose_baseline(lots_of(state), lots_of(state)[1]) == lots_of(state)[0]


def test_a_case_that_is_added_later_has_its_own_baseline() -> None:
    given = request(variants=["no-compile"], repeats=1)
    state = fold(given, {}).state
    [eager] = given.cases
    assert baseline_of(state, eager.name) == eager.name
    [added] = request(variants=["compile"], repeats=1).cases
    state.request = replace(given, cases=[eager, added])
    assert baseline_of(state, added.name) == eager.name
