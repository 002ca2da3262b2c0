"""A monitor on a dynamo that has compiled nothing, with its events in a list."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pytest
import torch
import torch._dynamo

from profiler.analysis.fold import SessionFold
from profiler.analysis.state import RunState
from profiler.events import Event, Header
from profiler.request import Options, resolve
from profiler.worker.compiles import CompileMonitor
from profiler.worker.compiles.monitor import TRACE_LOGGER
from profiler.worker.where import Where

E = TypeVar("E", bound=Event)


class Events(list[Event]):
    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self if isinstance(event, kind)]

    def one(self, kind: type[E]) -> E:
        (event,) = self.of(kind)
        return event


@pytest.fixture(autouse=True)
def fresh_dynamo() -> Iterator[None]:
    """No test sees another's compiled code, recompile limit or handlers."""
    torch._dynamo.reset()
    handlers = list(logging.getLogger(TRACE_LOGGER).handlers)
    with torch._dynamo.config.patch(recompile_limit=8), torch.no_grad():
        yield
    logging.getLogger(TRACE_LOGGER).handlers = handlers
    torch._dynamo.reset()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def here() -> Where:
    return Where(phase="measure", call=2, stage="denoise", loop=0, step=7)


@pytest.fixture
def monitor(events: Events, here: Where) -> Iterator[CompileMonitor]:
    """An attached monitor."""
    monitor = CompileMonitor(events.append, here=here)
    monitor.attach()
    yield monitor
    monitor.detach()


@pytest.fixture
def feed() -> Callable[..., logging.LogRecord]:
    """Makes trace records as torch does, of their metadata and payload."""

    def record(metadata: object, payload: object = None) -> logging.LogRecord:
        made = logging.LogRecord(TRACE_LOGGER, logging.DEBUG, "", 0, "", (), None)
        made.metadata = metadata
        made.payload = payload
        return made

    return record


def chromium(
    feed: Callable[..., logging.LogRecord], name: str, mark: str, identifier: str, **args: object
) -> logging.LogRecord:
    """A chromium event of the compile ``identifier``, as ``feed`` makes it."""
    frame, _, attempt = identifier.partition("/")
    metadata = {"chromium_event": {}, "frame_id": int(frame), "frame_compile_id": int(attempt)}
    return feed(metadata, json.dumps({"name": name, "ts": 1.0, "args": args, "ph": mark}))


def folded(events: Sequence[Event]) -> RunState:
    """The run that ``events`` tell of. What short events leave out is put back in place."""
    request = resolve(Options(pipeline="sd15-txt2img", size="tiny", variants=["compile"], repeats=1), "cpu")
    name = request.runs[0].name
    fold = SessionFold("test", request)
    fold.run(name, [Header(writer="worker"), *events])
    return fold.state.runs[name]
