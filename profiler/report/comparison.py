"""A comparison of cases and runs, of any sessions, as a document: what ``stepscope compare --json`` prints."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from profiler.analysis.cases import lot_figures
from profiler.analysis.lots import Lot, choose_baseline, session_ids
from profiler.analysis.outputs import OutputComparison
from profiler.analysis.state import SessionState
from profiler.report import SCHEMA
from profiler.report.casedocument import CaseDocument, Device, case_values, device_of, versions_of
from profiler.report.publishedcells import PublishedFigure, published_figures, published_notes
from profiler.report.slower import Slower


class LotName(msgspec.Struct, kw_only=True):
    """A case or a run of a session."""

    session: str
    case: str


class ComparedCase(CaseDocument, frozen=True, kw_only=True):
    """One of the lots, as a case of ``show``; ``case`` is the run's name where it is a single run."""

    session: str  # its id, with ~2 behind it where an earlier one is another copy of the same session
    run: str | None  # a single run was asked for
    baseline_session: str | None  # of ``baseline``
    state: str  # of its session: what goes on is compared as far as it is
    state_reason: str | None
    copied: bool  # as in ``show``
    device: Device
    versions: dict[str, str]
    published: list[PublishedFigure]  # of the GPU that was asked for, a figure a release of torch
    published_notes: list[str]  # in what the published work isn't this one


class CompareDocument(msgspec.Struct, kw_only=True):
    """``stepscope compare THING... --json``."""

    schema: int = SCHEMA
    baseline: LotName | None  # None: not all have the same, as where workloads differ
    published: str | None  # the GPU whose published figures are asked for
    slower: Slower | None = None  # what --fail-if-slower found, where it was asked for
    cases: list[ComparedCase]


OutputOf = Callable[[Lot, Lot], OutputComparison]
"""What two lots made of the same seed."""


def compare_document(
    lots: Sequence[Lot],
    *,
    baseline: Lot | None = None,
    output: OutputOf | None = None,
    copied: Collection[SessionState] = (),
    gpu: str | None = None,
) -> CompareDocument:
    """``lots`` against ``baseline``; None: against what `choose_baseline` chooses for each.

    ``copied``: sessions that come from elsewhere. ``gpu``: the published name of one with figures.
    """
    chosen = [choose_baseline(lots, lot, baseline) for lot in lots]
    ids = session_ids(one.session for one in (*lots, *chosen) if one is not None)
    made = {session: (device_of(session), versions_of(session)) for session in {lot.session for lot in lots}}
    common = chosen[0] if chosen and all(one == chosen[0] for one in chosen) else None
    return CompareDocument(
        baseline=None if common is None else LotName(session=ids[common.session], case=common.name),
        published=gpu,
        cases=[
            _case(lot, theirs, ids, output, lot.session in copied, gpu, made[lot.session])
            for lot, theirs in zip(lots, chosen, strict=True)
        ],
    )


def _case(
    lot: Lot,
    baseline: Lot | None,
    ids: Mapping[SessionState, str],
    output: OutputOf | None,
    copied: bool,
    gpu: str | None,
    made_on: tuple[Device, dict[str, str]],
) -> ComparedCase:
    device, versions = made_on
    figures = lot_figures(lot, baseline)
    made = output(lot, baseline) if output is not None and baseline is not None and baseline != lot else None
    session, workload = lot.session, lot.case.workload
    return ComparedCase(
        **case_values(lot, figures, made),
        session=ids[session],
        run=lot.run,
        baseline_session=ids[baseline.session] if baseline is not None and figures.baseline is not None else None,
        state=session.state,
        state_reason=session.reason or session.presumed,
        copied=copied,
        device=device,
        versions=versions,
        published=published_figures(gpu, workload, figures) if gpu is not None else [],
        published_notes=published_notes(lot.case) if gpu is not None else [],
    )
