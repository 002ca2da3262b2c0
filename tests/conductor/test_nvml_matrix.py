"""Every call of NVML, with every code, at the start, midway, now and then, and blocking: through the sampler's loop.

The loop runs in the test's thread on a clock that is turned by what it waits for, so its pace is exact.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from profiler import events as ev
from profiler.conductor import nvml
from profiler.conductor.gpu import FAST_SECONDS, Focus, GpuSampler
from tests.conductor.fake_nvml import ERRORS, UUID, FakeNvml, NVMLError
from tests.conductor.support import Clock

LEADER, FOREIGN, STRANGER = 4242, 99, 98
FOCUS = Focus(LEADER, UUID, None, FAST_SECONDS)
BY_BUS = Focus(LEADER, None, "00000000:3B:00.0", FAST_SECONDS)
TICKS = 12
LOST = (15, 16)
MISSING = (13, 25, 26)
"""Codes of a driver that doesn't have the call: where there is another way to ask, it is taken."""
FIELDS = {
    "nvmlDeviceGetMemoryInfo_v2": ("used_bytes",),
    "nvmlDeviceGetUtilizationRates": ("utilization",),
    "nvmlDeviceGetPowerUsage": ("power_mw",),
    "nvmlDeviceGetTotalEnergyConsumption": ("energy_mj",),
    "nvmlDeviceGetTemperature": ("temperature_c",),
    "nvmlDeviceGetClockInfo": ("sm_mhz", "memory_mhz"),
    "nvmlDeviceGetCurrentClocksEventReasons": ("reasons",),
    "nvmlDeviceGetComputeRunningProcesses": ("process_bytes", "others"),
}
"""What each call is asked for again and again."""
SECOND_WAYS = {
    "nvmlDeviceGetMemoryInfo_v2": "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetTemperature": "nvmlDeviceGetTemperatureV",
    "nvmlDeviceGetCurrentClocksEventReasons": "nvmlDeviceGetCurrentClocksThrottleReasons",
    "nvmlDeviceGetSupportedClocksEventReasons": "nvmlDeviceGetSupportedClocksThrottleReasons",
}
ABOUT = {
    "nvmlDeviceGetUUID": "uuid",
    "nvmlDeviceGetName": "name",
    "nvmlSystemGetDriverVersion": "driver",
    "nvmlDeviceGetMemoryInfo": "total_bytes",
    "nvmlDeviceGetMaxClockInfo": "max_sm_mhz",
    "nvmlDeviceGetSupportedClocksEventReasons": "supported_reasons",
}
"""What is asked once, of what a device is."""
FINDING = ("nvmlInit", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetHandleByPciBusId")
NAMED = {name for name in dir(FakeNvml) if name.startswith("nvml") and callable(getattr(FakeNvml, name))}
# The older structure of memory is what a device's size is read from, and a second way to what is used of it.
CALLS = sorted({*NAMED, "nvmlDeviceGetMemoryInfo_v2"})


class Turned:
    """Stands in for the condition that the loop waits on: time passes by what is waited for, and is up at the end."""

    def __init__(self, clock: Clock, ended: Callable[[], None], ticks: int) -> None:
        self._clock = clock
        self._ended = ended
        self._left = ticks

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def wait(self, seconds: float | None) -> None:
        self._left -= 1
        if self._left <= 0 or seconds is None:
            self._ended()
        else:
            self._clock.now = round(self._clock.now + max(seconds, 0.0), 6)


class Look(NamedTuple):
    at: float  # seconds of the clock, since the loop began
    number: int  # from 1


class Bench:
    """The sampler in its loop, over a driver that does ``does(look)`` at the call ``name``."""

    def __init__(self, name: str, does: Callable[[Bench], Any], focus: Focus = FOCUS, ticks: int = TICKS) -> None:
        self.nvml = FakeNvml()
        self.nvml.processes = [(LEADER, 6 << 30), (FOREIGN, 2 << 30)]
        self.nvml.script[name] = lambda: does(self)
        self.clock = Clock()
        self.began = self.clock.now
        self.name = name
        self.looks: list[Look] = []
        self.written: list[tuple[float, int, ev.Event]] = []  # seconds, number of the look, event
        sampler = GpuSampler(
            lambda event: self.written.append((self.now, len(self.looks), event)),
            load=lambda: nvml.load(lambda _: self.nvml),
            clock=self.clock,
            session_of=lambda pid: {LEADER: LEADER}.get(pid, 1),
            host_pids=True,
        )

        def ended() -> None:
            sampler._closing = True

        sampler._wake = Turned(self.clock, ended, ticks)  # type: ignore[assignment]
        sampler._focus = focus
        inner = sampler.tick

        def tick(focus: Focus | None) -> float | None:
            self.looks.append(Look(self.now, len(self.looks) + 1))
            return inner(focus)

        sampler.tick = tick  # type: ignore[method-assign]
        sampler._run()

    @property
    def now(self) -> float:
        return round(self.clock.now - self.began, 6)

    @property
    def look(self) -> int:
        return len(self.looks)

    def usual(self) -> Any:
        """What the driver answers when nothing is the matter, from inside a script."""
        told = self.nvml.script.pop(self.name)
        try:
            method, *_ = self.name.split("_v2")
            needs = {
                "nvmlInit": (),
                "nvmlSystemGetDriverVersion": (),
                "nvmlDeviceGetHandleByUUID": (f"GPU-{UUID}".encode(),),
                "nvmlDeviceGetHandleByPciBusId": (b"00000000:3B:00.0",),
                "nvmlDeviceGetTemperature": (f"GPU-{UUID}", 0),
                "nvmlDeviceGetTemperatureV": (f"GPU-{UUID}", 0),
                "nvmlDeviceGetClockInfo": (f"GPU-{UUID}", 1),
                "nvmlDeviceGetMaxClockInfo": (f"GPU-{UUID}", 1),
                "nvmlDeviceGetProcessUtilization": (f"GPU-{UUID}", 0),
            }.get(method, (f"GPU-{UUID}",))
            if self.name.endswith("_v2"):
                needs = (*needs, 1)
            return getattr(self.nvml, method)(*needs)
        finally:
            self.nvml.script[self.name] = told

    def of(self, kind: type[ev.Event]) -> list[Any]:
        return [event for _, _, event in self.written if type(event) is kind]


def fails(code: int, when: Callable[[int], bool]) -> Callable[[Bench], Any]:
    def does(bench: Bench) -> Any:
        if when(bench.look):
            raise NVMLError(code)
        return bench.usual()

    return does


WHEN: dict[str, Callable[[int], bool]] = {
    "at the start": lambda look: look <= 3,
    "always": lambda look: True,
    "midway": lambda look: 5 <= look <= 8,
    "every second time": lambda look: look % 2 == 0,
    "every third time": lambda look: look % 3 == 0,
}
HEALTHY = {
    "used_bytes": {7 << 30, 8 << 30},
    "process_bytes": {6 << 30},
    "utilization": {97},
    "power_mw": {512_000},
    "energy_mj": {1_000_000},
    "temperature_c": {55, 56},
    "sm_mhz": {1980},
    "memory_mhz": {1980, 3201},  # the fake's usual answer to a script is of one clock
    "reasons": {4, 8},
    "others": {1},
    "others_busy": {0},
}


def pace(looks: list[Look]) -> list[float]:
    return [look.at for look in looks]


def test_the_matrix_has_every_call() -> None:
    known = {*FIELDS, *SECOND_WAYS.values(), *ABOUT, *FINDING, "nvmlDeviceGetProcessUtilization"}
    assert known == set(CALLS)
    assert len(CALLS) * len(ERRORS) * len(WHEN) > 1000


@pytest.mark.parametrize("call", CALLS)
def test_whatever_fails_the_pace_is_kept_and_no_figure_is_made_up(call: str) -> None:
    for code in ERRORS:
        for when, failing in WHEN.items():
            bench = Bench(call, fails(code, failing), BY_BUS if call.endswith("PciBusId") else FOCUS)
            where = f"{call} {ERRORS[code]} {when}"
            _check_figures(bench, call, where)
            first = next(look for look in range(1, TICKS + 2) if failing(look))
            if call == "nvmlInit":  # asked before the first look
                if failing(0):
                    assert bench.of(ev.DeviceSeen) == [ev.DeviceSeen(reason=f"NVML: {ERRORS[code]}")], where
                    continue
            elif call in FINDING or call in ABOUT or call == "nvmlDeviceGetMemoryInfo":
                if first == 1:
                    _check_start(bench, call, code, where)
                    continue
            elif call in SECOND_WAYS.values():
                pass  # nobody asks so while the first way works
            elif code in LOST:
                _check_lost(bench, code, first, call, where)
                continue
            assert pace(bench.looks) == [round(FAST_SECONDS * look, 6) for look in range(TICKS)], where
            if call in FIELDS:
                _check_gaps(bench, call, code, failing, where)


def _check_figures(bench: Bench, call: str, where: str) -> None:
    """Each figure is one that the driver gave, or absent."""
    for sample in bench.of(ev.GpuSample):
        for field, known in HEALTHY.items():
            assert getattr(sample, field) in {None, *known}, (where, field)
    for seen in bench.of(ev.DeviceSeen):
        assert seen.total_bytes in (None, 150 << 30), where


def _check_start(bench: Bench, call: str, code: int, where: str) -> None:
    """What a device is, and which it is: asked for at the first look alone."""
    seen = bench.of(ev.DeviceSeen)[-1]
    if code in LOST:
        assert seen.reason == ERRORS[code], where
        assert not bench.of(ev.GpuSample), where
        assert not bench.nvml.calls[bench.nvml.calls.index(call) + 1 :], where
    elif call in FINDING:
        assert ERRORS[code] in seen.reason, where
        assert seen.total_bytes is None, where
        assert not bench.of(ev.GpuSample), where
    else:
        assert seen.reason is None, where
        field = ABOUT[call]
        second = call in SECOND_WAYS
        assert getattr(seen, field) == (0xFF if second else None), where
        assert pace(bench.looks) == [round(FAST_SECONDS * look, 6) for look in range(TICKS)], where
        assert bench.of(ev.GpuSample), where


def _check_lost(bench: Bench, code: int, first: int, call: str, where: str) -> None:
    """It is said once, and the driver isn't asked again."""
    if call == "nvmlDeviceGetProcessUtilization" or call in FIELDS:
        assert bench.of(ev.DeviceSeen)[-1].reason == ERRORS[code], where
        assert bench.looks[-1].number == first, where
        assert bench.nvml.calls[-1] == call, where


def _check_gaps(bench: Bench, call: str, code: int, failing: Callable[[int], bool], where: str) -> None:
    """Each look that gave no figure says so, with the reason, and the first that gives it again takes it back."""
    fallback = call in SECOND_WAYS and code in MISSING
    for field in FIELDS[call]:
        told = {
            look: event.reason
            for _, look, event in bench.written
            if type(event) is ev.GpuField and event.field == field
        }
        expected: dict[int, str | None] = {}
        reason: str | None = None
        for look in range(1, TICKS + 1):
            now = ERRORS[code] if failing(look) and not fallback else None
            if now != reason:
                expected[look] = reason = now
        assert told == expected, (where, field)
        for _, look, event in bench.written:
            if type(event) is ev.GpuSample:
                assert (getattr(event, field) is None) == (failing(look) and not fallback), (where, field, look)
    others = {event.field for event in bench.of(ev.GpuField)} - {*FIELDS[call]}
    assert not others, (where, others)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("every", [None, 1, 2])
def test_a_call_that_blocks_leaves_a_gap_and_the_pace_is_taken_up(call: str, every: int | None) -> None:
    """5 s at the sixth look, at each, at every second one: no look is made up for, and each gap is said."""
    begun: list[int] = []

    def does(bench: Bench) -> Any:
        blocks = bench.look == 6 if every is None else bench.look % every == 0
        if blocks and bench.look not in begun:
            begun.append(bench.look)
            bench.clock.now += 5.0
        return bench.usual()

    bench = Bench(call, does, BY_BUS if call.endswith("PciBusId") else FOCUS)
    steps = [round(after - before, 6) for before, after in zip(pace(bench.looks), pace(bench.looks)[1:], strict=False)]
    blocked = {look for look in begun if look}
    # From the look that is late on: the next one at once, then the old pace.
    assert steps == [5.0 if look in blocked else FAST_SECONDS for look in range(1, TICKS)]
    assert len(bench.looks) == TICKS
    gaps = [event.text for event in bench.of(ev.Note) if event.code == "gpu-gap"]
    streaks = [look for look in blocked if look - 1 not in blocked]
    assert gaps == ["NVML took 5.0 s to answer: no GPU samples meanwhile"] * len(streaks)
    sampled = [at for at, _, event in bench.written if type(event) is ev.GpuSample]
    silent = [round(after - before, 6) for before, after in itertools.pairwise(sampled)]
    # Beyond a second without a sample a call counts as one that NVML was not heard of in.
    assert sum(1 for span in silent if span > 1.0) >= len(blocked - {1})
    _check_figures(bench, call, call)


@pytest.mark.parametrize("told", [None, 2**64 - 1, 2**32 - 1, b"\xff", "12", -1, float("nan"), ...], ids=repr)
def test_nonsense_from_any_call_is_no_figure(told: object) -> None:
    for call in CALLS:
        if call in ("nvmlInit", *FINDING):
            continue
        bench = Bench(call, lambda bench: told)
        _check_figures(bench, call, f"{call} {told!r}")
        if bench.of(ev.DeviceSeen)[-1].reason is None:
            assert pace(bench.looks) == [round(FAST_SECONDS * look, 6) for look in range(TICKS)], call


@pytest.mark.parametrize(
    ("rows", "own", "others", "field"),
    [
        ([], None, 0, "process_bytes"),
        ([(FOREIGN, 1 << 30)], None, 1, "process_bytes"),
        ([(FOREIGN, 1 << 30), (STRANGER, None)], None, 2, "process_bytes"),
        ([(LEADER, None), (FOREIGN, 1 << 30)], None, 1, "process_bytes"),
        ([(LEADER, 2**64 - 1)], None, 0, "process_bytes"),
        ([(LEADER, 17179869184 << 30)], None, 0, "process_bytes"),
        ([(LEADER, 0)], 0, 0, None),
        ([(LEADER, 3 << 30), (LEADER, 1 << 30)], 4 << 30, 0, None),
    ],
)
def test_lists_of_processes(
    rows: list[tuple[int, int | None]], own: int | None, others: int, field: str | None
) -> None:
    bench = Bench("nvmlInit", lambda bench: setattr(bench.nvml, "processes", rows))
    for sample in bench.of(ev.GpuSample):
        assert (sample.process_bytes, sample.others) == (own, others)
    told = [event.field for event in bench.of(ev.GpuField)]
    assert told == ([field] if field else [])


def test_a_list_of_processes_that_comes_and_goes() -> None:
    """Empty, then with the worker, then with others alone: as containers and drivers that translate pids give it."""
    lists = [[], [(LEADER, 1 << 30)], [(FOREIGN, 1 << 30)]]

    def does(bench: Bench) -> Any:
        bench.nvml.processes = lists[bench.look % 3]
        return bench.usual()

    bench = Bench("nvmlDeviceGetComputeRunningProcesses", does)
    found = [(event.process_bytes, event.others) for event in bench.of(ev.GpuSample)]
    assert found == [(1 << 30, 0), (None, 1), (None, 0)] * (TICKS // 3)
