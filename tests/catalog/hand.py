"""Call arguments made by hand from what the catalogue says, for pipelines built by it."""

from __future__ import annotations

from typing import Any

import torch

from profiler.catalog import Size, Tensor, chains
from profiler.subject import Piece, Subject


def arguments(subject: Subject, batch: int = 1, picture: tuple[int, int] | None = None, **options: Any) -> Any:
    """What ``subject.call`` takes for ``batch`` pictures, of a chain those that end in ``picture`` (height, width)."""
    given = {piece.loop: _of(piece, batch, options) for piece in subject.pieces}
    if len(given) == 1:
        return given[subject.pieces[0].loop]
    for piece in subject.pieces:
        assert piece.part is not None
        assert piece.size is not None
        if len(piece.part.takes) > 1:
            given[piece.loop][chains.INPUT] = chains.source(piece.part, piece.size, picture or piece.size.pictures[0])
    return given


def _of(piece: Piece, batch: int, options: dict[str, Any]) -> dict[str, Any]:
    part, size = piece.part, piece.size
    assert part is not None
    assert size is not None
    images = batch if part.batched else 1
    made: dict[str, Any] = {
        "num_inference_steps": 2,
        part.guidance_argument: options.get("guidance", size.guidance),
        "generator": [torch.Generator().manual_seed(seed) for seed in range(images)],
        "output_type": "pt",
        **part.arguments,
        **size.arguments,
        **{name: tensor(one, size, images) for name, one in part.inputs.items()},
    }
    if part.sized:
        made |= {"height": size.height, "width": size.width}
    if size.frames is not None:
        made["num_frames"] = size.frames
    if part.strength is not None:
        made["strength"] = part.strength
    guided = made[part.guidance_argument] > part.guidance_threshold
    if piece.embeds:
        made["negative_prompt"] = None
        for name, one in size.embeddings.items():
            if guided or not name.startswith("negative_"):
                made[name] = tensor(one, size, images)
    else:
        made["prompt"] = ["a castle"] * images
        if part.negative_prompt is not None:
            made["negative_prompt"] = [part.negative_prompt] * images
    return made


def tensor(what: Tensor, size: Size, batch: int) -> Any:
    lengths = {"batch": batch, "tokens": size.tokens, "height": size.height, "width": size.width}
    shape = []
    for length in what.shape:
        name, _, divisor = str(length).partition("/")
        shape.append(length if isinstance(length, int) else lengths[name] // int(divisor or 1))
    generator = torch.Generator().manual_seed(1)
    if what.fill == "ones":
        values = torch.ones(shape, dtype=torch.int64)
    elif what.fill == "mask":
        values = torch.zeros(shape)
        values[..., : shape[-1] // 2] = 1
    elif what.fill == "picture":
        values = torch.rand(shape, generator=generator)
    else:
        values = torch.randn(shape, generator=generator)
    return list(values) if what.listed else values


def pictures(result: Any) -> torch.Tensor:
    """What a call returned, with the batch first."""
    made = result.images if hasattr(result, "images") else result.frames
    assert isinstance(made, torch.Tensor)
    return made
