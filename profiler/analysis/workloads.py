"""In which fields two workloads differ: what is compared then isn't the compilation alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from profiler.request import Leg, Workload

_COUNTS = ("warmup", "calls")
"""How often it was measured, not what."""
_TELLING = tuple(field for field in Workload.__struct_fields__ if field not in _COUNTS)
_WORDS = {
    "size": "model size",
    "dtype": "data type",
    "vae": "VAE",
    "vae_slicing": "VAE slicing",
    "vae_tiling": "VAE tiling",
    "offload": "offloading",
}
"""Fields that people call otherwise than with blanks for underscores."""
_UNITS = {"height": "px", "width": "px"}
_WITHOUT = {"guidance": "own", "offload": "none", "layerwise_casting": "none", "origin": "the catalogue"}
"""What None stands for, where it isn't the pipeline's own."""
_OWN = "the pipeline's own"
_LONGEST = 40
WEIGHTS_NOTE = "power and clocks differ a little with the weights"


def alike(ours: Workload, theirs: Workload) -> bool:
    """Whether they are the same work, however often each was measured: nothing is in ``differing``."""
    return all(getattr(ours, field) == getattr(theirs, field) for field in _TELLING)


def differing(ours: Workload, theirs: Workload) -> list[str]:
    """A line for each field that differs, ``batch size 1 and 4``; none where the workloads are the same work."""
    lines: list[str] = []
    for field in _TELLING:
        one, other = getattr(ours, field), getattr(theirs, field)
        if one == other:
            continue
        name = _WORDS.get(field, field.replace("_", " "))
        if field == "call":
            lines += [f"call argument {line}" for line in _within(one, other)]
        elif field == "legs":
            lines.append(_legs(one, other))
        else:
            lines.append(f"{name} {_pair(_shown(field, one), _shown(field, other), _UNITS.get(field))}")
        if field == "weights":
            lines[-1] += f": {WEIGHTS_NOTE}"
    return lines


def _pair(one: str, other: str, unit: str | None = None) -> str:
    if one == other:  # the same up to where they are cut
        return f"{one} and another"
    return f"{one} and {other}{f' {unit}' if unit else ''}"


def _shown(field: str, value: Any) -> str:
    if value is None:
        return _WITHOUT.get(field, _OWN)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = repr(value) if field == "prompt" else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _within(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The arguments that differ."""
    keys = dict.fromkeys([*ours, *theirs])
    return [
        f"{_shown('call', key)} {_pair(*(_argument(side, key) for side in (ours, theirs)))}"
        for key in keys
        if (key in ours, ours.get(key)) != (key in theirs, theirs.get(key))
    ]


def _argument(arguments: Mapping[str, Any], key: str) -> str:
    return _shown("call", str(arguments[key])) if key in arguments else "not given"


def _legs(ours: tuple[Leg, ...], theirs: tuple[Leg, ...]) -> str:
    names = [", ".join(leg.name for leg in legs) or "none" for legs in (ours, theirs)]
    if names[0] == names[1]:
        return f"legs of the same names that do something else: {_shown('legs', names[0])}"
    return f"legs {_pair(*(_shown('legs', name) for name in names))}"
