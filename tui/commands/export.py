"""``export``: a session as a file for other programs. Needs no torch."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from profiler.analysis.state import SessionState
from profiler.report.trace import trace
from tui.commands.common import (
    BAD_USAGE,
    CommandError,
    pass_root,
    pick_runs,
    read_session,
    session_argument,
)


class Format(NamedTuple):
    """``write`` makes the text of a session and the names of its runs, piece by piece."""

    ending: str
    write: Callable[[SessionState, list[str]], Iterable[str]]
    hint: str  # what to do with the file


FORMATS = {
    "trace": Format("trace.json", trace, "open it at https://ui.perfetto.dev or in chrome://tracing"),
}


@click.command("export", short_help="Write a session as a file: a trace for Perfetto.")
@session_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    required=True,
    help="trace: steps, stages, compiles, memory and GPU on one time axis, for Perfetto and chrome://tracing.",
)
@click.option("--run", "runs", metavar="RUN", multiple=True, help="This run alone: a name, its beginning, its number.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    show_default="SESSION.trace.json in the current folder",
    help="Where to; - is standard output.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@pass_root
def export_command(
    root: Path, reference: str, form: str, runs: tuple[str, ...], output: str | None, force: bool
) -> None:
    """Write SESSION, or those of its runs that --run names, to a file."""
    wanted = FORMATS[form]
    state, _ = read_session(reference, root)
    names = pick_runs(state, runs)
    if output == "-":
        for piece in _joined(wanted.write(state, names)):
            click.echo(piece, nl=False)
        return
    path = Path(output if output is not None else f"{state.session}.{wanted.ending}")
    _check(path, force)
    size = _write(path, wanted.write(state, names), force)
    click.echo(f"wrote {path} ({_shown(size)}): {wanted.hint}")


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
