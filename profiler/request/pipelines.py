"""Which pipeline is meant: one of the catalogue's, of the hub, in a folder, or made by the user's own function."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import msgspec

from profiler import catalog
from profiler.catalog import Entry
from profiler.request import checking, folders
from profiler.request.model import BadRequest
from profiler.trust import NOTHING, Trust

_HUB_ID = re.compile(r"(?P<owner>[A-Za-z0-9][A-Za-z0-9_.-]{0,95})/(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]{0,95})")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_FILE_LIMIT = 1 << 22  # bytes
NAME_LENGTH = 40
"""The most characters of a pipeline's name: it is a part of the names of cases, runs and sessions."""


class Pipeline(msgspec.Struct, frozen=True):
    """What ``Workload.pipeline``, ``origin`` and ``weights`` are made of; ``entry`` is None outside the catalogue."""

    name: str
    entry: Entry | None = None
    origin: str | None = None
    weights: str | None = None  # hub, a folder or factory; None: as asked for


def find(given: str, trust: Trust = NOTHING) -> Pipeline:
    """The pipeline that ``given`` names. Reads folders and files, runs nothing.

    Raises BadRequest, also for a folder with more than ``trust`` allows.
    """
    checking.text("pipeline", given, "pipeline")
    if given in catalog.names():
        return Pipeline(given, entry=catalog.find(given))
    file, separator, function = given.rpartition(":")
    if separator and file.endswith(".py"):
        return _factory(file, function)
    if given.endswith(".py"):
        return _factory(given, "")
    if _is_folder(given):
        folder = folders.check_pipeline(given, "pipeline", trust=trust)
        return Pipeline(_short(folder.resolve().name), origin=str(folder), weights=str(folder))
    if is_hub_id(given):
        return Pipeline(_short(given.rpartition("/")[2]), origin=given, weights="hub")
    raise BadRequest(
        f"no pipeline is called {given!r}{checking.hint(given, catalog.names())}"
        " ('stepscope pipelines' lists them; ORG/NAME on the hub, a folder or FILE.py:FUNCTION work too)",
        "pipeline",
    )


def is_hub_id(given: str) -> bool:
    """Whether ``given`` can be the name of a repository on the hub, by the hub's own rules."""
    found = _HUB_ID.fullmatch(given)
    if found is None or "--" in given or ".." in given or given.endswith(".git"):
        return False
    return len(given) <= 96 and not any(part.endswith(("-", ".")) for part in found.groups())


def _is_folder(given: str) -> bool:
    found = os.path.isdir(os.path.expanduser(given))
    if os.path.isfile(os.path.expanduser(given)):
        raise BadRequest(
            f"{checking.shown(given)} is a file: a pipeline's folder is needed, with a model_index.json"
            " (a checkpoint of one file can be loaded in a function of yours: FILE.py:FUNCTION)",
            "pipeline",
        )
    if not found and (given.startswith(("./", "../", "/", "~")) or given in (".", "..")):
        raise BadRequest(f"there is no folder {checking.shown(given)}", "pipeline")
    return found


def _factory(file: str, function: str) -> Pipeline:
    path, given = folders.absolute(file), checking.shown(file)
    tree = _parsed(path, given)
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    some = ", ".join(functions[:8]) + (", ..." if len(functions) > 8 else "") if functions else "no function"
    if not function:
        raise BadRequest(
            f"{given}: say which function makes the pipeline, FILE.py:FUNCTION (it defines: {some})", "pipeline"
        )
    if function not in _bound(tree.body):
        near = checking.hint(function, functions)
        raise BadRequest(f"{given} defines no {function!r} at its top level{near} (it defines: {some})", "pipeline")
    return Pipeline(_short(f"{path.stem}-{function}"), origin=f"{path}:{function}", weights="factory")


def _parsed(path: Path, given: str) -> ast.Module:
    """The Python file, parsed and not run."""
    if path.exists() and not path.is_file():
        raise BadRequest(f"{given} is no file that can be read", "pipeline")
    try:
        with path.open("rb") as file:
            return ast.parse(file.read(_FILE_LIMIT))
    except FileNotFoundError:
        raise BadRequest(f"there is no file {given}", "pipeline") from None
    except OSError as error:
        raise BadRequest(f"{given} can't be read: {error.strerror}", "pipeline") from None
    except SyntaxError as error:
        raise BadRequest(f"{given}:{error.lineno or 1}: no valid Python: {error.msg}", "pipeline") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise BadRequest(f"{given}: no valid Python: {str(error) or type(error).__name__}", "pipeline") from None


def _bound(body: list[ast.stmt]) -> set[str]:
    """The names that statements at the top level bind and that may be called."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.If):
            found |= _bound(node.body) | _bound(node.orelse)
        elif isinstance(node, ast.Try):
            handlers = (_bound(handler.body) for handler in node.handlers)
            found |= _bound(node.body).union(*handlers) | _bound(node.orelse) | _bound(node.finalbody)
    return found


def _short(name: str) -> str:
    """``name`` as it may be a part of file names; never one of the catalogue's."""
    safe = _UNSAFE.sub("-", name).strip("-._")[:NAME_LENGTH].rstrip("-._") or "pipeline"
    return f"{safe[: NAME_LENGTH - 4]}-own" if safe in catalog.names() else safe
