"""A session as one trace for Perfetto and chrome://tracing: its runs, calls, steps, compiles, memory and GPU figures.

The format is the Trace Event Format's JSON object: microseconds since the session's start, on the clock of the logs. A
run is a process, what goes on in it at one time are threads. The text comes in pieces, so that a session of a million
steps is never in memory as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from profiler import __version__
from profiler.analysis import triggers
from profiler.analysis.columns import ABSENT, Columns
from profiler.analysis.compiles import Compile, Span
from profiler.analysis.state import Call, RunState, SessionState
from profiler.analysis.triggers import Occurrence
from profiler.report.lanes import Track

SESSION_PID = 1
TIDS = 100
"""Thread ids that a process has: they are unique over all processes."""
DEVICE_SLACK_NS = 100_000
"""CUDA tells times as 32-bit milliseconds since the call's start: steps that touch differ by microseconds."""
COMPILE_SLACK_NS = 5_000_000
"""A phase begins when its record is handled, which may be late, and lasts as long as torch says."""
ROWS = 8192

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
"""ASCII alone: what logs say stays data wherever the trace is printed or read."""

RUN_COUNTERS = {
    "allocated (bytes)": ("allocated_bytes", 1),
    "reserved (bytes)": ("reserved_bytes", 1),
    "RSS (bytes)": ("rss_bytes", 1),
}
GPU_COUNTERS = {
    "GPU memory (bytes)": ("used_bytes", 1),
    "GPU memory of the run (bytes)": ("process_bytes", 1),
    "GPU utilisation (%)": ("utilization", 1),
    "GPU power (W)": ("power_mw", 1000),
    "GPU temperature (°C)": ("temperature_c", 1),
    "GPU SM clock (MHz)": ("sm_mhz", 1),
    "GPU memory clock (MHz)": ("memory_mhz", 1),
}
"""Name: the column, and by what its figures are divided."""


def trace(session: SessionState, runs: Iterable[str] | None = None) -> Iterator[str]:
    """The trace of the runs named (None: of all) as pieces of one JSON document."""
    writer = _Writer(session, list(session.runs) if runs is None else list(runs))
    yield '{"displayTimeUnit":"ms","traceEvents":['
    separator = "\n"
    for event in writer.events():
        yield separator + event
        separator = ",\n"
    yield f'\n],"otherData":{_encode(writer.about())}}}\n'


class _Writer:
    def __init__(self, session: SessionState, runs: list[str]) -> None:
        self._session = session
        self._runs = [session.runs[name] for name in runs]
        self._zero = _zero(session)
        self._left_out = 0

    def about(self) -> dict[str, Any]:
        """What a reader of the trace must know; complete once all events were made."""
        session = self._session
        header = session.header or next((run.header for run in self._runs if run.header), None)
        about: dict[str, Any] = {
            "session": session.session,
            "state": session.state,
            "stepscope": __version__,
            "clock": "microseconds of the monotonic clock since the session's start",
            "runs": {run.name: run.outcome for run in self._runs},
        }
        if header is not None:
            wall_ns = header.wall_ns - (header.t - self._zero)
            about["started_unix_ns"] = str(wall_ns)  # more digits than a number of JavaScript keeps
            about["started"] = datetime.fromtimestamp(wall_ns / 1e9, UTC).isoformat(timespec="milliseconds")
        if self._left_out:
            about["left_out"] = f"{self._left_out} slices that cross others on every track: the log is damaged"
        return about

    def events(self) -> Iterator[str]:
        explained = {one.key: one for one in triggers.occurrences(self._session)}
        yield from self._of_session()
        numbers = {name: number for number, name in enumerate(self._session.runs, start=SESSION_PID + 1)}
        for run in self._runs:
            yield from _RunWriter(self, run, numbers[run.name], explained).events()

    def _of_session(self) -> Iterator[str]:
        session, place = self._session, Threads(self, SESSION_PID)
        yield from _process(SESSION_PID, f"session {session.session}")
        begun = [(run, start) for run in self._runs if (start := _run_start(run)) is not None]
        for run, start in begun:
            args = {"outcome": run.outcome, "reason": run.reason, "case": run.case.name}
            yield from place.slice("runs", start, _run_end(run) - start, run.name, args)
        for note in session.notes:
            yield from place.instant("events", note.t, f"{note.level}: {note.code}", {"text": note.text})
        for command in session.commands:
            yield from place.instant("events", command.t, f"{command.command} was asked for", {"run": command.run})
        for start, end in session.pauses:
            yield from place.instant("events", end, "resumed", {"pause_s": (end - start) / 1e9})
        first = last = None
        if begun and len(self._runs) < len(session.runs):
            first = min(start for _, start in begun)
            last = max(_run_end(run) for run, _ in begun)
        yield from self.counters(SESSION_PID, session.gpu, GPU_COUNTERS, first, last)

    def counters(
        self,
        pid: int,
        columns: Columns,
        counters: dict[str, tuple[str, int]],
        first_ns: int | None = None,
        last_ns: int | None = None,
    ) -> Iterator[str]:
        """The figures from ``first_ns`` to ``last_ns``, each where it changes; a figure that is missing is left out."""
        begin = 0 if first_ns is None else columns.first_at("t", first_ns)
        end = len(columns) if last_ns is None else columns.first_at("t", last_ns + 1)
        for name, (column, unit) in counters.items():
            head = f'{{"ph":"C","pid":{pid},"name":{_encode(name)},"ts":'
            before = ABSENT
            for row in range(begin, end, ROWS):
                stop = min(row + ROWS, end)
                for t, value in zip(columns.column("t", row, stop), columns.column(column, row, stop)):
                    if value not in (ABSENT, before):
                        before = value
                        shown = value if unit == 1 else value / unit
                        yield f'{head}{self.us(t)},"args":{{"value":{shown}}}}}'

    def us(self, t: int) -> float:
        """A point in time on the trace's axis."""
        return (t - self._zero) / 1000

    def leave_out(self) -> None:
        self._left_out += 1


