"""Runs of the real worker, in this process, with torch's own trace written beside the events."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import torch
import torch._dynamo
from torch._logging import _internal, structured

from profiler.analysis.fold import SessionFold
from profiler.analysis.state import SessionState
from profiler.eventlog import EventLog, LogReader
from profiler.events import CompileEvent, Event, Header
from profiler.request import Options, Request, resolve
from profiler.subject import Subject
from profiler.variants import Unsupported
from profiler.worker.compiles import CompileMonitor
from profiler.worker.device import DeviceLock
from profiler.worker.pulse import Pulse
from profiler.worker.run import CaseRun
from tests.truth import tlparse
from tests.truth.account import Account, differences, ours

TRACE = logging.getLogger("torch.__trace")
LOG_NAME = "dedicated_log_torch_trace_*.log"


@dataclass
class Traced:
    """One run: its request, the events of its log, and torch's trace of it."""

    request: Request
    events: list[Event]
    log: Path
    error: Exception | None = None  # what ended the run before its time

    @property
    def compile_bytes(self) -> int:
        """What the run's log has about compiles."""
        return sum(len(msgspec.json.encode(event)) + 1 for event in self.events if isinstance(event, CompileEvent))

    def theirs(self) -> Account:
        """tlparse's account; it writes beside the trace, so it can be asked once."""
        return tlparse.read(self.log, self.log.with_suffix(".tlparse"))

    def differences(self, theirs: Account) -> list[str]:
        return differences(ours(self.events), theirs)

    def state(self) -> SessionState:
        """The session of this one run, folded."""
        fold = SessionFold("truth", self.request)
        fold.run(self.request.runs[0].name, self.events)
        return fold.state


@contextmanager
def torch_trace(folder: Path) -> Iterator[None]:
    """Write what ``TORCH_TRACE=folder`` writes of a process that begins now: torch's own handler and formatter.

    Dynamo begins anew, and file names are told again, as each trace file tells them once.
    """
    torch._dynamo.reset()
    structured.INTERN_TABLE.clear()
    handler = _internal.LazyTraceHandler(str(folder))
    handler.setFormatter(_internal.TorchLogsFormatter(trace=True))
    before, TRACE.handlers = TRACE.handlers, [handler]
    config = torch._dynamo.config
    # A collection of all that earlier runs have left in this process takes half a second, in whatever step it comes.
    gc.collect()
    gc.disable()
    limits = {name: getattr(config, name) for name in ("recompile_limit", "accumulated_recompile_limit")}
    try:
        with config.patch(limits):  # a case may set others
            yield
    finally:
        gc.enable()
        for attached in list(TRACE.handlers):
            if isinstance(attached, CompileMonitor):
                attached.detach()  # a worker keeps it for life
        TRACE.handlers = before
        handler.close()
        torch._dynamo.reset()


def run(
    folder: Path,
    pipeline: str,
    scenario: str,
    *,
    variant: str = "compile",
    subject: Callable[[str], Subject] | None = None,
    may_fail: bool = False,
    **options: Any,
) -> Traced:
    """Make one run of ``scenario`` in ``folder``: two steps a call, one call a leg, no warm-ups, unless asked for.

    ``subject`` gives the pipeline of a name where it isn't the catalogue's tiny one. Raises what ends the run before
    its time; with ``may_fail`` only what says that it can't be made at all (Unsupported, BadRequest).
    """
    made = {"size": "tiny", "steps": 2, "calls": 1, "warmup": 0, "repeats": 1, "backend": "aot_eager", **options}
    request = resolve(Options(pipeline=pipeline, scenario=scenario, variants=[variant], **made), "cpu")
    folder.mkdir(parents=True)
    path = folder / "events.jsonl"
    log = EventLog(path)
    log.write(Header(writer="worker"))
    case_run = CaseRun(request, request.cases[0], "truth", folder, log.write, Pulse(log.write))
    error: Exception | None = None
    # The lock is a worker's for life, and this process makes many runs.
    with mock.patch.object(DeviceLock, "take", return_value=None), torch_trace(folder):
        if subject is not None:
            case_run._subject = lambda: subject(pipeline)  # type: ignore[method-assign]
        try:
            case_run.execute()
        except Unsupported:
            raise
        except Exception as raised:
            if not may_fail:
                raise
            error = raised
        finally:
            log.close()
    return Traced(request, read_events(path), trace_in(folder), error)


def read_events(path: Path) -> list[Event]:
    reader = LogReader(path)
    events: list[Event] = []
    while (chunk := reader.read()).events:
        events += chunk.events
    assert (reader.bad, reader.unknown, reader.lost) == (0, 0, 0)
    return events


def trace_in(folder: Path) -> Path:
    """torch's only trace file in ``folder``."""
    (log,) = folder.glob(LOG_NAME)
    return log
