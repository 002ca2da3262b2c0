"""``ls`` and ``show``: read commands, which need no torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from profiler import sessions
from profiler.overview import Overview, read_overview
from profiler.report.columns import Column
from profiler.report.documents import ListDocument, SessionRow, show_document
from profiler.report.notes import paragraphs
from profiler.report.outputs import session_outputs
from profiler.report.tables import session_lines
from profiler.report.text import align
from tui.commands.common import (
    find,
    json_option,
    open_session,
    pass_root,
    print_document,
    print_lines,
    session_argument,
    terminal_width,
)
from tui.commands.things import pick_case
from tui.echo import echo
from tui.pictures import words


@click.command("ls")
@json_option
@pass_root
def ls_command(root: Path, as_json: bool) -> None:
    """List all sessions, newest first."""
    overviews = [read_overview(folder) for folder in sessions.all_sessions(root)]
    if as_json:
        print_document(ListDocument(home=str(root), sessions=[_row(overview) for overview in overviews]))
        return
    if not overviews:
        echo("no sessions yet: 'stepscope demo' makes one")
        return
    rows = [_row(overview) for overview in overviews]
    now_ns = time.time_ns()
    ages = [age((now_ns - one.created_wall_ns) / 1e9) if one.created_wall_ns else "" for one in overviews]
    print_lines(_list_lines(rows, ages, [_runs_cell(one) for one in overviews], terminal_width()))


def _list_lines(rows: Sequence[SessionRow], ages: Sequence[str], runs: Sequence[str], width: int) -> list[str]:
    """A line a session, and one more that says why, where it can't be read or has died. Of a narrow terminal's columns
    those that the session's name tells anyway are left out.
    """
    columns = [
        Column("session", [row.session for row in rows], right=False),
        Column("state", [f"{row.state}, copied" if row.copied else row.state for row in rows], right=False),
        Column("age", ages, right=False),
        Column("pipeline", [row.pipeline for row in rows], right=False),
        Column("variants", [", ".join(row.variants) for row in rows], right=False),
        Column("device", [row.device for row in rows], right=False),
        Column("runs", runs, right=False),
    ]
    for title in ("pipeline", "device", "age", "variants"):
        if sum(column.width + 2 for column in columns) - 2 <= width:
            break
        columns = [column for column in columns if column.title != title]
    cells = zip(*(column.cells for column in columns), strict=True)
    header, *lines = align([[column.title for column in columns], *map(list, cells)])
    why = [paragraphs([f"  {row.reason}"], width) if row.reason else [] for row in rows]
    return [header, *(line for one, below in zip(lines, why, strict=True) for line in (one, *below))]


def _runs_cell(one: Overview) -> str:
    """How many runs have a result, as on the Sessions screen: one that was stopped has none."""
    if not one.runs:
        return ""
    return f"{one.ended - one.stopped}/{one.runs}" + (f", {one.failed} failed" if one.failed else "")


def _row(overview: Overview) -> SessionRow:
    created = datetime.fromtimestamp(overview.created_wall_ns / 1e9, UTC)
    return SessionRow(
        session=overview.session,
        state=overview.state,
        created=created.isoformat(timespec="seconds"),
        pipeline=overview.pipeline,
        variants=list(overview.variants),
        device=overview.device,
        runs=overview.runs,
        ended=overview.ended,
        failed=overview.failed,
        reason=overview.reason,
        copied=overview.copied,
    )


def age(seconds: float) -> str:
    """Coarse on purpose, as on the screen: "3 min", "5 h", "12 d"."""
    return f"{max(int(seconds), 0)} s" if seconds < 60 else words.age(seconds).removesuffix(" ago")


@click.command("show", short_help="Print the figures of a session.")
@session_argument
@click.option("--baseline", metavar="CASE", help="Compare with this case, not with no-compile of the same workload.")
@json_option
@pass_root
def show_command(root: Path, reference: str, baseline: str | None, as_json: bool) -> None:
    """Print the figures of SESSION: an id, a unique prefix of one, a folder, or 'last'.

    CASE is the name of a case, as the tables shorten it or its beginning.
    """
    folder = find(reference, root)
    follower = open_session(folder)
    state = follower.read_all()
    copied = follower.liveness is sessions.Liveness.COPIED
    chosen = pick_case(state, baseline) if baseline is not None else None
    if as_json:
        print_document(show_document(state, copied=copied, folder=folder, baseline=chosen))
        return
    outputs = session_outputs(folder, state, chosen)
    print_lines(session_lines(state, copied=copied, width=terminal_width(), baseline=chosen, outputs=outputs))
