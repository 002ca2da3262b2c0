"""How runs end: what must be in their logs when memory runs out, a context is lost or CUDA graphs are overwritten."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.state import RunState, SessionState
from profiler.events import Event, OutOfMemory, RunEnded

OVERWRITTEN = "overwritten by a subsequent run"
"""What torch says of an output that a CUDA graph's next replay has replaced: blocks that are compiled one by one hand
their outputs on. RuntimeError: "accessing tensor output of CUDAGraphs that has been overwritten by a subsequent run".
"""


def wrong_out_of_memory(events: Sequence[Event], when: str) -> list[str]:
    """Of a run that asked for more than there is while it was at ``when``."""
    last = events[-1] if events else None
    if not isinstance(last, RunEnded):
        return ["there is no last word"]
    found: list[str] = []
    if last.outcome != "oom":
        found.append(f"it ended {last.outcome}: {last.reason}")
    if f"out of memory during {when}:" not in (last.reason or ""):
        found.append(f"the reason doesn't say when: {last.reason}")
    told = [event for event in events if isinstance(event, OutOfMemory)]
    if [event.when for event in told] != [when]:
        found.append(f"told as {[event.when for event in told]}, not {when}")
    return found + [f"{event.when}: {lack}" for event in told for lack in _lacking(event)]


def _lacking(event: OutOfMemory) -> list[str]:
    """What of the device's memory the event doesn't say, or says as can't be; on a CPU the size alone is known."""
    if not event.asked_bytes:
        return ["the size that was asked for is missing"]
    if event.total_bytes is None:
        return []
    figures = {"allocated": event.allocated_bytes, "reserved": event.reserved_bytes, "free": event.free_bytes}
    found = [f"{name} is missing" for name, value in figures.items() if value is None]
    return found + [
        f"{name}: {value} of {event.total_bytes} bytes"
        for name, value in figures.items()
        if value is not None and not 0 <= value <= event.total_bytes
    ]


def last_words(run: RunState) -> list[Event]:
    """What ``wrong_out_of_memory`` asks of, from a run that a session made."""
    return [event for event in (run.oom, run.end) if event is not None]


def wrong_poisoning(state: SessionState, poisoned: RunState, healthy: Sequence[RunState]) -> list[str]:
    """Of a session in which one run has lost its CUDA context in its second measured call."""
    found: list[str] = []
    if poisoned.outcome not in ("failed", "died"):
        found.append(f"{poisoned.name} ended {poisoned.outcome}")
    if "illegal" not in (poisoned.reason or ""):
        found.append(f"the reason says nothing of it: {poisoned.reason}")
    ended = len(poisoned.calls_of("measure"))
    if ended != 1:
        found.append(f"{ended} measured calls of it are kept, not the one before")
    found += [f"{run.name} ended {run.outcome}: {run.reason}" for run in healthy if run.outcome != "ok"]
    found += [f"{run.name} ran before it" for run in healthy if _before(run, poisoned)]
    return found if state.state == "done" else [*found, f"the session is {state.state}"]


def _before(run: RunState, other: RunState) -> bool:
    return run.started_ns is not None and other.started_ns is not None and run.started_ns < other.started_ns


def wrong_overwritten(run: RunState) -> list[str]:
    """Of a run in which the replay of one CUDA graph has overwritten what the next one is to read."""
    found: list[str] = []
    if run.outcome != "failed":
        found.append(f"it ended {run.outcome}: {run.reason}")
    if OVERWRITTEN not in (run.reason or ""):
        found.append(f"the reason isn't the known one: {run.reason}")
    if "\n" in (run.reason or ""):
        found.append("the reason is more than a line")
    return found
