"""What was compiled in a run, as one reader tells it, and how two accounts of the same run differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

import msgspec

from profiler.events import (
    CacheLookup,
    CompileEnded,
    CompileEvent,
    CompileLimit,
    Event,
    Folder,
    GraphBreak,
    MonitorError,
    Recompile,
)
from profiler.worker.compiles.payloads import REASONS_KEPT

LIMIT = "recompile limit"
_STACK = "\nUser stack trace"  # from here on a reason isn't the guard any more
_GUARD_KEPT = 390  # characters: the guard of the entry that should have matched is there up to here in any run
_KEPT = ((10_000, 2000, 150), (17_000, 300, 55), (None, 115, 0))
"""The fewest characters that may be left of a longer text, while fewer bytes than these have been written of compiles:
of the reason that matters, and of the others. 0: they may be left out."""
_RESTARTS_KEPT, _RESTART_KEPT = 4, 150  # of one compile's restarts, and of a reason's characters
_SHARE, _SLACK_US = 0.05, 20_000  # how far two clocks' durations of one compile may be apart: either is enough


@dataclass(frozen=True)
class Ended:
    """One compile that ended, well or not."""

    id: str
    failure: str | None  # torch's class of the failure; ``LIMIT`` where it was refused for that
    operators: int | None
    guards: int | None
    frame_us: int | None  # the time in dynamo and below, as torch's metrics have it
    wall_us: int | None = None  # from the compile's first record to its last


@dataclass(frozen=True)
class Again:
    """One recompile and all its reasons; in ours they may be cut, and then end with an ellipsis."""

    id: str
    reasons: tuple[str, ...]
    total: int
    matched: int = 0
    written: int = 0  # bytes of compile events before it


@dataclass(frozen=True)
class Break:
    id: str
    file: str
    line: int
    break_id: str | None
    reason: str  # the whole text, or what ours has of it


@dataclass(frozen=True)
class Restart:
    id: str
    reason: str | None  # None: ours has its number alone


@dataclass(frozen=True)
class Lookup:
    id: str
    layer: str
    state: str


@dataclass
class Account:
    """Everything in the order in which it happened; what torch's trace names twice in a compile is here once."""

    ids: set[str] = field(default_factory=set)
    ended: list[Ended] = field(default_factory=list)
    again: list[Again] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # what a reader couldn't read

    @property
    def seconds(self) -> float:
        """The wall time of all compiles."""
        return sum(one.wall_us or 0 for one in self.ended) / 1e6


def ours(events: Iterable[Event]) -> Account:
    """The account that a run's events give."""
    events = list(events)
    account = Account()
    folder = next((event.path for event in events if isinstance(event, Folder)), "")
    written = 0
    guards: dict[tuple[int, str], str] = {}
    for event in events:
        before = written
        if isinstance(event, CompileEvent):
            written += len(msgspec.json.encode(event)) + 1
        if isinstance(event, MonitorError):
            account.errors.append(event.error)
        if not isinstance(event, CompileEvent) or event.id is None:
            continue
        account.ids.add(event.id)
        if isinstance(event, CompileEnded):
            counted = event.counted or event
            us = event.phases.get("dynamo") or (event.counted.phases[0] if event.counted else None)
            account.ended.append(
                Ended(
                    id=event.id,
                    failure=event.failure,
                    operators=counted.operators,
                    guards=counted.guards,
                    frame_us=None if us is None else us // 1000,
                    wall_us=event.ns // 1000,
                )
            )
            account.lookups += [Lookup(event.id, found.layer, found.state) for found in event.caches]
            account.lookups += [Lookup(event.id, *found.split(" ")) for found in event.lookups]
            told: list[str | None] = [*event.restart_reasons]
            if len(told) == _RESTARTS_KEPT:
                told += [None] * (event.restarts - len(told))
            account.restarts += [Restart(event.id, reason) for reason in told]
        elif isinstance(event, CompileLimit):
            account.ended.append(Ended(event.id, LIMIT, None, None, None))
        elif isinstance(event, Recompile):
            reasons = list(event.reasons)
            if event.like is not None:
                reasons[event.matched] += guards[event.epoch, event.like]
            if reasons:
                guards[event.epoch, event.id] = reasons[event.matched].partition(": ")[2]
            account.again.append(Again(event.id, tuple(reasons), event.total_reasons, event.matched, before))
        elif isinstance(event, GraphBreak):
            file = folder + event.file if event.below and not event.file.startswith("/") else event.file
            account.breaks.append(Break(event.id, file, event.line, event.break_id, event.reason))
        elif isinstance(event, CacheLookup):
            account.lookups.append(Lookup(event.id, event.layer, event.state))
    return account


