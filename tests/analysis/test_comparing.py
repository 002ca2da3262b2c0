"""What lots say against each other: legs, clock cycles, break-even, what else was not the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.cases import case_figures, lot_figures
from profiler.analysis.comparing import Comparison, compare
from profiler.analysis.lots import Lot, choose_baseline, lots_of
from profiler.analysis.state import SessionState
from profiler.analysis.workloads import differing
from profiler.request import Leg, Request, Run
from tests.analysis.events import MS, call, fold, frame, request, with_legs

PLAIN = "no-compile"
Steps = Callable[[Run], float]


def _log(step_ms: float, *, calls: int = 3, first_ms: float | None = None) -> list[ev.Event]:
    """A run whose calls make two steps each, 10 s apart; a compiled one's first step of all takes ``first_ms``."""
    log = frame("compile" if first_ms is not None else "measure")
    if first_ms is not None:
        log += call(0, "compile", 100, [first_ms, step_ms])
        log.append(ev.PhaseStarted(t=1000 * MS, phase="measure", calls=calls))
    for index in range(int(first_ms is not None), calls + int(first_ms is not None)):
        log += call(index, "measure", 100 + index * 10_000, [step_ms, step_ms])
    return [*log, ev.RunEnded(t=99_000 * MS, outcome="ok")]


def _session(plain: Steps, compiled: Steps, *, given: Request | None = None, **options: object) -> SessionState:
    given = given or request(variants=[PLAIN, "compile"], **({"repeats": 3} | options))
    logs = {}
    for run in given.runs:
        eager = given.case(run.case).compilation.variant == PLAIN
        logs[run.name] = _log((plain if eager else compiled)(run), first_ms=None if eager else 500.0)
    return fold(given, logs).state


def _compared(state: SessionState) -> Comparison:
    plain, compiled = lots_of(state)
    return compare(compiled, plain)


def _near(step_ms: float) -> Steps:
    """Durations that differ by 0.1 % from repeat to repeat."""
    return lambda run: step_ms * (1 + run.repeat / 1000)


# --- too few, and unclear ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repeats", "interval", "more", "reason"),
    [
        (1, False, 2, "one run a case gives no interval: --repeats 3 does"),
        (2, True, 1, "2 runs a case give an interval and no verdict: --repeats 3 does"),
    ],
)
def test_too_few_repeats_give_no_verdict_and_say_what_would(
    repeats: int, interval: bool, more: int, reason: str
) -> None:
    found = _compared(_session(_near(10), _near(5), repeats=repeats))
    assert found.speedup == pytest.approx(2.0) and found.verdict is None
    assert (found.interval is not None, found.more_repeats, found.reason) == (interval, more, reason)


@pytest.mark.parametrize(
    ("made", "waiting", "over"),
    [
        (2, "no interval before 2 runs of both cases have", "fewer than 2 runs of both cases have"),
        (4, "no verdict before 3 runs of both cases have", "fewer than 3 runs of both cases have"),
    ],
)
def test_a_session_that_is_not_done_says_when_there_will_be_a_verdict(made: int, waiting: str, over: str) -> None:
    given = request(variants=[PLAIN, "compile"], repeats=3)
    logs = {run.name: _log(5.0) for run in given.runs[:made]}
    for state, reason in (
        ("running", f"{waiting} measured calls"),
        ("stopped", f"{over} measured calls: that gives no"),
    ):
        found = _compared(fold(given, logs, [ev.SessionChanged(t=1, state=state)]).state)
        assert found.verdict is None and found.reason is not None and found.reason.startswith(reason)


def test_an_unclear_one_says_what_it_still_allows_and_what_would_settle_it() -> None:
    found = _compared(_session(lambda run: 10 + run.repeat, lambda run: 9.5 + run.repeat))
    assert found.verdict == "UNCLEAR" and found.interval is not None and found.reason is not None
    assert found.reason.startswith(f"the interval still allows {found.interval[0]:.3f}x to {found.interval[1]:.3f}x: ")


