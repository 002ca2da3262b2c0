from __future__ import annotations

import pytest

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.analysis.figures import run_figures
from profiler.analysis.progress import planned_calls, run_progress, session_progress
from profiler.analysis.state import SessionState
from profiler.request import Leg
from tests.analysis.events import MS, call, chained, fold, frame, request, with_legs


def _measured(durations: list[list[float]], *, tail: float = 0.0, compiled: bool = False) -> list[ev.Event]:
    """A log with calls of the given step durations, 1 s apart; a compiled variant's first call compiles for 500 ms."""
    events = frame("compile" if compiled else "measure")
    calls = ([[500.0, *durations[0][1:]]] if compiled else []) + durations
    for index, steps in enumerate(calls):
        if compiled and index == 1:
            events.append(ev.PhaseStarted(t=1000 * MS, phase="measure", calls=len(durations)))
        phase = "compile" if compiled and index == 0 else "measure"
        events += call(index, phase, 100 + index * 1000, steps, tail=tail)
    return [*events, ev.RunEnded(t=99_000 * MS, outcome="ok")]


def test_step_figures_are_over_every_step_of_the_measured_calls() -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    state = fold(given, {name: _measured([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])}).state
    figures = run_figures(state, state.runs[name])
    assert figures.steps is not None
    assert (figures.steps.n, figures.steps.median_ms, figures.steps.iqr_ms) == (9, 5.0, 4.0)
    # Iterations by the loop's time: 3 / 6 ms, 3 / 15 ms, 3 / 24 ms; the median call counts.
    assert figures.iterations_per_second == pytest.approx(200.0)
    assert figures.denoise_s == pytest.approx(0.015)


def test_iterations_are_progress_bar_updates_and_not_scheduler_steps() -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    log = [*frame(), *call(0, "measure", 100, [10.0] * 21, iterations=20)]
    state = fold(given, {name: log}).state
    (loop,) = run_figures(state, state.runs[name]).loops
    assert (loop.evaluations, loop.iterations) == (21, 20)
    assert loop.iterations_per_second == pytest.approx(20 / 0.210)


def test_calls_with_a_compile_or_a_retry_are_left_out_of_the_headline_while_enough_are_clean() -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    log = [*frame(), *call(0, "measure", 100, [900.0, 5.0])]
    log.insert(6, ev.CompileStarted(t=150 * MS, id="0/0", call=0, step=0))
    for index in range(1, 4):
        log += call(index, "measure", 1000 * index, [5.0, 5.0])
    state = fold(given, {name: log}).state
    figures = run_figures(state, state.runs[name])
    assert figures.steps is not None and figures.steps.n == 6 and figures.steps.median_ms == 5.0
    assert figures.flags == ["1 measured call with a compile"]
    assert [one.clean for one in figures.calls] == [False, True, True, True]


def test_calls_far_from_their_like_are_marked_and_kept() -> None:
    given = with_legs(request(variants=["no-compile"], repeats=1, calls=7), [Leg(name="small"), Leg(name="large")])
    name = given.runs[0].name
    log = frame()
    small = [5.0, 5.1, 5.0, 4.9, 40.0, 5.0, 5.1]
    for index, ms in enumerate([*small, *(40.0 + ms / 10 for ms in small)]):
        log += call(index, "measure", 100 + 1000 * index, [ms], leg="small" if index < len(small) else "large")
    state = fold(given, {name: log}).state
    found = run_figures(state, state.runs[name])
    assert [one.call for one in found.calls if one.outlier] == [4, 11]
    assert all(one.clean for one in found.calls)
    assert found.steps is not None and found.steps.n == len(small)


def test_too_few_clean_calls_put_all_into_the_headline_and_say_so() -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    log = frame()
    for index in range(4):
        log += call(index, "measure", 1000 * index, [5.0, 5.0], retries=int(index < 2))
    state = fold(given, {name: log}).state
    figures = run_figures(state, state.runs[name])
    assert figures.steps is not None and figures.steps.n == 8
    assert "too few clean calls: the headline is over all measured calls" in figures.flags


