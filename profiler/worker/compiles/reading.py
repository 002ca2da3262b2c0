"""Reading a user's objects without running their code: no property, no ``__getitem__``, ``__len__``, ``__repr__``.

Whoever is compiled must not notice that somebody looked: a ``defaultdict`` that is asked for a key has it from then on,
and a property may take a minute. What can't be read this way raises LookupError (KeyError, IndexError or AttributeError
where something plainly isn't there).
"""

from __future__ import annotations

import inspect
import operator
import types
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import nn

_CONTAINERS: tuple[Any, ...] = (dict, list, tuple, set, frozenset, str, bytes, range)
_ITERATORS: tuple[Any, ...] = (type(iter(())), type(iter([])))
_SEQUENCES: tuple[Any, ...] = (list, tuple, str, range)
_PLAIN: tuple[Any, ...] = (bool, int, float, complex, str)
_MISSING = object()


def attribute(holder: Any, name: str) -> Any:
    """``holder.name`` where it is kept as it is: in the object, its class or, of a module, among its members."""
    if name == "__dict__":
        return object.__getattribute__(holder, "__dict__")
    if isinstance(holder, types.ModuleType):
        return _member(vars(holder), name)
    found = inspect.getattr_static(holder, name, _MISSING)
    if found is _MISSING:
        if isinstance(holder, nn.Module):
            return _member({**holder._parameters, **holder._buffers, **holder._modules}, name)
        raise AttributeError(name)
    if _own(holder, name) is found:
        return found
    if isinstance(found, types.MemberDescriptorType | types.GetSetDescriptorType):
        if isinstance(holder, torch.Tensor):
            with torch._C.DisableTorchFunction():
                return found.__get__(holder, type(holder))
        return found.__get__(holder, type(holder))
    if isinstance(found, staticmethod):
        return found.__func__
    if isinstance(found, types.FunctionType):
        return found if isinstance(holder, type) else types.MethodType(found, holder)
    if hasattr(type(found), "__get__"):
        raise LookupError(f"{name} is computed")
    return found


def item(holder: Any, key: Any) -> Any:
    """``holder[key]`` of a dictionary, a list, a tuple, a text, or a list of modules."""
    if isinstance(holder, dict):
        return _member(holder, key)
    if isinstance(holder, nn.ModuleList | nn.Sequential) and isinstance(key, int):
        return list(holder._modules.values())[key]
    for kind in _SEQUENCES:
        if isinstance(holder, kind):
            return kind.__getitem__(holder, key)
    raise LookupError(type(holder).__name__)


def length(holder: Any) -> int:
    """``len(holder)`` of what Python itself counts."""
    if isinstance(holder, nn.ModuleList | nn.Sequential | nn.ModuleDict):
        return len(holder._modules)
    for kind in _CONTAINERS:
        if isinstance(holder, kind):
            return int(kind.__len__(holder))
    if type(holder) in _ITERATORS:
        return operator.length_hint(holder)
    raise LookupError(type(holder).__name__)


def keys(holder: dict[Any, Any], most: int) -> list[Any]:
    """The first ``most`` keys."""
    return list(islice(dict.__iter__(holder), most))


def members(holder: object, most: int) -> Iterator[tuple[Any, Any]]:
    """The first ``most`` items of a dictionary whose keys are texts or numbers, or of a list or a tuple."""
    if isinstance(holder, dict):
        for key in keys(holder, most):
            if type(key) in (str, int, bool):
                yield key, dict.get(holder, key)
    elif isinstance(holder, list):
        yield from enumerate(islice(list.__iter__(holder), most))
    elif isinstance(holder, tuple):
        yield from enumerate(islice(tuple.__iter__(holder), most))


def shape(tensor: torch.Tensor) -> tuple[int, ...] | None:
    """The sizes of ``tensor``; None of one that has none (nested, or not yet made)."""
    try:
        with torch._C.DisableTorchFunction():
            return tuple(tensor.shape)
    except Exception:
        # torch raises whatever it likes: RuntimeError of a nested tensor, ValueError of a parameter yet to be made.
        return None


def plain(value: object) -> str | None:
    """``repr(value)`` of a number or a text, as Python itself writes it; None for what is neither."""
    for kind in _PLAIN:
        if isinstance(value, kind):
            return str(kind.__repr__(value))
    return None


def _own(holder: Any, name: str) -> Any:
    """What the object's own dictionary has under ``name``."""
    try:
        own = object.__getattribute__(holder, "__dict__")
    except AttributeError:
        return _MISSING
    return dict.get(own, name, _MISSING) if isinstance(own, dict) else _MISSING


def _member(found: dict[Any, Any], key: Any) -> Any:
    value = dict.get(found, key, _MISSING)  # dict.__getitem__ would ask __missing__
    if value is _MISSING:
        raise KeyError(key)
    return value
