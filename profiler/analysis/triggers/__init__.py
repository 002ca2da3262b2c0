"""Why something was compiled, what it cost, and what to do: compile events in, sentences out. Pure.

occurrences(session)         every compile event of a session, explained
groups(occurrences)          the same trigger as one row with its count and cost, the costliest first
explained(session, run, c)   one compile
"""

from __future__ import annotations

from profiler.analysis.triggers.explain import explained, occurrences
from profiler.analysis.triggers.groups import groups
from profiler.analysis.triggers.model import Advice, Blame, Cost, Group, Kind, Lines, Occurrence, Part, Place

__all__ = [
    "Advice",
    "Blame",
    "Cost",
    "Group",
    "Kind",
    "Lines",
    "Occurrence",
    "Part",
    "Place",
    "explained",
    "groups",
    "occurrences",
]
