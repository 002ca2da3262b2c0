"""Loops of pipelines that are not the catalogue's: counted right or refused with the reason."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
import torch
from diffusers import DDPMScheduler, DDPMWuerstchenScheduler, SCMScheduler

from profiler.events import CallEnded, CallStarted, Event, LoopEnded, LoopStarted, Stage, Step
from profiler.request import Workload
from profiler.subject import Subject, plain
from profiler.variants import Unsupported
from profiler.worker import foreign
from profiler.worker.measure import Measurement
from profiler.worker.plan import scheduler_steps
from tests.worker import pipes
from tests.worker.conftest import make_workload


def workload(**fields: Any) -> Workload:
    """What a pipeline does by itself, 3 steps apart."""
    nothing = dict.fromkeys(("height", "width", "guidance", "strength", "frames"))
    return msgspec.structs.replace(make_workload(), **{**nothing, "steps": 3, "batch_size": 1} | fields)


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


def measured(subject: Subject, wanted: Workload, calls: int = 1) -> list[Event]:
    events: list[Event] = []
    with Measurement(subject, wanted, events.append, live=False) as measurement:
        for _ in range(calls):
            measurement.call("measure")
    return events


def found(pipe: Any) -> Subject:
    foreign.silence(pipe)
    return foreign.subject("other", pipe, [])


def counts(events: list[Event]) -> list[tuple[str, int | None, int, int]]:
    return [
        (begun.name, begun.iterations, ended.iterations, ended.evaluations)
        for begun, ended in zip(of(LoopStarted, events), of(LoopEnded, events), strict=True)
    ]


def test_an_iterated_bar_ends_its_loop_and_counts() -> None:
    events = measured(found(pipes.ddpm()), workload(batch_size=2))
    assert counts(events) == [("denoise", 3, 3, 3)]
    assert len(of(Step, events)) == 3
    assert of(CallEnded, events)[0].images == 2


def test_pipelines_inside_a_pipeline_have_loops_of_their_own() -> None:
    pipe = pipes.kandinsky()
    subject = found(pipe)
    assert [denoiser.label for denoiser in subject.denoisers] == ["unet", "prior_prior"]
    wanted = workload(height=64, width=64, call={"prior_num_inference_steps": 2})
    events = measured(subject, wanted, calls=2)
    assert counts(events) == [("prior", 2, 2, 2), ("decoder", 3, 3, 3)] * 2
    assert [call.steps for call in of(CallStarted, events)] == [None, 5]
    assert [loop.denoisers for loop in of(LoopStarted, events)[:2]] == [["prior_prior"], ["unet"]]
    stages = [stage.name for stage in of(Stage, events) if stage.call == 0]
    assert [stage for stage in stages if stage != "image_encode"] == ["text_encode", "denoise", "denoise", "decode"]


def test_what_replaces_a_denoiser_replaces_it_inside_as_well() -> None:
    pipe = pipes.kandinsky()
    for denoiser in found(pipe).denoisers:
        denoiser.replace(torch.nn.Identity())
    assert all(type(part) is torch.nn.Identity for part in (pipe.unet, pipe.decoder_pipe.unet, pipe.prior_pipe.prior))


def test_a_copied_scheduler_steps_by_itself_and_is_part_of_the_step() -> None:
    subject = found(pipes.two_streams())
    events: list[Event] = []
    with Measurement(subject, workload(), events.append, live=False) as measurement:
        bare = measurement.bare_call().images
        measurement.call("measure")
    assert torch.equal(measurement.output.images, bare)
    assert torch.equal(measurement.latents, bare[0])
    assert counts(events) == [("denoise", 3, 3, 3)]
    steps = of(Step, events)
    assert len(steps) == 3
    assert sum(step.ns for step in steps) == of(LoopEnded, events)[0].ns


def test_a_wrapped_scheduler_is_counted_once_and_copied_with_its_wrapper() -> None:
    pipe = pipes.two_streams()
    pipe.scheduler = DDPMScheduler()  # has no state that the second stream's steps could spoil
    step, calls = pipe.scheduler.step, []

    def watched(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return step(*args, **kwargs)

    pipe.scheduler.step = watched
    assert counts(measured(found(pipe), workload())) == [("denoise", 3, 3, 3)]
    assert len(calls) == 6
    assert pipe.scheduler.step is watched


def test_a_bound_method_put_on_a_scheduler_stays_bound_to_its_copy() -> None:
    pipe = pipes.two_streams()
    subject = found(pipe)
    with Measurement(subject, workload(), [].append, live=False) as measurement:
        pipe.scheduler.step = pipe.scheduler.step
        bare = measurement.bare_call().images
        measurement.call("measure")
    assert torch.equal(measurement.output.images, bare)


def test_a_copy_that_takes_the_scheduler_s_place_is_measured_too() -> None:
    pipe = pipes.ddpm()
    pipe.scheduler.step = pipe.scheduler.step
    forward = pipe.unet.forward

    def copying(*args: Any, **kwargs: Any) -> Any:
        pipe.scheduler = copy.deepcopy(pipe.scheduler)
        return forward(*args, **kwargs)

    pipe.unet.forward = copying
    # With every copy a wrapper of that time is copied.
    assert counts(measured(found(pipe), workload(), calls=3)) == [("denoise", 3, 3, 3)] * 3


def test_a_step_that_calls_its_base_class_is_one_step() -> None:
    class Watched(DDPMScheduler):
        def step(self, *args: Any, **kwargs: Any) -> Any:
            return super().step(*args, **kwargs)

    pipe = pipes.ddpm()
    pipe.scheduler = Watched.from_config(pipe.scheduler.config)
    own, base = Watched.step, DDPMScheduler.step
    pipe.other_scheduler = DDPMScheduler()  # its class is hooked as well
    assert counts(measured(found(pipe), workload())) == [("denoise", 3, 3, 3)]
    assert (Watched.step, DDPMScheduler.step) == (own, base)


def test_an_inherited_step_is_given_back_to_its_class() -> None:
    class Plain(DDPMScheduler):
        pass

    pipe = pipes.ddpm()
    pipe.scheduler = Plain.from_config(pipe.scheduler.config)
    assert counts(measured(found(pipe), workload())) == [("denoise", 3, 3, 3)]
    assert "step" not in vars(Plain)


def test_a_loop_without_scheduler_step_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"ScoreSdeVePipeline: the loop 'denoise' never calls scheduler\.step"):
        measured(found(pipes.score_sde()), workload(steps=2))


def test_a_denoiser_call_without_loop_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"never calls scheduler\.step"):
        measured(found(pipes.two_streams(pipes.OneShotPipeline)), workload(steps=None))


def test_a_call_without_denoiser_call_is_refused() -> None:
    pipe = pipes.ddpm()
    pipe.transformer = pipes.unconditional()
    with pytest.raises(Unsupported, match="no denoiser was called"):
        measured(plain(pipe, "transformer"), workload())


def test_a_pipeline_without_denoisers_is_refused() -> None:
    pipe = pipes.ddpm()
    pipe.unet = None
    with pytest.raises(Unsupported, match=r"none of its components \(scheduler\) is a UNet"):
        found(pipe)


@pytest.mark.parametrize("scheduler", [SCMScheduler(), DDPMWuerstchenScheduler(), DDPMScheduler()])
def test_the_end_is_no_step(scheduler: Any) -> None:
    assert scheduler_steps(scheduler, 2) == 2