def differences(mine: Account, theirs: Account) -> list[str]:
    """What isn't alike, a line each; [] where the two accounts agree."""
    found = [f"ours could not read a record: {error}" for error in mine.errors]
    if mine.ids != theirs.ids:
        found.append(
            f"compile ids: ours alone {_list(mine.ids - theirs.ids)}, tlparse's {_list(theirs.ids - mine.ids)}"
        )
    found += _paired("compile", mine.ended, theirs.ended, _ended_alike)
    found += _paired("recompile", mine.again, theirs.again, _again_alike)
    found += _paired("graph break", mine.breaks, theirs.breaks, _break_alike)
    found += _paired("restart", mine.restarts, theirs.restarts, _restart_alike)
    # The two layers tell their lookups in another order than they look.
    found += _paired("cache lookup", _sorted(mine.lookups), _sorted(theirs.lookups), lambda one, other: one == other)
    return found


def _paired(what: str, mine: Sequence[Any], theirs: Sequence[Any], alike: Callable[[Any, Any], bool]) -> list[str]:
    return [
        f"{what} {number}: ours {one}, tlparse's {other}"
        for number, (one, other) in enumerate(zip_longest(mine, theirs), start=1)
        if one is None or other is None or not alike(one, other)
    ]


def _ended_alike(mine: Ended, theirs: Ended) -> bool:
    if mine.failure == theirs.failure == LIMIT:
        return mine.id == theirs.id
    if mine.wall_us is None or theirs.wall_us is None:
        return False
    close = abs(mine.wall_us - theirs.wall_us) <= max(_SHARE * theirs.wall_us, _SLACK_US)
    return close and replace(mine, wall_us=0) == replace(theirs, wall_us=0)


def _again_alike(mine: Again, theirs: Again) -> bool:
    if (mine.id, mine.total) != (theirs.id, theirs.total) or not 0 <= mine.matched < len(mine.reasons):
        return False
    longest, others = _bounds(mine.written)
    most = min(theirs.total, REASONS_KEPT)
    if not (most if others else 1) <= len(mine.reasons) <= most:
        return False
    rest = iter(theirs.reasons)
    for number, reason in enumerate(mine.reasons):
        # In torch's order, and each of another entry.
        whole = next((whole for whole in rest if kept(reason, whole, 0)), None)
        if whole is None:
            return False
        least = others
        if number == mine.matched:
            least = max(longest, min(len(whole.partition(_STACK)[0]), _GUARD_KEPT))
        if not kept(reason, whole, least):
            return False
    return True


def _bounds(written: int) -> tuple[int, int]:
    return next((longest, others) for until, longest, others in _KEPT if until is None or written < until)


def _break_alike(mine: Break, theirs: Break) -> bool:
    place = (mine.id, mine.file, mine.line, mine.break_id) == (theirs.id, theirs.file, theirs.line, theirs.break_id)
    return place and bool(mine.reason) and mine.reason.removesuffix("…") in theirs.reason


def _restart_alike(mine: Restart, theirs: Restart) -> bool:
    if mine.reason is None or theirs.reason is None:
        return mine.id == theirs.id
    return mine.id == theirs.id and kept(mine.reason, theirs.reason, _RESTART_KEPT)


def kept(mine: str, whole: str, least: int) -> bool:
    """Whether ``mine`` is ``whole``, or the beginning of it that the bounds on texts leave."""
    if mine == whole:
        return True
    return mine.endswith("…") and len(mine) >= least and whole.startswith(mine[:-1])


def _sorted(lookups: list[Lookup]) -> list[Lookup]:
    def key(lookup: Lookup) -> tuple[list[int], str, str]:
        return [int(part) for part in re.findall(r"\d+", lookup.id)], lookup.layer, lookup.state

    return sorted(lookups, key=key)


def _list(ids: set[str]) -> str:
    return ", ".join(sorted(ids)) or "none"
