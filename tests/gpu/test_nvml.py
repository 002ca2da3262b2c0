"""NVML and torch's allocator on the GPU: the right device, the right bytes, ten looks a second while it is busy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from profiler.analysis.state import RunState, SessionState
from profiler.conductor import nvml
from profiler.worker import device
from profiler.worker.memory import CudaMemory
from tests.gpu.support import conducting, watching

pytestmark = pytest.mark.gpu

DEVICE = "cuda:0"


def allocate(size: int) -> torch.Tensor:
    return torch.ones(size, dtype=torch.uint8, device=DEVICE)


@pytest.fixture(scope="module")
def saturated(tmp_path_factory: pytest.TempPathFactory) -> tuple[SessionState, RunState]:
    """A real session whose calls keep the GPU busy for seconds each."""
    home = tmp_path_factory.mktemp("saturated")
    state = conducting.conduct(home, conducting.asked("saturating", calls=3), DEVICE)
    [run] = state.runs.values()
    assert run.outcome == "ok", conducting.told(state)
    return state, run


def test_the_device_is_found_by_uuid_and_by_address() -> None:
    for index in range(torch.cuda.device_count()):
        properties = device.cuda_properties(f"cuda:{index}")
        assert watching.wrong_mapping(properties, nvml.load()) == []


def test_memory_that_is_taken_shows_on_this_device_and_no_other() -> None:
    """The UUID's handle is the device that computes: what is allocated there shows there."""
    library = nvml.load()
    own = nvml.Device(library, device.nvml_uuid(device.cuda_properties(DEVICE)), None)
    allocate(1)  # the context, some hundred MB of it, is there before anybody looks
    torch.cuda.empty_cache()
    info: Callable[[], tuple[int, int]] = lambda: torch.cuda.mem_get_info(DEVICE)  # noqa: E731
    assert watching.wrong_nvml_memory(own, info, allocate) == []


def test_the_allocators_figures_are_torchs() -> None:
    allocate(1)
    torch.cuda.empty_cache()
    assert watching.wrong_allocator_figures(CudaMemory(0), torch.cuda, 0, allocate) == []


def test_samples_are_of_the_device_that_computes(saturated: tuple[SessionState, RunState]) -> None:
    assert watching.wrong_device(*saturated) == []


def test_ten_samples_a_second_come_while_the_gpu_is_saturated(saturated: tuple[SessionState, RunState]) -> None:
    state, run = saturated
    busy = watching.during_calls(state, run, "utilization")
    assert watching.idle_share(busy) < 0.2, "the load did not keep the GPU busy: the cadence was not tested"
    seconds = sum((call.ns or 0) / 1e9 for call in run.calls_of("measure"))
    assert seconds > 6
    found = watching.cadence(state, run)
    assert watching.wrong_cadence(found, seconds) == [], found


def test_the_series_of_the_sm_clock(saturated: tuple[SessionState, RunState]) -> None:
    assert watching.wrong_clocks(*saturated) == []


def test_a_runs_memory_figures_fit_each_other(saturated: tuple[SessionState, RunState]) -> None:
    assert watching.wrong_memory(*saturated) == []


def test_a_load_that_saturates_is_told_as_device_bound(saturated: tuple[SessionState, RunState]) -> None:
    state, run = saturated
    found = watching.run_figures(state, run)
    assert found.bound == "device", found.bound_means


def test_what_the_worker_left_behind_is_nothing(saturated: tuple[SessionState, RunState]) -> None:
    """Its process is gone, and with it its context: NVML lists nobody of the run."""
    _, run = saturated
    own = nvml.Device(nvml.load(), device.nvml_uuid(device.cuda_properties(DEVICE)), None)
    assert run.pid not in {process.pid for process in own.processes()}
