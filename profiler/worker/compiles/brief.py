"""The short form of compile events, for runs that have told much: ``profiler.analysis.compiles`` reads both."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from profiler.events import CompileEnded, CompileEvent, CompileLimit, CompileStarted, DynamicMark, GraphBreak, Recompile
from profiler.events.compiling import PHASES, Counted, Folder
from profiler.worker.compiles import guards

_LONG = 24  # characters: a shorter text isn't worth a reference
_LONGEST = 400  # a longer one is told anew
_PATH = 512

Coded = CompileStarted | Recompile | GraphBreak  # what names places in code


class Brief:
    """Shortens events, without a loss: by what a run has told before, and by keys and indents that add nothing."""

    def __init__(self, tell: Callable[[Folder], None]) -> None:
        self._tell = tell
        self._folder = os.path.dirname(os.path.dirname(os.path.abspath(torch.__file__))) + "/"
        self._folder_told = False
        self._reasons: dict[str, str] = {}  # the compile that told each text, since dynamo's last reset
        self._refusals: dict[str, str] = {}

    def remember(self, event: CompileEvent) -> None:
        """Remember the texts that later events may refer to, of an event that is told at length."""
        if isinstance(event, Recompile):
            self._reason(event)
        elif isinstance(event, CompileLimit) and event.id is not None:
            self._refusals.setdefault(event.why, event.id)

    def shorten(self, event: CompileEvent) -> None:
        if isinstance(event, CompileEnded):
            event.start_ns, event.breaks = 0, None
            _figures(event)
        elif isinstance(event, CompileLimit):
            self._limit(event)
        elif isinstance(event, DynamicMark):
            _names(event)
        elif isinstance(event, Coded):
            if isinstance(event, Recompile):
                self._recompile(event)
            if not isinstance(event, CompileStarted):
                _indent(event)
            self._paths(event)

    def forget(self) -> None:
        """dynamo was reset: the ids begin again."""
        self._reasons.clear()
        self._refusals.clear()

    def _reason(self, event: Recompile) -> tuple[str, str, str] | None:
        """(compile that told it first, entry, guard) of the reason that matters."""
        if event.id is None or not 0 <= event.matched < len(event.reasons):
            return None
        reason = event.reasons[event.matched]
        if guards.entry(reason) is None:
            return None
        entry, colon, guard = reason.partition(": ")
        return self._reasons.setdefault(guard, event.id), f"{entry}{colon}", guard

    def _recompile(self, event: Recompile) -> None:
        told = self._reason(event)
        if told is None:
            return
        other, entry, guard = told
        if other != event.id and _LONG < len(guard) <= _LONGEST:
            event.reasons[event.matched], event.like = entry, other

    def _limit(self, event: CompileLimit) -> None:
        if event.id is None:
            return
        other = self._refusals.setdefault(event.why, event.id)
        if other != event.id and len(event.why) > _LONG:
            event.why, event.like = "", other

    def _paths(self, event: Coded) -> None:
        """Cut the packages' folder off the event's paths, where that leaves no doubt which are cut."""
        paths = {name: path for name in ("file", "caller", "at") if (path := getattr(event, name, None))}
        if any(path[0] != "/" for path in paths.values()):
            return
        below = {name: path for name, path in paths.items() if path.startswith(self._folder)}
        if not below or len(self._folder) > _PATH:
            return
        if not self._folder_told:
            self._folder_told = True
            self._tell(Folder(path=self._folder))
        event.below = True
        for name, path in below.items():
            setattr(event, name, path.removeprefix(self._folder))


def _figures(event: CompileEnded) -> None:
    phases = [event.phases.get(phase, 0) for phase in PHASES]
    while phases and not phases[-1]:
        phases.pop()
    figures = (event.operators, event.guards, event.guard_ns, event.overhead_ns, event.handler_ns)
    event.counted = Counted(*figures, phases)
    event.operators = event.guards = event.guard_ns = event.overhead_ns = event.handler_ns = None
    event.phases = {phase: ns for phase, ns in event.phases.items() if phase not in PHASES}
    if not any(one.saved_ns or one.why for one in event.caches):
        event.lookups, event.caches = [f"{one.layer} {one.state}" for one in event.caches], []


def _indent(event: Recompile | GraphBreak) -> None:
    """Cut off what all lines of code are indented by."""
    indents = [len(line) - len(line.lstrip(" ")) for line in event.lines if line]
    event.indent = min(indents, default=0)
    event.lines = [line[event.indent :] for line in event.lines]


def _names(event: DynamicMark) -> None:
    """Leave out the names that are those of the mark before."""
    before = event.name
    for place, one in enumerate(event.more):
        if one.name == before:
            event.more[place] = type(one)("", one.dim, one.argument, one.why, one.cached, one.new)
        before = one.name
