"""Why something was compiled, what it cost, and what to do: compile events in, sentences out. Pure.

occurrences(session)         every compile event of a session, explained
groups(occurrences)          the same trigger as one row with its count and cost, the costliest first
occurrences_of(run)          those of one run
explained(run, c)            one compile
matching(found, text)        those that fit a filter, "variant:compile module:UNet height"
summary(session, case)       what a case compiled, to put beside another's
waterfall(run)               a run's compiles on one time axis
"""

from __future__ import annotations

from profiler.analysis.triggers.explain import explained, occurrences, occurrences_of
from profiler.analysis.triggers.filters import BadFilter, matching, parsed
from profiler.analysis.triggers.groups import groups
from profiler.analysis.triggers.model import Advice, Blame, Cost, Group, Kind, Lines, Occurrence, Part, Place
from profiler.analysis.triggers.sides import Side, summary
from profiler.analysis.triggers.waterfall import Bar, waterfall

__all__ = [
    "Advice",
    "BadFilter",
    "Bar",
    "Blame",
    "Cost",
    "Group",
    "Kind",
    "Lines",
    "Occurrence",
    "Part",
    "Place",
    "Side",
    "explained",
    "groups",
    "matching",
    "occurrences",
    "occurrences_of",
    "parsed",
    "summary",
    "waterfall",
]
