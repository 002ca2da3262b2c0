"""What a release of torch doesn't tell of its compiles, and what that means here. Needs no torch.

Read in the sources of torch 2.8 to 2.15. A session may come from a machine with another torch than this one's: its
screens ask by the version that its worker wrote down.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OLDEST, NEWEST = (2, 8), (2, 15)
"""The first and the last release whose trace was read."""

_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that compile events lack. ``since`` is the first release that has it, "" where none is known to."""

    feature: str
    since: str
    text: str


_GAPS = (
    (
        (2, 9),
        "step in torch's own trace",
        "a TORCH_TRACE file of the run doesn't say which call and step a compile interrupted; the events here do",
    ),
    (
        (2, 10),
        "reasons of a forbidden recompile",
        "under set_stance('fail_on_recompile') the error that ends the call doesn't name the guard that failed",
    ),
    (
        (2, 11),
        "stack of a guard",
        "a guard names its code by a shortened path, without the calls that led there; the file is looked for",
    ),
    (
        (2, 11),
        "which autocast setting changed",
        "a guard on autocast says neither for which device nor whether the type changed; what is on now is read",
    ),
    (
        (2, 11),
        "why a CUDA graph is recorded again",
        "torch has no reason for a second recording of a CUDA graph, whatever its logging is set to",
    ),
    (
        (2, 12),
        "limit of one torch.compile",
        "torch.compile takes no recompile_limit: torch.compiler.config.recompile_limit raises it for everything",
    ),
    (
        (2, 13),
        "entries of one torch.compile",
        "torch.compile takes no isolate_recompiles: modules that share code share one recompile limit",
    ),
    (
        (2, 13),
        "trace despite logging.disable",
        "logging.disable() silences the trace; the self-test of a run notices where it was called before the run",
    ),
)


def too_old(version: str) -> bool:
    """Whether torch ``version`` is from before the releases that were read."""
    found = _VERSION.match(version)
    return found is not None and (int(found[1]), int(found[2])) < OLDEST


def gaps(version: str) -> list[Gap]:
    """What compile events lack with torch ``version`` ("2.13.0+cpu"), in one sentence each; [] where nothing is known.

    Of a release that is older or newer than those that were read, or that isn't understood, the first gap says so.
    """
    found = _VERSION.match(version)
    if found is None:
        return [
            Gap("known release", "", f"torch {version or '(unknown)'} isn't a release that was checked (2.8 to 2.15)")
        ]
    release = (int(found[1]), int(found[2]))
    told = [Gap(feature, f"{since[0]}.{since[1]}", text) for since, feature, text in _GAPS if release < since]
    if release < OLDEST:
        text = f"torch {version} is older than 2.8: phases of a compile and counts of executed graphs may be missing"
        return [Gap("known release", "2.8", text), *told]
    if release > NEWEST:
        text = f"torch {version} is newer than what was checked (2.8 to 2.15): every run tests the channel itself"
        return [Gap("known release", "", text)]
    return told
