"""Made-up loads of a step, by how many kernels it launches and who waits for whom, and what the tool says of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from profiler.analysis.figures import RunFigures, run_figures
from profiler.analysis.fold import SessionFold
from profiler.events import CallEnded, CallStarted, Event, PhaseStarted
from profiler.request import Options, resolve
from profiler.worker.clock import Clock
from profiler.worker.live import LiveWriter
from profiler.worker.steps import LoopRecorder, Owner

STEPS = 24


@dataclass(frozen=True)
class Load:
    launches: int  # of the denoiser, in one step
    bound: Literal["host", "device"]
    waits: bool  # scheduler.step reads a tensor on the host

    def __str__(self) -> str:
        return f"{self.bound}-{self.launches}-{'waiting' if self.waits else 'free'}"


LOADS = [Load(*each) for each in itertools.product((300, 3000), ("host", "device"), (False, True))]


class Machine(NamedTuple):
    """``kernels`` launch one kernel each: one that is done at once, one that takes several times its launch."""

    kernels: dict[str, Callable[[], Any]]
    guide: Callable[[], Any]  # what pipelines do between the denoiser and scheduler.step
    wait: Callable[[], Any]


def recorded(load: Load, machine: Machine, clock: Clock, now: Callable[[], int]) -> list[Event]:
    """The events of a loop of such steps, from the real recorder and writer."""
    events: list[Event] = []
    writer = LiveWriter(clock, events.append)
    recorder = LoopRecorder(0, clock, writer.put, now=now)
    kernel = machine.kernels[load.bound]

    def launch(times: int) -> None:
        for _ in range(times):
            kernel()

    def schedule() -> None:
        launch(2)
        if load.waits:
            machine.wait()

    denoise = recorder.around_denoiser(Owner("denoise", ["unet"]))(launch)
    step = recorder.around_scheduler(schedule)
    clock.prepare(STEPS)
    clock.anchor()
    began = now()
    for _ in range(STEPS):
        denoise(load.launches)
        machine.guide()
        step()
    recorder.end_loop()
    clock.synchronize()
    writer.flush()
    start = CallStarted(phase="measure", start_ns=began)
    return [PhaseStarted(phase="measure"), start, *events, CallEnded(ns=now() - began, images=1)]


def figures(events: Sequence[Event], device: str = "cuda:0") -> RunFigures:
    """What the tool says of a run with these events."""
    asked = resolve(Options(pipeline="sd15-txt2img", size="tiny", variants=["no-compile"], repeats=1), device)
    fold = SessionFold("made-up", asked)
    name = asked.runs[0].name
    fold.run(name, list(events))
    return run_figures(fold.state, fold.state.runs[name])
