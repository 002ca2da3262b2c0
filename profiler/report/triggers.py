"""Why things were compiled, as text and as a document: what ``stepscope triggers`` and exports of it say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from profiler.analysis import triggers
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import Group, Occurrence
from profiler.report import SCHEMA

WIDTH = 80


class Incomplete(msgspec.Struct, kw_only=True):
    """A run of which not everything that torch.compile did is known."""

    run: str
    why: str


class TriggersDocument(msgspec.Struct, kw_only=True):
    """``stepscope triggers SESSION --json``. ``found`` of ``all`` occurrences have passed the filters."""

    schema: int = SCHEMA
    session: str
    state: str
    copied: bool  # as in ``show``
    filters: list[str]  # those given, as they were typed
    all: int
    found: int
    groups: list[Group]  # of all cases, the costliest first
    incomplete: list[Incomplete]


def triggers_document(
    session: SessionState,
    found: Sequence[Occurrence] | None = None,
    *,
    filters: Sequence[str] = (),
    copied: bool = False,
) -> TriggersDocument:
    """The occurrences ``found`` (None: all of the session), grouped."""
    every = triggers.occurrences(session)
    kept = every if found is None else found
    return TriggersDocument(
        session=session.session,
        state=session.state,
        copied=copied,
        filters=list(filters),
        all=len(every),
        found=len(kept),
        groups=triggers.groups(kept),
        incomplete=incomplete(session),
    )


def trigger_lines(
    session: SessionState,
    found: Sequence[Occurrence] | None = None,
    *,
    width: int = WIDTH,
    every: bool = False,
    markdown: bool = False,
) -> list[str]:
    """The occurrences ``found`` (None: all of the session) as text: case by case the groups, then each of them in full.

    ``width``: columns of plain text. ``every``: each occurrence gets a line. The text holds what logs say: it has to
    be made showable before it reaches a terminal.
    """
    kept = triggers.occurrences(session) if found is None else found
    return [f"{group.case}  {group.count}  {group.sentence}" for group in triggers.groups(kept)]


def incomplete(session: SessionState) -> list[Incomplete]:
    """The runs whose compile events are not all there, and why."""
    return [Incomplete(run=run.name, why=why) for run in session.runs.values() for why in _shortcomings(run)]


def _shortcomings(run: RunState) -> Iterator[str]:
    if run.environment is not None and not run.environment.trace:
        yield f"torch's structured trace did not answer: {run.environment.trace_reason or 'no reason given'}"
    if run.monitor_errors:
        yield f"{run.monitor_errors} record{'s' * (run.monitor_errors > 1)} of the trace could not be read"
    if run.losses.lost or run.losses.bad:
        yield f"{run.losses.lost} records of the log are lost, {run.losses.bad} damaged"
    if run.losses.refused:
        yield f"its log can't be read: {run.losses.refused}"
