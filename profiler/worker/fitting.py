"""Brings a loaded pipeline into the workload's shape, before anything is compiled."""

from __future__ import annotations

from typing import Any

import torch

from profiler.catalog.build import BuildError, first_line
from profiler.request import Workload
from profiler.subject import Denoiser, Piece, Subject
from profiler.trust import NOTHING, Trust
from profiler.variants import Unsupported
from profiler.worker import vae
from profiler.worker.attention import set_attention, set_slicing
from profiler.worker.legs import another_scheduler

Notes = list[tuple[str, str]]
"""(code, text): what readers of the figures must know."""


def apply(subject: Subject, workload: Workload, device: str, trust: Trust = NOTHING) -> Notes:
    """Fit ``subject`` to ``workload``: scheduler, VAE, attention, memory format, weights' storage, offload.

    Raises Unsupported where the model or the machine lacks something, BuildError where a name is wrong.
    """
    notes = _schedulers(subject, workload)
    notes += vae.fit(subject, workload, device, trust)
    notes += _attention(subject, workload, device)
    notes += _memory_format(subject, workload)
    notes += _layerwise_casting(subject, workload)
    # Last: it spreads the weights as they are by then over the device and main memory.
    notes += _offload(subject, workload, device)
    return notes


# --- the scheduler ----------------------------------------------------------------------------------------------------


def _schedulers(subject: Subject, workload: Workload) -> Notes:
    wanted = workload.scheduler
    if wanted is None:
        return []
    names = {piece.loop: _compatible(piece.pipe.scheduler) for piece in subject.pieces if _has_scheduler(piece)}
    takers = [piece for piece in subject.pieces if wanted in names.get(piece.loop, ())]
    if not takers:
        known = sorted({name for compatible in names.values() for name in compatible})
        raise BuildError(f"{subject.name} can't use {wanted} (it can use {', '.join(known) or 'no other scheduler'})")
    for piece in takers:
        if type(piece.pipe.scheduler).__name__ != wanted:
            piece.pipe.scheduler = another_scheduler(piece.pipe.scheduler, wanted)
    if len(takers) == len(subject.pieces):
        return []
    took = ", ".join(piece.loop for piece in takers)
    left = ", ".join(
        f"{piece.loop}: {type(piece.pipe.scheduler).__name__}" for piece in subject.pieces if piece not in takers
    )
    return [("scheduler", f"{wanted} in {took} alone, it does not suit the others ({left})")]


def _has_scheduler(piece: Piece) -> bool:
    return getattr(piece.pipe, "scheduler", None) is not None


def _compatible(scheduler: Any) -> set[str]:
    """The names of the scheduler classes that can take the place of ``scheduler``, and of its own."""
    return {cls.__name__ for cls in (*getattr(scheduler, "compatibles", ()), type(scheduler))}


# --- attention --------------------------------------------------------------------------------------------------------


def _attention(subject: Subject, workload: Workload, device: str) -> Notes:
    notes: Notes = []
    if workload.attention is not None and workload.attention_slicing:
        raise Unsupported("attention slicing is an attention of its own: leave --attention or the slicing out")
    if workload.attention is not None:
        dtype = getattr(torch, workload.dtype)
        what = [set_attention(denoiser, workload.attention, device, dtype) for denoiser in subject.denoisers]
        notes.append(("attention", f"attention {workload.attention}: {'; '.join(what)}"))
    if workload.attention_slicing:
        what = [set_slicing(denoiser) for denoiser in subject.denoisers]
        notes.append(("attention-slicing", f"attention in slices: {'; '.join(what)}"))
    return notes


# --- memory format, weights' storage, offload -------------------------------------------------------------------------


def _memory_format(subject: Subject, workload: Workload) -> Notes:
    if workload.memory_format == "contiguous":
        return []
    unchanged = [denoiser.label for denoiser in subject.denoisers if not set_channels_last(denoiser.module)]
    if not unchanged:
        return []
    text = f"channels_last changes nothing in {', '.join(unchanged)}: there are no convolutions' weights in it"
    return [("memory-format", text)]


