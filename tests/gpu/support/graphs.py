"""CUDA graphs: what is seen of their recording, and whether what they overwrite is right all the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch._dynamo
from torch._inductor import cudagraph_trees
from torch.utils._pytree import tree_map_only

from profiler import catalog, variants
from profiler.catalog.build import build
from profiler.events import CudaGraph, Event, Note
from profiler.request import Options, resolve
from profiler.subject import Subject
from profiler.worker.compiles import CompileMonitor, modules_of
from profiler.worker.failures import classify
from profiler.worker.measure import Capture, Measurement
from profiler.worker.where import Where
from tests.gpu.support.endings import OVERWRITTEN

SHARE = 0.02
"""Of the reference's largest value: more than fused kernels in float32 are off by after a few steps, and far less than
an output that was overwritten is.
"""
STEPS = 6


class Outcome(NamedTuple):
    latents: torch.Tensor  # of the last call
    events: list[Event]


def measured(
    pipeline: str,
    device: str,
    compiling: Callable[[Subject], object] | None = None,
    *,
    guidance: float | None = None,
    calls: int = 3,
) -> Outcome:
    """Calls of the tiny ``pipeline`` with everything that a run whose denoisers replay has: monitor, marks, copies.

    ``compiling`` does to the subject what its variant does; None: no-compile.
    """
    torch._dynamo.reset()
    options = Options(
        pipeline=pipeline, size="tiny", variants=["no-compile"], dtype="float32", steps=STEPS, guidance=guidance
    )
    [case] = resolve(options, device).cases
    workload = case.workload
    subject = build(
        catalog.find(pipeline), size="tiny", weights="random", dtype="float32", device=device, seed=workload.seed
    )
    events: list[Event] = []
    monitor = CompileMonitor(events.append, modules_of(subject))
    if compiling is not None:
        compiling(subject)
    monitor.attach()
    try:
        capture = Capture(graphs=monitor.graphs_executed, on_step=monitor.on_step, cuda_graphs=compiling is not None)
        with Measurement(subject, workload, events.append, device=device, capture=capture) as measurement:
            for _ in range(calls):
                measurement.call("measure")
            latents = measurement.latents.float().cpu()
    finally:
        monitor.detach()
        torch._dynamo.reset()
    return Outcome(latents, events)


def compiled(
    mode: str, device: str, variant: str = "compile", pipeline: str = "sd15-txt2img"
) -> Callable[[Subject], object]:
    """``variant`` in ``mode``, as a session applies it."""
    [case] = resolve(Options(pipeline=pipeline, size="tiny", variants=[variant], mode=mode), device).cases
    return lambda subject: variants.apply(subject, case.compilation)


def recorded(events: Sequence[Event]) -> bool:
    """Whether a CUDA graph was recorded: otherwise nothing is replayed."""
    return any(isinstance(event, CudaGraph) and event.action == "record" for event in events)


def wrong_by_blocks(measure: Callable[[], Outcome], reference: torch.Tensor, device: str) -> list[str]:
    """Of blocks that replay a graph each: what they hand on is right, or torch refuses it in the words that are known.

    Which of the two depends on how torch tells one generation of graphs from the next. Wrong latents are neither.
    """
    try:
        found = measure()
    except RuntimeError as error:
        reason = classify(error, "measure", device).event.reason
        return [] if OVERWRITTEN in (reason or "") else [f"it failed otherwise: {reason}"]
    nothing = [] if recorded(found.events) else ["no graph was recorded: nothing was replayed"]
    return nothing + wrong_latents(found.latents, reference)


def wrong_latents(found: torch.Tensor, reference: torch.Tensor) -> list[str]:
    """Of latents that must be as the reference's."""
    if found.shape != reference.shape:
        return [f"shape {tuple(found.shape)}, not {tuple(reference.shape)}"]
    if not torch.isfinite(found).all():
        return ["they aren't finite"]
    largest = reference.abs().max().item()
    off = (found - reference).abs().max().item()
    return [] if largest and off <= SHARE * largest else [f"off by {off:.3g}, the largest value is {largest:.3g}"]


