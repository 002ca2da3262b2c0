"""Call arguments of pipelines that are not the catalogue's: what the signature of ``__call__`` asks for."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from profiler.catalog.errors import BuildError
from profiler.request import Workload
from profiler.subject import Piece

Arguments = dict[str, Any]

_FROM_PICTURES = (
    "Img2Img|ImageToImage|Image2Image|ImageToVideo|Image2Video|Inpaint|Fill|ControlNet|Adapter|Upscale|SuperResolution"
    "|Edit|Depth|Pix2Pix|Redux"
)
PICTURES = {
    "image": re.compile(_FROM_PICTURES),
    "mask_image": re.compile("Inpaint|Fill"),
    "control_image": re.compile("Control"),
}
"""Arguments that are pictures, and the pipeline classes that need them even where the signature has a default."""
FRAMES = {
    "video": re.compile("VideoToVideo|Video2Video"),
    "control_video": re.compile("FunControl"),
    "conditioning_frames": re.compile("AnimateDiff.*ControlNet"),
}
"""Arguments that are several pictures, and the classes that need them whatever the signature says."""
OPTIONS = {
    "height": "height",
    "width": "width",
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "frames": "num_frames",
    "strength": "strength",
}
"""Workload fields and the call arguments that they are given as."""
USUAL_PIXELS = 512
PAST = ("callback", "callback_steps")
"""What diffusers' pipelines still take in ``**kwargs``."""


def parameters(pipe: Any) -> Mapping[str, inspect.Parameter]:
    """What a call of ``pipe`` takes, by name. A class that passes ``**arguments`` on takes what its base class does."""
    found: dict[str, inspect.Parameter] = {}
    for kind in type(pipe).__mro__:
        if "__call__" not in vars(kind):
            continue
        own = dict(inspect.signature(vars(kind)["__call__"]).parameters)
        own.pop("self", None)
        if kind.__module__.startswith("diffusers."):
            own = _without_leftovers(own)
        found = {name: one for name, one in found.items() if one.kind is not one.VAR_KEYWORD}
        found |= {name: one for name, one in own.items() if name not in found}
        if not any(one.kind is one.VAR_KEYWORD for one in own.values()):
            break
    return found


def _without_leftovers(own: dict[str, inspect.Parameter]) -> dict[str, inspect.Parameter]:
    """In diffusers itself ``**kwargs`` of a call is for arguments of the past, and swallows those misspelt."""
    named = {name: one for name, one in own.items() if one.kind is not one.VAR_KEYWORD}
    if len(named) < len(own):
        past = (inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in PAST)
        named |= {one.name: one for one in past if one.name not in named}
    return named


def takes(pipe: Any, name: str) -> bool:
    """Whether a call of ``pipe`` takes the argument ``name``."""
    known = parameters(pipe)
    return name in known or any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())


def not_taken(name: str, pipes: Sequence[Any]) -> str:
    """Says, for people, that no call of ``pipes`` takes the argument ``name``, and what it takes."""
    known = dict.fromkeys(key for pipe in pipes for key, parameter in parameters(pipe).items() if _named(parameter))
    close = difflib.get_close_matches(name, known, n=1)
    hint = f", did you mean {close[0]!r}?" if close else ""
    kinds = " or ".join(dict.fromkeys(type(pipe).__name__ for pipe in pipes))
    return f"a call of {kinds} takes no {name!r}{hint} (it takes: {', '.join(known)})"


def generators(workload: Workload, device: str, images: int) -> list[torch.Generator]:
    """One generator an image, seeded ``seed``, ``seed + 1``, ...

    They live on the device, as drawing on the host would put a copy into every step of a scheduler that adds noise.
    """
    return [torch.Generator(device).manual_seed(workload.seed + image) for image in range(images)]


def dtype_of(workload: Workload) -> torch.dtype:
    """The type that the pipeline computes in."""
    return getattr(torch, workload.dtype)


