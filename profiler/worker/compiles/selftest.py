"""Proof, before anything is measured, that this torch's trace reaches the monitor."""

from __future__ import annotations

import logging

import torch

from profiler.events import Event, Recompile
from profiler.worker.compiles.monitor import TRACE_LOGGER, CompileMonitor
from profiler.worker.where import Where


def self_test() -> str | None:
    """Compile a function for two shapes and expect the recompile to be told. None, or why compile events are missing.

    Call it before the first compile: it resets dynamo, so that compile ids start at 0/0 again. No other handler sees
    its records: neither an attached monitor nor a TORCH_TRACE file.
    """
    events: list[Event] = []
    monitor = CompileMonitor(events.append, here=Where())
    trace = logging.getLogger(TRACE_LOGGER)
    handlers = trace.handlers
    trace.handlers = []
    # torch tells a file's name once, at its first use: a TORCH_TRACE file would never hear those that are told here.
    interned = getattr(torch._logging.structured, "INTERN_TABLE", {})
    known = dict(interned)
    monitor.attach()
    try:
        _recompile()
    except Exception as error:
        # Whatever keeps torch.compile from working here belongs in the answer.
        return f"torch.compile failed: {type(error).__name__}: {error}"
    finally:
        monitor.detach()
        trace.handlers = handlers
        interned.clear()
        interned.update(known)
        torch._dynamo.reset()
    if any(isinstance(event, Recompile) and event.reasons for event in events):
        return None
    if logging.root.manager.disable >= logging.DEBUG and not trace.isEnabledFor(logging.DEBUG):
        return f"logging.disable() silences the trace of torch {torch.__version__}; 2.13 and later are immune to it"
    errors = f", {monitor.errors} records could not be read" if monitor.errors else ""
    return f"torch {torch.__version__} told no reason for a recompile ({len(events)} events{errors})"


def _recompile() -> None:
    def double(x: torch.Tensor) -> torch.Tensor:
        return x + x

    compiled = torch.compile(double, backend="eager", dynamic=False)
    for size in (2, 3):
        compiled(torch.zeros(size))
