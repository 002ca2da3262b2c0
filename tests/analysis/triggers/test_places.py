"""What a compile interrupted, what that cost the step, and what it took itself."""

from __future__ import annotations

from typing import Any

import pytest

from profiler import events as ev
from profiler.analysis import triggers
from profiler.analysis.fold import SessionFold
from tests.analysis.events import MS, call, frame
from tests.analysis.triggers.made import BLOCK, asked, compiled, folded, last, legs, run_of, two_calls

HEIGHT = "0/0: tensor 'args[0]' size mismatch at index 2. expected 8, actual 12"


def test_a_place_names_the_measured_call_its_leg_and_its_step() -> None:
    warm = call(0, "warmup", 0, [10.0, 10.0])
    measured = [*call(1, "measure", 100, [10.0] * 3, leg="a"), *call(2, "measure", 300, [90.0] + [10.0] * 3, leg="b")]
    place = last(asked(*legs({}, {})), compiled("0/0", 0, 0), warm, measured, compiled("0/1", 300, 2, HEIGHT)).place
    assert (place.phase, place.call, place.measured, place.leg) == ("measure", 2, 2, "b")
    assert (place.stage, place.loop, place.step) == ("denoise", 0, 0)
    assert (place.step_ms, place.usual_ms, place.lost_ms) == (90.0, 10.0, 80.0)


def test_the_usual_step_is_that_of_the_same_leg() -> None:
    calls = [*call(0, "measure", 0, [500.0] + [10.0] * 3, leg="a"), *call(1, "measure", 900, [90.0, 40.0], leg="b")]
    place = last(asked(*legs({}, {})), compiled("0/0", 0, 0), calls, compiled("0/1", 900, 1, HEIGHT)).place
    assert place.usual_ms == 40.0
    # A call of one step, in which something was compiled: other legs' steps are the nearest there is.
    calls = [*call(0, "measure", 0, [500.0] + [10.0] * 3, leg="a"), *call(1, "measure", 900, [90.0], leg="b")]
    place = last(asked(*legs({}, {})), compiled("0/0", 0, 0), calls, compiled("0/1", 900, 1, HEIGHT)).place
    assert place.usual_ms == 10.0


def test_steps_of_other_loops_and_steps_with_compiles_are_not_usual() -> None:
    calls = call(0, "measure", 0, [100.0, 80.0, 10.0, 12.0, 14.0])
    second_step = compiled("0/1", 100, 0, HEIGHT, step=1)
    place = last(asked(), compiled("0/0", 0, 0), calls, second_step).place
    assert (place.step_ms, place.usual_ms) == (80.0, 12.0)


def test_what_a_step_lost_is_known_when_it_has_ended() -> None:
    given = asked()
    fold = SessionFold("test", given)
    name = given.runs[0].name
    whole = call(0, "measure", 0, [100.0, 10.0, 10.0])
    fold.run(name, [*frame(), whole[0], whole[1], *compiled("0/0", 0, 0)])
    assert triggers.occurrences(fold.state)[0].place.step_ms is None
    fold.run(name, whole[2:3])  # the step itself makes no new revision
    assert triggers.occurrences(fold.state)[0].place.step_ms == 100.0
    fold.run(name, whole[3:])
    assert triggers.occurrences(fold.state)[0].place.lost_ms == 90.0


def test_nothing_is_made_up_outside_of_calls() -> None:
    place = last(asked(), compiled("0/0", 0, None, step=None, loop=None)).place
    assert (place.phase, place.call, place.measured, place.leg, place.step, place.lost_ms) == (None,) * 6


# --- what it took -----------------------------------------------------------------------------------------------------

NESTED = {"dynamo": 95.0, "aot": 60.0, "inductor": 40.0, "codegen": 25.0, "kernels": 10.0}


