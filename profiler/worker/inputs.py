"""What each call passes to the pipeline: the same noise, pictures and embeddings every time."""

from __future__ import annotations

import inspect
import os
import stat
import zlib
from typing import Any

import torch

from profiler.catalog import chains
from profiler.catalog.entry import Part, Size, Tensor
from profiler.catalog.errors import BuildError
from profiler.request import Workload
from profiler.subject import Piece, Subject
from profiler.variants import Unsupported
from profiler.worker.setting import Setting
from profiler.worker.signature import Arguments, dtype_of, generators, not_taken, own_arguments, parameters, takes

PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""Of pictures in files. Pillow reads many more, some of them with another program, as EPS with Ghostscript."""


def call_arguments(subject: Subject, setting: Setting, device: str) -> Arguments:
    """The keyword arguments of one call: of a chain those of each piece, by the loop name of the piece.

    Everything is drawn from the workload's seed: all calls get the same, and image i gets the same whatever the batch
    size. In a chain the workload's guidance and picture are for the first piece and the last; the others have their
    own, and as many steps as keep the proportion. Raises BuildError for an argument that no pipeline of the subject
    takes, Unsupported for latents that can't be given.
    """
    further = _checked(subject, setting)
    if len(subject.pieces) == 1:
        return _of_piece(subject, subject.pieces[0], setting, device, further)
    return {piece.loop: _of_piece(subject, piece, setting, device, further) for piece in subject.pieces}


def images_per_call(subject: Subject, arguments: Arguments) -> int:
    """How many pictures (or videos) a call with ``arguments`` returns."""
    if len(subject.pieces) > 1:
        arguments = arguments[subject.pieces[-1].loop]
    each = arguments.get("num_images_per_prompt") or arguments.get("num_videos_per_prompt") or 1
    for name in ("prompt", "prompt_embeds", "class_labels", "generator"):
        value = arguments.get(name)
        if isinstance(value, list | torch.Tensor):
            return max(len(value), 1) * int(each)
    batch_size = arguments.get("batch_size")
    return (batch_size if isinstance(batch_size, int) else 1) * int(each)


def _of_piece(subject: Subject, piece: Piece, setting: Setting, device: str, further: Arguments) -> Arguments:
    further = {name: _fresh(value) for name, value in further.items() if takes(piece.pipe, name)}
    if piece.part is None or piece.size is None:
        arguments = own_arguments(piece, setting.workload, device, further)
    else:
        arguments = _of_part(subject, piece, piece.part, piece.size, setting, device, further)
    arguments |= further
    if setting.latents_format is not None and piece is subject.pieces[0]:
        arguments["latents"] = _latents(piece.pipe, setting, device, arguments)
    return arguments


# --- a pipeline of the catalogue --------------------------------------------------------------------------------------


def _of_part(
    subject: Subject, piece: Piece, part: Part, size: Size, setting: Setting, device: str, further: Arguments
) -> Arguments:
    workload, first = setting.workload, piece is subject.pieces[0]
    batch = workload.batch_size if part.batched else 1
    picture = _picture(subject, piece, size, workload)
    guidance = workload.guidance if first else size.guidance
    arguments: Arguments = {
        "num_inference_steps": steps_of(subject, piece, workload),
        part.guidance_argument: guidance,
        "generator": generators(workload, device, batch),
    }
    if part.sized:
        arguments |= {"height": picture[0], "width": picture[1]}
    if size.frames is not None:
        arguments["num_frames"] = workload.frames or size.frames
    if part.strength is not None:
        arguments["strength"] = part.strength if workload.strength is None else workload.strength
    arguments |= part.arguments
    arguments |= size.arguments
    made = _Maker(workload, device, batch, setting.tokens or size.tokens, picture)
    arguments |= {name: made(name, tensor) for name, tensor in part.inputs.items()}
    guided = float(further.get(part.guidance_argument, guidance) or 0) > part.guidance_threshold
    if piece.embeds or setting.tokens is not None or not part.prompts:
        for name, tensor in size.embeddings.items():
            if guided or not name.startswith("negative_"):
                arguments[name] = made(name, tensor)
        _no_prompts(piece.pipe, arguments)
    else:
        arguments["prompt"] = [workload.prompt] * batch
        if guided and part.negative_prompt is not None:
            arguments["negative_prompt"] = [part.negative_prompt] * batch
    if len(part.takes) > 1:
        # Which of the pictures before it this piece takes decides what the chain makes.
        last = subject.pieces[-1].size or size
        arguments[chains.INPUT] = chains.source(part, size, _asked(workload, last))
    return arguments


def steps_of(subject: Subject, piece: Piece, workload: Workload) -> int | None:
    """num_inference_steps of a piece from the catalogue: the workload's are the first one's."""
    first = subject.pieces[0]
    if piece is first or piece.size is None or first.size is None or workload.steps is None:
        return workload.steps
    return chains.steps(piece.size, first.size, workload.steps)


def _asked(workload: Workload, size: Size) -> tuple[int, int]:
    """Height and width of the picture that is asked of the whole subject, in pixels."""
    return workload.height or size.height, workload.width or size.width


def _picture(subject: Subject, piece: Piece, size: Size, workload: Workload) -> tuple[int, int]:
    """Height and width of the picture that a piece makes, in pixels: the workload's are the last one's."""
    return _asked(workload, size) if piece is subject.pieces[-1] else (size.height, size.width)


def _no_prompts(pipe: Any, arguments: Arguments) -> None:
    """Where embeddings stand in for the prompts, texts that default to "" must be told to be None."""
    known = parameters(pipe)
    for name in ("prompt", "negative_prompt"):
        if name in known and known[name].default is not None:
            arguments.setdefault(name, None)


class _Maker:
    """Makes the tensors of a call. Image i's are drawn from ``seed + i`` and the argument's name, on the CPU."""

    def __init__(self, workload: Workload, device: str, batch: int, tokens: int, picture: tuple[int, int]) -> None:
        self._workload = workload
        self._device = device
        self._batch = batch
        self._sizes = {"tokens": tokens, "height": picture[0], "width": picture[1]}

    def __call__(self, name: str, tensor: Tensor) -> torch.Tensor | list[torch.Tensor]:
        batched = tensor.shape[0] == "batch"
        shape = tuple(self._length(length) for length in (tensor.shape[1:] if batched else tensor.shape))
        images = [self._image(name, tensor.fill, shape, image) for image in range(self._batch if batched else 1)]
        if tensor.listed:
            return images
        return torch.stack(images) if batched else images[0]

    def _length(self, length: int | str) -> int:
        if isinstance(length, int):
            return length
        name, _, divisor = length.partition("/")
        return self._sizes[name] // int(divisor or 1)

    def _image(self, name: str, fill: str, shape: tuple[int, ...], image: int) -> torch.Tensor:
        if fill == "ones":
            return torch.ones(shape, dtype=torch.int64, device=self._device)
        if fill == "mask":
            values = torch.zeros(shape)
            values[..., : shape[-1] // 2] = 1
        else:
            values = torch.empty(shape)
            # Another stream for each argument, and another one than the latents'.
            generator = torch.Generator().manual_seed((self._workload.seed + image + zlib.crc32(name.encode())) % 2**63)
            if fill == "picture":
                values.uniform_(0, 1, generator=generator)
            else:
                values.normal_(generator=generator)
        return values.to(device=self._device, dtype=dtype_of(self._workload))


# --- latents in a memory format ---------------------------------------------------------------------------------------


def _latents(pipe: Any, setting: Setting, device: str, arguments: Arguments) -> torch.Tensor:
    """The latents that the pipeline would draw from the call's own generators, in the memory format asked for."""
    from diffusers.utils.torch_utils import randn_tensor

    workload = setting.workload
    shape = _latents_shape(pipe, workload, device, arguments)
    if len(shape) != 4:
        raise Unsupported(f"{setting.latents_format} latents need pictures: those of {type(pipe).__name__} are {shape}")
    latents = randn_tensor(
        shape, generator=arguments["generator"], device=torch.device(device), dtype=dtype_of(workload)
    )
    return latents.to(memory_format=getattr(torch, setting.latents_format or ""))


