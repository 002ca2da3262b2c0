"""What is resolved by what the catalogue says of a pipeline."""

from __future__ import annotations

import os
from typing import Any

from profiler import attention
from profiler.catalog import Component, Entry, Part, Size
from profiler.catalog import folders as catalog_folders
from profiler.request import checking, folders, values
from profiler.request.model import BadRequest
from profiler.request.options import Options

_CONVOLUTIONAL = ("UNet2DConditionModel", "ControlNetModel")


def fields(entry: Entry, options: Options, batch_size: int, device: str) -> dict[str, Any]:
    """Those fields of a workload that depend on the entry, by name. Raises BadRequest."""
    defaults = entry.defaults(options.size)
    if batch_size > 1 and not entry.part.batched:
        raise BadRequest(f"{entry.name} makes one picture a call: batch size 1 would work", "batch_sizes")
    _check_components(entry, defaults, options)
    height, width = _picture(entry, defaults, options)
    return {
        "weights": _weights(entry, options),
        "height": height,
        "width": width,
        "frames": _frames(entry, defaults, options),
        "steps": values.steps(defaults.steps if options.steps is None else options.steps),
        "guidance": _guidance(entry, defaults, options),
        "strength": _strength(entry, options),
        "scheduler": _scheduler(entry, options.scheduler),
        "memory_format": values.memory_format(options.memory_format or _memory_format(entry.part, defaults, device)),
        "text_encoders": _text_encoders(entry, options),
        "prompt": _prompt(entry, options),
    }


# --- the picture ------------------------------------------------------------------------------------------------------


def _picture(entry: Entry, defaults: Size, options: Options) -> tuple[int, int]:
    """Height and width."""
    if defaults.pictures:
        return _one_picture(entry, defaults, options)
    height = defaults.height if options.height is None else options.height
    width = defaults.width if options.width is None else options.width
    return (
        values.pixels("height", height, entry.multiple, entry.name),
        values.pixels("width", width, entry.multiple, entry.name),
    )


def _one_picture(entry: Entry, defaults: Size, options: Options) -> tuple[int, int]:
    own = (defaults.height, defaults.width)
    pictures = sorted(defaults.pictures, key=lambda picture: picture != own)
    for height, width in pictures:
        if options.height in (None, height) and options.width in (None, width):
            return height, width
    made = " or ".join(f"{width}x{height}" for height, width in pictures)
    asked = " and ".join(
        f"{name} {given}" for name, given in (("height", options.height), ("width", options.width)) if given is not None
    )
    raise BadRequest(
        f"{entry.name} at size {options.size} makes pictures of {made} (width x height) only, not {asked}",
        "height" if options.height is not None else "width",
    )


def _frames(entry: Entry, defaults: Size, options: Options) -> int | None:
    if defaults.frames is None:
        if options.frames is not None:
            raise BadRequest(f"{entry.name} makes pictures, not videos: drop --frames", "frames")
        return None
    frames = values.frames(defaults.frames if options.frames is None else options.frames)
    if (frames - 1) % values.FRAME_STEP:
        nearest = round((frames - 1) / values.FRAME_STEP) * values.FRAME_STEP + 1
        raise BadRequest(
            f"frames must be one more than a multiple of {values.FRAME_STEP} for {entry.name}, not {frames}:"
            f" {nearest} would work",
            "frames",
        )
    return frames


# --- how it is painted ------------------------------------------------------------------------------------------------


def _guidance(entry: Entry, defaults: Size, options: Options) -> float:
    if options.guidance is None:
        return values.guidance(defaults.guidance)
    if entry.part.guidance_kind == "none":
        raise BadRequest(f"{entry.name}'s model takes no guidance: drop --guidance", "guidance")
    return values.guidance(options.guidance)


def _strength(entry: Entry, options: Options) -> float | None:
    default = entry.part.strength
    if options.strength is None:
        return default
    if default is None:
        raise BadRequest(f"{entry.name} starts from noise and takes no strength: drop --strength", "strength")
    return values.strength(options.strength)


def _scheduler(entry: Entry, given: str | None) -> str | None:
    """The full class name of a scheduler that can take the place of the entry's."""
    name = values.scheduler(given)
    own = entry.part.sizes["full"].components.get("scheduler")
    allowed = tuple(dict.fromkeys([*entry.schedulers, *([own.cls] if own is not None else [])]))
    if name is None or name in allowed:
        return name
    short = [each.removesuffix("Scheduler") for each in allowed]
    raise BadRequest(
        f"{given!r} can't take the place of {entry.name}'s scheduler{checking.hint(given or '', [*short, *allowed])}"
        f" (these can: {', '.join(short)})",
        "scheduler",
    )