@pytest.mark.parametrize(
    ("phases", "parts"),
    [
        (
            NESTED,
            {"dynamo": 35.0, "aot": 20.0, "inductor": 15.0, "codegen": 15.0, "kernels": 10.0, "other": 5.0},
        ),
        ({}, {"other": 100.0}),
        ({"dynamo": 90.0, "inductor": 40.0}, {"dynamo": 50.0, "inductor": 40.0, "other": 10.0}),
        ({"dynamo": 90.0, "kernels": 40.0}, {"dynamo": 50.0, "kernels": 40.0, "other": 10.0}),
        ({"dynamo": 120.0, "aot": 110.0}, {"aot": 100.0}),  # measured on another clock: no part is below nothing
        (
            {**NESTED, "autotune": 12.0},
            {
                "dynamo": 35.0,
                "aot": 20.0,
                "inductor": 3.0,
                "autotune": 12.0,
                "codegen": 15.0,
                "kernels": 10.0,
                "other": 5.0,
            },
        ),
    ],
)
def test_parts_add_up_to_the_whole(phases: dict[str, float], parts: dict[str, float]) -> None:
    cost = last(asked(), compiled("0/0", 0, 0, phases=phases)).cost
    assert cost is not None
    assert {part.phase: round(part.ms, 6) for part in cost.parts} == parts
    assert sum(part.ms for part in cost.parts) == pytest.approx(cost.ms)


def test_building_guards_is_told_by_its_own_phase() -> None:
    where: dict[str, Any] = {"id": "0/0", "call": 0, "loop": 0, "step": 0}
    begun = ev.CompilePhase(t=50 * MS, **where, phase="guards")
    ended = ev.CompilePhase(t=58 * MS, **where, phase="guards", ns=8 * MS)
    *start, end = compiled("0/0", 0, 0, phases=NESTED)
    cost = last(asked(), [*start, begun, ended, end]).cost
    assert cost is not None
    assert {part.phase: part.ms for part in cost.parts}["guards"] == 8.0
    assert sum(part.ms for part in cost.parts) == pytest.approx(cost.ms)


def test_the_cost_of_a_compile() -> None:
    where: dict[str, Any] = {"id": "0/0", "call": 0, "loop": 0, "step": 0}
    told = [
        ev.CacheLookup(**where, layer="fx", state="hit", saved_ns=24_400 * MS),
        ev.CacheLookup(**where, layer="aot", state="bypass", why="a custom operator"),
    ]
    end = {"overhead_ns": 3 * MS, "handler_ns": MS, "operators": 5, "guards": 7, "guard_ns": MS // 2, "restarts": 1}
    *start, last_record = compiled("0/0", 0, 0, end=end)
    cost = last(asked(), [*start, *told, last_record]).cost
    assert cost is not None
    assert (cost.ms, cost.net_ms, cost.overhead_ms, cost.handler_ms) == (100.0, 97.0, 3.0, 1.0)
    assert (cost.operators, cost.guards, cost.guard_ms, cost.restarts) == (5, 7, 0.5, 1)
    assert cost.caches == ["FX graph hit, saved 24.4 s", "AOTAutograd bypass: a custom operator"]


def test_a_compile_under_way_has_no_cost_yet() -> None:
    session = folded(asked(), compiled("0/0", 0, 0, ms=None))
    (found,) = triggers.occurrences(session)
    assert found.running
    assert found.cost is None
    assert found.sentence == "unet UNet2DConditionModel is compiled for the first time"
    run_of(session).presumed = "its process is gone"
    run_of(session).revision += 1
    assert not triggers.occurrences(session)[0].running


def test_why_a_first_compile_took_long() -> None:
    where: dict[str, Any] = {"id": "0/0", "call": 0, "loop": 0, "step": 0}
    phases = {"dynamo": 90.0, "aot": 80.0, "inductor": 78.0, "codegen": 70.0}
    *start, end = compiled("0/0", 0, 0, phases=phases)
    cold = last(asked(), [*start, ev.CacheLookup(**where, layer="fx", state="miss"), end])
    assert cold.why == (
        "Longest was generating code: 70% of it. The compile cache was cold: what is compiled is kept for the next "
        "process."
    )
    assert cold.advice is not None
    assert "save_cache_artifacts" in cold.advice.remedy
    warm = last(asked(), [*start, ev.CacheLookup(**where, layer="fx", state="hit", saved_ns=2_000 * MS), end])
    assert warm.why.endswith("The compile cache was warm and saved 2.0 s of it.")
    assert warm.advice is None
    block = last(asked(variants=["regional-compile"]), compiled("0/0", 0, 0, code=BLOCK))
    assert block.why.startswith("Each kind of block is compiled once")


def test_two_compiles_of_a_step_tell_the_same_loss() -> None:
    both = [*compiled("0/0", 0, 0, code=BLOCK), *compiled("1/0", 50, 0)]
    found = triggers.occurrences(folded(asked(), both, two_calls()))
    assert [one.place.lost_ms for one in found] == [90.0, 90.0]