def _latents_shape(pipe: Any, workload: Workload, device: str, arguments: Arguments) -> tuple[int, ...]:
    name = type(pipe).__name__
    if not takes(pipe, "latents"):
        raise Unsupported(f"{name} takes no latents")
    height, width, picture = workload.height, workload.width, arguments.get("image")
    if isinstance(picture, torch.Tensor) and not takes(pipe, "height"):
        height, width = picture.shape[-2:]  # an upscaler's latents are of the picture that it is given
    offered: Arguments = {
        "batch_size": workload.batch_size,
        "num_channels_latents": _latent_channels(pipe),
        "height": height,
        "width": width,
        "dtype": dtype_of(workload),
        "device": torch.device(device),
        "generator": generators(workload, device, workload.batch_size),
    }
    try:
        known = inspect.signature(pipe.prepare_latents).parameters
        made = pipe.prepare_latents(**{key: value for key, value in offered.items() if key in known})
        return tuple((made if isinstance(made, torch.Tensor) else made[0]).shape)
    except (AttributeError, TypeError, ValueError) as error:
        raise Unsupported(f"the shape of {name}'s latents can't be found out: {error}") from error


def _latent_channels(pipe: Any) -> int:
    vae = getattr(pipe, "vae", None)
    channels = getattr(getattr(vae, "config", None), "latent_channels", None)
    if channels is None:
        denoiser = getattr(pipe, "unet", None) or pipe.transformer
        channels = denoiser.config.in_channels
    return int(channels)


# --- further arguments ------------------------------------------------------------------------------------------------


def _checked(subject: Subject, setting: Setting) -> Arguments:
    """What was asked for on top: of the workload, then of the leg. Raises BuildError for what nothing takes."""
    further = {name: _from_file(name, value) for name, value in setting.workload.call.items()} | setting.arguments
    for piece in subject.pieces:
        further = {**piece.given, **further}
    for name in further:
        if not any(takes(piece.pipe, name) for piece in subject.pieces):
            raise BuildError(not_taken(name, [piece.pipe for piece in subject.pieces]))
    return further


def _fresh(value: Any) -> Any:
    """``value`` with lists and tables of its own: a call that changes them leaves the next one's alone."""
    if type(value) is dict:
        return {key: _fresh(inner) for key, inner in value.items()}
    if type(value) is list:
        return [_fresh(inner) for inner in value]
    return value


def _from_file(name: str, value: Any) -> Any:
    """``value``; the picture in the file PATH for "@PATH". Raises BuildError."""
    if not (isinstance(value, str) and value.startswith("@")):
        return value
    import PIL.Image

    try:
        # A fifo without a writer would be waited for.
        descriptor = os.open(value[1:], os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("it is no regular file")
            with PIL.Image.open(file, formats=PICTURE_FORMATS) as picture:
                return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        unknown = isinstance(error, PIL.UnidentifiedImageError)
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        why = f"it is none of {', '.join(PICTURE_FORMATS)}" if unknown else said
        raise BuildError(f"the argument {name!r}: no picture can be read from {value[1:]}: {why}") from error
