"""What the subcommands share: finding a session, printing a document, ending with one line and a code."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from profiler import logins, sessions
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.report.text import unsteering
from profiler.sessions import Liveness, SessionFolder
from tui.echo import echo, echo_page
from tui.terminals import terminal_kind

OK, RUN_FAILED, BAD_USAGE, NOT_FOUND = 0, 1, 2, 3
NARROWEST = 60
LONE = re.compile("[\ud800-\udfff]")
"""Halves of characters: what Python makes of bytes in a file's name that are no UTF-8."""
Printed = TypeVar("Printed")


class CommandError(click.ClickException):
    """Ends the command with one line on stderr and ``code``."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def find(reference: str, root: Path) -> SessionFolder:
    """The session that the user means; a CommandError with code 3 where there is none."""
    try:
        return sessions.find(reference, root)
    except sessions.SessionNotFound as error:
        raise CommandError(str(error), NOT_FOUND) from None


def open_session(folder: SessionFolder) -> Follower:
    """A follower of the session; a CommandError where its folder can't be used."""
    try:
        return Follower(folder)
    except sessions.SessionUnreadable as error:
        raise CommandError(str(error), RUN_FAILED) from None


def warn_of_logout() -> None:
    """One line on stderr where a logout would end what was just left in the background."""
    warning = logins.warning()
    if warning is not None:
        echo(f"stepscope: {warning}", aside=True)


def read_session(reference: str, root: Path) -> tuple[SessionState, bool]:
    """The folded state of a session as it is now, and whether it was copied from elsewhere."""
    follower = open_session(find(reference, root))
    state = follower.read_all()
    return state, follower.liveness is Liveness.COPIED


def pick_runs(state: SessionState, given: Sequence[str]) -> list[str]:
    """The names of the runs that the user means by names, unique beginnings of names, or numbers; all of none given.

    Raises CommandError: code 3 where there is no such run, 2 where several fit.
    """
    names = list(state.runs)
    return list(dict.fromkeys(_pick_run(one, names) for one in given)) if given else names


def _pick_run(given: str, names: Sequence[str]) -> str:
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None
    fitting = [name for name in names if name == given]
    fitting = fitting or [name for name in names if number is not None and name.partition("-")[0] == f"{number:03d}"]
    fitting = fitting or [name for name in names if given and name.startswith(given)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise CommandError(f"{given!r} fits {len(fitting)} runs (there are: {some(fitting)})", BAD_USAGE)
    raise CommandError(f"no run is called {given!r} (there are: {some(names)})", NOT_FOUND)


def some(names: Sequence[str], most: int = 12) -> str:
    """Names in one line; of many the first ones and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f", and {more} more" if more > 0 else "")


def print_document(document: msgspec.Struct) -> None:
    """The document as JSON on stdout, and nothing else. Text from logs is in it: nothing may steer the terminal."""
    echo_page(_as_json(document))


def document_text(document: msgspec.Struct) -> str:
    """The document as JSON of which nothing steers a terminal."""
    # In a document the same escapes are JSON's own.
    return unsteering(_as_json(document))


def _as_json(document: msgspec.Struct) -> str:
    try:
        encoded = msgspec.json.encode(document)
    except UnicodeEncodeError:  # names of folders may be bytes that are no text
        encoded = msgspec.json.encode(_encodable(msgspec.to_builtins(document)))
    return msgspec.json.format(encoded, indent=2).decode()


def _encodable(value: Any) -> Any:
    """``value``, of dicts, lists and scalars, with U+FFFD in the place of what no JSON can hold."""
    if isinstance(value, dict):
        return {_encodable(name): _encodable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(inner) for inner in value]
    return LONE.sub("\ufffd", value) if isinstance(value, str) else value


def print_lines(lines: list[str], *, aside: bool = False) -> None:
    """Lines that hold text from logs: nothing in them may steer the terminal. ``aside``: on stderr."""
    for line in lines:
        echo(line, aside=aside)


def lasting(write: Callable[[Printed], None], wanted: bool = True) -> Callable[[Printed], None]:
    """``write``; where ``wanted`` the command goes on when the reader of a pipe went away, for the sake of its code."""
    if not wanted:
        return write

    def told(what: Printed) -> None:
        try:
            write(what)
        except BrokenPipeError:
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except BrokenPipeError:
                    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    return told


def terminal_width() -> int:
    """Columns of the terminal or of $COLUMNS; 80 in a pipe, and never so few that nothing can be said in them."""
    return max(shutil.get_terminal_size((80, 24)).columns, NARROWEST)


def on_terminal() -> bool:
    """Whether there is a terminal to draw on; Textual draws through stderr."""
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)) and terminal_kind().draws


session_argument = click.argument("reference", metavar="[SESSION]", default="last")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout and nothing else.")
pass_root = click.make_pass_decorator(Path)


def ended_well(code: int | None) -> None:
    """End the command with a screen's exit code where that is none of success: a signal ended it, or a mistake did."""
    if code:
        raise click.exceptions.Exit(code)
