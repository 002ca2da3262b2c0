"""The ``stepscope run`` line that asks for the same as ``Options`` do, as short as it goes."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from profiler.request.keys import KEYS
from profiler.request.options import Options

COMMAND = ("stepscope", "run")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_SWITCHES = ("fullgraph", "dynamic")
"""Options that can be on, off, or left to the default."""

_SINGULAR = {"inductor-options": "inductor-option"}
_DEFAULTS = Options(pipeline="")


class Unsayable(ValueError):
    """Something that was asked for has no option on the command line: a file can say it."""


def command_line(options: Options, device: str | None = None) -> list[str]:
    """The arguments of ``stepscope run``, from ``stepscope`` on; what is a default is left out.

    The command makes the same ``options`` of them. ``device`` None: the command's own default. Raises Unsayable.
    """
    if options.legs:
        raise Unsayable("a list of calls of one's own can be said in a file alone")
    given = [] if device is None else ["--device", device]
    for key in KEYS.values():
        if key.field not in ("pipeline", "picture", "device"):
            given += _said(key.field, getattr(options, key.field))
    if options.pipeline.startswith("-"):
        return [*COMMAND, *given, "--", options.pipeline]
    return [*COMMAND, options.pipeline, *given]


def quoted(arguments: Sequence[str]) -> str:
    """The arguments as one line for a POSIX shell. Unprintable text in them is written by its escapes ($'...')."""
    return " ".join(_word(argument) for argument in arguments)


_OPTIONS = {key.field: f"--{_SINGULAR.get(name, name)}" for name, key in KEYS.items()}


def _said(field: str, value: Any) -> Iterator[str]:
    if value == getattr(_DEFAULTS, field):
        return
    option = _OPTIONS[field]
    if field == "queue":
        yield "--no-queue"
    elif field in _SWITCHES:
        yield option if value else f"--no-{option.removeprefix('--')}"
    elif isinstance(value, bool):
        yield option
    elif isinstance(value, dict):
        for name, each in value.items():
            if not _NAME.fullmatch(name):
                raise Unsayable(f"the name {name!r} can be said in a file alone")
            yield from (option, f"{name}={typed(each)}")
    else:
        for each in value if isinstance(value, list | tuple) else (value,):
            yield from (option, _scalar(each))


def _scalar(value: str | int | float) -> str:
    """As short as it goes and still the same number."""
    if isinstance(value, float) and math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return value if isinstance(value, str) else repr(value)


def typed(value: Any) -> str:
    """A value as ``--call NAME=VALUE`` takes it: JSON, and text as it is where it can be taken for nothing else."""
    if isinstance(value, str) and value not in ("True", "False", "None") and not _is_json(value):
        return value
    return json.dumps(msgspec.to_builtins(value))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _word(argument: str) -> str:
    if argument.isprintable():
        return shlex.quote(argument)
    # Line breaks and what steers a terminal, as one types them in bash, zsh and ksh.
    escaped = "".join(
        char if char.isprintable() and char not in "\\'" else f"\\{char}" if char in "\\'" else _escape(char)
        for char in argument
    )
    return f"$'{escaped}'"


def _escape(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