class Threads:
    """The threads of a process: each gets its id and its name with the first thing on it."""

    def __init__(self, writer: _Writer, pid: int) -> None:
        self._writer = writer
        self.pid = pid
        self._tids: dict[tuple[str, int], int] = {}
        self._tracks: dict[str, Track] = {}

    def thread(self, name: str, lane: int = 0) -> tuple[int, list[str]]:
        """The id of a lane of the thread ``name``, and the events that tell of it where it is new."""
        tid = self._tids.get((name, lane))
        if tid is not None:
            return tid, []
        position = THREADS.index(name) * 10 + lane
        tid = self._tids[name, lane] = self.pid * TIDS + position
        shown = name if not lane else f"{name} ({lane + 1})"
        return tid, [
            _metadata("thread_name", self.pid, {"name": shown}, tid),
            _metadata("thread_sort_index", self.pid, {"sort_index": position}, tid),
        ]

    def track(self, name: str) -> Track:
        slack = COMPILE_SLACK_NS if name == "compiles" else DEVICE_SLACK_NS
        return self._tracks.setdefault(name, Track(slack))

    def slice(self, thread: str, start: int, ns: int, name: str, args: dict[str, Any]) -> Iterator[str]:
        placed = self.track(thread).place(start, ns)
        if placed is None:
            self._writer.leave_out()
            return
        tid, told = self.thread(thread, placed.lane)
        yield from told
        at = {"ph": "X", "pid": self.pid, "tid": tid, "ts": self._writer.us(placed.start_ns), "dur": placed.ns / 1000}
        yield _encode({**at, "name": name, "cat": thread, "args": known(args)})

    def instant(self, thread: str, t: int, name: str, args: dict[str, Any]) -> Iterator[str]:
        tid, told = self.thread(thread)
        yield from told
        at = {"ph": "i", "s": "t", "pid": self.pid, "tid": tid, "ts": self._writer.us(t)}
        yield _encode({**at, "name": name, "cat": thread, "args": known(args)})


THREADS = ("runs", "phases", "calls", "stages", "loops", "steps", "compiles", "events")