def copied(events: Sequence[Event]) -> list[str]:
    """The notes on outputs that are copied because a scheduler keeps them."""
    return [event.text for event in events if isinstance(event, Note) and event.code == "output-cloned"]


# --- what the monitor sees of them ------------------------------------------------------------------------------------


class Scaled(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((64, 64), 2.0), requires_grad=False)

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        return (sample * self.weight).relu() + sample


class Writing(torch.nn.Module):
    """Changes what it was given, which no replay may do."""

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        sample.add_(1)
        return sample * 2


@torch.no_grad()
def seen(
    module: torch.nn.Module, device: str, between: dict[int, Callable[[], object]], steps: int = 8, **how: Any
) -> list[CudaGraph]:
    """What is told of ``module``'s CUDA graphs in ``steps`` steps; ``between``: what happens before a step."""
    torch._dynamo.reset()
    events: list[Event] = []
    here = Where(phase="measure", call=0, stage="denoise", loop=0, step=0)
    monitor = CompileMonitor(events.append, here=here)
    monitor.attach()
    try:
        replayed = torch.compile(module.to(device), **how)
        sample = torch.ones(64, 64, device=device)
        for step in range(steps):
            here.step = step
            between.get(step, lambda: None)()
            torch.compiler.cudagraph_mark_step_begin()
            replayed(sample)
    finally:
        monitor.detach()
        torch._dynamo.reset()
    if monitor.errors:
        raise RuntimeError(f"{monitor.errors} records could not be read")
    return [event for event in events if isinstance(event, CudaGraph)]


def wrong_actions(found: Sequence[CudaGraph], *expected: str) -> list[str]:
    """Of the graphs' actions, each told once or more, in this order."""
    actions: list[str] = []
    for event in found:
        if not actions or actions[-1] != event.action:
            actions.append(event.action)
    wrong = [] if actions == list(expected) else [f"told {actions}, not {list(expected)}"]
    wrong += [f"{event.action} without its duration" for event in found if event.action != "skip" and not event.ns]
    wrong += ["a skip without its reason" for event in found if event.action == "skip" and not event.reason]
    return wrong + [f"{event.action} of no compile" for event in found if event.id is None]


# --- without a GPU ----------------------------------------------------------------------------------------------------


def overwritten() -> RuntimeError:
    """What inductor's manager of CUDA graphs raises, in its own words."""
    trace = 'File "madeup.py", line 58, in forward\n    return sample @ self.weight'
    return RuntimeError(cudagraph_trees.CUDAGraphTreeManager.format_dealloc_msg(trace))


class Replays:
    """Has denoisers hand out their outputs as CUDA graphs do: theirs until the next step's first call.

    A step begins at ``cudagraph_mark_step_begin``; as long as nobody calls that, every replay is a step of its own.
    What is still in use then is spoilt with NaN, where a real replay would write other values into it.
    """

    def __init__(self) -> None:
        self._unmarked = cudagraph_trees.MarkStepBox.mark_step_counter
        self._step: int | None = None
        self._handed_out: list[torch.Tensor] = []

    def __call__(self, subject: Subject) -> None:
        """Take the place of compiling."""
        for denoiser in subject.denoisers:
            denoiser.module.forward = self._around(denoiser.module.forward)

    def _around(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(forward)
        def replay(*arguments: Any, **options: Any) -> Any:
            step = cudagraph_trees.MarkStepBox.mark_step_counter
            if step != self._step or step == self._unmarked:
                self._step = step
                for tensor in self._handed_out:
                    tensor.fill_(float("nan"))
                self._handed_out.clear()
            return tree_map_only(torch.Tensor, self._handed, forward(*arguments, **options))

        return replay

    def _handed(self, output: torch.Tensor) -> torch.Tensor:
        self._handed_out.append(output.clone())
        return self._handed_out[-1]
