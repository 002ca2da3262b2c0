"""The form as values: from texts to options, what keys do to a field, and the form for another session."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler import catalog
from profiler.request import BadRequest, Case, Compilation, Leg, Options, Request, Run, Workload, resolve
from profiler.request.commandline import command_line
from profiler.request.options import UNREMEMBERED
from profiler.trust import NOTHING
from tests.support import recorded
from tui.commands.run import run_command
from tui.pictures.new.editing import Edit, matches, result
from tui.pictures.new.fields import BY_NAME, FIELDS, explained
from tui.pictures.new.form import Form, changed, chosen, flipped, options_of, seen_fields, toggled
from tui.pictures.new.likeness import like
from tui.pictures.new.outcome import usual_texts

TINY = Form({"size": "tiny"})


def form(**texts: str) -> Form:
    return Form(texts)


def resolved(of: Form) -> Request:
    options, device = options_of(of)
    return resolve(options, device or "cpu")


# --- fields and options -----------------------------------------------------------------------------------------------


def test_every_option_of_run_has_a_field_and_none_is_made_up() -> None:
    fields = {field.name for field in FIELDS}
    assert len(fields) == len(FIELDS)
    assert fields - {"device"} == set(Options.__struct_fields__) - {"legs", *UNREMEMBERED}
    for field in FIELDS:
        told = explained(field.name)
        assert told.text
        assert told.default
    params = {param.name for param in run_command.params}
    assert fields - {"queue"} <= params


def test_no_form_says_what_may_be_loaded_and_no_session_remembers_it() -> None:
    """``like`` makes the form of another session's request, which holds no word of it."""
    words = ("pickle", "remote", "trust")
    kinds = (Request, Case, Workload, Compilation, Leg, Run)
    names = [name for kind in kinds for name in kind.__struct_fields__] + [field.name for field in FIELDS]
    assert not [name for name in names if any(word in name for word in words)]
    asked = resolve(Options(pipeline="sd15-txt2img", size="tiny", allow_pickle=True, trust_remote_code=True), "cpu")
    options, _ = options_of(like(asked, resolved))
    assert options.trust == NOTHING