class _RunWriter:
    """The events of one run."""

    def __init__(self, writer: _Writer, run: RunState, pid: int, explained: dict[str, Occurrence]) -> None:
        self._writer = writer
        self._run = run
        self._threads = Threads(writer, pid)
        self._explained = explained
        self._end = _run_end(run)

    def events(self) -> Iterator[str]:
        yield from _process(self._threads.pid, self._run.name)
        yield from self._phases()
        yield from self._calls()
        yield from self._steps()
        yield from self._compiles()
        yield from self._happenings()
        yield from self._writer.counters(self._threads.pid, self._run.memory, RUN_COUNTERS)

    def _phases(self) -> Iterator[str]:
        for phase in self._run.phases:
            ns = (phase.end_ns or self._end) - phase.start_ns
            yield from self._threads.slice("phases", phase.start_ns, ns, phase.name, {"calls": phase.calls})

    def _calls(self) -> Iterator[str]:
        calls = sorted(self._run.calls.values(), key=lambda call: call.start_ns)
        measured = 0
        for call in calls:
            measured += call.phase == "measure"
            args = {"call": call.index, "phase": call.phase, "leg": call.leg, "images": call.images}
            args |= {"compiles": call.compiles, "recordings": call.recordings, "retries": call.retries}
            yield from self._slice("calls", call.start_ns, call.ns, _call_name(call, measured), args)
        for call in calls:
            for stage in sorted(call.stages, key=lambda stage: stage.start_ns):
                yield from self._threads.slice("stages", stage.start_ns, stage.ns, stage.name, {"call": call.index})
            for number, loop in sorted(call.loops.items(), key=lambda item: item[1].start_ns):
                args = {"call": call.index, "loop": number, "denoisers": list(loop.denoisers)}
                args |= {"iterations": loop.iterations, "evaluations": loop.evaluations}
                yield from self._slice("loops", loop.start_ns, loop.ns, loop.name, args)

    def _slice(self, thread: str, start: int, ns: int | None, name: str, args: dict[str, Any]) -> Iterator[str]:
        """A slice that goes on to the run's end where it never ended. What has no begin, of a damaged log, has none."""
        if not start:
            return
        if ns is None:
            args = args | {"unfinished": True}
        yield from self._threads.slice(thread, start, self._end - start if ns is None else ns, name, args)

    def _steps(self) -> Iterator[str]:
        """Written by hand: there may be a million."""
        run, us = self._run, self._writer.us
        held_up = {(found.call, found.loop, found.step) for found in run.compiles.values() if found.step is not None}
        place = self._threads.track("steps").place
        for first in range(0, len(run.steps), ROWS):
            for position in range(first, min(first + ROWS, len(run.steps))):
                call, loop, step, start, ns, host, enqueue, scheduler, bound, graphs = run.steps.row(position)
                placed = place(start, ns)
                if placed is None:
                    self._writer.leave_out()
                    continue
                tid, told = self._threads.thread("steps", placed.lane)
                yield from told
                name = "step, compiling" if (call, loop, step) in held_up else "step"
                also = "" if bound == ABSENT else f',"host_bound":{"true" if bound else "false"}'
                also += "" if graphs == ABSENT else f',"graphs":{graphs}'
                yield (
                    f'{{"ph":"X","pid":{self._threads.pid},"tid":{tid},"ts":{us(placed.start_ns)},'
                    f'"dur":{placed.ns / 1000},"name":"{name}","cat":"steps","args":{{"call":{call},"loop":{loop},'
                    f'"step":{step},"host_ms":{host / 1e6},"enqueue_ms":{enqueue / 1e6},'
                    f'"scheduler_ms":{scheduler / 1e6}{also}}}}}'
                )

    def _compiles(self) -> Iterator[str]:
        slices: list[tuple[int, int, str, dict[str, Any]]] = []
        for found in self._run.compiles.values():
            slices += self._compile(found)
        slices += [self._span(span, self._end) for span in self._run.loose_spans]
        for start, ns, name, args in sorted(slices, key=lambda one: (one[0], -one[1])):
            yield from self._threads.slice("compiles", start, ns, name, args)

    def _compile(self, found: Compile) -> Iterator[tuple[int, int, str, dict[str, Any]]]:
        """A compile from its first phase's begin to its last one's end, and its phases."""
        bounds = [(span.start_ns, span.ns or 0) for span in found.spans]
        if found.end is not None:
            bounds.append((found.end.start_ns, found.end.ns))
        if not bounds:
            return  # refused by the recompile limit: an instant tells of it
        start = min(begin for begin, _ in bounds)
        end = self._end if found.running else max(begin + ns for begin, ns in bounds)
        one = self._explained.get(f"{self._run.name} {found.epoch} {found.id}")
        word = "limit" if found.limit else "recompile" if found.recompile else "compile"
        args: dict[str, Any] = {"id": found.id, "epoch": found.epoch, "module": found.module, "name": found.fqn}
        args |= {"sentence": one.sentence, "cause": one.cause, "blame": one.blame} if one else {}
        args |= {"reasons": list(found.reasons), "function": found.function, "file": f"{found.file}:{found.line}"}
        args |= {"caller": found.caller, "call": found.call, "step": found.step, "unfinished": found.running or None}
        if one is not None and one.cost is not None:
            cost = one.cost
            args |= {"ms": cost.ms, "net_ms": cost.net_ms, "parts_ms": {part.phase: part.ms for part in cost.parts}}
            args |= {"operators": cost.operators, "guards": cost.guards, "guard_ms": cost.guard_ms}
            args |= {"caches": cost.caches, "restarts": cost.restarts}
        if found.end is not None and not found.end.ok:
            args |= {"failure": found.end.failure, "why": found.end.why}
        yield start, end - start, f"{word} {found.id} {found.where}", args
        yield from (self._span(span, end) for span in found.spans if span.phase != "total")

    def _span(self, span: Span, over: int) -> tuple[int, int, str, dict[str, Any]]:
        """A phase; one that was never told to end ends with ``over``."""
        ns = over - span.start_ns if span.ns is None else span.ns
        return span.start_ns, ns, span.phase, {"unfinished": True} if span.ns is None else {}

    def _happenings(self) -> Iterator[str]:
        run, tell = self._run, self._threads.instant
        for found in run.compiles.values():
            for broken in found.breaks:
                yield from tell("events", broken.t, *_break(broken))
        for broken in run.loose_breaks:
            yield from tell("events", broken.t, *_break(broken))
        for limit in run.limits:
            args = {"module": limit.module, "name": limit.fqn, "limit": limit.limit, "why": limit.why, "id": limit.id}
            yield from tell("events", limit.t, "recompile limit", args | {"fatal": limit.fatal})
        for fall in run.fallbacks:
            args = {"graphs": fall.graphs, "expected": fall.expected, "call": fall.call, "step": fall.step}
            yield from tell("events", fall.t, "fell back to eager", args)
        for graph in run.cudagraphs:
            took = {} if graph.ns is None else {"ms": graph.ns / 1e6}
            args = {"reason": graph.reason, "call": graph.call, "step": graph.step}
            yield from tell("events", graph.t, f"CUDA graph {graph.action}", args | took)
        for note in run.notes:
            yield from tell("events", note.t, f"{note.level}: {note.code}", {"text": note.text, "call": note.call})


