"""What disturbed the measured calls of runs: one line each, with figures. It is flagged, and vetoes nothing.

A compile, a CUDA graph that was recorded or an allocation retry leave a call out of the headline (``loops.is_clean``);
everything else only marks it. What is worth knowing and no reason to doubt a figure, as a power cap, is a remark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from profiler.analysis import gpuload, hostload
from profiler.analysis.samples import CallSamples, call_samples, others_at_first
from profiler.analysis.state import Call, RunState, SessionState

CALL_FLAGS = {
    "compile": "something was compiled in it",
    "recording": "a CUDA graph was recorded in it",
    "retry": "the allocator had to flush its cache and start over",
    "slowdown": "the GPU slowed down: hardware or heat",
    "low clock": f"the SM clock was under {gpuload.LOW_CLOCK:.0%} of the device's highest",
    "foreign": "another process came to the GPU, left it or computed on it",
    "host": "the host's cores were busy with something else",
    "gc": "Python's garbage collector went over all objects",
    "gap": "NVML was not heard of for long",
}
"""What ``CallFigures.flags`` holds, in this order, and what each means."""


_UNCLEAN = {"compile": "a compile", "recording": "a CUDA graph recorded", "retry": "an allocation retry"}


class Disturbances(NamedTuple):
    """Lines for people."""

    flags: list[str]
    remarks: list[str]


@dataclass(slots=True)
class Touched:
    """A measured call with what is known of its surroundings; ``words`` are of CALL_FLAGS."""

    run: RunState
    call: Call
    samples: CallSamples
    host: hostload.HostShare
    words: list[str] = field(default_factory=list)


def touched(session: SessionState, run: RunState) -> list[Touched]:
    """The measured calls of ``run`` that ended, in order."""
    found = [
        Touched(run, call, call_samples(session, run, call), hostload.share(run, call))
        for call in run.calls_of("measure")
    ]
    before = others_at_first(session, run)
    highest = gpuload.highest_clock(session, run)
    slowing = gpuload.slowing([one.samples for one in found])
    tests: dict[str, Callable[[Touched], bool]] = {
        "compile": lambda one: one.call.compiles > 0,
        "recording": lambda one: one.call.recordings > 0,
        "retry": lambda one: bool(one.call.retries),
        "slowdown": lambda one: any(bit in slowing for bit in one.samples.reasons),
        "low clock": lambda one: gpuload.is_low(one.samples.sm_mhz, highest),
        "foreign": lambda one: gpuload.is_foreign(one.samples, before),
        "host": lambda one: one.host.busy,
        "gc": lambda one: bool(one.call.collections),
        "gap": lambda one: gpuload.is_gap(session, run, one.samples),
    }
    for one in found:
        one.words = [word for word in CALL_FLAGS if tests[word](one)]
    return found


def disturbances(session: SessionState, runs: Sequence[RunState]) -> Disturbances:
    """Of the measured calls of ``runs`` of one case (or of a single one), pooled."""
    by_run = [touched(session, run) for run in runs]
    calls = [one for each in by_run for one in each]
    if not calls:
        return Disturbances([], [])
    with_word = {word: [one for one in calls if word in one.words] for word in CALL_FLAGS}
    flags: list[str] = []
    for word, what in _UNCLEAN.items():
        count = len(with_word[word])
        if count:
            flags.append(f"{count} measured call{'s' * (count > 1)} with {what}")
    samples = [one.samples for one in calls]
    seen = {word: [one.samples for one in found] for word, found in with_word.items()}
    number = len(calls)
    flags += gpuload.slowdown_line(seen["slowdown"], number)
    flags += gpuload.low_clock_line(seen["low clock"], number, session.device)
    # What later legs of a scenario do may well need other clocks.
    alike = [[one.samples for one in each if one.call.leg == each[0].call.leg] for each in by_run]
    for like in alike:
        flags += gpuload.drift_line(like)
    flags += gpuload.spread_line(alike)
    flags += gpuload.foreign_line(seen["foreign"], number)
    flags += hostload.busy_line([one.host for one in with_word["host"]], number)
    flags += _collected([one.call for one in with_word["gc"]], number)
    flags += gpuload.gap_line(seen["gap"], number)
    remarks = gpuload.remarks(session, runs, samples)
    return Disturbances(list(dict.fromkeys(flags)), remarks)


def _collected(calls: list[Call], of: int) -> list[str]:
    if not calls:
        return []
    return [f"Python's garbage collector went over all objects in {len(calls)} of {of} measured calls"]
