"""A/A: what is the same must not be called faster or slower, and what is slower must be."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence

from profiler.analysis.comparing import Comparison, compare
from profiler.analysis.lots import Lot
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.verdicts import FASTER, SLOWER

NEAR = 0.02  # what two halves of the same may differ by


def halves(state: SessionState) -> Iterator[tuple[Lot, Lot]]:
    """The runs of a session of one case, split in two in every way there is."""
    runs = list(state.runs.values())
    for first in itertools.combinations(runs, len(runs) // 2):
        second = [run for run in runs if run not in first]
        if first[0] is runs[0]:  # the other way round it is the same split
            yield _lot(state, first), _lot(state, second)


def _lot(state: SessionState, runs: Sequence[RunState]) -> Lot:
    part = copy.copy(state)
    part.runs = {run.name: run for run in runs}
    [case] = state.request.cases
    return Lot(part, case)


def of_runs(state: SessionState, number: int) -> Lot:
    """The first ``number`` runs of a session of one case."""
    return _lot(state, list(state.runs.values())[:number])


def wrong_sameness(pairs: Sequence[tuple[Lot, Lot]]) -> list[str]:
    """Of lots that are the same: verdicts that say otherwise, and estimates that are far off."""
    found = [compare(*pair) for pair in pairs]
    wrong = [f"{told(one)}" for one in found if one.verdict in (FASTER, SLOWER)]
    wrong += [f"no estimate: {one.reason}" for one in found if one.speedup is None]
    return wrong + [told(one) for one in found if one.speedup is not None and abs(one.speedup - 1) > NEAR]


def wrong_slowness(ours: Lot, theirs: Lot, factor: float) -> list[str]:
    """Of a lot that takes ``factor`` times as long as another one."""
    found = compare(ours, theirs)
    wrong = [] if found.verdict == SLOWER else [told(found)]
    if found.speedup is None or abs(found.speedup * factor - 1) > NEAR:
        wrong.append(f"a speed-up of {found.speedup}, not {1 / factor:.3f}")
    return wrong


def told(found: Comparison) -> str:
    return f"{found.verdict}, {found.speedup}, {found.interval}: {found.reason}"
