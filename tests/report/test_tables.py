"""What the tables of ``show`` say of recompiles: whose doing they were, and where that is explained."""

from __future__ import annotations

import pytest

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.report.notes import sync_lines
from profiler.report.tables import recompile_lines, session_lines
from profiler.report.triggers import trigger_lines
from tests.analysis.events import MS, call, fold, frame, request
from tests.support import recorded
from tests.tui.support import folded

SECOND = 1000 * MS
HEIGHT = "0/0: tensor 'sample' size mismatch at index 2. expected 8, actual 12"
LEAF = {"function": "inner", "file": "/x/torch/_dynamo/external_utils.py", "line": 68}


def compiled(number: int, reason: str | None, took: int, **more: object) -> list[ev.Event]:
    """A compile in the second call; ``reason``: why it is a recompile. ``took`` s."""
    where = {"id": f"0/{number}", "call": 1, "loop": 0, "step": 0, "module": "UNet", "fqn": "unet", **more}
    found: list[ev.Event] = []
    if reason is not None:
        found.append(ev.Recompile(t=SECOND, reasons=[reason], total_reasons=1, argument="sample", **where))
    found.append(ev.CompileStarted(t=SECOND, recompile=reason is not None, **where))
    end = {"id": f"0/{number}", "start_ns": SECOND, "ns": took * SECOND}
    return [*found, ev.CompileEnded(t=2 * SECOND, **end)]


def state_of(*repeats: list[ev.Event]) -> SessionState:
    given = request(variants=["no-compile", "compile"], repeats=max(len(repeats), 1), calls=2)
    runs = [run for run in given.runs if "no-compile" not in run.case]
    calls = [*call(0, "compile", 100, [10.0] * 4), *call(1, "measure", 500, [10.0] * 4)]
    return fold(given, {run.name: [*frame("compile"), *calls, *log] for run, log in zip(runs, repeats)}).state


def test_a_case_says_how_many_were_whose_doing_and_why() -> None:
    leaf = compiled(1, "0/0: ___check_type_id(fn, 1), type=<class 'Linear'>", 1, module="Linear", **LEAF)
    state = state_of([*compiled(0, None, 3, **LEAF), *leaf, *compiled(2, HEIGHT, 18)])
    case, hint = recompile_lines(state)
    assert case.startswith("sd15-txt2img-compile-b1: 2 recompiles, 19.0 s: 1 yours (sample height 8 → 12")
    assert case.endswith("), 1 artefact")
    assert hint.startswith(f"'stepscope triggers {state.session}' explains; artefacts are ")


def test_the_most_of_the_repeats_are_told_as_in_the_table() -> None:
    state = state_of([*compiled(0, None, 3)], [*compiled(0, None, 3), *compiled(1, HEIGHT, 2)])
    case, hint = recompile_lines(state)
    assert case.startswith("sd15-txt2img-compile-b1: 1 recompile in one run of 2, 2.00 s: 1 yours (")
    assert hint == f"'stepscope triggers {state.session}' explains"


def test_several_causes_are_the_costliest_and_how_many_more() -> None:
    other = "0/0: tensor 'sample' dtype mismatch. expected Float, actual Half"
    state = state_of([*compiled(0, None, 3), *compiled(1, other, 2), *compiled(2, HEIGHT, 4)])
    case = recompile_lines(state)[0]
    assert ": 2 yours (sample height 8 → 12" in case
    assert case.endswith(" and 1 more)")


def test_triggers_and_show_count_in_the_same_words() -> None:
    again = [*compiled(1, HEIGHT, 2), *compiled(2, HEIGHT.replace("12", "16"), 2)]
    state = state_of([*compiled(0, None, 3)], [*compiled(0, None, 3), *again], [*compiled(0, None, 3), *again[:3]])
    assert ": 2 recompiles in one run of 3, 4.00 s: " in recompile_lines(state)[0]
    (totals,) = [line for line in trigger_lines(state, width=200) if "first compiles" in line]
    assert "3 recompiles in 3 runs, " in totals
    assert "; 2 recompiles in one run of 3; " in totals


def test_what_waited_for_the_device_is_told_with_its_line() -> None:
    def sync(line: int, count: int) -> ev.Sync:
        return ev.Sync(file="/x/site-packages/a/b.py", line=line, function="step", code="  x.item()\n", count=count)

    state = state_of([sync(line, line) for line in range(1, 8)])
    lines = sync_lines(state)
    assert lines[0] == (
        "sd15-txt2img-compile-b1: Python waited for the device 7 times in a call at a/b.py:7 in step: x.item()"
    )
    assert len(lines) == 6
    assert "and 2 more such lines" in lines[-1]


@pytest.mark.parametrize("width", [60, 80, 120, 250])
@pytest.mark.parametrize("legs", [(), ("512x512", "768x768")])
def test_the_page_fits_the_terminal(width: int, legs: tuple[str, ...]) -> None:
    lines = session_lines(folded(recorded.finished(legs=legs)), width=width)
    assert max(map(len, lines)) <= width
    words = ("it/s", "step ms", "break-even", "cold s", "peak VRAM", *(("1st call ms",) if legs else ()))
    assert all(any(word in line for line in lines) for word in words)


def test_each_leg_is_compared_with_the_same_one_of_the_baseline() -> None:
    lines = session_lines(folded(recorded.finished(legs=("a", "b", "a"), repeats=3)), width=120)
    at = next(number for number, line in enumerate(lines) if line.startswith("legs "))
    rows = [line.split() for line in lines[at + 1 : at + 10]]
    assert [row[-7:-5] for row in rows[3:6]] == [["1.61x", "FASTER"], ["1.61x", "FASTER"], ["1.62x", "FASTER"]]
    assert [row[-6] for row in rows[:3]] == ["-"] * 3


def test_where_nothing_was_compiled_again_nothing_is_said() -> None:
    state = state_of([*compiled(0, None, 3)])
    assert recompile_lines(state) == []
    assert "explains" not in "\n".join(session_lines(state))


def test_cases_that_say_the_same_share_a_line_below_the_table() -> None:
    lines = session_lines(folded(recorded.finished()))
    at = next(number for number, line in enumerate(lines) if "recompiles, " in line and ": " in line)
    assert at > next(number for number, line in enumerate(lines) if line.startswith("speed "))
    assert lines[at] == "regional-compile: 2 recompiles, 1.80 s: 2 expected"
    assert lines[at + 1] == "'stepscope triggers done-sd15-txt2img' explains"
