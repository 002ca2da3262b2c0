"""Energy for each image is a difference of the device's counter over the measured calls, or a reason why not."""

from __future__ import annotations

from typing import Any

import pytest

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.analysis.figures import RunFigures, run_figures
from tests.analysis import gpu
from tests.analysis.events import call, fold, request


def figures(calls: int = 3, change: gpu.Change | None = None, **options: Any) -> RunFigures:
    return run_figures(*gpu.session(calls, change, **options))


def test_joules_are_the_counters_difference_over_a_call_for_each_image() -> None:
    found = figures()  # 400 W, calls of 1 s, one image each
    assert found.joules_per_image == pytest.approx(400.0)
    assert found.images_per_joule == pytest.approx(1 / 400)
    assert found.energy_error == pytest.approx(0.0)
    assert found.energy_reason is None


def test_the_counter_between_two_samples_is_interpolated_and_the_error_said() -> None:
    worker = [*gpu.log(0), *call(0, "measure", 3050, [500.0, 500.0], images=2)]
    found = figures(3, worker=worker)
    assert found.joules_per_image == pytest.approx(200.0)
    assert found.energy_error == pytest.approx(0.1)  # 50 ms at both ends of 1 s


def test_calls_shorter_than_a_second_are_taken_together() -> None:
    worker = [*gpu.log(0)]
    for index in range(20):
        worker += call(index, "measure", 3000 + 100 * index, [45.0, 50.0])
    found = figures(3, worker=worker)
    # From the first call's start to the last one's end: 1.995 s.
    assert found.joules_per_image == pytest.approx(400 * 1.995 / 20)
    assert found.energy_error is not None and found.energy_error < 0.01


def test_calls_too_short_even_together_give_a_reason() -> None:
    worker = [*gpu.log(0)]
    for index in range(5):
        worker += call(index, "measure", 3000 + 100 * index, [45.0, 50.0])
    found = figures(3, worker=worker)
    assert (found.joules_per_image, found.images_per_joule, found.energy_error) == (None, None, None)
    assert found.energy_reason == "0.49 s of measured calls are too short for 10 samples a second"


def test_a_call_with_a_compile_takes_no_part() -> None:
    worker = gpu.log(4)
    worker.append(ev.CompileStarted(t=5 * gpu.SECOND, id="0/0", call=1, step=0))
    found = figures(4, lambda number, t: {"energy_mj": round(1e6 + t * 4e5 + (1e7 if t > 5.5 else 0))}, worker=worker)
    assert found.joules_per_image == pytest.approx(400.0)


def test_a_counter_that_was_set_back_gives_no_figure_for_its_call() -> None:
    def change(_: int, t: float) -> dict[str, Any]:
        return {"energy_mj": round((t if t < 5.5 else t - 5.5) * 400_000)}

    assert figures(3, change).joules_per_image == pytest.approx(400.0), "the other two calls have it"
    found = figures(1, lambda _, t: {"energy_mj": round((10 - t) * 400_000)})
    assert found.joules_per_image is None
    assert found.energy_reason == "samples are missing, or the counter was set back"


def test_a_counter_that_stands_still_is_none() -> None:
    assert figures(3, lambda *_: {"energy_mj": 7}).joules_per_image is None


def test_missing_samples_give_no_figure() -> None:
    found = figures(3, without=lambda t: t > 2.5)
    assert (found.joules_per_image, found.energy_reason) == (None, "samples are missing, or the counter was set back")
    most = figures(3, without=lambda t: 4.6 < t < 5.4)
    assert most.joules_per_image == pytest.approx(400.0)


def test_a_device_without_the_counter_says_so() -> None:
    gone = ev.GpuField(t=4, field="energy_mj", reason="Not Supported")
    found = figures(3, lambda *_: {"energy_mj": None}, more=(gone,))
    assert found.energy_reason == "NVML gives no energy counter: Not Supported"


def test_on_a_cpu_there_is_nothing_to_say() -> None:
    found = figures(3, worker=gpu.log(3, device="cpu"), without=lambda _: True)
    assert (found.joules_per_image, found.energy_reason) == (None, None)


def test_a_case_has_the_median_run() -> None:
    state, _ = gpu.session()
    (case,) = case_figures(state)
    assert case.joules_per_image == pytest.approx(400.0)
    assert case.images_per_joule == pytest.approx(1 / 400)
    assert case.energy_reason is None


def test_the_case_has_no_energy_by_the_one_run_of_three_that_was_slow_enough_for_it() -> None:
    given = request(variants=["no-compile"], repeats=3)
    logs: dict[str, list[ev.Event]] = {}
    for number, run in enumerate(given.runs):
        step_ms = 500.0 if number == 0 else 100.0
        logs[run.name] = [
            *gpu.log(0),
            *call(0, "measure", 3000, [step_ms] * 2),
            *call(1, "measure", 3000 + 2 * step_ms, [step_ms]),
        ]
    samples = [gpu.sample(tenth / 10) for tenth in range(10, 100)]
    state = fold(given, logs, [ev.Header(t=1, writer="conductor"), *samples]).state
    assert sum(run_figures(state, run).joules_per_image is not None for run in state.runs.values()) == 1
    (case,) = case_figures(state)
    assert (case.joules_per_image, case.images_per_joule, case.energy_error) == (None, None, None)
    assert case.energy_reason is not None and "too short" in case.energy_reason
