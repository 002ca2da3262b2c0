"""The keys of a file: the command line's options by their names, with the kind of value that each takes."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from profiler.request import checking
from profiler.request.model import BadRequest

_PICTURE = re.compile(r"(?P<width>\d{1,6})x(?P<height>\d{1,6})")
_NUMBERS = 2**63


class Key(msgspec.Struct, frozen=True):
    """``field`` is the one of Options. ``many``: it takes several values by itself; others make a matrix of a list."""

    field: str
    kind: str  # text, whole, number, flag, table or picture
    session: bool = False  # of the whole session: at the top of the file alone
    many: bool = False


def _by_name(kind: str, *names: str, session: bool = False) -> dict[str, Key]:
    return {name: Key(name.replace("-", "_"), kind, session) for name in names}


KEYS: dict[str, Key] = {
    "pipeline": Key("pipeline", "text"),
    "variant": Key("variants", "text", many=True),
    "batch-size": Key("batch_sizes", "whole", many=True),
    **_by_name("whole", "steps", "calls", "warmup"),
    "picture": Key("picture", "picture"),
    **_by_name("whole", "height", "width", "frames"),
    **_by_name("number", "guidance", "strength"),
    **_by_name("text", "dtype", "scheduler", "attention", "memory-format"),
    **_by_name("flag", "attention-slicing", "vae-slicing", "vae-tiling"),
    **_by_name("text", "vae", "offload", "layerwise-casting", "text-encoders"),
    **_by_name("whole", "seed"),
    **_by_name("text", "prompt", "scenario"),
    "call": Key("call", "table"),
    "engine": Key("engines", "text", many=True),
    "compile-mode": Key("mode", "text"),
    **_by_name("flag", "fullgraph", "dynamic"),
    **_by_name("text", "backend"),
    **_by_name("whole", "recompile-limit"),
    **_by_name("table", "inductor-options"),
    **_by_name("text", "weights", "size"),
    **_by_name("whole", "repeats", session=True),
    **_by_name("text", "cache", "device", session=True),
    **_by_name("flag", "keep-cache", "queue", "find-max-batch", session=True),
    **_by_name("flag", "until-sure", "find-syncs", "save-images", session=True),
    "max-time": Key("max_time_s", "number", session=True),
    "memory-limit": Key("memory_limit_gib", "number", session=True),
}
"""``picture`` is width and height in one, "768x512", so that a list of them is a list of pictures."""


def fields_of(name: str, value: Any) -> dict[str, Any]:
    """The fields of Options that one value of the key ``name`` sets. Raises BadRequest for another kind of value."""
    key = KEYS[name]
    if key.kind == "text" and isinstance(value, str):
        return {key.field: value}
    if key.kind == "flag" and isinstance(value, bool):
        return {key.field: value}
    if key.kind == "table" and isinstance(value, dict):
        return {key.field: value}
    if key.kind in ("whole", "number") and isinstance(value, int) and not isinstance(value, bool):
        if not -_NUMBERS <= value < _NUMBERS:
            raise BadRequest(f"{name}: {value} is too large a number")
        return {key.field: value if key.kind == "whole" else float(value)}
    if key.kind == "number" and isinstance(value, float):
        return {key.field: value}
    if key.kind == "picture" and isinstance(value, str) and (found := _PICTURE.fullmatch(value)):
        return {side: int(found[side]) for side in ("height", "width")}
    raise BadRequest(f"{name} must be {_WANTED[key.kind]}, not {said(value)}")


_WANTED = {
    "text": 'text ("...")',
    "flag": "true or false",
    "table": "a table of names and values",
    "whole": "a whole number",
    "number": "a number",
    "picture": 'width and height like "768x512"',
}


def said(value: Any) -> str:
    """A value as it is told in a refusal."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return checking.shown(repr(value)) if len(value) <= 60 else f"{value[:56]!r}..."
    return str(value)
