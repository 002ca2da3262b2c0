"""The arguments of the call that is compiled: their names, and what of them is kept to compare the next call with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from profiler.worker.compiles import reading
from profiler.worker.compiles.frames import Target
from profiler.worker.compiles.guards import chain

_KEPT = 96  # values of one call
Shape = tuple[int, ...]
Outline = dict[str, Shape | str]
"""The values of a call by their expression ("args[0]"): a tensor's shape, of anything else the type's name."""


def name(expression: str, target: Target) -> str | None:
    """The parameter that ``expression`` belongs to, by the name that callers of the module know it by."""
    steps = chain(expression)
    if not steps:
        return None
    base, *rest = steps
    positional, keywords = packed(target)
    if base in (positional, keywords) and rest:
        return _packed(rest[0], target)
    parameters = target.code.co_varnames[: _named(target)]
    if base in parameters and base not in (target.receiver, "fn") and not str(base).startswith("___"):
        return str(base)
    return None


def names(expressions: tuple[str, ...], target: Target) -> str | None:
    """The parameters that ``expressions`` belong to, each once: "sample" or "sample, timestep"; None for none."""
    found = [name(expression, target) for expression in expressions]
    return ", ".join(dict.fromkeys(parameter for parameter in found if parameter)) or None


def packed(target: Target) -> tuple[str | None, str | None]:
    """What the frame calls its ``*args`` and ``**kwargs``, each None where it has none."""
    code = target.code
    left = iter(code.co_varnames[_named(target) :])
    positional = next(left, None) if code.co_flags & 0x04 else None
    return positional, next(left, None) if code.co_flags & 0x08 else None


def keywords(target: Target) -> list[str] | None:
    """The keywords of a call that the frame takes as ``**kwargs``; None where it takes none."""
    found = target.locals.get(packed(target)[1] or "")
    return [str(key) for key in found] if isinstance(found, dict) else None


def outline(target: Target) -> Outline:
    """What can be kept of the call's values without keeping them: two levels deep, the first ``_KEPT``."""
    found: Outline = {}
    pack = packed(target)
    for parameter, value in target.locals.items():
        if parameter in pack:
            for path, inner in _items(parameter, value):
                _outline(found, path, inner)
        elif parameter not in (target.receiver, "fn"):
            _outline(found, parameter, value)
    return found


def _outline(found: Outline, path: str, value: object) -> None:
    for inner, held in ((path, value), *_items(path, value)):
        if len(found) >= _KEPT:
            return
        sizes = reading.shape(held) if isinstance(held, torch.Tensor) else None
        found[inner] = type(held).__name__ if sizes is None else sizes


def _items(path: str, value: object) -> Iterator[tuple[str, Any]]:
    for key, inner in reading.members(value, _KEPT):
        yield f"{path}[{key!r}]", inner


def _named(target: Target) -> int:
    return target.code.co_argcount + target.code.co_kwonlyargcount


def _packed(key: object, target: Target) -> str | None:
    """The parameter behind ``args[key]`` or ``kwargs[key]`` of a decorator around a module's forward."""
    if isinstance(key, str):
        return key
    if not isinstance(key, int) or target.module is None:
        return None
    # Named parameters of the decorator itself stand before its *args; self isn't among the positions.
    index = key + max(target.code.co_argcount - 1, 0)
    positions = target.positions
    return positions[index] if 0 <= index < len(positions) else None
