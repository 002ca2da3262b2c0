"""What the text of a failed guard says: the expressions it is about, the code it comes from, the entry it belongs to.

Texts are torch's, for people, and differ from release to release: what isn't understood gives nothing, never a guess.
Everything here is about the text alone; ``values`` looks at the frame.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from profiler.worker.compiles.payloads import text

_SOURCE = 512  # characters of an expression
_BODY = 4096  # of a guard that is read: a symbolic one may be a page long
_STACK = "\nUser stack trace:"

_PREFIX = re.compile(r"^\[?(!?\d[\d/]*)\]?: ")
_COMMENT = re.compile(r"\s+# |\s+\(HINT: ")
_TENSOR = re.compile(r"tensor '(?P<source>.+?)' ")
_TENSOR_TYPE = re.compile(r"expected type of '(?P<source>.+?)' to be")
_IDENTITY = re.compile(r"(?:not )?___check_(?:type|obj)_id\((?P<source>.+?), \d+\)")
_KEY_ERROR = re.compile(r"KeyError on (?P<source>\S+)")
_GLOBAL_STATE = re.compile(r"GLOBAL_STATE changed: (?P<names>.*)")
_DUPLICATES = re.compile(r"Duplicate tensors found: (?P<names>\[.*\])")
_RAISED = re.compile(r"'NoneType' object (?:has no attribute|is not) ")
_PLACE = re.compile(r"# ([^#\n]+?\.py):(\d+) in ")
_STACK_FRAME = re.compile(r'File "([^"\n]+)", line (\d+), in ')
_OF_SHAPES = {"size", "stride", "storage_offset"}


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed guard.

    ``how``: "tensor" (its shape, type, ...), "type", "value", "presence" (of a key or an attribute), "keys" (of a
    dictionary), "same" (two are or aren't one object), "shapes" (a condition on the sizes of ``sources``), "state"
    (``names`` of global settings), "modes" (torch functions are intercepted), "raised" (checking it met a None),
    "unknown".
    """

    how: str
    sources: tuple[str, ...] = ()  # expressions over the frame's locals, the one that counts first
    names: tuple[str, ...] = ()


def entry(reason: str) -> str | None:
    """The id of the compile whose guard failed."""
    found = _PREFIX.match(reason)
    return found[1] if found else None


def read(reason: str) -> Failed:
    """What failed, by the guard's text."""
    body = _body(reason)
    for how, pattern in (("tensor", _TENSOR), ("type", _TENSOR_TYPE), ("type", _IDENTITY), ("presence", _KEY_ERROR)):
        found = pattern.match(body)
        if found:
            return Failed(how, (text(found["source"], _SOURCE),))
    found = _GLOBAL_STATE.match(body)
    if found:
        return Failed("state", names=tuple(found["names"].split()))
    found = _DUPLICATES.match(body)
    if found:
        return Failed("same", _listed(found["names"]))
    if _RAISED.match(body):
        return Failed("raised")
    try:
        return _condition(body)
    except RecursionError:
        return Failed("unknown")


def place(reason: str) -> tuple[str, int] | None:
    """The file and line that a guard comes from; the file may lack the first folders of its path.

    A guard names its place in a comment, with a shortened path. Where torch gives the user's stack as well (2.11+),
    the same place stands in there in full.
    """
    head, _, stack = reason.partition(_STACK)
    named = list(_PLACE.finditer(head))
    if not named:
        return None
    file, line = named[-1][1].strip(), int(named[-1][2])
    for frame in _STACK_FRAME.finditer(stack):
        # Not by whole folders: of a path that has nothing but "/" in common with torch's, torch cuts off a letter more.
        if int(frame[2]) == line and frame[1].endswith(file):
            return frame[1], line
    return file, line


def chain(expression: str) -> list[object]:
    """``L['args'][0].x`` as its base name and the constant keys and attributes that follow: ["args", 0, "x"]."""
    node = _parsed(expression)
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


def _body(reason: str) -> str:
    body = _PREFIX.sub("", reason[:_BODY], count=1).partition(_STACK)[0].strip()
    return _COMMENT.split(body, maxsplit=1)[0].strip()


def _parsed(expression: str) -> ast.expr | None:
    try:
        return ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _listed(names: str) -> tuple[str, ...]:
    try:
        found = json.loads(names)
    except ValueError:
        return ()
    return tuple(text(name, _SOURCE) for name in found)


def _condition(body: str) -> Failed:
    """A guard that is a Python expression."""
    node = _parsed(body)
    while isinstance(node, ast.UnaryOp):
        node = node.operand
    if node is None:
        return Failed("unknown")
    if isinstance(node, ast.Call):
        return _called(node)
    shapes = tuple(dict.fromkeys(_told(found) for found in ast.walk(node) if _is_shape(found)))
    if shapes:
        return Failed("shapes", shapes)
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        paths = [side for side in sides if not isinstance(side, ast.Constant)]
        if len(paths) == 2 and isinstance(node.ops[0], ast.Is | ast.IsNot) and all(map(_is_path, paths)):
            return Failed("same", tuple(map(_told, paths)))
        return _compared(paths[0]) if paths else Failed("unknown")
    return _compared(node)


def _called(node: ast.Call) -> Failed:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name == "___dict_contains" and len(node.args) == 2:
        return Failed("presence", (f"{_told(node.args[1])}[{_told(node.args[0])}]",))
    if name == "hasattr" and len(node.args) == 2:
        attribute = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
        return Failed("presence", (f"{_told(node.args[0])}.{attribute}",) if isinstance(attribute, str) else ())
    if name == "___check_torch_function_mode_stack":
        return Failed("modes")
    return _compared(node)


def _compared(node: ast.expr) -> Failed:
    """The side of a comparison that isn't the expected value."""
    if _is_path(node):
        return Failed("value", (_told(node),))
    while isinstance(node, ast.Subscript):  # list(dict.keys(d))[0]
        node = node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in ("len", "___tuple_iterator_len") and len(node.args) == 1:
            return Failed("value", (_told(node),))
        if node.func.id == "list" and node.args and isinstance(node.args[0], ast.Call):
            return Failed("keys", tuple(_told(found) for found in _paths(node.args[0]))[:1])
    return Failed("value", tuple(_told(found) for found in _paths(node))[:1])


def _paths(node: ast.AST) -> Iterator[ast.expr]:
    """The outermost paths in an expression; the names of functions and of ``dict`` in ``dict.keys(d)`` are none."""
    if isinstance(node, ast.expr) and _is_path(node):
        yield node
        return
    inner: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Call):
        method = isinstance(node.func, ast.Attribute) and not node.args
        inner = [node.func.value] if method and isinstance(node.func, ast.Attribute) else list(node.args)
    for child in inner:
        yield from _paths(child)


def _is_path(node: ast.AST) -> bool:
    """Whether this is a name with attributes and constant keys: ``self._modules['a'].training``."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            return False
        node = node.value
    return isinstance(node, ast.Name)


def _is_shape(node: ast.AST) -> bool:
    """Whether this is ``x.size()[0]``, ``x.stride()[1]`` or ``x.storage_offset()``."""
    call = node.value if isinstance(node, ast.Subscript) else node
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.args:
        return False
    known = call.func.attr in _OF_SHAPES and _is_path(call.func.value)
    return known and (isinstance(node, ast.Subscript) or call.func.attr == "storage_offset")


def _told(node: ast.AST) -> str:
    return text(ast.unparse(node), _SOURCE)
