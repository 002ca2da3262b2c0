"""The GPU sampler: its pace, what it repeats and what it doesn't, and how it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from profiler import events as ev
from profiler.conductor import nvml
from profiler.conductor.gpu import FAST_SECONDS, SLOW_SECONDS, Focus, GpuSampler, NoSampler
from tests.conductor.fake_nvml import ERRORS, UUID, FakeNvml
from tests.conductor.support import Clock

LEADER = 4242
FOREIGN = 99
CALL = Focus(LEADER, UUID, None, FAST_SECONDS)
SESSIONS = {LEADER: LEADER, 4243: LEADER, FOREIGN: FOREIGN}


def session_of(pid: int) -> int:
    try:
        return SESSIONS[pid]
    except KeyError:
        raise ProcessLookupError from None


class Bench:
    def __init__(self, *, host_pids: bool = True, load: Callable[[], Any] | None = None) -> None:
        self.nvml = FakeNvml()
        self.nvml.processes = [(LEADER, 6 << 30), (4243, 1 << 30), (FOREIGN, 2 << 30)]
        self.clock = Clock()
        self.written: list[ev.Event] = []
        self.sampler = GpuSampler(
            self.written.append,
            load=load or (lambda: self.nvml),
            clock=self.clock,
            session_of=session_of,
            host_pids=host_pids,
        )

    def opened(self) -> Bench:
        self.sampler.open()
        return self

    def tick(self, focus: Focus | None = CALL) -> float | None:
        return self.sampler.tick(focus)

    def take(self) -> list[ev.Event]:
        taken, self.written[:] = list(self.written), []
        return taken


def samples(events: list[ev.Event]) -> list[ev.GpuSample]:
    return [event for event in events if isinstance(event, ev.GpuSample)]


def fields(events: list[ev.Event]) -> list[tuple[str, str | None]]:
    return [(event.field, event.reason) for event in events if isinstance(event, ev.GpuField)]


def test_the_device_is_seen_once_and_then_sampled() -> None:
    bench = Bench().opened()
    assert bench.tick() == FAST_SECONDS
    seen, sample = bench.take()
    assert seen == ev.DeviceSeen(
        uuid=f"GPU-{UUID}",
        name="NVIDIA H200",
        total_bytes=150 << 30,
        driver="580.95.05",
        max_sm_mhz=1980,
        supported_reasons=0x1FF,
    )
    assert sample == ev.GpuSample(
        used_bytes=7 << 30,
        process_bytes=7 << 30,
        utilization=97,
        power_mw=512_000,
        energy_mj=1_000_000,
        temperature_c=55,
        sm_mhz=1980,
        memory_mhz=3201,
        reasons=4,
        others=1,
    )


def test_pace() -> None:
    bench = Bench().opened()
    assert bench.tick(None) is None
    assert bench.tick(CALL._replace(period_s=None)) is None
    assert samples(bench.take()) == []
    assert bench.tick(CALL._replace(period_s=SLOW_SECONDS)) == SLOW_SECONDS


def test_equal_samples_are_not_repeated() -> None:
    bench = Bench().opened()
    bench.nvml.processes.pop()
    for energy in (1, 1, 1, 2, 2, 1):
        bench.nvml.energy = energy
        bench.tick()
    assert [sample.energy_mj for sample in samples(bench.take())] == [1, 2, 1]


def test_an_equal_sample_comes_again_after_half_a_second_so_that_silence_is_a_gap() -> None:
    bench = Bench().opened()
    bench.nvml.processes.pop()
    written: list[float] = []
    for _ in range(13):
        bench.tick()
        written += [bench.clock.now for _ in samples(bench.take())]
        bench.clock.now += 0.125
    assert written == [1000.0, 1000.5, 1001.0, 1001.5]


def test_other_processes_that_computed_are_counted_and_the_drivers_memory_is_not() -> None:
    bench = Bench().opened()
    bench.nvml.utilization = [(FOREIGN, 10, 80)]
    told: list[int | None] = []
    for row in (None, (LEADER, 20, 90), (FOREIGN, 30, 0), (FOREIGN, 40, 5), None, (777, 50, 60)):
        bench.nvml.utilization += [row] if row else []
        bench.tick()
        told += [sample.others_busy for sample in samples(bench.take())]
    # The first answer shows where the driver's memory ends; 777 has no compute context on the device.
    assert told == [None, 0, 1, 0]


def test_nobody_is_asked_who_computes_while_nobody_else_is_there() -> None:
    bench = Bench().opened()
    bench.nvml.processes.pop()
    bench.tick()
    assert "nvmlDeviceGetProcessUtilization" not in bench.nvml.calls
    assert [(one.others, one.others_busy) for one in samples(bench.take())] == [(0, None)]


@pytest.mark.parametrize(
    "failure", [*(code for code in ERRORS if code not in (6, 15, 16)), None, [7], AttributeError()]
)
def test_who_computes_may_remain_unknown(failure: Any) -> None:
    bench = Bench().opened()
    bench.nvml.script["nvmlDeviceGetProcessUtilization"] = failure
    for _ in range(3):
        bench.tick()
    events = bench.take()
    assert {(one.others, one.others_busy) for one in samples(events)} == {(1, None)}
    assert fields(events) == []


def test_a_new_run_starts_with_a_sample_and_does_not_see_the_device_again() -> None:
    bench = Bench().opened()
    bench.tick()
    bench.take()
    bench.tick(CALL._replace(leader=FOREIGN))
    assert [type(event) for event in bench.take()] == [ev.GpuSample]


@pytest.mark.parametrize("code", [code for code in ERRORS if code not in (15, 16)])
def test_a_field_that_fails_says_why_once_and_when_it_is_back(code: int) -> None:
    bench = Bench().opened()
    bench.tick()
    bench.take()
    bench.nvml.script["nvmlDeviceGetPowerUsage"] = code
    for energy in (2, 3, 4):
        bench.nvml.energy = energy
        bench.tick()
    events = bench.take()
    assert fields(events) == [("power_mw", ERRORS[code])]
    assert [sample.power_mw for sample in samples(events)] == [None, None, None]
    del bench.nvml.script["nvmlDeviceGetPowerUsage"]
    bench.tick()
    events = bench.take()
    assert fields(events) == [("power_mw", None)]
    assert samples(events)[0].power_mw == 512_000


@pytest.mark.parametrize("code", [15, 16])
@pytest.mark.parametrize(
    "call",
    [
        "nvmlDeviceGetHandleByUUID",
        "nvmlDeviceGetName",
        "nvmlDeviceGetClockInfo",
        "nvmlDeviceGetComputeRunningProcesses",
    ],
)
def test_a_lost_device_is_never_asked_again(call: str, code: int) -> None:
    bench = Bench().opened()
    bench.nvml.script[call] = code
    assert bench.tick() is None
    [*_, seen] = bench.take()
    assert isinstance(seen, ev.DeviceSeen)
    assert seen.reason == ERRORS[code]
    bench.nvml.script.clear()
    bench.nvml.calls.clear()
    assert bench.tick() is None
    assert bench.tick(CALL._replace(leader=FOREIGN)) is None
    assert bench.nvml.calls == []
    assert bench.take() == []
    assert not bench.sampler.watching


def test_a_device_that_is_lost_later_keeps_its_name() -> None:
    bench = Bench().opened()
    bench.tick()
    bench.take()
    bench.nvml.script["nvmlDeviceGetPowerUsage"] = 15
    bench.tick()
    [seen] = bench.take()
    assert isinstance(seen, ev.DeviceSeen)
    assert (seen.name, seen.reason) == ("NVIDIA H200", "GPU is lost")


def test_no_driver_is_one_record_and_nothing_else() -> None:
    def load() -> object:
        raise nvml.NvmlUnavailable("NVML: Driver Not Loaded")

    bench = Bench(load=load).opened()
    for _ in range(3):
        assert bench.tick() is None
    assert bench.take() == [ev.DeviceSeen(reason="NVML: Driver Not Loaded")]


def test_an_unknown_device_is_said_once_a_run() -> None:
    bench = Bench().opened()
    stranger = CALL._replace(uuid="00000000-0000-4000-8000-000000000009")
    assert bench.tick(stranger) is None
    assert bench.tick(stranger) is None
    [seen] = bench.take()
    assert isinstance(seen, ev.DeviceSeen)
    assert seen.reason is not None
    assert seen.reason.startswith("NVML does not find the worker's device")
    assert bench.tick(CALL) == FAST_SECONDS


def test_process_ids_that_mean_nothing_are_unknown_not_foreign() -> None:
    bench = Bench(host_pids=False).opened()
    bench.nvml.processes = [(777_777, 6 << 30)]
    bench.tick()
    events = bench.take()
    [sample] = samples(events)
    assert (sample.process_bytes, sample.others) == (None, None)
    assert [field for field, reason in fields(events) if reason and "container" in reason] == [
        "others",
        "process_bytes",
    ]
    # Where the driver translates them, the worker itself turns up in the list.
    bench.nvml.processes.append((LEADER, 1 << 30))
    bench.tick()
    assert (samples(bench.take())[0].others) == 1


def test_memory_by_process_that_is_not_there_is_not_zero() -> None:
    bench = Bench().opened()
    bench.nvml.processes = [(FOREIGN, 1 << 30)]
    bench.tick()
    [sample] = samples(bench.take())
    assert (sample.process_bytes, sample.others) == (None, 1)
    bench.nvml.processes = [(LEADER, None), (4243, 1 << 30)]
    bench.tick()
    [sample] = samples(bench.take())
    assert (sample.process_bytes, sample.others) == (None, 0)
    bench.nvml.script["nvmlDeviceGetComputeRunningProcesses"] = 4
    bench.tick()
    events = bench.take()
    assert (samples(events)[0].process_bytes, samples(events)[0].others) == (None, None)
    assert ("others", ERRORS[4]) in fields(events)


def test_a_slow_answer_leaves_a_gap_that_is_noted_once() -> None:
    bench = Bench().opened()

    def slow() -> int:
        bench.clock.now += 3.0
        return 500

    bench.nvml.script["nvmlDeviceGetPowerUsage"] = slow
    for energy in (2, 3):
        bench.nvml.energy = energy
        bench.tick()
    notes = [event.text for event in bench.take() if isinstance(event, ev.Note)]
    assert notes == ["NVML took 3.0 s to answer: no GPU samples meanwhile"]


def test_a_driver_that_wakes_slowly_is_no_news() -> None:
    bench = Bench()

    def wake() -> FakeNvml:
        bench.clock.now += 3.0
        return bench.nvml

    bench.sampler._load = wake
    bench.opened()
    assert bench.take() == []


def test_the_older_memory_structure_is_noted() -> None:
    bench = Bench().opened()
    bench.nvml.script["nvmlDeviceGetMemoryInfo_v2"] = 13
    bench.tick()
    bench.tick()
    assert [event.code for event in bench.take() if isinstance(event, ev.Note)] == ["nvml-memory"]


def test_a_call_that_blocks_stops_neither_the_conductor_nor_the_end() -> None:
    bench = Bench()
    blocked, release = threading.Event(), threading.Event()

    def block() -> int:
        blocked.set()
        release.wait(20)
        return 500

    bench.nvml.script["nvmlDeviceGetPowerUsage"] = block
    bench.sampler.start()
    bench.sampler.focus(CALL)
    assert blocked.wait(20)
    bench.clock.now += 6.0
    bench.sampler.focus(CALL)
    bench.sampler.focus(CALL)
    assert [event.code for event in bench.written if isinstance(event, ev.Note)] == ["gpu-gap"]
    bench.sampler.close(timeout_s=0.01)
    before = list(bench.written)
    release.set()
    bench.sampler.close(timeout_s=20)
    assert bench.written == before  # nothing is written after the log may have been closed


def test_nothing_is_written_after_the_end_however_late_it_comes() -> None:
    bench = Bench().opened()
    bench.tick()
    bench.take()
    times = iter([2000.0, 2000.1])

    def clock() -> float:
        now = next(times, 2001.0)
        if now > 2000.0:
            bench.sampler.close()  # by the conductor, while this thread has lost the processor before it writes
        return now

    bench.sampler._clock = clock
    bench.tick()
    assert bench.take() == []


def test_the_thread_follows_the_focus() -> None:
    sampled = threading.Event()
    bench = Bench()

    def processes() -> list[object]:
        sampled.set()
        return []

    bench.nvml.script["nvmlDeviceGetComputeRunningProcesses"] = processes
    bench.sampler.start()
    bench.sampler.focus(CALL)
    assert sampled.wait(20)
    bench.sampler.close(timeout_s=20)
    assert [type(event) for event in bench.written[:1]] == [ev.DeviceSeen]


def test_a_sampler_that_fails_itself_says_so() -> None:
    bench = Bench()

    def broken() -> object:
        raise ZeroDivisionError("a bug")

    bench.sampler._load = broken
    bench.sampler.start()
    bench.sampler.close(timeout_s=20)
    assert bench.written in ([], [ev.DeviceSeen(reason="the GPU sampler failed: a bug")])


def test_without_a_gpu() -> None:
    written: list[ev.Event] = []
    sampler = NoSampler(written.append)
    sampler.start()
    sampler.focus(CALL)
    sampler.close()
    assert written == [ev.DeviceSeen(reason="the runs are on the CPU")]
