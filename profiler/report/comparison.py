"""A comparison of cases and runs, of any sessions, as a document: what ``stepscope compare --json`` prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from profiler.analysis.cases import lot_figures
from profiler.analysis.lots import Lot
from profiler.analysis.outputs import OutputComparison
from profiler.report import SCHEMA
from profiler.report.casedocument import CaseDocument, Device, case_values, device_of, versions_of
from profiler.report.publishedcells import PublishedFigure, published_figures, published_notes


class LotName(msgspec.Struct, kw_only=True):
    """A case or a run of a session."""

    session: str
    case: str


class ComparedCase(CaseDocument, frozen=True, kw_only=True):
    """One of the lots, as a case of ``show``; ``case`` is the run's name where it is a single run."""

    session: str
    run: str | None  # a single run was asked for
    state: str  # of its session: what goes on is compared as far as it is
    reason_of_state: str | None
    copied: bool  # as in ``show``
    device: Device
    versions: dict[str, str]
    published: list[PublishedFigure]  # of the GPU that was asked for, a figure a release of torch
    published_notes: list[str]  # in what the published work isn't this one


class CompareDocument(msgspec.Struct, kw_only=True):
    """``stepscope compare THING... --json``."""

    schema: int = SCHEMA
    baseline: LotName | None  # None: each is compared with the no-compile case of its own workload
    published: str | None  # the GPU whose published figures are asked for
    cases: list[ComparedCase]


OutputOf = Callable[[Lot, Lot], OutputComparison]
"""What two lots made of the same seed."""


def compare_document(
    lots: Sequence[Lot],
    baselines: Sequence[Lot | None],
    *,
    chosen: Lot | None = None,
    output: OutputOf | None = None,
    copied: Sequence[str] = (),
    gpu: str | None = None,
) -> CompareDocument:
    """``lots``, each against its own of ``baselines``. ``chosen``: the one that all have in common.

    ``copied``: ids of sessions that come from elsewhere. ``gpu``: the published name of one with figures.
    """
    return CompareDocument(
        baseline=None if chosen is None else LotName(session=chosen.session.session, case=chosen.name),
        published=gpu,
        cases=[
            _case(lot, baseline, output, lot.session.session in copied, gpu)
            for lot, baseline in zip(lots, baselines, strict=True)
        ],
    )


def _case(lot: Lot, baseline: Lot | None, output: OutputOf | None, copied: bool, gpu: str | None) -> ComparedCase:
    figures = lot_figures(lot, baseline)
    made = output(lot, baseline) if output is not None and baseline is not None else None
    session, workload = lot.session, lot.case.workload
    return ComparedCase(
        **case_values(lot, figures, made),
        session=session.session,
        run=lot.run,
        state=session.state,
        reason_of_state=session.reason or session.presumed,
        copied=copied,
        device=device_of(session),
        versions=versions_of(session),
        published=published_figures(gpu, workload, figures) if gpu is not None else [],
        published_notes=published_notes(lot.case) if gpu is not None else [],
    )