def test_texts_become_options() -> None:
    options, device = options_of(
        form(
            pipeline="flux1-dev",
            variants="no-compile compile",
            batch_sizes="1, 4 8",
            steps=" 12 ",
            guidance="3.5",
            until_sure="on",
            queue="off",
            fullgraph="off",
            call="eta=0.5 'text=two words' 'deep={\"a\": 1}'",
            device="cpu",
        )
    )
    assert device == "cpu"
    assert options == Options(
        pipeline="flux1-dev",
        variants=("no-compile", "compile"),
        batch_sizes=(1, 4, 8),
        steps=12,
        guidance=3.5,
        until_sure=True,
        queue=False,
        fullgraph=False,
        call={"eta": 0.5, "text": "two words", "deep": {"a": 1}},
    )
    assert options_of(Form()) == (Options(pipeline="sd15-txt2img"), None)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("steps", "many", "steps must be a whole number, not 'many'"),
        ("steps", "١٢", "steps must be a whole number"),
        ("batch_sizes", "1 x", "batch sizes must be a whole number, not 'x'"),
        ("guidance", "1,5", "guidance must be a number, not '1,5'"),
        ("variants", "off", "variants: at least one is needed"),
        ("until_sure", "maybe", "until sure must be on or off, not 'maybe'"),
        ("call", "eta", "call arguments: 'eta' is no NAME=VALUE"),
        ("call", "eta='", "call arguments: a quote is open"),
        ("inductor_options", "a=1 a=2", "inductor options: a is given twice"),
        ("steps", "9" * 400, f"steps: {'9' * 39}… is too large a number"),
        ("guidance", "x" * 400, f"guidance must be a number, not '{'x' * 39}…'"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_field(name: str, text: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message.replace("(", r"\(")) as error:
        options_of(form(**{name: text}))
    assert error.value.field == name


ANYTHING = st.dictionaries(st.sampled_from(list(BY_NAME)), st.text(max_size=8) | st.sampled_from(["on", "1", "cpu"]))


@settings(max_examples=50)
@given(ANYTHING)
def test_no_text_makes_it_raise_anything_else(texts: dict[str, str]) -> None:
    of = Form()
    for name, text in texts.items():
        of = of.given(name, text)
    with suppress(BadRequest):
        resolved(of)


def test_defaults_are_those_of_the_pipeline_at_its_size() -> None:
    usual = usual_texts(resolved(TINY))
    assert [usual[name] for name in ("steps", "height", "repeats", "device", "dtype")] == [
        "20",
        "128",
        "3",
        "cpu",
        "float32",
    ]
    assert (usual["pipeline"], usual["size"], usual["max_time_s"]) == ("sd15-txt2img", "full", "none")
    assert usual_texts(None)["steps"] == "the pipeline's"


def test_folded_fields_are_seen_once_they_are_changed_and_frames_of_videos_alone() -> None:
    plain = [field.name for field in seen_fields(Form(), unfolded=False)]
    assert "seed" not in plain
    assert "frames" not in plain
    assert "seed" in [field.name for field in seen_fields(form(seed="4"), unfolded=False)]
    assert "frames" in [field.name for field in seen_fields(form(pipeline="wan21-t2v-1.3b"), unfolded=False)]
    assert len(seen_fields(form(pipeline="some/thing"), unfolded=True)) == len(FIELDS)


def test_choices_are_what_the_pipeline_can_do() -> None:
    scenario, scheduler, weights = (BY_NAME[name] for name in ("scenario", "scheduler", "weights"))
    assert "controlnet-scale" not in Form().choices(scenario)
    assert "controlnet-scale" in form(pipeline="sd15-controlnet").choices(scenario)
    assert "DPMSolverMultistep" in Form().choices(scheduler)
    assert form(pipeline="some/thing").choices(scheduler) == ()
    assert (Form().choices(weights), TINY.choices(weights)) == (("random", "hub"), ("random",))
    assert Form().choices(BY_NAME["pipeline"]) == tuple(catalog.names())


# --- what keys do -----------------------------------------------------------------------------------------------------


def test_left_and_right_step_numbers_and_come_back_to_the_default() -> None:
    steps, height, strength = (BY_NAME[name] for name in ("steps", "height", "strength"))
    more = changed(Form(), steps, 1, "50")
    assert more.texts == {"steps": "51"}
    assert changed(more, steps, -1, "50").texts == {}
    assert changed(Form(), height, 1, "512").text("height") == "576"
    assert changed(form(height="500"), height, -1, "512").text("height") == "448"
    assert changed(form(steps="0"), steps, -1, "50").text("steps") == "0"
    assert changed(form(strength="0.7"), strength, 1, "0.8").texts == {}
    assert changed(form(strength="0.65"), strength, -1, "0.8").text("strength") == "0.6"
    assert changed(Form(), BY_NAME["max_time_s"], 1, "none").text("max_time_s") == "60"
    assert changed(form(max_time_s="1234567"), BY_NAME["max_time_s"], 1, "none").text("max_time_s") == "1234620"


def test_left_and_right_go_round_the_choices() -> None:
    dtype, mode = BY_NAME["dtype"], BY_NAME["mode"]
    of, seen = Form(), []
    for _ in range(3):
        of = changed(of, dtype, 1, "float32")
        seen.append(of.text("dtype"))
    assert seen == ["float16", "bfloat16", ""]
    assert changed(Form(), dtype, -1, "float32").text("dtype") == "bfloat16"
    # a default that is none of the choices has a place of its own
    assert changed(Form(), mode, 1, "as the variant needs").text("mode") == "default"
    assert changed(form(mode="default"), mode, -1, "as the variant needs").texts == {}
    assert changed(Form(), BY_NAME["pipeline"], 1, "sd15-txt2img").text("pipeline") == "sd15-img2img"


def test_flags_switches_and_fields_of_several() -> None:
    assert flipped(Form(), BY_NAME["until_sure"]).texts == {"until_sure": "on"}
    assert flipped(form(until_sure="on"), BY_NAME["until_sure"]).texts == {}
    assert flipped(Form(), BY_NAME["queue"]).texts == {"queue": "off"}
    dynamic = BY_NAME["dynamic"]
    assert [flipped(form(dynamic="on"), dynamic).text("dynamic"), flipped(Form(), dynamic, -1).text("dynamic")] == [
        "off"
    ] * 2
    variants = BY_NAME["variants"]
    two = toggled(Form(), variants, "compile")
    assert chosen(two, variants) == ("no-compile", "regional-compile")
    assert toggled(two, variants, "compile").texts == {}
    none = toggled(toggled(two, variants, "no-compile"), variants, "regional-compile")
    assert chosen(none, variants) == ()
    assert toggled(Form(), BY_NAME["engines"], "accelerate").texts == {"engines": "diffusers accelerate"}


def test_a_line_is_typed_with_a_caret() -> None:
    edit: Edit | None = Edit("abc", 3)
    for key in ("left", "left", "backspace", "delete", "end"):
        assert edit is not None
        edit = edit.pressed(key)
    assert edit == Edit("c", 1)
    assert edit.typed("x\ny").text == "cx y"
    assert edit.pressed("home") == Edit("c", 0)
    assert edit.pressed("f1") is None
    assert len(edit.typed("y" * 9000).text) == 2000


def test_a_part_of_a_name_finds_it() -> None:
    names = catalog.names()
    assert matches(names, "txt2img") == ("sd15-txt2img", "sdxl-txt2img")
    assert matches(names, "SD ControlNet")[0] == "sd15-controlnet"

    def given_by(text: str, *, picked: int | None = None, strict: bool = False) -> str:
        return result(Edit(text, 0, picked), names, strict=strict, find=True)

    assert given_by("flux") == "flux1-dev"
    assert given_by("flux", picked=1) == "flux1-schnell"
    assert given_by("flux1-schnell") == "flux1-schnell"
    for own in ("./flux", "org/flux", "flux.py", "flux.py:make", "~/flux", "nothing-like-it"):
        assert given_by(own) == own
    assert result(Edit("bf"), ("float16", "bfloat16"), strict=True, find=False) == "bfloat16"
    assert result(Edit("PATH"), ("random", "hub"), strict=False, find=False) == "PATH"


# --- like another session ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"steps": 7, "calls": 2, "repeats": 4, "variants": ["compile"], "batch_sizes": [1, 2]},
        {"guidance": 1.5, "seed": 3, "height": 256, "vae": "tiny", "scenario": "cfg-toggle", "queue": False},
        {
            "mode": "max-autotune",
            "fullgraph": False,
            "dynamic": True,
            "inductor_options": {"max_autotune": True, "x": "y z"},
        },
        {"engines": ["diffusers", "accelerate"], "until_sure": True, "repeats": None, "max_time_s": 90.5},
        {"pipeline": "flux1-dev", "size": "tiny", "text_encoders": "none", "call": {"max_sequence_length": 64}},
        {"find_max_batch": True, "memory_limit_gib": 2, "repeats": None, "calls": None, "steps": None},
        {"guidance": 3.14159265, "max_time_s": 1234567.0, "strength": None},
        {"pipeline": "some/thing", "size": "full", "steps": None, "prompt": "two words"},
    ],
)
def test_the_form_for_a_session_asks_for_the_same(asked: dict[str, Any]) -> None:
    request = recorded.request(device="cpu", **asked)
    of = like(request, resolved)
    assert resolved(of) == request


def test_the_form_for_a_session_says_what_is_no_default_and_nothing_else() -> None:
    request = recorded.request(device="cpu", size="full", steps=50, calls=5, repeats=3)
    assert like(request, resolved).texts == {"device": "cpu"}
    tiny = like(recorded.request(device="cpu", steps=7), resolved)
    assert tiny.texts == {"size": "tiny", "device": "cpu", "steps": "7", "repeats": "1"}
    assert command_line(*options_of(tiny))[3:] == [
        "--device",
        "cpu",
        "--steps",
        "7",
        "--size",
        "tiny",
        "--repeats",
        "1",
    ]
