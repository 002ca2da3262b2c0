"""The JSON documents of ``--json``, as types: they are the schema, and ``docs/`` holds it as JSON Schema."""

from __future__ import annotations

from typing import Any

import msgspec

from profiler.analysis.batches import LargestBatch, largest_batches
from profiler.analysis.cases import CaseFigures, case_figures
from profiler.analysis.figures import RunFigures, run_figures
from profiler.analysis.lots import Lot, lots_of
from profiler.analysis.outputs import OutputComparison
from profiler.analysis.state import RunState, SessionState
from profiler.report import SCHEMA
from profiler.report.casedocument import CaseDocument, Device, case_values, device_of, versions_of
from profiler.report.catalogue import PipelinesDocument, ScenariosDocument
from profiler.report.comparison import CompareDocument
from profiler.report.outputs import compare_outputs
from profiler.report.publishedcells import PublishedFigure
from profiler.report.triggers import TriggersDocument
from profiler.request import Request
from profiler.sessions import SessionFolder


class OomDocument(msgspec.Struct, kw_only=True):
    when: str
    asked_bytes: int | None = None
    allocated_bytes: int | None = None
    reserved_bytes: int | None = None
    free_bytes: int | None = None
    total_bytes: int | None = None


class NoteDocument(msgspec.Struct, kw_only=True):
    """Something that readers of the figures must know. ``level``: info, warning, error; ``code`` is stable."""

    level: str
    code: str
    text: str


class SyncDocument(msgspec.Struct, kw_only=True):
    """A line that made Python wait for the device in the call that ``--find-syncs`` makes, and how often."""

    file: str
    line: int
    function: str
    code: str
    count: int
    stack: list[str]
    stage: str | None
    loop: int | None
    step: int | None


class RunDocument(RunFigures, frozen=True, kw_only=True):
    """One run: its figures and what it is. ``outcome`` is None while it goes on or waits for its turn."""

    run: str
    case: str
    pipeline: str
    variant: str
    engine: str | None
    mode: str | None
    fullgraph: bool | None
    batch_size: int
    repeat: int
    size: str
    weights: str
    scenario: str
    state: str
    outcome: str | None
    reason: str | None
    oom: OomDocument | None
    cold: bool | None  # it found an empty compile cache; None: not said
    syncs: list[SyncDocument]
    notes: list[NoteDocument]


class Losses(msgspec.Struct, kw_only=True):
    """Records of all logs that could not be used."""

    lost: int
    bad: int
    unknown: int


class ShowDocument(msgspec.Struct, kw_only=True):
    """``stepscope show SESSION --json``."""

    schema: int = SCHEMA
    session: str
    state: str
    reason: str | None
    copied: bool  # made on another host or before a reboot: the state is the last one logged
    device: Device
    versions: dict[str, str]
    request: Request
    cases: list[CaseDocument]
    runs: list[RunDocument]
    largest_batches: list[LargestBatch]  # what a session that searches for them has found
    losses: Losses


class SessionRow(msgspec.Struct, kw_only=True):
    session: str
    state: str
    created: str  # ISO 8601, UTC
    pipeline: str
    variants: list[str]
    device: str
    runs: int
    ended: int
    failed: int
    reason: str | None = None
    copied: bool = False  # as in ``show``


class ListDocument(msgspec.Struct, kw_only=True):
    """``stepscope ls --json``, newest first."""

    schema: int = SCHEMA
    home: str
    sessions: list[SessionRow]


class Finding(msgspec.Struct, kw_only=True):
    """One line of ``doctor``. ``level``: ok, note (works, with a limit), missing (something will not work)."""

    name: str
    level: str
    text: str
    remedy: str | None = None


class DoctorDocument(msgspec.Struct, kw_only=True):
    """``stepscope doctor --json``."""

    schema: int = SCHEMA
    findings: list[Finding]


