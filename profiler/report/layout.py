"""A session's figures in the layout of the published benchmark: a table a GPU and batch size, pipelines by variants.

How our outcomes are told in the benchmark's words: its runs made three calls, the first of which warmed up (and
compiled). ``OOM`` is a run that didn't get through its first call, ``OOM after warmup`` one whose first call alone
worked, ``OOM after 2nd iteration`` one whose first two did, and so on; calls of all phases count.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

import msgspec

from profiler.analysis.cases import CaseFigures, case_figures
from profiler.analysis.machines import otherwise
from profiler.analysis.state import RunState, SessionState
from profiler.report import published
from profiler.report.casedocument import device_of, versions_of
from profiler.report.documents import ReportCell, ReportDocument, ReportRow, ReportTable
from profiler.report.heading import shared_work
from profiler.report.markdown import one_line, point, shown, table_row
from profiler.report.publishedcells import (
    PublishedFigure,
    cell_figures,
    oom_text,
    outcome_of,
    published_notes,
    published_text,
    rates_as_published,
    rates_text,
)
from profiler.report.text import NOT_MEASURED, align
from profiler.request import Case, Workload

_COLUMNS = (("no-compile", None), ("compile", None), ("regional-compile", "diffusers"))
_TITLES = {
    ("no-compile", None): "no compile",
    ("compile", None): "compile",
    ("regional-compile", "diffusers"): "regional compile",
    ("regional-compile", "accelerate"): "regional compile (accelerate)",
}

NOT_MADE = "not made"  # the session was stopped before the run began
_NOTE_WIDTH = 100  # of a footnote in plain text

_TOLD = ("cuda", "triton", "diffusers", "transformers", "accelerate", "python", "stepscope")
"""Versions that stand above the tables beside torch's."""

ColumnKey = tuple[str, str | None]


def report(session: SessionState, against: str | None = None) -> ReportDocument:
    """The tables of ``session``, with the published figures of the GPU ``against`` (a published name) in them."""
    device = device_of(session)
    gpu = device.name or session.request.device
    figures = {one.case: one for one in case_figures(session)}
    batches: dict[tuple[int, bool], list[Case]] = {}  # whether it is of the benchmark, too
    for case in session.request.cases:
        batches.setdefault((case.workload.batch_size, case.workload.pipeline in published.LABELS), []).append(case)
    tables: list[ReportTable] = []
    for batch_size in sorted({size for size, _ in batches}):
        for benchmark in (True, False):
            rows = _rows(session, figures, batches.get((batch_size, benchmark), []), benchmark, against)
            if rows:
                tables.append(ReportTable(gpu=gpu, batch_size=batch_size, benchmark=benchmark, rows=rows))
    return ReportDocument(
        session=session.session,
        layout="published",
        gpu=gpu,
        torch=versions_of(session).get("torch"),
        versions=versions_of(session),
        driver=device.driver,
        runs=len(session.runs),
        made=sum(one.made for one in figures.values()),
        reason=session.reason or session.presumed,
        against=against,
        tables=tables,
    )


def _rows(
    session: SessionState, figures: dict[str, CaseFigures], cases: Sequence[Case], benchmark: bool, against: str | None
) -> list[ReportRow]:
    """A row a workload; further ones where a variant was compiled in several ways."""
    rows: list[tuple[Workload, ReportRow]] = []
    alike: dict[bytes, list[ReportRow]] = {}  # the rows of a workload
    held: Counter[tuple[bytes, ColumnKey]] = Counter()  # how many of them have a cell of a column
    for case in cases:
        workload = case.workload
        cell = _cell(session, figures[case.name], against if benchmark else None)
        same = msgspec.json.encode(workload, order="deterministic")
        place = held[same, _key(cell)]
        held[same, _key(cell)] += 1
        of_workload = alike.setdefault(same, [])
        if place < len(of_workload):
            row = of_workload[place]
        else:
            label = published.LABELS.get(workload.pipeline, workload.pipeline)
            row = ReportRow(pipeline=workload.pipeline, label=label, cells=[])
            rows.append((workload, row))
            of_workload.append(row)
        row.cells.append(cell)
    for workload, row in rows:
        # What was published stands there whether ours was measured or not.
        for variant in published.VARIANTS if benchmark and against is not None else ():
            theirs = cell_figures(against, workload, variant, [])
            if theirs and all(cell.variant != variant for cell in row.cells):
                row.cells.append(
                    ReportCell(
                        case=None, variant=variant, engine=None, outcome=None, text=NOT_MEASURED, published=theirs
                    )
                )
    order = list(published.LABELS)
    return sorted((row for _, row in rows), key=lambda row: order.index(row.pipeline) if benchmark else 0)


