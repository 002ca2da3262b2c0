"""CUDA graphs that were not used, or had to be recorded again."""

from __future__ import annotations

import re
from dataclasses import dataclass

from profiler import events as ev
from profiler.analysis.compiles import Compile
from profiler.analysis.triggers import causes
from profiler.analysis.triggers.causes import CAUSES
from profiler.analysis.triggers.model import Advice, Blame


@dataclass(frozen=True, slots=True)
class Skip:
    """A reason for which torch records no CUDA graph. ``pattern`` is looked for in the reason's first line."""

    pattern: re.Pattern[str]
    said: str
    remedy: str
    blame: Blame


SKIPS: tuple[Skip, ...] = (
    Skip(
        re.compile(r"cpu device|non-cuda device", re.IGNORECASE),
        "a tensor is on the CPU",
        "Move every input and buffer to the GPU before the call: tensor.to('cuda').",
        "user",
    ),
    Skip(
        re.compile(r"mutated inputs|input storage mutation|mutation on input", re.IGNORECASE),
        "the code writes into its inputs",
        "Let the model return new tensors, or clone what it writes into: tensor.clone().",
        "unknown",
    ),
    Skip(
        re.compile(r"exceeding max re-recording limit", re.IGNORECASE),
        "it was recorded anew too often",
        (
            "Give inputs that stay at one address (clone outputs before they are fed back), and call "
            "torch.compiler.cudagraph_mark_step_begin() before each step."
        ),
        "user",
    ),
    Skip(
        re.compile(r"dynamic shapes?\b|graph with symbolic shapes inputs", re.IGNORECASE),
        "its shapes are dynamic",
        (
            "Compile with torch.compile(..., dynamic=False), one graph a size: a CUDA graph is recorded for each size "
            "that is warmed up."
        ),
        "user",
    ),
    Skip(
        re.compile(r"multiple devices", re.IGNORECASE),
        "its tensors are on several devices",
        "Place the whole denoiser on one GPU.",
        "user",
    ),
    Skip(
        re.compile(r"incompatible ops?\b|cudagraph-unsafe|cudagraph unsafe", re.IGNORECASE),
        "an operator can't be recorded",
        (
            "Keep that operator out of the compiled code; torch._inductor.config.graph_partition = True records what "
            "is around it."
        ),
        "expected",
    ),
)
_PREFIX = re.compile(r"^skipping cudagraphs? due to:?\s*", re.IGNORECASE)


def graph_sentence(event: ev.CudaGraph) -> str:
    reason = _PREFIX.sub("", (event.reason or "").partition("\n")[0].strip()).rstrip(". ")
    if event.action == "skip":
        said = _skip(event.reason)
        if said is not None:
            return f"no CUDA graph: {said.said}" + (f" ({reason})" if reason else "")
        return f"no CUDA graph: {reason or 'torch does not say why'}"
    if event.action == "rerecord":
        return "a CUDA graph was recorded again" + (f": {reason}" if reason else "")
    return "a CUDA graph was recorded"


def graph_cause(event: ev.CudaGraph) -> str:
    return f"cudagraph.{event.action}" if f"cudagraph.{event.action}" in CAUSES else "cudagraph.skip"


def graph_why(event: ev.CudaGraph) -> str:
    return CAUSES[graph_cause(event)].why


def graph_blame(event: ev.CudaGraph) -> Blame:
    said = _skip(event.reason) if event.action == "skip" else None
    return said.blame if said is not None else CAUSES[graph_cause(event)].blame


def graph_advice(event: ev.CudaGraph) -> Advice | None:
    if event.action == "skip":
        said = _skip(event.reason)
        return Advice(remedy=said.remedy, link=causes.CUDA_GRAPHS) if said is not None else None
    if event.action == "rerecord":
        return Advice(
            remedy=(
                "Call torch.compiler.cudagraph_mark_step_begin() before each step, and give the inputs at the same "
                "addresses and sizes in every call."
            ),
            link=causes.CUDA_GRAPHS,
        )
    return None


def _skip(reason: str | None) -> Skip | None:
    head = (reason or "").partition("\n")[0]
    return next((one for one in SKIPS if one.pattern.search(head)), None)


def skip_of(found: Compile) -> ev.CudaGraph | None:
    """The skip that a compile's end tells of, as an event."""
    end = found.end
    if end is None or not end.cudagraph_skip:
        return None
    return ev.CudaGraph(
        t=end.t,
        id=found.id,
        epoch=found.epoch,
        call=found.call,
        stage=found.stage,
        loop=found.loop,
        step=found.step,
        action="skip",
        reason=end.cudagraph_skip,
    )
