"""Which argument a failed guard is about, and the value that failed it.

torch prints what a guard expected; for most guards on Python values it doesn't print what it found. The value is read
from the frame that is being compiled, by the guard's own expression.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sized
from typing import Any

import torch

from profiler.worker.compiles.frames import Target
from profiler.worker.compiles.payloads import text

VALUE_LIMIT = 200

_PREFIX = re.compile(r"^\[?!?[\d/]+\]?: ")
_COMMENT = re.compile(r"\s+# ")
_SOURCES = tuple(
    re.compile(pattern)
    for pattern in (
        r"tensor '(?P<source>.+?)' ",
        r"expected type of '(?P<source>.+?)' to be",
        r"___check_(?:type|obj)_id\((?P<source>.+?), \d+\)",
        r"(?:not )?___dict_contains\(.+?, (?P<source>[^()]+?)\)",
        r"KeyError on (?P<source>\S+)",
        r"(?:not )?hasattr\((?P<source>.+?), '",
        r"list\((?:dict\.keys\()?(?P<source>[^()]+?)(?:\.keys\()?\)+(?:\[\d+\])? [=!]=",
        r"(?:not )?(?P<source>len\([^()]+?\))(?: |$)",
        r"(?:.*?[\s(*])??(?P<source>[\w.\[\]'\"]+\.(?:size|stride|storage_offset)\(\)(?:\[\d+\])?)",
        r"(?P<source>[\w.\[\]'\"]+) (?:[=!<>]=|is) ",
        r"not (?P<source>[\w.\[\]'\"]+)$",
    )
)
_OF_TENSORS = {"size", "stride", "storage_offset", "dim"}


def source(reason: str) -> str | None:
    """The expression that a failed guard is about: "args[0]", "len(kwargs)", "self.training"; None for global state."""
    body = _body(reason)
    for pattern in _SOURCES:
        found = pattern.match(body)
        if found:
            return text(found["source"], 512)
    return None


def argument(expression: str, target: Target) -> str | None:
    """The parameter that ``expression`` belongs to, by the name that callers of the module know it by."""
    chain = _chain(expression)
    if not chain:
        return None
    code = target.code
    named = code.co_argcount + code.co_kwonlyargcount
    names = iter(code.co_varnames[named:])
    positional = next(names, None) if code.co_flags & 0x04 else None
    keywords = next(names, None) if code.co_flags & 0x08 else None
    base, *rest = chain
    if base in (positional, keywords) and rest:
        return _packed(rest[0], target)
    parameters = code.co_varnames[:named]
    if base in parameters and base not in ("self", "fn") and not str(base).startswith("___"):
        return str(base)
    return None


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


def actual(reason: str, expression: str, target: Target) -> str | None:
    """The value that failed the guard, as text; None where it can't be read without running foreign code."""
    try:
        value = _value(ast.parse(expression, mode="eval").body, target)
    except Exception:
        # Whatever stands in a guard's way (a missing key, a property that raises) also stands in ours.
        return None
    return describe(value, by_type="_id(" in reason.partition(",")[0], strides="stride" in reason)


def describe(value: object, *, by_type: bool = False, strides: bool = False) -> str:
    """``value`` in a few words. A tensor's contents are never touched: reading them would wait for the device."""
    if isinstance(value, torch.Tensor):
        shape = f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
        return text(f"{shape} stride {list(value.stride())}" if strides else shape, VALUE_LIMIT)
    name = type(value).__qualname__
    if value is None or isinstance(value, bool | int | float | complex | str | torch.dtype | torch.device):
        plain = text(repr(value), VALUE_LIMIT)
        return f"{name} {plain}" if by_type and value is not None else plain
    if isinstance(value, type):
        return text(f"class {value.__qualname__}", VALUE_LIMIT)
    if isinstance(value, list | tuple | dict | set | frozenset):
        return f"{name} of {len(value)}"
    return text(name, VALUE_LIMIT)


def _body(reason: str) -> str:
    body = _PREFIX.sub("", reason, count=1).partition("\nUser stack trace:")[0].strip()
    return _COMMENT.split(body, maxsplit=1)[0]


def _chain(expression: str) -> list[object]:
    """``L['args'][0].x`` as its base name and the constant keys and attributes that follow: ["args", 0, "x"]."""
    try:
        node: ast.AST = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    steps: list[object] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            steps.append(node.slice.value)
            node = node.value
        elif isinstance(node, ast.Attribute):
            steps.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.args[0] if node.args else node.func
        else:
            return []
    steps.append(node.id)
    if steps[-1] == "L" and len(steps) > 1:
        steps.pop()
    return steps[::-1]


def _value(node: ast.AST, target: Target) -> Any:
    """Evaluate names, attributes, constant keys, ``len`` and a tensor's size: no other call, no operator."""
    if isinstance(node, ast.Name):
        scope: dict[str, Any] = {"L": target.locals, "G": target.globals, **target.locals}
        return scope[node.id]
    if isinstance(node, ast.Attribute):
        return getattr(_value(node.value, target), node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return _value(node.value, target)[node.slice.value]
    if isinstance(node, ast.Call):
        return _call(node, target)
    raise LookupError(type(node).__name__)


def _call(node: ast.Call, target: Target) -> Any:
    if isinstance(node.func, ast.Name) and node.func.id == "len" and len(node.args) == 1:
        value = _value(node.args[0], target)
        if isinstance(value, Sized):
            return len(value)
    elif isinstance(node.func, ast.Attribute) and node.func.attr in _OF_TENSORS and not node.args:
        tensor = _value(node.func.value, target)
        if isinstance(tensor, torch.Tensor):
            return getattr(tensor, node.func.attr)()
    raise LookupError("call")