def set_channels_last(module: Any, memory_format: str = "channels_last") -> bool:
    """Lay out the weights of ``module``'s convolutions channels last, or contiguous; whether there are any."""
    last = memory_format == "channels_last"
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    found = False
    for parameter in module.parameters():
        if parameter.dim() in formats:
            found = True
            layout = formats[parameter.dim()] if last else torch.contiguous_format
            parameter.data = parameter.data.contiguous(memory_format=layout)
    return found


def _layerwise_casting(subject: Subject, workload: Workload) -> Notes:
    if workload.layerwise_casting is None:
        return []
    storage = getattr(torch, workload.layerwise_casting, None)
    if not isinstance(storage, torch.dtype):
        raise BuildError(f"torch has no type {workload.layerwise_casting} (float8_e4m3fn and float8_e5m2 work)")
    texts = [_cast(denoiser, storage, getattr(torch, workload.dtype)) for denoiser in subject.denoisers]
    return [("layerwise-casting", f"weights stored as {workload.layerwise_casting}: {'; '.join(texts)}")]


def _cast(denoiser: Denoiser, storage: torch.dtype, compute: torch.dtype) -> str:
    module = denoiser.module
    if not hasattr(module, "enable_layerwise_casting"):
        raise Unsupported(
            f"{denoiser.label} ({type(module).__name__}) has no layerwise casting: diffusers' models have"
        )
    module.enable_layerwise_casting(storage_dtype=storage, compute_dtype=compute)
    parameters = list(module.parameters())
    stored = sum(parameter.numel() for parameter in parameters if parameter.dtype == storage)
    return f"{100 * stored / sum(parameter.numel() for parameter in parameters):.0f} % of {denoiser.label}"


def _offload(subject: Subject, workload: Workload, device: str) -> Notes:
    if workload.offload is None:
        return []
    if not device.startswith("cuda"):
        raise Unsupported("offload moves weights between a GPU and main memory: it needs --device cuda:N")
    if workload.offload == "model":
        for piece in subject.pieces:
            _offload_models(piece, device)
        return [("offload", "every model is brought to the GPU when it is called and back after the call")]
    for piece in subject.pieces:
        offload_groups(piece, device)
    labels = ", ".join(denoiser.label for denoiser in subject.denoisers)
    return [("offload", f"the weights of {labels} are brought to the GPU layer by layer, the next one ahead")]


def _offload_models(piece: Piece, device: str) -> None:
    try:
        piece.pipe.enable_model_cpu_offload(device=device)
    except (AttributeError, ValueError) as error:
        raise Unsupported(f"{type(piece.pipe).__name__} has no model offload: {first_line(error)}") from error


def offload_groups(piece: Piece, device: str, stream: bool = True) -> None:
    """Offload the piece's denoisers leaf by leaf; ``stream``: the next leaf is copied while one computes.

    Its other models go to ``device`` for good: they run once a call. Raises Unsupported.
    """
    denoisers = {id(denoiser.module) for denoiser in piece.denoisers}
    for component in piece.pipe.components.values():
        if isinstance(component, torch.nn.Module) and id(component) not in denoisers:
            component.to(device)
    for denoiser in piece.denoisers:
        module = denoiser.module
        if not hasattr(module, "enable_group_offload"):
            raise Unsupported(
                f"{denoiser.label} ({type(module).__name__}) has no group offload: diffusers' models have"
            )
        try:
            module.enable_group_offload(
                onload_device=torch.device(device),
                offload_device=torch.device("cpu"),
                offload_type="leaf_level",
                use_stream=stream,
            )
        except ValueError as error:
            raise Unsupported(f"{denoiser.label} has no group offload: {first_line(error)}") from error


def _named(denoiser: Denoiser) -> str:
    return f"{denoiser.label} ({type(denoiser.module).__name__})"
