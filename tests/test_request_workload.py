"""Every option of a workload: resolved and stored, or refused in one line that says what would work."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from profiler import catalog
from profiler.request import BadRequest, Leg, Options, Request, Workload, resolve, resolve_all

SD, FLUX, IF, WAN = "sd15-txt2img", "flux1-dev", "deepfloyd-if", "wan21-t2v-1.3b"


def asked(pipeline: str = SD, device: str = "cpu", **given: object) -> Request:
    return resolve(msgspec.convert({"pipeline": pipeline} | given, Options), device)


def workload(pipeline: str = SD, device: str = "cpu", **given: object) -> Workload:
    return asked(pipeline, device, **given).cases[0].workload


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
@pytest.mark.parametrize("size", ["full", "tiny"])
@pytest.mark.parametrize("pipeline", catalog.names())
def test_every_pipeline_resolves_at_both_sizes(pipeline: str, size: str, device: str) -> None:
    found = workload(pipeline, device, size=size)
    entry = catalog.find(pipeline)
    defaults = entry.defaults(size)
    assert (found.height, found.width, found.frames) == (defaults.height, defaults.width, defaults.frames)
    assert (found.steps, found.guidance, found.prompt) == (defaults.steps, defaults.guidance, entry.prompt)
    assert (found.strength, found.origin, found.weights) == (entry.part.strength, None, "random")
    assert found.height is not None and found.height % entry.multiple == 0
    assert msgspec.json.decode(msgspec.json.encode(found), type=Workload) == found


def test_the_memory_format_is_channels_last_for_unets_on_cuda() -> None:
    assert workload(device="cuda:0").memory_format == "channels_last"
    assert workload(device="cpu").memory_format == "contiguous"
    assert workload(FLUX, "cuda:0").memory_format == "contiguous"
    assert workload(device="cuda:0", memory_format="contiguous").memory_format == "contiguous"


@pytest.mark.parametrize("given", ["DPMSolverMultistep", "DPMSolverMultistepScheduler"])
def test_a_scheduler_is_stored_in_full(given: str) -> None:
    assert workload(scheduler=given).scheduler == "DPMSolverMultistepScheduler"


def test_options_are_stored_as_they_were_asked_for(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"")
    found = workload(
        "sd15-img2img",
        "cuda:0",
        attention="vanilla",
        vae_slicing=True,
        vae_tiling=True,
        vae="tiny",
        offload="group",
        layerwise_casting="float8_e4m3fn",
        text_encoders="none",
        strength=0.5,
        call={"clip_skip": 1, "image": f"@{picture}"},
    )
    assert (found.attention, found.vae_slicing, found.vae_tiling, found.vae) == ("vanilla", True, True, "tiny")
    assert (found.offload, found.layerwise_casting, found.text_encoders) == ("group", "float8_e4m3fn", "none")
    assert (found.strength, found.call) == (0.5, {"clip_skip": 1, "image": f"@{picture}"})


def test_pictures_of_a_chain_are_chosen_by_either_side() -> None:
    assert (workload(IF).height, workload(IF, height=1024).width) == (256, 1024)


def test_compile_options_are_stored() -> None:
    (case,) = asked(variants=["compile"], recompile_limit=64, inductor_options={"max_autotune": True}).cases
    assert (case.compilation.recompile_limit, case.compilation.options) == (64, {"max_autotune": True})
    (plain,) = asked(variants=["no-compile"], recompile_limit=64).cases
    assert plain.compilation.recompile_limit is None


def test_a_scenario_brings_its_legs() -> None:
    found = workload(scenario="batch-sweep")
    assert found.scenario == "batch-sweep" and len(found.legs) > 2
    assert workload().legs == ()


def test_a_list_of_calls_is_a_scenario_with_names_in_full() -> None:
    legs = (Leg(name="as it is"), Leg(name="other", changes={"scheduler": "EulerDiscrete", "height": 256}, calls=2))
    found = resolve(Options(pipeline=SD, legs=legs), "cpu").cases[0].workload
    assert found.scenario == "custom"
    assert found.legs[1].changes == {"scheduler": "EulerDiscreteScheduler", "height": 256}


def test_which_list_item_is_wrong_is_known() -> None:
    legs = [Leg(name="one"), Leg(name="two", changes={"height": 100})]
    with pytest.raises(BadRequest, match="would work") as caught:
        resolve(Options(pipeline=SD, legs=legs), "cpu")
    assert (caught.value.field, caught.value.within) == ("legs", (1, "height"))


def test_which_of_several_options_is_wrong_is_known() -> None:
    with pytest.raises(BadRequest) as caught:
        resolve_all([Options(pipeline=SD), Options(pipeline=SD, steps=0)], "cpu")
    assert (caught.value.field, caught.value.number) == ("steps", 1)


def test_a_search_for_the_largest_batch_is_one_short_run_a_variant() -> None:
    request = asked(find_max_batch=True, memory_limit_gib=2.0)
    assert request.find_max_batch and request.memory_limit_gib == 2.0
    assert [run.repeat for run in request.runs] == [1, 1, 1]
    found = request.cases[0].workload
    assert (found.batch_size, found.steps, found.calls, found.warmup) == (1, 2, 1, 1)
    found = asked(device="cuda:0", find_max_batch=True, steps=4, calls=2, batch_sizes=[8]).cases[0].workload
    assert (found.batch_size, found.steps, found.calls) == (8, 4, 2)


BAD: list[tuple[dict[str, object], str]] = [
    ({"scheduler": "DPMSolverMultistp"}, "did you mean 'DPMSolverMultistep'?"),
    ({"scheduler": "DPMSolverMultistepSchedule"}, "did you mean 'DPMSolverMultistep"),
    ({"scheduler": "FlowMatchEulerDiscrete"}, "these can: DDIM"),
    ({"scheduler": "a b"}, "must be the name of a class"),
    ({"pipeline": FLUX, "scheduler": "DDIM"}, "these can: FlowMatchEulerDiscrete"),
    ({"attention": "sdp"}, "did you mean 'sdpa'?"),
    ({"attention": "sdpa", "attention_slicing": True}, "drop it or --attention"),
    ({"pipeline": FLUX, "attention_slicing": True}, "only UNets can slice"),
    ({"pipeline": "flux1-schnell", "guidance": 3.5}, "takes no guidance: drop --guidance"),
    ({"attention": "flash"}, "one of sdpa, vanilla, xformers would work"),
    ({"call": {"num_images_per_prompt": 2}}, "an option of its own: --batch-size"),
    ({"memory_format": "channels-last"}, "did you mean 'channels_last'?"),
    ({"offload": "model"}, "--device cuda:N"),
    ({"device": "cuda:0", "offload": "models"}, "did you mean 'model'?"),
    ({"layerwise_casting": "float8"}, "there are: float8_e4m3fn, float8_e5m2"),
    ({"text_encoders": "heavy"}, "there are: light, all, none"),
    ({"strength": 0.5}, "takes no strength"),
    ({"pipeline": "sd15-img2img", "strength": 0.0}, "above 0"),
    ({"pipeline": "sd15-img2img", "strength": 1.5}, "from 0 to 1"),
    ({"frames": 9}, "makes pictures, not videos"),
    ({"pipeline": WAN, "frames": 10}, "9 would work"),
    ({"pipeline": IF, "height": 512}, "256x256 or 1024x1024"),
    ({"pipeline": IF, "height": 256, "width": 1024}, "not height 256 and width 1024"),
    ({"pipeline": FLUX, "prompt": "a cat"}, "--text-encoders all would work"),
    ({"text_encoders": "none", "prompt": "a cat"}, "drop --text-encoders none or the prompt"),
    ({"vae": "no such"}, "tiny, ORG/NAME on the hub or a model's folder"),
    ({"pipeline": "sana-1600m", "vae": "tiny"}, "AutoencoderKL of four levels"),
    ({"weights": "hub", "size": "tiny"}, "use --size full, or --weights random"),
    ({"weights": "/nowhere"}, "no folder /nowhere"),
    ({"call": {"height": 64}}, "--height"),
    ({"call": {"guidance_scale": 2}}, "--guidance"),
    ({"call": {"prompt": "a cat"}}, "--prompt"),
    ({"call": {"image": "@/nowhere.png"}}, "no file /nowhere.png"),
    ({"call": {"a b": 1}}, "letters, digits and _"),
    ({"call": {"x": float("nan")}}, "must be a number, text"),
    ({"call": {"x": 2**70}}, "must be a number, text"),
    ({"call": {"x": [[[[[[[[[1]]]]]]]]]}}, "must be a number, text"),
    ({"scenario": "stedy"}, "did you mean 'steady'?"),
    ({"pipeline": FLUX, "scenario": "cfg-toggle"}, "it can run: steady"),
    ({"legs": [{"name": "a", "changes": {"hight": 8}}]}, "can't change 'hight'"),
    ({"legs": [{"name": "a"}], "scenario": "steady"}, "drop it or the scenario 'steady'"),
    ({"legs": [{"name": "a", "changes": {"call": {"width": 8}}}]}, "--width"),
    ({"backend": "inductr"}, "did you mean 'inductor'?"),
    ({"backend": "eager", "inductor_options": {"x": 1}}, "--inductor-option works with the inductor backend only"),
    ({"recompile_limit": 0}, "recompile limit must be from 1"),
    ({"memory_limit_gib": 0.0}, "--memory-limit must be a number of GiB above 0"),
    ({"find_max_batch": True}, "give --memory-limit GIB as well"),
    ({"find_max_batch": True, "memory_limit_gib": 1.0, "repeats": 3}, "drop --repeats"),
    ({"find_max_batch": True, "memory_limit_gib": 1.0, "batch_sizes": [1, 2]}, "give one to start from"),
    ({"find_max_batch": True, "memory_limit_gib": 1.0, "scenario": "batch-sweep"}, "drop the scenario"),
    ({"repeats": 100, "batch_sizes": list(range(1, 101))}, "more than 9999 runs"),
    ({"batch_sizes": list(range(1, 1025))}, "more than 1000 cases"),
    ({"until_sure": True, "find_max_batch": True, "memory_limit_gib": 1.0}, "drop --until-sure"),
    ({"until_sure": True, "repeats": 4}, "looks after 3, 5, 8, 12 repeats: give --repeats one of them"),
    ({"until_sure": True, "variants": ["compile", "regional-compile"]}, "--variant no-compile --variant compile"),
    ({"until_sure": True, "variants": ["no-compile"]}, "another variant of the same workload"),
    ({"until_sure": True, "batch_sizes": list(range(1, 301))}, "900 cases, up to 12 times each"),
]


@pytest.mark.parametrize(("given", "says"), BAD, ids=[f"{list(given)[-1]} {i}" for i, (given, _) in enumerate(BAD)])
def test_what_cannot_be_is_refused_in_one_line(given: dict[str, object], says: str) -> None:
    given = dict(given)
    with pytest.raises(BadRequest) as caught:
        asked(str(given.pop("pipeline", SD)), str(given.pop("device", "cpu")), **given)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_until_sure_compares_what_is_measured_another_number_of_times() -> None:
    plain = Options(pipeline=SD, until_sure=True, variants=["no-compile"], calls=3)
    compiled = msgspec.structs.replace(plain, variants=["compile"], calls=5, warmup=2)
    assert resolve_all([plain, compiled], "cpu").until_sure
    with pytest.raises(BadRequest, match="of the same workload"):
        resolve_all([plain, msgspec.structs.replace(compiled, steps=7)], "cpu")


def test_torchs_own_backends_are_all_known() -> None:
    torch = pytest.importorskip("torch")
    from profiler.request.compilation import BACKENDS

    assert set(torch._dynamo.list_backends()) <= set(BACKENDS)
    assert {"eager", "aot_eager"} <= set(torch._dynamo.list_backends(exclude_tags=())) & set(BACKENDS)


# --- names ---


def names(*options: Options, device: str = "cpu") -> list[str]:
    return [case.name for case in resolve_all(options, device).cases]


def test_names_have_a_suffix_for_each_field_that_differs() -> None:
    one = {"pipeline": SD, "variants": ["no-compile"]}
    found = names(
        Options(**one),
        Options(**one, height=512, width=768, dtype="bfloat16"),
        Options(**one, steps=20, scheduler="DPMSolverMultistep", attention="vanilla"),
    )
    assert found == [
        f"{SD}-no-compile-b1-512x512-s50-float32",
        f"{SD}-no-compile-b1-768x512-s50-bfloat16",
        f"{SD}-no-compile-b1-512x512-s20-float32-dpmsolvermultistep-vanilla",
    ]


def test_pipelines_with_other_defaults_need_no_suffix() -> None:
    found = names(*(Options(pipeline=name, variants=["no-compile"]) for name in (SD, FLUX)))
    assert found == [f"{SD}-no-compile-b1", f"{FLUX}-no-compile-b1"]


def test_what_has_no_short_name_is_numbered() -> None:
    found = names(*(Options(pipeline=SD, variants=["no-compile"], prompt=text) for text in ("a", "b")))
    assert found == [f"{SD}-no-compile-b1-prompt1", f"{SD}-no-compile-b1-prompt2"]
    modes = names(*(Options(pipeline=SD, variants=["compile"], mode=mode) for mode in (None, "max-autotune")))
    assert modes == [f"{SD}-compile-b1-default", f"{SD}-compile-b1-max-autotune"]


def test_scenarios_are_in_the_name_by_theirs() -> None:
    one = {"pipeline": SD, "variants": ["no-compile"]}
    legs = [[Leg(name="a", changes={"steps": steps})] for steps in (2, 3)]
    found = names(
        Options(**one),
        Options(**one, scenario="batch-sweep"),
        *(Options(**one, legs=each) for each in legs),
    )
    assert [name.removeprefix(f"{SD}-no-compile-b1") for name in found] == [
        "",
        "-batch-sweep",
        "-custom-leg1",
        "-custom-leg2",
    ]


def test_the_same_case_is_run_once() -> None:
    assert len(names(Options(pipeline=SD, variants=["no-compile"]), Options(pipeline=SD))) == 3


def test_long_names_stay_unique_and_are_names_of_folders() -> None:
    from profiler.sessions import SessionFolder

    options = [
        Options(
            pipeline=SD,
            engines=["diffusers", "accelerate"],
            height=side,
            scheduler=scheduler,
            dtype=dtype,
            memory_format=layout,
            guidance=guidance,
        )
        for side in (512, 768)
        for scheduler in ("DPMSolverMultistep", "DPMSolverSinglestep")
        for dtype in ("float32", "bfloat16")
        for layout in ("contiguous", "channels_last")
        for guidance in (1.0, 7.5)
    ]
    request = resolve_all(options, "cpu")
    found = [case.name for case in request.cases]
    assert len(set(found)) == len(found) == 4 * len(options)
    assert max(map(len, found)) <= 90
    folder = SessionFolder(Path("/"))
    for run in request.runs:
        folder.run(run.name)  # raises ValueError for what is no name


@pytest.mark.parametrize(
    ("given", "whole", "by_region"),
    [
        ({"pipeline": SD}, True, True),
        ({"pipeline": "z-image-turbo"}, False, True),
        ({"pipeline": SD, "layerwise_casting": "float8_e4m3fn"}, False, False),
        ({"pipeline": SD, "offload": "group"}, False, False),
        ({"pipeline": SD, "offload": "model"}, False, True),
        ({"pipeline": "z-image-turbo", "fullgraph": True}, True, True),
    ],
)
def test_fullgraph_is_the_default_where_nothing_is_known_to_break_the_graph(
    given: dict[str, object], whole: bool, by_region: bool
) -> None:
    _, compiled, regional = resolve(msgspec.convert(given, Options), "cuda:0").cases
    assert (compiled.compilation.fullgraph, regional.compilation.fullgraph) == (whole, by_region)
