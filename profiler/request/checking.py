"""Checks of single values; each refusal is one line that says what would work."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

from profiler.request.model import BadRequest

_DEPTH = 8
"""How deep lists and tables may lie in each other where any value can be given."""


def one_of(what: str, given: str, allowed: Sequence[str], field: str) -> str:
    """``given`` if it is allowed. Raises BadRequest, with the nearest that is."""
    if given not in allowed:
        raise BadRequest(
            f"no {what} is called {given!r}{hint(given, allowed)} (there are: {', '.join(allowed)})", field
        )
    return given


def within(what: str, given: int | None, default: int, low: int, high: int, field: str) -> int:
    """``given``, or ``default`` where nothing is. Raises BadRequest outside [low, high]."""
    if given is None:
        return default
    if not low <= given <= high:
        raise BadRequest(f"{what} must be from {low} to {high}, not {given}", field)
    return given


def number(what: str, given: float, low: float, high: float, field: str) -> float:
    """``given`` if it is a number within [low, high]. Raises BadRequest."""
    if not (math.isfinite(given) and low <= given <= high):
        raise BadRequest(f"{what} must be a number from {low:g} to {high:g}, not {given:g}", field)
    return given


def above_zero(what: str, given: float | None, unit: str, field: str) -> None:
    """Raises BadRequest unless ``given`` is None or a finite number above 0."""
    if given is not None and not (math.isfinite(given) and given > 0):
        raise BadRequest(f"{what} must be a number of {unit} above 0, not {given:g}", field)


def text(what: str, given: str, field: str) -> str:
    """``given`` if it can be stored. Bytes of the command line that aren't UTF-8 arrive as lone surrogates."""
    try:
        given.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"the {what} must be valid UTF-8, not {given!r}", field) from None
    return given


def arguments(what: str, given: dict[str, Any], field: str) -> dict[str, Any]:
    """``given`` if its names are Python's and its values can be stored as JSON and come back the same.

    Raises BadRequest.
    """
    for name, value in given.items():
        if not name.replace(".", "_").isidentifier():
            raise BadRequest(
                f"{name!r} can't be the name of {what}: letters, digits and _ would work", field, within=(name,)
            )
        text(what, name, field)
        if not _storable(value, _DEPTH):
            raise BadRequest(
                f"{what}: {name} must be a number, text, true, false or a list or table of those, not {value!r}",
                field,
                within=(name,),
            )
    return given


def shown(given: str) -> str:
    """``given`` as it can stand in a line: as it is, or quoted where it has line breaks and the like."""
    return given if given.isprintable() else repr(given)


def hint(given: str, allowed: Sequence[str]) -> str:
    """``, did you mean 'x'?`` for the first of ``allowed`` that begins so, else the nearest; "" where none is near."""
    begun = [name for name in allowed if given and name.casefold().startswith(given.casefold())]
    close = begun or difflib.get_close_matches(given, allowed, n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _storable(value: Any, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(value, str):
        return value.isascii() or value == value.encode(errors="ignore").decode()
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(_storable(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return all(_storable(name, 1) and _storable(item, depth - 1) for name, item in value.items())
    return False
