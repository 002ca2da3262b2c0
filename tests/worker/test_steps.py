"""Loops cut into steps: the sums, the counts, and a pipeline that doesn't notice."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from profiler.events import CallEnded, CallStarted, Event, LoopEnded, LoopStarted, Note, Output, Stage, Step
from profiler.report.outputs import read_float32
from profiler.subject import plain
from profiler.worker import bench
from profiler.worker.clock import HostClock
from profiler.worker.hooks import Hooks
from profiler.worker.latents import save_latents
from profiler.worker.measure import Measurement
from profiler.worker.stages import StageRecorder
from profiler.worker.steps import LoopRecorder, hook_loops
from profiler.worker.where import HERE
from tests.worker.conftest import Ticks, make_workload, of


def measured(pipe: Any, calls: int = 1, **options: Any) -> list[Event]:
    events: list[Event] = []
    with Measurement(plain(pipe, "unet"), make_workload(**options), events.append, live=False) as measurement:
        for _ in range(calls):
            measurement.call("measure", keep_output=True)
    return events


def test_steps_add_up_to_the_loop_and_follow_each_other_without_a_gap(tiny_pipe: Any) -> None:
    events = measured(tiny_pipe, calls=2)
    for loop in of(LoopEnded, events):
        steps = [step for step in of(Step, events) if step.call == loop.call]
        [opened] = [start for start in of(LoopStarted, events) if start.call == loop.call]
        assert sum(step.ns for step in steps) == loop.ns
        assert steps[0].start_ns == opened.start_ns
        assert all(a.start_ns + a.ns == b.start_ns for a, b in itertools.pairwise(steps))
        assert [step.step for step in steps] == list(range(5))
        assert all(0 < step.enqueue_ns + step.scheduler_ns <= step.host_ns for step in steps)
        assert all(step.host_bound is None and step.graphs is None for step in steps)


def test_pndm_makes_one_step_more_than_iterations(tiny_pipe: Any) -> None:
    events = measured(tiny_pipe, steps=20)
    [started], [opened], [loop], [ended] = (
        of(kind, events) for kind in (CallStarted, LoopStarted, LoopEnded, CallEnded)
    )
    assert started.steps == loop.evaluations == len(of(Step, events)) == 21
    assert opened.iterations == loop.iterations == 20
    assert (opened.name, opened.denoisers) == ("denoise", ["unet"])
    assert ended.images == 1
    assert ended.ns > loop.ns


def test_stages_of_a_call(tiny_pipe: Any) -> None:
    events = measured(tiny_pipe)
    stages = of(Stage, events)
    assert [stage.name for stage in stages] == ["text_encode", "denoise", "decode"]
    assert all(a.start_ns + a.ns <= b.start_ns for a, b in itertools.pairwise(stages))
    assert stages[1].ns == of(LoopEnded, events)[0].ns


def test_stages_that_take_turns_do_not_overlap() -> None:
    ticks = Ticks()
    stages = StageRecorder(0, HostClock(ticks), lambda: 0)
    text, image = (stages.around(name)(ticks.takes(10, lambda: None)) for name in ("text_encode", "image_encode"))
    for component in (text, text, image, text, image):
        component()
        ticks.ns += 1
    found = [(r.name, r.start.host_ns, r.end.host_ns) for r in stages.records([])]
    assert found == [
        ("text_encode", 0, 21),
        ("image_encode", 22, 32),
        ("text_encode", 33, 43),
        ("image_encode", 44, 54),
    ]


def test_latents_are_equal_bit_for_bit_with_and_without_hooks(tiny_pipe: Any) -> None:
    events: list[Event] = []
    with Measurement(plain(tiny_pipe, "unet"), make_workload(batch_sizes=[2]), events.append) as measurement:
        captured: list[torch.Tensor] = []

        def keep(_pipe: Any, _step: int, _time: int, tensors: dict[str, Any]) -> dict[str, Any]:
            captured.append(tensors["latents"].clone())
            return tensors

        bare = measurement.bare_call
        original = type(tiny_pipe).__call__
        tiny_pipe.__class__ = type(
            "Watched",
            (type(tiny_pipe),),
            {"__call__": lambda self, **arguments: original(self, callback_on_step_end=keep, **arguments)},
        )
        bare()
        measurement.call("measure", keep_output=True)
    half = len(captured) // 2
    assert len(captured) == 10
    assert all(torch.equal(a, b) for a, b in zip(captured[:half], captured[half:], strict=True))
    assert torch.equal(measurement.latents, captured[-1])
    assert of(Output, events)[0].shape == [2, 4, 16, 16]


def test_calls_draw_the_same_noise_and_images_don_t_depend_on_the_batch(tiny_pipe: Any) -> None:
    events = measured(tiny_pipe, calls=2)
    digests = {output.digest for output in of(Output, events)}
    assert len(digests) == 1
    other = measured(tiny_pipe, seed=7)
    assert of(Output, other)[0].digest not in digests


def test_the_rate_is_what_the_progress_bar_prints(tiny_pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = Ticks()
    monkeypatch.setattr("tqdm.std.time", ticks.seconds)
    tiny_pipe.unet.forward = ticks.takes(7_000_000, tiny_pipe.unet.forward)
    tiny_pipe.scheduler.step = ticks.takes(200_000, tiny_pipe.scheduler.step)
    tiny_pipe.scheduler.scale_model_input = ticks.takes(30_000, tiny_pipe.scheduler.scale_model_input)
    events: list[Event] = []
    clock = HostClock(ticks)
    with Measurement(
        plain(tiny_pipe, "unet"), make_workload(20), events.append, clock=clock, live=False
    ) as measurement:
        found = bench.agreement(measurement, events)
    # 20 iterations in 21 steps of 7.23 ms; the first denoiser call comes 30 us after the bar.
    assert found.measured == pytest.approx(20 / (21 * 7.23e-3 - 30e-6))
    assert found.error < 0.001


def test_the_printed_rate_is_read_in_both_of_tqdms_forms() -> None:
    assert bench.printed_rate("\r 50%|##  | 10/20\r100%|####| 20/20 [00:01<00:00, 12.50it/s]\n") == 12.5
    assert bench.printed_rate("100%|####| 20/20 [00:50<00:00,  2.50s/it]\n") == 0.4
    with pytest.raises(ValueError, match="no rate"):
        bench.printed_rate("")


def test_hooks_keep_the_signatures_that_pipelines_look_at(tiny_pipe: Any) -> None:
    step, forward = (inspect.signature(f) for f in (tiny_pipe.scheduler.step, tiny_pipe.unet.forward))
    original = type(tiny_pipe.scheduler).step
    recorder = LoopRecorder(0, HostClock(), [].append)
    with Hooks() as hooks:
        hook_loops(hooks, plain(tiny_pipe, "unet").pieces, recorder)
        assert inspect.signature(tiny_pipe.scheduler.step) == step
        assert inspect.signature(tiny_pipe.unet.forward) == forward
        assert type(tiny_pipe.scheduler).step is not original
    assert type(tiny_pipe.scheduler).step is original


def test_latents_are_kept_for_comparison(tiny_pipe: Any, tmp_path: Path) -> None:
    events: list[Event] = []
    with Measurement(plain(tiny_pipe, "unet"), make_workload(), events.append, folder=tmp_path) as measurement:
        measurement.call("measure")
        measurement.call("measure", keep_output=True)
    [output] = of(Output, events)
    saved = load_file(tmp_path / output.file)["latents"]
    assert torch.equal(saved, measurement.latents)
    assert (output.call, output.seed, output.finite, output.shape) == (1, 0, True, list(saved.shape))
    assert output.digest == hashlib.sha256(saved.numpy().tobytes()).hexdigest()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_latents_of_every_dtype_can_be_compared_without_torch(tmp_path: Path, dtype: torch.dtype) -> None:
    latents = torch.tensor([[1.0, -2.5, 0.15625]], dtype=dtype)
    saved = tmp_path / save_latents(latents, tmp_path)
    assert list(read_float32(saved) or ()) == latents.flatten().tolist()


def test_latents_that_cannot_be_saved_are_a_note_and_not_a_failure(tiny_pipe: Any, tmp_path: Path) -> None:
    events: list[Event] = []
    gone = tmp_path / "gone"
    with Measurement(plain(tiny_pipe, "unet"), make_workload(), events.append, folder=gone) as measurement:
        measurement.call("measure", keep_output=True)
    assert [note.code for note in of(Note, events)] == ["latents-not-saved"]
    assert of(Output, events)[0].file is None


def test_what_is_not_finite_is_told(tiny_pipe: Any) -> None:
    forward = tiny_pipe.unet.forward
    tiny_pipe.unet.forward = lambda *args, **kwargs: (forward(*args, **kwargs)[0] * float("nan"),)
    assert [output.finite for output in of(Output, measured(tiny_pipe))] == [False]


def test_a_scheduler_that_draws_noise_still_gets_the_generator(tiny_pipe: Any) -> None:
    from diffusers import DDPMScheduler

    tiny_pipe.scheduler = DDPMScheduler.from_config(tiny_pipe.scheduler.config)
    first, second = (of(Output, measured(tiny_pipe))[0].digest for _ in range(2))
    assert first == second


def test_nothing_stays_on_the_pipeline_after_a_call(tiny_pipe: Any) -> None:
    parts = [tiny_pipe, tiny_pipe.unet, tiny_pipe.scheduler, tiny_pipe.vae, tiny_pipe.text_encoder]
    tiny_pipe.scheduler.set_timesteps(4)
    names = {id(part): set(vars(part)) for part in parts}
    measured(tiny_pipe)
    for part in parts:
        assert not {"forward", "step", "progress_bar", "encode", "decode"} & (set(vars(part)) - names[id(part)])


def test_nothing_stays_on_the_pipeline_after_a_call_that_failed(tiny_pipe: Any) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("half-way")

    tiny_pipe.vae.decode = fail
    events: list[Event] = []
    with (
        Measurement(plain(tiny_pipe, "unet"), make_workload(), events.append) as measurement,
        pytest.raises(RuntimeError),
    ):
        measurement.call("measure")
    assert tiny_pipe.vae.decode is fail
    assert not {"step"} & set(vars(tiny_pipe.scheduler))
    assert "forward" not in vars(tiny_pipe.unet)
    assert len(of(Step, events)) == 5
    assert not of(CallEnded, events)


def test_a_swapped_scheduler_is_measured(tiny_pipe: Any) -> None:
    from diffusers import EulerDiscreteScheduler

    events: list[Event] = []
    with Measurement(plain(tiny_pipe, "unet"), make_workload(), events.append) as measurement:
        measurement.call("measure")
        tiny_pipe.scheduler = EulerDiscreteScheduler.from_config(tiny_pipe.scheduler.config)
        measurement.call("measure")
    assert [loop.evaluations for loop in of(LoopEnded, events)] == [5, 4]


def test_steps_are_written_while_the_loop_runs(tiny_pipe: Any) -> None:
    events: list[Event] = []
    forward = tiny_pipe.unet.forward
    seen: list[int] = []

    def waiting(*args: Any, **kwargs: Any) -> Any:
        deadline = time.monotonic() + 20
        while len(of(Step, events)) < len(seen) and time.monotonic() < deadline:
            time.sleep(0.005)
        seen.append(len(of(Step, events)))
        return forward(*args, **kwargs)

    tiny_pipe.unet.forward = waiting
    with Measurement(plain(tiny_pipe, "unet"), make_workload(4), events.append) as measurement:
        measurement.call("measure")
    assert seen == [0, 1, 2, 3, 4]


def test_where_follows_the_call(tiny_pipe: Any) -> None:
    seen: list[tuple[Any, ...]] = []
    forward, decode = tiny_pipe.unet.forward, tiny_pipe.vae.decode

    def place() -> tuple[Any, ...]:
        return HERE.phase, HERE.call, HERE.stage, HERE.loop, HERE.step

    tiny_pipe.unet.forward = lambda *a, **k: (seen.append(place()), forward(*a, **k))[1]
    tiny_pipe.vae.decode = lambda *a, **k: (seen.append(place()), decode(*a, **k))[1]
    measured(tiny_pipe, calls=2, steps=2)
    call = [("measure", 1, "denoise", 0, step) for step in range(3)] + [("measure", 1, "decode", None, None)]
    assert seen[4:] == call
    assert place()[1:] == (None,) * 4
