"""Folders that were named: absolute, and refused here for what would make loading them fail or run code of theirs."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from profiler.catalog import folders
from profiler.catalog.errors import BuildError
from profiler.request.checking import shown
from profiler.request.model import BadRequest
from profiler.trust import ALLOW_PICKLE, NOTHING, Trust


def absolute(given: str) -> Path:
    """The path ``given``, from the working directory; ``~`` is the home folder where there is one."""
    return Path(os.path.abspath(os.path.expanduser(given)))


def check_pipeline(
    given: str, field: str, *, needs: Collection[str] = (), skip: Collection[str] = (), trust: Trust = NOTHING
) -> Path:
    """The folder ``given`` as an absolute path, if it holds a pipeline that can be loaded, and may be (``trust``).

    ``needs`` names components that it must have, ``skip`` those that won't be loaded. Raises BadRequest.
    """
    folder, given = absolute(given), shown(given)
    try:
        index = folders.check(folder, skip, trust)
    except BuildError as error:
        raise BadRequest(shown(str(error)), field) from None
    except (OSError, ValueError, RecursionError):
        raise BadRequest(
            f"{given} holds no pipeline: its {folders.INDEX} or what it names can't be read", field
        ) from None
    kind = index.get("_class_name")
    if not isinstance(kind, str) and not (trust.remote_code and isinstance(kind, list)):
        raise BadRequest(f"{given} holds no pipeline: its {folders.INDEX} names no pipeline class", field)
    for name in needs:
        if not (isinstance(index.get(name), list) and all(index[name])):
            raise BadRequest(
                f"{given} holds a {shown(str(kind))}, which has no {name}: another folder is needed", field
            )
    return folder


def check_model(given: str, field: str, trust: Trust = NOTHING) -> Path:
    """The folder ``given`` as an absolute path, if it holds one model with safe weights, or any that ``trust`` allows.

    Raises BadRequest.
    """
    folder, given = absolute(given), shown(given)
    if not os.path.isfile(folder / "config.json"):
        raise BadRequest(f"{given} holds no model: a folder with a config.json is needed", field)
    names = os.listdir(folder)
    if any(name.endswith(".safetensors") for name in names):
        return folder
    if not any(name.endswith(folders.PICKLED) for name in names):
        raise BadRequest(f"{given} holds no weights: a .safetensors file is needed", field)
    if not trust.pickle:
        raise BadRequest(
            f"{given} holds no weights that are safe to load: a .safetensors file is needed"
            f" ({ALLOW_PICKLE} loads the pickled ones)",
            field,
        )
    return folder
