"""Pipelines that aren't the catalogue's, and folders of weights: found, named, or refused before anything starts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from profiler.request import BadRequest, Leg, Options, resolve
from tests.test_request_workload import SD, names, workload


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in diffusers' layout: an index, a UNet's weights, a scheduler."""
    made = tmp_path / "my pipeline"
    index = {
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "safety_checker": [None, None],
    }
    for name in ("unet", "scheduler"):
        (made / name).mkdir(parents=True)
    (made / "model_index.json").write_text(json.dumps(index))
    (made / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    return made


def test_a_hub_id_leaves_everything_to_the_pipeline() -> None:
    found = workload("org/Some_Model.v1", device="cuda:0")
    assert (found.pipeline, found.origin, found.weights) == ("Some_Model.v1", "org/Some_Model.v1", "hub")
    assert (found.height, found.width, found.steps, found.guidance, found.strength) == (None,) * 5
    assert (found.dtype, found.scheduler, found.memory_format) == ("float16", None, "contiguous")
    assert workload("org/x", height=512, steps=4, scheduler="DDIM").scheduler == "DDIMScheduler"


def test_a_folder_is_a_pipeline(folder: Path) -> None:
    found = workload(str(folder))
    assert (found.pipeline, found.origin, found.weights) == ("my-pipeline", str(folder), str(folder))


def test_a_folder_can_hold_the_weights_of_an_entry(folder: Path) -> None:
    assert workload(weights=str(folder), size="tiny").weights == str(folder)


def test_names_of_pipelines_are_short_and_never_the_catalogues(tmp_path: Path, folder: Path) -> None:
    twin = folder.rename(tmp_path / SD)
    assert workload(str(twin)).pipeline == f"{SD}-own"
    assert len(workload(f"org/{'x' * 80}").pipeline) <= 40
    assert names(*(Options(pipeline=f"{org}/same", variants=["compile"]) for org in "ab")) == [
        "same-compile-b1",
        "same-2-compile-b1",
    ]


FACTORY = """
import diffusers
from somewhere import imported
def make(device, dtype): return 1
async def later(): ...
if True:
    def chosen(): ...
alias = make
class Made: ...
"""


@pytest.mark.parametrize("function", ["make", "imported", "chosen", "alias", "Made"])
def test_a_function_in_a_file_is_a_pipeline_and_nothing_is_run(tmp_path: Path, function: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(FACTORY)
    found = workload(f"{file}:{function}", size="tiny")
    assert (found.pipeline, found.origin) == (f"mine-{function}", f"{file}:{function}")
    assert (found.weights, found.size) == ("factory", "tiny")


@pytest.mark.parametrize(
    ("text", "function", "says"),
    [
        (FACTORY, ":mak", "did you mean 'make'? (it defines: make, Made)"),
        (FACTORY, ":later", "defines no 'later'"),
        (FACTORY, "", "say which function makes the pipeline"),
        ("x = 1\ndef make(:\n", ":make", "mine.py:2: no valid Python"),
        ("", ":make", "it defines: no function"),
        (None, ":make", "there is no file"),
    ],
)
def test_a_file_that_has_no_such_function_is_refused(
    tmp_path: Path, text: str | None, function: str, says: str
) -> None:
    file = tmp_path / "mine.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadRequest) as caught:
        workload(f"{file}{function}")
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_would_never_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(BadRequest, match="no file that can be read"):
        workload(f"{tmp_path}/pipe.py:make")


def test_a_checkpoint_of_one_file_is_refused(tmp_path: Path) -> None:
    for name in ("model.ckpt", "model.safetensors"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(BadRequest, match="is a file: a pipeline's folder is needed") as caught:
            workload(f"{tmp_path}/{name}")
        assert caught.value.field == "pipeline" and "FILE.py:FUNCTION" in str(caught.value)


def test_what_only_the_catalogue_has_is_refused_elsewhere() -> None:
    for given, says in (
        ({"size": "tiny"}, "--size is for pipelines of the catalogue"),
        ({"weights": "hub"}, "--weights is for"),
        ({"text_encoders": "all"}, "--text-encoders is for"),
        ({"height": 12}, "16 would work"),
    ):
        with pytest.raises(BadRequest) as caught:
            workload("org/name", **given)
        assert says in str(caught.value)


def test_a_list_of_calls_works_with_any_pipeline() -> None:
    found = resolve(Options(pipeline="org/name", legs=[Leg(name="a", changes={"batch_size": 2})]), "cpu")
    assert found.cases[0].workload.scenario == "custom"


@pytest.mark.parametrize(
    "given",
    ["sd15", "org/", "a/b/c", "org/na me", "or--g/x", "org/x.git", "./nowhere", "~nobody/x", "", "a\0b", "x" * 999],
)
def test_what_names_no_pipeline_is_refused(given: str) -> None:
    with pytest.raises(BadRequest) as caught:
        workload(given)
    assert "\n" not in str(caught.value)


def broken(folder: Path, what: str) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    if what == "pickle":
        weights.rename(weights.with_name("diffusion_pytorch_model.bin"))
    elif what == "class code":
        index["_class_name"] = ["pipeline", "Mine"]
    elif what == "component code":
        index["unet"] = ["my_unet", "Mine"]
        (folder / "unet" / "my_unet.py").write_text("")
    elif what == "no class":
        del index["_class_name"]
    elif what == "no unet":
        del index["unet"]
    elif what == "no weights":
        weights.unlink()
        (folder / "unet").rmdir()
    text = "[" * 100_000 if what == "nested" else "{" if what == "damaged" else json.dumps(index)
    (folder / "model_index.json").write_text(text)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("pickle", "safetensors"),
        ("class code", "FILE.py:FUNCTION"),
        ("component code", "FILE.py:FUNCTION"),
        ("no class", "names no pipeline class"),
        ("damaged", "can't be read"),
        ("nested", "can't be read"),
        ("no unet", "which has no unet"),
        ("no weights", "no folder unet"),
    ],
)
def test_a_folder_that_cannot_be_loaded_is_refused_before_anything_starts(folder: Path, what: str, says: str) -> None:
    broken(folder, what)
    with pytest.raises(BadRequest) as caught:
        workload(weights=str(folder))
    assert says in str(caught.value) and "\n" not in str(caught.value)
    if what not in ("no unet", "no weights"):
        with pytest.raises(BadRequest):
            workload(str(folder))


def test_another_autoencoder_comes_from_the_hub_or_a_folder(tmp_path: Path) -> None:
    assert workload(vae="madebyollin/taesd").vae == "madebyollin/taesd"
    with pytest.raises(BadRequest, match=r"config\.json"):
        workload(vae=str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadRequest, match="safetensors"):
        workload(vae=str(tmp_path))
    (tmp_path / "diffusion_pytorch_model.bin").write_bytes(b"")
    with pytest.raises(BadRequest, match=r"no weights that are safe to load.*--allow-pickle loads the pickled ones"):
        workload(vae=str(tmp_path))
    assert workload(vae=str(tmp_path), allow_pickle=True).vae == str(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert workload(vae=str(tmp_path)).vae == str(tmp_path)


def test_a_scenario_of_an_unknown_pipeline_is_left_to_the_worker() -> None:
    (case,) = resolve(Options(pipeline="org/name", scenario="batch-sweep", variants=["no-compile"]), "cpu").cases
    assert (case.workload.scenario, case.workload.legs) == ("batch-sweep", ())
