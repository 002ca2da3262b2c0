"""The catalogue's table of what regional-compile does to which denoiser is what happens."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from profiler import regions
from profiler.catalog.entry import Entry, Part, denoiser_label
from profiler.request import ENGINES
from tests.worker.capability import contradiction, denoisers, measure, narrow_subject, structure

pytestmark = pytest.mark.usefixtures("fresh_dynamo")

# Every one costs four seconds, and their blocks are those of other UNets here. ``python -m tests.worker.capability``
# measures them as well.
LEFT_OUT = {("sd15-controlnet", "controlnet"), ("deepfloyd-if", "IF-I unet"), ("deepfloyd-if", "x4 upscaler unet")}


def cases() -> list[Any]:
    """Every denoiser with every engine, those that share a structure once."""
    left_out = {
        structure(part, name)
        for entry, part, name in denoisers()
        if (entry.name, denoiser_label(entry, part, name)) in LEFT_OUT
    }
    seen: set[tuple[bytes, str]] = set()
    found = []
    for entry, part, name in denoisers():
        for engine in ENGINES:
            key = (structure(part, name), engine)
            if key in seen or (engine == "accelerate" and key[0] in left_out):
                continue
            seen.add(key)
            label = denoiser_label(entry, part, name).replace(" ", "-")
            found.append(pytest.param(entry, part, name, engine, id=f"{entry.name}-{label}-{engine}"))
    return found


@pytest.mark.parametrize(("entry", "part", "name", "engine"), cases())
def test_an_engine_does_what_the_catalogue_says(entry: Entry, part: Part, name: str, engine: str) -> None:
    found = measure(entry, part, name, engine)
    assert contradiction(part, name, engine, found) is None
    if engine == "diffusers":
        assert not found.limited  # it would have raised: fullgraph


def test_denoisers_that_share_a_structure_have_the_same_said_of_them() -> None:
    told: dict[bytes, Any] = {}
    for _, part, name in denoisers():
        said = (part.regional_engines.get(name), part.regional_limited.get(name), part.found_blocks.get(name))
        assert told.setdefault(structure(part, name), said) == said


@pytest.mark.parametrize("entry", {entry.name: entry for entry, _, _ in denoisers()}.values(), ids=lambda e: e.name)
def test_found_blocks_are_those_that_looking_finds(entry: Entry) -> None:
    for piece in narrow_subject(entry).pieces:
        assert piece.part is not None
        for denoiser in piece.denoisers:
            listed = piece.part.found_blocks.get(denoiser.name, ())
            declared = regions.declared_blocks(denoiser.module)
            assert bool(listed) != bool(declared)  # listed where the model itself names none that it has
            assert set(regions.repeated_blocks(denoiser.module)) == set(listed or declared)


def test_repeated_blocks_in_models_of_ones_own() -> None:
    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(2, 2)

    class MyAttention(Block):
        pass

    class Outer(torch.nn.Module):
        def __init__(self, inner: type[torch.nn.Module]) -> None:
            super().__init__()
            self.inner = torch.nn.ModuleList([inner(), inner()])

    def model(**lists: list[torch.nn.Module]) -> torch.nn.Module:
        made = torch.nn.Module()
        for name, modules in lists.items():
            setattr(made, name, torch.nn.ModuleList(modules))
        return made

    assert regions.repeated_blocks(model(convolutions=[torch.nn.Conv2d(1, 1, 1)] * 2)) == ()
    assert regions.repeated_blocks(model(one=[Block()])) == ()
    assert regions.repeated_blocks(model(different=[Block(), MyAttention()])) == ()
    assert regions.repeated_blocks(model(blocks=[Block(), Block()])) == ("Block",)
    # What holds attention comes before what doesn't; of blocks in blocks the outer ones.
    both = model(blocks=[Block(), Block()], attentions=[MyAttention(), MyAttention()])
    assert regions.repeated_blocks(both) == ("MyAttention",)
    assert regions.repeated_blocks(model(outer=[Outer(MyAttention), Outer(MyAttention)])) == ("Outer",)
