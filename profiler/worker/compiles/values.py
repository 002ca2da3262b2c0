"""The value that failed a guard, read from the frame that is being compiled by the guard's own expression.

torch prints what a guard expected; for most guards on Python values it doesn't print what it found.
"""

from __future__ import annotations

import ast
import functools
import types
from typing import Any

import torch

from profiler.worker.compiles import arguments, globalstate, reading
from profiler.worker.compiles.arguments import Outline
from profiler.worker.compiles.frames import Target
from profiler.worker.compiles.guards import Failed
from profiler.worker.compiles.payloads import text

VALUE_LIMIT = 200
_NAMED_KEYS = 6
_OF_TENSORS = {"size", "stride", "storage_offset", "dim"}


def concrete(failed: Failed, target: Target, before: Outline | None) -> Failed:
    """``failed`` with the source first that made the difference, by the call that the entry was compiled for."""
    if before is None:
        return failed
    if failed.how == "shapes" and len(failed.sources) > 1:
        now = arguments.outline(target)
        changed = [source for source in failed.sources if _changed(source, before, now)]
        return Failed("shapes", tuple(dict.fromkeys([*changed, *failed.sources])))
    if failed.how == "raised":
        now = arguments.outline(target)
        gone = [path for path, was in before.items() if isinstance(was, tuple) and now.get(path) == "NoneType"]
        return Failed("raised", tuple(gone))
    return failed


def argument(failed: Failed, target: Target, before: Outline | None) -> str | None:
    """The parameter that made the difference, or "a, b" where two did; None for what is no argument."""
    if failed.how == "value" and failed.sources and before is not None:
        positional, keywords = arguments.packed(target)
        if failed.sources[0] in (keywords, f"len({keywords})"):
            return ", ".join(_keywords_changed(target, before)) or None
        if failed.sources[0] in (positional, f"len({positional})"):
            return arguments.names(_positions_changed(str(positional), target, before), target)
    several = failed.how in ("same", "raised")
    return arguments.names(failed.sources if several else failed.sources[:1], target)


def actual(failed: Failed, reason: str, target: Target) -> str | None:
    """The value that failed the guard, as text; None where it can't be read without running foreign code."""
    try:
        if failed.how == "state":
            return globalstate.present(failed.names)
        if failed.how == "modes":
            return globalstate.modes()
        if not failed.sources:
            return None
        return _read(failed.how, failed.sources, reason, target)
    except Exception:
        # Whatever stands in a guard's way (a property that raises, a missing attribute) also stands in ours.
        return None


