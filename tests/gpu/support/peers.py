"""Other programs' word on the same steps: torch.utils.benchmark on the denoiser alone, and torch.profiler's trace."""

from __future__ import annotations

import functools
import itertools
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils import benchmark

from profiler.events import Event, Step
from profiler.worker.measure import Measurement

LIMIT = 0.02
MARK = "scheduler.step"
_CATEGORIES = {"cuda": "gpu_user_annotation", "cpu": "user_annotation"}
"""Where Kineto's trace has a marked stretch: from its first kernel's start to its last one's end on the device, or from
its entry to its return on the host.
"""


class Agreement(NamedTuple):
    """Milliseconds of the median step."""

    ours: float
    theirs: float

    @property
    def error(self) -> float:
        return abs(self.ours / self.theirs - 1)

    def __str__(self) -> str:
        return f"{self.ours:.3f} ms, the peer says {self.theirs:.3f} ms: {self.error:.2%} apart"


def steps_of(events: Sequence[Event]) -> list[int]:
    """The nanoseconds of each step of the last call."""
    steps = [event for event in events if isinstance(event, Step)]
    return [step.ns for step in steps if step.call == steps[-1].call]


# --- torch.utils.benchmark --------------------------------------------------------------------------------------------


def by_benchmark(
    measurement: Measurement,
    events: list[Event],
    module: torch.nn.Module,
    *,
    timer: Callable[[], float] | None = None,
    seconds: float = 3.0,
) -> Agreement:
    """Steps of a call against the denoiser alone with what that call gave it last, as diffusers' benchmarks time it.

    The two agree where a step is hardly more than the denoiser: without guidance, and the device setting the pace.
    ``events`` is what the measurement's sink fills. ``timer``: seconds; None: torch's own, which synchronises.
    """
    given: list[tuple[Any, Any]] = []
    forward = module.forward

    @functools.wraps(forward)
    def listening(*arguments: Any, **options: Any) -> Any:
        given[:] = [(arguments, options)]
        return forward(*arguments, **options)

    module.forward = listening  # type: ignore[method-assign]
    try:
        measurement.call("warmup")
    finally:
        module.forward = forward  # type: ignore[method-assign]
    measurement.call("measure")
    [(arguments, options)] = given
    timed = benchmark.Timer(
        stmt="module(*arguments, **options)",
        globals={"module": module, "arguments": arguments, "options": options},
        num_threads=torch.get_num_threads(),
        **({} if timer is None else {"timer": timer}),
    )
    with torch.no_grad():
        found = timed.blocked_autorange(min_run_time=seconds)
    return Agreement(statistics.median(steps_of(events)) / 1e6, found.median * 1e3)


# --- torch.profiler ---------------------------------------------------------------------------------------------------


def by_profiler(measurement: Measurement, events: list[Event], scheduler: Any, kind: str, file: Path) -> Agreement:
    """Steps of one call, by the hooks and by torch's profiler, which watches the very same call.

    ``kind``: "cuda" or "cpu"; ``file``: where the profiler's trace goes.
    """
    step = scheduler.step

    @functools.wraps(step)
    def marked(*arguments: Any, **options: Any) -> Any:
        with record_function(MARK):
            return step(*arguments, **options)

    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if kind == "cuda" else [])
    measurement.call("warmup")
    scheduler.step = marked
    try:
        with profile(activities=activities) as profiler:
            measurement.call("measure")
    finally:
        del scheduler.step
    profiler.export_chrome_trace(str(file))
    return against_trace(steps_of(events), json.loads(file.read_text())["traceEvents"], kind)


def against_trace(steps: Sequence[int], trace: Sequence[dict[str, Any]], kind: str) -> Agreement:
    """``steps`` in nanoseconds against the ends of the marked stretches in a trace, whose times are microseconds.

    The first step has no end before it, and is left out. So are others at the beginning, where the trace lacks them:
    torch's profiler drops what seems to lie before its own start, as far as the two clocks are apart (pytorch#192021).
    Raises ValueError where it hasn't three quarters of them, or more than there are.
    """
    ends = sorted(
        float(event["ts"]) + float(event["dur"])
        for event in trace
        if event.get("name") == MARK and event.get("cat") == _CATEGORIES[kind]
    )
    if not 0.75 * len(steps) <= len(ends) <= len(steps):
        kinds = sorted({str(event.get("cat")) for event in trace})
        raise ValueError(f"the trace has {len(ends)} of {len(steps)} steps (it has {', '.join(kinds)})")
    theirs = [later - earlier for earlier, later in itertools.pairwise(ends)]
    return Agreement(statistics.median(steps[-len(theirs) :]) / 1e6, statistics.median(theirs) / 1e3)
