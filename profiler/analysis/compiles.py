"""The state of one compile of one frame, and the part of the fold that makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from profiler import events as ev
from profiler.analysis.restoring import Restorer, lookups, marks
from profiler.analysis.wholes import whole

if TYPE_CHECKING:
    from profiler.analysis.state import Call, RunState


@dataclass(slots=True)
class Span:
    """A phase of a compile as it happened. Of a run that compiles often not every phase is told."""

    phase: str
    start_ns: int
    ns: int | None = None  # None until it ended


@dataclass(slots=True)
class Compile:
    """One compile of one frame, from its first sign (a failed guard, a phase) to its end."""

    id: str
    epoch: int
    t: int  # of its first record
    module: str | None = None
    fqn: str | None = None
    function: str = ""
    file: str = ""
    line: int = 0
    caller: str | None = None
    stack: tuple[str, ...] = ()  # frames outside torch, the caller first
    call: int | None = None
    stage: str | None = None
    loop: int | None = None
    step: int | None = None
    recompile: bool = False
    resume: bool = False
    starts: bool = False  # its recompile tells of its start as well
    reasons: tuple[str, ...] = ()
    total_reasons: int = 0
    matched: int = 0  # which of ``reasons`` is of the entry that should have matched
    source: str | None = None
    argument: str | None = None
    actual: str | None = None
    at: str | None = None  # "file:line" of the code that the guard is about
    phase: str = ""  # the innermost phase under way
    spans: list[Span] = field(default_factory=list)  # the phases that were told as they happened, by their begin
    end: ev.CompileEnded | None = None
    limit: ev.CompileLimit | None = None
    dynamic: list[ev.DynamicMark] = field(default_factory=list)
    breaks: list[ev.GraphBreak] = field(default_factory=list)
    caches: list[ev.CacheLookup] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return self.end is None and self.limit is None

    @property
    def where(self) -> str:
        """What was compiled, as people call it: ``unet UNet2DConditionModel``, else the function's name."""
        return " ".join(part for part in (self.fqn, self.module) if part) or self.function or self.id


@dataclass(slots=True)
class Frame:
    """What the first compile of a frame told of it; later ones leave out what is the same."""

    function: str
    file: str
    line: int
    caller: str | None = None
    stack: tuple[str, ...] = ()


def outermost(compiles: Iterable[Compile]) -> list[Compile]:
    """Those of ``compiles`` that ended and don't lie within another: their times add up, and hold the others'."""
    ended = sorted(
        (found for found in compiles if found.end is not None),
        key=lambda found: (found.end.start_ns, -found.end.ns) if found.end else (0, 0),
    )
    kept: list[Compile] = []
    until = -(2**63)
    for found in ended:
        assert found.end is not None
        end = found.end.start_ns + found.end.ns
        if end > until:
            kept.append(found)
            until = end
    return kept


