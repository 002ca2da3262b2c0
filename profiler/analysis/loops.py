"""Measured calls and their denoising loops: which calls figures are over, and what the loops of those calls say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeGuard

import msgspec

from profiler.analysis.state import Call, RunState
from profiler.analysis.statistics import median, summarize

MIN_CLEAN_CALLS = 3
"""With fewer clean calls, or fewer than half, figures are over all measured calls and say so."""

Source = tuple[RunState, list[Call]]
"""A run and those of its calls that figures are over."""


class StepFigures(msgspec.Struct, frozen=True):
    """Latency of the scheduler steps over the headline's calls."""

    n: int
    median_ms: float
    iqr_ms: float | None
    p95_ms: float | None
    p99_ms: float | None = None
    outliers: int | None = None  # marked, and in all of these figures


class LoopFigures(msgspec.Struct, frozen=True):
    """One denoising loop of a call; ``iterations`` and ``evaluations`` are of one call."""

    name: str
    denoisers: list[str]
    iterations: int
    evaluations: int
    n: int  # steps that the latencies are over
    median_ms: float | None
    iqr_ms: float | None
    p95_ms: float | None
    iterations_per_second: float | None
    p99_ms: float | None = None
    outliers: int | None = None  # steps that lie far out: marked, and in all of these figures


def headline(measured: list[Call]) -> tuple[list[Call], bool]:
    """Those of ``measured`` that figures are over, and whether calls that aren't clean had to be taken in."""
    clean = [call for call in measured if is_clean(call)]
    if len(clean) == len(measured) or (len(clean) >= MIN_CLEAN_CALLS and len(clean) * 2 >= len(measured)):
        return clean, False
    return measured, True


def is_clean(call: Call) -> bool:
    """Nothing was compiled or recorded in the call and the allocator did not have to start over."""
    return call.compiles == 0 and call.recordings == 0 and not call.retries


def step_milliseconds(run: RunState, calls: Iterable[Call], loop: int) -> list[float]:
    """Durations in ms of the steps that loop number ``loop`` of ``calls`` made."""
    found: list[float] = []
    for call in calls:
        if call.first_step < 0:
            continue
        # A worker writes its calls one after the other, so a call's rows are consecutive.
        start, stop = call.first_step, call.first_step + call.steps
        durations = run.steps.column("ns", start, stop)
        if set(call.loops) == {loop}:
            found.extend(ns / 1e6 for ns in durations)
        else:
            loops = run.steps.column("loop", start, stop)
            found.extend(ns / 1e6 for ns, of in zip(durations, loops, strict=True) if of == loop)
    return found


def denoise_seconds(call: Call) -> float | None:
    """Time in all denoising loops of a call, in seconds; None where not each of them is known.

    The end of a loop may be missing in a damaged log: what the others took is no time of a whole call.
    """
    times = [loop.ns for loop in call.loops.values() if _positive(loop.ns)]
    return sum(times) / 1e9 if times and len(times) == len(call.loops) else None


def loop_figures(sources: Sequence[Source]) -> list[LoopFigures]:
    """The figures of each loop over all calls of ``sources``.

    Latencies are over every step; iterations per second are each run's median call, and of those the median.
    """
    found: list[LoopFigures] = []
    for index in sorted({index for _, calls in sources for call in calls for index in call.loops}):
        timed = [[call.loops[index] for call in calls if _timed(call, index)] for _, calls in sources]
        last = next((loops[-1] for loops in reversed(timed) if loops), None)
        if last is None:
            continue
        steps = summarize([ms for run, calls in sources for ms in step_milliseconds(run, _with(calls, index), index)])
        rates = [median([loop.iterations / (loop.ns / 1e9) for loop in loops if _positive(loop.ns)]) for loops in timed]
        found.append(
            LoopFigures(
                name=last.name,
                denoisers=list(last.denoisers),
                iterations=last.iterations,
                evaluations=last.evaluations,
                n=steps.n if steps else 0,
                median_ms=steps.median if steps else None,
                iqr_ms=steps.iqr if steps else None,
                p95_ms=steps.p95 if steps else None,
                iterations_per_second=median([rate for rate in rates if rate is not None]),
                p99_ms=steps.p99 if steps else None,
                outliers=steps.outliers if steps else None,
            )
        )
    return found


def step_figures(loops: Sequence[LoopFigures]) -> StepFigures | None:
    """The only loop's latencies; None with several loops, whose steps have nothing in common."""
    if len(loops) != 1 or loops[0].median_ms is None:
        return None
    only = loops[0]
    return StepFigures(only.n, loops[0].median_ms, only.iqr_ms, only.p95_ms, only.p99_ms, only.outliers)


def only_rate(loops: Sequence[LoopFigures]) -> float | None:
    """The only loop's iterations per second; None with several loops."""
    return loops[0].iterations_per_second if len(loops) == 1 else None


def seconds_per_image(calls: Iterable[Call]) -> float | None:
    """Wall time of a call for each of its images, in seconds: the median call."""
    return median([call.ns / 1e9 / max(call.images, 1) for call in calls if _positive(call.ns)])


def _positive(ns: int | None) -> TypeGuard[int]:
    """Whether something took that long: only damaged logs have durations of 0 or less."""
    return ns is not None and ns > 0


def _timed(call: Call, index: int) -> bool:
    return index in call.loops and _positive(call.loops[index].ns)


def _with(calls: list[Call], index: int) -> list[Call]:
    return [call for call in calls if index in call.loops]
