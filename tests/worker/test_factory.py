"""The user's own function: what it may return, what its mistakes look like."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from profiler.catalog.errors import BuildError
from profiler.request import Workload, is_factory
from profiler.subject import Subject
from profiler.variants import Unsupported
from profiler.worker import factory
from profiler.worker.inputs import call_arguments
from profiler.worker.measure import Measurement
from profiler.worker.schedule import Schedule
from profiler.worker.setting import Setting
from tests.worker.conftest import make_workload
from tests.worker.test_foreign import NOTHING

Write = Callable[[str], str]
HEAD = """
import torch
from profiler import catalog
from profiler.catalog.build import build

def tiny(dtype="float32"):
    entry = catalog.find("sd15-txt2img")
    return build(entry, size="tiny", weights="random", dtype=dtype, device="cpu").pipe

"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a file with a function ``make`` of which the body is given; its origin."""
    path = list(sys.path)
    monkeypatch.setattr(sys, "argv", sys.argv)

    def written(text: str) -> str:
        (tmp_path / "mine.py").write_text(HEAD + textwrap.dedent(text))
        return f"{tmp_path}/mine.py:make"

    yield written
    sys.path[:] = path
    sys.modules.pop(factory.MODULE, None)


def workload(origin: str, **fields: Any) -> Workload:
    fields = {**NOTHING, "origin": origin, "pipeline": "mine", "batch_size": 1, "steps": 3} | fields
    return msgspec.structs.replace(make_workload(), **fields)


def load(origin: str, **fields: Any) -> Subject:
    return factory.load(workload(origin, **fields), "cpu", lambda name, done, total: None)


def arguments(subject: Subject, origin: str, **fields: Any) -> dict[str, Any]:
    return call_arguments(subject, Setting(workload(origin, **fields)), "cpu")


def refusal(origin: str, **fields: Any) -> str:
    with pytest.raises(BuildError) as raised:
        load(origin, **fields)
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_a_function_is_told_from_hub_ids_and_folders() -> None:
    assert is_factory("/home/me/bench.py:make")
    assert not any(map(is_factory, ("org/name", "/home/me/folder", "/home/me/a.py", "/home/me/x.py:not this")))


def test_a_pipeline_is_measured(write: Write) -> None:
    origin = write("def make(): return tiny()")
    subject = load(origin)
    assert [denoiser.label for denoiser in subject.denoisers] == ["unet"]
    assert subject.pipe._progress_bar_config["disable"]
    events: list[Any] = []
    with Measurement(subject, workload(origin), events.append, live=False) as measurement:
        measurement.call("measure", keep_output=True)
    assert measurement.latents.isfinite().all()


def test_the_function_is_given_what_it_has_parameters_for(write: Write) -> None:
    origin = write("""
        def make(device, *, seed, dtype=None, size="huge", other=1):
            assert (device, dtype, size, seed, other) == (torch.device("cpu"), torch.bfloat16, "tiny", 7, 1)
            return tiny("bfloat16")
    """)
    assert load(origin, dtype="bfloat16", seed=7).notes == []


def test_its_arguments_win_over_ours_and_the_command_line_s_over_them(write: Write) -> None:
    origin = write("""
        def make():
            embeds = {name: torch.zeros(2, 77, 32) for name in ("prompt_embeds", "negative_prompt_embeds")}
            return tiny(), embeds | {"num_inference_steps": 2, "eta": 0.1}
    """)
    given = arguments(load(origin), origin, call={"eta": 0.2})
    assert set(given) == {"prompt_embeds", "negative_prompt_embeds", "num_inference_steps", "generator", "eta"}
    assert (given["num_inference_steps"], given["eta"]) == (2, 0.2)


def test_every_call_draws_what_the_function_s_own_generator_gives_first(write: Write) -> None:
    origin = write("""
        def make():
            return tiny(), {"generator": torch.Generator().manual_seed(3)}
    """)
    latents = []
    with Measurement(load(origin), workload(origin), [].append, live=False) as measurement:
        for _ in range(2):
            measurement.call("measure")
            latents.append(measurement.latents)
    assert torch.equal(*latents)


def test_a_call_that_changes_its_arguments_leaves_the_next_ones_alone(write: Write) -> None:
    origin = write("""
        def make():
            return tiny(), {"cross_attention_kwargs": {"scale": 1.0, "names": ["a"]}, "latents": torch.ones(1)}
    """)
    subject = load(origin)
    first = arguments(subject, origin)
    first["cross_attention_kwargs"]["names"].clear()
    del first["cross_attention_kwargs"]["scale"]
    second = arguments(subject, origin)
    assert second["cross_attention_kwargs"] == {"scale": 1.0, "names": ["a"]}
    assert second["latents"] is first["latents"]


def test_a_list_of_arguments_is_gone_through_in_order(write: Write) -> None:
    origin = write("""
        def make():
            return tiny(), [{"height": 64, "width": 64}, {}, {"prompt": "two", "num_images_per_prompt": 2}]
    """)
    subject = load(origin)
    schedule = Schedule(subject, workload(origin, calls=2), "cpu")
    assert schedule.calls == 6
    turns = list(schedule.turns())
    assert [(turn.number, turn.setting.leg, turn.keep_output) for turn in turns] == [
        (1, "call arguments 1/3", False),
        (2, "call arguments 1/3", True),
        (3, "call arguments 2/3", False),
        (4, "call arguments 2/3", False),
        (5, "call arguments 3/3", False),
        (6, "call arguments 3/3", False),
    ]
    assert schedule.first() == turns[0].setting
    events: list[Any] = []
    with Measurement(subject, workload(origin), events.append, live=False) as measurement:
        for turn in turns[::2]:
            measurement.call("measure", turn.setting)
    assert measurement.latents.shape == (2, 4, 16, 16)
    ended = [event.images for event in events if type(event).__name__ == "CallEnded"]
    assert ended == [1, 1, 2]


