"""The ``stepscope`` command: parses, dispatches, and turns every failure into one line and an exit code."""

from __future__ import annotations

import codecs
import io
import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from profiler import __version__, sessions
from tui import misuse, safe
from tui.commands.common import BAD_USAGE, NOT_FOUND, OK, RUN_FAILED, CommandError, on_terminal
from tui.commands.screen_options import settings_of, unread_screen_options
from tui.echo import echo, echo_page

# Command -> module: a module is imported when its command is used, so that none pays for another's imports.
COMMANDS = {
    "demo": "run",
    "run": "run",
    "watch": "watch",
    "ls": "inspect",
    "show": "inspect",
    "triggers": "triggers",
    "compare": "compare",
    "report": "report",
    "export": "export",
    "stop": "control",
    "skip": "control",
    "resume": "resume",
    "rm": "control",
    "pipelines": "catalogue",
    "scenarios": "catalogue",
    "doctor": "doctor",
}

MEASURING = ("demo", "run", "resume")
"""Those that say how a session ended: where nobody reads them any more, they leave before they know."""


class Commands(click.Group):
    """Loads a subcommand from its module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        module = COMMANDS.get(name)
        if module is None:
            return None
        found = getattr(import_module(f"tui.commands.{module}"), f"{name}_command")
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise CommandError(misuse.no_command(args[0], list(COMMANDS)), BAD_USAGE)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """As ever, but where the reader of our output went away, as ``head`` does: click would end with 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Nothing more can be said, and Python must not try at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return RUN_FAILED if ctx.invoked_subcommand in MEASURING else OK


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110, "show_default": True},
)
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
@unread_screen_options
@click.version_option(__version__, prog_name="stepscope")
@click.pass_context
def cli(ctx: click.Context, /, debug: bool, **screen: Any) -> object:
    """Profile diffusers pipelines live in the terminal: without compilation, with torch.compile, with regional
    compilation, side by side.

    Without a command: the list of all sessions, as a screen or, without a terminal, as lines. 'stepscope demo' shows
    what it does in two minutes. Sessions are kept in $STEPSCOPE_HOME (default: the user's data folder); the options of
    the screen and its keys can be set in config.toml, in the user's config folder or where $STEPSCOPE_CONFIG says.

    SESSION is an id, a unique prefix of one, a folder, or 'last', which is meant where [SESSION] is left out.

    Exit codes: 0 done, 1 a run failed, died or was stopped, or the only one ran out of memory, or
    --fail-on-recompile or --fail-if-slower did not pass, 2 bad usage, 3 not found.
    """
    ctx.obj = sessions.home()
    if ctx.invoked_subcommand is not None:
        given = [name for name, value in screen.items() if value is not None]
        if given:
            option = next(param.opts[0] for param in ctx.command.params if param.name == given[0])
            raise CommandError(
                f"{option} before a command is for the list of sessions alone: of run, demo, watch, resume and compare "
                "it is an option of theirs, after their names",
                BAD_USAGE,
            )
        return None
    settings = settings_of(screen)
    if settings.plain or not on_terminal():
        return ctx.invoke(import_module("tui.commands.inspect").ls_command)
    from tui.commands.watch import show_app

    show_app(ctx.obj, None, settings=settings)
    return OK


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code. Errors are one line on stderr, with a traceback under --debug."""
    _write_what_streams_can()
    if arguments is None:
        sys.excepthook = _report
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    guard: Callable[[BaseException], int] = _reraise if debug else _explain
    try:
        result = cli.main(args=given, prog_name="stepscope", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        echo_page(error.format_message())
        return error.exit_code
    except CommandError as error:
        return _say(error.message, error.code)
    except click.UsageError as error:
        return _say(misuse.usage(error), error.exit_code)
    except click.ClickException as error:
        return _say(error.format_message(), error.exit_code)
    except (sessions.SessionNotFound, sessions.SessionUnreadable, OSError, RuntimeError) as error:
        return guard(error)
    return result if isinstance(result, int) else OK


def _write_what_streams_can() -> None:
    """In a locale that isn't UTF-8 our own arrows and signs become ASCII, and what others wrote "?"; nothing fails."""
    codecs.register_error("stepscope", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name not in ("utf-8", "ascii"):
            stream.reconfigure(errors="stepscope")  # click writes UTF-8 where it finds ASCII


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = safe.in_ascii(error.object[error.start : error.end])
    return text.encode("ascii", "replace").decode(), error.end


def _explain(error: BaseException) -> int:
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        hint = "; STEPSCOPE_HOME names the folder to use" if _inside_home(error) else ""
        return _say(f"cannot use{where or ' a file'}: {error.strerror or error}{hint}", RUN_FAILED)
    code = NOT_FOUND if isinstance(error, sessions.SessionNotFound) else RUN_FAILED
    return _say(str(error), code)


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A traceback as Python prints it, in lines that steer no terminal: an exception may say what a log has said."""
    for line in "".join(traceback.format_exception(kind, error, trace)).splitlines():
        echo(line, aside=True)


def _reraise(error: BaseException) -> int:
    raise error


def _inside_home(error: OSError) -> bool:
    home = sessions.home()
    path = Path(str(error.filename or ""))
    return path == home or home in path.parents or path in home.parents


def _say(message: str, code: int) -> int:
    echo(f"stepscope: {' '.join(message.split())}", aside=True)
    return code
