"""A step that was asked for, of one run: where the chart puts its cursor."""

from __future__ import annotations

from dataclasses import dataclass

BEFORE_STEPS = -1
"""The step of what happened in a call outside any step: its place is the call's beginning."""


@dataclass(frozen=True, slots=True)
class Focus:
    """``call`` is counted over all phases, ``loop`` and ``step`` within it, as in the log (`BEFORE_STEPS`: none);
    ``label`` is for people.
    """

    run: str
    call: int
    loop: int
    step: int
    key: str = ""  # of the occurrence that it belongs to
    label: str = ""
