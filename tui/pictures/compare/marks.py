"""What is compared: marked sessions, cases and runs, of any folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that is compared: all cases of the session in the folder ``path``, or its case or run ``name``."""

    path: str
    name: str | None = None


Marks = tuple[Mark, ...]
"""In the order in which they were made; none twice."""


def marked(marks: Marks, more: Iterable[Mark]) -> Marks:
    """``marks`` and those of ``more`` that are new. What the mark of a whole session covers is not marked twice."""
    found = dict.fromkeys(marks)
    for mark in more:
        if mark.name is None:
            found = {other: None for other in found if other.path != mark.path}
        if mark not in found and Mark(mark.path) not in found:
            found[mark] = None
    return tuple(found)


def unmarked(marks: Marks, gone: Mark) -> Marks:
    """``marks`` without ``gone``."""
    return tuple(mark for mark in marks if mark != gone)