class ReportCell(msgspec.Struct, kw_only=True):
    """One case, or what was published of one that the session lacks (``case`` None). ``outcome`` is None while nothing
    was measured yet; ``text`` is what the table shows.
    """

    case: str | None
    variant: str
    engine: str | None
    outcome: str | None
    text: str
    iterations_per_second: list[float] = msgspec.field(default_factory=list)  # of each denoising loop, as published
    published: list[PublishedFigure] = msgspec.field(default_factory=list)
    footnotes: list[str] = msgspec.field(default_factory=list)


class ReportRow(msgspec.Struct, kw_only=True):
    pipeline: str
    label: str
    cells: list[ReportCell]


class ReportTable(msgspec.Struct, kw_only=True):
    """One table. ``benchmark`` is False for pipelines that the published benchmark doesn't have."""

    gpu: str
    batch_size: int
    benchmark: bool
    rows: list[ReportRow]


class ReportDocument(msgspec.Struct, kw_only=True):
    """``stepscope report SESSION --json``."""

    schema: int = SCHEMA
    session: str
    layout: str
    gpu: str
    torch: str | None
    against: str | None
    tables: list[ReportTable]
    versions: dict[str, str] = msgspec.field(default_factory=dict)  # torch's among them
    driver: str | None = None
    runs: int = 0
    made: int = 0  # of the runs those that have a result, if only that they failed
    reason: str | None = None  # why the session ended before its runs did


DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    "show": ShowDocument,
    "compare": CompareDocument,
    "ls": ListDocument,
    "triggers": TriggersDocument,
    "pipelines": PipelinesDocument,
    "scenarios": ScenariosDocument,
    "doctor": DoctorDocument,
    "report": ReportDocument,
}


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of the document that command ``name`` prints."""
    schema: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(DOCUMENTS[name])))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"stepscope {name} --json"} | schema


def show_document(
    session: SessionState,
    *,
    copied: bool = False,
    folder: SessionFolder | None = None,
    baseline: str | None = None,
) -> ShowDocument:
    """Everything about a session. ``folder``: where its outputs are, which are compared where it is given.

    ``baseline``: the case that the others are compared with; None: the no-compile case of the same workload.
    """
    cases = [
        CaseDocument(**case_values(lot, figures, _output(lot, figures, folder)))
        for lot, figures in zip(lots_of(session), case_figures(session, baseline), strict=True)
    ]
    every = [session.losses, *(run.losses for run in session.runs.values())]
    return ShowDocument(
        session=session.session,
        state=session.state,
        reason=session.reason or session.presumed,
        copied=copied,
        device=device_of(session),
        versions=versions_of(session),
        request=session.request,
        cases=cases,
        runs=[run_document(run, run_figures(session, run)) for run in session.runs.values()],
        largest_batches=largest_batches(session),
        losses=Losses(
            lost=sum(one.lost for one in every),
            bad=sum(one.bad for one in every),
            unknown=sum(one.unknown for one in every),
        ),
    )


def _output(lot: Lot, figures: CaseFigures, folder: SessionFolder | None) -> OutputComparison | None:
    if folder is None or figures.baseline is None:
        return None
    return compare_outputs(lambda _: folder, lot, Lot(lot.session, lot.session.request.case(figures.baseline)))


def run_document(run: RunState, figures: RunFigures) -> RunDocument:
    case = run.case
    return RunDocument(
        **{name: getattr(figures, name) for name in RunFigures.__struct_fields__},
        run=run.name,
        case=case.name,
        pipeline=case.workload.pipeline,
        variant=case.compilation.variant,
        engine=case.compilation.engine,
        mode=case.compilation.mode,
        fullgraph=case.compilation.fullgraph,
        batch_size=case.workload.batch_size,
        repeat=run.run.repeat,
        size=case.workload.size,
        weights=case.workload.weights,
        scenario=case.workload.scenario,
        state=run.state,
        outcome=run.outcome,
        reason=run.reason,
        oom=None
        if run.oom is None
        else OomDocument(**{name: getattr(run.oom, name) for name in OomDocument.__struct_fields__}),
        cold=run.cold,
        syncs=[
            SyncDocument(**{name: getattr(sync, name) for name in SyncDocument.__struct_fields__}) for sync in run.syncs
        ],
        notes=[NoteDocument(level=note.level, code=note.code, text=note.text) for note in run.notes],
    )
