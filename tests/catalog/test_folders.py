"""Real weights from folders: loaded as they were saved, and refused where they could run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from profiler import catalog
from profiler.catalog import folders
from profiler.catalog.build import BuildError, build
from profiler.catalog.errors import first_line
from profiler.subject import Subject
from profiler.trust import Trust
from tests.catalog import hand


def tiny(name: str, **options: Any) -> Subject:
    return build(
        catalog.find(name), **{"size": "tiny", "weights": "random", "dtype": "float32", "device": "cpu", **options}
    )


def test_both_denoisers_come_from_the_folder(tmp_path: Path) -> None:
    made = tiny("sd15-controlnet", seed=3)
    made.pipe.save_pretrained(tmp_path)
    told: list[tuple[str, int, int]] = []
    loaded = tiny("sd15-controlnet", weights=str(tmp_path), report=lambda *progress: told.append(progress))
    assert told == [(str(tmp_path), 0, 1), ("", 1, 1)]
    assert [denoiser.label for denoiser in loaded.denoisers] == ["unet", "controlnet"]
    first, again = (hand.pictures(subject.call(hand.arguments(subject))) for subject in (made, loaded))
    assert torch.equal(first, again)


def test_heavy_encoders_arent_loaded_unless_asked_for(tmp_path: Path) -> None:
    tiny("flux1-schnell", text_encoders="all").pipe.save_pretrained(tmp_path)
    light = tiny("flux1-schnell", weights=str(tmp_path))
    assert light.pieces[0].embeds
    assert light.pipe.text_encoder_2 is None
    assert light.pipe.tokenizer_2 is None
    every = tiny("flux1-schnell", weights=str(tmp_path), text_encoders="all")
    assert every.notes == []
    for subject in (light, every):
        assert bool(hand.pictures(subject.call(hand.arguments(subject))).isfinite().all())


def test_a_chain_has_a_folder_for_each_part(tmp_path: Path) -> None:
    made = tiny("deepfloyd-if", text_encoders="all")
    for piece in made.pieces:
        assert piece.part is not None
        piece.pipe.save_pretrained(tmp_path / folders.of_part(piece.part))
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["if-i", "if-ii", "x4-upscaler"]
    loaded = tiny("deepfloyd-if", weights=str(tmp_path), text_encoders="all")
    first, second, third = (piece.pipe for piece in loaded.pieces)
    assert first.text_encoder is second.text_encoder
    assert torch.equal(third.unet.conv_in.weight, made.pieces[2].pipe.unet.conv_in.weight)
    with pytest.raises(BuildError, match=r"if-i holds no pipeline: a folder with a model_index\.json is needed"):
        tiny("deepfloyd-if", weights=str(tmp_path / "if-i"))


def index(folder: Path, **content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "model_index.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_pickled_weights_are_refused_unless_they_arent_loaded(tmp_path: Path) -> None:
    folder = index(tmp_path / "pipe", _class_name="X", unet=["diffusers", "UNet2DConditionModel"])
    (folder / "unet").mkdir()
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"")
    with pytest.raises(BuildError, match=r"pickled weights only \(unet/diffusion_pytorch_model\.bin\): convert them"):
        folders.check(folder)
    with pytest.raises(BuildError, match=r", or --allow-pickle loads them as they are$"):
        folders.check(folder, trust=Trust(remote_code=True))
    folders.check(folder, trust=Trust(pickle=True))
    assert folders.check(folder, skip=("unet",))["_class_name"] == "X"
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    folders.check(folder)


def test_a_folder_that_lacks_something_is_refused(tmp_path: Path) -> None:
    places = {
        "unet": ["diffusers", "UNet2DConditionModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "image_encoder": [None, None],
        "../elsewhere": ["diffusers", "UNet2DConditionModel"],
        "sizes": [64, 64],
    }
    folder = index(tmp_path / "pipe", _class_name="X", requires_safety_checker=True, **places)
    with pytest.raises(BuildError, match=r"no folder unet in it, and its model_index\.json has a UNet2DConditionModel"):
        folders.check(folder)
    for name in ("unet", "tokenizer"):
        (folder / name).mkdir()
        (folder / name / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BuildError, match=r"there are no weights in unet, a \.safetensors file is needed"):
        folders.check(folder)
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    folders.check(folder)


@pytest.mark.parametrize(
    ("damage", "says"),
    [("cut", "cannot load .*Unable to load weights"), ("renamed", "variant like fp16 work once they are loaded")],
)
def test_weights_that_cannot_be_loaded_are_not_called_pickled(tmp_path: Path, damage: str, says: str) -> None:
    tiny("sd15-txt2img").pipe.save_pretrained(tmp_path)
    weights = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    with pytest.raises(BuildError, match=says) as refusal:
        tiny("sd15-txt2img", weights=str(tmp_path))
    assert "pickled weights only" not in str(refusal.value)


def test_code_that_comes_with_a_pipeline_is_refused(tmp_path: Path) -> None:
    own = index(tmp_path / "pipeline", _class_name=["mine", "MyPipeline"])
    with pytest.raises(BuildError, match=r"its pipeline class.*FILE\.py:FUNCTION.*, or --trust-remote-code runs it$"):
        folders.check(own)
    # Whatever the file is called: a module that diffusers has is looked for in the component's folder first.
    for library in ("mine", "transformers"):
        component = index(tmp_path / library, _class_name="X", unet=[library, "MyUNet"])
        (component / "unet").mkdir()
        (component / "unet" / f"{library}.py").write_text("raise SystemExit\n", encoding="utf-8")
        with pytest.raises(BuildError, match=r"its component unet that is neither diffusers' nor transformers'"):
            folders.check(component)
    trusted = folders.check(own, trust=Trust(remote_code=True))
    assert trusted["_class_name"] == ["mine", "MyPipeline"]


@pytest.mark.parametrize(
    "library",
    ["antigravity", "os", "torch", "mine", "diffusers.utils", "diffusers_modules", "a.b", "../x", "pipelines", "", "é"],
)
def test_no_module_but_diffusers_and_transformers_is_imported(tmp_path: Path, library: str) -> None:
    """diffusers imports what an index names: any installed module, and any of the working directory."""
    folder = index(tmp_path / "pipe", _class_name="X", scheduler=[library, "Class"])
    (folder / "scheduler").mkdir()
    with pytest.raises(BuildError, match="its component scheduler"):
        folders.check(folder)
    with pytest.raises(BuildError, match="its component scheduler"):
        folders.check_index("org/name", {"scheduler": [library, "Class"]})
    folders.check_index("org/name", {"scheduler": [library, "Class"]}, skip=("scheduler",))
    folders.check_index("org/name", {"scheduler": [library, "Class"]}, trust=Trust(remote_code=True))


def test_the_modules_of_diffusers_own_pipelines_are_known() -> None:
    for library in ("stable_diffusion", "deepfloyd_if", "kolors", "stable_cascade", "diffusers", "transformers"):
        folders.check_index("org/name", {"component": [library, "Class"]})


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_an_index_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model_index.json").write_text(text, encoding="utf-8")
    with pytest.raises(BuildError, match=r"holds no pipeline: its model_index\.json"):
        folders.check(tmp_path)


def test_another_pipelines_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    tiny("flux1-schnell").pipe.save_pretrained(tmp_path)
    with pytest.raises(BuildError, match="cannot load") as refusal:
        tiny("sd15-txt2img", weights=str(tmp_path))
    assert str(refusal.value) == first_line(refusal.value)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["wan21-t2v-1.3b", "flux1-schnell", "qwen-image"])
def test_random_weights_have_the_types_that_loading_gives_them(tmp_path: Path, name: str, dtype: str) -> None:
    made = tiny(name, dtype=dtype, text_encoders="all").pipe
    made.save_pretrained(tmp_path)
    loaded = tiny(name, dtype=dtype, text_encoders="all", weights=str(tmp_path)).pipe
    kinds = set()
    for component in ("transformer", "text_encoder", "text_encoder_2"):
        module, other = getattr(made, component, None), getattr(loaded, component, None)
        if module is None or other is None:
            continue
        types = {key: value.dtype for key, value in module.named_parameters()}
        assert types == {key: value.dtype for key, value in other.named_parameters()}, component
        buffers = {key: value.dtype for key, value in module.named_buffers()}
        assert buffers == {key: value.dtype for key, value in other.named_buffers()}, component
        kinds |= set(types.values())
    assert getattr(torch, dtype) in kinds
    # What a class wants in float32: diffusers keeps it for both types, transformers for float16 alone.
    assert (torch.float32 in kinds) == (name == "wan21-t2v-1.3b" or (name == "flux1-schnell" and dtype == "float16"))