def _key(cell: ReportCell) -> ColumnKey:
    return cell.variant, cell.engine


def _cell(session: SessionState, figures: CaseFigures, against: str | None) -> ReportCell:
    case = session.request.case(figures.case)
    workload = case.workload
    runs = session.runs_of(case.name)
    outcome = outcome_of(figures)
    rates = rates_as_published(workload, figures)
    # Of the benchmark's own pipelines it is told in what they differ from the published work.
    notes = published_notes(case) if workload.pipeline in published.LABELS else [shared_work([workload])]
    if outcome not in ("ok", "oom", None):
        notes += list(dict.fromkeys(run.reason for run in runs if run.outcome == outcome and run.reason))[:1]
    if rates:
        notes += _doubts(session, figures, runs)
    return ReportCell(
        case=case.name,
        variant=figures.variant,
        engine=figures.engine,
        outcome=outcome,
        text=rates_text(rates) or _word(outcome, runs),
        iterations_per_second=rates,
        published=cell_figures(against, workload, figures.variant, rates),
        footnotes=notes,
    )


def _doubts(session: SessionState, figures: CaseFigures, runs: list[RunState]) -> list[str]:
    """What must be known of a figure before it is compared: what it was made with, over what, and what disturbed it."""
    found = [f"made with {word}, other than what stands above the tables" for word in otherwise(session, runs)]
    if "ok" not in figures.outcomes:
        calls = sum(len(run.calls_of("measure")) for run in runs)
        found.append(f"not over yet: the figure is over {calls} measured call{'s' * (calls != 1)} so far")
    return found + figures.flags


def _word(outcome: str | None, runs: list[RunState]) -> str:
    if outcome in (None, "ok"):
        return NOT_MEASURED
    if outcome == "stopped" and all(run.unbegun for run in runs):
        return NOT_MADE
    if outcome != "oom":
        return str(outcome)
    return max(
        (oom_text(sum(call.ended for call in run.calls.values())) for run in runs if run.outcome == "oom"), key=len
    )


def _with_ratio(figure: PublishedFigure | None) -> str:
    ratio = _ratio_text(figure)
    return published_text(figure) + (f" ({ratio})" if ratio else "")


def _ratio_text(figure: PublishedFigure | None) -> str:
    return " / ".join(f"{one:.2f}x" for one in figure.ratio) if figure is not None else ""


def report_lines(document: ReportDocument, *, markdown: bool) -> list[str]:
    """The tables as Markdown or aligned plain text, iterations per second in their cells."""
    ours = f"torch {document.torch}" if document.torch else "ours"
    said = f"session {document.session}, {ours}, iterations per second"
    intro = [said, *_made_with(document), *_missing(document)]
    if document.against:
        ratio = "in brackets" if markdown else "ratio:"
        intro.append(f"torch 2.0 and nightly: as published of {document.against}; {ratio} ours divided by theirs")
    # A line for itself is a paragraph in Markdown.
    lines = [line for text in intro for line in ("", shown(one_line(text)))][1:] if markdown else intro
    for table in document.tables:
        lines += ["", *_table(table, document, markdown)]
    if not document.tables:
        lines += ["", "no case was asked for"]
    return lines


def _made_with(document: ReportDocument) -> list[str]:
    """What else the figures depend on; torch stands above already."""
    driver = [f"driver {document.driver}"] if document.driver else []
    packages = [f"{name} {document.versions[name]}" for name in _TOLD if name in document.versions]
    return [f"with {', '.join([*driver, *packages])}"] if driver or packages else []


