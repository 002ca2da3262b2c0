"""DeepFloyd IF: three pipelines, the pictures that go from one to the next, steps in proportion."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from profiler import catalog
from profiler.catalog import Part, chains
from profiler.catalog.build import build
from profiler.subject import Piece
from tests.catalog import hand

IF = catalog.find("deepfloyd-if")
LAST = IF.parts[-1]


def test_the_upscaler_takes_the_first_stages_picture_as_published_or_the_second_ones() -> None:
    size = LAST.sizes["full"]
    assert chains.source(LAST, size, (256, 256)) == "IF-I"
    assert chains.source(LAST, size, (1024, 1024)) == "IF-II"
    assert chains.source(IF.parts[1], IF.parts[1].sizes["full"], (256, 256)) == "IF-I"
    assert chains.source(IF.parts[0], IF.parts[0].sizes["full"], (256, 256)) is None
    with pytest.raises(KeyError):
        chains.source(LAST, size, (512, 512))


@pytest.mark.parametrize("size", ["full", "tiny"])
def test_a_picture_is_four_times_the_one_that_it_is_made_from(size: str) -> None:
    heights = {part.loop: part.sizes[size].height for part in IF.parts}
    last = LAST.sizes[size]
    assert [height for height, _ in last.pictures] == [4 * heights[loop] for loop in LAST.takes]
    assert (IF.defaults(size).height, IF.defaults(size).width) == last.pictures[0]
    assert IF.defaults(size).pictures == last.pictures
    assert set(last.pictures) <= set(IF.pictures)


def test_steps_keep_their_proportion() -> None:
    first, second, third = (part.sizes["full"] for part in IF.parts)
    assert [chains.steps(size, first, 100) for size in (first, second, third)] == [100, 50, 75]
    assert [chains.steps(size, first, 20) for size in (first, second, third)] == [20, 10, 15]
    assert [chains.steps(size, first, 1) for size in (first, second, third)] == [1, 1, 1]


def pipe(name: str, calls: list[tuple[str, dict[str, Any]]]) -> Any:
    def call(**arguments: Any) -> Any:
        calls.append((name, arguments))
        return SimpleNamespace(images=[f"{name} {image}" for image in range(3)])

    return call


def part(loop: str, **other: Any) -> Part:
    return Part(loop=loop, pipeline_cls="", denoisers=(), regional_engines={}, sizes={}, **other)


def test_every_piece_is_called_with_its_own_arguments_and_the_picture_that_it_takes() -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    parts = [part("a"), part("b", takes=("a",)), part("c", takes=("a", "b"), batched=False)]
    call = chains.call([Piece(pipe(one.loop, calls), (), loop=one.loop, part=one) for one in parts])
    given = {"a": {"prompt": "x"}, "b": {}, "c": {"noise_level": 1, chains.INPUT: "b"}}
    result = call(given)
    assert calls == [
        ("a", {"prompt": "x", "output_type": "pt"}),
        ("b", {"image": ["a 0", "a 1", "a 2"], "output_type": "pt"}),
        ("c", {"noise_level": 1, "image": ["b 0"]}),
    ]
    assert result.images[0] == "c 0"
    assert given["c"] == {"noise_level": 1, chains.INPUT: "b"}, "the arguments are used again by the next call"
    calls.clear()
    call({"a": {}, "b": {}, "c": {}})
    assert calls[-1] == ("c", {"image": ["a 0"]})


def test_both_pictures_are_made_and_the_first_stage_alone_is_batched() -> None:
    subject = build(IF, size="tiny", weights="random", dtype="float32", device="cpu")
    seen: dict[str, list[tuple[int, ...]]] = {piece.loop: [] for piece in subject.pieces}
    for piece in subject.pieces:
        piece.pipe.unet.register_forward_pre_hook(
            lambda _, inputs, loop=piece.loop: seen[loop].append(tuple(inputs[0].shape))
        )
    for picture, small in (((128, 128), 32), ((256, 256), 64)):
        for shapes in seen.values():
            shapes.clear()
        made = hand.pictures(subject.call(hand.arguments(subject, batch=3, picture=picture)))
        assert tuple(made.shape) == (1, 3, *picture)
        assert bool(torch.isfinite(made).all())
        # Classifier-free guidance doubles every batch.
        assert set(seen["IF-I"]) == {(6, 3, 32, 32)}
        assert set(seen["IF-II"]) == {(2, 6, 64, 64)}
        assert set(seen["x4 upscaler"]) == {(2, 7, small, small)}


def test_the_published_calls_arguments() -> None:
    first, second, third = (one.sizes["full"] for one in IF.parts)
    assert (first.tokens, second.tokens) == (2, 2)
    assert (first.steps, second.steps, third.steps) == (100, 50, 75)
    assert (first.guidance, second.guidance, third.guidance) == (7.0, 4.0, 9.0)
    assert LAST.arguments == {"noise_level": 100}
    assert IF.prompt == "the blue hulk"
    assert [one.batched for one in IF.parts] == [True, False, False]
