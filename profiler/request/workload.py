"""The workload of a case: what was asked for with the pipeline's defaults filled in, and everything checked."""

from __future__ import annotations

from typing import Any

import msgspec

from profiler import attention, scenarios
from profiler.catalog import Entry
from profiler.request import checking, entries, values
from profiler.request.model import BadRequest, Leg, Workload
from profiler.request.naming import CUSTOM
from profiler.request.options import Options
from profiler.request.pipelines import Pipeline

_UNIT = 8
"""What height and width must be multiples of where nothing more is known: autoencoders divide by it."""


def resolve(pipeline: Pipeline, options: Options, batch_size: int, device: str) -> Workload:
    """The workload of one batch size with every default for ``device``. Raises BadRequest."""
    entry = pipeline.entry
    checking.one_of("size", options.size, values.SIZES, "size")
    checking.one_of("choice of text encoders", options.text_encoders, values.TEXT_ENCODERS, "text_encoders")
    batch_size = checking.within("batch size", batch_size, 1, 1, values.MAX_BATCH_SIZE, "batch_sizes")
    own = _foreign(pipeline, options) if entry is None else entries.fields(entry, options, batch_size, device)
    workload = Workload(
        pipeline=pipeline.name,
        size=options.size,
        batch_size=batch_size,
        dtype=_dtype(options, device),
        attention_slicing=options.attention_slicing,
        attention=_attention(options),
        vae_slicing=options.vae_slicing,
        vae_tiling=options.vae_tiling,
        vae=values.vae(options.vae, options.trust),
        offload=_offload(options, device),
        layerwise_casting=_storage_type(options),
        seed=checking.within("seed", options.seed, 0, 0, values.MAX_SEED, "seed"),
        call=values.call_arguments(options.call, entry.part.guidance_argument if entry else "guidance_scale", "call"),
        scenario="steady",
        warmup=checking.within("warm-up calls", options.warmup, 1, 0, values.MAX_CALLS, "warmup"),
        calls=checking.within("calls", options.calls, 5, 1, values.MAX_CALLS, "calls"),
        **own,
    )
    return _with_legs(workload, entry, options)


def _foreign(pipeline: Pipeline, options: Options) -> dict[str, Any]:
    """The fields of a pipeline about which nothing is known: what isn't asked for is left to the pipeline."""
    own = {"weights": ("random", "--weights"), "text_encoders": ("light", "--text-encoders")}
    if pipeline.weights != "factory":  # a factory is told the size, if it wants to know
        own["size"] = ("full", "--size")
    for field, (default, option) in own.items():
        if getattr(options, field) != default:
            raise BadRequest(f"{option} is for pipelines of the catalogue: {pipeline.origin} has its own", field)
    return {
        "origin": pipeline.origin,
        "weights": pipeline.weights,
        "height": values.pixels("height", options.height, _UNIT) if options.height is not None else None,
        "width": values.pixels("width", options.width, _UNIT) if options.width is not None else None,
        "frames": values.frames(options.frames) if options.frames is not None else None,
        "steps": values.steps(options.steps) if options.steps is not None else None,
        "guidance": values.guidance(options.guidance) if options.guidance is not None else None,
        "strength": values.strength(options.strength) if options.strength is not None else None,
        "scheduler": values.scheduler(options.scheduler),
        "memory_format": values.memory_format(options.memory_format or "contiguous"),
        "text_encoders": "all",
        "prompt": checking.text("prompt", values.PROMPT if options.prompt is None else options.prompt, "prompt"),
    }


def _dtype(options: Options, device: str) -> str:
    default = "float16" if device.startswith("cuda") else "float32"
    return checking.one_of("dtype", options.dtype or default, values.DTYPES, "dtype")


def _attention(options: Options) -> str | None:
    if options.attention is None:
        return None
    if options.attention_slicing:
        raise BadRequest("attention slicing is an attention of its own: drop it or --attention", "attention_slicing")
    return checking.one_of("attention", options.attention, attention.NAMES, "attention")


def _offload(options: Options, device: str) -> str | None:
    if options.offload is None:
        return None
    if not device.startswith("cuda"):
        raise BadRequest("offload moves weights between a GPU and main memory: it needs --device cuda:N", "offload")
    return checking.one_of("offload", options.offload, values.OFFLOADS, "offload")


def _storage_type(options: Options) -> str | None:
    if options.layerwise_casting is None:
        return None
    return checking.one_of(
        "type for layerwise casting", options.layerwise_casting, values.STORAGE_TYPES, "layerwise_casting"
    )


# --- the scenario -----------------------------------------------------------------------------------------------------


def _with_legs(workload: Workload, entry: Entry | None, options: Options) -> Workload:
    """``workload`` with its scenario, by name or by a list of calls of one's own."""
    if options.legs:
        if options.scenario is not None:
            raise BadRequest(f"a list of calls is a scenario of its own: drop it or the scenario {options.scenario!r}")
        return msgspec.structs.replace(workload, scenario=CUSTOM, legs=_own_legs(entry, tuple(options.legs)))
    name = checking.one_of("scenario", options.scenario or "steady", tuple(scenarios.SCENARIOS), "scenario")
    return msgspec.structs.replace(workload, scenario=name, legs=_legs_of(name, workload, entry))


def _legs_of(name: str, workload: Workload, entry: Entry | None) -> tuple[Leg, ...]:
    if name == "steady" or entry is None:
        return ()  # what a pipeline outside the catalogue can change is known once it is loaded: the worker decides
    try:
        return scenarios.legs_of(name, entry, workload)
    except BadRequest as error:
        raise BadRequest(str(error), "scenario") from None


def _own_legs(entry: Entry | None, legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
    """The list of calls with class names and paths in full. Raises BadRequest, whose ``within`` says what is wrong."""
    guidance = entry.part.guidance_argument if entry is not None else "guidance_scale"
    checked: list[Leg] = []
    for number, leg in enumerate(legs):
        changes = dict(leg.changes)
        try:
            scenarios.check_legs((*checked, leg), None)  # the form, before anything relies on it
            if "scheduler" in changes:
                changes["scheduler"] = values.scheduler(changes["scheduler"])
            if "call" in changes:
                changes["call"] = values.call_arguments(dict(changes["call"]), guidance, "call")
            checked.append(msgspec.structs.replace(leg, changes=changes))
            scenarios.check_legs(tuple(checked), entry)
        except BadRequest as error:
            own = (error.field,) if error.field in changes else ()
            raise BadRequest(str(error), "legs", within=(number, *own, *error.within)) from None
    return tuple(checked)
