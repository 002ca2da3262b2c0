"""The checks of NVML and of the allocator, on stand-ins: they pass on what is right, and say what is wrong."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from profiler import events as ev
from profiler.analysis.state import RunState, SessionState
from profiler.conductor import nvml
from profiler.worker.memory import CudaMemory
from tests.conductor.fake_nvml import OTHER, UUID, FakeNvml
from tests.gpu.support import watching
from tests.support import recorded

GIB, MIB = watching.GIB, watching.MIB


def properties(**changes: Any) -> Any:
    own = {"uuid": UUID, "name": "NVIDIA H200", "total_memory": 149 * GIB}
    return SimpleNamespace(**own | {"pci_domain_id": 0, "pci_bus_id": 4, "pci_device_id": 0} | changes)


def test_the_mapping() -> None:
    assert watching.wrong_mapping(properties(), FakeNvml()) == []


@pytest.mark.parametrize(
    ("changes", "script", "says"),
    [
        ({}, {"nvmlDeviceGetHandleByPciBusId": f"GPU-{OTHER}"}, "by its PCI address NVML finds GPU-"),
        ({"name": "NVIDIA A100"}, {}, "not a NVIDIA A100"),
        ({"total_memory": 80 * GIB}, {}, "150.0 GiB, not 80.0"),
        ({"uuid": None}, {}, "torch tells no UUID"),
        ({"uuid": OTHER.replace("2", "4")}, {}, "by its UUID: NVML does not find"),
    ],
)
def test_a_wrong_mapping(changes: dict[str, Any], script: dict[str, Any], says: str) -> None:
    fake = FakeNvml()
    fake.script |= script
    assert any(says in line for line in watching.wrong_mapping(properties(**changes), fake))


class Allocator:
    """``torch.cuda``'s counters over an allocator that takes blocks of 2 MiB and keeps what is freed."""

    def __init__(self) -> None:
        self.now, self.peak = Counter[str](), Counter[str]()

    def get_allocator_backend(self) -> str:
        return "native"

    def allocate(self, size: int) -> Block:
        return Block(self, size)

    def change(self, size: int) -> None:
        self.now["allocated"] += size
        self.now["reserved"] = max(self.now["reserved"], -(-self.now["allocated"] // (2 * MIB)) * 2 * MIB)
        self.peak |= self.now

    def empty_cache(self) -> None:
        self.now["reserved"] = 0
        self.change(0)

    def reset_peak_memory_stats(self, device: int) -> None:
        self.peak = Counter(self.now)

    def memory_stats(self, device: int) -> dict[str, int]:
        stats = {"num_alloc_retries": 0}
        for what in ("allocated", "reserved"):
            stats |= {f"{what}_bytes.all.current": self.now[what], f"{what}_bytes.all.peak": self.peak[what]}
        return stats

    def memory_allocated(self, device: int) -> int:
        return self.now["allocated"]

    def max_memory_allocated(self, device: int) -> int:
        return self.peak["allocated"]

    def memory_reserved(self, device: int) -> int:
        return self.now["reserved"]

    def max_memory_reserved(self, device: int) -> int:
        return self.peak["reserved"]


class Block:
    """Memory that is held as long as this is."""

    def __init__(self, allocator: Allocator, size: int) -> None:
        self.allocator, self.size = allocator, size
        allocator.change(size)

    def __del__(self) -> None:
        self.allocator.change(-self.size)


def test_the_allocators_figures() -> None:
    allocator = Allocator()
    held = allocator.allocate(5 * MIB)
    assert watching.wrong_allocator_figures(CudaMemory(0, allocator), allocator, 0, allocator.allocate) == []
    assert held.size == 5 * MIB


def test_wrong_figures_of_the_allocator() -> None:
    class Swapped(CudaMemory):
        def sample(self, phase: str, call: int | None = None) -> ev.Memory:
            found = super().sample(phase, call)
            found.allocated_bytes = found.reserved_bytes
            return found

    class Lasting(CudaMemory):
        def reset_peaks(self) -> None:
            """Forgets nothing."""

    class Momentary(CudaMemory):
        def sample(self, phase: str, call: int | None = None) -> ev.Memory:
            found = super().sample(phase, call)
            found.reserved_peak_bytes = found.reserved_bytes
            return found

    for kind, says in (
        (Swapped, "allocated_bytes is"),
        (Lasting, "the peak after a reset counts"),
        (Momentary, "reserved_peak_bytes is"),
    ):
        allocator = Allocator()
        held = allocator.allocate(3 * MIB)
        found = watching.wrong_allocator_figures(kind(0, allocator), allocator, 0, allocator.allocate)
        assert any(says in line for line in found), found
        assert held.size


@pytest.mark.parametrize(("seen", "wrong"), [(1.0, 0), (0.0, 3), (0.5, 2)])
def test_nvmls_memory(seen: float, wrong: int) -> None:
    """``seen``: the share of what is allocated that the handle shows; none of it on another device's."""
    fake, allocator = FakeNvml(), Allocator()
    fake.script["nvmlDeviceGetMemoryInfo_v2"] = lambda: SimpleNamespace(
        used=2 * GIB + int(allocator.now["reserved"] * seen), total=150 * GIB
    )
    if not seen:
        allocator.change(GIB)
    found = watching.wrong_nvml_memory(
        nvml.Device(fake, UUID, None),
        lambda: (148 * GIB - allocator.now["reserved"], 150 * GIB),
        allocator.allocate,
    )
    assert len(found) == wrong, found


def session() -> tuple[SessionState, RunState]:
    state = recorded.finished(variants=["no-compile"], steps=50).folded()
    assert state.device is not None
    state.device = msgspec.structs.replace(state.device, max_sm_mhz=1980)
    [run] = state.runs.values()
    return state, run


def test_a_recorded_session_has_nothing_wrong() -> None:
    state, run = session()
    assert watching.wrong_device(state, run) == []
    assert watching.wrong_memory(state, run) == []
    assert watching.wrong_clocks(state, run) == []
    seconds = sum((call.ns or 0) / 1e9 for call in run.calls_of("measure"))
    assert watching.wrong_cadence(watching.cadence(state, run), seconds) == []
    assert watching.idle_share(watching.during_calls(state, run, "utilization")) == 0.0


def thinned(state: SessionState, keep: int) -> None:
    """Every ``keep``-th sample alone is left."""
    rows = [state.gpu.row(position) for position in range(0, len(state.gpu), keep)]
    state.gpu.cut(0)
    for row in rows:
        state.gpu.extend(row)


def test_samples_that_are_missing_show() -> None:
    state, run = session()
    thinned(state, 2)
    found = watching.wrong_cadence(watching.cadence(state, run), 10.0)
    assert any("a sample every 200 ms" in line for line in found)
    assert any("were due" in line for line in found)
    thinned(state, 10_000)
    assert len(watching.wrong_cadence(watching.cadence(state, run), 10.0)) == 4


def test_another_device_shows() -> None:
    state, run = session()
    assert run.environment is not None
    run.environment.uuid = f"GPU-{OTHER}"
    assert watching.wrong_device(state, run)[0].startswith("sampled GPU-")
    state.device = ev.DeviceSeen(reason="no driver")
    assert watching.wrong_device(state, run) == ["no device was seen: no driver"]


def test_clocks_that_are_missing_or_impossible_show() -> None:
    state, run = session()
    assert state.device is not None
    state.device = msgspec.structs.replace(state.device, max_sm_mhz=1000)
    assert "on a device of 1000" in watching.wrong_clocks(state, run)[0]
    state.gpu.cut(0)
    state, run = session()
    position = list(state.gpu.names).index("sm_mhz")
    rows = [list(state.gpu.row(row)) for row in range(len(state.gpu))]
    state.gpu.cut(0)
    for row in rows:
        state.gpu.extend([*row[:position], -1, *row[position + 1 :]])
    assert "samples have the clock" in watching.wrong_clocks(state, run)[0]
