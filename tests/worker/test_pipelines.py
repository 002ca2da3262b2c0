"""Every pipeline of the catalogue at its tiny size: the hooks change nothing and count everything."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import msgspec
import pytest
import torch

from profiler import catalog
from profiler.catalog.build import build
from profiler.events import CallEnded, CallStarted, Event, LoopEnded, LoopStarted, Output, Stage, Step
from profiler.request import Options, Workload, resolve
from profiler.subject import Subject
from profiler.worker.measure import Capture, Measurement

STEPS = 4
CALLS_OF_A_STEP = {"sd15-controlnet": 2, "qwen-image": 2, "wan21-t2v-1.3b": 2}
"""Denoiser calls: a ControlNet's and a UNet's, or one with guidance and one without."""


def workload_of(name: str, **options: Any) -> Workload:
    request = resolve(Options(pipeline=name, size="tiny", variants=["no-compile"], steps=STEPS, **options), "cpu")
    # What the denoising made, before it is decoded.
    return msgspec.structs.replace(request.cases[0].workload, call={"output_type": "latent"})


def subject_of(name: str) -> Subject:
    return build(catalog.find(name), size="tiny", weights="random", dtype="float32", device="cpu")


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


def made(output: Any) -> torch.Tensor:
    return torch.as_tensor(output.images if hasattr(output, "images") else output.frames)


class Counted:
    """Counts the denoisers' calls with torch's own hooks."""

    def __init__(self, subject: Subject) -> None:
        self.calls: Counter[str] = Counter()
        for denoiser in subject.denoisers:
            denoiser.module.register_forward_hook(lambda *_, label=denoiser.label: self.calls.update([label]))


@pytest.mark.parametrize("name", catalog.names())
def test_a_call_gives_the_same_with_and_without_hooks_and_is_counted_right(name: str) -> None:
    subject = subject_of(name)
    counted = Counted(subject)
    events: list[Event] = []
    told: list[int] = []
    capture = Capture(on_step=lambda graphs, calls: told.append(calls))
    with Measurement(subject, workload_of(name), events.append, capture=capture) as measurement:
        bare = made(measurement.bare_call())
        calls = counted.calls.copy()
        measurement.call("measure", keep_output=True)
    hooked = made(measurement.output)
    assert torch.equal(bare, hooked)
    assert bare.isfinite().all()
    if measurement.latents.shape == hooked.shape:
        assert torch.equal(measurement.latents, hooked)

    entry = catalog.find(name)
    started, loops = of(LoopStarted, events), of(LoopEnded, events)
    assert [loop.name for loop in started] == [part.loop for part in entry.parts]
    assert [loop.denoisers for loop in started] == [[d.label for d in piece.denoisers] for piece in subject.pieces]
    for piece, begun, ended in zip(subject.pieces, started, loops, strict=True):
        assert begun.iterations == ended.iterations
        pndm = type(piece.pipe.scheduler).__name__ == "PNDMScheduler"
        assert ended.evaluations == ended.iterations + pndm
        steps = [step for step in of(Step, events) if step.loop == ended.loop]
        assert len(steps) == ended.evaluations
        assert sum(step.ns for step in steps) == ended.ns
    # Painting anew with a strength of 0.8 leaves 3 of 4 steps; IF's stages keep the proportion of 8, 4 and 6 steps.
    iterations = {"sd15-img2img": [3], "deepfloyd-if": [4, 2, 3]}.get(name, [STEPS])
    assert [loop.iterations for loop in loops] == iterations
    assert of(CallStarted, events)[0].steps == sum(loop.evaluations for loop in loops)

    assert told == [CALLS_OF_A_STEP.get(name, 1)] * len(of(Step, events))
    assert counted.calls == Counter({label: 2 * count for label, count in calls.items()})
    assert calls.total() == sum(told)


@pytest.mark.parametrize("name", catalog.names())
def test_an_image_does_not_depend_on_the_batch(name: str) -> None:
    """But for rounding, which differs with the shapes."""
    subject = subject_of(name)
    outputs = []
    for batch_size in (1, 2):
        events: list[Event] = []
        with Measurement(
            subject, workload_of(name, batch_sizes=[batch_size]), events.append, live=False
        ) as measurement:
            measurement.call("measure", keep_output=True)
        outputs.append(measurement.latents)
        last_is_batched = subject.pieces[-1].part is not None and subject.pieces[-1].part.batched
        assert of(CallEnded, events)[0].images == (batch_size if last_is_batched else 1)
        assert of(Output, events)[0].finite
    torch.testing.assert_close(outputs[0][0], outputs[1][0], rtol=1e-3, atol=1e-3)


def test_each_loop_of_a_chain_is_a_stretch_of_the_denoise_stage() -> None:
    events: list[Event] = []
    workload = msgspec.structs.replace(workload_of("deepfloyd-if"), call={})
    with Measurement(subject_of("deepfloyd-if"), workload, events.append, live=False) as measurement:
        measurement.call("measure")
    stages = of(Stage, events)
    assert [stage.name for stage in stages] == ["denoise", "denoise", "text_encode", "denoise", "decode"]
    assert [stage.ns for stage in stages if stage.name == "denoise"] == [loop.ns for loop in of(LoopEnded, events)]
    assert all(a.start_ns + a.ns <= b.start_ns for a, b in itertools.pairwise(stages))
