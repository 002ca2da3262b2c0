"""Who waits for whom, in one sentence with its share, and said where the cross-check disagrees."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.boundness import Bound, Shares, bound
from profiler.analysis.cases import case_figures
from profiler.analysis.figures import RunFigures, run_figures
from tests.analysis.events import MS, call, fold, frame, request


@pytest.mark.parametrize(
    ("host_bound", "enqueue", "word", "said"),
    [
        (0.83, 0.97, "host", "the GPU waited for Python in 83% of steps: CUDA graphs or a larger batch will help"),
        (0.83, None, "host", "CUDA graphs or a larger batch will help"),
        (0.83, 0.5, "unsure", "launching the denoiser takes only 50% of a step: the two disagree"),
        (0.03, 0.2, "device", "so Python keeps ahead: faster kernels help, fewer launches will not"),
        (0.03, 0.95, "unsure", "launching the denoiser takes 95% of a step: the two disagree"),
        (0.5, 0.95, "mixed", "the two are about even"),
        (0.5, 0.2, "mixed", "the two are about even"),
    ],
)
def test_what_the_shares_mean(host_bound: float, enqueue: float | None, word: str, said: str) -> None:
    found = bound(Shares(host_bound, enqueue, 0.1, 0.02), cuda_graphs=False)
    assert found.word == word
    assert found.means is not None and said in found.means


def test_cuda_graphs_are_no_advice_to_who_has_them() -> None:
    found = bound(Shares(0.9, 0.95), cuda_graphs=True)
    assert found.means == "the GPU waited for Python in 90% of steps: a larger batch will help"


def test_a_scheduler_that_holds_python_is_told() -> None:
    found = bound(Shares(0.9, 0.95, 12.0, 0.3), cuda_graphs=False)
    assert found.means is not None
    assert found.means.endswith("; scheduler.step holds Python for 30% of the loop, its waits for the GPU included")


def test_a_cpu_is_its_own_device() -> None:
    assert bound(Shares(None, None, 1.0, 0.9), cuda_graphs=False) == Bound(None, None)


Shape = tuple[float, float, float, bool | None]


def _shaped(step: ev.Step, shape: Shape) -> ev.Step:
    _, launch, scheduler, answer = shape
    return replace(step, enqueue_ns=int(launch * MS), scheduler_ns=int(scheduler * MS), host_bound=answer)


def figures(shape: list[Shape], **more: ev.Event) -> RunFigures:
    """Of a run with three calls whose steps take so many ms, launch for so many, and wait in the scheduler."""
    given = request(variants=["no-compile"], repeats=1)
    name = given.runs[0].name
    log = frame()
    for index in range(3):
        events = call(index, "measure", 1000 * (index + 1), [ms for ms, *_ in shape])
        steps = iter(shape)
        log += [_shaped(event, next(steps)) if isinstance(event, ev.Step) else event for event in events]
    log += more.values()
    state = fold(given, {name: log}).state
    (case,) = case_figures(state)
    found = run_figures(state, state.runs[name])
    assert (case.bound, case.bound_means, case.enqueue_share) == (found.bound, found.bound_means, found.enqueue_share)
    assert (case.scheduler_ms, case.scheduler_share) == (found.scheduler_ms, found.scheduler_share)
    return found


def test_shares_are_of_the_headlines_steps() -> None:
    found = figures([(10.0, 9.5, 0.2, True), (10.0, 9.5, 0.4, True), (20.0, 9.5, 0.6, False)])
    assert found.host_bound_share == pytest.approx(2 / 3)
    assert found.enqueue_share == pytest.approx(0.95)
    assert found.scheduler_ms == pytest.approx(0.4)
    assert found.scheduler_share == pytest.approx(1.2 / 40)
    assert found.bound == "mixed"


def test_a_graph_that_was_recorded_changes_the_advice() -> None:
    steps = [(10.0, 9.5, 0.2, True)] * 4
    assert "CUDA graphs" in (figures(steps).bound_means or "")
    recorded = figures(steps, graph=ev.CudaGraph(id="0/0", call=9, step=0, action="record", ns=MS))
    assert "CUDA graphs" not in (recorded.bound_means or "")


def test_on_a_cpu_the_schedulers_time_is_told_and_nobody_waits() -> None:
    found = figures([(10.0, 9.0, 1.0, None)] * 4)
    assert (found.host_bound_share, found.enqueue_share, found.bound, found.bound_means) == (None, None, None, None)
    assert (found.scheduler_ms, found.scheduler_share) == (pytest.approx(1.0), pytest.approx(0.1))


def test_a_device_with_a_full_queue_is_no_doubt() -> None:
    """Launching takes all of the time because there is no room for more: the device is steps behind."""
    found = bound(Shares(0.0, 0.98, behind=0.4), cuda_graphs=False)
    assert found.word == "device"
    assert found.means is not None and "until the launch queue is full" in found.means
    assert bound(Shares(0.0, 0.98, behind=0.01), cuda_graphs=False).word == "unsure"
