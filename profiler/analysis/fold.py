"""The one fold from events to state: live, replay, reattach, ``show`` and every export use it.

Logs are folded independently of each other: the state after all of them is the same in whatever order their records
arrive, as long as each log's own order is kept. Any prefix of any log gives a valid state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from profiler import events as ev
from profiler.analysis.columns import ABSENT
from profiler.analysis.compiles import CompileFold
from profiler.analysis.state import Call, Loop, Losses, Phase, RunState, SessionState
from profiler.request import Request


def _cell(value: int | None) -> int:
    return ABSENT if value is None else value


class SessionFold:
    """Folds the records of one session into ``state``."""

    def __init__(self, session: str, request: Request) -> None:
        self.state = SessionState(session, request)
        self._runs = {name: RunFold(run) for name, run in self.state.runs.items()}
        self._conductor: dict[type, Callable[[Any], None]] = {
            ev.Header: self._header,
            ev.SessionChanged: self._session,
            ev.RunChanged: self._run,
            ev.DeviceSeen: self._device,
            ev.GpuField: self._gpu_field,
            ev.Command: self.state.commands.append,
            ev.Note: self.state.notes.append,
        }

    def conductor(self, events: Iterable[ev.Event]) -> None:
        """Fold records of ``conductor.jsonl``."""
        state, handlers, add = self.state, self._conductor, self.state.gpu.extend
        for event in events:
            if type(event) is ev.GpuSample:
                add(
                    (
                        event.t,
                        _cell(event.used_bytes),
                        _cell(event.process_bytes),
                        _cell(event.utilization),
                        _cell(event.power_mw),
                        _cell(event.energy_mj),
                        _cell(event.temperature_c),
                        _cell(event.sm_mhz),
                        _cell(event.memory_mhz),
                        _cell(event.reasons),
                        _cell(event.others),
                        _cell(event.others_busy),
                    )
                )
            else:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
            if event.t > state.last_t:
                state.last_t = event.t

    def run(self, name: str, events: Iterable[ev.Event]) -> None:
        """Fold records of the log of run ``name``. Records of a run that the request doesn't know are left out."""
        fold = self._runs.get(name)
        if fold is not None:
            fold.feed(events)

    def losses(self, name: str | None, losses: Losses) -> None:
        """What the reader of a run's log (None: the conductor's) could not use so far."""
        if name is None:
            self.state.losses = losses
        elif name in self.state.runs:
            self.state.runs[name].losses = losses
            self.state.runs[name].revision += 1

    def take(self, other: SessionFold, runs: Iterable[str], samples: int) -> None:
        """Take over what ``other`` folded of the logs of ``runs``, and its first ``samples`` GPU samples.

        For going back in time: ``other`` ends with that, and the conductor's other records are to be folded again.
        """
        state = self.state
        for name in runs:
            self._runs[name] = other._runs[name]
            state.runs[name] = other._runs[name].state
            state.runs[name].unconducted()
        state.gpu = other.state.gpu
        state.gpu.cut(samples)

    def reached(self, t: int) -> None:
        """The conductor's log has come to ``t``, by records that aren't folded again."""
        self.state.last_t = max(self.state.last_t, t)

    def _header(self, event: ev.Header) -> None:
        state = self.state
        state.header = event
        if state.started_ns is None:
            state.started_ns = event.t
            state.last_t = state.last_t or event.t  # below 0 where it began in an earlier boot
        else:
            # Another profiler process took the session up.
            state.resumed_ns.append(event.t)
            state.pauses.append((min(state.last_t, event.t), event.t))
        state.conducted, state.reason, state.ended_ns = "running", None, None

    def _session(self, event: ev.SessionChanged) -> None:
        self.state.conducted = event.state
        self.state.reason = event.reason
        self.state.ended_ns = event.t if event.state in ("done", "stopped", "failed") else None

    def _run(self, event: ev.RunChanged) -> None:
        run = self.state.runs.get(event.run)
        if run is None:
            return
        if event.state != "ended" and run.conducted in ("running", "ended"):
            # It is made again: what was said of the attempt before no longer holds.
            run.remade += 1
            run.revision += 1
            run.conducted_end = run.ended_ns = run.started_ns = run.pid = run.cold = None
        run.conducted = event.state
        if event.state == "running":
            run.pid = event.pid
            run.cold = event.cold
            run.started_ns = event.t
        elif event.state == "ended":
            run.conducted_end = event
            run.ended_ns = event.t
            self._told_late(event.t)

    def _told_late(self, t: int) -> None:
        """A run that went on without its conductor: the next one says when it ended, and until then was no pause."""
        pauses = self.state.pauses
        if pauses and pauses[-1][0] < t < pauses[-1][1]:
            pauses[-1] = (t, pauses[-1][1])

    def _device(self, event: ev.DeviceSeen) -> None:
        self.state.device = event

    def _gpu_field(self, event: ev.GpuField) -> None:
        if event.reason is None:
            self.state.gpu_fields.pop(event.field, None)
        else:
            self.state.gpu_fields[event.field] = event.reason


