"""Each scenario's legs, and what an entry of the catalogue must have for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from profiler.catalog import Entry
from profiler.request.model import BadRequest, Leg, Workload


def _leg(name: str, **changes: Any) -> Leg:
    return Leg(name=name, changes=changes)


def _size_name(height: int, width: int) -> str:
    return f"{width}x{height}"


def resolution_legs(entry: Entry, workload: Workload) -> list[Leg]:
    height, width = _known(workload.height, "height"), _known(workload.width, "width")
    own = _size_name(height, width)
    # The first new size changes both sides, to two different lengths: torch then makes both dynamic, each for itself.
    shares = ((0.75, 0.5), (0.75, 0.75), (0.5, 1.0))
    sizes = [(_part_of(height, high, entry), _part_of(width, wide, entry)) for high, wide in shares]
    others = [size for size in dict.fromkeys(sizes) if size != (height, width)]
    if not others:
        raise BadRequest(f"resolution-sweep needs a larger picture than {own} to make smaller ones")
    legs = [_leg(_size_name(*size), height=size[0], width=size[1]) for size in others]
    return [_leg(own), *legs, _leg(f"{own} again")]


def _part_of(side: int, share: float, entry: Entry) -> int:
    """About ``share`` of ``side``, divisible by as high a power of two as an eighth of ``side`` has room for.

    UNets halve the latents several times: a size that can't be halved as often takes another path through them.
    """
    unit = max(entry.multiple, 1 << max(side // 8, 1).bit_length() - 1)
    unit = math.lcm(unit, entry.multiple)
    if side < 2 * unit:
        unit = entry.multiple
    return max(unit, round(side * share / unit) * unit)


def resolution_lacks(entry: Entry) -> str | None:
    if entry.pictures:
        made = ", ".join(_size_name(*picture) for picture in dict.fromkeys(entry.pictures))
        return f"the size of its pictures is fixed ({made})"
    part = entry.part
    pictures = any(str(side).startswith("height") for tensor in part.inputs.values() for side in tensor.shape)
    return None if part.sized or pictures else "its size can't be chosen"


def batch_legs(entry: Entry, workload: Workload) -> list[Leg]:
    own = workload.batch_size
    sizes = [2 * own if 2 * own <= 1024 else own // 2, own + 1 if 1 < own < 1024 else 3, 1]
    others = [size for size in dict.fromkeys(sizes) if size != own]
    return [
        _leg(f"batch {own}"),
        *(_leg(f"batch {size}", batch_size=size) for size in others),
        _leg(f"batch {own} again"),
    ]


def _guidance_name(entry: Entry, guidance: float) -> str:
    part = entry.part
    if guidance > part.guidance_threshold:
        return f"guidance {guidance:g}"
    return "guidance off (one denoiser call a step)" if part.guidance_kind == "calls" else "guidance off"


def _other_guidance(entry: Entry, guidance: float) -> float:
    threshold = entry.part.guidance_threshold
    return threshold if guidance > threshold else threshold + 4.0


def cfg_legs(entry: Entry, workload: Workload) -> list[Leg]:
    own = _known(workload.guidance, "guidance")
    other = _other_guidance(entry, own)
    name = _guidance_name(entry, own)
    return [_leg(name), _leg(_guidance_name(entry, other), guidance=other), _leg(f"{name} again")]


def cfg_lacks(entry: Entry) -> str | None:
    if entry.part.guidance_kind == "embedded":
        return "its guidance is a number that the model takes: on or off, every call is the same"
    return guidance_lacks(entry)


def guidance_lacks(entry: Entry) -> str | None:
    return "its model takes no guidance" if entry.part.guidance_kind == "none" else None


FLOAT_TIMESTEPS = ("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler")
WHOLE_TIMESTEPS = ("DDIMScheduler", "UniPCMultistepScheduler", "DPMSolverMultistepScheduler")
FLOW_SCHEDULERS = ("DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "DPMSolverSinglestepScheduler")
"""Those of the compatible schedulers that know prediction_type "flow_prediction"."""


def own_scheduler(entry: Entry, workload: Workload | None = None) -> str:
    size = next(iter(entry.part.sizes.values()))
    return (workload and workload.scheduler) or size.components["scheduler"].cls


def _scheduler_choices(entry: Entry, own: str) -> list[str]:
    """What can take the place of ``own``, one of each type of timesteps; the type that isn't its own comes first."""
    config = next(iter(entry.part.sizes.values())).components["scheduler"].config
    if config.get("prediction_type") == "flow_prediction":
        kinds: Iterable[tuple[str, ...]] = (FLOW_SCHEDULERS,)
    elif own in WHOLE_TIMESTEPS or own in ("PNDMScheduler", "DDPMScheduler"):
        kinds = (FLOAT_TIMESTEPS, WHOLE_TIMESTEPS)
    else:
        kinds = (WHOLE_TIMESTEPS, FLOAT_TIMESTEPS)
    usable = [[name for name in kind if name in entry.schedulers and name != own] for kind in kinds]
    return [names[0] for names in usable if names]


def _scheduler_name(cls: str) -> str:
    return cls.removesuffix("Scheduler")


def scheduler_legs(entry: Entry, workload: Workload) -> list[Leg]:
    own = own_scheduler(entry, workload)
    name = _scheduler_name(own)
    others = [_leg(_scheduler_name(other), scheduler=other) for other in _scheduler_choices(entry, own)]
    return [_leg(name), *others, _leg(f"{name} again")]