def _missing(document: ReportDocument) -> list[str]:
    """What the tables lack, and why; nothing where every run has a result."""
    if document.made == document.runs:
        return []
    why = f": {document.reason}" if document.reason else ""
    return [f"{document.made} of {document.runs} runs made{why}"]


def _table(table: ReportTable, document: ReportDocument, markdown: bool) -> list[str]:
    title = f"{table.gpu} (batch size: {table.batch_size})"
    if not table.benchmark:
        title += ", not in the published benchmark"
    against = document.against if table.benchmark else None
    present = {_key(cell) for row in table.rows for cell in row.cells}
    columns = [*_COLUMNS, *(key for key in _TITLES if key not in _COLUMNS and key in present)]
    notes: dict[str, int] = {}
    if markdown:
        return _as_markdown(title, table.rows, columns, against is not None, notes)
    body = [line for row in table.rows for line in _lines(row, columns, against is not None, notes)]
    header = ["Pipeline", *(_TITLES[key] for key in columns)]
    lines = [title, *align([header, *body], right=range(1, len(header)))]
    for text, mark in notes.items():
        lines += textwrap.wrap(f"[{mark}] {text}", _NOTE_WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    return lines


def _as_markdown(
    title: str, rows: Sequence[ReportRow], columns: Sequence[ColumnKey], against: bool, notes: dict[str, int]
) -> list[str]:
    """What was published stands beside ours: a column a release of torch."""
    releases = {key: published.RELEASES if against and key[0] in published.VARIANTS else () for key in columns}
    header = ["Pipeline"]
    for key in columns:
        header += [_TITLES[key], *(f"torch {release} - {_TITLES[key]}" for release in releases[key])]
    body: list[list[str]] = []
    for row in rows:
        line = [shown(one_line(row.label)) + _marks(_shared(row), notes)]
        for key in columns:
            theirs = [_with_ratio(_theirs(row, key, release)) for release in releases[key]]
            line += [cell.replace("failed", "❌") for cell in (_ours(row, key, notes), *theirs)]
        body.append(line)
    lines = [f"### {shown(one_line(title))}", "", *_markdown([[f"**{cell}**" for cell in header], *body])]
    return lines + ([""] if notes else []) + [f"{mark}. {point(text)}" for text, mark in notes.items()]


def _lines(row: ReportRow, columns: Sequence[ColumnKey], against: bool, notes: dict[str, int]) -> list[list[str]]:
    """A row of plain text. What was published stands below ours: beside it no terminal would be wide enough."""
    lines = [[row.label + _marks(_shared(row), notes), *(_ours(row, key, notes) for key in columns)]]
    for release in published.RELEASES if against else ():
        figures = {key: _theirs(row, key, release) for key in columns if key[0] in published.VARIANTS}
        texts = [published_text(figures[key]) if key in figures else "" for key in columns]
        ratios = [_ratio_text(figures.get(key)) for key in columns]
        lines.append([f"  torch {release}", *texts])
        lines += [["    ratio", *ratios]] if any(ratios) else []
    return lines


def _shared(row: ReportRow) -> list[str]:
    """What is said of every cell of a row: it is said of its name."""
    ours = [cell for cell in row.cells if cell.case is not None]
    return [note for note in ours[0].footnotes if all(note in cell.footnotes for cell in ours)]


def _ours(row: ReportRow, key: ColumnKey, notes: dict[str, int]) -> str:
    cell = next((cell for cell in row.cells if _key(cell) == key), None)
    if cell is None:
        return NOT_MEASURED
    shared = _shared(row)
    return cell.text + _marks([note for note in cell.footnotes if note not in shared], notes)


def _theirs(row: ReportRow, key: ColumnKey, release: str) -> PublishedFigure | None:
    figures = (figure for cell in row.cells if _key(cell) == key for figure in cell.published)
    return next((figure for figure in figures if figure.torch == release), None)


def _marks(texts: Sequence[str], notes: dict[str, int]) -> str:
    """The numbers of footnotes; a new text gets the next one."""
    return " " + "".join(f"[{notes.setdefault(text, len(notes) + 1)}]" for text in texts) if texts else ""


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    header, *body = map(table_row, rows)
    return [header, f"|{':---:|' * len(rows[0])}", *body]
