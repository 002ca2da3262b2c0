"""Entries of several pipelines: each takes a picture that one before it made. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from profiler.catalog.entry import Part, Size

if TYPE_CHECKING:
    from profiler.subject import Arguments, Piece

INPUT = "_input"
"""In the arguments of a piece: the loop whose picture it takes. It isn't passed on. Without it: the first in
``Part.takes``."""


def source(part: Part, size: Size, picture: tuple[int, int]) -> str | None:
    """The loop whose picture ``part`` takes when the whole chain is to make ``picture`` (height, width); None: none.

    DeepFloyd IF's upscaler can take the picture of either stage before it, and makes it four times as high and wide.
    Raises KeyError for a picture that the chain can't make.
    """
    if len(part.takes) < 2:
        return part.takes[0] if part.takes else None
    by_picture = dict(zip(size.pictures, part.takes, strict=True))
    return by_picture[picture]


def steps(size: Size, first: Size, asked: int) -> int:
    """num_inference_steps of a part at ``size`` when ``asked`` are asked of the first part, whose size is ``first``.

    They keep the proportion of the defaults, rounded, and are at least 1.
    """
    return max(1, round(size.steps * asked / first.steps))


def call(pieces: Sequence[Piece]) -> Callable[[Arguments], Any]:
    """Calls the pieces in order, each with its own arguments; returns what the last one returned.

    The pieces before the last make tensors. A piece that makes a single picture whatever the batch size takes the first
    picture of a batch. Each picture goes on as the pipeline made it, with values from -1 to 1, as in the published
    benchmark.
    """

    def run(arguments: Arguments) -> Any:
        pictures: dict[str, Any] = {}
        result: Any = None
        for piece in pieces:
            given = dict(arguments[piece.loop])
            part = piece.part
            loop = given.pop(INPUT, None) or (part.takes[0] if part is not None and part.takes else None)
            if loop is not None:
                given["image"] = pictures[loop] if part is not None and part.batched else pictures[loop][:1]
            if piece is not pieces[-1]:
                given["output_type"] = "pt"
            result = piece.pipe(**given)
            pictures[piece.loop] = result.images
        return result

    return run
