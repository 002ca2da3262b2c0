"""Short hands for compile events of one run, folded; times in milliseconds from 0."""

from __future__ import annotations

from typing import Any

from profiler import events as ev
from profiler.analysis import triggers
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import Occurrence
from profiler.request import Leg, Request
from tests.analysis.events import MS, call, fold, frame, request, with_legs

UNET = {
    "module": "UNet2DConditionModel",
    "fqn": "unet",
    "function": "wrapper",
    "file": "/site/peft_utils.py",
    "line": 300,
}
BLOCK = {
    "module": "BasicTransformerBlock",
    "fqn": "unet.down_blocks.0.attentions.0.transformer_blocks.0",
    "function": "forward",
    "file": "/site/attention.py",
    "line": 960,
}
CONTROLNET = {**UNET, "module": "ControlNetModel", "fqn": "controlnet"}
LEAF = {"function": "inner", "file": "/site/torch/_dynamo/external_utils.py", "line": 67}


def compiled(
    identifier: str,
    begins: float,
    call: int | None = 0,
    *reasons: str,
    code: dict[str, Any] = UNET,
    step: int | None = 0,
    loop: int | None = 0,
    ms: float | None = 100.0,
    dynamic: list[tuple[str, int | None, str, str]] = [],  # noqa: B006 - never changed
    matched: int = 0,
    phases: dict[str, float] | None = None,
    end: dict[str, Any] | None = None,
    **seen: Any,
) -> list[ev.Event]:
    """The events of one compile from its failed guards (``reasons``) to its end after ``ms`` (None: it runs on)."""
    where: dict[str, Any] = {"id": identifier, "call": call, "stage": "denoise", "loop": loop, "step": step}
    t = int(begins * MS)
    found: list[ev.Event] = []
    if reasons:
        told = ev.Recompile(
            t=t, **where, **code, reasons=list(reasons), total_reasons=len(reasons), matched=matched, **seen
        )
        found.append(told)
    started = ev.CompileStarted(t=t, **where, **code, caller="/app/mine.py:7 in go", recompile=bool(reasons))
    found.append(started)
    found += [
        ev.DynamicMark(t=t, **where, name=name, dim=dim, why="size change", cached=cached, new=new)
        for name, dim, cached, new in dynamic
    ]
    if ms is not None:
        ended = ev.CompileEnded(t=t + int(ms * MS), **where, start_ns=t, ns=int(ms * MS), **(end or {}))
        ended.phases = {phase: int(took * MS) for phase, took in (phases or {}).items()}
        found.append(ended)
    return found


def refused(
    identifier: str, at: float, call: int, *reasons: str, code: dict[str, Any] = UNET, limit: int = 8, **fields: Any
) -> list[ev.Event]:
    """A recompile that the limit refused."""
    where: dict[str, Any] = {"id": identifier, "call": call, "stage": "denoise", "loop": 0, "step": 0}
    names = {name: code[name] for name in ("module", "fqn", "function")}
    t = int(at * MS)
    return [
        ev.Recompile(t=t, **where, **code, reasons=list(reasons), total_reasons=len(reasons)),
        ev.CompileLimit(t=t, **where, **names, limit=limit, why="recompile limit", **fields),
    ]


def asked(*legs: Leg, **options: Any) -> Request:
    """A request of one case; ``legs`` are its scenario's."""
    given = request(**{"variants": ["compile"], "height": 64, "width": 64, **options})
    return with_legs(given, list(legs)) if legs else given


def folded(given: Request, *logs: list[ev.Event], versions: dict[str, str] | None = None) -> SessionState:
    """A session whose first run has these records."""
    start = [*frame(), ev.Environment(versions=versions or {"torch": "2.13.0"})]
    events = [*start, *(event for log in logs for event in log)]
    return fold(given, {given.runs[0].name: events}).state


def run_of(session: SessionState) -> RunState:
    return next(iter(session.runs.values()))


def last(given: Request, *logs: list[ev.Event], **options: Any) -> Occurrence:
    """What is said of the last event."""
    return triggers.occurrences(folded(given, *logs, **options))[-1]


def two_calls(legs: tuple[str, str] = ("a", "b"), steps: int = 4) -> list[ev.Event]:
    """Two measured calls of two legs: from 0 and 1000 ms, each first step of 100 ms and more of 10."""
    return [
        *call(0, "measure", 0, [100.0] + [10.0] * steps, leg=legs[0]),
        *call(1, "measure", 1000, [100.0] + [10.0] * steps, leg=legs[1]),
    ]


def legs(*changes: dict[str, Any]) -> tuple[Leg, ...]:
    return tuple(Leg(name="ab"[number], changes=change) for number, change in enumerate(changes))
