"""``ls`` and ``show``: read commands, which need no torch."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from profiler import sessions
from profiler.overview import Overview, read_overview
from profiler.report.documents import (
    ListDocument,
    SessionRow,
    show_document,
)
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
)


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
        click.echo("no sessions yet: 'stepscope demo' makes one")
        return
    header = ["session", "state", "age", "pipeline", "variants", "device", "runs"]
    rows = [header]
    for overview in overviews:
        row = _row(overview)
        failed = f", {row.failed} failed" if row.failed else ""
        rows.append(
            [
                row.session,
                f"{row.state}, copied" if row.copied else row.state,
                age((time.time_ns() - overview.created_wall_ns) / 1e9) if overview.created_wall_ns else "",
                row.pipeline,
                ", ".join(row.variants),
                row.device,
                f"{row.ended}/{row.runs}{failed}" if row.runs else row.reason or "",
            ]
        )
    print_lines(align(rows))


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
    """Coarse on purpose: "3 min", "5 h", "12 d"."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


@click.command("show", short_help="Print the figures of a session.")
@session_argument
@json_option
@pass_root
def show_command(root: Path, reference: str, as_json: bool) -> None:
    """Print the figures of SESSION: an id, a unique prefix of one, a folder, or 'last'."""
    folder = find(reference, root)
    follower = open_session(folder)
    state = follower.read_all()
    copied = follower.liveness is sessions.Liveness.COPIED
    if as_json:
        print_document(show_document(state, copied=copied, folder=folder))
    else:
        print_lines(session_lines(state, copied=copied))
