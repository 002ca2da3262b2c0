"""What a leg of a scenario may change."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from profiler.request.model import Leg, Workload


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a leg may change. ``wants`` says for people what ``fits`` lets pass."""

    wants: str
    fits: Callable[[Any], bool]
    kind: str = "worker"
    """``workload``: a field of the workload; ``worker``: done by the worker around or during the call."""


def whole(low: int, high: int) -> Change:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Change(wants=f"a whole number from {low} to {high}", fits=fits, kind="workload")


def _number(low: float, high: float, *, above: bool = False, kind: str = "workload") -> Change:
    def fits(value: Any) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            return False
        return (low < value if above else low <= value) and value <= high

    return Change(wants=f"a number {'above' if above else 'from'} {low:g} to {high:g}", fits=fits, kind=kind)


def _one_of(*allowed: str) -> Change:
    return Change(wants=" or ".join(allowed), fits=lambda value: value in allowed)


def _text(wants: str, kind: str) -> Change:
    return Change(wants=wants, fits=lambda value: isinstance(value, str) and value != "", kind=kind)


LORA_RANK = 4
"""The rank of an adapter whose rank isn't given."""
GRAD_MODES = ("no_grad", "inference_mode")
"""diffusers' pipelines turn gradients off themselves: none of them can be called with gradients on."""

SETTINGS: dict[str, Change] = {
    "height": whole(8, 16384),
    "width": whole(8, 16384),
    "batch_size": whole(1, 1024),
    "steps": whole(1, 999),
    "guidance": _number(0, 100),
    "frames": whole(1, 10_000),
    "strength": _number(0, 1, above=True),
    "scheduler": _text("the class name of a scheduler", "workload"),
    "prompt": Change(wants="a text", fits=lambda value: isinstance(value, str), kind="workload"),
    "call": Change(
        wants="a table of call arguments",
        fits=lambda value: isinstance(value, Mapping) and all(isinstance(name, str) for name in value),
        kind="workload",
    ),
    "tokens": msgspec.structs.replace(whole(1, 4096), kind="worker"),
    "latents_format": _one_of("channels_last"),
    "grad_mode": _one_of(*GRAD_MODES),
    "guidance_end": _number(0, 1, above=True, kind="worker"),
    "lora": Change(
        # peft makes module names of it.
        wants="a name of letters, digits, - and _ that begins with a letter",
        fits=lambda value: isinstance(value, str) and value.replace("-", "_").isidentifier(),
    ),
    "lora_rank": msgspec.structs.replace(whole(1, 256), kind="worker"),
    "lora_scale": _number(-10, 10, kind="worker"),
}
"""What a leg may change.

- workload fields: height, width, batch_size, steps, guidance, frames, strength, scheduler, prompt, and ``call``, which
  is added to the workload's further call arguments
- ``tokens``: give the prompts as embeddings of this many tokens
- ``latents_format``: give the latents in this memory format
- ``grad_mode``: what the call is made inside
- ``guidance_end``: the share of the steps that have guidance; a callback turns it off for the others
- ``lora``: the name of an adapter that is made on the spot, of rank ``lora_rank``, at ``lora_scale``
"""


def workload_of(workload: Workload, leg: Leg) -> Workload:
    """``workload`` with the changes of ``leg`` that are fields of it; what a later version knows is left out."""
    known = {name: value for name, value in leg.changes.items() if name in SETTINGS and SETTINGS[name].fits(value)}
    fields = {name: value for name, value in known.items() if SETTINGS[name].kind == "workload"}
    for name in ("guidance", "strength"):
        if name in fields:
            fields[name] = float(fields[name])
    if "call" in fields:
        fields["call"] = {**workload.call, **fields["call"]}
    return msgspec.structs.replace(workload, **fields)
