"""The pictures that a call made, kept as PNG files, and small as PPM files, which a terminal shows without a library.

Pictures are taken from whatever the pipeline returned, as it is called anyway: PIL's, numpy's or torch's, of images or
of videos. They are written when the run has been measured: encoding takes time and memory.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import torch

from profiler import sessions

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PICTURES = 16
"""Images of a batch that are kept; of videos a third as many, since each is kept as three frames."""
THUMBNAIL_SIDE = 160
"""Pixels on the longer side: as half blocks 160 columns, 80 rows, more than most terminals have for one picture."""
OFFERED = ("images", "frames")
PHASE = "pictures"


@dataclass
class Taken:
    """Pictures by the name of their files. ``text`` says what is kept where that isn't all, or why nothing is."""

    pictures: list[tuple[str, Any]] = field(default_factory=list)  # PIL's, or arrays of height, width and channels
    text: str | None = None


@dataclass
class Saved:
    images: list[str] = field(default_factory=list)
    thumbnails: list[str] = field(default_factory=list)
    problem: str | None = None


def take(output: Any) -> Taken:
    """The pictures in what a pipeline returned; they hold on to nothing on a device. Never raises for its content."""
    try:
        return _taken(_offered(output))
    except Exception as error:
        # The user's own pipeline may return anything, and a run that was measured isn't to fail for a picture.
        return Taken(text=f"no pictures kept: {type(error).__name__}: {_first_line(error)}")


def save(taken: Taken, folder: Path) -> Saved:
    """Write the pictures into ``folder``, each file whole or not at all. What can't be written ends it: ``problem``
    says why, and what was written before counts.
    """
    saved = Saved()
    try:
        for name, picture in taken.pictures:
            image = _image(picture)
            sessions.write_atomically(folder / f"{name}.png", _png(image))
            saved.images.append(f"{name}.png")
            sessions.write_atomically(folder / f"{name}.ppm", _ppm(image))
            saved.thumbnails.append(f"{name}.ppm")
    except Exception as error:
        # As in take: PIL alone raises half a dozen kinds for what it can't write.
        # Of an error of the system without the file's path, which says where its user's home is.
        why = (error.strerror if isinstance(error, OSError) else None) or _first_line(error)
        saved.problem = f"pictures not saved: {why}"
    return saved


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


# --- what a pipeline returns ------------------------------------------------------------------------------------------


def _offered(output: Any) -> Any:
    """What holds the pictures; None: nothing does."""
    found = next((value for name in OFFERED if (value := getattr(output, name, None)) is not None), None)
    if found is None and isinstance(output, tuple) and output:
        return output[0]  # of a call with return_dict=False
    if found is None and not hasattr(output, "keys"):
        return output  # the user's own pipeline may return pictures as they are
    return found


def _taken(found: Any) -> Taken:
    """Of a batch of pictures the first ones, of a batch of videos three frames each."""
    if _is_picture(found):
        found = [found]
    if isinstance(found, list | tuple) and found and all(_frames_of(one) for one in found):
        return _videos(found)
    if isinstance(found, torch.Tensor):
        if not found.is_floating_point() and found.dtype != torch.uint8:
            return Taken(text=f"no pictures kept: the pipeline returned a tensor of {found.dtype}")
        if found.ndim == 5 and found.shape[2] in (1, 3, 4):  # video, frame, channel, height, width
            return _videos(found)
        if found.ndim == 4 and found.shape[1] in (1, 3):
            return _images(found)
        return Taken(text=f"no pictures kept: the pipeline returned a tensor of {_shape(found)}, as latents are")
    if isinstance(found, numpy.ndarray):
        if found.ndim == 5 and found.shape[-1] in (1, 3, 4):
            return _videos(found)
        if found.ndim == 4 and found.shape[-1] in (1, 3, 4):
            return _images(found)
        return Taken(text=f"no pictures kept: the pipeline returned an array of {_shape(found)}")
    if isinstance(found, list | tuple) and found and all(_is_picture(one) for one in found):
        return _images(found)
    kind = "nothing" if found is None else f"a value of type {type(found).__name__}"
    return Taken(text=f"no pictures kept: the pipeline returned {kind} where pictures were looked for")


def _is_picture(value: Any) -> bool:
    from PIL.Image import Image

    return isinstance(value, Image) or (isinstance(value, numpy.ndarray) and value.ndim == 3)


def _frames_of(value: Any) -> bool:
    """Whether ``value`` is a video: a list of pictures, or an array of them."""
    if isinstance(value, numpy.ndarray | torch.Tensor):
        return value.ndim == 4
    return isinstance(value, list | tuple) and bool(value) and all(_is_picture(one) for one in value)


def _shape(value: Any) -> str:
    return "x".join(str(int(length)) for length in value.shape)


def _images(batch: Sequence[Any] | Any) -> Taken:
    count = len(batch)
    pictures = [(f"image-{number + 1}", _own(batch[number])) for number in range(min(count, MOST_PICTURES))]
    return Taken(
        pictures, None if count <= MOST_PICTURES else f"the first {MOST_PICTURES} of {count} pictures are kept"
    )


def _videos(batch: Sequence[Any] | Any) -> Taken:
    most = MOST_PICTURES // 3
    pictures: list[tuple[str, Any]] = []
    for number in range(min(len(batch), most)):
        frames = batch[number]
        last = len(frames) - 1
        # Named by the frame, counted from 1.
        chosen = sorted({0, last // 2, last})
        pictures += [(f"video-{number + 1}-frame-{frame + 1}", _own(frames[frame])) for frame in chosen]
    text = f"of each video of {len(batch[0])} frames the first, the middle and the last one are kept as pictures"
    return Taken(pictures, text if len(batch) <= most else f"{text}, of the first {most} of {len(batch)} videos")


def _own(picture: Any) -> Any:
    """``picture`` by itself: not the batch or the device that it is a part of."""
    if isinstance(picture, torch.Tensor):
        picture = picture.detach().to("cpu")
        picture = picture if picture.dtype == torch.uint8 else picture.float()
        return picture.permute(1, 2, 0).contiguous().numpy().copy()
    if isinstance(picture, numpy.ndarray) and picture.dtype.kind != "f" and picture.dtype != numpy.uint8:
        raise TypeError(f"the pipeline returned an array of {picture.dtype}, of which nothing says what is white")
    return picture.copy()


# --- files ------------------------------------------------------------------------------------------------------------


def _image(picture: Any) -> Image:
    """PIL's picture. Arrays of floats have values from 0 to 1, as diffusers' image processors give them."""
    import PIL.Image

    if isinstance(picture, PIL.Image.Image):
        return picture.convert("RGB")
    values = picture
    if values.dtype != numpy.uint8:
        values = numpy.nan_to_num(values.astype(numpy.float32), nan=0.0, posinf=1.0, neginf=0.0)
        values = (values.clip(0, 1) * 255).round().astype(numpy.uint8)
    if values.shape[-1] == 1:
        values = values[..., 0]
    return PIL.Image.fromarray(values).convert("RGB")


def _png(image: Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def _ppm(image: Image) -> bytes:
    """The picture as binary PPM with 8 bits a channel, not larger than it was."""
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return f"P6\n{small.width} {small.height}\n255\n".encode() + small.tobytes()