def scheduler_lacks(entry: Entry) -> str | None:
    own = own_scheduler(entry)
    return None if _scheduler_choices(entry, own) else f"no other scheduler can take the place of its {own}"


def _tokens_of(entry: Entry, workload: Workload) -> int:
    return entry.part.sizes[workload.size].tokens


def token_legs(entry: Entry, workload: Workload) -> list[Leg]:
    own = _tokens_of(entry, workload)
    others = (2 * own, 3 * own) if own <= 128 else (own // 2, own // 4)
    return [
        _leg(f"{own} tokens"),
        *(_leg(f"{tokens} tokens", tokens=tokens) for tokens in others),
        _leg(f"{own} tokens again"),
    ]


def token_lacks(entry: Entry) -> str | None:
    for size in entry.part.sizes.values():
        if any("tokens" in tensor.shape for tensor in size.embeddings.values()):
            return None
    return "its prompts can't be given as embeddings of a chosen length"


NO_GUIDANCE_END = {
    "SanaPipeline": "its callback can't shorten the prompts' attention mask, which has the guidance's batch size",
}
"""Pipelines with classifier-free guidance in a batch whose callback can't turn it off, and why."""


def guidance_end_legs(entry: Entry, workload: Workload) -> list[Leg]:
    if workload.steps is not None and workload.steps < 2:
        raise BadRequest("guidance-end needs at least 2 steps, some with and some without guidance")
    own = _known(workload.guidance, "guidance")
    legs = [_leg(_guidance_name(entry, own))]
    on: dict[str, Any] = {}
    if own <= entry.part.guidance_threshold:
        on = {"guidance": _other_guidance(entry, own)}
        legs.append(_leg(_guidance_name(entry, on["guidance"]), **on))
    return [
        *legs,
        _leg("guidance until 50%", guidance_end=0.5, **on),
        _leg("guidance until 80%", guidance_end=0.8, **on),
        _leg(f"{legs[0].name} again"),
    ]


def guidance_end_lacks(entry: Entry) -> str | None:
    part = entry.part
    if part.guidance_kind == "none":
        return guidance_lacks(entry)
    if part.guidance_kind != "batch":
        return "its guidance doesn't change the batch: ending it changes no shape"
    if len(entry.parts) > 1 or not part.step_callback:
        return "it takes no callback_on_step_end"
    return NO_GUIDANCE_END.get(part.pipeline_cls)


def controlnet_legs(entry: Entry, workload: Workload) -> list[Leg]:
    own = workload.call.get("controlnet_conditioning_scale", 1.0)
    scales = [scale for scale in (0.5, 0.3) if scale != own]
    return [
        _leg(f"scale {own}"),
        *(_leg(f"scale {scale}", call={"controlnet_conditioning_scale": scale}) for scale in scales),
        _leg("control until 50%", call={"control_guidance_end": 0.5}),
        _leg(f"scale {own} again"),
    ]


def controlnet_lacks(entry: Entry) -> str | None:
    has = any("controlnet" in part.denoisers for part in entry.parts)
    return None if has else "it has no controlnet"


_JOINED = "a second picture is joined to its latents, which gives them the usual format again"
_PACKED = "its latents are packed into tokens: they have no channels to put last"
NO_FORMAT = {
    "StableDiffusionImg2ImgPipeline": "it takes no latents: they are the input picture's",
    "StableDiffusionInpaintPipeline": _JOINED,
    "StableDiffusionUpscalePipeline": _JOINED,
    "IFPipeline": "it takes no latents",
    "FluxPipeline": _PACKED,
    "QwenImagePipeline": _PACKED,
    "WanPipeline": "its latents are a video's, of five dimensions: channels_last is of four",
}
"""Pipelines whose denoiser can't be given latents of four dimensions with their channels last, and why."""


def format_legs(entry: Entry, workload: Workload) -> list[Leg]:
    name = "latents contiguous"
    return [_leg(name), _leg("latents channels_last", latents_format="channels_last"), _leg(f"{name} again")]


def format_lacks(entry: Entry) -> str | None:
    return NO_FORMAT.get(entry.part.pipeline_cls)


def grad_legs(entry: Entry, workload: Workload) -> list[Leg]:
    return [_leg("no_grad"), _leg("inference_mode", grad_mode="inference_mode"), _leg("no_grad again")]


def lora_legs(entry: Entry, workload: Workload) -> list[Leg]:
    return [
        _leg("no LoRA"),
        _leg("LoRA one, rank 4", lora="one", lora_rank=4),
        _leg("LoRA two, rank 8", lora="two", lora_rank=8),
        _leg("LoRA one at 0.5", lora="one", lora_rank=4, lora_scale=0.5),
        _leg("no LoRA again"),
    ]


def lora_lacks(entry: Entry) -> str | None:
    return None if any(part.lora for part in entry.parts) else "its pipeline can't load LoRAs"


def _known(value: Any, name: str) -> Any:
    """A workload's field that the scenario starts from. Raises BadRequest where it isn't known."""
    if value is None:
        raise BadRequest(f"the scenario needs to know the {name}: give --{name}")
    return value


def nothing_lacks(entry: Entry) -> None:
    """Any entry can run it."""
