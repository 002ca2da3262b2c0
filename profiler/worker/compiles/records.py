"""Trace records in, events out. One ``Recorder`` follows all compiles of a run; its caller holds a lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from profiler.events import (
    CacheLookup,
    CompileEnded,
    CompileEvent,
    CompileLimit,
    CompilePhase,
    CompileStarted,
    CudaGraph,
    DynamicMark,
    Event,
    GraphBreak,
    Recompile,
)
from profiler.worker.compiles import frames, guards, metrics, payloads
from profiler.worker.compiles.allowance import Allowance
from profiler.worker.compiles.names import ModuleNames
from profiler.worker.compiles.payloads import text
from profiler.worker.where import Where

_PHASES = {
    "dynamo": "total",
    "entire_frame_compile": "dynamo",
    "backend_compile": "aot",
    "inductor_compile": "inductor",
    "code_gen": "codegen",
    "async_compile.wait": "kernels",
    "build_guards": "guards",
    "CUDAGraphNode.record": "cudagraph",
    "CachingAutotuner.benchmark_all_configs": "autotune",
}
_PATH = 512


@dataclass(slots=True)
class Compile:
    """One compile under way."""

    id: str
    start_ns: int
    where: Where
    logged_ns: int  # torch's logging overhead under this id before
    module: str | None = None
    fqn: str | None = None
    function: str = ""
    recompile: bool = False
    started: bool = False
    limit: int | None = None
    error: str | None = None
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
        limit_hit: Callable[[], None],
    ) -> None:
        self._write = write
        self._names = names
        self._here = here
        self._clock = clock
        self._limit_hit = limit_hit
        self._allowance = Allowance()
        self._epoch = 0
        self._seen: set[str] = set()
        self._compiles: dict[str, Compile] = {}
        self._open: dict[tuple[str | int, str], list[tuple[int, bool]]] = {}
        self._recorded: dict[str, tuple[int | None, int | None]] = {}
        self._moved: dict[str, str] = {}  # why a CUDA graph is about to be recorded again
        self._autotuning: str | None = None

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
        event.epoch = self._epoch
        event.call, event.stage, event.loop, event.step = here.call, here.stage, here.loop, here.step
        self._write(event)

    def limit_warned(self, value: int) -> bool:
        """torch warns that the recompile limit is ``value``: kept for the record that follows. False if none will."""
        compile_ = self._compiles.get(frames.compile_id() or "")
        if compile_ is None:
            return False
        compile_.limit = value
        return True

    def cudagraph_skipped(self, reason: str) -> None:
        self.tell(CudaGraph(id=frames.compile_id(), action="skip", reason=self._text(reason)))

    def cudagraph_moved(self, identifier: str | None, reason: str) -> None:
        """A CUDA graph will be recorded again, for ``reason``: kept for the record that follows."""
        self._moved[identifier or ""] = reason

    # --- chromium events: phases -------------------------------------------------------------------------------------

    def _chromium(self, identifier: str | None, payload: object) -> None:
        head = payloads.chromium_head(payload)
        if head is None or not isinstance(payload, str):
            return
        if head.name == "automatic_dynamic":
            self._dynamic(identifier, payloads.arguments(payload))
            return
        phase = _PHASES.get(head.name)
        if phase is None:
            return
        identifier = identifier or payloads.chromium_compile_id(payload)
        if head.mark == "B":
            self._phase_begins(identifier, phase)
        elif head.mark == "E":
            self._phase_ended(identifier, phase)

    def _phase_begins(self, identifier: str | None, phase: str) -> None:
        now = self._clock()
        if phase == "total" and identifier is not None:
            self._compile_begins(identifier, now)
        if phase == "autotune" and identifier is not None:
            told = self._autotuning != identifier and self._allowance.mark(now)  # one mark for hundreds of kernels
            self._autotuning = identifier
        else:
            told = self._allowance.mark(now)
        self._open.setdefault((identifier or threading.get_ident(), phase), []).append((now, told))
        if told:
            self.tell(CompilePhase(id=identifier, phase=phase))

    def _phase_ended(self, identifier: str | None, phase: str) -> None:
        opened = self._open.get((identifier or threading.get_ident(), phase))
        if not opened:
            return
        began, told = opened.pop()
        ns = self._clock() - began
        if phase == "cudagraph":
            self._cudagraph_recorded(identifier, ns)
        if told and phase != "autotune":
            self.tell(CompilePhase(id=identifier, phase=phase, ns=ns))
        if phase == "total" and identifier is not None:
            self._compile_ended(identifier, ns)

    def _compile_begins(self, identifier: str, now: int) -> None:
        if identifier in self._seen:
            # torch._dynamo.reset() starts the ids again.
            self._epoch += 1
            self._seen.clear()
            self._compiles.clear()
            self._open.clear()
            self._recorded.clear()
            self._moved.clear()
        self._seen.add(identifier)
        self._compiles[identifier] = Compile(identifier, now, replace(self._here), metrics.logged_ns(identifier))

    def _cudagraph_recorded(self, identifier: str | None, ns: int) -> None:
        """A compile's graphs are recorded together, in one step; recorded in a later one, their inputs have moved."""
        place = (self._here.call, self._here.step)
        first = self._recorded.setdefault(identifier or "", place)
        reason = self._moved.pop(identifier or "", None)
        action = "record" if first == place and reason is None else "rerecord"
        self.tell(CudaGraph(id=identifier, action=action, ns=ns, reason=self._text(reason)))

    def _dynamic(self, identifier: str | None, found: dict[str, Any]) -> None:
        cached, new = found.get("cached"), found.get("new")
        event = DynamicMark(
            id=identifier,
            name=text(found.get("name"), _PATH),
            dim=payloads.whole_number(found.get("dim_changed")),
            why=text(found.get("reason"), _PATH),
            cached=None if cached is None else text(cached, _PATH),
            new=None if new is None else text(new, _PATH),
        )
        self.tell(event)

    # --- what is compiled, and why again -----------------------------------------------------------------------------

    def _dynamo_start(self, identifier: str | None, found: dict[str, Any]) -> None:
        target = frames.compiling()
        compile_ = self._compiles.get(identifier or "")
        event = CompileStarted(id=identifier, caller=_path(frames.caller()))
        event.recompile = compile_.recompile if compile_ else (identifier or "0/0").rpartition("/")[2] != "0"
        if target is not None:
            self._describe(event, target)
        elif found.get("stack"):
            event.function, event.file, event.line = _innermost(found["stack"])
        event.resume = event.function.startswith(frames.RESUME)
        if compile_ is not None:
            compile_.started = True
            compile_.module, compile_.fqn, compile_.function = event.module, event.fqn, event.function
        self.tell(event)

    def _artifact(self, identifier: str | None, name: str, payload: object) -> None:
        if name == "recompile_reasons":
            self._recompile(identifier, payload)
        elif name == "dynamo_graph_break_reason":
            self._graph_break(identifier, payload)
        elif name == "dynamo_error":
            compile_ = self._compiles.get(identifier or "")
            if compile_ is not None:
                compile_.error = payloads.last_line(payload)
        else:
            found = payloads.cache_lookup(name, payload)
            if found is not None:
                self.tell(
                    CacheLookup(
                        id=identifier, layer=found.layer, state=found.state, saved_ns=found.saved_ns, why=found.why
                    )
                )

    def _recompile(self, identifier: str | None, payload: object) -> None:
        reasons = payloads.recompile_reasons(payload)
        limit = self._allowance.text_limit()
        event = Recompile(id=identifier, reasons=payloads.bounded(reasons, limit), total_reasons=len(reasons))
        self._allowance.spend(sum(map(len, event.reasons)))
        target = frames.compiling()
        if target is not None:
            self._describe(event, target)
        if reasons:
            event.source = guards.source(reasons[0])
        if event.source is not None and target is not None:
            event.argument = guards.argument(event.source, target)
            event.actual = guards.actual(reasons[0], event.source, target)
        compile_ = self._compiles.get(identifier or "")
        if compile_ is not None:
            compile_.recompile = True
            compile_.module, compile_.fqn, compile_.function = event.module, event.fqn, event.function
        self.tell(event)

    def _graph_break(self, identifier: str | None, payload: object) -> None:
        found = payloads.graph_break(payload, self._allowance.text_limit())
        compile_ = self._compiles.get(identifier or "")
        if compile_ is not None:
            if found in compile_.breaks:
                return  # the frame is traced again after a break, and meets it again
            compile_.breaks.add(found)
        self._allowance.spend(len(found.reason))
        self.tell(
            GraphBreak(
                id=identifier,
                file=text(found.file, _PATH),
                line=found.line,
                break_id=found.break_id,
                reason=found.reason,
                skipped_frame=found.skipped_frame,
            )
        )

    # --- the end of a compile ----------------------------------------------------------------------------------------

    def _metrics(self, identifier: str | None, found: dict[str, Any]) -> None:
        identifier = identifier or found.get("compile_id")
        compile_ = self._compiles.get(identifier or "")
        if metrics.is_limit(found):
            self._limit(identifier, compile_, found)
            return
        failure = found.get("fail_type")
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
            restarts=metrics.restarts(found),
        )
        ended.cudagraph_skip = self._text(found.get("cudagraph_skip_reason"))
        if compile_ is not None:
            compile_.ended = ended  # its time runs until the compile's last record
        else:
            ended.ns = ended.phases.get("dynamo", 0)
            ended.start_ns = self._clock() - ended.ns
            self.tell(ended)

    def _limit(self, identifier: str | None, compile_: Compile | None, found: dict[str, Any]) -> None:
        fatal = metrics.is_fatal(found)
        event = CompileLimit(id=identifier, why=text(metrics.why(found), _PATH), fatal=fatal)
        event.limit = metrics.limit_in(metrics.why(found) or "")
        if compile_ is not None:
            event.module, event.fqn, event.function = compile_.module, compile_.fqn, compile_.function
            event.limit = event.limit or compile_.limit
        event.limit = event.limit or getattr(torch._dynamo.config, "recompile_limit", None)
        self.tell(event)
        if not fatal:
            self._limit_hit()

    def _compile_ended(self, identifier: str, ns: int) -> None:
        compile_ = self._compiles.pop(identifier, None)
        if compile_ is None or (compile_.ended is None and not compile_.started):
            return
        ended = compile_.ended or CompileEnded(id=identifier, ok=compile_.error is None, why=compile_.error)
        ended.start_ns, ended.ns = compile_.start_ns, ns
        self.tell(ended, compile_.where)

    def _runtime_metrics(self, identifier: str | None, found: dict[str, Any]) -> None:
        identifier = found.get("compile_id") or identifier
        ns = metrics.nanoseconds(found, "runtime_triton_autotune_time_us")
        if ns:
            self._autotuning = None
            self.tell(CompilePhase(id=identifier, phase="autotune", ns=ns))

    # --- helpers -----------------------------------------------------------------------------------------------------

    def _describe(self, event: CompileStarted | Recompile, target: frames.Target) -> None:
        """Fill in what is compiled."""
        code, module = target.code, target.module
        event.function, event.file, event.line = code.co_name, text(code.co_filename, _PATH), code.co_firstlineno
        if module is not None:
            event.module, event.fqn = type(module).__name__, self._names.of(module)

    def _text(self, whole: object) -> str | None:
        if not whole:
            return None
        kept = text(whole, self._allowance.text_limit())
        self._allowance.spend(len(kept))
        return kept


def _path(whole: str | None) -> str | None:
    return None if whole is None else text(whole, _PATH)


def _innermost(stack: list[dict[str, Any]]) -> tuple[str, str, int]:
    """The code object at the end of a ``dynamo_start`` stack, whose file names are numbers."""
    table = getattr(getattr(torch._logging, "structured", None), "INTERN_TABLE", {})
    last = stack[-1]
    names = {number: name for name, number in table.items()}
    file = names.get(last.get("filename"), "")
    return text(last.get("name"), _PATH), text(file, _PATH), payloads.whole_number(last.get("line")) or 0
