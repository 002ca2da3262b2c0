"""What was typed and can't be used, in one line that says what would work."""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.types import FloatParamType, IntParamType

from profiler.request.checking import hint


def no_command(name: str, known: Sequence[str]) -> str:
    """``name`` is none of the ``known`` commands."""
    return f"no command is called {name!r}{hint(name, known)} (there are: {', '.join(known)})"


def usage(error: click.UsageError) -> str:
    """click's words for ``error``, and where it is told what would do, unless they say it."""
    words = error.format_message()
    context = error.ctx
    if context is None or _says_what_works(error):
        return words
    if isinstance(error, click.NoSuchOption) and isinstance(context.command, click.Group):
        owners = _owners(error.option_name, context, context.command)
        if owners:
            return f"{error.option_name} is an option of {', '.join(owners)}, to be given after the command's name"
    return f"{words.rstrip('.')}: '{context.command_path} --help' says what would work"


def _says_what_works(error: click.UsageError) -> bool:
    """Of a value that is refused: our own checks and click's choices do, its numbers don't."""
    if not isinstance(error, click.BadParameter) or isinstance(error, click.MissingParameter):
        return False
    return error.param is None or not isinstance(error.param.type, IntParamType | FloatParamType)


def _owners(option: str, context: click.Context, group: click.Group) -> list[str]:
    """The commands of ``group`` that have ``option``."""
    commands = ((name, group.get_command(context, name)) for name in group.list_commands(context))
    return [name for name, command in commands if command and any(option in one.opts for one in command.params)]
