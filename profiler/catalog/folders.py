"""Folders in diffusers' layout, looked at before anything in them is loaded. Needs no torch."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from profiler.catalog.entry import Part
from profiler.catalog.errors import BuildError
from profiler.trust import ALLOW_PICKLE, NOTHING, TRUST_REMOTE_CODE, Trust

INDEX = "model_index.json"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_NEVER_LOADED = "safety_checker"
_WEIGHTLESS = re.compile(r"Tokenizer|Processor|FeatureExtractor|Scheduler")
_OF_ITS_OWN = re.compile(r"Pipeline|Onnx|^ORT")
_GENERATE = "custom_generate/generate.py"
_ADAPTER = "adapter_config.json"
_LIBRARIES = ("diffusers", "transformers")
_MODULE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check(folder: str | Path, skip: Collection[str] = (), trust: Trust = NOTHING) -> dict[str, Any]:
    """The folder's index. ``skip`` names components that won't be loaded.

    Raises BuildError for a folder that holds no pipeline or not all of one, and, unless ``trust`` allows them, for one
    whose weights are pickled, and one that wants to run code that isn't diffusers' or transformers'.
    """
    index = _index(Path(folder))
    check_index(folder, index, skip, trust)
    check_beside(folder, folder, index, skip, trust)
    for name, place in _components(index, skip):
        _check_component(folder, name, place[1], trust)
    return index


def check_beside(
    source: str | Path, folder: str | Path, index: dict[str, Any], skip: Collection[str] = (), trust: Trust = NOTHING
) -> None:
    """Raises BuildError for what the libraries take beside a component's weights, in ``folder``, and isn't allowed.

    diffusers imports a file of the library's name, old transformers one for ``generate``, and neither asks. An
    adapter there is loaded too, and where the component has no configuration, the model that the adapter's names.
    """
    for name, (library, _) in _components(index, skip):
        component = Path(folder, name)
        if not trust.remote_code and any((component / code).is_file() for code in (f"{library}.py", _GENERATE)):
            raise own_code(source, f"its component {name}")
        if not (component / _ADAPTER).is_file():
            continue
        if not (component / "config.json").is_file():
            raise BuildError(f"{source} is not complete: its component {name} is an adapter of another model")
        if not trust.pickle and not (component / "adapter_model.safetensors").is_file():
            raise pickled_only(source, f"{name}/adapter_model.bin")


def check_index(source: str | Path, index: dict[str, Any], skip: Collection[str] = (), trust: Trust = NOTHING) -> None:
    """Raises BuildError where a pipeline, or a component of it, is to be made by code that isn't allowed.

    diffusers imports whatever module an index names for a component: any that is installed, or lies in the working
    directory. Those are diffusers and transformers alone, and the modules of diffusers' own pipelines. What was refused
    of a pipeline isn't handed on to one inside it, and what ONNX runs is no safetensors.
    """
    for name, (_, kind) in _components(index, skip):
        if _OF_ITS_OWN.search(kind) and trust != Trust(pickle=True, remote_code=True):
            raise BuildError(
                f"{source} has a pipeline of its own, or one of ONNX, for its component {name} ({kind}), which would"
                " load what it likes: load it in a function of yours and give that (FILE.py:FUNCTION)"
            )
    if trust.remote_code:
        return
    if isinstance(index.get("_class_name"), list):
        raise own_code(source, "its pipeline class")
    for name, (library, _) in _components(index, skip):
        if library not in _LIBRARIES and not _is_pipeline_module(library):
            raise own_code(source, f"its component {name}")


def _components(index: dict[str, Any], skip: Collection[str]) -> list[tuple[str, tuple[str, str]]]:
    """The components by name: the library and the class. One that is left out has nulls, and isn't among them."""
    return [
        (name, (place[0], place[1]))
        for name, place in index.items()
        if name.isidentifier() and not name.startswith("_") and name not in skip and _is_component(place)
    ]


def _is_pipeline_module(library: str) -> bool:
    """Whether ``library`` is one of diffusers.pipelines, as "stable_diffusion" is. Imports nothing."""
    if not _MODULE.fullmatch(library):
        return False
    found = importlib.util.find_spec("diffusers")
    if found is None or found.origin is None:
        return False
    pipelines = Path(found.origin).parent / "pipelines"
    return (pipelines / library / "__init__.py").is_file() or (pipelines / f"{library}.py").is_file()


def _is_component(place: Any) -> bool:
    """Whether an entry of the index is a component: the library and the class. One that is left out has nulls."""
    return isinstance(place, list) and len(place) == 2 and all(isinstance(one, str) for one in place)


def _check_component(folder: str | Path, name: str, kind: str, trust: Trust) -> None:
    component = Path(folder, name)
    if not component.is_dir():
        if name == _NEVER_LOADED:
            return
        raise BuildError(f"{folder} is not complete: there is no folder {name} in it, and its {INDEX} has a {kind}")
    files = [file.name for file in component.iterdir()]
    if any(file.endswith(".safetensors") for file in files):
        return
    pickled = sorted(file for file in files if file.endswith(PICKLED))
    if pickled and trust.pickle:
        return
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
        f"{source} holds pickled weights only ({what}): convert them to safetensors (load them where you trust them,"
        f" then save_pretrained(folder, safe_serialization=True)), or {ALLOW_PICKLE} loads them as they are"
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
        f"{source} wants code to be run for {what} that is neither diffusers' nor transformers': load it in a function"
        f" of yours and give that (FILE.py:FUNCTION), or {TRUST_REMOTE_CODE} runs it"
    )
