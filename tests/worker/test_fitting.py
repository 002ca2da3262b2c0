"""A loaded pipeline is brought into its workload's shape, or the reason why not is one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from profiler import attention, catalog
from profiler.catalog.build import BuildError, build
from profiler.request import Options, Workload, resolve
from profiler.subject import Subject
from profiler.variants import Unsupported
from profiler.worker import fitting
from profiler.worker.attention import offered
from profiler.worker.inputs import call_arguments
from profiler.worker.setting import Setting


@pytest.fixture(autouse=True)
def own_attention_backend() -> Iterator[None]:
    """The dispatcher's backend is the process's."""
    from diffusers.models import attention_dispatch as dispatch

    before, _ = dispatch._AttentionBackendRegistry.get_active_backend()
    yield
    dispatch._AttentionBackendRegistry.set_active_backend(before)


def made(name: str) -> Subject:
    return build(catalog.find(name), size="tiny", weights="random", dtype="float32", device="cpu")


def workload(name: str, **changes: Any) -> Workload:
    options = Options(pipeline=name, size="tiny", variants=["no-compile"], steps=2)
    return msgspec.structs.replace(resolve(options, "cpu").cases[0].workload, **changes)


def fitted(name: str, **changes: Any) -> tuple[Subject, list[tuple[str, str]]]:
    subject = made(name)
    return subject, fitting.apply(subject, workload(name, **changes), "cpu")


def picture(subject: Subject, name: str) -> torch.Tensor:
    """What a call makes, as numbers from 0 to 1."""
    arguments = call_arguments(subject, Setting(workload(name)), "cpu")
    result = subject.call({**arguments, "output_type": "pt"})
    return result.images if hasattr(result, "images") else result.frames  # type: ignore[no-any-return]


def refused(name: str, **changes: Any) -> str:
    with pytest.raises((Unsupported, BuildError)) as caught:
        fitted(name, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_workload_of_defaults_changes_nothing() -> None:
    subject, notes = fitted("sd15-txt2img")
    assert notes == []
    assert torch.equal(picture(subject, "sd15-txt2img"), picture(made("sd15-txt2img"), "sd15-txt2img"))


# --- schedulers ---


def test_a_scheduler_takes_the_configuration_of_the_pipelines_own() -> None:
    subject, notes = fitted("sd15-txt2img", scheduler="EulerDiscreteScheduler")
    assert type(subject.pipe.scheduler).__name__ == "EulerDiscreteScheduler"
    assert subject.pipe.scheduler.config.beta_start == 0.00085
    assert notes == []
    assert torch.isfinite(picture(subject, "sd15-txt2img")).all()


def test_the_pipelines_own_scheduler_stays_as_it_is() -> None:
    subject = made("flux1-dev")
    own = subject.pipe.scheduler
    fitting.apply(subject, workload("flux1-dev", scheduler=type(own).__name__), "cpu")
    assert subject.pipe.scheduler is own


def test_a_scheduler_that_does_not_suit_is_refused_with_those_that_do() -> None:
    text = refused("flux1-dev", scheduler="DDIMScheduler")
    assert text == "flux1-dev can't use DDIMScheduler (it can use FlowMatchEulerDiscreteScheduler)"
    assert "PNDMScheduler" in refused("sd15-txt2img", scheduler="DDIM")


def test_in_a_chain_every_pipeline_gets_the_scheduler_that_suits_it() -> None:
    subject, notes = fitted("deepfloyd-if", scheduler="DDIMScheduler")
    assert {type(piece.pipe.scheduler).__name__ for piece in subject.pieces} == {"DDIMScheduler"}
    assert notes == []
    subject = made("deepfloyd-if")
    subject.pieces[1].pipe.scheduler = made("flux1-dev").pipe.scheduler
    notes = fitting.apply(subject, workload("deepfloyd-if", scheduler="DDIMScheduler"), "cpu")
    assert [code for code, _ in notes] == ["scheduler"]
    assert notes[0][1] == (
        "DDIMScheduler in IF-I, x4 upscaler alone, it does not suit the others (IF-II: FlowMatchEulerDiscreteScheduler)"
    )


# --- attention ---


def test_the_names_are_diffusers_own() -> None:
    from diffusers.models.attention_dispatch import AttentionBackendName

    assert set(attention.BACKENDS) == {backend.value for backend in AttentionBackendName}
    assert len(set(attention.NAMES)) == len(attention.NAMES) == len(attention.BACKENDS) + 2


@pytest.mark.parametrize(
    ("name", "processors"),
    [
        ("sd15-controlnet", {"AttnProcessor"}),
        ("deepfloyd-if", {"AttnAddedKVProcessor", "AttnProcessor"}),
        ("pixart-sigma", {"AttnProcessor"}),
    ],
)
def test_vanilla_and_sdpa_of_models_with_processors(name: str, processors: set[str]) -> None:
    subject, notes = fitted(name, attention="vanilla")
    used = {type(p).__name__ for one in subject.denoisers for p in one.module.attn_processors.values()}
    assert used == processors
    assert [code for code, _ in notes] == ["attention"]
    assert all(f"{denoiser.label}: " in notes[0][1] for denoiser in subject.denoisers)
    fitting.apply(subject, workload(name, attention="sdpa"), "cpu")
    used = {type(p).__name__ for one in subject.denoisers for p in one.module.attn_processors.values()}
    assert used == {f"{processor}2_0" for processor in processors}


@pytest.mark.parametrize("kind", ["sdpa", "vanilla", "native", "_native_flash"])
def test_attention_of_models_with_the_dispatcher(kind: str) -> None:
    subject, notes = fitted("flux1-dev", attention=kind)
    backend = {"sdpa": "native", "vanilla": "_native_math"}.get(kind, kind)
    used = {processor._attention_backend.value for processor in subject.pipe.transformer.attn_processors.values()}
    assert used == {backend}
    assert notes == [("attention", f"attention {kind}: transformer: {backend} of diffusers' dispatcher")]
    made_with = picture(subject, "flux1-dev")
    assert torch.allclose(made_with, picture(made("flux1-dev"), "flux1-dev"), atol=1e-3)


def test_vanilla_computes_the_same() -> None:
    subject, _ = fitted("sd15-txt2img", attention="vanilla")
    assert torch.allclose(picture(subject, "sd15-txt2img"), picture(made("sd15-txt2img"), "sd15-txt2img"), atol=1e-3)


def test_attention_that_the_machine_or_the_model_lacks() -> None:
    assert "xformers" in refused("flux1-dev", attention="xformers")
    assert "xformers" in refused("sd15-txt2img", attention="xformers")
    assert "it fails on cpu in float32" in refused("flux1-dev", attention="_native_efficient")
    text = "unet (UNet2DConditionModel) does not use diffusers' attention dispatcher: --attention sdpa or vanilla"
    assert refused("sd15-txt2img", attention="native") == text
    assert "JointAttnProcessor2_0, of which diffusers has no vanilla" in refused("sd35-medium", attention="vanilla")
    fitted("sd35-medium", attention="sdpa")  # what it has


def test_what_this_machine_offers_is_tried_out() -> None:
    found = offered("cpu", torch.float32)
    assert set(found) == set(attention.BACKENDS)
    assert found["native"] is None
    assert found["_native_math"] is None
    assert "sageattention" in (found["sage"] or "")
    assert all(reason is None or "\n" not in reason for reason in found.values())


def test_attention_in_slices() -> None:
    subject, notes = fitted("sd15-txt2img", attention_slicing=True)
    assert notes == [("attention-slicing", "attention in slices: unet: 8 x SlicedAttnProcessor")]
    assert torch.allclose(picture(subject, "sd15-txt2img"), picture(made("sd15-txt2img"), "sd15-txt2img"), atol=1e-3)
    assert "has no attention slicing: only UNets have" in refused("flux1-dev", attention_slicing=True)
    assert "an attention of its own" in refused("sd15-txt2img", attention_slicing=True, attention="sdpa")


# --- the VAE ---


def test_a_tiny_vae_has_the_pipelines_latents() -> None:
    for name, channels in (("sd15-img2img", 4), ("z-image-turbo", 16)):
        subject, notes = fitted(name, vae="tiny")
        vae = subject.pipe.vae
        assert (type(vae).__name__, vae.config.latent_channels, vae.training) == ("AutoencoderTiny", channels, False)
        assert notes == [("vae", "the VAE is an AutoencoderTiny with random weights in place of the AutoencoderKL")]
        assert torch.isfinite(picture(subject, name)).all()
    again, _ = fitted(name, vae="tiny")
    assert all(torch.equal(a, b) for a, b in zip(again.pipe.vae.parameters(), vae.parameters(), strict=True))


def test_vaes_that_a_tiny_one_can_not_stand_in_for() -> None:
    assert "not for this pipeline's AutoencoderKLWan" in refused("wan21-t2v-1.3b", vae="tiny")
    assert "this pipeline's VAE 4 times" in refused("sd-x4-upscaler", vae="tiny")


def test_a_vae_from_a_folder(tmp_path: Path) -> None:
    other = made("sd15-inpaint").pipe.vae
    other.save_pretrained(tmp_path / "vae")
    for source in (tmp_path, tmp_path / "vae"):
        subject, notes = fitted("sd15-txt2img", vae=str(source))
        state = other.state_dict()
        assert all(torch.equal(value, state[key]) for key, value in subject.pipe.vae.state_dict().items())
        assert notes == [
            ("vae", f"the VAE is an AutoencoderKL with the weights of {source} in place of the AutoencoderKL")
        ]
    assert "has 4 latent channels, the pipeline's has 16" in refused("z-image-turbo", vae=str(tmp_path))


def test_folders_that_hold_no_vae(tmp_path: Path) -> None:
    assert f"cannot load the VAE {tmp_path}" in refused("sd15-txt2img", vae=str(tmp_path))
    made("sd15-txt2img").pipe.unet.save_pretrained(tmp_path / "unet")
    text = refused("sd15-txt2img", vae=str(tmp_path / "unet"))
    assert "holds no VAE (its class is UNet2DConditionModel)" in text
    made("sd15-txt2img").pipe.vae.save_pretrained(tmp_path / "pickled", safe_serialization=False)
    text = refused("sd15-txt2img", vae=str(tmp_path / "pickled"))
    assert f"the VAE {tmp_path}/pickled lacks safetensors" in text
    assert "--allow-pickle loads pickled weights" in text


def test_slices_and_tiles_of_the_vae() -> None:
    subject, notes = fitted("sd15-txt2img", vae_slicing=True, vae_tiling=True, batch_size=2)
    assert subject.pipe.vae.use_slicing
    assert subject.pipe.vae.use_tiling
    assert notes == [
        ("vae-slicing", "the VAE takes the images one by one"),
        ("vae-tiling", "the VAE works in tiles of 64x64"),
    ]
    _, notes = fitted("sana-1600m", vae_slicing=True, vae_tiling=True)
    assert [text.partition(":")[0] for _, text in notes] == [
        "VAE slicing changes nothing at batch size 1",
        "VAE tiling changes nothing",
    ]


def test_pipelines_without_a_vae() -> None:
    subject = made("deepfloyd-if")
    alone = Subject("if-i", subject.pieces[:1], subject.call)
    for change in ({"vae": "tiny"}, {"vae_slicing": True}, {"vae_tiling": True}):
        with pytest.raises(Unsupported, match="if-i has no VAE"):
            fitting.apply(alone, workload("deepfloyd-if", **change), "cpu")


# --- weights ---


def test_channels_last_are_the_denoisers_convolutions() -> None:
    subject, notes = fitted("sd15-controlnet", memory_format="channels_last")
    for denoiser in subject.denoisers:
        assert denoiser.module.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    assert subject.pipe.vae.encoder.conv_in.weight.is_contiguous()
    assert notes == []
    assert fitting.set_channels_last(subject.pipe.unet, "contiguous")
    assert subject.pipe.unet.conv_in.weight.is_contiguous()
    video, _ = fitted("wan21-t2v-1.3b", memory_format="channels_last")
    assert video.pipe.transformer.patch_embedding.weight.is_contiguous(memory_format=torch.channels_last_3d)


def test_channels_last_without_convolutions_is_told() -> None:
    _, notes = fitted("flux1-dev", memory_format="channels_last")
    text = "channels_last changes nothing in transformer: there are no convolutions' weights in it"
    assert notes == [("memory-format", text)]


@pytest.mark.parametrize("name", ["sd15-txt2img", "flux1-dev"])
def test_layerwise_casting(name: str) -> None:
    subject, notes = fitted(name, layerwise_casting="float8_e4m3fn")
    weights = list(subject.denoisers[0].module.parameters())
    stored = sum(weight.numel() for weight in weights if weight.dtype == torch.float8_e4m3fn)
    share = 100 * stored / sum(weight.numel() for weight in weights)
    assert 50 < share <= 100
    label = subject.denoisers[0].label
    assert notes == [("layerwise-casting", f"weights stored as float8_e4m3fn: {share:.0f} % of {label}")]
    difference = (picture(subject, name) - picture(made(name), name)).abs().max()
    assert 0 < difference < 0.2
    assert "torch has no type float7" in refused(name, layerwise_casting="float7")


def test_offload_needs_a_gpu() -> None:
    for kind in ("model", "group"):
        assert refused("sd15-txt2img", offload=kind).endswith("it needs --device cuda:N")


def test_groups_are_offloaded_layer_by_layer() -> None:
    """The hooks themselves, with the CPU on both sides."""
    subject = made("sd15-controlnet")
    for piece in subject.pieces:
        fitting.offload_groups(piece, "cpu", stream=False)
    for denoiser in subject.denoisers:
        assert denoiser.module.conv_in._diffusers_hook.hooks
    assert not hasattr(subject.pipe.vae, "_diffusers_hook")
    reference = picture(made("sd15-controlnet"), "sd15-controlnet")
    assert torch.equal(picture(subject, "sd15-controlnet"), reference)
