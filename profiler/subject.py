"""What a run measures: a pipeline, several in a chain, or the user's own, with its denoisers. Needs no torch itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from profiler.catalog.entry import Part, Size

Arguments = Mapping[str, Any]
"""The keyword arguments of one call; for a chain of pipelines those of each, by the loop name of its piece."""


@dataclass(frozen=True)
class Denoiser:
    """A module that a loop calls: the attribute ``name`` of ``pipe``, called ``label`` where people read it."""

    label: str
    pipe: Any
    name: str
    engines: tuple[str, ...] = ("diffusers", "accelerate")  # of regional-compile; which of them work
    blocks: tuple[str, ...] = ()  # classes to compile by region where the model has no _repeated_blocks

    @property
    def module(self) -> Any:
        """The module as it is now: compiling replaces it."""
        return getattr(self.pipe, self.name)

    def replace(self, module: Any) -> None:
        """Put ``module`` in its place, in the pipelines inside that share it as well."""
        old = self.module
        for _, pipe in pipelines_inside(self.pipe):
            for name in [name for name in pipe.components if getattr(pipe, name) is old]:
                setattr(pipe, name, module)
        setattr(self.pipe, self.name, module)


@dataclass(frozen=True)
class Piece:
    """One diffusers pipeline of a subject; ``loop`` is what its denoising loops are called."""

    pipe: Any
    denoisers: tuple[Denoiser, ...]
    loop: str = "denoise"
    part: Part | None = None  # what the catalogue says of it
    size: Size | None = None
    embeds: bool = False  # prompts are given as embeddings: its text encoders were not built
    given: Arguments = field(default_factory=dict)  # call arguments that came with the pipeline; they win over ours


@dataclass(frozen=True)
class Subject:
    """``call`` makes one call with what ``arguments`` of ``profiler.worker.inputs`` gave."""

    name: str
    pieces: tuple[Piece, ...]
    call: Callable[[Arguments], Any]
    notes: list[tuple[str, str]] = field(default_factory=list)  # (code, text): what readers of the figures must know
    turns: tuple[Arguments, ...] = ()  # a list of call arguments that came with the pipeline: its calls take turns

    @property
    def denoisers(self) -> tuple[Denoiser, ...]:
        return tuple(denoiser for piece in self.pieces for denoiser in piece.denoisers)

    @property
    def pipe(self) -> Any:
        """The first piece's pipeline, for most subjects the only one."""
        return self.pieces[0].pipe


def pipelines_inside(pipe: Any) -> list[tuple[str, Any]]:
    """The pipelines that ``pipe`` holds as plain attributes and calls itself, with the attributes' names.

    Combined pipelines (Kandinsky, Stable Cascade, Wuerstchen) are made of such ones, which share their components.
    """
    found: list[tuple[str, Any]] = []
    for name, value in vars(pipe).items():
        if value is not pipe and callable(getattr(value, "progress_bar", None)) and hasattr(value, "components"):
            found += [(name, value), *pipelines_inside(value)]
    return found


def single(name: str, pipe: Any, denoisers: tuple[Denoiser, ...]) -> Subject:
    """A subject of one pipeline."""
    return Subject(name, (Piece(pipe, denoisers),), lambda arguments: pipe(**arguments))


def plain(pipe: Any, *denoisers: str) -> Subject:
    """A subject of one pipeline about which nothing is known but the names of its denoisers."""
    return single(type(pipe).__name__, pipe, tuple(Denoiser(name, pipe, name) for name in denoisers))