def describe(value: object, *, by_type: bool = False) -> str:
    """``value`` in a few words. A tensor's contents are never touched: reading them would wait for the device."""
    name = type(value).__qualname__
    if isinstance(value, torch.Tensor):
        shape = reading.shape(value)
        return text(name if shape is None else f"{_dtype(value)}{list(shape)}", VALUE_LIMIT)
    plain = reading.plain(value)
    if plain is None and (value is None or isinstance(value, torch.dtype | torch.device)):
        plain = repr(value)
    if plain is not None:
        plain = text(plain, VALUE_LIMIT)
        return f"{name} {plain}" if by_type and value is not None else plain
    if isinstance(value, type):
        return text(f"class {value.__qualname__}", VALUE_LIMIT)
    if isinstance(value, dict):
        return text(f"{name} of {reading.length(value)}{_keys(value)}", VALUE_LIMIT)
    if isinstance(value, list | tuple | set | frozenset):
        return f"{name} of {reading.length(value)}"
    function = value.func if isinstance(value, functools.partial) else value
    if isinstance(function, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        return text(f"{name} {function.__module__}.{function.__qualname__}", VALUE_LIMIT)
    return text(name, VALUE_LIMIT)


def _read(how: str, sources: tuple[str, ...], reason: str, target: Target) -> str:
    source = sources[0]
    if how == "presence":
        return _presence(source, target)
    value = evaluate(source, target)
    if how == "tensor" and isinstance(value, torch.Tensor):
        return _tensor(value, reason)
    if how == "keys" and isinstance(value, dict):
        return text(f"{reading.length(value)}{_keys(value)}", VALUE_LIMIT)
    if how == "value" and source.startswith("len("):
        counted = evaluate(source[4:-1], target)
        return text(f"{value}{_keys(counted) if isinstance(counted, dict) else ''}", VALUE_LIMIT)
    if how == "same" and len(sources) > 1:
        same = all(evaluate(other, target) is value for other in sources[1:])
        return f"{describe(value)}, {'the same object' if same else 'two objects'}"
    told = describe(value, by_type=how == "type")
    if how == "type" and f".{told}'>" in reason:
        return text(f"{type(value).__module__}.{told}", VALUE_LIMIT)  # another class of the same name, as peft's Linear
    return told


def _dtype(value: torch.Tensor) -> str:
    return str(reading.attribute(value, "dtype")).removeprefix("torch.")


def _tensor(value: torch.Tensor, reason: str) -> str:
    """The tensor with the property that its guard is about."""
    shape = describe(value)
    if "stride mismatch" in reason:
        return text(f"{shape} stride {list(value.stride())}", VALUE_LIMIT)
    if "requires_grad mismatch" in reason:
        return f"{shape} requires_grad {value.requires_grad}"
    if "device index mismatch" in reason:
        return f"{shape} on {value.device}"
    if "dispatch key set mismatch" in reason:
        return f"{shape} on {value.device}{', made in inference mode' if value.is_inference() else ''}"
    return shape


def _presence(source: str, target: Target) -> str:
    """What stands at a key or an attribute, or that nothing does and what does in its place."""
    node = ast.parse(source, mode="eval").body
    try:
        return describe(_value(node, target))
    except (KeyError, IndexError, AttributeError):
        holder = _value(node.value, target) if isinstance(node, ast.Subscript) else None
        if not isinstance(holder, dict):
            return "missing"
        return text(f"missing; keys{_keys(holder) or ': none'}", VALUE_LIMIT)


def _keys(value: dict[Any, Any]) -> str:
    first = reading.keys(value, _NAMED_KEYS)
    if not first or not all(type(key) in (str, int, bool) for key in first):
        return ""
    more = ", …" if reading.length(value) > _NAMED_KEYS else ""
    return f": {', '.join(map(str, first))}{more}"


def _keywords_changed(target: Target, before: Outline) -> list[str]:
    """The keywords that this call has and that one hadn't, or the other way round."""
    start = f"{arguments.packed(target)[1]}['"
    old = [path.removeprefix(start).removesuffix("']") for path in before if path.startswith(start)]
    old = [key for key in old if "]" not in key]
    now = arguments.keywords(target) or []
    return [key for key in [*old, *now] if (key in old) != (key in now)]


def _positions_changed(positional: str, target: Target, before: Outline) -> tuple[str, ...]:
    """As expressions, the positional arguments that one of the two calls has and the other hasn't."""
    now, old = len(target.locals.get(positional, ())), 0
    while f"{positional}[{old}]" in before:
        old += 1
    return tuple(f"{positional}[{place}]" for place in range(min(old, now), max(old, now)))


def _changed(source: str, before: Outline, now: Outline) -> bool:
    path = source.rpartition(".")[0]
    path = path.removeprefix("L['").replace("']", "", 1) if path.startswith("L['") else path
    return before.get(path) != now.get(path)


def evaluate(expression: str, target: Target) -> Any:
    """The value of a guard's expression in the frame. Raises whatever keeps it from being read."""
    return _value(ast.parse(expression, mode="eval").body, target)


def _value(node: ast.AST, target: Target) -> Any:
    """Evaluate names, attributes, constant keys, ``len`` and a tensor's size: no other call, operator or property."""
    if isinstance(node, ast.Name):
        scope: dict[str, Any] = {"L": target.locals, "G": target.globals, **target.locals}
        return scope[node.id]
    if isinstance(node, ast.Attribute):
        return reading.attribute(_value(node.value, target), node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return reading.item(_value(node.value, target), node.slice.value)
    if isinstance(node, ast.Call):
        return _call(node, target)
    raise LookupError(type(node).__name__)


def _call(node: ast.Call, target: Target) -> Any:
    if isinstance(node.func, ast.Name) and len(node.args) == 1:
        value = _value(node.args[0], target)
        if node.func.id in ("len", "___tuple_iterator_len"):
            return reading.length(value)
    elif isinstance(node.func, ast.Attribute) and node.func.attr in _OF_TENSORS and not node.args:
        tensor = _value(node.func.value, target)
        if isinstance(tensor, torch.Tensor):
            with torch._C.DisableTorchFunction():
                return getattr(tensor, node.func.attr)()
    raise LookupError("call")