def _break(found: Any) -> tuple[str, dict[str, Any]]:
    args = {"reason": found.reason, "file": f"{found.file}:{found.line}", "id": found.id, "call": found.call}
    return f"graph break {found.break_id or ''}".rstrip(), args | {"skipped_frame": found.skipped_frame}


def _call_name(call: Call, measured: int) -> str:
    names = {"compile": "compiling call", "warmup": "warm-up call", "measure": f"measured call {measured}"}
    name = names.get(call.phase, f"call {call.index}")
    return f"{name}: {call.leg}" if call.leg else name


def _run_end(run: RunState) -> int:
    """When a run ended, or its last record where it goes on or died; its begin where it never wrote one."""
    if run.ended_ns is not None:
        return run.ended_ns
    return run.last_t if run.header is not None or run.started_ns is None else run.started_ns


def _run_start(run: RunState) -> int | None:
    """When a run was begun, None of one that never was."""
    if run.started_ns is not None:
        return run.started_ns
    return run.header.t if run.header is not None else None


def _zero(session: SessionState) -> int:
    """The session's start, or its first run's where clocks differ: Perfetto drops what lies before 0."""
    runs = session.runs.values()
    begun = [session.started_ns, *(run.started_ns for run in runs), *(run.header.t for run in runs if run.header)]
    return min((t for t in begun if t is not None), default=0)


def _process(pid: int, name: str) -> list[str]:
    return [
        _metadata("process_name", pid, {"name": name}),
        _metadata("process_sort_index", pid, {"sort_index": pid}),
    ]


def _metadata(name: str, pid: int, args: dict[str, Any], tid: int | None = None) -> str:
    return _encode({"ph": "M", "name": name, "pid": pid, **({} if tid is None else {"tid": tid}), "args": args})


def known(args: dict[str, Any]) -> dict[str, Any]:
    """Those that say something."""
    return {name: value for name, value in args.items() if value is not None and value != "" and value != []}
