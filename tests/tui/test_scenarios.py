"""What scenarios, several loops and several workloads look like."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.request import Case, Leg, Request, Workload
from tests.analysis.events import chained
from tests.support import recorded
from tests.tui.support import empty_fold, feed, flat, folded, live_app, text_of, until_painted
from tui.panels.cases import CasesPanel
from tui.pictures.happenings import Happenings
from tui.pictures.live import LivePainter, LivePicture
from tui.pictures.names import case_label, group_key, group_label, variant_label, workload_label
from tui.pictures.slots import Slots
from tui.pictures.view import StepsView

LEGS = (("128x128", 0), ("192x128", 5), ("128x128", 10))


def picture(state: object, view: StepsView | None = None) -> LivePicture:
    return LivePainter(state).picture(view or StepsView(), 10**12, copied=False, loading=False)  # type: ignore[arg-type]


# --- legs ---


def test_where_calls_are_too_narrow_for_names_the_legs_have_them() -> None:
    slots = Slots(1, 1, 15, LEGS)
    axis = slots.axis(80)
    assert [(slot.label, slot.start, slot.end) for slot in axis.slots[2:]] == [
        ("128x128", 2, 7),
        ("192x128", 7, 12),
        ("128x128", 12, 17),
    ]


def test_where_there_is_room_each_call_has_a_slot_and_the_first_of_a_leg_its_name() -> None:
    labels = [slot.label for slot in Slots(0, 1, 15, LEGS).axis(400).slots]
    assert labels[:3] == ["warm-up", "128x128", "call 2"]
    assert labels[6] == "192x128"


def test_many_legs_get_ticks() -> None:
    legs = tuple((f"leg {n}", n) for n in range(40))
    axis = Slots(1, 1, 40, legs).axis(100)
    assert axis.slots == ()
    assert [(tick.at, tick.label) for tick in axis.ticks[:2]] == [(2.0, "leg 0"), (3.0, "leg 1")]


def test_all_calls_of_a_scenario_have_their_place_before_the_first() -> None:
    asked = recorded.with_legs(recorded.request(calls=4), "a", "b", "a")
    spec = picture(empty_fold(asked)[0].state).steps
    assert spec.x.high == 1 + 1 + 3 * 4


def test_a_new_leg_is_an_event() -> None:
    state = folded(recorded.finished(legs=["128x128", "192x128", "128x128"], calls=2))
    told = [found.text for found in reversed(Happenings(state).newest_first()) if found.text.startswith("call ")]
    assert told == ["call 1: 128x128", "call 3: 192x128", "call 5: 128x128"] * 3


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_legs_are_seen_on_the_screen(size: tuple[int, int], tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(legs=["128x128", "192x128", "128x128"]))
    async with app.run_test(size=size) as pilot:
        await until_painted(pilot)
        axis = next(row for row in text_of(app).splitlines() if "192x128" in row and "call" not in row)
        assert axis.count("128x128") == 2


def test_calls_that_only_the_users_function_knew_of_have_their_place_once_the_worker_has_said_so() -> None:
    fold, runs = empty_fold(recorded.request(variants=["no-compile"], calls=2, warmup=0))
    feed(fold, runs[0], ev.Header(t=1), ev.PhaseStarted(t=1, phase="measure", calls=6))
    for index, leg in enumerate(("call arguments 1/3", "call arguments 1/3", "call arguments 2/3")):
        feed(fold, runs[0], ev.CallStarted(t=2, call=index, phase="measure", steps=4, start_ns=2, leg=leg))
        feed(fold, runs[0], ev.Step(t=3, call=index, ns=5), ev.CallEnded(t=4, call=index, ns=9, images=1))
    spec = picture(fold.state).steps
    assert spec.x.high == 6
    assert [slot.label for slot in Slots.of([], [fold.state.runs[runs[0]]]).axis(80).slots] == [
        "call arguments 1/3",
        "call arguments 2/3",
    ]


def test_the_largest_batch_is_an_event_at_the_end() -> None:
    recording = recorded.finished(variants=["no-compile"], batch_sizes=[1, 2])
    asked = replace(recording.request, find_max_batch=True)
    assert not [text for text in _texts(recording.request, recording) if "largest batch" in text]
    (said,) = [text for text in _texts(asked, recording) if "largest batch" in text]
    assert said.startswith("the largest batch that fits is 2; the search ended")


def _texts(asked: Request, recording: recorded.Recording) -> list[str]:
    return [found.text for found in Happenings(folded(dataclasses.replace(recording, request=asked))).newest_first()]


# --- several loops ---


def _chain() -> tuple[object, LivePicture]:
    fold, runs = empty_fold(recorded.request(variants=["compile"], steps=8))
    stages = {"IF-I": [5.0] * 8, "IF-II": [20.0] * 4}
    where = {"call": 0, "stage": "denoise", "step": 0}
    feed(fold, runs[0], *chained(0, "compile", 0, stages, planned=12))
    feed(fold, runs[0], ev.CompileStarted(t=1, id="0/0", loop=0, **where))  # type: ignore[arg-type]
    feed(fold, runs[0], ev.CompileStarted(t=2, id="1/0", loop=1, **where))  # type: ignore[arg-type]
    for index in range(1, 4):
        feed(fold, runs[0], *chained(index, "measure", 1000 * index, stages, planned=12))
    return fold.state, picture(fold.state)


def test_a_chart_shows_one_loop_with_its_own_compiles() -> None:
    state, first = _chain()
    second = picture(state, StepsView(loop=1))
    assert [spec.steps.title for spec in (first, second)] == [
        "step latency, IF-I (1 of 2)",
        "step latency, IF-II (2 of 2)",
    ]
    assert [len(spec.steps.series[0].xs) for spec in (first, second)] == [4 * 8, 4 * 4]
    assert [len(spec.steps.marks) for spec in (first, second)] == [1, 1]
    assert first.loops == (0, 1)


def test_each_loop_fills_its_slots() -> None:
    state, first = _chain()
    for spec in (first.steps, picture(state, StepsView(loop=1)).steps):
        inside = [x for x in spec.series[0].xs if x < 1]
        assert inside[0] < 0.2 and inside[-1] > 0.8


def test_the_first_of_several_loops_is_not_squeezed_into_a_part_of_its_slot() -> None:
    fold, runs = empty_fold(recorded.request(variants=["no-compile"], steps=8))
    events = chained(0, "warmup", 0, {"IF-I": [5.0] * 8, "IF-II": [20.0] * 4}, planned=12)
    painter = LivePainter(fold.state)
    second = next(n for n, event in enumerate(events) if isinstance(event, ev.LoopStarted) and event.loop == 1)
    for event in events[: second + 1]:
        feed(fold, runs[0], event)
        painter.picture(StepsView(), 10**12, copied=False, loading=False)
    xs = painter.picture(StepsView(), 10**12, copied=False, loading=False).steps.series[0].xs
    assert xs[-1] > 0.9, "12 steps are planned over both loops, 8 are this one's"


def test_a_loop_that_has_not_ended_is_as_wide_as_its_progress_bar() -> None:
    fold, runs = empty_fold(recorded.request(variants=["no-compile"], steps=8))
    events = chained(0, "warmup", 0, {"IF-I": [5.0] * 8, "IF-II": [20.0] * 4}, planned=12)
    two_steps = [event for event in events if not isinstance(event, ev.Step) or event.loop == 0 or event.step < 2]
    for event in two_steps[:-2]:
        feed(fold, runs[0], event)
    xs = picture(fold.state, StepsView(loop=1)).steps.series[0].xs
    assert [round(x, 3) for x in xs] == [0.125, 0.375]


def test_each_loop_has_a_range_of_its_own() -> None:
    fold, runs = empty_fold(recorded.request(variants=["no-compile"], steps=8))
    for index in range(3):
        stages = {"IF-I": [5.0] * 8, "IF-II": [200.0] * 4}
        feed(fold, runs[0], *chained(index, "measure", 3000 * index, stages, planned=12))
    painter = LivePainter(fold.state)
    highs = [painter.picture(StepsView(loop=loop), 10**12, copied=False, loading=False).steps.y.high for loop in (1, 0)]
    assert highs[0] >= 0.2 and highs[1] < 0.05


def test_a_workload_with_one_loop_shows_it_whatever_was_chosen_for_another() -> None:
    state = folded(recorded.finished(batch_sizes=[1, 2]))
    shown = picture(state, StepsView(loop=2))
    assert shown.loops == (0,)
    assert len(shown.steps.series[0].xs) and shown.steps.title == "step latency, b2"


def test_labels_that_would_look_alike_where_they_are_cut_get_more_room() -> None:
    asked = recorded.request(variants=["no-compile"])
    (case,) = asked.cases
    schedulers = ("PNDMScheduler", "DPMSolverMultistepScheduler")
    cases = [
        replace(case, name=name, workload=replace(case.workload, pipeline="a-long-pipeline", scheduler=name))
        for name in schedulers
    ]
    asked = replace(asked, cases=[case, *cases], runs=[])
    shown = picture(empty_fold(asked)[0].state).cases
    rows = flat(CasesPanel(shown).lay_out(60, 5)).splitlines()[2:4]
    assert rows[0][:29] != rows[1][:29]


def test_the_table_has_a_figure_a_loop() -> None:
    _, shown = _chain()
    assert shown.cases[0].cells["it/s"] == ("200 / 50.0", "")
    row = flat(CasesPanel(shown.cases).lay_out(120, 2)).splitlines()[1]
    assert "200 / 50.0" in row and "5.00 / 20.0" in row
    narrow = flat(CasesPanel(shown.cases).lay_out(80, 2)).splitlines()[1]
    assert "200/50.0" in narrow and "5.00/20.0" in narrow


# --- what things are called ---


CHANGES: dict[str, object] = {
    "origin": "/somewhere/else",
    "size": "full",
    "weights": "/a/folder",
    "batch_size": 4,
    "height": 256,
    "width": None,
    "frames": 9,
    "steps": None,
    "guidance": 1.0,
    "strength": 0.5,
    "dtype": "bfloat16",
    "scheduler": "DPMSolverMultistepScheduler",
    "attention": "vanilla",
    "memory_format": "contiguous",
    "attention_slicing": True,
    "vae_slicing": True,
    "vae_tiling": True,
    "vae": "tiny",
    "offload": "model",
    "layerwise_casting": "float8_e4m3fn",
    "text_encoders": "all",
    "seed": 3,
    "prompt": "another one",
    "call": {"eta": 0.5},
    "scenario": "batch-sweep",
    "legs": (Leg(name="a"),),
    "warmup": 2,
    "calls": 9,
}


def _two(change: dict[str, object]) -> Request:
    asked = recorded.request(variants=["compile"], memory_format="channels_last")
    (case,) = asked.cases
    return replace(asked, cases=[case, replace(case, name="other", workload=replace(case.workload, **change))])


@pytest.mark.parametrize("field", [field for field in Workload.__struct_fields__ if field != "pipeline"])
def test_workloads_that_differ_in_any_field_are_told_apart_and_never_share_a_chart(field: str) -> None:
    asked = _two({field: CHANGES[field]})
    first, second = asked.cases
    assert group_key(first.workload) != group_key(second.workload)
    labels = [case_label(case, asked) for case in asked.cases]
    assert len(set(labels)) == 2
    assert all(len(label.removesuffix(" compile")) <= 30 for label in labels), labels
    titles = [group_label(group_key(case.workload), asked) for case in asked.cases]
    assert len(set(titles)) == 2


def test_where_the_scenario_tells_workloads_apart_their_legs_need_no_name() -> None:
    asked = _two({"scenario": "batch-sweep", "legs": (Leg(name="a"),)})
    assert [case_label(case, asked) for case in asked.cases] == ["steady compile", "batch-sweep compile"]


def test_the_only_workload_needs_no_name() -> None:
    asked = recorded.request(variants=["compile"])
    assert case_label(asked.cases[0], asked) == "compile"


def test_of_several_pipelines_each_says_what_tells_its_own_cases_apart() -> None:
    asked = recorded.request(variants=["no-compile"], batch_sizes=[1, 4])
    other = asked.cases[0]
    big = replace(other.workload, pipeline="sdxl-txt2img", height=1024, width=1024, steps=50)
    asked = replace(asked, cases=[*asked.cases, replace(other, name="sdxl", workload=big)])
    assert [case_label(case, asked) for case in asked.cases] == [
        "sd15-txt2img b1 no-compile",
        "sd15-txt2img b4 no-compile",
        "sdxl-txt2img no-compile",
    ]
    assert workload_label(asked) == "sd15-txt2img, sdxl-txt2img tiny, batch 1,4, float16"


def test_a_pipeline_that_decides_for_itself_says_so() -> None:
    asked = recorded.request(variants=["no-compile"])
    (case,) = asked.cases
    own = replace(case.workload, height=None, width=None, steps=None, origin="/a/folder", pipeline="folder")
    asked = replace(asked, cases=[replace(case, workload=own)])
    assert workload_label(asked) == "folder, its own steps, its own size, batch 1, float16"


def test_the_scenario_is_in_the_heading() -> None:
    asked = recorded.with_legs(recorded.request(), "a", "b")
    assert workload_label(asked).endswith(", custom")


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"mode": "max-autotune"}, "compile max-autotune"),
        ({"backend": "eager"}, "compile eager"),
        ({"fullgraph": False}, "compile no fullgraph"),
        ({"dynamic": True}, "compile dynamic"),
        ({"recompile_limit": 2}, "compile recompile limit 2"),
    ],
)
def test_ways_to_compile_are_told_apart(change: dict[str, object], label: str) -> None:
    asked = recorded.request(variants=["compile"])
    (case,) = asked.cases
    other: Case = replace(case, name="other", compilation=replace(case.compilation, **change))
    asked = replace(asked, cases=[case, other])
    assert variant_label(other, asked) == label
    assert variant_label(case, asked) != label
