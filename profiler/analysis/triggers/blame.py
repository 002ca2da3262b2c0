"""Whose doing a recompile is."""

from __future__ import annotations

from profiler.analysis.triggers.causes import CAUSES
from profiler.analysis.triggers.changes import Change
from profiler.analysis.triggers.context import is_leaf, of_another_module
from profiler.analysis.triggers.model import Blame

FIRST_PASS = "In the first pass each shape that shared code runs with is compiled once; no later call pays for it."
OTHER_WIDTH = "Blocks of another width run through the same code; each width is compiled once."


def blame(change: Change) -> Blame:
    """See ``model.Blame``."""
    if change.entry is not None and of_another_module(change.found, change.entry) and not _ran_before(change):
        return "artefact"
    cause = CAUSES[change.guard.cause]
    if change.guard.cause == "other":
        return "unknown"
    if change.context.first_pass(change.found):
        return "expected"
    if _other_width(change):
        return "expected"
    return cause.blame


def _ran_before(change: Change) -> bool:
    """Whether the module did without an entry of its own until now, since another's fitted: then something changed.

    Two denoisers of one class and of the same sizes share entries. All of them run in the first call.
    """
    found, entry = change.found, change.entry
    same_class = entry is not None and entry.module == found.module and not is_leaf(found)
    return same_class and not change.context.first_call(found)


def why(change: Change, whose: Blame) -> str:
    """What the cause and the blame mean, in one or two sentences."""
    plain = CAUSES[change.guard.cause].why
    if whose == "artefact":
        return _shared(change)
    if whose == "expected":
        return OTHER_WIDTH if _other_width(change) else FIRST_PASS
    return plain


def shared_sentence(change: Change) -> str:
    """What happened where the entry was made for another module."""
    entry = change.entry
    other = "another module" if entry is None else entry.where
    return f"{change.found.where} runs through the same code as {other}: counted as its recompile"


def _shared(change: Change) -> str:
    what = (
        "every leaf module of torch.nn runs through one wrapper of torch's"
        if is_leaf(change.found)
        else (f"both run through the one function {change.found.function!r}")
    )
    return f"torch keeps compiled code by function, and {what}: it is a first compile, but uses up the recompile limit."


def _other_width(change: Change) -> bool:
    """Whether the entry is that of a block of another width: no caller changes the channels of a hidden layer."""
    guard = change.guard
    if guard.cause != "tensor.size":
        return False
    other = change.entry is None or change.entry.fqn is None or change.entry.fqn != change.found.fqn
    return other and (guard.parameter or change.dimension == "channels")
