"""Pictures of the call whose latents are kept: those that the pipeline returned, as files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import PIL.Image
import pytest
import torch

from profiler import catalog
from profiler.catalog.build import build
from profiler.events import CallEnded, Event, Memory, Note, Output, PhaseStarted
from profiler.report.thumbnails import read_thumbnail
from profiler.request import Leg, Options, resolve
from profiler.subject import plain
from profiler.worker import pictures
from profiler.worker.measure import Measurement
from profiler.worker.pictures import MOST_PICTURES, THUMBNAIL_SIDE, save, take
from tests.worker.conftest import ENTRY, make_workload
from tests.worker.test_run import run as case_run_of


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


@pytest.fixture(scope="module")
def tiny_pipe() -> Any:
    """Nothing here changes it."""
    return build(ENTRY, size="tiny", weights="random", dtype="float32", device="cpu").pipe


def keep(pipe: Any, folder: Path, **options: Any) -> tuple[Any, list[Event]]:
    """What one call returned, and the events of keeping its pictures."""
    events: list[Event] = []
    subject, workload = plain(pipe, "unet"), make_workload(steps=2, **options)
    with Measurement(subject, workload, events.append, folder=folder, live=False, save_images=True) as measurement:
        measurement.call("measure", keep_output=True)
        measurement.save_pictures()
        return measurement.output, events


def test_the_pictures_are_those_that_the_call_returned(tiny_pipe: Any, tmp_path: Path) -> None:
    output, events = keep(tiny_pipe, tmp_path, batch_sizes=[2])
    latents, named = of(Output, events)
    assert (latents.images, latents.file is None) == ([], False)
    assert (named.call, named.seed, named.file) == (latents.call, latents.seed, None)
    assert named.images == ["image-1.png", "image-2.png"]
    for name, picture in zip(named.images, output.images, strict=True):
        with PIL.Image.open(tmp_path / name) as kept:
            assert kept.tobytes() == picture.tobytes()
    for name in named.thumbnails:
        small = read_thumbnail(tmp_path / name)
        assert small is not None
        assert (small.width, small.height) == (128, 128)  # no larger than the picture is
    assert not of(Note, events)
    order = [type(event) for event in events if not isinstance(event, Memory)]
    assert order.index(CallEnded) < order.index(Output)


def test_nothing_is_kept_unless_it_is_asked_for(tiny_pipe: Any, tmp_path: Path) -> None:
    with Measurement(plain(tiny_pipe, "unet"), make_workload(steps=2), lambda _: None, folder=tmp_path) as measurement:
        measurement.call("measure", keep_output=True)
        measurement.save_pictures()
    assert [path.name for path in tmp_path.iterdir()] == ["latents.safetensors"]


def test_a_full_disk_costs_the_pictures_alone(tiny_pipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("profiler.worker.pictures.sessions.write_atomically", full)
    _, events = keep(tiny_pipe, tmp_path)
    notes = of(Note, events)
    assert {(note.level, note.code) for note in notes} >= {("warning", "pictures")}
    assert "No space left on device" in notes[-1].text
    assert not any(output.images for output in of(Output, events))


def test_what_was_written_before_the_disk_was_full_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room, write = iter([True] * 3), pictures.sessions.write_atomically

    def filling(path: Path, data: bytes) -> None:
        if not next(room, False):
            raise OSError(28, "No space left on device", str(path))
        write(path, data)

    monkeypatch.setattr("profiler.worker.pictures.sessions.write_atomically", filling)
    saved = save(take(SimpleNamespace(images=numpy.zeros((3, 8, 8, 3)))), tmp_path)
    assert (saved.images, saved.thumbnails) == (["image-1.png", "image-2.png"], ["image-1.ppm"])
    assert saved.problem == "pictures not saved: No space left on device"


def test_latents_are_no_pictures(tiny_pipe: Any, tmp_path: Path) -> None:
    _, events = keep(tiny_pipe, tmp_path, call={"output_type": "latent"})
    assert [note.text for note in of(Note, events)] == [
        "no pictures kept: the pipeline returned a tensor of 1x4x16x16, as latents are"
    ]


def test_a_video_is_three_of_its_frames(tmp_path: Path) -> None:
    entry = catalog.find("wan21-t2v-1.3b")
    options = Options(pipeline=entry.name, size="tiny", variants=["no-compile"], steps=1)
    workload = resolve(options, "cpu").cases[0].workload
    subject = build(entry, size="tiny", weights="random", dtype=workload.dtype, device="cpu")
    events: list[Event] = []
    with Measurement(subject, workload, events.append, folder=tmp_path, live=False, save_images=True) as measurement:
        measurement.call("measure", keep_output=True)
        measurement.save_pictures()
    frames = measurement.output.frames[0]
    count, middle = len(frames), (len(frames) - 1) // 2
    names = [f"video-1-frame-{number}.png" for number in (1, middle + 1, count)]
    assert of(Output, events)[-1].images == names
    assert [note.text for note in of(Note, events) if note.code == "pictures"] == [
        f"of each video of {count} frames the first, the middle and the last one are kept as pictures"
    ]
    with PIL.Image.open(tmp_path / names[1]) as kept:
        assert numpy.abs(numpy.asarray(kept) / 255 - frames[middle]).max() <= 0.5 / 255 + 1e-6


def gradient(height: int = 4, width: int = 6) -> numpy.ndarray[Any, Any]:
    return numpy.linspace(0, 1, height * width * 3, dtype=numpy.float32).reshape(height, width, 3)


def forms() -> dict[str, Any]:
    array = gradient()
    levels = (array * 255).round().astype(numpy.uint8)
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    picture = PIL.Image.fromarray(levels)
    return {
        "PIL": [picture],
        "one of PIL": picture,
        "numpy": array[None],
        "numpy, 8 bits": levels[None],
        "a list of arrays": [array],
        "torch": tensor[None],
        "torch, bfloat16": tensor[None].to(torch.bfloat16),
        "torch, 8 bits": torch.from_numpy(levels).permute(2, 0, 1)[None],
        "videos of PIL": [[picture] * 2],
        "videos of numpy": array[None, None],
        "a list of videos": [array[None]],
        "videos of torch": tensor[None, None],
    }


@pytest.mark.parametrize("form", list(forms()))
@pytest.mark.parametrize("wrapped", [lambda one: SimpleNamespace(images=one), lambda one: (one, None), lambda one: one])
def test_every_form_that_pipelines_return(tmp_path: Path, form: str, wrapped: Any) -> None:
    saved = save(take(wrapped(forms()[form])), tmp_path)
    assert saved.problem is None
    with PIL.Image.open(tmp_path / saved.images[0]) as kept:
        assert kept.size == (6, 4)
        apart = numpy.asarray(kept).astype(int) - (gradient() * 255).round()
    assert abs(apart).max() <= (1 if "bfloat16" in form else 0)


class Hostile:
    """A user's own kind of output."""

    @property
    def images(self) -> Any:
        raise KeyError("images")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (None, "the pipeline returned nothing"),
        (SimpleNamespace(audios=1), "a value of type SimpleNamespace"),
        ({"audios": 1}, "the pipeline returned nothing"),
        (SimpleNamespace(images=[]), "a value of type list"),
        (SimpleNamespace(images=["a.png"]), "a value of type list"),
        (SimpleNamespace(images=7), "a value of type int"),
        ((), "a value of type tuple"),
        (SimpleNamespace(images=torch.zeros(1, 77, 768)), "a tensor of 1x77x768"),
        (SimpleNamespace(images=torch.zeros(1, 3, 8, 8, dtype=torch.int64)), "a tensor of torch.int64"),
        (SimpleNamespace(images=numpy.zeros((2, 2))), "an array of 2x2"),
        (SimpleNamespace(images=numpy.full((1, 8, 8, 3), 200, numpy.int16)), "an array of int16"),
        (SimpleNamespace(images=[numpy.full((8, 8, 3), 200)]), "an array of int64"),
        (SimpleNamespace(images=numpy.full((1, 1, 8, 8, 3), 1j)), "an array of complex128"),
        (Hostile(), "KeyError: 'images'"),
    ],
)
def test_where_there_is_nothing_to_keep_it_is_said(output: Any, said: str) -> None:
    taken = take(output)
    assert not taken.pictures
    assert taken.text is not None
    assert said in taken.text


