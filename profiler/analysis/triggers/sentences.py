"""One plain sentence for what changed, by the class of the guard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from profiler.analysis.triggers import objects, tensors
from profiler.analysis.triggers.changes import ARROW, Change

_BY_CAUSE: dict[str, Callable[[Change], str]] = {
    "tensor.size": tensors.size,
    "tensor.rank": tensors.rank,
    "tensor.stride": tensors.stride,
    "tensor.dtype": tensors.data_type,
    "tensor.device": tensors.device,
    "tensor.grad": tensors.gradients,
    "tensor.dispatch": tensors.dispatch,
    "tensor.type": objects.tensor_type,
    "sym.zero_one": tensors.zero_one,
    "sym.shape": tensors.symbolic,
    "dup.size": tensors.duck,
    "alias.new": tensors.alias,
    "alias.lost": tensors.no_alias,
    "value": objects.value,
    "global.value": objects.value,
    "none": objects.none,
    "len": objects.length,
    "dict.keys": objects.keys,
    "dict.missing": objects.missing,
    "dict.contains": objects.contains,
    "module.forward": objects.forward,
    "module.training": objects.training,
    "hasattr": objects.attribute,
    "obj.type": objects.kind,
    "obj.id": objects.identity,
    "obj.code_id": objects.code,
    "processor": objects.processor,
    "iter.range": objects.rounds,
    "global.state": objects.state,
    "torchfn.mode": objects.mode,
    "backend": objects.backend,
    "deleted": objects.deleted,
    "guard.exception": objects.raised,
    "unexpected": objects.unexpected,
}


def sentence(change: Change) -> str:
    """What changed. For a text that no rule knows it is the text itself."""
    if change.guard.cause == "lora":
        return _lora(change)
    make = _BY_CAUSE.get(change.guard.cause)
    return change.guard.text if make is None else make(change)


def _lora(change: Change) -> str:
    """What was done to the adapters where the legs say it, else what the guard says of them."""
    if change.before is not None:
        done = _adapters(change.before.leg.changes, change.now.leg.changes)
        if done is not None:
            return done
    make = _BY_CAUSE.get(change.guard.plain_cause)
    return f"LoRA: {make(change) if make is not None else change.guard.text}"


def _adapters(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    old, new = before.get("lora"), now.get("lora")
    scales = before.get("lora_scale", 1), now.get("lora_scale", 1)
    if new and old is None:
        return f"LoRA {new} was loaded"
    if old and new is None:
        return f"LoRA {old} was taken off"
    if old != new:
        return f"LoRA {old}{ARROW}{new}"
    if new and scales[0] != scales[1]:
        return f"the scale of LoRA {new} {scales[0]:g}{ARROW}{scales[1]:g}"
    return None