def test_single_runs_say_that_cases_give_more() -> None:
    state = _session(_near(10), _near(5))
    plain, compiled = (Lot(state, state.request.case(run.case), run.name) for run in state.request.runs[:2])
    found = compare(compiled, plain)
    assert found.speedup == pytest.approx(2.0) and found.more_repeats is None
    assert found.reason == "a single run gives no interval: compare the cases"


def test_what_was_measured_before_runs_failed_is_an_estimate_and_no_verdict() -> None:
    given = request(variants=[PLAIN, "compile"], repeats=3)
    failed = [ev.RunEnded(outcome="failed")]
    logs = {
        run.name: _log(10.0 + run.repeat / 100) if "no-compile" in run.name else [*_log(5.0)[:-1], *failed]
        for run in given.runs
    }
    found = _compared(fold(given, logs).state)
    assert found.speedup == pytest.approx(2.0, rel=0.01) and found.interval is not None
    case = next(run.case for run in given.runs if "no-compile" not in run.case)
    said = f"no run of {case} ended well: its figures are of what was measured before, which gives no verdict"
    assert found.verdict is None and found.reason == said and found.warnings == [said]


@pytest.mark.parametrize(
    ("waited", "doubt"), [(0, None), (1, None), (2, "doubtful: the host was busy in most measured calls")]
)
def test_a_verdict_says_when_most_calls_of_a_side_were_disturbed(waited: int, doubt: str | None) -> None:
    """``waited``: how many of a compiled run's three measured calls had no core for a tenth of their time."""
    given = request(variants=[PLAIN, "compile"], repeats=3)
    logs = {}
    for run in given.runs:
        log = _log(_near(10 if "no-compile" in run.name else 5)(run))
        ends = [event for event in log if isinstance(event, ev.CallEnded)]
        for end in ends[: waited if "no-compile" not in run.name else 0]:
            end.waited_ns = end.ns // 10
        logs[run.name] = log
    found = _compared(fold(given, logs).state)
    assert (found.verdict, found.doubt) == ("FASTER", doubt)


def test_a_session_that_looks_several_times_takes_more_to_be_sure() -> None:
    usual, sure = (
        _compared(
            _session(_near(10), _near(9), given=request(variants=[PLAIN, "compile"], repeats=3, until_sure=until))
        )
        for until in (False, True)
    )
    assert (usual.confidence, sure.confidence) == (0.95, 0.9875)
    assert usual.speedup == sure.speedup and usual.interval is not None and sure.interval is not None
    assert sure.interval[0] < usual.interval[0] < usual.interval[1] < sure.interval[1]


# --- break-even -------------------------------------------------------------------------------------------------------


def test_what_breaks_even_is_told_of_cold_and_of_warm_starts() -> None:
    given = request(variants=[PLAIN, "compile"], repeats=3)
    logs, told = {}, []
    for run in given.runs:
        eager, cold = PLAIN in run.name, run.repeat == 1
        logs[run.name] = _log(10.0 if eager else 5.0, first_ms=None if eager else (900.0 if cold else 300.0))
        told.append(ev.RunChanged(t=1, run=run.name, state="running", cold=cold))
    figures = case_figures(fold(given, logs, list(told)).state)[1]
    # No-compile's first image takes 20 ms, the compiled one's 905 or 305; each image after it saves 10.
    assert figures.extra_startup_s == pytest.approx(0.885) and figures.break_even_images == pytest.approx(88.5)
    assert figures.extra_startup_warm_s == pytest.approx(0.285)
    assert figures.break_even_warm_images == pytest.approx(28.5)
    assert (figures.break_even_reason, figures.break_even_warm_reason) == (None, None)
    assert figures.startup_warm_s == pytest.approx(0.305)


def test_no_break_even_says_why() -> None:
    slower = _compared(_session(_near(5), _near(9)))
    assert slower.break_even is None and slower.saved_s is not None and slower.saved_s < 0
    assert slower.break_even_reason == slower.break_even_warm_reason == "no time is saved: it never pays"
    once = _compared(_session(_near(10), _near(5), repeats=1))
    assert once.break_even is not None and once.break_even_warm is None
    assert once.break_even_warm_reason == "a warm start-up was not measured on both sides"


