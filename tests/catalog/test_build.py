"""Pipelines from the catalogue: the published architecture, weights that depend on the seed alone, clear refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from profiler import catalog
from profiler.catalog.build import BuildError, build
from profiler.catalog.tokenizer import clip_tokenizer

ENTRY = catalog.find("sd15-txt2img")


def tiny(**options: Any) -> Any:
    return build(ENTRY, **{"size": "tiny", "weights": "random", "dtype": "float32", "device": "cpu", **options}).pipe


def test_weights_depend_on_the_seed_alone() -> None:
    first, again, other = tiny(seed=1), tiny(seed=1), tiny(seed=2)
    for name in ("unet", "vae", "text_encoder"):
        states = [getattr(pipe, name).state_dict() for pipe in (first, again, other)]
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
        assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])


def test_weights_are_spread_like_torch_spreads_them() -> None:
    unet = tiny().unet
    reference = type(unet).from_config(unet.config)
    for name, parameter in unet.named_parameters():
        if parameter.ndim > 1:
            expected = reference.get_parameter(name).std().item()
            assert parameter.std().item() == pytest.approx(expected, rel=0.25), name
    norm = unet.conv_norm_out
    assert torch.equal(norm.weight, torch.ones_like(norm.weight))
    assert torch.equal(norm.bias, torch.zeros_like(norm.bias))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_parameter_and_buffer_is_real_and_in_the_type_asked_for(dtype: str) -> None:
    pipe = tiny(dtype=dtype)
    for module in (pipe.unet, pipe.vae, pipe.text_encoder):
        assert not module.training
        for tensor in [*module.parameters(), *module.buffers()]:
            assert tensor.device.type == "cpu"
            assert not tensor.is_floating_point() or tensor.dtype is getattr(torch, dtype)


def test_the_pipeline_makes_finite_latents() -> None:
    pipe = tiny()
    result = pipe("castles", num_inference_steps=3, height=64, width=64, output_type="latent")
    assert torch.isfinite(result.images).all()
    assert result.images.std() > 0.1


def test_progress_names_every_component_and_then_says_that_all_are_ready() -> None:
    told: list[tuple[str, int, int]] = []
    tiny(report=lambda *progress: told.append(progress))
    components = list(ENTRY.part.sizes["tiny"].components)
    assert told == [*((name, index, 5) for index, name in enumerate(components)), ("", 5, 5)]


def test_the_tokenizer_is_clips_own_with_a_vocabulary_of_bytes() -> None:
    tokenizer = clip_tokenizer(600, 77)
    assert type(tokenizer).__name__ == "CLIPTokenizer"
    ids = tokenizer("A castle, über alles", padding="max_length", truncation=True).input_ids
    assert len(ids) == 77
    assert ids[0] == 598
    assert ids[-1] == 599
    assert max(ids[1 : ids.index(599)]) < 512
    assert ids == tokenizer("a CASTLE, über alles", padding="max_length", truncation=True).input_ids
    assert tokenizer("a", padding="max_length").input_ids != tokenizer("b", padding="max_length").input_ids
    assert len(tokenizer("x" * 500, truncation=True).input_ids) == 77


def test_a_vocabulary_too_small_for_the_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 514"):
        clip_tokenizer(100, 77)


def test_weights_from_a_folder(tmp_path: Path) -> None:
    made = tiny(seed=3)
    made.save_pretrained(tmp_path, safe_serialization=True)
    loaded = tiny(weights=str(tmp_path))
    assert torch.equal(loaded.unet.conv_in.weight, made.unet.conv_in.weight)
    assert loaded.safety_checker is None


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    tiny().save_pretrained(tmp_path, safe_serialization=False)
    with pytest.raises(BuildError, match=r"holds pickled weights only \(.*\.bin\): convert them to safetensors"):
        tiny(weights=str(tmp_path))


def test_a_folder_that_holds_no_pipeline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"model_index\.json"):
        tiny(weights=str(tmp_path))


def test_the_hub_has_no_tiny_pipeline() -> None:
    with pytest.raises(BuildError, match="--size full"):
        tiny(weights="hub")
