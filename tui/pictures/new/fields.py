"""The fields of the form, in its order: what kind of value each takes and what can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from profiler import attention, catalog, request, scenarios
from profiler.catalog import Entry
from profiler.request.compilation import BACKENDS
from profiler.request.values import TEXT_ENCODERS
from tui.commands.run_options import Told, told

Kind = Literal["text", "whole", "wholes", "number", "choice", "several", "flag", "switch", "table"]

ON, OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class Field:
    """``name`` is the field of ``Options``, or ``device``.

    ``strict``: nothing but its choices can be given. ``by``: how far left and right change a number. ``folded``: it is
    rarely changed, and seen when the form is unfolded.
    """

    name: str
    label: str
    kind: Kind
    group: str
    strict: bool = False
    by: float = 1
    unit: str = ""
    folded: bool = False


def _group(
    group: str, *fields: tuple[str, str, Kind], folded: bool = False, **known: Mapping[str, object]
) -> list[Field]:
    return [Field(name, label, kind, group, folded=folded, **known.get(name, {})) for name, label, kind in fields]  # type: ignore[arg-type]


FIELDS: tuple[Field, ...] = (
    *_group(
        "What",
        ("pipeline", "pipeline", "choice"),
        ("variants", "variants", "several"),
        ("size", "size", "choice"),
        ("weights", "weights", "choice"),
        ("device", "device", "choice"),
        size={"strict": True},
    ),
    *_group(
        "Every call",
        ("batch_sizes", "batch sizes", "wholes"),
        ("steps", "steps", "whole"),
        ("height", "height", "whole"),
        ("width", "width", "whole"),
        ("frames", "frames", "whole"),
        ("guidance", "guidance", "number"),
        ("dtype", "data type", "choice"),
        ("scheduler", "scheduler", "choice"),
        ("attention", "attention", "choice"),
        ("scenario", "scenario", "choice"),
        height={"by": 64, "unit": "px"},
        width={"by": 64, "unit": "px"},
        frames={"by": 4},
        guidance={"by": 0.5},
        dtype={"strict": True},
        attention={"strict": True},
        scenario={"strict": True},
    ),
    *_group(
        "The session",
        ("repeats", "repeats", "whole"),
        ("calls", "calls", "whole"),
        ("warmup", "warm-up calls", "whole"),
        ("until_sure", "until sure", "flag"),
        ("max_time_s", "max. time", "number"),
        max_time_s={"by": 60, "unit": "s"},
    ),
    *_group(
        "How it is compiled",
        ("engines", "engines", "several"),
        ("mode", "compile mode", "choice"),
        ("fullgraph", "fullgraph", "switch"),
        ("dynamic", "dynamic", "switch"),
        ("backend", "backend", "choice"),
        ("recompile_limit", "recompile limit", "whole"),
        ("inductor_options", "inductor options", "table"),
        ("cache", "compile caches", "choice"),
        ("keep_cache", "keep caches", "flag"),
        folded=True,
        mode={"strict": True},
        cache={"strict": True},
    ),
    *_group(
        "How it is built",
        ("text_encoders", "text encoders", "choice"),
        ("memory_format", "memory format", "choice"),
        ("attention_slicing", "attn. slicing", "flag"),
        ("vae", "VAE", "choice"),
        ("vae_slicing", "VAE slicing", "flag"),
        ("vae_tiling", "VAE tiling", "flag"),
        ("offload", "offload", "choice"),
        ("layerwise_casting", "store weights in", "choice"),
        folded=True,
        text_encoders={"strict": True},
        memory_format={"strict": True},
        offload={"strict": True},
        layerwise_casting={"strict": True},
    ),
    *_group(
        "What else",
        ("prompt", "prompt", "text"),
        ("seed", "seed", "whole"),
        ("strength", "strength", "number"),
        ("call", "call arguments", "table"),
        ("save_images", "save images", "flag"),
        ("find_syncs", "find syncs", "flag"),
        ("find_max_batch", "largest batch", "flag"),
        ("memory_limit_gib", "memory limit", "number"),
        ("queue", "wait in queue", "flag"),
        folded=True,
        strength={"by": 0.1},
        memory_limit_gib={"unit": "GiB"},
    ),
)
BY_NAME = {field.name: field for field in FIELDS}
FLAGS_ON = ("queue",)
"""Flags that are on unless they are switched off."""


@cache
def explained(name: str) -> Told:
    """What ``stepscope run --help`` says of a field."""
    if name == "pipeline":
        text = (
            "One of the catalogue, ORG/NAME on the hub, a pipeline's folder, or FILE.py:FUNCTION, a function of yours."
        )
        return Told("PIPELINE", "", catalog.names()[0], text)
    if name == "queue":
        return Told("--no-queue", "", ON, "Wait while another session uses the device, instead of failing.")
    return told()[name]


def choices(field: Field, entry: Entry | None, size: str) -> tuple[str, ...]:
    """What can be chosen for a field, the default not among it where it has no name; () where anything may be typed."""
    fixed = _FIXED.get(field.name)
    if fixed is not None:
        return fixed
    if field.name == "scenario":
        return tuple(each.name for each in scenarios.SCENARIOS.values() if entry is None or each.lacks(entry) is None)
    if field.name == "scheduler":
        return tuple(name.removesuffix("Scheduler") for name in entry.schedulers) if entry is not None else ()
    if field.name == "weights":
        on_hub = entry is not None and size == "full" and all(part.model_id is not None for part in entry.parts)
        return ("random", "hub") if on_hub else ("random",)
    return ()


def about_choice(name: str, choice: str) -> str:
    """A few words about a choice, "" where its name says it all."""
    if name == "pipeline":
        return catalog.find(choice).title if choice in catalog.names() else ""
    if name == "scenario" and choice in scenarios.SCENARIOS:
        return scenarios.SCENARIOS[choice].summary
    return _ABOUT.get((name, choice), "")


def about_chosen(name: str, choice: str) -> str:
    """A sentence about the choice that holds, "" where there is none."""
    if name == "scenario" and choice in scenarios.SCENARIOS:
        scenario = scenarios.SCENARIOS[choice]
        return f"{choice}: {scenario.summary}; what that triggers: {scenario.triggers}"
    about = about_choice(name, choice)
    return f"{choice}: {about}" if about else ""


_FIXED: dict[str, tuple[str, ...]] = {
    "pipeline": tuple(catalog.names()),
    "variants": request.VARIANTS,
    "engines": request.ENGINES,
    "size": request.SIZES,
    "device": ("cpu", "cuda:0"),
    "dtype": request.DTYPES,
    "attention": attention.NAMES,
    "mode": request.MODES,
    "backend": BACKENDS,
    "cache": request.CACHES,
    "text_encoders": TEXT_ENCODERS,
    "memory_format": request.MEMORY_FORMATS,
    "vae": ("tiny",),
    "offload": request.OFFLOADS,
    "layerwise_casting": request.STORAGE_TYPES,
}
_ABOUT = {
    ("size", "full"): "the real architecture",
    ("size", "tiny"): "a small twin of it, for a CPU",
    ("weights", "random"): "no download, the same kernels",
    ("weights", "hub"): "the published ones, downloaded once",
    ("cache", "cold"): "each case starts with an empty one",
    ("cache", "warm"): "kept for each case between sessions",
    ("cache", "shared"): "your own",
    ("text_encoders", "light"): "those below the size of T5-XXL",
    ("offload", "model"): "one model at a time on the GPU",
    ("offload", "group"): "a few layers at a time on the GPU",
    ("engines", "diffusers"): "compile_repeated_blocks",
    ("engines", "accelerate"): "compile_regions",
    ("attention", "sdpa"): "torch's scaled_dot_product_attention",
    ("attention", "vanilla"): "softmax(QK)V step by step",
}
