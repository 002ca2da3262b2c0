"""Folders in diffusers' layout, looked at before anything in them is loaded. Needs no torch."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from profiler.catalog.entry import Part
from profiler.catalog.errors import BuildError

INDEX = "model_index.json"
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_NEVER_LOADED = "safety_checker"
_WEIGHTLESS = re.compile(r"Tokenizer|Processor|FeatureExtractor|Scheduler")


def check(folder: str | Path, skip: Collection[str] = ()) -> dict[str, Any]:
    """The folder's index. ``skip`` names components that won't be loaded.

    Raises BuildError for a folder that holds no pipeline or not all of one, one whose weights are pickled, and one that
    wants to run code of its own.
    """
    index = _index(Path(folder))
    if isinstance(index.get("_class_name"), list):
        raise own_code(folder, "its pipeline class")
    for name, place in index.items():
        if name.isidentifier() and not name.startswith("_") and name not in skip and _is_component(place):
            _check_component(folder, name, *place)
    return index


def _is_component(place: Any) -> bool:
    """Whether an entry of the index is a component: the library and the class. One that is left out has nulls."""
    return isinstance(place, list) and len(place) == 2 and all(isinstance(one, str) for one in place)


def _check_component(folder: str | Path, name: str, library: str, kind: str) -> None:
    component = Path(folder, name)
    if not component.is_dir():
        if name == _NEVER_LOADED:
            return
        raise BuildError(f"{folder} is not complete: there is no folder {name} in it, and its {INDEX} has a {kind}")
    if (component / f"{library}.py").is_file():
        raise own_code(folder, f"its component {name}")
    files = [file.name for file in component.iterdir()]
    if any(file.endswith(".safetensors") for file in files):
        return
    pickled = sorted(file for file in files if file.endswith(_PICKLED))
    if pickled:
        raise pickled_only(folder, f"{name}/{pickled[0]}")
    if "config.json" in files and not _WEIGHTLESS.search(kind) and name != _NEVER_LOADED:
        raise BuildError(
            f"{folder} is not complete: there are no weights in {name}, a .safetensors file is needed"
            " (save_pretrained(folder) writes one)"
        )


def of_part(part: Part) -> str:
    """The folder of a part in a folder of several: ``if-i``."""
    return part.loop.lower().replace(" ", "-")


def pickled_only(source: str | Path, what: str) -> BuildError:
    """The refusal of pickled weights: loading them can run code."""
    return BuildError(
        f"{source} holds pickled weights only ({what}): convert them to safetensors"
        " (load them where you trust them, then save_pretrained(folder, safe_serialization=True))"
    )


def _index(folder: Path) -> dict[str, Any]:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BuildError(f"{folder} holds no pipeline: a folder with a {INDEX} is needed") from None
    except (OSError, ValueError) as error:
        raise BuildError(f"{folder} holds no pipeline: its {INDEX} can't be read: {error}") from error
    if not isinstance(index, dict):
        raise BuildError(f"{folder} holds no pipeline: its {INDEX} must be an object with the components by name")
    return index


def own_code(source: str | Path, what: str) -> BuildError:
    """The refusal of code that comes with a pipeline."""
    return BuildError(
        f"{source} wants code of its own to be run for {what}, which stepscope never does: load it in a function of"
        " yours and give that (FILE.py:FUNCTION)"
    )
