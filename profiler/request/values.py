"""Single options that mean the same for every pipeline: their limits and checks."""

from __future__ import annotations

import os
from typing import Any

from profiler.request import checking, folders, pipelines
from profiler.request.model import BadRequest
from profiler.trust import NOTHING, Trust

DTYPES = ("float32", "float16", "bfloat16")
SIZES = ("full", "tiny")
MEMORY_FORMATS = ("contiguous", "channels_last")
OFFLOADS = ("model", "group")
STORAGE_TYPES = ("float8_e4m3fn", "float8_e5m2")
TEXT_ENCODERS = ("light", "all", "none")
MAX_BATCH_SIZE = 1024
MAX_STEPS = 999  # schedulers are made for 1000 training steps and may offset theirs by one
MAX_CALLS = 10_000
MAX_PIXELS = 16384
MAX_FRAMES = 1025
FRAME_STEP = 4  # videos' autoencoders take the first frame alone and then this many together
MAX_SEED = 2**63 - 1
PROMPT = "a photograph of an astronaut riding a horse"
"""What is painted where neither the catalogue nor anybody else says what."""

_OWN_OPTIONS = {
    "height": "--height",
    "width": "--width",
    "num_inference_steps": "--steps",
    "num_frames": "--frames",
    "strength": "--strength",
    "generator": "--seed",
    **dict.fromkeys(("batch_size", "num_images_per_prompt", "num_videos_per_prompt"), "--batch-size"),
}
"""Call arguments that have an option of their own, which names and tables go by."""


def pixels(side: str, given: int, multiple: int, pipeline: str | None = None) -> int:
    """``given`` if it can be the picture's ``side``, height or width, in pixels."""
    checking.within(side, given, given, multiple, MAX_PIXELS, side)
    if given % multiple:
        nearest = max(multiple, round(given / multiple) * multiple)
        whose = f" for {pipeline}" if pipeline is not None else ""
        raise BadRequest(f"{side} must be a multiple of {multiple}{whose}, not {given}: {nearest} would work", side)
    return given


def frames(given: int) -> int:
    return checking.within("frames", given, given, 1, MAX_FRAMES, "frames")


def steps(given: int) -> int:
    return checking.within("steps", given, given, 1, MAX_STEPS, "steps")


def guidance(given: float) -> float:
    return checking.number("guidance", float(given), 0, 100, "guidance")


def strength(given: float) -> float:
    found = checking.number("strength", float(given), 0, 1, "strength")
    if found == 0:
        raise BadRequest("strength must be above 0: at 0 nothing is painted", "strength")
    return found


def scheduler(given: str | None) -> str | None:
    """``DPMSolverMultistep`` as diffusers calls it, DPMSolverMultistepScheduler."""
    if given is None:
        return None
    if not (given.isascii() and given.isidentifier()):
        raise BadRequest(f"scheduler must be the name of a class, not {given!r}", "scheduler")
    return given if given.endswith("Scheduler") else f"{given}Scheduler"


def memory_format(given: str) -> str:
    return checking.one_of("memory format", given, MEMORY_FORMATS, "memory_format")


def vae(given: str | None, trust: Trust = NOTHING) -> str | None:
    """tiny, a hub id or a model's folder as an absolute path."""
    if given is None or given == "tiny":
        return given
    checking.text("vae", given, "vae")
    if os.path.isdir(folders.absolute(given)):
        return str(folders.check_model(given, "vae", trust))
    if not pipelines.is_hub_id(given):
        raise BadRequest(f"vae must be tiny, ORG/NAME on the hub or a model's folder, not {given!r}", "vae")
    return given


def call_arguments(given: dict[str, Any], guidance: str, field: str) -> dict[str, Any]:
    """Further call arguments; "@FILE", a picture, becomes an absolute path.

    ``guidance`` is what the pipeline calls its guidance scale.
    """
    checking.arguments("a call argument", given, field)
    own = {**_OWN_OPTIONS, guidance: "--guidance"}
    found = dict(given)
    for name, value in given.items():
        if name in own or (name == "prompt" and isinstance(value, str)):
            raise BadRequest(
                f"the call argument {name} has an option of its own: {own.get(name, '--prompt')}", field, within=(name,)
            )
        if isinstance(value, str) and value.startswith("@"):
            path = folders.absolute(value[1:])
            if not os.path.isfile(path):
                raise BadRequest(
                    f"the call argument {name}: there is no file {checking.shown(value[1:])}", field, within=(name,)
                )
            found[name] = f"@{path}"
    return found
