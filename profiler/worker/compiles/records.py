"""Trace records in, events out. One ``Recorder`` follows all compiles of a run; its caller holds a lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import torch

from profiler.events import (
    CacheLookup,
    CompileEnded,
    CompileEvent,
    CompileLimit,
    CompilePhase,
    CompileStarted,
    DynamicMark,
    Event,
    GraphBreak,
    Recompile,
)
from profiler.events.compiling import CacheFound
from profiler.worker.compiles import cudagraphs, frames, metrics, payloads, phases, recompiles
from profiler.worker.compiles.allowance import Allowance
from profiler.worker.compiles.brief import Brief
from profiler.worker.compiles.cudagraphs import CudaGraphs
from profiler.worker.compiles.marks import Marks
from profiler.worker.compiles.names import ModuleNames
from profiler.worker.compiles.owners import Owners
from profiler.worker.compiles.payloads import text
from profiler.worker.compiles.phases import Phases
from profiler.worker.compiles.places import Places
from profiler.worker.compiles.told import LastPlace, ToldFrames
from profiler.worker.where import Where

_PATH = 512
_ENCODER = msgspec.json.Encoder()
_NUMBERING = 32  # bytes of what the log adds to an event
_WITHIN = (CompilePhase, CompileStarted, DynamicMark, CacheLookup)  # told between a compile's first event and its end
_PARTS = (*_WITHIN, Recompile, GraphBreak, CompileEnded, CompileLimit)  # what a compile is put together from
_RESTARTS = 4  # reasons kept of one compile


@dataclass(slots=True)
class Compile:
    """One compile under way."""

    id: str
    start_ns: int
    where: Where
    logged_ns: int  # torch's logging overhead under this id before
    spent_ns: int  # by our handler, before
    cudagraph_skips: int  # counted before
    module: str | None = None
    fqn: str | None = None
    function: str = ""
    recompile: bool = False
    announced: bool = False  # its recompile tells of its start as well
    caller: str | None = None  # that its recompile told
    started: bool = False
    limit: tuple[str, int] | None = None
    error: str | None = None
    refused: bool = False
    told: bool = False  # whether an event of it was written, with its place
    caches: list[CacheFound] = field(default_factory=list)
    breaks: set[payloads.Break] = field(default_factory=set)
    ended: CompileEnded | None = None


class Recorder:
    """Keeps what has to be joined: a compile's begin and end, the reason before it, the metrics within it."""

    wanted = frozenset({"chromium_event", "dynamo_start", "artifact", "compilation_metrics"})

    def __init__(
        self,
        write: Callable[[Event], None],
        names: ModuleNames,
        here: Where,
        clock: Callable[[], int],
        spent: Callable[[], int],
        limit_hit: Callable[[], None],
    ) -> None:
        """``clock`` and ``spent`` (the time taken by the trace handler so far) give nanoseconds."""
        self._write = write
        self._names = names
        self._here = here
        self._clock = clock
        self._spent = spent
        self._limit_hit = limit_hit
        self._allowance = Allowance()
        self._phases = Phases(self.tell, clock, self._allowance)
        self._cudagraphs = CudaGraphs(self.tell, here, self._text)
        self._places = Places(self.tell)
        self._owners = Owners()
        self._epoch = 0
        self._seen: set[str] = set()
        self._compiles: dict[str, Compile] = {}
        self._marks = Marks(self.tell, self._allowance)
        self._frames = ToldFrames()
        self._last = LastPlace()
        self._brief = Brief(self.tell)

    def take(self, kind: str, identifier: str | None, metadata: dict[str, Any], payload: object) -> None:
        """Take one trace record. Raises whatever a record of an unknown shape brings about."""
        if kind == "chromium_event":
            self._chromium(identifier, payload)
        elif kind == "dynamo_start":
            self._dynamo_start(identifier, metadata[kind])
        elif kind == "artifact":
            self._artifact(identifier, metadata[kind].get("name", ""), payload)
        elif kind == "compilation_metrics":
            self._metrics(identifier, metadata[kind])
        else:
            self._runtime_metrics(identifier, metadata[kind])

    def tell(self, event: CompileEvent, place: Where | None = None) -> None:
        """Write ``event`` with the epoch and the place it belongs to: where the worker is, unless told otherwise."""
        here = place or self._here
        compile_ = self._compiles.get(event.id or "")
        event.epoch = self._epoch
        known = compile_ is not None and compile_.told and here == compile_.where
        within = isinstance(event, _PARTS if self._allowance.brief else _WITHIN)
        if compile_ is not None and not compile_.told and isinstance(event, _PARTS):
            self._last.tell(event, here, self._allowance.brief)
            compile_.told = True
        elif not (known and within):
            event.call, event.stage, event.loop, event.step = here.call, here.stage, here.loop, here.step
        if self._allowance.brief:
            self._brief.shorten(event)
        else:
            self._brief.remember(event)
        self._write(event)
        self._allowance.wrote(len(_ENCODER.encode(event)) + _NUMBERING)

    def limit_warned(self, setting: str, value: int) -> bool:
        """torch warns that a limit is ``value``: kept for the record that follows. False if none will."""
        compile_ = self._compiles.get(frames.compile_id() or "")
        if compile_ is None:
            return False
        compile_.limit = (setting, value)
        return True

    def cudagraph_skipped(self, reason: str) -> None:
        # Changed inputs are found when the compiled code first runs: by then the compile is over.
        self._cudagraphs.skipped(frames.compile_id() or frames.replayed_id(), reason)

    def cudagraph_moved(self, identifier: str | None, reason: str) -> None:
        self._cudagraphs.moved(identifier, reason)

    # --- chromium events: phases -------------------------------------------------------------------------------------

    def _chromium(self, identifier: str | None, payload: object) -> None:
        head = payloads.chromium_head(payload)
        if head is None or not isinstance(payload, str):
            return
        if head.name == "automatic_dynamic":
            self._marks.take(identifier, payloads.arguments(payload))
            return
        phase = phases.phase(head.name)
        if phase is None:
            return
        identifier = identifier or payloads.chromium_compile_id(payload)
        if head.mark == "B":
            if phase == "total" and identifier is not None:
                self._compile_begins(identifier)
            if phase == "aot":
                self._marks.traced(identifier)
            self._phases.begins(identifier, phase)
        elif head.mark == "E":
            ns = self._phases.ends(identifier, phase)
            if phase == "cudagraph" and ns is not None:
                self._cudagraphs.recorded(identifier, ns)
            if phase == "total" and identifier is not None and ns is not None:
                self._compile_ended(identifier, ns)

    def _compile_begins(self, identifier: str) -> None:
        if identifier in self._seen:
            # torch._dynamo.reset() starts the ids again.
            self._epoch += 1
            self._seen.clear()
            self._compiles.clear()
            self._frames.forget()
            self._brief.forget()
            self._last.forget()
            self._marks.forget()
            self._owners.forget()
            self._phases.forget()
            self._cudagraphs.forget()
        self._seen.add(identifier)
        self._compiles[identifier] = Compile(
            identifier,
            self._clock(),
            replace(self._here),
            metrics.logged_ns(identifier),
            self._spent(),
            cudagraphs.skips(),
        )

    # --- what is compiled, and why again -----------------------------------------------------------------------------

    def _dynamo_start(self, identifier: str | None, found: dict[str, Any]) -> None:
        target = frames.compiling()
        compile_ = self._compiles.get(identifier or "")
        stack = self._callers(self._allowance.stack_limit())
        event = CompileStarted(id=identifier, caller=stack[0] if stack else None)
        event.stack = stack if len(stack) > 1 else []
        event.recompile = compile_.recompile if compile_ else (identifier or "0/0").rpartition("/")[2] != "0"
        if target is not None:
            self._describe(event, target)
            if identifier is not None:
                self._owners.remember(identifier, target)
        elif found.get("stack"):
            event.function, event.file, event.line = frames.innermost(found["stack"])
        event.resume = event.function.startswith(frames.RESUME)
        if compile_ is not None:
            if compile_.recompile and (event.module, event.fqn) == (compile_.module, compile_.fqn):
                event.module = event.fqn = None  # its recompile has told them
            else:
                compile_.module, compile_.fqn = event.module, event.fqn
            compile_.started, compile_.function = True, event.function
            if compile_.announced and event.caller == compile_.caller:
                event.caller, event.stack = None, []
        self._frames.leave_out(event)
        if compile_ is None or not compile_.announced or event != CompileStarted(id=identifier, recompile=True):
            self.tell(event)

    def _artifact(self, identifier: str | None, name: str, payload: object) -> None:
        if name == "recompile_reasons":
            self._recompile(identifier, payloads.recompile_reasons(payload))
        elif name == "dynamo_graph_break_reason":
            self._graph_break(identifier, payload)
        elif name == "dynamo_error":
            compile_ = self._compiles.get(identifier or "")
            if compile_ is not None:
                compile_.error = payloads.last_line(payload)
        else:
            found = payloads.cache_lookup(name, payload)
            if found is not None:
                self._cache(identifier, found)

    def _cache(self, identifier: str | None, found: payloads.Lookup) -> None:
        compile_ = self._compiles.get(identifier or "")
        if compile_ is not None and self._allowance.brief:
            compile_.caches.append(CacheFound(found.layer, found.state, found.saved_ns, found.why))
            return
        event = CacheLookup(id=identifier, layer=found.layer, state=found.state)
        event.saved_ns, event.why = found.saved_ns, found.why
        self.tell(event)

    def _recompile(self, identifier: str | None, reasons: list[str]) -> None:
        event = Recompile(id=identifier)
        target = frames.compiling()
        if target is not None:
            self._describe(event, target)
        reason = recompiles.explain(event, reasons, target, self._owners, self._allowance)
        callers = self._callers(1)
        place = recompiles.tell_place(event, reason, callers, self._places)
        brief = self._allowance.brief and identifier in self._compiles
        if brief:
            event.starts, event.caller = True, callers[0] if callers else None
        compile_ = self._compiles.get(identifier or "")
        if compile_ is not None:
            compile_.recompile, compile_.announced, compile_.caller = True, brief, event.caller
            compile_.module, compile_.fqn, compile_.function = event.module, event.fqn, event.function
        self._frames.leave_out(event)
        if self._allowance.least:
            recompiles.leave_out(event)
        self._tell_with_lines(event, place)

    def _graph_break(self, identifier: str | None, payload: object) -> None:
        found = payloads.graph_break(payload, self._allowance.text_limit())
        compile_ = self._compiles.get(identifier or "")
        if compile_ is not None:
            if found in compile_.breaks:
                return  # the frame is traced again after a break, and meets it again
            compile_.breaks.add(found)
        event = GraphBreak(id=identifier, file=text(found.file, _PATH), line=found.line, reason=found.reason)
        event.break_id, event.skipped_frame = found.break_id, found.skipped_frame
        self._tell_with_lines(event, (found.file, found.line))

    def _tell_with_lines(self, event: Recompile | GraphBreak, place: tuple[str, int] | None) -> None:
        """Tell ``event`` and the lines around its place: in it, or in an event of their own."""
        around = self._allowance.lines_around()
        if place is not None and self._allowance.brief:
            event.first, event.lines = self._places.lines(*place, around=around)
            place = None
        self.tell(event)
        if place is not None:
            self._places.tell(*place, around=around)

    # --- the end of a compile ----------------------------------------------------------------------------------------

    def _metrics(self, identifier: str | None, found: dict[str, Any]) -> None:
        identifier = identifier or found.get("compile_id")
        compile_ = self._compiles.get(identifier or "")
        if metrics.is_limit(found):
            self._limit(identifier, compile_, found)
            return
        failure = found.get("fail_type")
        if failure == "RecompileError" and compile_ is not None and not compile_.recompile:
            # torch._dynamo.config.error_on_recompile: the guards are in the error alone.
            self._recompile(identifier, payloads.reasons_of_error(found.get("fail_reason")))
        why_again = metrics.restarts(found)
        ended = CompileEnded(
            id=identifier,
            ok=not failure,
            failure=text(failure, _PATH) if failure else None,
            why=self._text(metrics.why(found)) or (compile_.error if compile_ and failure else None),
            phases=metrics.phases(found),
            operators=metrics.count(found, "graph_op_count"),
            guards=metrics.count(found, "guard_count"),
            guard_ns=metrics.nanoseconds(found, "guard_latency_us"),
            overhead_ns=metrics.overhead_ns(found, compile_.logged_ns if compile_ else 0),
            breaks=len(compile_.breaks) if compile_ else None,
            restarts=len(why_again),
            restart_reasons=why_again[:_RESTARTS],
        )
        skip = found.get("cudagraph_skip_reason")
        ended.cudagraph_skip = self._text(skip)
        if compile_ is not None:
            self._cudagraphs.compiled(identifier, skip, cudagraphs.skips() - compile_.cudagraph_skips)
            compile_.ended = ended  # its time runs until the compile's last record
        else:
            ended.ns = ended.phases.get("dynamo", 0)
            ended.start_ns = self._clock() - ended.ns
            self.tell(ended)

    def _limit(self, identifier: str | None, compile_: Compile | None, found: dict[str, Any]) -> None:
        fatal = metrics.is_fatal(found)
        if compile_ is not None:
            compile_.refused = True
        why = metrics.why(found) or ""
        event = CompileLimit(id=identifier, why=text(why, _PATH), fatal=fatal)
        event.setting, event.limit = metrics.limit_setting(why), metrics.limit_in(why)
        if compile_ is not None:
            if not compile_.announced:
                event.module, event.fqn, event.function = compile_.module, compile_.fqn, compile_.function
            if compile_.limit is not None:
                event.setting, event.limit = compile_.limit
        event.limit = event.limit or getattr(torch._dynamo.config, event.setting or "recompile_limit", None)
        self.tell(event)
        if not fatal:
            self._limit_hit()

    def _compile_ended(self, identifier: str, ns: int) -> None:
        compile_ = self._compiles.get(identifier)
        if compile_ is None:
            return
        self._marks.traced(identifier)
        if compile_.ended is None and not compile_.started:
            self._refused(compile_)
            del self._compiles[identifier]
            return
        ended = compile_.ended or CompileEnded(id=identifier, ok=compile_.error is None, why=compile_.error)
        ended.start_ns, ended.ns = compile_.start_ns, ns
        ended.handler_ns = self._spent() - compile_.spent_ns
        ended.caches = compile_.caches
        self.tell(ended, compile_.where)
        del self._compiles[identifier]

    def _refused(self, compile_: Compile) -> None:
        """A compile that came to nothing ends here: within another one it has no metrics that could say so."""
        if compile_.refused or not compile_.told:
            return
        if compile_.limit is not None:
            self._limit(compile_.id, compile_, {})
        else:
            ended = CompileEnded(id=compile_.id, ok=False, why=compile_.error, ns=self._clock() - compile_.start_ns)
            ended.start_ns = compile_.start_ns
            self.tell(ended, compile_.where)

    def _runtime_metrics(self, identifier: str | None, found: dict[str, Any]) -> None:
        identifier = found.get("compile_id") or identifier
        ns = metrics.nanoseconds(found, "runtime_triton_autotune_time_us")
        if ns:
            self._phases.tuned(identifier, ns)

    # --- helpers -----------------------------------------------------------------------------------------------------

    def _describe(self, event: CompileStarted | Recompile, target: frames.Target) -> None:
        """Fill in what is compiled."""
        code, module = target.code, target.module
        event.function, event.file, event.line = code.co_name, text(code.co_filename, _PATH), code.co_firstlineno
        if module is not None:
            event.module, event.fqn = type(module).__name__, self._names.of(module)

    def _callers(self, limit: int) -> list[str]:
        return [text(frame, _PATH) for frame in frames.callers(limit)]

    def _text(self, whole: object) -> str | None:
        return text(whole, self._allowance.text_limit()) if whole else None