def test_a_pipeline_that_is_compiled_already_says_so(write: Write) -> None:
    origin = write("""
        def make():
            pipe = tiny()
            pipe.unet = torch.compile(pipe.unet, backend="eager")
            return pipe
    """)
    subject = load(origin)
    assert [denoiser.label for denoiser in subject.denoisers] == ["unet"]
    assert factory.already_compiled(subject.pipe)
    assert [code for code, _ in subject.notes] == ["factory-compiled"]


def test_pictures_are_made_up_for_the_turns_that_lack_them(write: Write) -> None:
    origin = write("""
        from PIL import Image
        from diffusers import StableDiffusionImg2ImgPipeline

        def make():
            pipe = StableDiffusionImg2ImgPipeline(**tiny().components, requires_safety_checker=False)
            picture = {"image": Image.new("RGB", (64, 64))}
            return pipe, [picture, picture | {"strength": 0.5}]

        def some():
            pipe, turns = make()
            return pipe, [*turns, {}]
    """)
    assert load(origin).notes == []
    assert [code for code, _ in load(origin.replace(":make", ":some")).notes] == ["made-up-pictures"]


def test_another_type_than_the_workload_s_is_told(write: Write) -> None:
    [(code, text)] = load(write("def make(): return tiny()"), dtype="float16").notes
    assert code == "factory-dtype"
    assert text == "the pipeline computes in float32, as mine.py:make made it, not in float16"


def test_neighbours_of_the_file_can_be_imported(write: Write, tmp_path: Path) -> None:
    (tmp_path / "my_neighbour.py").write_text("STEPS = 2")
    origin = write("""
        def make():
            from my_neighbour import STEPS
            return tiny(), {"num_inference_steps": STEPS}
    """)
    assert arguments(load(origin), origin)["num_inference_steps"] == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def make(): return None", "mine.py:make returned None: it must return a pipeline, (pipeline, arguments) or"),
        ("def make(): return 3", "returned a int"),
        ("def make(): return tiny().unet", "returned a UNet2DConditionModel"),
        ("def make(): return tiny(), 3", "returned a pipeline and a int"),
        ("def make(): return tiny(), []", "returned a pipeline and an empty list"),
        ("def make(): return tiny(), [{}, None]", "returned a pipeline and a list of 2 (dict, NoneType)"),
        ("def make(): return tiny(), {1: 2}", "returned a pipeline and a dict"),
        ("def make(): return tiny(), {}, {}", "returned a tuple of 3 (StableDiffusionPipeline, dict, dict)"),
        (
            "def make(): return tiny(), {'promt': 'x'}",
            "gave the argument 'promt': a call of StableDiffusionPipeline takes no 'promt', did you mean 'prompt'?",
        ),
        ("def make(): return tiny(), [{}, {'promt': 'x'}]", "gave the argument 'promt'"),
        ("def make(): raise ValueError('first\\nsecond')", "mine.py:make: the function failed: ValueError: first"),
        (
            "def make(needed): return tiny()",
            "can't be called: missing a required argument: 'needed' (it is given those",
        ),
        (
            "def make():\n    pipe = tiny()\n    pipe.register_modules(transformer=pipe.unet)\n    return pipe",
            "returned a StableDiffusionPipeline with other components than its class takes",
        ),
        ("make = 3", "'make' is a int, not a function"),
        ("def other(): return tiny()", "the file has no function 'make'"),
        ("def make(: return tiny()", "importing the file failed: SyntaxError"),
        ("import sys; sys.nothing", "importing the file failed: AttributeError: module 'sys' has no attribute"),
        ("raise SystemExit(3)", "importing the file failed: SystemExit: 3"),
        ("def make(): raise SystemExit", "the function failed: SystemExit"),
        ("import nothing_of_that_name", "importing the file failed: ModuleNotFoundError"),
    ],
)
def test_nonsense_is_refused_in_one_line(write: Write, text: str, expected: str) -> None:
    assert expected in refusal(write(text))


def test_what_reads_the_command_line_finds_none(write: Write) -> None:
    sys.argv = ["worker", "--session", "x"]
    origin = write("""
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--steps", type=int, default=3)

        def make():
            return tiny(), {"num_inference_steps": parser.parse_args().steps}
    """)
    assert arguments(load(origin), origin)["num_inference_steps"] == 3


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(f"{tmp_path}/none.py:make") == f"there is no file {tmp_path}/none.py"


def test_what_the_function_raised_is_in_the_log(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    refusal(write("def make(): raise RuntimeError('deep down')"))
    assert "RuntimeError: deep down" in capsys.readouterr().err


def test_out_of_memory_in_the_function_is_out_of_memory(write: Write) -> None:
    with pytest.raises(MemoryError):
        load(write("def make(): raise MemoryError"))
    with pytest.raises(MemoryError):
        load(write("raise MemoryError"))


def test_a_pipeline_without_denoisers_is_unsupported(write: Write) -> None:
    origin = write("""
        def make():
            pipe = tiny()
            pipe.unet = None
            return pipe
    """)
    with pytest.raises(Unsupported, match="no denoiser that is known here"):
        load(origin)
