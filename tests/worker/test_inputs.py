"""What a call is given: from the catalogue's specifications, always the same."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import torch

from profiler import catalog
from profiler.catalog.build import build
from profiler.catalog.entry import Size, Tensor
from profiler.catalog.errors import BuildError
from profiler.request import Options, Workload, resolve
from profiler.subject import Denoiser, Piece, Subject
from profiler.variants import Unsupported
from profiler.worker.inputs import call_arguments
from profiler.worker.measure import Measurement
from profiler.worker.setting import Setting


def workload_of(name: str, **options: Any) -> Workload:
    return resolve(Options(pipeline=name, size="tiny", variants=["no-compile"], **options), "cpu").cases[0].workload


def subject_of(name: str) -> Subject:
    return build(catalog.find(name), size="tiny", weights="random", dtype="float32", device="cpu")


def arguments(name: str, subject: Subject | None = None, setting: dict[str, Any] | None = None, **options: Any) -> Any:
    return call_arguments(subject or subject_of(name), Setting(workload_of(name, **options), **(setting or {})), "cpu")


def with_inputs(**tensors: Tensor) -> Subject:
    """sd15-txt2img with further inputs, of a pipeline that takes anything."""
    from diffusers import StableDiffusionPipeline

    class Anything(StableDiffusionPipeline):
        def __call__(self, **given: Any) -> Any:
            return given

    part = catalog.find("sd15-txt2img").part
    part = msgspec.structs.replace(part, inputs=tensors)
    size: Size = part.sizes["tiny"]
    pipe = Anything.__new__(Anything)
    piece = Piece(pipe, (Denoiser("unet", pipe, "unet"),), part=part, size=size)
    return Subject("sd15-txt2img", (piece,), lambda given: pipe(**given))


def test_prompts_and_options_of_the_workload() -> None:
    given = arguments("sd15-txt2img", batch_sizes=[2], height=64, width=72, steps=3, guidance=2.0, prompt="x", seed=5)
    generators = given.pop("generator")
    assert [generator.initial_seed() for generator in generators] == [5, 6]
    assert given == {
        "prompt": ["x", "x"],
        "height": 64,
        "width": 72,
        "num_inference_steps": 3,
        "guidance_scale": 2.0,
    }


def test_pictures_are_the_same_every_time_and_image_by_image() -> None:
    subject = with_inputs(
        image=Tensor(shape=("batch", 3, "height", "width/2"), fill="picture"),
        mask_image=Tensor(shape=("batch", 1, "height/4", "width"), fill="mask"),
        noise=Tensor(shape=("batch", 4, "tokens"), fill="normal"),
        mask=Tensor(shape=("batch", "tokens"), fill="ones"),
        listed=Tensor(shape=("batch", "tokens", 8), fill="normal", listed=True),
        shared=Tensor(shape=(3,), fill="normal"),
    )
    one, two, again = (arguments("sd15-txt2img", subject, batch_sizes=[size]) for size in (1, 2, 2))
    assert one["image"].shape == (1, 3, 128, 64)
    assert one["mask_image"].shape == (1, 1, 32, 128)
    assert (one["mask"].dtype, one["mask"].shape) == (torch.int64, (1, 77))
    assert one["mask"].all()
    assert one["shared"].shape == (3,)
    assert [tensor.shape for tensor in two["listed"]] == [(77, 8), (77, 8)]
    assert 0 <= two["image"].min() < 0.01
    assert 0.99 < two["image"].max() <= 1
    assert two["mask_image"][..., :64].all()
    assert not two["mask_image"][..., 64:].any()
    for name in ("image", "mask_image", "noise", "mask"):
        assert torch.equal(one[name][0], two[name][0])
        assert torch.equal(two[name], again[name])
    assert not torch.equal(two["image"][0], two["image"][1])
    other = arguments("sd15-txt2img", subject, seed=1)
    assert torch.equal(other["image"][0], two["image"][1])
    # Another stream than the latents'.
    assert not torch.equal(one["noise"][0], torch.randn(4, 77, generator=torch.Generator().manual_seed(0)))


def test_tensors_have_the_workloads_type() -> None:
    subject = with_inputs(image=Tensor(shape=("batch", 3, 8, 8), fill="picture"))
    assert arguments("sd15-txt2img", subject, dtype="bfloat16")["image"].dtype is torch.bfloat16


def test_embeddings_stand_in_for_prompts_where_there_are_no_text_encoders() -> None:
    given = arguments("flux1-schnell")
    assert given["prompt_embeds"].shape[0] == 1
    assert given.get("prompt") is None
    pixart = arguments("pixart-sigma")
    # Its default is "", which it refuses beside embeddings.
    assert pixart["negative_prompt"] is None


def test_a_leg_can_give_embeddings_of_so_many_tokens() -> None:
    short, longer = (arguments("sd15-txt2img", setting={"tokens": tokens}) for tokens in (5, 9))
    assert short["prompt_embeds"].shape == short["negative_prompt_embeds"].shape == (1, 5, 32)
    assert longer["prompt_embeds"].shape == (1, 9, 32)
    assert "prompt" not in short
    assert "negative_prompt_embeds" not in arguments("sd15-txt2img", setting={"tokens": 5}, guidance=1.0)


def test_further_arguments_win_those_of_the_leg_over_those_of_the_workload() -> None:
    workload = msgspec.structs.replace(workload_of("sd15-txt2img"), call={"eta": 0.1, "guidance_rescale": 0.2})
    given = call_arguments(subject_of("sd15-txt2img"), Setting(workload, arguments={"eta": 0.3}), "cpu")
    assert (given["eta"], given["guidance_rescale"]) == (0.3, 0.2)


def test_an_argument_that_nothing_takes_is_refused() -> None:
    workload = msgspec.structs.replace(workload_of("sd15-txt2img"), call={"promt": "x"})
    with pytest.raises(BuildError, match=r"takes no 'promt', did you mean 'prompt'\? \(it takes: prompt"):
        call_arguments(subject_of("sd15-txt2img"), Setting(workload), "cpu")


def test_a_chain_has_arguments_by_loop_and_its_picture_decides_the_way() -> None:
    subject = subject_of("deepfloyd-if")
    given = arguments("deepfloyd-if", subject, batch_sizes=[3], steps=16, guidance=2.0)
    assert list(given) == ["IF-I", "IF-II", "x4 upscaler"]
    assert [len(one["generator"]) for one in given.values()] == [3, 1, 1]
    assert [one["num_inference_steps"] for one in given.values()] == [16, 8, 12]
    assert given["IF-I"]["guidance_scale"] == 2.0
    assert given["IF-II"]["guidance_scale"] == 4.0
    assert given["x4 upscaler"]["_input"] == "IF-I"
    large = arguments("deepfloyd-if", subject, height=256, width=256)
    assert large["x4 upscaler"]["_input"] == "IF-II"


def test_latents_in_a_memory_format_are_those_that_the_pipeline_draws_itself() -> None:
    subject = subject_of("sd15-txt2img")
    workload = workload_of("sd15-txt2img", batch_sizes=[2], steps=2)
    setting = Setting(workload, leg="channels last", latents_format="channels_last")
    latents = call_arguments(subject, setting, "cpu")["latents"]
    assert latents.is_contiguous(memory_format=torch.channels_last)
    outputs = []
    with Measurement(subject, workload, [].append, live=False) as measurement:
        for one in (None, setting):
            measurement.call("measure", one)
            outputs.append(measurement.latents)
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)


def test_latents_that_are_no_pictures_have_no_memory_format() -> None:
    with pytest.raises(Unsupported, match="latents need pictures"):
        arguments("flux1-dev", setting={"latents_format": "channels_last"})
    with pytest.raises(Unsupported, match="takes no latents"):
        arguments("sd15-img2img", setting={"latents_format": "channels_last"})


def test_each_leg_s_calls_say_whose_they_are_and_expect_its_own_steps() -> None:
    from profiler.events import CallStarted

    subject, events = subject_of("sd15-txt2img"), []
    workload = workload_of("sd15-txt2img", steps=3)
    long = Setting(msgspec.structs.replace(workload, steps=5), leg="long")
    entered: list[str] = []

    class Around:
        def __enter__(self) -> None:
            entered.append("in")

        def __exit__(self, *_: Any) -> None:
            entered.append("out")

    with Measurement(subject, workload, events.append, live=False) as measurement:
        for setting in (None, long, Setting(workload, leg="around", around=Around), None):
            measurement.call("measure", setting)
    started = [event for event in events if type(event) is CallStarted]
    assert [(event.leg, event.steps) for event in started] == [(None, 4), ("long", 6), ("around", 4), (None, 4)]
    assert entered == ["in", "out"]