# --- legs -------------------------------------------------------------------------------------------------------------


def _legged(given: Request, pace: dict[str, float]) -> SessionState:
    """No-compile's steps take 10 ms in every leg; ``pace`` divides a compiled variant's."""
    logs = {}
    for run in given.runs:
        log, index = frame(), 0
        for leg in given.case(run.case).workload.legs:
            fast = 1.0 if PLAIN in run.name else pace[leg.name]
            for _ in range(3):
                log += call(index, "measure", 1000 + index * 1000, [10 * (1 + run.repeat / 1000) / fast], leg=leg.name)
                index += 1
        logs[run.name] = [*log, ev.RunEnded(t=99_000 * MS, outcome="ok")]
    return fold(given, logs).state


def test_each_leg_is_compared_with_the_same_leg_of_the_baseline() -> None:
    legs = [Leg(name="small"), Leg(name="large"), Leg(name="small")]
    given = with_legs(request(variants=[PLAIN, "compile"], repeats=3, calls=3), legs)
    plain, compiled = case_figures(_legged(given, {"small": 2.0, "large": 0.5}))
    assert plain.leg_comparisons == []
    told = [(leg.name, leg.number, leg.verdict) for leg in compiled.leg_comparisons]
    assert told == [("small", 1, "FASTER"), ("large", 1, "SLOWER"), ("small", 2, "FASTER")]
    assert [leg.speedup for leg in compiled.leg_comparisons] == pytest.approx([2.0, 0.5, 2.0])
    # The headline is the first leg's, by the same way.
    first = compiled.leg_comparisons[0]
    assert (compiled.speedup, compiled.interval) == (first.speedup, first.interval)


def test_legs_of_other_scenarios_are_compared_where_they_have_the_same_name() -> None:
    base = request(variants=[PLAIN, "compile"], repeats=3, calls=3)
    one = _legged(with_legs(base, [Leg(name="small"), Leg(name="large")]), {"small": 1.0, "large": 1.0})
    other = _legged(with_legs(base, [Leg(name="large"), Leg(name="huge")]), {"large": 2.0, "huge": 2.0})
    found = compare(lots_of(other)[1], lots_of(one)[0])
    assert [(leg.name, leg.verdict) for leg in found.legs] == [("large", "FASTER")]


# --- what else was not the same ---------------------------------------------------------------------------------------


def test_workloads_that_differ_are_told_in_english() -> None:
    work = request(variants=[PLAIN]).cases[0].workload
    other = replace(
        work,
        batch_size=4,
        height=768,
        dtype="float16",
        weights="hub",
        guidance=3.0,
        vae_tiling=True,
        scheduler="EulerDiscreteScheduler",
        offload="model",
        calls=99,
        prompt="x" * 60,
        call={"eta": 0.5},
    )
    assert differing(work, work) == []
    assert differing(replace(work, height=512, guidance=7.5), other) == [
        "weights random and hub: power and clocks differ a little with the weights",
        "batch size 1 and 4",
        "height 512 and 768 px",
        "guidance 7.5 and 3",
        f"data type {work.dtype} and float16",
        "scheduler the pipeline's own and EulerDiscreteScheduler",
        "VAE tiling off and on",
        "offloading none and model",
        f"prompt '{work.prompt[:38]}{'…' if len(work.prompt) > 38 else chr(39)} and '{'x' * 38}…",
        "call argument eta not given and 0.5",
    ]


def test_legs_that_differ_are_told_though_they_are_called_the_same() -> None:
    work = request(variants=[PLAIN]).cases[0].workload
    small, tiny = (replace(work, legs=(Leg(name="small", changes={"height": size}),)) for size in (64, 32))
    assert differing(small, tiny) == ["legs of the same names that do something else: small"]
    assert differing(work, tiny) == ["legs none and small"]


