"""The parts of a compile: each has a letter, a colour and a name, so that a bar of them reads without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.analysis.triggers import Part
from tui import safe


@dataclass(frozen=True, slots=True)
class PhaseLook:
    letter: str
    style: str
    name: str


LOOKS = {
    "dynamo": PhaseLook("D", "series:compile", "dynamo"),
    "guards": PhaseLook("G", "series:further-1", "guards"),
    "aot": PhaseLook("A", "series:no-compile", "aot"),
    "inductor": PhaseLook("I", "series:regional-compile", "inductor"),
    "autotune": PhaseLook("T", "series:further-2", "autotune"),
    "codegen": PhaseLook("C", "series:further-0", "codegen"),
    "kernels": PhaseLook("K", "series:further-4", "kernels"),
    "cudagraph": PhaseLook("R", "warn", "cudagraph recording"),
    "other": PhaseLook("O", "quiet", "other"),
}
MEANINGS = (
    ("D", "dynamo: Python is traced into a graph"),
    ("G", "the guards are built"),
    ("A", "AOTAutograd: the graph is lowered to plain operators"),
    ("I  C  K", "inductor's passes; code is generated; kernels are compiled"),
    ("T  O", "autotuning; everything else"),
)


def look_of(phase: str) -> PhaseLook:
    """The look of a phase; one that nobody knows yet goes by its own name."""
    known = LOOKS.get(phase)
    return known or PhaseLook("?", "quiet", safe.line(phase, 24))


def cells_of(parts: Sequence[Part], width: int) -> list[tuple[str, int]]:
    """(phase, cells) of a bar ``width`` cells wide, in proportion; what took any time has a cell while there is room.

    The cells add up to ``width``; with no parts, or none that took time, there is no bar.
    """
    timed = [part for part in parts if part.ms > 0]
    total = sum(part.ms for part in timed)
    if not timed or width <= 0 or not total > 0:
        return []
    if len(timed) > width:
        # Too narrow for all: the longest ones, in their order.
        longest = sorted(timed, key=lambda part: -part.ms)[:width]
        timed = [part for part in timed if part in longest][:width]
        total = sum(part.ms for part in timed)
    spare = width - len(timed)
    shares = [part.ms / total * spare for part in timed]
    cells = [1 + int(share) for share in shares]
    rest = sorted(range(len(timed)), key=lambda n: int(shares[n]) - shares[n])
    for place in rest[: width - sum(cells)]:
        cells[place] += 1
    return [(part.phase, size) for part, size in zip(timed, cells, strict=True)]
