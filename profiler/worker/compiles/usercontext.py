"""Our call and step in torch's own trace: a TORCH_TRACE file of the same run then says which step compiled."""

from __future__ import annotations

from collections.abc import Callable

import torch

from profiler.worker.where import Where

_HOOKS: dict[int, Callable[[], str]] = {}


def register(here: Where) -> None:
    """Have every compile's metrics carry the place in ``here``. Does nothing before torch 2.9, which lacks the hook."""
    add = getattr(torch._dynamo, "register_hook_for_recompile_user_context", None)
    if add is None or id(here) in _HOOKS:
        return

    def place() -> str:
        return f"call={here.call} stage={here.stage} loop={here.loop} step={here.step}"

    add(place)
    _HOOKS[id(here)] = place


def forget(here: Where) -> None:
    """Take the hook back; torch has no function for that, so where its list isn't found the hook stays."""
    place = _HOOKS.get(id(here))
    hooks = getattr(torch._dynamo.utils, "_recompile_user_contexts", None)
    if place is not None and isinstance(hooks, list) and place in hooks:
        hooks.remove(place)
        del _HOOKS[id(here)]
