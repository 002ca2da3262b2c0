"""Real runs of small denoisers with the monitor on, folded and explained as the program does it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import torch
from torch import nn

from profiler import catalog, variants
from profiler.analysis import triggers
from profiler.analysis.fold import SessionFold
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import Group, Occurrence
from profiler.catalog.build import build
from profiler.catalog.weights import Fill, skeleton
from profiler.events import (
    CallEnded,
    CallStarted,
    CompileEnded,
    DynamicMark,
    Event,
    LoopEnded,
    LoopStarted,
    Recompile,
    Step,
)
from profiler.request import Compilation, Leg, Options, Request, Workload, resolve
from profiler.subject import Subject
from profiler.worker.compiles import CompileMonitor
from profiler.worker.legs import Legs
from profiler.worker.measure import Capture, Measurement
from profiler.worker.where import Where

SMALL = ("sd15-txt2img", "sd15-controlnet")
NO_COMPILE = Compilation(variant="no-compile")
COMPILE = Compilation(variant="compile", backend="eager", fullgraph=True)
REGIONAL = Compilation(variant="regional-compile", engine="diffusers", backend="eager", fullgraph=True)


def make_request(
    pipeline: str, scenario: str = "steady", compilation: Compilation = COMPILE, **options: Any
) -> Request:
    """A request of one run of the tiny pipeline."""
    small = {"height": 64, "width": 64} if pipeline in SMALL else {}
    asked = Options(
        pipeline=pipeline, size="tiny", variants=["no-compile"], scenario=scenario, **{"steps": 3, **small, **options}
    )
    request = resolve(asked, "cpu")
    case = msgspec.structs.replace(request.cases[0], compilation=compilation)
    return msgspec.structs.replace(request, cases=[case], runs=request.runs[:1])


def make_subject(pipeline: str) -> Subject:
    """The tiny pipeline; Stable Diffusion 1.5's and Flux's with as few blocks as there can be: compiling takes time."""
    entry = catalog.find(pipeline)
    subject = build(entry, size="tiny", weights="random", dtype="float32", device="cpu")
    if pipeline == "flux1-dev":
        (denoiser,) = subject.denoisers
        component = entry.part.sizes["tiny"].components[denoiser.name]
        config = {**component.config, "num_layers": 1, "num_single_layers": 2}
        denoiser.replace(Fill(0, torch.float32, "cpu")(skeleton(msgspec.structs.replace(component, config=config))))
    if pipeline in SMALL:
        for denoiser in subject.denoisers:
            component = entry.part.sizes["tiny"].components[denoiser.name]
            config = {name: value for name, value in component.config.items() if name != "up_block_types"}
            config |= {"block_out_channels": [16], "down_block_types": ["DownBlock2D"]}
            if denoiser.name == "unet":
                config |= {"up_block_types": ["CrossAttnUpBlock2D"], "mid_block_type": None}
            denoiser.replace(Fill(0, torch.float32, "cpu")(skeleton(msgspec.structs.replace(component, config=config))))
    return subject


class Log(list[Event]):
    """Numbers and dates what is written to it, as an event log does."""

    def write(self, event: Event) -> None:
        event.seq, event.t = len(self), time.monotonic_ns()
        self.append(event)


@dataclass
class Made:
    """One leg: what was compiled during its only call, and the call's final latents."""

    leg: str | None
    compiles: int
    recompiles: list[Recompile]
    dynamic: list[DynamicMark]
    latents: torch.Tensor


@dataclass
class Seen:
    """What a run's log says, folded."""

    events: list[Event]
    session: SessionState

    @property
    def occurrences(self) -> list[Occurrence]:
        """Everything but first compiles, which every frame has."""
        return [found for found in triggers.occurrences(self.session) if found.kind != "compile"]

    @property
    def firsts(self) -> list[Occurrence]:
        return [found for found in triggers.occurrences(self.session) if found.kind == "compile"]

    @property
    def groups(self) -> list[Group]:
        return triggers.groups(self.occurrences)

    @property
    def only(self) -> Occurrence:
        (found,) = self.occurrences
        return found


def seen(request: Request, events: list[Event]) -> Seen:
    """``events``, in the order in which they were written, as the only run's log."""
    fold = SessionFold("session", request)
    fold.run(request.runs[0].name, events)
    return Seen(events, fold.state)


def run(
    pipeline: str,
    scenario: str,
    compilation: Compilation = COMPILE,
    subject: Subject | None = None,
    **options: Any,
) -> Seen:
    """A scenario as a worker runs it: the first leg's call compiles, then each leg is measured, a call each."""
    request = make_request(pipeline, scenario, compilation, **options)
    workload, log = request.cases[0].workload, Log()
    drive(subject or make_subject(pipeline), workload, compilation, workload.legs or (None,), log)
    return seen(request, log)


