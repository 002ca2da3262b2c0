"""The pipelines that stepscope knows, as data. Building one needs torch and lives in ``profiler.catalog.build``."""

from __future__ import annotations

from profiler.catalog.entry import Component, Entry, Part, Size, Tensor
from profiler.catalog.sd15 import SD15_TXT2IMG

ENTRIES: tuple[Entry, ...] = (SD15_TXT2IMG,)

__all__ = ["ENTRIES", "Component", "Entry", "Part", "Size", "Tensor", "find", "names"]


def names() -> list[str]:
    """The names of all entries, in the order of the catalogue."""
    return [entry.name for entry in ENTRIES]


def find(name: str) -> Entry:
    """The entry called ``name``. Raises KeyError."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise KeyError(name)