def test_only_measured_calls_count() -> None:
    given = request(variants=["compile"], repeats=1)
    name = given.runs[0].name
    state = fold(given, {name: _measured([[5.0, 5.0]] * 3, compiled=True)}).state
    figures = run_figures(state, state.runs[name])
    assert figures.steps is not None and figures.steps.n == 6
    assert [one.phase for one in figures.calls] == ["compile", "measure", "measure", "measure"]


def test_start_up_and_first_image_are_taken_from_the_first_call() -> None:
    given = request(variants=["compile"], repeats=1)
    name = given.runs[0].name
    state = fold(given, {name: _measured([[5.0, 5.0]] * 3, compiled=True, tail=20)}).state
    figures = run_figures(state, state.runs[name])
    assert figures.load_s == pytest.approx(0.1)
    assert figures.startup_s == pytest.approx(0.525)  # 500 + 5 ms of steps, 20 ms after them
    assert figures.first_image_s == pytest.approx(0.625)


def test_device_peak_comes_from_the_samples_of_the_phase() -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    samples = [ev.GpuSample(t=at * MS, used_bytes=used) for at, used in ((50, 10), (150, 70), (99_500, 900))]
    state = fold(given, {name: _measured([[5.0]] * 3)}, list(samples)).state
    load, measure = run_figures(state, state.runs[name]).phases
    assert (load.memory.device_peak_bytes, measure.memory.device_peak_bytes) == (10, 70)
    assert measure.memory.allocated_peak_bytes is None  # not measured, not zero


def test_host_bound_share_leaves_out_steps_that_do_not_say() -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    log = [
        *frame(),
        *call(0, "measure", 0, [5.0] * 3, host_bound=True),
        *call(1, "measure", 99, [5.0], host_bound=False),
    ]
    state = fold(given, {name: log + call(2, "measure", 200, [5.0] * 9)}).state
    assert run_figures(state, state.runs[name]).host_bound_share == pytest.approx(0.75)


def test_one_run_a_case_gives_an_estimate_and_no_verdict() -> None:
    given = request(variants=["no-compile", "compile"], repeats=1)
    eager, compiled = (run.name for run in given.runs)
    logs = {eager: _measured([[10.0, 10.0]] * 3), compiled: _measured([[5.0, 5.0]] * 3, compiled=True)}
    baseline, case = case_figures(fold(given, logs).state)
    assert (baseline.speedup, baseline.baseline) == (None, None)
    assert case.speedup == pytest.approx(2.0) and case.interval is None and case.verdict is None
    assert case.reason is not None and "--repeats" in case.reason


def test_break_even_is_extra_startup_by_saving_per_image() -> None:
    given = request(variants=["no-compile", "compile"], repeats=1)
    eager, compiled = (run.name for run in given.runs)
    logs = {eager: _measured([[10.0, 10.0]] * 3), compiled: _measured([[5.0, 5.0]] * 3, compiled=True)}
    _, case = case_figures(fold(given, logs).state)
    # No-compile's first call takes 20 ms, the compiling one 505; each later image saves 10.
    assert case.break_even_images == pytest.approx((505 - 20) / 10)
    slower = {eager: logs[compiled][:0] + _measured([[5.0]] * 3), compiled: _measured([[9.0]] * 3, compiled=True)}
    assert case_figures(fold(given, slower).state)[1].break_even_images is None


def test_three_processes_a_case_give_a_verdict() -> None:
    given = request(variants=["no-compile", "compile"], repeats=3)
    logs = {}
    for run in given.runs:
        step = (10.0 if "no-compile" in run.name else 5.0) + run.repeat * 0.01
        logs[run.name] = _measured([[step, step]] * 3, compiled="no-compile" not in run.name)
    baseline, case = case_figures(fold(given, logs).state)
    assert baseline.steps is not None and baseline.steps.n == 18
    assert case.verdict == "FASTER" and case.interval is not None
    assert case.interval[0] < 2.0 < case.interval[1]


