"""Who waits for whom: does the GPU wait for Python, or Python for the GPU? And what would help then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from profiler.analysis.columns import known
from profiler.analysis.state import Call, RunState
from profiler.analysis.statistics import median

HOST, DEVICE, MIXED, UNSURE = "host", "device", "mixed", "unsure"
MOSTLY = 0.8
"""A share of steps from which on one word stands for all; under 1 - MOSTLY the other one does."""
ENQUEUED = 0.9
"""Host time to launch the denoiser / device time: from here on launching sets the pace (the cross-check)."""
BEHIND = 0.05
"""Of a step that the device lags behind Python when a step ends: from here on there is a queue, and not one kernel.
About a thousand launches can be pending (CUDA documents no number), then launching waits for room: a third of a step of
three thousand.
"""
SCHEDULER = 0.1
"""From this share of a loop on, what the scheduler's own ``step`` takes of the host is worth a word."""


class Shares(NamedTuple):
    """Over the steps of some calls; None: not measured. The first two are None on a CPU, which is its own device."""

    host_bound: float | None = None  # of the steps: the device had run dry when scheduler.step was entered
    enqueue: float | None = None  # host time inside the denoisers' calls / device time of the step, the median
    scheduler_ms: float | None = None  # host time inside scheduler.step, waits included, the median
    scheduler: float | None = None  # the same over the loops' host time
    behind: float | None = None  # how far the device lags behind Python at a step's end, in steps: the median


def shares(run: RunState, calls: Iterable[Call]) -> Shares:
    """Of the steps of ``calls``."""
    answers: list[int] = []
    launched: list[float] = []
    behind: list[float] = []
    waits: list[int] = []
    host_ns = 0
    for call in calls:
        if call.first_step < 0:
            continue
        start, stop = call.first_step, call.first_step + call.steps
        told = known(run.steps.column("host_bound", start, stop))
        answers += told
        waits += run.steps.column("scheduler_ns", start, stop)
        host_ns += sum(run.steps.column("host_ns", start, stop))
        if told:
            pairs = zip(run.steps.column("enqueue_ns", start, stop), run.steps.column("ns", start, stop), strict=True)
            launched += [enqueue / ns for enqueue, ns in pairs if ns > 0]
            behind += _behind(run, start, stop)
    middle = median(waits)
    return Shares(
        sum(answers) / len(answers) if answers else None,
        median(launched),
        None if middle is None else middle / 1e6,
        sum(waits) / host_ns if host_ns > 0 else None,
        median(behind),
    )


def _behind(run: RunState, start: int, stop: int) -> list[float]:
    """At the end of each step in the rows, how far the device lags behind the host, as a share of the step.

    Both clocks begin at the loop's first boundary: how far behind the device was by then isn't known.
    """
    columns = [run.steps.column(name, start, stop) for name in ("loop", "ns", "host_ns")]
    found, lag, current = [], 0, -1
    for loop, ns, host_ns in zip(*columns, strict=True):
        if loop != current:
            lag, current = 0, loop
        lag += ns - host_ns
        if ns > 0:
            found.append(lag / ns)
    return found


class Bound(NamedTuple):
    """``word`` is HOST, DEVICE, MIXED or UNSURE; both None where there is nothing to say."""

    word: str | None = None
    means: str | None = None  # one sentence, without its full stop


def bound(found: Shares, *, cuda_graphs: bool) -> Bound:
    """What ``found`` means. ``cuda_graphs``: they are in use already, so they are no advice."""
    share, launch = found.host_bound, found.enqueue
    if share is None:
        return Bound()
    waited = f"the GPU waited for Python in {share:.0%} of steps"
    advice = "a larger batch" if cuda_graphs else "CUDA graphs or a larger batch"
    if share >= MOSTLY and launch is not None and launch < ENQUEUED:
        word = UNSURE
        means = (
            f"{waited}, yet launching the denoiser takes only {launch:.0%} of a step: the two disagree, and Python's"
            " time outside the denoiser may be what the GPU waits for"
        )
    elif share <= 1 - MOSTLY and launch is not None and launch >= ENQUEUED and (found.behind or 0.0) < BEHIND:
        word = UNSURE
        means = (
            f"{waited}, yet launching the denoiser takes {launch:.0%} of a step: the two disagree; they may be about"
            " even, the GPU hardly ever more than a kernel behind"
        )
    elif share >= MOSTLY:
        word, means = HOST, f"{waited}: {advice} will help"
    elif share <= 1 - MOSTLY:
        full = launch is not None and launch >= ENQUEUED
        ahead = "Python keeps ahead" + (" until the launch queue is full" if full else "")
        word, means = DEVICE, f"{waited}, so {ahead}: faster kernels help, fewer launches will not"
    else:
        word, means = MIXED, f"{waited}: the two are about even, and {advice} may help a little"
    if found.scheduler is not None and found.scheduler >= SCHEDULER:
        means += f"; scheduler.step holds Python for {found.scheduler:.0%} of the loop, its waits for the GPU included"
    return Bound(word, means)


def uses_cuda_graphs(run: RunState) -> bool:
    """Whether torch recorded any in the run."""
    return any(graph.action in ("record", "rerecord") for graph in run.cudagraphs)