def own_arguments(piece: Piece, workload: Workload, device: str, given: Arguments) -> Arguments:
    """The arguments of one call, ``given`` ones aside: prompts, pictures that are made up, generators, options.

    Raises BuildError for an option of the workload that the pipeline doesn't take, and for an argument that it needs
    and nobody gave.
    """
    pipe, batch = piece.pipe, workload.batch_size
    known = parameters(pipe)
    arguments = _options(pipe, workload, given)
    if "prompt" in known and not any("prompt" in name for name in given):
        # One alone as most people give it: some pipelines take no list.
        arguments["prompt"] = [workload.prompt] * batch if batch > 1 else workload.prompt
    elif "batch_size" in known and "batch_size" not in given:
        arguments["batch_size"] = batch
    for name in pictures_needed(pipe, given):
        picture = _mask(pipe, workload) if "mask" in name else _picture(pipe, workload)
        # Without prompts the pictures alone say how many there are.
        arguments[name] = [picture] * batch if "prompt" not in known and batch > 1 else picture
    _check_missing(pipe, {*arguments, *given})
    counting = {"prompt", "batch_size", "class_labels", *PICTURES} & {*arguments, *given}
    if batch > 1 and not counting and not any("prompt" in name for name in given):
        raise BuildError(f"a call of {type(pipe).__name__} makes one picture: use --batch-size 1")
    if "generator" in known and "generator" not in given:
        drawn = generators(workload, device, batch)
        arguments["generator"] = drawn if batch > 1 else drawn[0]
    return arguments


def _check_missing(pipe: Any, given: Collection[str]) -> None:
    name = type(pipe).__name__
    missing = [argument for argument in required(pipe) if argument not in given]
    if missing and missing[0] not in FRAMES:
        raise BuildError(f"a call of {name} needs {', '.join(missing)}: give it with --call {missing[0]}=VALUE")
    missing += [frames for frames, kinds in FRAMES.items() if kinds.search(name) and frames in parameters(pipe)]
    missing = [frames for frames in dict.fromkeys(missing) if frames not in given]
    if missing:
        raise BuildError(
            f"a call of {name} needs {' and '.join(missing)}, a list of pictures: a function of yours can give it,"
            " FILE.py:FUNCTION"
        )


def required(pipe: Any) -> list[str]:
    """The arguments that a call of ``pipe`` can't do without."""
    return [
        name
        for name, parameter in parameters(pipe).items()
        if parameter.default is parameter.empty and _named(parameter)
    ]


def pictures_needed(pipe: Any, given: Collection[str]) -> list[str]:
    """The arguments of a call of ``pipe`` that are pictures, needed and not ``given``."""
    needed, kind = required(pipe), type(pipe).__name__
    names = [name for name in needed if name == "image" or name.endswith("_image")]
    names += [name for name, kinds in PICTURES.items() if name in parameters(pipe) and kinds.search(kind)]
    return [name for name in dict.fromkeys(names) if name not in given]


def _named(parameter: inspect.Parameter) -> bool:
    return parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)


def _options(pipe: Any, workload: Workload, given: Arguments) -> Arguments:
    arguments: Arguments = {}
    for field, name in OPTIONS.items():
        value = getattr(workload, field)
        if value is None:
            continue
        if not takes(pipe, name):
            raise BuildError(not_taken(name, [pipe]))
        if name not in given:
            arguments[name] = value
    return arguments


# --- pictures that are made up ----------------------------------------------------------------------------------------


def _picture(pipe: Any, workload: Workload) -> Any:
    """Soft patches of colour, from the seed."""
    import PIL.Image

    height, width = _pixels(pipe, workload)
    generator = torch.Generator().manual_seed(workload.seed)
    patches = torch.randint(0, 256, (8, 8, 3), dtype=torch.uint8, generator=generator)
    return PIL.Image.fromarray(patches.numpy()).resize((width, height), PIL.Image.Resampling.BICUBIC)


def _mask(pipe: Any, workload: Workload) -> Any:
    """The left half is white: it is painted anew."""
    import PIL.Image

    height, width = _pixels(pipe, workload)
    mask = PIL.Image.new("L", (width, height))
    mask.paste(255, (0, 0, width // 2, height))
    return mask


def own_side(pipe: Any) -> int:
    """Height and width in pixels of the picture that ``pipe`` makes, or an upscaler takes, when it isn't told."""
    # Never asked for their truth: a compiled module has a length that raises.
    denoisers = [found for name in ("unet", "transformer") if (found := getattr(pipe, name, None)) is not None]
    samples = [getattr(pipe, "default_sample_size", None)]
    samples += [getattr(getattr(denoiser, "config", None), "sample_size", None) for denoiser in denoisers]
    sample = next((found for found in samples if isinstance(found, int)), None)
    # An upscaler is given a picture as high and wide as its latents are.
    scale = 1 if "Upscale" in type(pipe).__name__ else getattr(pipe, "vae_scale_factor", 1)
    return sample * scale if sample is not None and isinstance(scale, int) else USUAL_PIXELS


def _pixels(pipe: Any, workload: Workload) -> tuple[int, int]:
    """Height and width of a picture for ``pipe``: those asked for, else the ones that it makes by itself."""
    side = own_side(pipe)
    return workload.height or side, workload.width or side