def test_failed_runs_do_not_count() -> None:
    given = request(variants=["no-compile"], repeats=2)
    first, second = (run.name for run in given.runs)
    logs = {first: _measured([[5.0]] * 3), second: [*_measured([[50.0]] * 3)[:-1], ev.RunEnded(outcome="failed")]}
    (case,) = case_figures(fold(given, logs).state)
    assert case.steps is not None and case.steps.median_ms == 5.0
    assert case.outcomes == {"ok": 1, "failed": 1}


@pytest.mark.parametrize("outcome", ["stopped", "died", "oom", "failed"])
def test_what_was_measured_before_the_end_is_shown_where_no_run_ended_well(outcome: str) -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    ended = ev.RunChanged(t=99_000 * MS, run=name, state="ended", outcome=outcome)
    (case,) = case_figures(fold(given, {name: _measured([[5.0]] * 3)[:-1]}, [ended]).state)
    assert case.steps is not None and (case.steps.n, case.steps.median_ms) == (3, 5.0)
    assert case.outcomes == {outcome: 1}


def test_progress_follows_a_run() -> None:
    given = request(variants=["no-compile"], repeats=1, calls=2, warmup=0)
    name = given.runs[0].name
    log = [*frame(), *call(0, "measure", 100, [10.0] * 4), *call(1, "measure", 140, [10.0] * 4)[:4]]
    conductor = [ev.Header(t=1), ev.RunChanged(t=1, run=name, state="running")]
    state = fold(given, {name: log}, [*conductor]).state
    now = run_progress(state, state.runs[name], 160 * MS)
    # Loading and one call of two are done, two of four steps of the other.
    assert now.fraction == pytest.approx((1 + 1 + 0.5) / 3)
    assert now.text == "call 2 of 2, step 2 of 4"
    assert now.eta_s == pytest.approx(0.020)
    assert session_progress(state, 160 * MS).text == "0 of 1 runs"


def test_progress_says_what_compiles_for_how_long_and_how_long_it_took_before() -> None:
    given = request(variants=["compile"], repeats=2)
    first, second = (run.name for run in given.runs)
    compile_log = [
        *frame("compile"),
        ev.CallStarted(t=100 * MS, call=0, phase="compile", steps=2, start_ns=100 * MS),
        ev.CompileStarted(t=100 * MS, id="0/0", call=0, step=0, module="UNet", fqn="unet"),
    ]
    ended = [ev.CompileEnded(t=9000 * MS, id="0/0", start_ns=100 * MS, ns=8900 * MS)]
    logs = {first: [*compile_log, *ended, ev.RunEnded(outcome="ok")], second: compile_log}
    state = fold(given, logs).state
    text = run_progress(state, state.runs[second], 3100 * MS).text
    assert text == "compiling UNet, 3 s; the last one took 8.9 s"


def test_a_recompile_under_way_does_not_hide_how_far_the_call_is() -> None:
    given = request(variants=["compile"], repeats=1)
    name = given.runs[0].name
    log = [*frame(), *call(0, "measure", 100, [10.0] * 4)[:4], ev.CompileStarted(t=125 * MS, id="0/1", module="UNet")]
    state = fold(given, {name: log}).state
    assert run_progress(state, state.runs[name], 2125 * MS).text == "compiling UNet, 2 s; step 2 of 4"


def test_planned_calls() -> None:
    plain, compiled = request(variants=["no-compile", "compile"], calls=2, warmup=1).cases
    assert planned_calls(plain) == ["warmup", "measure", "measure"]
    assert planned_calls(compiled) == ["compile", "warmup", "measure", "measure"]


def test_outputs_that_are_not_finite_are_flagged() -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    log = [*_measured([[5.0]] * 3), ev.Output(call=2, finite=False)]
    state = fold(given, {name: log}).state
    assert run_figures(state, state.runs[name]).flags == ["the final latents are not finite"]