class RunFold:
    """Folds the records of one run's log into its ``RunState``."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        self._handlers: dict[type, Callable[[Any], None]] = {
            ev.Header: self._header,
            ev.Environment: self._environment,
            ev.Waiting: self._waiting,
            ev.PhaseStarted: self._phase,
            ev.LoadProgress: self._load,
            ev.Memory: self._memory,
            ev.CallStarted: self._call_started,
            ev.CallEnded: self._call_ended,
            ev.LoopStarted: self._loop_started,
            ev.LoopEnded: self._loop_ended,
            ev.Stage: self._stage,
            ev.Output: state.outputs.append,
            ev.Sync: state.syncs.append,
            ev.Note: state.notes.append,
            ev.OutOfMemory: self._oom,
            ev.RunEnded: self._end,
            **CompileFold(state, self._call).handlers,
        }

    def feed(self, events: Iterable[ev.Event]) -> None:
        state, handlers, add, calls = self.state, self._handlers, self.state.steps.extend, self.state.calls
        for event in events:
            if type(event) is ev.Step:
                call = calls.get(event.call)
                if call is None:
                    call = self._call(event.call)
                if call.first_step < 0:
                    call.first_step = len(state.steps)
                call.steps += 1
                add(
                    (
                        event.call,
                        event.loop,
                        event.step,
                        event.start_ns,
                        event.ns,
                        event.host_ns,
                        event.enqueue_ns,
                        event.scheduler_ns,
                        ABSENT if event.host_bound is None else int(event.host_bound),
                        ABSENT if event.graphs is None else event.graphs,
                    )
                )
            else:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
                    state.revision += 1
            if event.t > state.last_t:
                state.last_t = event.t

    # --- the frame of a run ---

    def _header(self, event: ev.Header) -> None:
        self.state.header = event
        if not self.state.last_t:
            self.state.last_t = event.t  # below 0 where it was written in an earlier boot

    def _environment(self, event: ev.Environment) -> None:
        self.state.environment = event

    def _waiting(self, event: ev.Waiting) -> None:
        self.state.waiting = event

    def _phase(self, event: ev.PhaseStarted) -> None:
        self.state.waiting = None
        self._close_phase(event.t)
        self.state.phases.append(Phase(event.phase, event.t, calls=event.calls))

    def _close_phase(self, t: int) -> None:
        phase = self.state.phase
        if phase is not None and phase.end_ns is None:
            phase.end_ns = t

    def _load(self, event: ev.LoadProgress) -> None:
        self.state.loading = event

    def _memory(self, event: ev.Memory) -> None:
        state = self.state
        state.memory.extend(
            (event.t, _cell(event.allocated_bytes), _cell(event.reserved_bytes), _cell(event.rss_bytes))
        )
        phase = next((phase for phase in reversed(state.phases) if phase.name == event.phase), None)
        if phase is not None:
            phase.allocated_peak_bytes = _peak(phase.allocated_peak_bytes, event.allocated_peak_bytes)
            phase.reserved_peak_bytes = _peak(phase.reserved_peak_bytes, event.reserved_peak_bytes)
            phase.rss_peak_bytes = _peak(phase.rss_peak_bytes, _peak(event.rss_peak_bytes, event.rss_bytes))

    def _oom(self, event: ev.OutOfMemory) -> None:
        self.state.oom = event

    def _end(self, event: ev.RunEnded) -> None:
        self.state.end = event
        self.state.waiting = None
        self._close_phase(event.t)

    # --- calls ---

    def _call(self, index: int) -> Call:
        call = self.state.calls.get(index)
        if call is None:
            call = self.state.calls[index] = Call(index)
        return call

    def _call_started(self, event: ev.CallStarted) -> None:
        call = self._call(event.call)
        call.phase = event.phase
        call.leg = event.leg
        call.planned_steps = event.steps
        call.start_ns = event.start_ns or event.t

    def _call_ended(self, event: ev.CallEnded) -> None:
        call = self._call(event.call)
        call.ns = event.ns
        call.images = event.images
        call.retries = event.retries
        call.waited_ns, call.cpu_ns, call.foreign_cpu_ns = event.waited_ns, event.cpu_ns, event.foreign_cpu_ns
        call.collections = event.collections

    def _loop(self, call: int, loop: int) -> Loop:
        return self._call(call).loops.setdefault(loop, Loop())

    def _loop_started(self, event: ev.LoopStarted) -> None:
        loop = self._loop(event.call, event.loop)
        loop.name = event.name
        loop.denoisers = tuple(event.denoisers)
        loop.planned_iterations = event.iterations
        loop.start_ns = event.start_ns or event.t

    def _loop_ended(self, event: ev.LoopEnded) -> None:
        loop = self._loop(event.call, event.loop)
        loop.ns = event.ns
        loop.evaluations = event.evaluations
        loop.iterations = event.iterations

    def _stage(self, event: ev.Stage) -> None:
        self._call(event.call).stages.append(event)


def _peak(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)
