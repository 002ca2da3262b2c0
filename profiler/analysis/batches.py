"""The largest batch that fits: what to try next, and what the runs so far say.

A batch is doubled until a run is out of memory, then the gap is halved until nothing lies in it. The search keeps no
state: it goes by the outcomes alone, so a session that was stopped in the middle goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from profiler.analysis.state import SessionState
from profiler.request import MAX_BATCH_SIZE, Case, Request

FITS, OUT_OF_MEMORY = "ok", "oom"


class Search(msgspec.Struct, frozen=True):
    """The cases that differ in their batch alone. ``tried``: the outcome of each batch whose runs have all ended."""

    cases: list[Case]  # the first is the one that was asked for
    tried: dict[int, str]
    waiting: bool  # runs of it are still to be made or under way

    @property
    def start(self) -> Case:
        return self.cases[0]


class LargestBatch(msgspec.Struct, frozen=True):
    """What a search has found. ``fits`` and ``out_of_memory`` are batch sizes; None: there was none."""

    case: str  # the one that was asked for
    variant: str
    engine: str | None
    fits: int | None  # the largest that fits
    out_of_memory: int | None  # the smallest above it that doesn't
    exact: bool  # nothing lies between them
    reason: str | None  # why the search went no further; None while it goes on, and where it is exact

    @property
    def goes_on(self) -> bool:
        return not self.exact and self.reason is None


def next_batch(start: int, tried: Mapping[int, str], largest: int = MAX_BATCH_SIZE) -> int | None:
    """The batch to try next, from 1 to ``largest``; None when the search is over, or an outcome lets it go no further.

    At most about 2 log2(largest) batches are tried before None comes.
    """
    if any(outcome not in (FITS, OUT_OF_MEMORY) for outcome in tried.values()):
        return None
    if not tried:
        return start
    fits, out = bounds(tried)
    if out is None:
        return None if fits >= largest else min(fits * 2, largest)
    return (fits + out) // 2 if out - fits > 1 else None


def bounds(tried: Mapping[int, str]) -> tuple[int, int | None]:
    """The largest batch that fits below the smallest one that doesn't, 0 if there is none, and the latter.

    Memory is no strict order (a larger batch may take other kernels): what fits above one that doesn't counts for
    nothing.
    """
    out = min((batch for batch, outcome in tried.items() if outcome == OUT_OF_MEMORY), default=None)
    fits = [batch for batch, outcome in tried.items() if outcome == FITS and (out is None or batch < out)]
    return max(fits, default=0), out


def searches(request: Request, outcomes: Mapping[str, str | None]) -> list[Search]:
    """One search for each set of cases that differ in their batch alone. ``outcomes``: of the runs that have ended."""
    runs: dict[str, list[str | None]] = {case.name: [] for case in request.cases}
    for run in request.runs:
        runs[run.case].append(outcomes.get(run.name))
    found: list[Search] = []
    for cases in _alike(request.cases):
        ended = {case.workload.batch_size: runs[case.name] for case in cases if runs[case.name]}
        tried = {batch: _together(each) for batch, each in ended.items() if None not in each}
        found.append(Search(cases, tried, waiting=len(tried) < len(ended)))
    return found


def probe(search: Search) -> int | None:
    """The batch that ``search`` is to try next; None while its runs are under way, and when it is over."""
    return None if search.waiting else next_batch(search.start.workload.batch_size, search.tried)


def largest_batches(session: SessionState) -> list[LargestBatch]:
    """What the session's searches have found so far; none in a session that searches for nothing."""
    if not session.request.find_max_batch:
        return []
    outcomes = {run.name: run.outcome for run in session.runs.values()}
    return [_largest(session, search) for search in searches(session.request, outcomes)]


def _largest(session: SessionState, search: Search) -> LargestBatch:
    fits, out = bounds(search.tried)
    exact = out is not None and out - fits == 1
    return LargestBatch(
        case=search.start.name,
        variant=search.start.compilation.variant,
        engine=search.start.compilation.engine,
        fits=fits or None,
        out_of_memory=out,
        exact=exact,
        reason=None if exact else _why_no_further(session, search, fits),
    )


def _why_no_further(session: SessionState, search: Search, fits: int) -> str | None:
    for case in search.cases:
        for run in session.runs_of(case.name):
            if run.outcome not in (None, FITS, OUT_OF_MEMORY):
                why = f": {run.reason}" if run.reason else ""
                return f"batch {case.workload.batch_size} {_WORDS.get(run.outcome, run.outcome)}{why}"
    if fits >= MAX_BATCH_SIZE:
        return f"{MAX_BATCH_SIZE} is the largest batch that is tried"
    if session.over:
        return session.reason or session.presumed or f"the session is {session.state}"
    return None


_WORDS = {"stopped": "was stopped", "unsupported": "is unsupported"}


def _alike(cases: Sequence[Case]) -> list[list[Case]]:
    """``cases`` put together where nothing but the batch differs, in order."""
    groups: list[tuple[Case, list[Case]]] = []
    for case in cases:
        key = _at_batch(case, 1)
        group = next((found for of, found in groups if of == key), None)
        if group is None:
            groups.append((key, [case]))
        else:
            group.append(case)
    return [group for _, group in groups]


def _at_batch(case: Case, batch: int) -> Case:
    workload = msgspec.structs.replace(case.workload, batch_size=batch)
    return msgspec.structs.replace(case, name="", workload=workload)


def _together(outcomes: Sequence[str | None]) -> str:
    """What several runs of a case say together: one that doesn't fit is enough, and what fits once does fit."""
    for word in (OUT_OF_MEMORY, FITS):
        if word in outcomes:
            return word
    return outcomes[0] or ""