def test_calls_that_record_cuda_graphs_are_left_out_and_skipped_graphs_are_told() -> None:
    given = request(variants=["compile"], repeats=1)
    name = given.runs[0].name
    log = _measured([[400.0], [5.0], [5.0], [5.0]])
    log.append(ev.CudaGraph(id="0/0", call=0, step=0, action="record", ns=395 * MS))
    log.append(ev.CudaGraph(id="0/0", call=1, step=0, action="skip", reason="mutated inputs (1 instances)\nmore"))
    log.append(ev.CudaGraph(id="0/0", call=2, step=0, action="skip", reason="mutated inputs (1 instances)\nmore"))
    state = fold(given, {name: log}).state
    figures = run_figures(state, state.runs[name])
    assert [call.clean for call in figures.calls] == [False, True, True, True]
    assert figures.steps is not None and figures.steps.median_ms == 5.0
    assert figures.flags == [
        "1 measured call with a CUDA graph recorded",
        "no CUDA graph: mutated inputs (1 instances)",
    ]


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"device_name": "NVIDIA H100"}, "runs were made with NVIDIA A100 and NVIDIA H100"),
        ({"versions": {"torch": "2.14.0", "numpy": "2.0"}}, "runs were made with torch 2.13.0 and torch 2.14.0"),
        ({"versions": {"torch": "2.13.0", "numpy": "3.0"}}, None),
        ({"threads": 96}, None),  # of the host, which computes nothing
    ],
)
def test_runs_of_two_machines_are_not_compared(others: dict[str, object], said: str | None) -> None:
    """The session was stopped after its first repeats and resumed elsewhere, or after an upgrade."""
    given = request(variants=["no-compile", "compile"], repeats=3)
    here = {"device": "cuda:0", "device_name": "NVIDIA A100", "versions": {"torch": "2.13.0"}, "threads": 8}
    logs = {}
    for run in given.runs:
        step = (10.0 if "no-compile" in run.name else 5.0) + run.repeat * 0.01
        where = ev.Environment(**(here | (others if run.repeat == 3 else {})))  # type: ignore[arg-type]
        logs[run.name] = [where, *_measured([[step, step]] * 3, compiled="no-compile" not in run.name)]
    baseline, case = case_figures(fold(given, logs).state)
    assert baseline.steps is not None and baseline.steps.n == 18
    if said is None:
        assert case.verdict == "FASTER"
        assert not case.flags
        return
    assert (case.speedup, case.interval, case.verdict, case.break_even_images) == (None, None, None, None)
    assert case.reason == f"not compared: {said}"
    assert f"pooled all the same: {said}" in case.flags


def test_on_a_cpu_the_number_of_threads_counts() -> None:
    given = request(variants=["no-compile"], repeats=2)
    logs = {run.name: [ev.Environment(device="cpu", threads=run.repeat), *_measured([[5.0]] * 3)] for run in given.runs}
    (case,) = case_figures(fold(given, logs).state)
    assert case.flags == ["pooled all the same: runs were made with 1 thread and 2 threads"]


def test_a_compile_within_a_compile_counts_once_in_the_seconds() -> None:
    given = request(variants=["compile"], repeats=1)
    name = given.runs[0].name
    log = frame("compile")
    for identifier, start, took in (("0/0", 100, 500), ("1/0", 200, 300), ("2/0", 600, 50)):
        log.append(ev.CompileStarted(t=start * MS, id=identifier, function="f"))
        end = (start + took) * MS
        log.append(ev.CompileEnded(t=end, id=identifier, start_ns=start * MS, ns=took * MS, overhead_ns=10 * MS))
    state = fold(given, {name: log}).state
    compile_ = run_figures(state, state.runs[name]).compile
    assert (compile_.compiles, compile_.seconds, compile_.net_seconds) == (3, 0.55, 0.53)


