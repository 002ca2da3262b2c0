"""Pipelines from a folder: loaded, called, refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from PIL import Image

from profiler.catalog.errors import BuildError
from profiler.request import Workload
from profiler.subject import Piece, Subject
from profiler.variants import Unsupported
from profiler.worker import foreign
from profiler.worker.inputs import call_arguments, images_per_call
from profiler.worker.measure import Measurement
from profiler.worker.setting import Setting
from profiler.worker.signature import pictures_needed
from tests.worker import pipes
from tests.worker.conftest import make_workload

NOTHING = dict.fromkeys(("height", "width", "steps", "guidance", "strength", "frames"))


def workload(origin: Any = None, **fields: Any) -> Workload:
    fields = {**NOTHING, "origin": str(origin), "pipeline": "mine", "batch_size": 1} | fields
    return msgspec.structs.replace(make_workload(), **fields)


def load(wanted: Workload) -> Subject:
    return foreign.load(wanted, "cpu", lambda name, done, total: None)


@pytest.fixture
def saved(tiny_pipe: Any, tmp_path: Path) -> Path:
    tiny_pipe.save_pretrained(tmp_path / "pipe")
    return tmp_path / "pipe"


def index(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "model_index.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_folder_gives_what_the_pipeline_gave_that_was_saved_in_it(tiny_pipe: Any, saved: Path) -> None:
    wanted = workload(saved, steps=3)
    reported: list[tuple[str, int, int]] = []
    subject = foreign.load(wanted, "cpu", lambda *progress: reported.append(progress))
    assert [denoiser.label for denoiser in subject.denoisers] == ["unet"]
    assert reported == [(str(saved), 0, 1), ("", 1, 1)]
    latents = []
    for one in (subject, foreign.subject("same", tiny_pipe, [])):
        with Measurement(one, wanted, [].append, live=False) as measurement:
            measurement.call("measure")
        latents.append(measurement.latents)
    assert torch.equal(*latents)


def test_the_dtype_is_the_workloads_and_the_safety_checker_is_left_out(saved: Path) -> None:
    index(saved, lambda content: content.update(safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"]))
    subject = load(workload(saved, dtype="bfloat16"))
    assert subject.pipe.unet.dtype is torch.bfloat16
    assert subject.pipe.safety_checker is None
    assert ("safety-checker", "the safety checker is left out") in subject.notes
    assert subject.pipe._progress_bar_config["disable"]


def test_only_what_was_given_is_passed_on(saved: Path) -> None:
    subject = load(workload(saved))
    arguments = call_arguments(subject, Setting(workload(saved)), "cpu")
    assert set(arguments) == {"prompt", "generator"}
    more = workload(saved, height=64, guidance=1.0, call={"eta": 0.5})
    arguments = call_arguments(subject, Setting(more), "cpu")
    assert (arguments["height"], arguments["guidance_scale"], arguments["eta"]) == (64, 1.0, 0.5)


def refusal(action: Callable[[], Any], error: type[Exception] = BuildError) -> str:
    with pytest.raises(error) as raised:
        action()
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_a_folder_without_a_pipeline_is_refused(tmp_path: Path) -> None:
    assert "model_index.json is needed" in refusal(lambda: load(workload(tmp_path)))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "model_index.json is needed" in refusal(lambda: load(workload(tmp_path / "none")))


def test_pickled_weights_are_refused(tiny_pipe: Any, tmp_path: Path) -> None:
    tiny_pipe.save_pretrained(tmp_path, safe_serialization=False)
    text = refusal(lambda: load(workload(tmp_path)))
    assert "pickled weights only" in text
    assert "safetensors" in text


def test_a_pipeline_class_in_the_repository_is_refused(saved: Path) -> None:
    index(saved, lambda content: content.update(_class_name=["pipeline", "MyPipeline"]))
    assert "FILE.py:FUNCTION" in refusal(lambda: load(workload(saved)))


def test_a_component_class_in_the_repository_is_refused(saved: Path) -> None:
    index(saved, lambda content: content.update(unet=["my_unet", "MyUNet"]))
    (saved / "unet" / "my_unet.py").write_text("raise SystemExit('it ran')")
    assert "FILE.py:FUNCTION" in refusal(lambda: load(workload(saved)))


def test_a_pipeline_class_that_diffusers_lacks_is_refused(saved: Path) -> None:
    index(saved, lambda content: content.update(_class_name="PipelineOfTomorrow"))
    assert "PipelineOfTomorrow, which diffusers" in refusal(lambda: load(workload(saved)))


def test_what_the_hub_does_not_have_is_refused() -> None:
    assert "nobody/nothing can't be got from the hub" in refusal(lambda: load(workload("nobody/nothing")))


def test_an_option_that_the_pipeline_lacks_is_refused_with_those_that_it_has() -> None:
    subject = foreign.subject("other", pipes.ddpm(), [])
    text = refusal(lambda: call_arguments(subject, Setting(workload(guidance=3.0)), "cpu"))
    assert "DDPMPipeline takes no 'guidance_scale' (it takes: batch_size, generator, num_inference_steps" in text
    text = refusal(lambda: call_arguments(subject, Setting(workload(call={"promt": "x"})), "cpu"))
    assert "takes no 'promt' (it takes: batch_size" in text
    text = refusal(lambda: call_arguments(subject, Setting(workload(call={"batchsize": 2})), "cpu"))
    assert "takes no 'batchsize', did you mean 'batch_size'? (it takes: batch_size" in text


def test_an_argument_that_nobody_can_make_up_is_asked_for() -> None:
    from diffusers import DiTPipeline

    pipe = DiTPipeline.__new__(DiTPipeline)
    subject = Subject("dit", (Piece(pipe, ()),), lambda arguments: None)
    text = refusal(lambda: call_arguments(subject, Setting(workload()), "cpu"))
    assert "DiTPipeline needs class_labels: give it with --call class_labels=VALUE" in text


def test_what_says_how_many_pictures_there_are_need_not_be_a_prompt() -> None:
    from diffusers import DiTPipeline

    subject = Subject("dit", (Piece(DiTPipeline.__new__(DiTPipeline), ()),), lambda arguments: None)
    wanted = workload(batch_size=2)
    text = refusal(lambda: call_arguments(subject, Setting(wanted), "cpu"))
    assert "DiTPipeline needs class_labels" in text
    wanted = msgspec.structs.replace(wanted, call={"class_labels": [1, 2]})
    arguments = call_arguments(subject, Setting(wanted), "cpu")
    assert len(arguments["generator"]) == images_per_call(subject, arguments) == 2


@pytest.mark.parametrize("kind", ["StableDiffusionXLAdapterPipeline", "LTXImageToVideoPipeline"])
def test_pictures_with_a_default_that_does_not_work_are_made_up(kind: str) -> None:
    import diffusers

    cls = getattr(diffusers, kind)
    assert pictures_needed(cls.__new__(cls), ()) == ["image"]


@pytest.mark.parametrize(("batch", "expected"), [(1, "x"), (2, ["x", "x"])])
def test_one_prompt_is_no_list(saved: Path, batch: int, expected: Any) -> None:
    wanted = workload(saved, prompt="x", batch_size=batch)
    assert call_arguments(load(wanted), Setting(wanted), "cpu")["prompt"] == expected


@pytest.mark.parametrize(
    ("kind", "name"),
    [("AnimateDiffVideoToVideoPipeline", "video"), ("AnimateDiffControlNetPipeline", "conditioning_frames")],
)
def test_videos_are_left_to_functions(kind: str, name: str) -> None:
    import diffusers

    cls = getattr(diffusers, kind)
    subject = Subject("video", (Piece(cls.__new__(cls), ()),), lambda arguments: None)
    text = refusal(lambda: call_arguments(subject, Setting(workload()), "cpu"))
    assert f"{kind} needs {name}, a list of pictures: a function of yours can give it" in text


def test_a_picture_that_the_call_needs_is_made_up_and_told(tiny_pipe: Any, tmp_path: Path) -> None:
    from diffusers import StableDiffusionInpaintPipeline

    pipe = StableDiffusionInpaintPipeline(**tiny_pipe.components, requires_safety_checker=False)
    pipe.save_pretrained(tmp_path)
    wanted = workload(tmp_path, height=64, width=64, steps=3, batch_size=2)
    subject = load(wanted)
    told = ("made-up-pictures", "image and mask_image made up from the seed: --call image=@FILE gives one")
    assert told in subject.notes
    first, second = (call_arguments(subject, Setting(wanted), "cpu")["image"] for _ in range(2))
    assert (first.size, first.tobytes()) == ((64, 64), second.tobytes())
    with Measurement(subject, wanted, [].append, live=False) as measurement:
        measurement.call("measure")
    assert measurement.latents.shape == (2, 4, 8, 8)


def test_a_picture_from_a_file_is_used(saved: Path, tmp_path: Path) -> None:
    from diffusers import StableDiffusionImg2ImgPipeline

    index(saved, lambda content: content.update(_class_name=StableDiffusionImg2ImgPipeline.__name__))
    Image.new("RGBA", (64, 64), "red").save(tmp_path / "red.png")
    wanted = workload(saved, call={"image": f"@{tmp_path}/red.png"})
    subject = load(wanted)
    assert not [note for note in subject.notes if note[0] == "made-up-pictures"]
    image = call_arguments(subject, Setting(wanted), "cpu")["image"]
    assert (image.mode, image.getpixel((0, 0))) == ("RGB", (255, 0, 0))
    missing = workload(saved, call={"image": f"@{tmp_path}/blue.png"})
    text = refusal(lambda: call_arguments(subject, Setting(missing), "cpu"))
    assert f"no picture can be read from {tmp_path}/blue.png" in text


def test_a_pipeline_without_denoisers_is_refused(tmp_path: Path) -> None:
    pipe = pipes.ddpm()
    pipe.unet = None
    assert "no denoiser that is known" in refusal(lambda: foreign.subject("none", pipe, []), Unsupported)


def test_denoisers_are_told_from_what_else_a_pipeline_has() -> None:
    assert foreign.denoiser_names(pipes.kandinsky()) == ["unet", "prior_prior"]
