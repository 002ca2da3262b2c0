"""Every pipeline of the catalogue: the published sizes, and facts that hold for diffusers' own classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import diffusers
import pytest
import torch

from profiler import catalog
from profiler.catalog import Component, Entry, Part, Size
from profiler.catalog.build import build
from profiler.catalog.weights import shape
from tests.catalog import hand

NAMES = [
    "sd15-txt2img",
    "sd15-img2img",
    "sd15-inpaint",
    "sd15-controlnet",
    "deepfloyd-if",
    "sdxl-txt2img",
    "sd-x4-upscaler",
    "flux1-dev",
    "flux1-schnell",
    "sd35-medium",
    "sd35-large",
    "pixart-sigma",
    "sana-1600m",
    "qwen-image",
    "z-image-turbo",
    "wan21-t2v-1.3b",
]
EACH = pytest.mark.parametrize("entry", catalog.ENTRIES, ids=lambda entry: entry.name)
HEAVY = 2 * 10**9  # parameters


def parts() -> Iterator[Any]:
    for entry in catalog.ENTRIES:
        for part in entry.parts:
            for name, size in part.sizes.items():
                yield pytest.param(entry, part, size, id=f"{entry.name}-{part.loop}-{name}".replace(" ", "-"))


EACH_PART = pytest.mark.parametrize(("entry", "part", "size"), list(parts()))


def models() -> Iterator[Any]:
    seen: list[Component] = []
    for entry in catalog.ENTRIES:
        for part in entry.parts:
            for at, size in part.sizes.items():
                for name, component in size.components.items():
                    is_model = not component.cls.endswith("Scheduler") and "Tokenizer" not in component.cls
                    if is_model and component not in seen:
                        seen.append(component)
                        yield pytest.param(component, id=f"{entry.name}-{part.loop}-{at}-{name}".replace(" ", "-"))


def parameters(part: Part) -> Any:
    return inspect.signature(getattr(diffusers, part.pipeline_cls).__call__).parameters


def test_the_catalogue_has_sixteen_pipelines() -> None:
    assert catalog.names() == NAMES
    assert all(set(part.sizes) == {"full", "tiny"} for entry in catalog.ENTRIES for part in entry.parts)


@pytest.mark.parametrize("component", list(models()))
def test_every_model_has_the_parameters_that_the_catalogue_says(component: Component) -> None:
    assert component.parameters is not None
    module = shape(component)
    assert all(parameter.is_meta for parameter in module.parameters())
    assert sum(parameter.numel() for parameter in module.parameters()) == component.parameters


@EACH
def test_a_tiny_one_makes_finite_pictures(entry: Entry) -> None:
    subject = build(entry, size="tiny", weights="random", dtype="float32", device="cpu")
    made = hand.pictures(subject.call(hand.arguments(subject, batch=2)))
    last = entry.parts[-1]
    size = last.sizes["tiny"]
    assert made.shape[0] == (2 if last.batched else 1)
    assert tuple(made.shape[-2:]) == (size.height, size.width)
    if size.frames is not None:
        assert made.shape[1] == size.frames
    assert bool(made.isfinite().all())
    assert float(made.std()) > 0.02


@EACH
def test_schedulers_are_those_that_diffusers_finds_compatible(entry: Entry) -> None:
    for part in entry.parts:
        component = part.sizes["tiny"].components["scheduler"]
        scheduler = getattr(diffusers, component.cls).from_config(dict(component.config))
        # diffusers leaves out those whose packages are absent only where they aren't even stand-ins.
        compatible = {one.__name__ for one in scheduler.compatibles}
        if component.config.get("prediction_type") == "flow_prediction":
            compatible = {name for name in compatible if _knows_flow_prediction(name)}
        assert set(entry.schedulers) == compatible


def _knows_flow_prediction(name: str) -> bool:
    """diffusers counts schedulers as compatible that refuse the prediction type in their first step."""
    return "flow_prediction" in inspect.getsource(inspect.getmodule(getattr(diffusers, name)))


@pytest.mark.parametrize("name", ["sana-1600m", "wan21-t2v-1.3b"])
def test_every_scheduler_of_a_flow_prediction_makes_a_step(name: str) -> None:
    config = catalog.find(name).part.sizes["tiny"].components["scheduler"]
    own = getattr(diffusers, config.cls).from_config(dict(config.config))
    for other in catalog.find(name).schedulers:
        scheduler = getattr(diffusers, other).from_config(own.config)
        scheduler.set_timesteps(4)
        sample = torch.ones(1, 4, 8, 8)
        for timestep in scheduler.timesteps:
            sample = scheduler.step(torch.zeros_like(sample), timestep, sample).prev_sample
        assert bool(sample.isfinite().all()), other


@EACH_PART
def test_a_call_takes_what_the_catalogue_says(entry: Entry, part: Part, size: Size) -> None:
    taken = parameters(part)
    given = [part.guidance_argument, *part.arguments, *size.arguments, *part.inputs, *size.embeddings]
    assert [name for name in given if name not in taken] == []
    is_upscaled = part.pipeline_cls == "IFSuperResolutionPipeline" or part.pipeline_cls == "IFPipeline"
    assert part.sized == ("height" in taken and not is_upscaled)  # IF's are fixed by its UNets
    assert part.step_callback == ("callback_on_step_end" in taken)
    assert ("num_frames" in taken) == (size.frames is not None)
    assert ("strength" in taken) == (part.strength is not None)
    if part.strength is not None and part.pipeline_cls != "StableDiffusionInpaintPipeline":
        assert part.strength == taken["strength"].default
    assert part.lora == hasattr(getattr(diffusers, part.pipeline_cls), "load_lora_weights")
    assert set(part.takes) <= {other.loop for other in entry.parts}


@EACH_PART
def test_sizes_are_whole_multiples_and_every_denoiser_is_a_component(entry: Entry, part: Part, size: Size) -> None:
    if len(entry.parts) == 1:
        assert (size.height % entry.multiple, size.width % entry.multiple) == (0, 0)
    assert set(part.denoisers) <= set(size.components)
    assert set(part.regional_engines) == set(part.denoisers)
    assert set(part.found_blocks) <= set(part.denoisers)
    assert part.source
    assert any(name.startswith("negative_") for name in size.embeddings) == (part.guidance_kind in ("batch", "calls"))
    takes = [size.components[name].config.get("guidance_embeds", False) for name in part.denoisers]
    assert any(takes) == (part.guidance_kind == "embedded")


@EACH_PART
def test_text_encoders_over_two_billion_parameters_are_heavy(entry: Entry, part: Part, size: Size) -> None:
    full = part.sizes["full"].components
    heavy = {name for name, one in full.items() if name.startswith("text_encoder") and (one.parameters or 0) > HEAVY}
    assert {name for name in part.heavy if name.startswith("text_encoder")} == heavy
    assert {name.replace("text_encoder", "tokenizer") for name in heavy} == set(part.heavy) - heavy
    assert set(part.heavy) <= set(size.components)


def test_what_is_inferred_is_said() -> None:
    inferred = {part.loop for entry in catalog.ENTRIES for part in entry.parts if part.inferred}
    assert inferred == {"IF-I", "IF-II", "x4 upscaler", "denoise"}
    assert [entry.name for entry in catalog.ENTRIES if any(part.inferred for part in entry.parts)] == [
        "deepfloyd-if",
        "sd-x4-upscaler",
    ]


def test_the_published_benchmark_is_what_the_defaults_are() -> None:
    published = {
        "sd15-txt2img": (50, 7.5, 512),
        "sd15-img2img": (50, 7.5, 512),
        "sd15-inpaint": (50, 7.5, 512),
        "sd15-controlnet": (50, 7.5, 512),
        "deepfloyd-if": (100, 7.0, 256),
        "sdxl-txt2img": (50, 5.0, 1024),
    }
    for name, expected in published.items():
        entry = catalog.find(name)
        size = entry.defaults("full")
        assert (size.steps, size.guidance, size.height) == expected
        for part in entry.parts:
            for argument, value in (
                ("num_inference_steps", part.sizes["full"].steps),
                (part.guidance_argument, part.sizes["full"].guidance),
            ):
                assert parameters(part)[argument].default == value, (name, part.loop, argument)


def test_two_pipelines_have_two_denoisers_or_three_loops() -> None:
    assert list(catalog.find("sd15-controlnet").denoisers) == ["unet", "controlnet"]
    assert list(catalog.find("deepfloyd-if").denoisers) == ["IF-I unet", "IF-II unet", "x4 upscaler unet"]