def test_a_call_one_of_whose_loops_has_lost_its_end_has_no_time_in_loops() -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    log = frame()
    for index in range(4):
        log += chained(index, "measure", 100 + 1000 * index, {"base": [30.0] * 4, "super": [10.0] * 4}, planned=8)
    lost = next(event for event in log if type(event) is ev.LoopEnded and event.call == 2 and event.loop == 0)
    log.remove(lost)
    state = fold(given, {name: log}).state
    figures = run_figures(state, state.runs[name])
    assert figures.denoise_s == pytest.approx(0.16)
    assert [one.loop_ms for one in figures.calls] == [pytest.approx(160), pytest.approx(160), None, pytest.approx(160)]


def test_retries_that_nobody_counts_are_not_none_at_all() -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    log = frame()
    for index, retries in enumerate((None, 0, 2)):
        log += call(index, "measure", 100 + 1000 * index, [5.0], retries=retries)
    state = fold(given, {name: log}).state
    assert [(one.retries, one.clean) for one in run_figures(state, state.runs[name]).calls] == [
        (None, True),
        (0, True),
        (2, False),
    ]


def test_a_compile_that_never_ended_has_taken_no_known_time() -> None:
    given = request(variants=["compile"], repeats=1)
    name = given.runs[0].name
    log = [*frame("compile"), ev.CallStarted(t=200 * MS, call=0, phase="compile")]
    log.append(ev.CompileStarted(t=300 * MS, id="0/0", call=0, function="f"))
    died = ev.RunChanged(t=9_000 * MS, run=name, state="ended", outcome="died")
    (case,) = case_figures(fold(given, {name: log}, [died]).state)
    assert (case.compiles, case.compile_s) == (1, None)


@pytest.mark.parametrize("ns", [0, -5 * MS])
def test_durations_that_no_clock_gives_make_no_figures(ns: int) -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    log = [*frame(), *call(0, "measure", 100, [10.0] * 5)]
    for event in log:
        if isinstance(event, ev.CallEnded | ev.LoopEnded):
            event.ns = ns
    state = fold(given, {name: log}).state
    figures = run_figures(state, state.runs[name])
    assert (figures.denoise_s, figures.image_s, figures.images_per_second) == (None, None, None)
    assert figures.iterations_per_second is None


def test_a_start_up_is_cold_as_soon_as_the_conductors_word_for_it_is_read() -> None:
    given = request(variants=["no-compile", "compile"], repeats=2)
    folded = fold(given, {run.name: _measured([[5.0] * 3], compiled="-compile-b1" in run.name) for run in given.runs})
    guessed = case_figures(folded.state)[0]
    assert guessed.first_image_warm_s is not None
    folded.conductor([ev.RunChanged(t=1, run=run.name, state="running", cold=True) for run in given.runs])
    assert case_figures(folded.state)[0].first_image_warm_s is None


@pytest.mark.parametrize("lost", [ev.CallStarted, ev.CallEnded])
def test_what_a_damaged_log_has_lost_of_the_first_call_makes_no_start_up(lost: type[ev.Event]) -> None:
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    whole = _measured([[5.0] * 3] * 3)
    log = [event for event in whole if not (type(event) is lost and getattr(event, "call", None) == 0)]
    state = fold(given, {name: log}).state
    figures = run_figures(state, state.runs[name])
    assert (figures.first_image_s, figures.startup_s) == (None, None)
    assert figures.denoise_s == pytest.approx(0.015)


def test_runs_that_came_to_nothing_count_as_none_that_were_made() -> None:
    """Of a session that died ``show`` says how many results there are, as ``ls`` does, not how many are over."""
    state = SessionState("s", request(variants=["no-compile"], repeats=3))
    state.runs[state.request.runs[0].name].conducted = "running"
    state.presume_dead("the profiler process ended without a word")
    assert {outcome for one in case_figures(state) for outcome in one.outcomes} == {"died", "stopped"}
    assert {(one.ended, one.made) for one in case_figures(state)} == {(one.runs, 0) for one in case_figures(state)}
