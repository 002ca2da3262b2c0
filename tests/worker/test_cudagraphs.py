"""CUDA graphs without CUDA: who gets them, where a step begins, and which outputs are copied."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from profiler import catalog, variants
from profiler.catalog.build import build
from profiler.events import Event, Note, Step
from profiler.request import Compilation, Options, resolve
from profiler.subject import plain
from profiler.worker.cudagraphs import CudaGraphSteps, keeps_raw_output
from profiler.worker.measure import Capture, Measurement
from tests.worker.conftest import make_workload


@pytest.mark.parametrize(
    ("device", "backend", "mode", "graphs"),
    [
        ("cuda:0", "inductor", "reduce-overhead", True),
        ("cuda:0", "inductor", "max-autotune", True),
        ("cuda:0", "inductor", "max-autotune-no-cudagraphs", False),
        ("cuda:0", "inductor", "default", False),
        ("cuda:0", "eager", None, False),
        ("cuda:0", "cudagraphs", None, True),
        ("cpu", "inductor", "reduce-overhead", False),
    ],
)
def test_which_modes_replay_cuda_graphs(device: str, backend: str, mode: str | None, graphs: bool) -> None:
    assert variants.uses_cuda_graphs(Compilation(variant="compile", backend=backend, mode=mode), device) is graphs


def test_options_can_ask_for_cuda_graphs() -> None:
    asked = Compilation(variant="compile", backend="inductor", mode="default", options={"triton.cudagraphs": True})
    assert variants.uses_cuda_graphs(asked, "cuda:0")
    assert not variants.uses_cuda_graphs(asked, "cpu")


@pytest.mark.parametrize(
    ("scheduler", "options", "keeps"),
    [
        ("PNDMScheduler", {}, True),
        ("DDIMScheduler", {}, False),
        ("EulerAncestralDiscreteScheduler", {}, False),
        ("DDPMScheduler", {"variance_type": "learned_range"}, False),
        ("FlowMatchEulerDiscreteScheduler", {"use_dynamic_shifting": True}, False),
        ("UniPCMultistepScheduler", {}, False),
        ("UniPCMultistepScheduler", {"predict_x0": False}, True),
        ("DPMSolverMultistepScheduler", {}, False),
        ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"}, True),
    ],
)
def test_which_schedulers_keep_the_denoisers_output(scheduler: str, options: dict[str, Any], keeps: bool) -> None:
    import diffusers

    before = torch.random.get_rng_state()
    assert keeps_raw_output(getattr(diffusers, scheduler)(**options)) is keeps
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_scheduler_that_can_not_be_tried_out_gets_a_copy() -> None:
    class Strange:
        config: dict[str, Any] = {}

    assert keeps_raw_output(Strange())


@pytest.mark.parametrize(("guidance", "copied"), [(7.5, False), (1.0, True)])
def test_outputs_that_the_scheduler_keeps_are_copied(
    tiny_pipe: Any, monkeypatch: pytest.MonkeyPatch, guidance: float, copied: bool
) -> None:
    begun: list[None] = []
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: begun.append(None))
    # As replays of a CUDA graph do, put every output into the same memory.
    forward, memory = tiny_pipe.unet.forward, [torch.empty(0)]

    def replay(*args: Any, **kwargs: Any) -> Any:
        memory[0].resize_(result.shape).copy_(result) if (result := forward(*args, **kwargs)[0]) is not None else None
        return (memory[0],)

    workload = make_workload(6, guidance=guidance)
    with Measurement(plain(tiny_pipe, "unet"), workload, [].append) as measurement:
        measurement.call("measure")
        reference = measurement.latents
    tiny_pipe.unet.forward = replay
    events: list[Event] = []
    capture = Capture(cuda_graphs=True)
    with Measurement(plain(tiny_pipe, "unet"), workload, events.append, capture=capture) as measurement:
        measurement.call("measure")
    assert torch.equal(measurement.latents, reference)
    assert len(begun) == 7
    assert [event.code for event in events if isinstance(event, Note)] == ["output-cloned"] * copied


@pytest.mark.parametrize(
    ("name", "calls_a_step"), [("sd15-controlnet", 2), ("wan21-t2v-1.3b", 2), ("qwen-image", 2), ("deepfloyd-if", 1)]
)
def test_a_step_is_marked_once_however_often_denoisers_are_called(
    name: str, calls_a_step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several loops as well: each is of its own pipeline, whose scheduler decides about copies."""
    begun: list[None] = []
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: begun.append(None))
    options = Options(pipeline=name, size="tiny", variants=["no-compile"], steps=3)
    workload = resolve(options, "cpu").cases[0].workload
    subject = build(catalog.find(name), size="tiny", weights="random", dtype="float32", device="cpu")
    called: list[int] = []
    capture = Capture(cuda_graphs=True, on_step=lambda graphs, calls: called.append(calls))
    events: list[Event] = []
    with Measurement(subject, workload, events.append, capture=capture) as measurement:
        measurement.call("measure")
    steps = [event for event in events if isinstance(event, Step)]
    assert len(begun) == len(called) == len(steps)
    assert set(called) == {calls_a_step}
    assert not [event for event in events if isinstance(event, Note) and event.code == "output-cloned"]


def test_outputs_in_an_output_object_are_copied_too(tiny_pipe: Any) -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput

    tiny_pipe._guidance_scale = 1.0
    steps = CudaGraphSteps(tiny_pipe, lambda _: None)
    sample = torch.ones(2)
    kept = steps.keep(UNet2DConditionOutput(sample=sample))
    assert kept.sample is not sample
    assert torch.equal(kept.sample, sample)
    assert kept[0] is kept.sample
