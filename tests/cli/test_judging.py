"""``--fail-on-recompile``: what it judges, what it says and the exit code; on recorded sessions and on real runs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from profiler import conductor, devices
from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.report.judgement import Judgement, judge, judgement_lines
from tests.analysis.events import MS, call, fold, frame, request
from tests.support import recorded
from tui.cli import main
from tui.commands import judging, watch
from tui.commands import run as run_module

OPTION = "--fail-on-recompile"


def compiled(at: int, number: int, *, ok: bool = True, recompile: bool = True, limit: bool = False) -> list[ev.Event]:
    where: dict[str, Any] = {"id": f"0/{at}", "call": number, "loop": 0, "step": 0, "stage": "denoise"}
    told: list[ev.Event] = []
    if recompile:
        reason = "0/0: tensor 'args[0]' size mismatch at index 2. expected 8, actual 12"
        told.append(ev.Recompile(t=at * MS, module="UNet", reasons=[reason], argument="sample", **where))
    if limit:
        return [*told, ev.CompileLimit(t=at * MS, module="UNet", limit=8, **where)]
    told.append(ev.CompileStarted(t=at * MS, module="UNet", recompile=recompile, **where))
    return [*told, ev.CompileEnded(t=(at + 5) * MS, start_ns=at * MS, ns=5 * MS, ok=ok, **where)]


def first() -> list[ev.Event]:
    """What every compiled run has: a frame of another function, compiled in the warm-up call."""
    at: dict[str, Any] = {"id": "7/0", "call": 0, "loop": 0, "step": 0}
    return [ev.CompileStarted(t=10 * MS, **at), ev.CompileEnded(t=11 * MS, start_ns=10 * MS, ns=MS, **at)]


def session(*events: ev.Event, variant: str = "compile", compiles: bool = True) -> SessionState:
    """A run of a warm-up call (0), in which it compiles, and two measured ones."""
    asked = request(variants=[variant], repeats=1)
    log = [*frame("warmup"), *call(0, "warmup", 10, [5.0] * 3), *(first() if compiles else [])]
    log += [*call(1, "measure", 110, [5.0] * 3), *call(2, "measure", 210, [5.0] * 3), *events]
    return fold(asked, {asked.runs[0].name: [*log, ev.RunEnded(outcome="ok")]}, [ev.Header(t=0)]).state


def judged(*events: ev.Event, variant: str = "compile") -> Judgement:
    return judge(session(*events, variant=variant))


def test_what_compiled_before_the_measured_calls_is_as_it_should_be() -> None:
    found = judged(*compiled(11, 0, recompile=False), *compiled(12, 0))
    assert found.passed and found.calls == 2 and len(found.judged) == 1


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        (compiled(111, 1), "recompile"),
        (compiled(111, 1, recompile=False), "compile"),
        (compiled(211, 2, ok=False), "failure"),
        (compiled(211, 2, limit=True), "limit"),
    ],
)
def test_whatever_compiles_in_a_measured_call_fails(events: list[ev.Event], kind: str) -> None:
    found = judged(*events)
    assert not found.passed
    assert [one.kind for one in found.guilty] == [kind]


def fallen(measured_graphs: int) -> SessionState:
    """A run that hit the limit in its warm-up call; measured steps ran so many of 4 graphs."""
    asked = request(variants=["compile"], repeats=1)
    log = [*frame("warmup"), *call(0, "warmup", 10, [5.0] * 3), *first(), *compiled(12, 0, limit=True)]
    log += [
        ev.EagerFallback(t=13 * MS, call=0, loop=0, step=1, graphs=3, expected=4),
        *call(1, "measure", 110, [5.0] * 3),
    ]
    for event in log:
        if isinstance(event, ev.Step):
            event.graphs = 3 if event.call == 0 else measured_graphs
    return fold(asked, {asked.runs[0].name: [*log, ev.RunEnded(outcome="ok")]}, [ev.Header(t=0)]).state


def test_measured_calls_that_run_eager_fail_wherever_the_fall_was() -> None:
    found = judge(fallen(3))
    assert not found.passed
    assert [one.kind for one in found.guilty] == ["eager"]


def test_a_fall_that_measured_calls_recovered_from_is_none_of_theirs() -> None:
    assert judge(fallen(4)).passed


def test_a_capture_that_may_have_missed_something_fails() -> None:
    silent = ev.Environment(t=5 * MS, trace=False, trace_reason="torch 9 has no trace")
    found = judged(silent)
    assert not found.passed and not found.guilty
    assert "torch 9 has no trace" in "\n".join(judgement_lines(session(silent), found, width=200))


def test_a_compiled_run_that_compiled_nothing_at_all_is_no_pass() -> None:
    state = session(compiles=False)
    found = judge(state)
    assert not found.passed
    assert "ever compiled" in judgement_lines(state, found)[1]


def test_runs_that_nothing_is_compiled_in_are_not_judged() -> None:
    state = session(variant="no-compile", compiles=False)
    found = judge(state)
    assert not found.passed
    assert judgement_lines(state, found) == [f"{OPTION}: failed: no run here is compiled, so there is nothing to judge"]


def test_a_function_that_compiles_by_itself_is_judged_in_any_variant() -> None:
    assert judged(variant="no-compile").passed
    assert not judged(*compiled(111, 1), variant="no-compile").passed


def ended(**outcomes: str) -> Judgement:
    """A session with a run of each variant; those without an outcome have two measured calls."""
    asked = request(repeats=1)
    logs: dict[str, list[ev.Event]] = {}
    for run in asked.runs:
        variant = asked.case(run.case).compilation.variant.replace("-", "_")
        log = [*frame("warmup"), *call(0, "warmup", 10, [5.0]), *(first() if variant != "no_compile" else [])]
        if variant in outcomes:
            logs[run.name] = [*frame("warmup"), ev.RunEnded(outcome=outcomes[variant])]
        else:
            logs[run.name] = [*log, *call(1, "measure", 110, [5.0] * 3), ev.RunEnded(outcome="ok")]
    return judge(fold(asked, logs, [ev.Header(t=0)]).state)


def test_measured_calls_without_compilation_are_no_answer_for_those_with_it() -> None:
    found = ended(compile="stopped", regional_compile="unsupported")
    assert not found.passed and not found.judged
    assert list(found.unjudged.values()) == ["stopped", "unsupported"]


@pytest.mark.parametrize("outcome", ["unsupported", "stopped", "failed", "died"])
def test_every_compiled_run_has_to_be_judged(outcome: str) -> None:
    found = ended(regional_compile=outcome)
    assert not found.passed and len(found.judged) == 1
    assert ended().passed


@pytest.mark.parametrize("outcome", ["died", "stopped", "failed", "oom"])
def test_a_run_that_ended_early_is_no_pass(outcome: str) -> None:
    asked = request(variants=["compile"], repeats=1)
    log = [*frame("warmup"), *call(0, "warmup", 10, [5.0]), *first(), *call(1, "measure", 110, [5.0] * 3)]
    state = fold(asked, {asked.runs[0].name: [*log, ev.RunEnded(outcome=outcome)]}, [ev.Header(t=0)]).state
    found = judge(state)
    assert not found.passed and found.calls == 1
    assert "passed" not in "".join(judgement_lines(state, found)) and outcome in judgement_lines(state, found)[1]


def test_a_batch_that_does_not_fit_is_no_failure_of_the_others() -> None:
    assert ended(regional_compile="oom").passed
    assert not ended(compile="oom", regional_compile="oom").passed


def test_nothing_measured_is_no_pass() -> None:
    asked = request(variants=["compile"], repeats=1)
    log = [*frame("compile"), ev.RunEnded(outcome="unsupported", reason="no C++ compiler")]
    state = fold(asked, {asked.runs[0].name: log}, [ev.Header(t=0)]).state
    found = judge(state)
    assert not found.passed
    first, second = judgement_lines(state, found)
    assert "no compiled run made a measured call" in first and "(unsupported)" in second


def test_the_answer_comes_first_and_the_triggers_after_it() -> None:
    state = session(*compiled(111, 1))
    lines = judgement_lines(state, judge(state))
    assert lines[0] == f"{OPTION}: failed: in 1 of 1 compiled run measured calls compiled or ran eager"
    assert any(line.startswith("1  ") and "sample" in line for line in lines)
    state = session()
    assert judgement_lines(state, judge(state)) == [
        f"{OPTION}: passed: nothing compiled in 2 measured calls of 1 compiled run"
    ]


# --- the commands ---


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("command", ["run sd15-txt2img", "demo", "resume last"])
def test_a_detached_session_is_refused(command: str, own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *command.split(), "--detach", OPTION)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert OPTION in err and "--detach" in err
    assert not (own_home / "sessions").exists()


def test_a_session_without_compiled_runs_is_refused(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["run", "sd15-txt2img", "--size", "tiny", "--device", "cpu", "--variant", "no-compile", OPTION]
    code, out, err = run(capsys, *asked)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert OPTION in err and "--variant compile" in err
    assert not (own_home / "sessions").exists()


def test_resume_judges_a_session_that_owes_nothing(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded.finished().write(own_home)
    code, out, _ = run(capsys, "resume", "last", OPTION)
    assert code == 0 and f"{OPTION}: passed" in out
    recorded.finished(legs=["64x64", "96x64"], session="swept").write(own_home)
    code, out, _ = run(capsys, "resume", "swept", OPTION)
    assert code == 1 and f"{OPTION}: failed" in out and "(96x64)" in out


def test_with_json_the_answer_is_aside(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded.finished(legs=["64x64", "96x64"]).write(own_home)
    code, out, err = run(capsys, "resume", "last", OPTION, "--json")
    assert code == 1 and err.startswith(f"{OPTION}: failed")
    assert json.loads(out)["state"] == "done"


@pytest.mark.parametrize("json_too", [[], ["--json"]])
@pytest.mark.parametrize(("legs", "expected"), [([], 0), (["64x64", "96x64"], 1)])
def test_the_code_is_the_same_where_nobody_reads_on(
    legs: list[str], expected: int, json_too: list[str], own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.finished(legs=legs).write(own_home)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as unread:
        monkeypatch.setattr(sys, "stdout", unread)
        assert main(["resume", "last", OPTION, *json_too]) == expected


def test_a_failure_keeps_its_code(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = Follower(recorded.finished().write(own_home)).read_all()
    assert judge(state).passed
    assert judging.judged(state, 1, aside=False) == 1


@pytest.mark.parametrize(("legs", "expected"), [([], 0), (["64x64", "96x64"], 1)])
def test_a_session_that_is_over_is_judged_when_the_screen_is_left(
    legs: list[str],
    expected: int,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = recorded.finished(legs=legs).write(own_home)
    shown = stand_in(monkeypatch, folder)
    code, out, _ = run(capsys, "run", "sd15-txt2img", "--size", "tiny", "--device", "cpu", OPTION)
    assert (code, shown) == (expected, [folder])
    assert f"{OPTION}: {'failed' if expected else 'passed'}" in out


def test_a_session_that_goes_on_is_not_judged(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = recorded.live(seconds=5)
    folder = recording.write(own_home, until_ns=recording.live_ns)
    stand_in(monkeypatch, folder)
    code, out, _ = run(capsys, "run", "sd15-txt2img", "--size", "tiny", "--device", "cpu", OPTION)
    assert code == 0
    assert out == f"{OPTION}: the session goes on unjudged; 'stepscope triggers {folder.id}' shows what compiled\n"


def stand_in(monkeypatch: pytest.MonkeyPatch, folder: Any) -> list[Any]:
    """On a terminal, with a screen that is left at once; the session is ``folder``. Returns what was shown."""
    shown: list[Any] = []
    monkeypatch.setattr(devices, "choose", lambda given: "cpu")
    monkeypatch.setattr(conductor, "start", lambda started: 1)
    monkeypatch.setattr(run_module.sessions, "create", lambda *given: folder)
    monkeypatch.setattr(run_module, "on_terminal", lambda: True)
    monkeypatch.setattr(watch, "show_app", lambda root, opened, settings: shown.append(opened))
    return shown


# --- real runs ---

TINY = (
    "sd15-txt2img --size tiny --device cpu --backend eager --variant regional-compile --steps 1 --repeats 1 --headless"
)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_a_real_run_that_recompiles_in_a_measured_call_fails_with_the_sentence(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = "--scenario resolution-sweep --calls 1 --warmup 0"
    code, out, err = run(capsys, "run", *TINY.split(), *sweep.split(), "--headless", OPTION)
    assert (code, err) == (1, "")
    answer = out[out.index(f"{OPTION}: failed") :]
    groups = json.loads(run(capsys, "triggers", "--json", "--filter", "kind:recompile")[1])["groups"]
    (group,) = (one for one in groups if one["measured"])
    assert group["module"] == "BasicTransformerBlock" and group["blame"] == "user"
    assert group["sentence"] in " ".join(answer.split())
    assert "(64x96)" in answer


def test_a_real_steady_run_passes(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "run", *TINY.split(), "--calls", "2", "--json", OPTION)
    assert (code, err) == (0, f"{OPTION}: passed: nothing compiled in 2 measured calls of 1 compiled run\n")
    (made,) = json.loads(out)["runs"]
    assert made["compile"]["compiles"] >= 1, "it did compile, before the measured calls"
