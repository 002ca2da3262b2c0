"""Everything that is made of a session's state without a terminal: documents, lines, pages and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from profiler.analysis.lots import lots_of
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import occurrences
from profiler.report.comparemarkdown import compare_markdown
from profiler.report.comparetext import compare_lines
from profiler.report.comparison import compare_document
from profiler.report.csvrows import call_rows, run_rows, step_rows
from profiler.report.documents import show_document
from profiler.report.html import page
from profiler.report.layout import report, report_lines
from profiler.report.notes import session_notes
from profiler.report.trace import trace
from profiler.report.triggers import trigger_lines, triggers_document
from profiler.sessions import SessionFolder
from tui.pictures.compare.marks import Mark
from tui.pictures.compare.painter import ComparePainter
from tui.pictures.compare.resolved import Seen
from tui.pictures.compare.view import CHARTS, CompareView
from tui.pictures.compare.view import VIEWS as COMPARE_VIEWS
from tui.pictures.live import LivePainter
from tui.pictures.triggers.painter import TriggersPainter
from tui.pictures.triggers.view import VIEWS, TriggersView
from tui.pictures.view import StepsView
from tui.plain import PlainReport, introduction

View = Callable[[], object]

FOLDER = SessionFolder(Path("/nonexistent/session"))
"""Where the session would be: nothing of it is read from files."""


def every_view(state: SessionState) -> Iterator[tuple[str, View]]:
    """What there is, by name. Texts of pages and rows are whole; documents are as they are written."""
    lots = lots_of(state)
    runs = [(state, run) for run in state.runs.values()]
    yield "show", lambda: _json(show_document(state))
    yield "compare", lambda: _json(compare_document(lots))
    yield "compare, text", lambda: "\n".join(compare_lines(compare_document(lots)))
    yield "compare, by ear", lambda: "\n".join(compare_lines(compare_document(lots), by_ear=True))
    yield "compare, Markdown", lambda: "".join(compare_markdown(compare_document(lots), session_notes(state)))
    yield "report", lambda: "\n".join(report_lines(report(state), markdown=False))
    yield "report, Markdown", lambda: "\n".join(report_lines(report(state), markdown=True))
    for name, rows in {"runs": run_rows, "calls": call_rows, "steps": step_rows}.items():
        yield f"CSV of {name}", partial(_joined, rows, runs)
    yield "trace", lambda: "".join(trace(state))
    yield "page", lambda: "".join(page(lots))
    yield "triggers", lambda: _json(triggers_document(state))
    yield "triggers, text", lambda: "\n".join(trigger_lines(state, occurrences(state), every=True))
    yield "plain", lambda: _plain(state)
    yield "Live", lambda: _live(state)
    yield "Triggers", lambda: _triggers(state)
    yield "Compare", lambda: _compare(state)


def _json(document: object) -> str:
    return msgspec.json.encode(document).decode()


def _joined(rows: Callable[..., Iterator[str]], runs: object) -> str:
    return "".join(rows(runs))


def _plain(state: SessionState) -> str:
    lines = introduction(state)
    report = PlainReport(lines.append)
    report.update(state, state.last_t)
    report.update(state)
    return "\n".join(lines)


def _live(state: SessionState) -> object:
    painter = LivePainter(state)
    views = (StepsView(), StepsView(axis="time", full_range=True, moved=-1), StepsView(overlay=True, log=True))
    return [painter.picture(view, state.last_t, copied=False, loading=False) for view in views]


def _triggers(state: SessionState) -> object:
    painter = TriggersPainter(state)
    return [
        painter.picture(TriggersView(view=view), number, state.last_t, copied=True, loading=False)
        for number, view in enumerate(VIEWS)
    ]


def _compare(state: SessionState) -> object:
    painter = ComparePainter()
    seen = {"here": Seen(state, revision=1)}
    return [
        painter.picture(
            (Mark("here"),), seen, CompareView(view=view, charts=CHARTS.get(view, ())), folders={"here": FOLDER}
        )
        for view in COMPARE_VIEWS
    ]
