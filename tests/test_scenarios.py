"""Scenarios as plain data: every pipeline can run one or says why not, and lists of one's own are checked."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from profiler import catalog, scenarios
from profiler.catalog import Entry
from profiler.request import BadRequest, Leg, Workload
from profiler.scenarios import SCENARIOS, SETTINGS, check_legs, leg_from_table, legs_of, workload_of

SD15 = catalog.find("sd15-txt2img")


def workload(entry: Entry, size: str = "tiny", **fields: Any) -> Workload:
    own = entry.defaults(size)
    known: dict[str, Any] = {
        "pipeline": entry.name,
        "size": size,
        "weights": "random",
        "batch_size": 1,
        "height": own.height,
        "width": own.width,
        "steps": own.steps,
        "guidance": own.guidance,
        "dtype": "float32",
        "seed": 0,
        "prompt": "a castle",
        "scenario": "steady",
        "warmup": 1,
        "calls": 1,
    }
    return Workload(**known | fields)


def names(scenario: str, entry: Entry = SD15, **fields: Any) -> list[str]:
    return [leg.name for leg in legs_of(scenario, entry, workload(entry, "full", **fields))]


def test_the_scenarios_are_these() -> None:
    assert list(SCENARIOS) == [
        "steady",
        "resolution-sweep",
        "batch-sweep",
        "cfg-toggle",
        "scheduler-swap",
        "prompt-length",
        "guidance-end",
        "controlnet-scale",
        "memory-format",
        "grad-mode",
        "lora-swap",
    ]
    assert all(name == scenario.name for name, scenario in SCENARIOS.items())


@pytest.mark.parametrize("size", ["full", "tiny"])
@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "steady"])
@pytest.mark.parametrize("entry", catalog.ENTRIES, ids=catalog.names())
def test_every_pipeline_runs_a_scenario_or_says_why_not(entry: Entry, scenario: str, size: str) -> None:
    reason = SCENARIOS[scenario].lacks(entry)
    if reason is not None:
        assert "\n" not in reason
        with pytest.raises(BadRequest, match="it can run: steady") as caught:
            legs_of(scenario, entry, workload(entry, size))
        assert reason in str(caught.value)
        return
    legs = legs_of(scenario, entry, workload(entry, size))
    check_legs(legs, entry)
    assert legs[0].changes == {}
    assert legs[-1] == Leg(name=f"{legs[0].name} again")
    assert len(legs) >= 3
    assert all(leg.changes for leg in legs[1:-1])


@pytest.mark.parametrize("entry", catalog.ENTRIES, ids=catalog.names())
def test_sizes_stay_near_the_workloads_own_and_one_is_not_square(entry: Entry) -> None:
    if SCENARIOS["resolution-sweep"].lacks(entry):
        return
    own = entry.defaults("full")
    sizes = [
        (leg.changes["height"], leg.changes["width"])
        for leg in legs_of("resolution-sweep", entry, workload(entry, "full"))
        if leg.changes
    ]
    assert all(
        0.4 * own.height <= height <= own.height and 0.4 * own.width <= width <= own.width for height, width in sizes
    )
    assert any(height != width for height, width in sizes)
    # A UNet of four levels halves the latents three times.
    assert all(side % 64 == 0 or entry.multiple > 8 for size in sizes for side in size)


def test_the_known_reasons() -> None:
    def able(scenario: str) -> set[str]:
        return {entry.name for entry in catalog.ENTRIES if SCENARIOS[scenario].lacks(entry) is None}

    everyone = set(catalog.names())
    assert able("steady") == able("batch-sweep") == able("grad-mode") == able("prompt-length") == everyone
    assert everyone - able("resolution-sweep") == {"deepfloyd-if"}
    assert everyone - able("cfg-toggle") == {"flux1-dev", "flux1-schnell"}
    assert everyone - able("lora-swap") == {"pixart-sigma"}
    assert able("controlnet-scale") == {"sd15-controlnet"}
    assert able("guidance-end") == {
        *("sd15-txt2img", "sd15-img2img", "sd15-inpaint", "sd15-controlnet", "sdxl-txt2img"),
        *("sd35-medium", "sd35-large", "z-image-turbo"),
    }
    assert able("memory-format") == {
        *("sd15-txt2img", "sd15-controlnet", "sdxl-txt2img"),
        *("sd35-medium", "sd35-large", "pixart-sigma", "sana-1600m", "z-image-turbo"),
    }
    flow = {"flux1-dev", "flux1-schnell", "sd35-medium", "sd35-large", "qwen-image", "z-image-turbo"}
    assert everyone - able("scheduler-swap") == flow


def test_legs_are_named_for_people() -> None:
    assert names("resolution-sweep") == ["512x512", "256x384", "384x384", "512x256", "512x512 again"]
    assert names("resolution-sweep", height=384, width=768)[:2] == ["768x384", "384x288"]
    assert names("batch-sweep") == ["batch 1", "batch 2", "batch 3", "batch 1 again"]
    assert names("batch-sweep", batch_size=4) == ["batch 4", "batch 8", "batch 5", "batch 1", "batch 4 again"]
    assert names("cfg-toggle") == ["guidance 7.5", "guidance off", "guidance 7.5 again"]
    assert names("cfg-toggle", guidance=1.0) == ["guidance off", "guidance 5", "guidance off again"]
    assert names("scheduler-swap") == ["PNDM", "EulerDiscrete", "DDIM", "PNDM again"]
    assert names("scheduler-swap", scheduler="EulerDiscreteScheduler")[:2] == ["EulerDiscrete", "DDIM"]
    assert names("prompt-length") == ["77 tokens", "154 tokens", "231 tokens", "77 tokens again"]
    assert names("guidance-end", guidance=1.0)[:3] == ["guidance off", "guidance 5", "guidance until 50%"]


def test_guidance_that_is_a_second_call_says_so() -> None:
    wan = catalog.find("wan21-t2v-1.3b")
    assert names("cfg-toggle", wan) == ["guidance 5", "guidance off (one denoiser call a step)", "guidance 5 again"]


@pytest.mark.parametrize(
    ("scenario", "fields", "message"),
    [
        ("guidance-end", {"steps": 1}, "at least 2 steps"),
        ("resolution-sweep", {"height": 8, "width": 8}, "larger picture than 8x8"),
        ("resolution-sweep", {"height": None}, "give --height"),
    ],
)
def test_a_workload_that_leaves_a_scenario_nothing_to_change(
    scenario: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        legs_of(scenario, SD15, workload(SD15, **fields))


def test_lora_swap_without_peft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadRequest, match=r"^lora-swap needs peft: pip install peft$"):
        legs_of("lora-swap", SD15, workload(SD15))


# --- what a leg changes -----------------------------------------------------------------------------------------------


def test_a_leg_changes_the_fields_of_the_workload_and_no_others() -> None:
    own = workload(SD15, call={"eta": 0.5, "clip_skip": 1})
    changed = workload_of(own, Leg(name="x", changes={"height": 64, "guidance": 2, "tokens": 9, "call": {"eta": 1.0}}))
    assert (changed.height, changed.width) == (64, own.width)
    assert changed.guidance == 2.0 and isinstance(changed.guidance, float)
    assert changed.call == {"eta": 1.0, "clip_skip": 1}
    assert workload_of(own, Leg(name="as it is")) == own


# --- lists of one's own -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ({}, "as it is"),
        ({"height": 512, "width": 768}, "768x512"),
        ({"height": 512}, "height 512"),
        ({"batch_size": 2, "guidance": 1.0}, "batch 2, guidance 1.0"),
        ({"scheduler": "DDIMScheduler", "steps": 20}, "DDIM, steps 20"),
        ({"call": {"eta": 0.5}, "calls": 3}, "eta 0.5"),
        ({"prompt": "a very long prompt\nthat goes on and on"}, "a very long prompt that…"),
        ({"name": "mine", "lora": "style", "lora_scale": 0.5}, "mine"),
    ],
)
def test_a_leg_of_a_table_is_named_by_what_it_changes(table: dict[str, Any], name: str) -> None:
    leg = leg_from_table(1, table)
    assert leg.name == name
    assert leg.calls == table.get("calls")
    assert leg.changes == {key: value for key, value in table.items() if key not in ("name", "calls")}
    check_legs((leg,), SD15)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"calls": 0}, "call 2: calls must be a whole number from 1 to 10000, not 0"),
        ({"calls": True}, "calls must be a whole number"),
        ({"name": 7}, "call 2: name must be a line of text, not 7"),
        ({"name": "two\nlines"}, "name must be a line of text"),
        ({"name": " "}, "name must be a line of text"),
    ],
)
def test_a_table_that_is_no_leg(table: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        leg_from_table(2, table)


WRONG: dict[str, tuple[Any, ...]] = {
    "height": (0, 12.5, "512", True, None),
    "width": (20_000,),
    "batch_size": (0, 2.0),
    "steps": (0, 1000),
    "guidance": (-1, float("nan"), float("inf"), "off", False),
    "frames": (0,),
    "strength": (0, 1.5),
    "scheduler": ("", 3),
    "prompt": (3,),
    "call": ("eta", {1: 2}),
    "tokens": (0, 77.0),
    "latents_format": ("contiguous", True),
    "grad_mode": ("enable_grad", ["no_grad"]),
    "guidance_end": (0, 1.1),
    "lora": ("", "a.b", 4, None),
    "lora_rank": (0,),
    "lora_scale": (float("inf"),),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_wrong_value_is_refused_and_the_message_says_what_would_work(setting: str) -> None:
    for value in WRONG[setting]:
        changes = {"lora": "mine", setting: value}
        with pytest.raises(BadRequest) as caught:
            check_legs((Leg(name="first"), Leg(name="wrong", changes=changes)))
        assert str(caught.value) == f"call 2 (wrong): {setting} must be {SETTINGS[setting].wants}, not {value!r}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, r"a call can't change 'colour' \(it can change: height, width, "),
        ({"lora_scale": 0.5}, "lora_scale goes with an adapter"),
        ({"height": 100}, "height must be a multiple of 8 for sd15-txt2img, not 100: 96 would work"),
        ({"scheduler": "FlowMatchEulerDiscreteScheduler"}, r"can't use FlowMatchEuler.* \(it can use: PNDM"),
        ({"frames": 9}, "makes no videos"),
        ({"strength": 0.5}, "takes no strength"),
    ],
)
def test_a_change_that_the_pipeline_does_not_have(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message) as caught:
        check_legs((Leg(name="wrong", changes=changes),), SD15)
    assert str(caught.value).startswith("call 1 (wrong): ")


def test_what_a_pipeline_lacks_for_a_scenario_its_calls_cannot_change_either() -> None:
    flux = catalog.find("flux1-dev")
    for changes in ({"guidance_end": 0.5}, {"latents_format": "channels_last"}):
        with pytest.raises(BadRequest, match="can't be changed for flux1-dev: its "):
            check_legs((Leg(name="wrong", changes=changes),), flux)


def test_two_legs_of_one_name_are_refused() -> None:
    with pytest.raises(BadRequest, match=r"call 2 \(same\): another call has the same name"):
        check_legs((Leg(name="same"), Leg(name="same", changes={"steps": 3})))


def test_every_setting_has_a_wrong_value_here() -> None:
    assert list(WRONG) == list(scenarios.SETTINGS)