def drive(
    subject: Subject,
    workload: Workload,
    compilation: Compilation,
    order: Iterable[Leg | None],
    log: Log | None = None,
) -> list[Made]:
    """Enter the legs one after another, with a call each; ``log`` gets all that is written."""
    events = Log() if log is None else log
    made: list[Made] = []
    with watching(subject, compilation, events) as capture:
        state = Legs(subject, workload, "cpu")
        try:
            with Measurement(subject, workload, events.write, capture=capture, live=False) as measurement:
                for leg in order:
                    before = len(events)
                    measurement.call("measure" if made else "compile", state.enter(leg))
                    of_leg = events[before:]
                    made.append(
                        Made(
                            next(event.leg for event in of_leg if isinstance(event, CallStarted)),
                            sum(isinstance(event, CompileEnded) for event in of_leg),
                            [event for event in of_leg if isinstance(event, Recompile)],
                            [event for event in of_leg if isinstance(event, DynamicMark)],
                            measurement.latents.clone(),
                        )
                    )
        finally:
            state.close()
    return made


@contextlib.contextmanager
def watching(subject: Subject, compilation: Compilation, events: Log) -> Iterator[Capture]:
    """The monitor on, the denoisers compiled."""
    monitor = CompileMonitor(events.write, {denoiser.label: denoiser.module for denoiser in subject.denoisers})
    monitor.attach()
    try:
        variants.apply(subject, compilation)
        yield Capture(graphs=monitor.graphs_executed, on_step=monitor.on_step)
    finally:
        monitor.detach()


@dataclass
class Loop:
    """A denoiser by itself, called as diffusers' pipelines call a UNet; each call is a measured call of one step."""

    module: nn.Module
    name: str = "unet"
    compilation: Compilation = COMPILE
    events: Log = field(default_factory=Log)
    here: Where = field(default_factory=Where)
    calls: int = 0

    def __post_init__(self) -> None:
        self.monitor = CompileMonitor(self.events.write, {self.name: self.module}, here=self.here)

    def __enter__(self) -> Loop:
        self.monitor.attach()
        return self

    def __exit__(self, *error: object) -> None:
        self.monitor.detach()

    def compile(self) -> Loop:
        """Compile the denoiser as a whole, in place: it stays the module that the pipeline knows."""
        if self.compilation.recompile_limit is not None:
            torch._dynamo.config.recompile_limit = self.compilation.recompile_limit
        self.module.compile(**variants.compile_arguments(self.compilation))
        return self

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the denoiser; returns its output."""
        return self.around(lambda: self.module(*arguments, **keywords))

    def around(self, act: Callable[[], Any]) -> Any:
        """``act`` as a call of one step. What it raises passes through."""
        call, self.calls = self.calls, self.calls + 1
        phase = "measure" if call else "compile"
        self.here.phase, self.here.call, self.here.stage = phase, call, "denoise"
        self.here.loop, self.here.step = 0, 0
        began = time.monotonic_ns()
        write = self.events.write
        write(CallStarted(call=call, phase=phase, steps=1, start_ns=began))
        write(LoopStarted(call=call, loop=0, name="denoise", denoisers=[self.name], iterations=1))
        before = self.monitor.graphs_executed()
        try:
            return act()
        finally:
            after = self.monitor.graphs_executed()
            graphs = None if before is None or after is None else after - before
            self.monitor.on_step(graphs, 1)
            self.here.call = self.here.stage = self.here.loop = self.here.step = None
            ns = time.monotonic_ns() - began
            write(Step(call=call, loop=0, step=0, start_ns=began, ns=ns, host_ns=ns, graphs=graphs))
            write(LoopEnded(call=call, loop=0, ns=ns, evaluations=1, iterations=1))
            write(CallEnded(call=call, ns=ns, images=1))

    @property
    def seen(self) -> Seen:
        return seen(make_request("sd15-txt2img", compilation=self.compilation), self.events)


def unet_inputs(
    batch: int = 2, height: int = 8, width: int = 8, tokens: int = 77
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments as StableDiffusionPipeline gives them to its UNet."""
    sample = torch.zeros(batch, 4, height, width)
    states = torch.zeros(batch, tokens, 32)
    keywords = {
        "encoder_hidden_states": states,
        "timestep_cond": None,
        "cross_attention_kwargs": None,
        "added_cond_kwargs": None,
        "return_dict": False,
    }
    return (sample, torch.tensor(3)), keywords
