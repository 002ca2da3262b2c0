"""What a run says of itself while it compiles; the clock is given."""

from __future__ import annotations

import pytest

from profiler import events as ev
from profiler.analysis.progress import PHASE_WORDS, run_progress
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import explained
from tests.analysis.events import MS, call, fold, frame, request

SECOND = 1000 * MS
UNET = {"module": "UNet2DConditionModel", "fqn": "unet"}
SIZE = "0/0: tensor 'args[0]' size mismatch at index 2. expected 8, actual 12"


def compile_of(number: int, at: int, took: int | None, *, again: bool = False, **more: object) -> list[ev.Event]:
    """A compile that began ``at`` s and took so many seconds; None: it goes on. ``again``: a recompile."""
    about = {"id": f"0/{number}", "call": 0, "step": 0, **UNET, **more}
    found: list[ev.Event] = []
    if again:
        found.append(ev.Recompile(t=at * SECOND, reasons=[SIZE], total_reasons=1, argument="sample", **about))
    found.append(ev.CompileStarted(t=at * SECOND, recompile=again, **about))
    if took is not None:
        end = {"start_ns": at * SECOND, "ns": took * SECOND, "phases": {"total": took * SECOND}}
        found.append(ev.CompileEnded(t=(at + took) * SECOND, id=f"0/{number}", **end))
    return found


def state_of(*runs: list[ev.Event]) -> SessionState:
    """A compiled case whose repeats have these logs."""
    given = request(variants=["compile"], repeats=len(runs))
    begin = [
        *frame("compile"),
        ev.CallStarted(t=1, call=0, phase="compile", steps=4, start_ns=1),
    ]
    return fold(given, {run.name: [*begin, *log] for run, log in zip(given.runs, runs)}).state


def said(state: SessionState, seconds: float) -> str:
    return run_progress(state, list(state.runs.values())[-1], int(seconds * SECOND)).text


def test_every_second_counts_and_nothing_else_changes() -> None:
    state = state_of(compile_of(0, 10, None))
    assert said(state, 10.0) == "compiling UNet2DConditionModel, 0 s"
    assert said(state, 21.99) == "compiling UNet2DConditionModel, 11 s"
    assert said(state, 22.01) == "compiling UNet2DConditionModel, 12 s"


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ("total", ""),
        ("dynamo", ", dynamo tracing"),
        ("aot", ", AOTAutograd"),
        ("inductor", ", inductor"),
        ("codegen", ", inductor codegen"),
        ("kernels", ", compiling kernels"),
        ("autotune", ", autotuning"),
        ("cudagraph", ", recording a CUDA graph"),
        ("a phase of tomorrow", ", a phase of tomorrow"),
    ],
)
def test_the_phase_is_told_in_words(phase: str, words: str) -> None:
    mark = ev.CompilePhase(t=11 * SECOND, id="0/0", phase=phase)
    assert said(state_of([*compile_of(0, 10, None), mark]), 12) == f"compiling UNet2DConditionModel{words}, 2 s"


def test_every_phase_of_the_format_has_its_words() -> None:
    told = ["total", "dynamo", "aot", "inductor", "codegen", "kernels", "guards", "cudagraph", "autotune"]
    assert set(PHASE_WORDS) == set(told)


def test_when_an_inner_phase_has_ended_the_outer_one_is_told() -> None:
    marks = [
        ev.CompilePhase(t=11 * SECOND, id="0/0", phase="dynamo"),
        ev.CompilePhase(t=12 * SECOND, id="0/0", phase="inductor"),
        ev.CompilePhase(t=13 * SECOND, id="0/0", phase="inductor", ns=SECOND),
    ]
    assert "dynamo tracing, 4 s" in said(state_of([*compile_of(0, 10, None), *marks]), 14)


def test_the_last_one_is_of_the_same_kind() -> None:
    log = [
        *compile_of(0, 1, 24),
        *compile_of(1, 30, 9, again=True),
        *compile_of(2, 40, 7, again=True),
        *compile_of(3, 50, 1, module="AutoencoderKL", fqn="vae"),
        *compile_of(4, 60, None, again=True),
    ]
    assert "; the last one took 7.0 s;" in said(state_of(log), 61)


def test_before_a_first_recompile_the_first_compile_tells() -> None:
    log = [*compile_of(0, 1, 24), *compile_of(1, 30, None, again=True)]
    assert "; the first one took 24 s;" in said(state_of(log), 31)


def test_an_earlier_repeat_tells_what_this_one_cannot() -> None:
    first = [*compile_of(0, 1, 24), *compile_of(1, 30, 9, again=True), ev.RunEnded(outcome="ok")]
    assert said(state_of(first, compile_of(0, 1, None)), 13).endswith(", 12 s; the last one took 24 s")
    again = [*compile_of(0, 1, 20), *compile_of(1, 30, None, again=True)]
    assert "; the last one took 9.0 s;" in said(state_of(first, again), 31)


def test_a_compile_that_failed_is_no_estimate() -> None:
    failed = [*compile_of(0, 1, None), ev.CompileEnded(t=2 * SECOND, id="0/0", ns=SECOND, ok=False, failure="Boom")]
    assert said(state_of([*failed, *compile_of(1, 5, None)]), 6) == "compiling UNet2DConditionModel, 1 s"


def test_a_recompile_says_why_at_once() -> None:
    state = state_of([*compile_of(0, 1, 24), *compile_of(1, 30, None, again=True)[:1]])
    run = next(iter(state.runs.values()))
    sentence = explained(run, run.compiles[0, "0/1"]).sentence
    assert sentence
    assert said(state, 30).endswith(f"; {sentence}"), "from the failed guard on, before torch says that it begins"


def test_what_several_denoisers_of_a_class_compile_is_told_apart() -> None:
    log = [*compile_of(0, 1, 2, fqn="unet_1"), *compile_of(1, 5, None, fqn="unet_2.mid_block")]
    assert said(state_of(log), 6).startswith("compiling UNet2DConditionModel (unet_2), 1 s")


def test_where_the_text_does_not_fit_the_seconds_come_first() -> None:
    mark = ev.CompilePhase(t=31 * SECOND, id="0/1", phase="codegen")
    state = state_of([*compile_of(0, 1, 24), *compile_of(1, 30, None, again=True), mark])
    run = next(iter(state.runs.values()))
    brief = run_progress(state, run, 42 * SECOND).brief
    assert brief == "compiling UNet2DConditionModel 12 s (first 24 s), inductor codegen"
    state = state_of(compile_of(0, 1, 24))
    assert run_progress(state, next(iter(state.runs.values())), 42 * SECOND).brief == "", "nothing compiles"


def test_what_is_left_of_a_call_counts_the_recompile_that_holds_it_up() -> None:
    given = request(variants=["compile"], repeats=1, calls=2, warmup=0)
    name = given.runs[0].name
    calls = [
        *call(0, "compile", 0, [10.0] * 4),
        *call(1, "measure", 1000, [100.0] * 4),
        *call(2, "measure", 2000, [100.0] * 4)[:3],
    ]
    again = [*compile_of(0, 0, 20), *compile_of(1, 2, None, again=True)]
    for event in again[-2:]:
        event.t += 100 * MS  # after the first step
    state = fold(given, {name: [*frame("compile"), *calls, *again]}).state
    left = run_progress(state, state.runs[name], 2100 * MS + 5 * SECOND).eta_s
    assert left == pytest.approx(0.3 + 15.0)