class CompileFold:
    """Folds what a run's log says of torch.compile into its ``RunState``."""

    def __init__(self, state: RunState, call: Callable[[int], Call]) -> None:
        """``call`` gives the call of a number, made where there is none yet."""
        self.state = state
        self._call = call
        self._restorer = Restorer(state.compiles)
        self._first: dict[tuple[int, str], Frame] = {}  # by epoch and the frame's number
        self.handlers: dict[type, Callable[[Any], None]] = {
            ev.CompileStarted: self._compile_started,
            ev.Recompile: self._recompile,
            ev.CompilePhase: self._compile_phase,
            ev.DynamicMark: self._dynamic,
            ev.GraphBreak: self._graph_break,
            ev.CacheLookup: self._cache,
            ev.CompileEnded: self._compile_ended,
            ev.CompileLimit: self._limit,
            ev.CudaGraph: self._cudagraph,
            ev.EagerFallback: state.fallbacks.append,
            ev.SourceLines: self._source,
            ev.MonitorError: self._monitor_error,
            ev.Folder: self._restorer.folder,
        }

    def _compile(self, event: ev.CompileEvent) -> Compile | None:
        """The compile that ``event`` is about; made at its first sign. None for an event outside any compile."""
        if event.id is None:
            return None
        key = (event.epoch, event.id)
        found = self.state.compiles.get(key)
        if found is not None:
            if event.call is None and event.stage is None and event.loop is None and event.step is None:
                event.call, event.stage, event.loop, event.step = found.call, found.stage, found.loop, found.step
        else:
            other = self.state.compiles.get((event.epoch, event.beside)) if event.beside is not None else None
            if other is not None:
                event.call, event.stage, event.loop, event.step = other.call, other.stage, other.loop, other.step
                event.beside = None
            found = Compile(
                event.id,
                event.epoch,
                event.t,
                call=event.call,
                stage=event.stage,
                loop=event.loop,
                step=event.step,
            )
            self.state.compiles[key] = found
            if event.call is not None:
                self._call(event.call).compiles += 1
        return found

    def _take_code(self, found: Compile, event: ev.CompileStarted | ev.Recompile) -> None:
        """The code object: from ``event``, or from the frame's first compile where it was told there."""
        if event.file:
            found.function, found.file, found.line = event.function, event.file, event.line
        key = (found.epoch, found.id.rpartition("/")[0])
        if key not in self._first:
            if not found.file:
                return
            self._first[key] = Frame(found.function, found.file, found.line)
        elif not found.file:
            first = self._first[key]
            found.function, found.file, found.line = first.function, first.file, first.line

    def _take_caller(self, found: Compile, caller: str | None, stack: list[str]) -> None:
        first = self._first.get((found.epoch, found.id.rpartition("/")[0]))
        if caller is not None:
            found.caller, found.stack = caller, tuple(stack)
            if first is not None and first.caller is None:
                first.caller, first.stack = found.caller, found.stack
        elif first is not None:
            found.caller, found.stack = first.caller, first.stack

    def _compile_started(self, event: ev.CompileStarted) -> None:
        self._restorer.started(event)
        found = self._compile(event)
        if found is None:
            return
        found.module = event.module or found.module
        found.fqn = event.fqn if event.fqn is not None else found.fqn
        found.recompile = found.recompile or event.recompile
        found.resume = event.resume
        self._take_code(found, event)
        if event.caller is not None or not found.starts:
            self._take_caller(found, event.caller, event.stack)

    def _recompile(self, event: ev.Recompile) -> None:
        found = self._compile(event)
        if found is None:
            return
        found.recompile = True
        found.module, found.fqn = event.module, event.fqn
        self._restorer.recompile(event)
        self._take_code(found, event)
        found.reasons = tuple(event.reasons)
        found.total_reasons, found.matched, found.at = event.total_reasons, max(event.matched, 0), event.at
        found.source, found.argument, found.actual = event.source, event.argument, event.actual
        if event.starts:
            found.starts = True
            self._take_caller(found, event.caller, [])
        file, _, number = (found.at or (found.caller or "").rpartition(" in ")[0]).rpartition(":")
        line = whole(number)
        if line is not None:
            self._lines(event, file, line)

    def _lines(self, event: ev.Recompile | ev.GraphBreak, file: str, line: int) -> None:
        if event.lines:
            self._source(ev.SourceLines(t=event.t, file=file, line=line, first=event.first, lines=event.lines))

    def _compile_phase(self, event: ev.CompilePhase) -> None:
        found = self._compile(event)
        spans = self.state.loose_spans if found is None else found.spans
        if event.ns is None:
            spans.append(Span(event.phase, event.t))
        else:
            opened = next((span for span in reversed(spans) if span.phase == event.phase and span.ns is None), None)
            if opened is None:
                spans.append(Span(event.phase, event.t - event.ns, event.ns))
            else:
                opened.ns = event.ns
        if found is not None:
            found.phase = next((span.phase for span in reversed(found.spans) if span.ns is None), "")

    def _dynamic(self, event: ev.DynamicMark) -> None:
        found = self._compile(event)
        if found is not None:
            found.dynamic += marks(event)

    def _graph_break(self, event: ev.GraphBreak) -> None:
        self._restorer.graph_break(event)
        found = self._compile(event)
        (self.state.loose_breaks if found is None else found.breaks).append(event)
        self._lines(event, event.file, event.line)

    def _cache(self, event: ev.CacheLookup) -> None:
        found = self._compile(event)
        if found is not None:
            found.caches.append(event)

    def _compile_ended(self, event: ev.CompileEnded) -> None:
        found = self._compile(event)
        if found is not None:
            self._restorer.ended(event)
            event.start_ns = event.start_ns or event.t - event.ns
            event.breaks = len(found.breaks) if event.breaks is None else event.breaks
            found.caches += lookups(event)
            found.end = event
            found.phase = ""

    def _cudagraph(self, event: ev.CudaGraph) -> None:
        self.state.cudagraphs.append(event)
        if event.action != "skip" and event.call is not None:
            self._call(event.call).recordings += 1

    def _limit(self, event: ev.CompileLimit) -> None:
        self.state.limits.append(event)
        self._restorer.limit(event)
        found = self._compile(event)
        if found is not None:
            found.limit = event

    def _source(self, event: ev.SourceLines) -> None:
        self.state.sources[event.file, event.line] = event

    def _monitor_error(self, event: ev.MonitorError) -> None:
        self.state.monitor_errors += 1
