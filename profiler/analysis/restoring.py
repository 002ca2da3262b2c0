"""The short form of compile events made long again: see ``profiler.events.compiling``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from profiler import events as ev
from profiler.events.compiling import PHASES, CacheFound

if TYPE_CHECKING:
    from profiler.analysis.compiles import Compile

_ENTRY = re.compile(r"\[?!?\d[\d/]*\]?: ")
_SHARED = 512  # characters of a text that is put back: of a damaged log, a long one could come a million times
_INDENT = 160  # no line that is told has more


class Restorer:
    """Puts back what an event left out since another one had it, in place; one that is whole stays as it is."""

    def __init__(self, compiles: Mapping[tuple[int, str], Compile]) -> None:
        """``compiles`` are the run's so far, by epoch and id."""
        self._compiles = compiles
        self._folder = ""

    def folder(self, event: ev.Folder) -> None:
        self._folder = event.path if len(event.path) <= _SHARED else ""

    def started(self, event: ev.CompileStarted) -> None:
        if event.below and self._folder:
            event.file, event.caller = self._path(event.file), self._path(event.caller or "") or None
            event.below = False

    def recompile(self, event: ev.Recompile) -> None:
        if event.below and self._folder:
            event.file, event.caller = self._path(event.file), self._path(event.caller or "") or None
            event.at = self._path(event.at or "") or None
            event.below = False
        _indent(event)
        if event.like is not None:
            self._reason(event, event.like)

    def graph_break(self, event: ev.GraphBreak) -> None:
        if event.below and self._folder:
            event.file, event.below = self._path(event.file), False
        _indent(event)

    def limit(self, event: ev.CompileLimit) -> None:
        other = self._compiles.get((event.epoch, event.like)) if event.like is not None else None
        if other is not None and other.limit is not None:
            event.why, event.like = other.limit.why, None
        found = self._compiles.get((event.epoch, event.id)) if event.id is not None else None
        if found is not None and found.starts and event.module is None and event.fqn is None and not event.function:
            event.module, event.fqn, event.function = found.module, found.fqn, found.function

    def ended(self, event: ev.CompileEnded) -> None:
        """But the number of graph breaks, and when it began."""
        told = event.counted
        if told is not None:
            event.operators, event.guards, event.guard_ns = told.operators, told.guards, told.guard_ns
            event.overhead_ns, event.handler_ns, event.counted = told.overhead_ns, told.handler_ns, None
            event.phases |= {phase: ns for phase, ns in zip(PHASES, told.phases) if ns}
        for one in event.lookups:
            layer, _, state = one.partition(" ")
            event.caches.append(CacheFound(layer, state))
        event.lookups = []

    def _path(self, path: str) -> str:
        return path if not path or path.startswith("/") else self._folder + path

    def _reason(self, event: ev.Recompile, like: str) -> None:
        """The reason that matters, from the compile ``like``, which had the same guard fail."""
        other = self._compiles.get((event.epoch, like))
        if other is None or not (0 <= event.matched < len(event.reasons) and 0 <= other.matched < len(other.reasons)):
            return
        entry, whole = event.reasons[event.matched], other.reasons[other.matched]
        told = _ENTRY.match(whole)
        if told is not None and _ENTRY.fullmatch(entry) and len(whole) <= _SHARED:
            event.reasons[event.matched], event.like = entry + whole[told.end() :], None


def marks(event: ev.DynamicMark) -> list[ev.DynamicMark]:
    """The marks that an event tells, each as one of its own."""
    found = [event]
    for one in event.more:
        told: dict[str, Any] = {field: getattr(one, field) for field in one.__struct_fields__}
        told["name"] = one.name or found[-1].name
        found.append(replace(event, **told, more=[]))
    return found


def lookups(event: ev.CompileEnded) -> list[ev.CacheLookup]:
    """The lookups that a compile's end tells, each as one of its own."""
    place = {"call": event.call, "stage": event.stage, "loop": event.loop, "step": event.step}
    at: dict[str, Any] = {"t": event.t, "id": event.id, "epoch": event.epoch, **place}
    return [
        ev.CacheLookup(**at, layer=one.layer, state=one.state, saved_ns=one.saved_ns, why=one.why)
        for one in event.caches
    ]


def _indent(event: ev.Recompile | ev.GraphBreak) -> None:
    if 0 < event.indent <= _INDENT:
        event.lines = [" " * event.indent + line if line else line for line in event.lines]
    event.indent = 0
