"""``export``: sessions, or a comparison of what is in them, as a file. Needs no torch."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click

from profiler.analysis.lots import Lot
from profiler.analysis.state import RunState, SessionState
from profiler.report.comparemarkdown import compare_markdown
from profiler.report.csvrows import call_rows, run_rows, step_rows
from profiler.report.documents import show_document
from profiler.report.naming import short_ids
from profiler.report.notes import session_notes
from profiler.report.trace import trace
from tui import safe
from tui.commands.common import BAD_USAGE, RUN_FAILED, CommandError, document_text, pass_root, pick_runs
from tui.commands.things import Things
from tui.echo import echo


@dataclass(frozen=True, slots=True)
class Asked:
    """What is exported: ``lots``, which are ``whole`` where they are all cases of one session."""

    things: Things
    lots: list[Lot]
    baseline: Lot | None
    whole: bool
    rows: str

    @property
    def sessions(self) -> list[SessionState]:
        """Each once, in the order in which they were named."""
        return list({id(lot.session): lot.session for lot in self.lots}.values())

    @property
    def runs(self) -> list[tuple[SessionState, RunState]]:
        """Those of all lots, each once."""
        return list({id(run): (lot.session, run) for lot in self.lots for run in lot.runs}.values())


class Format(NamedTuple):
    """``write`` makes the text of what is asked for, piece by piece."""

    ending: str
    write: Callable[[Asked], Iterable[str]]
    hint: str  # what to do with the file
    one_session: bool = False  # it can't hold several


ROWS = {"runs": run_rows, "calls": call_rows, "steps": step_rows}
"""What one line of the CSV is."""


def _json(asked: Asked) -> Iterator[str]:
    """One session as ``show --json`` has it; of several, and of parts, what ``compare --json`` says."""
    only = asked.sessions[0]
    if asked.whole and (asked.baseline is None or asked.baseline.session is only):
        baseline = None if asked.baseline is None else asked.baseline.name
        folder = asked.things.folder_of(asked.lots[0])
        copied = only in asked.things.copied
        yield document_text(show_document(only, copied=copied, folder=folder, baseline=baseline))
    else:
        yield document_text(asked.things.document(asked.lots, asked.baseline))
    yield "\n"


def _csv(asked: Asked) -> Iterator[str]:
    yield from ROWS[asked.rows](asked.runs)


def _markdown(asked: Asked) -> Iterator[str]:
    more = session_notes(asked.sessions[0]) if asked.whole else ()
    yield from compare_markdown(asked.things.document(asked.lots, asked.baseline), more)


def _html(asked: Asked) -> Iterator[str]:
    from profiler.report.html import page

    things = asked.things
    yield from page(
        things.with_baseline(asked.lots, asked.baseline), asked.baseline, folders=things.folders, copied=things.copied
    )


def _trace(asked: Asked) -> Iterator[str]:
    yield from trace(asked.sessions[0], [run.name for _, run in asked.runs])


FORMATS = {
    "json": Format("json", _json, "the figures, as 'show --json' or 'compare --json' prints them"),
    "csv": Format("csv", _csv, "a table for spreadsheets and pandas"),
    "md": Format("md", _markdown, "paste it into an issue"),
    "html": Format("html", _html, "open it in any browser: it needs no network"),
    "trace": Format(
        "trace.json", _trace, "open it at https://ui.perfetto.dev or in chrome://tracing", one_session=True
    ),
}


@click.command("export", short_help="Write figures, rows, plots or a trace of sessions to a file.")
@click.argument("references", metavar="[THING]...", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    required=True,
    help="json: all figures. csv: a row a run, call or step. md: for an issue. html: one page with the plots. trace:"
    " steps, stages, compiles, memory and GPU on one time axis, for Perfetto and chrome://tracing.",
)
@click.option("--run", "runs", metavar="RUN", multiple=True, help="This run alone: a name, its beginning, its number.")
@click.option("--rows", type=click.Choice(list(ROWS)), help="What a line of the CSV is. Default: runs.")
@click.option("--baseline", metavar="THING", help="What the others are compared with. Default: as compare has it.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to; - is standard output. Default: a file in this folder, named after the session.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@pass_root
def export_command(
    root: Path,
    references: tuple[str, ...],
    form: str,
    runs: tuple[str, ...],
    rows: str | None,
    baseline: str | None,
    output: str | None,
    force: bool,
) -> None:
    """Write THINGs to a file: the last session without any, or what compare takes, SESSION, SESSION/CASE or
    SESSION/RUN, of one session or of several. A trace is of one session.

    The figures are those of show and compare; steps and calls in CSV are what they are computed from.
    """
    wanted = FORMATS[form]
    if rows is not None and form != "csv":
        raise CommandError(f"--rows is of csv: a {form} has no rows to choose", BAD_USAGE)
    asked = _asked(Things(root), references or ("last",), runs, baseline, rows or "runs")
    if wanted.one_session and len(asked.sessions) > 1:
        raise CommandError(f"a {form} is of one session: name one of the {len(asked.sessions)}", BAD_USAGE)
    if output == "-":
        stream = sys.stdout.buffer  # the formats are UTF-8, whatever the locale
        for piece in _joined(wanted.write(asked)):
            stream.write(piece.encode())
        stream.flush()
        return
    path = Path(output if output is not None else f"{_named(asked)}.{wanted.ending}")
    _check(path, force)
    size = _write(path, wanted.write(asked), force)
    echo(f"wrote {path} ({_shown(size)}): {wanted.hint}")


def _asked(
    things: Things, references: tuple[str, ...], runs: tuple[str, ...], baseline: str | None, rows: str
) -> Asked:
    lots = things.lots(references)
    if not lots:
        raise CommandError(f"there is no case in {', '.join(references)}", RUN_FAILED)
    sessions = {id(lot.session): lot.session for lot in lots}
    if runs and len(sessions) > 1:
        raise CommandError("--run is of one session: name the runs as SESSION/RUN", BAD_USAGE)
    cases = [lot for lot in lots if lot.run is None]
    whole = len(sessions) == 1 and len(cases) == len(lots) == len(lots[0].session.request.cases) and not runs
    if runs:
        state = lots[0].session
        lots = [Lot(state, state.runs[name].case, name) for name in pick_runs(state, runs)]
    chosen = things.baseline(baseline, lots, references) if baseline is not None else None
    return Asked(things, lots, chosen, whole, rows)


def _named(asked: Asked) -> str:
    """After the folders of the sessions, of many after the first ones: ids in logs are somebody else's text.

    So may be a folder's name: a file that is listed, or named by a shell, is as harmless as a line.
    """
    folders = list(dict.fromkeys(safe.line(asked.things.folder_of(lot).path.absolute().name) for lot in asked.lots))
    if len(folders) == 1:
        return folders[0]
    short = short_ids(folders)
    return "-".join([*(short[name] for name in folders[:3]), *(["more"] if len(folders) > 3 else [])])


def _shown(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _check(path: Path, force: bool) -> None:
    """A CommandError with code 2 where the file can't be written as it was asked for."""
    if path.is_dir():
        raise CommandError(f"{path} is a folder: name a file in it", BAD_USAGE)
    if not path.absolute().parent.is_dir():
        raise CommandError(f"there is no folder {path.parent}", BAD_USAGE)
    if path.exists() and not force and path.is_file():
        raise CommandError(f"{path} is there already: --force replaces it, -o FILE names another", BAD_USAGE)


def _write(path: Path, pieces: Iterable[str], force: bool) -> int:
    """Write a whole file or none, and say how many bytes it has. What is no file, as a pipe, is written to as it is."""
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                return sum(stream.write(piece.encode()) for piece in _joined(pieces))
        # A link stays: what it leads to is replaced.
        return _replace(path.resolve(), pieces, force)
    except FileExistsError:
        raise CommandError(f"{path} is there already: --force replaces it", BAD_USAGE) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        error.filename = str(path)
        raise


def _replace(path: Path, pieces: Iterable[str], force: bool) -> int:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            size = sum(file.write(piece.encode()) for piece in _joined(pieces))
        if not force:
            path.touch(exist_ok=False)  # somebody may have written one meanwhile
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return size


def _joined(pieces: Iterable[str], at_least: int = 1 << 16) -> Iterator[str]:
    """Small pieces as larger ones: a write for each event would cost more than making it."""
    held: list[str] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= at_least:
            yield "".join(held)
            held.clear()
            length = 0
    yield "".join(held)