def test_sessions_of_two_machines_are_compared_and_all_that_differs_is_said() -> None:
    states = []
    for where in (
        {"device_name": "NVIDIA A100", "versions": {"torch": "2.12.0", "diffusers": "0.41.0"}},
        {"device_name": "NVIDIA H200", "versions": {"torch": "2.13.0", "diffusers": "0.41.0"}},
    ):
        given = request(variants=[PLAIN], repeats=3)
        environment = ev.Environment(device="cuda:0", **where)
        logs = {run.name: [replace(environment), *_log(_near(10)(run))] for run in given.runs}
        states.append(fold(given, logs).state)
    found = compare(lots_of(states[1])[0], lots_of(states[0])[0])
    assert found.verdict == "SAME"
    assert found.warnings == [
        "runs were made with NVIDIA H200 and NVIDIA A100",
        "runs were made with torch 2.13.0 and torch 2.12.0",
    ]


# --- the baseline -----------------------------------------------------------------------------------------------------


def test_the_baseline_among_lots_of_any_sessions() -> None:
    one = _session(_near(10), _near(5), given=request(variants=["compile", PLAIN], batch_sizes=[1, 4], repeats=1))
    other = _session(_near(10), _near(5), given=request(variants=[PLAIN, "compile"], batch_sizes=[4], repeats=1))
    lots = [*lots_of(one), *lots_of(other)]
    plain = {(lot.session is one, lot.case.workload.batch_size): lot for lot in lots if PLAIN in lot.name}
    for lot in lots:
        # The first of the same work, whatever its session.
        assert choose_baseline(lots, lot) == plain[True, lot.case.workload.batch_size]
    assert choose_baseline(lots, lots[0], lots[2]) == lots[2]
    compiled = [lot for lot in lots if PLAIN not in lot.name]
    assert choose_baseline(compiled, compiled[1]) == compiled[0]
    assert choose_baseline([*compiled, plain[False, 4]], compiled[0]) == plain[False, 4]
    assert choose_baseline([], lots[0]) is None


# --- pooled figures ---------------------------------------------------------------------------------------------------


def test_stages_and_phases_of_a_case_are_the_median_runs_and_the_largest_peaks() -> None:
    given = request(variants=[PLAIN], repeats=3)
    logs = {}
    for run, step, loading, peak in zip(given.runs, (4.0, 5.0, 9.0), (300, 100, 200), (7, 9, 8), strict=True):
        log = frame()
        log[-1].t = loading * MS
        log += [
            event for index in range(3) for event in call(index, "measure", 1000 + index * 100, [step, step], tail=3)
        ]
        log.append(ev.Memory(t=1999 * MS, phase="measure", allocated_peak_bytes=peak))
        logs[run.name] = [*log, ev.RunEnded(t=2000 * MS, outcome="ok")]
    (figures,) = case_figures(fold(given, logs).state)
    assert [(stage.name, stage.median_ms) for stage in figures.stages] == [("denoise", 10.0)]
    load, measure = figures.phases
    assert (load.name, load.seconds, load.memory.allocated_peak_bytes) == ("load", 0.2, None)
    assert measure.seconds == pytest.approx(1.8) and measure.memory.allocated_peak_bytes == 9


def test_tails_and_outliers_of_a_case_are_over_the_steps_of_all_its_runs() -> None:
    given = request(variants=[PLAIN], repeats=2)
    steps = [5.0, 5.1] * 10
    logs = {}
    for run in given.runs:
        log = frame()
        for index in range(3):
            far = [80.0] if (run.repeat, index) == (2, 1) else []
            log += call(index, "measure", 1000 + index * 1000, steps[: 20 - len(far)] + far)
        logs[run.name] = [*log, ev.RunEnded(t=9000 * MS, outcome="ok")]
    state = fold(given, logs).state
    (figures,) = case_figures(state)
    assert figures.steps is not None and figures.loops[0].outliers == figures.steps.outliers == 1
    assert figures.steps.n == 120 and figures.steps.p99_ms == pytest.approx(5.1)
    alone = lot_figures(Lot(state, given.cases[0], given.runs[0].name), None).steps
    assert alone is not None and (alone.n, alone.p99_ms, alone.outliers) == (60, None, 0)


