"""What Live and plain lines say of compiles, and that they are explained once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.fold import SessionFold
from profiler.analysis.state import RunState
from profiler.analysis.triggers import Cost, Occurrence, Place
from tests.support import recorded
from tests.tui.support import empty_fold, feed, flat, folded
from tui.panels.progress import ProgressPanel
from tui.pictures import compiles
from tui.pictures.compiles import Explained, compile_text
from tui.pictures.happenings import Happenings
from tui.pictures.progress import ProgressLine, progress_lines
from tui.plain import PlainReport

MS, SECOND = 1_000_000, 1_000_000_000
PLACE = Place(phase="measure", call=4, measured=2, leg=None, stage="denoise", loop=0, step=0)
COST = Cost(
    ms=9300.0,
    net_ms=9000.0,
    parts=[],
    operators=1,
    guards=1,
    guard_ms=None,
    overhead_ms=None,
    handler_ms=None,
    restarts=0,
    caches=[],
)
SIZE = "0/0: tensor 'args[0]' size mismatch at index 2. expected 8, actual 12"


def occurrence(**changes: object) -> Occurrence:
    given: dict[str, object] = {
        "key": "r 0 0/1",
        "run": "r",
        "case": "c",
        "variant": "compile",
        "repeat": 1,
        "kind": "recompile",
        "cause": "tensor.size",
        "blame": "user",
        "sentence": "sample height 8 → 12 (64 → 96 px)",
        "why": "",
        "advice": None,
        "module": "UNet2DConditionModel",
        "fqn": "unet",
        "function": "forward",
        "file": "unet.py",
        "line": 1,
        "place": PLACE,
        "cost": COST,
    }
    return Occurrence(**(given | changes))  # type: ignore[arg-type]


# --- one line ---


def test_a_recompile_says_why_what_how_long_and_what_the_step_lost() -> None:
    lost = replace(PLACE, step_ms=9450.0, usual_ms=50.0, lost_ms=9400.0)
    assert compile_text(occurrence(place=lost)) == (
        "sample height 8 → 12 (64 → 96 px): UNet2DConditionModel (unet) again in 9.30 s, call 2 step 1 lost 9.40 s"
    )
    assert compile_text(occurrence()).endswith(" again in 9.30 s, call 2 step 1"), "before the step has ended"


@pytest.mark.parametrize(
    ("blame", "sentence", "begin"),
    [
        ("expected", "tokens 4096 → 1024", "tokens 4096 → 1024 (expected): UNet2DConditionModel"),
        ("artefact", "a runs through the code of b", "a runs through the code of b (artefact) in 9.30 s"),
        ("unknown", "no rule knows this", "no rule knows this: UNet2DConditionModel"),
        ("expected", "expected: another width", "expected: another width: UNet2DConditionModel"),
    ],
)
def test_what_is_not_the_users_doing_is_marked(blame: str, sentence: str, begin: str) -> None:
    assert compile_text(occurrence(blame=blame, sentence=sentence)).startswith(begin)


def test_while_it_compiles_the_reason_is_there_and_no_second_that_would_have_to_be_counted() -> None:
    under_way = occurrence(running=True, phase="codegen", cost=None)
    assert compile_text(under_way) == (
        "sample height 8 → 12 (64 → 96 px): compiling UNet2DConditionModel (unet), inductor codegen"
    )
    first = occurrence(running=True, kind="compile", cost=None, phase="total")
    assert compile_text(first) == "compiling UNet2DConditionModel (unet)"


def test_a_first_compile_says_whether_it_came_from_the_cache() -> None:
    first = occurrence(kind="compile", blame="expected")
    assert compile_text(first) == "UNet2DConditionModel (unet) compiled in 9.30 s"
    hits = replace(COST, caches=["FX graph hit, saved 24.4 s", "AOTAutograd hit"])
    assert compile_text(replace(first, cost=hits)).endswith(" (from the cache)")
    mixed = replace(COST, caches=["FX graph miss", "AOTAutograd hit"])
    assert not compile_text(replace(first, cost=mixed)).endswith(" (from the cache)")


def test_a_step_is_told_only_where_there_is_one() -> None:
    outside = Place(phase=None, call=None, measured=None, leg=None, stage=None, loop=None, step=None)
    assert compile_text(occurrence(place=outside)).endswith(" again in 9.30 s")


# --- explained once ---


def recompile(number: int, call: int, at: int, *, took: int | None) -> list[ev.Event]:
    """A recompile of the first step of ``call``; ``took`` None: it goes on. Times in ns."""
    where = {"id": f"0/{number}", "call": call, "loop": 0, "step": 0, "module": "UNet", "fqn": "unet"}
    found: list[ev.Event] = [
        ev.Recompile(t=at, reasons=[SIZE], total_reasons=1, argument="sample", actual="12", **where),
        ev.CompileStarted(t=at, recompile=True, **where),
    ]
    if took is not None:
        found.append(ev.CompileEnded(t=at + took, id=f"0/{number}", start_ns=at, ns=took))
    return found


def measured(call: int, at: int, steps: list[int]) -> list[ev.Event]:
    """The beginning of a measured call whose steps took so many ns."""
    found: list[ev.Event] = [
        ev.CallStarted(t=at, call=call, phase="measure", steps=4, start_ns=at),
        ev.LoopStarted(t=at, call=call, loop=0, name="denoise", denoisers=["unet"], iterations=4, start_ns=at),
    ]
    for step, ns in enumerate(steps):
        found.append(ev.Step(t=at + ns, call=call, loop=0, step=step, start_ns=at, ns=ns))
        at += ns
    return found


def begun() -> tuple[SessionFold, RunState]:
    fold, runs = empty_fold(recorded.request(steps=4))
    run = fold.state.runs[runs[1]]
    feed(fold, run.name, ev.Header(t=1), ev.PhaseStarted(t=1, phase="measure"), *measured(0, 1, [40 * MS] * 4))
    feed(fold, run.name, ev.CallEnded(t=SECOND, call=0, ns=SECOND), ev.PhaseStarted(t=SECOND, phase="measure"))
    return fold, run


def test_nothing_new_is_the_same_object_while_steps_go_by() -> None:
    state = folded(recorded.finished())
    explained = Explained()
    run = next(run for run in state.runs.values() if run.compiles)
    first = explained.of(run)
    assert len(first) == len(run.compiles) > 0
    run.steps.extend(run.steps.row(0))
    assert explained.of(run) is first


def test_steps_after_the_one_that_was_held_up_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fold, run = begun()
    feed(fold, run.name, *measured(1, 3 * SECOND, []), *recompile(1, 1, 3 * SECOND, took=2 * SECOND))
    explained = Explained()
    asked: list[object] = []
    real = compiles.occurrences_of
    monkeypatch.setattr(compiles, "occurrences_of", lambda run: asked.append(run) or real(run))
    for step in range(4):
        at = (6 + step) * SECOND
        feed(fold, run.name, ev.Step(t=at, call=1, loop=0, step=step, start_ns=at - SECOND, ns=SECOND))
        explained.of(run)
    assert len(asked) == 1, "for the step that it held up"


def test_the_list_is_made_again_only_for_what_is_new() -> None:
    fold, run = begun()
    happenings = Happenings(fold.state)
    feed(fold, run.name, *measured(1, 3 * SECOND, []), *recompile(1, 1, 3 * SECOND, took=None))
    before = happenings.newest_first()
    feed(fold, run.name, ev.Heartbeat(t=4 * SECOND))
    assert happenings.newest_first() is before, "a second more changes no line"
    feed(fold, run.name, ev.CompilePhase(t=5 * SECOND, id="0/1", phase="aot"))
    assert happenings.newest_first() is not before


def test_a_new_compile_makes_one_new_line() -> None:
    fold, run = begun()
    happenings = Happenings(fold.state)
    for number in range(3):
        feed(fold, run.name, *recompile(number, 0, (3 + number) * SECOND, took=SECOND))
    before = {id(line) for line in happenings.newest_first() if line.symbol == "R"}
    feed(fold, run.name, *recompile(3, 0, 7 * SECOND, took=None))
    after = {id(line) for line in happenings.newest_first() if line.symbol == "R"}
    assert len(before) == 3
    assert len(after - before) == 1


def test_the_line_follows_a_recompile_from_its_failed_guard_to_what_the_step_lost() -> None:
    fold, run = begun()
    happenings = Happenings(fold.state)
    told: list[str] = []

    def look() -> None:
        told.append(next(found.text for found in happenings.newest_first() if found.symbol == "R"))

    events = recompile(1, 1, 3 * SECOND, took=2 * SECOND)
    feed(fold, run.name, *measured(1, 3 * SECOND, []), *events[:2])
    look()
    feed(fold, run.name, ev.CompilePhase(t=4 * SECOND, id="0/1", phase="inductor"))
    look()
    feed(fold, run.name, *events[2:])
    look()
    step = ev.Step(t=6 * SECOND, call=1, loop=0, step=0, start_ns=3 * SECOND, ns=2_040 * MS)
    feed(fold, run.name, step)
    look()
    sentence = Explained().of(run)[0].sentence
    assert told[:3] == [
        f"{sentence}: compiling UNet (unet)",
        f"{sentence}: compiling UNet (unet), inductor",
        f"{sentence}: UNet (unet) again in 2.00 s, call 2 step 1",
    ]
    assert told[3] == f"{sentence}: UNet (unet) again in 2.00 s, call 2 step 1 lost 2.00 s"


def test_a_plain_line_waits_for_what_the_step_lost() -> None:
    fold, run = begun()
    said: list[str] = []
    report = PlainReport(said.append)

    def recompiles() -> list[str]:
        report.update(fold.state)
        return [line for line in said if "recompile: " in line]

    feed(fold, run.name, *measured(1, 3 * SECOND, []), *recompile(1, 1, 3 * SECOND, took=2 * SECOND))
    assert recompiles() == []
    feed(fold, run.name, ev.Step(t=6 * SECOND, call=1, loop=0, step=0, start_ns=3 * SECOND, ns=2_040 * MS))
    (line,) = recompiles()
    assert line.startswith(f"{run.name}: recompile: ")
    assert line.endswith("UNet (unet) again in 2.00 s, call 2 step 1 lost 2.00 s")
    feed(fold, run.name, ev.Step(t=6 * SECOND + 1, call=1, loop=0, step=1, start_ns=6 * SECOND, ns=40 * MS))
    assert recompiles() == [line]


def test_a_plain_line_of_a_step_that_never_ended_comes_with_the_end_of_the_run() -> None:
    fold, run = begun()
    said: list[str] = []
    report = PlainReport(said.append)
    feed(fold, run.name, *measured(1, 3 * SECOND, []), *recompile(1, 1, 3 * SECOND, took=2 * SECOND))
    report.update(fold.state)
    feed(fold, run.name, ev.RunEnded(t=6 * SECOND, outcome="failed", reason="boom"))
    report.update(fold.state)
    assert [line for line in said if "recompile: " in line and line.endswith("again in 2.00 s, call 2 step 1")]


def test_what_torch_compile_only_prepared_is_not_told_as_compiled() -> None:
    fold, runs = empty_fold()
    feed(fold, runs[1], ev.Header(t=1), ev.Note(t=2, code="compiled", text="unet"))
    assert "to be compiled: unet" in [found.text for found in Happenings(fold.state).newest_first()]


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (120, "compiling UNet, inductor, 4 s; the first one took 2.0 s; sample height 8 → 12 (latent)"),
        (80, "compiling UNet 4 s (first 2.0 s), inductor"),
    ],
)
def test_the_progress_line_keeps_its_seconds_on_a_narrow_screen(width: int, said: str) -> None:
    fold, run = begun()
    asked = fold.state.request.runs[1].name
    feed(fold, None, ev.Header(t=1), ev.RunChanged(t=1, run=asked, state="running"))
    where = {"id": "0/0", "module": "UNet", "fqn": "unet"}
    feed(fold, run.name, ev.CompileStarted(t=1, call=0, **where), ev.CompileEnded(t=2, id="0/0", ns=2 * SECOND))
    feed(fold, run.name, *measured(1, 3 * SECOND, []), *recompile(1, 1, 3 * SECOND, took=None))
    feed(fold, run.name, ev.CompilePhase(t=4 * SECOND, id="0/1", phase="inductor"))
    lines = progress_lines(fold.state, 7 * SECOND)
    assert said in flat(ProgressPanel(lines).lay_out(width, 2))


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (120, "compiling UNet, inductor, 4 s; the first one took 2.0 s; step 2 of 9"),
        (60, "step 2 of 9, compiling UNet 4 s (first 2.0 s), inductor"),
        (52, "compiling UNet 4 s (first 2.0 s), inductor"),
    ],
)
def test_a_compile_that_holds_up_a_call_leaves_its_step_on_the_line_where_there_is_room(width: int, said: str) -> None:
    line = ProgressLine(
        *("", "", "", "", "compiling UNet, inductor, 4 s; the first one took 2.0 s; step 2 of 9", "", None, ""),
        brief="compiling UNet 4 s (first 2.0 s), inductor",
        held="step 2 of 9",
    )
    assert flat(ProgressPanel((line,)).lay_out(width, 1)).rstrip() == said