def _memory_format(part: Part, size: Size, device: str) -> str:
    # As in the published benchmark: cuDNN's convolutions want their channels last.
    convolutional = any(size.components[name].cls in _CONVOLUTIONAL for name in part.denoisers)
    return "channels_last" if convolutional and device.startswith("cuda") else "contiguous"


# --- what it is made of -----------------------------------------------------------------------------------------------


def _weights(entry: Entry, options: Options) -> str:
    """random, hub or a folder as an absolute path."""
    given = checking.text("weights", options.weights, "weights")
    if given == "random":
        return given
    if given == "hub":
        if options.size != "full":
            raise BadRequest(
                f"the hub has {entry.name} at its full size only: use --size full, or --weights random", "weights"
            )
        if any(part.model_id is None for part in entry.parts):
            raise BadRequest(f"{entry.name} has no weights on the hub: use --weights random or a folder", "weights")
        return given
    folder = folders.absolute(given)
    if not os.path.isdir(folder):
        raise BadRequest(
            f"--weights must be random, hub or a pipeline's folder; there is no folder {checking.shown(given)}",
            "weights",
        )
    for part in entry.parts:
        each = str(folder / catalog_folders.of_part(part)) if len(entry.parts) > 1 else given
        folders.check_pipeline(
            each, "weights", needs=part.denoisers, skip=_left_out(part, options), trust=options.trust
        )
    return str(folder)


def _left_out(part: Part, options: Options) -> list[str]:
    """Components that aren't loaded."""
    texts = [name for name in part.sizes[options.size].components if name.startswith(("text_encoder", "tokenizer"))]
    if not _embedded(part, options):
        texts = [name for name in texts if options.text_encoders == "light" and name in part.heavy]
    return [*texts, *(name for name, value in part.options.items() if value is None)]


def _check_components(entry: Entry, defaults: Size, options: Options) -> None:
    """Refuse options for components that the entry doesn't have."""
    sizes = [part.sizes[options.size] for part in entry.parts]
    has_vae = any("vae" in size.components for size in sizes)
    for field, option in (("vae_slicing", "--vae-slicing"), ("vae_tiling", "--vae-tiling"), ("vae", "--vae")):
        if getattr(options, field) and not has_vae:
            raise BadRequest(f"{entry.name} has no autoencoder: drop {option}", field)
    if options.vae == "tiny" and not all(_has_tiny_twin(size.components.get("vae")) for size in sizes):
        raise BadRequest(
            f"--vae tiny takes the place of an AutoencoderKL of four levels, not of {entry.name}'s own",
            "vae",
        )
    denoisers = [defaults.components[name].cls for name in entry.part.denoisers]
    if options.attention_slicing and not any(cls in _CONVOLUTIONAL for cls in denoisers):
        raise BadRequest(
            f"only UNets can slice their attention, {entry.name} has a {denoisers[0]}: drop --attention-slicing",
            "attention_slicing",
        )
    dispatched = options.attention in attention.BACKENDS and options.attention not in attention.WITHOUT_DISPATCHER
    if dispatched and all(cls in _CONVOLUTIONAL for cls in denoisers):
        known = ", ".join((*attention.PLAIN, *attention.WITHOUT_DISPATCHER))
        raise BadRequest(
            f"{entry.name}'s UNets don't use diffusers' attention dispatcher, which has {options.attention}:"
            f" one of {known} would work",
            "attention",
        )


def _has_tiny_twin(vae: Component | None) -> bool:
    """Whether an AutoencoderTiny, which has four levels, speaks the same latents; pipelines without one don't care."""
    return vae is None or (vae.cls == "AutoencoderKL" and len(vae.config.get("block_out_channels", ())) == 4)


def _text_encoders(entry: Entry, options: Options) -> str:
    if options.text_encoders == "none":
        for part in entry.parts:
            if part.prompts and not part.sizes[options.size].embeddings:
                raise BadRequest(
                    f"{entry.name} takes texts alone, no embeddings: --text-encoders light would work", "text_encoders"
                )
    return options.text_encoders


def _prompt(entry: Entry, options: Options) -> str:
    if options.prompt is None:
        return entry.prompt
    if all(_embedded(part, options) for part in entry.parts):
        wants = "it takes none" if options.text_encoders == "all" else "--text-encoders all would work"
        if options.text_encoders == "none":
            wants = "drop --text-encoders none or the prompt"
        raise BadRequest(
            f"{entry.name}'s prompt is random embeddings, as its text encoders are left out: {wants}", "prompt"
        )
    return checking.text("prompt", options.prompt, "prompt")


def _embedded(part: Part, options: Options) -> bool:
    """Whether embeddings stand in for the prompts of a part."""
    if not part.prompts or options.text_encoders == "none":
        return True
    return options.text_encoders == "light" and bool(part.heavy) and not part.heavy_optional
