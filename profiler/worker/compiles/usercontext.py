"""Our call and step in torch's own trace: a TORCH_TRACE file of the same run then says which step compiled."""

from __future__ import annotations

from collections.abc import Callable

import torch

from profiler.worker.where import Where

_METRIC = "recompile_user_contexts"
_HOOKS: dict[int, Callable[[], str]] = {}


class _Hooks(list[Callable[[], str]]):
    """torch's list of hooks, which seems empty to a compile within another one.

    torch gathers the metrics of both in one place, sets this one for each that finds hooks, and lets the inner compile
    fail where the outer one has set it.
    """

    def __bool__(self) -> bool:
        return len(self) > 0 and not _is_set()


def register(here: Where) -> None:
    """Have every compile's metrics carry the place in ``here``. Does nothing before torch 2.9, which lacks the hook."""
    utils = torch._dynamo.utils
    if not hasattr(utils, "_recompile_user_contexts") or id(here) in _HOOKS:
        return

    def place() -> str:
        return f"call={here.call} stage={here.stage} loop={here.loop} step={here.step}"

    hooks = utils._recompile_user_contexts
    if not isinstance(hooks, _Hooks):
        hooks = utils._recompile_user_contexts = _Hooks(hooks or ())
    hooks.append(place)
    _HOOKS[id(here)] = place


def forget(here: Where) -> None:
    """Take the hook back; torch has no function for that, so where its list isn't found the hook stays."""
    place = _HOOKS.pop(id(here), None)
    hooks = getattr(torch._dynamo.utils, "_recompile_user_contexts", None)
    if place is not None and isinstance(hooks, list) and place in hooks:
        hooks.remove(place)


def _is_set() -> bool:
    """Whether the compile that is under way on this thread has the metric; True where that can't be told."""
    context = getattr(torch._dynamo.utils, "get_metrics_context", lambda: None)()
    metrics = getattr(context, "_metrics", None)
    return not isinstance(metrics, dict) or _METRIC in metrics