# --- kept figures -----------------------------------------------------------------------------------------------------


def test_the_figures_of_a_lot_are_kept_until_a_run_of_either_side_changes() -> None:
    given = request(variants=[PLAIN, "compile"], repeats=1)
    logs = {run.name: _log(10.0 if PLAIN in run.name else 5.0) for run in given.runs}
    folded = fold(given, logs)
    ours, (theirs, _) = lots_of(fold(given, logs).state)[1], lots_of(folded.state)
    first = lot_figures(ours, theirs)
    assert lot_figures(ours, theirs) is first
    assert lot_figures(ours, ours) is not first
    for index in range(7, 11):
        folded.run(given.runs[0].name, call(index, "measure", index * 20_000, [60.0, 60.0]))
    again = lot_figures(ours, theirs)
    assert again is not first and again.saved_s == pytest.approx(0.11)
    # The same lot of another session of the same name is another baseline.
    twin = lots_of(_session(_near(20), _near(5), given=given))[0]
    assert lot_figures(ours, twin).speedup == pytest.approx(4.0, rel=0.01)


# --- against figures that are made otherwise --------------------------------------------------------------------------


def test_figures_agree_with_those_made_of_the_raw_rows() -> None:
    """Nothing of the analysis is used below but the folded columns: its figures are made again, the long way."""
    state = _session(lambda run: 10 + run.repeat / 7, lambda run: 6 + run.repeat / 9)

    def middle(values: list[float]) -> float:
        ordered = sorted(values)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

    def of(variant: str) -> tuple[float, float, float, float]:
        loop_s, rates, images, starts = [], [], [], []
        for run in state.runs.values():
            if run.case.compilation.variant != variant:
                continue
            rows = [dict(zip(run.steps.names, run.steps.row(number))) for number in range(len(run.steps))]
            measured = [number for number, one in run.calls.items() if one.phase == "measure"]
            times = [sum(row["ns"] for row in rows if row["call"] == number) / 1e9 for number in measured]
            loop_s.append(middle(times))
            rates.append(middle([2 / seconds for seconds in times]))
            images.append(middle([run.calls[number].ns / 1e9 for number in measured]))
            first = run.calls[0]
            starts.append((first.start_ns + first.ns - run.phases[1].start_ns) / 1e9)
        product = 1.0
        for seconds in loop_s:
            product *= seconds
        return product ** (1 / len(loop_s)), middle(rates), middle(images), starts[0]

    plain, compiled = of(PLAIN), of("compile")
    figures = case_figures(state)
    assert [one.iterations_per_second for one in figures] == pytest.approx([plain[1], compiled[1]])
    assert figures[1].speedup == pytest.approx(plain[0] / compiled[0])
    assert figures[1].images_per_second == pytest.approx(1 / compiled[2])
    assert figures[1].break_even_images == pytest.approx((compiled[3] - plain[3]) / (plain[2] - compiled[2]))


# --- batches ----------------------------------------------------------------------------------------------------------


def test_batches_of_other_sizes_are_compared_by_the_image_as_break_even_is() -> None:
    given = request(variants=[PLAIN], batch_sizes=[1, 4], repeats=3)
    logs = {}
    for run in given.runs:
        images = given.case(run.case).workload.batch_size
        step_ms = (30.0 if images == 4 else 10.0) * (1 + run.repeat / 1000)
        log = frame()
        for index in range(3):
            log += call(index, "measure", 100 + index * 1000, [step_ms] * 2, images=images)
        logs[run.name] = [*log, ev.RunEnded(t=99_000 * MS, outcome="ok")]
    one, four = lots_of(fold(given, logs).state)
    found = compare(four, one)
    assert found.speedup == pytest.approx(4 / 3)
    assert (found.verdict, found.cycle_verdict) == ("FASTER", None)
    assert found.saved_s == pytest.approx((0.02 - 0.015) * 1.002)
    assert found.warnings == [
        "batch size 4 and 1",
        "a call makes 4 and 1 images: the time of each image is compared",
    ]
    assert compare(one, four).speedup == pytest.approx(3 / 4)