def test_what_the_users_own_outputs_raise_costs_the_pictures_alone(tmp_path: Path) -> None:
    class Odd(PIL.Image.Image):
        def copy(self) -> Any:
            return self

        def convert(self, *args: Any, **kwargs: Any) -> Any:
            raise LookupError("no\nsuch mode")

    saved = save(take(SimpleNamespace(images=[Odd()])), tmp_path)
    assert saved.problem == "pictures not saved: no"


def test_values_that_are_no_colours_are_shown_as_some(tmp_path: Path) -> None:
    odd = numpy.array([[[numpy.nan, numpy.inf, -numpy.inf], [-3, 2, 0.5]]], dtype=numpy.float32)
    saved = save(take(SimpleNamespace(images=odd[None])), tmp_path)
    small = read_thumbnail(tmp_path / saved.thumbnails[0])
    assert small is not None
    assert [small.pixel(0, 0), small.pixel(1, 0)] == [(0, 255, 0), (0, 255, 128)]


def test_of_a_large_batch_the_first_ones_are_kept(tmp_path: Path) -> None:
    taken = take(SimpleNamespace(images=numpy.zeros((MOST_PICTURES + 1, 2, 2, 3))))
    assert len(taken.pictures) == MOST_PICTURES
    assert taken.text == "the first 16 of 17 pictures are kept"


def test_thumbnails_keep_the_proportions(tmp_path: Path) -> None:
    saved = save(take(SimpleNamespace(images=[PIL.Image.new("RGBA", (480, 832))])), tmp_path)
    small = read_thumbnail(tmp_path / saved.thumbnails[0])
    assert small is not None
    assert (small.width, small.height) == (92, THUMBNAIL_SIDE)


def test_pictures_of_the_first_leg_are_written_after_the_last_call(tmp_path: Path) -> None:
    legs = [Leg(name="small", changes={"height": 64}, calls=1), Leg(name="usual")]
    case_run, events = case_run_of(tmp_path, "sd15-txt2img", size="tiny", legs=legs, save_images=True, warmup=0)
    case_run.execute()
    named = events.index(of(Output, events)[-1])
    assert all(events.index(call) < named for call in of(CallEnded, events))
    # Encoding is no part of the measured phase, and what memory it takes is nobody's peak.
    assert [phase.phase for phase in of(PhaseStarted, events)] == ["load", "measure", "pictures"]
    assert events.index(of(PhaseStarted, events)[-1]) < named
    assert events.index(of(Memory, events)[-1]) < named
    with PIL.Image.open(tmp_path / "image-1.png") as kept:
        assert kept.size == (128, 64)
