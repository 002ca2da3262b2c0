"""What NVML's samples and torch's allocator must say of a GPU: each check returns what is wrong, one line a finding."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from profiler.analysis.columns import ABSENT
from profiler.analysis.figures import run_figures
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.statistics import median
from profiler.conductor import nvml
from profiler.conductor.gpu import FAST_SECONDS
from profiler.worker import device
from profiler.worker.memory import MemoryProbe

MIB = 1 << 20
GIB = 1 << 30
LATE = 2.0  # periods: nineteen samples of twenty come within
SECOND = 1_000_000_000
ALLOCATION_ERROR = 64 * MIB
"""By how much NVML's figure may grow more or less than what was allocated: the driver gives memory out in blocks."""
TOTAL_ERROR = 0.03  # torch's total is the device's without what the driver keeps for itself


# --- which device it is -----------------------------------------------------------------------------------------------


def wrong_mapping(properties: Any, module: Any) -> list[str]:
    """Of the device with torch's ``properties`` as ``module``, pynvml, finds it by UUID and PCI address."""
    uuid, bus = device.nvml_uuid(properties), device._pci_bus_id(properties)
    found: list[str] = []
    if uuid is None or bus is None:
        return [f"torch tells no UUID or no PCI address: {uuid}, {bus}"]
    for how, names in (("UUID", (uuid, None)), ("PCI address", (None, bus))):
        try:
            seen = nvml.Device(module, *names)
        except nvml.DeviceUnknown as error:
            found.append(f"by its {how}: {error}")
            continue
        if seen.uuid != uuid:
            found.append(f"by its {how} NVML finds {seen.uuid}, not {uuid}")
        if seen.name != properties.name:
            found.append(f"by its {how} NVML finds a {seen.name}, not a {properties.name}")
        total, ours = seen.total_bytes or 0, properties.total_memory
        if not ours <= total * (1 + TOTAL_ERROR) or not total <= ours * (1 + TOTAL_ERROR):
            found.append(f"by its {how} NVML finds {total / GIB:.1f} GiB, not {ours / GIB:.1f}")
    return found


def wrong_device(state: SessionState, run: RunState) -> list[str]:
    """Of the device that a session's samples are of: the one that its worker computed on."""
    seen, environment = state.device, run.environment
    if seen is None or environment is None or seen.uuid is None:
        return [f"no device was seen: {seen.reason if seen else 'the sampler said nothing'}"]
    found = [] if seen.uuid == environment.uuid else [f"sampled {seen.uuid}, computed on {environment.uuid}"]
    return found if seen.name == environment.device_name else [*found, f"{seen.name} is not {environment.device_name}"]


# --- memory -----------------------------------------------------------------------------------------------------------


def wrong_allocator_figures(
    probe: MemoryProbe, cuda: Any, index: int, allocate: Callable[[int], object], size: int = 96 * MIB
) -> list[str]:
    """Of the probe's samples around an allocation of ``size``, by what ``cuda``'s own functions say."""
    found: list[str] = []

    def look(when: str) -> Any:
        sample = probe.sample("load")
        for name, value in (
            ("allocated_bytes", cuda.memory_allocated(index)),
            ("allocated_peak_bytes", cuda.max_memory_allocated(index)),
            ("reserved_bytes", cuda.memory_reserved(index)),
            ("reserved_peak_bytes", cuda.max_memory_reserved(index)),
        ):
            if getattr(sample, name) != value:
                found.append(f"{when}: {name} is {getattr(sample, name)}, torch says {value}")
        return sample

    probe.reset_peaks()
    before = look("before")
    block = allocate(size)
    during = look("during")
    del block
    cuda.empty_cache()  # the allocator keeps what is freed: without, what is reserved would be its own peak for ever
    after = look("after")
    probe.reset_peaks()
    anew = look("after a reset")
    sizes = {
        "an allocation": (during.allocated_bytes - before.allocated_bytes, size),
        "freeing it": (during.allocated_bytes - after.allocated_bytes, size),
        "its peak": (after.allocated_peak_bytes - before.allocated_bytes, size),
        "the peak after a reset": (anew.allocated_peak_bytes - before.allocated_bytes, 0),
        "what stays reserved of it": (max(0, after.reserved_bytes - after.reserved_peak_bytes + size), 0),
    }
    return found + [f"{what} counts {is_}, not {should}" for what, (is_, should) in sizes.items() if is_ != should]


def wrong_nvml_memory(
    seen: nvml.Device, mem_get_info: Callable[[], tuple[int, int]], allocate: Callable[[int], object], size: int = GIB
) -> list[str]:
    """Of NVML's figure around an allocation of ``size`` bytes that the allocator has to get from the driver."""
    found: list[str] = []
    before = _used(seen, mem_get_info, "before", found)
    block = allocate(size)
    during = _used(seen, mem_get_info, "during", found)
    del block
    grown = during - before
    if abs(grown - size) > ALLOCATION_ERROR:
        found.append(f"{size / MIB:.0f} MiB were allocated, NVML saw {grown / MIB:.0f} more")
    return found


def _used(seen: nvml.Device, mem_get_info: Callable[[], tuple[int, int]], when: str, found: list[str]) -> int:
    readings = seen.read()
    if "used_bytes" not in readings.values:
        found.append(f"{when}: NVML gives no memory in use: {readings.reasons.get('used_bytes')}")
        return 0
    used = readings.values["used_bytes"]
    free, total = mem_get_info()
    reserve = total * TOTAL_ERROR if seen.used_includes_reserved else 0
    if abs(used - (total - free)) > ALLOCATION_ERROR + reserve:
        found.append(f"{when}: NVML has {used / MIB:.0f} MiB in use, the driver {(total - free) / MIB:.0f}")
    return used


def wrong_memory(state: SessionState, run: RunState) -> list[str]:
    """Of a whole run's figures against each other: allocated within reserved within the device."""
    memory = run_figures(state, run).memory
    chain = {
        "allocated": memory.allocated_peak_bytes,
        "reserved": memory.reserved_peak_bytes,
        "the device's": memory.device_peak_bytes,
        "the device": run.environment.total_bytes if run.environment else None,
    }
    found = [f"the peak of {name} was not measured" for name, value in chain.items() if value is None]
    known = [(name, value) for name, value in chain.items() if value is not None]
    found += [
        f"{one} peaked at {low / MIB:.0f} MiB, {other} at {high / MIB:.0f}"
        for (one, low), (other, high) in itertools.pairwise(known)
        if low > high * (1 + TOTAL_ERROR)
    ]
    outside = memory.outside_torch_bytes
    if outside is not None and not 0 < outside < 8 * GIB:
        found.append(f"{outside / MIB:.0f} MiB outside torch are no context")
    return found


# --- samples over time ------------------------------------------------------------------------------------------------


class Cadence(NamedTuple):
    """Of samples during calls; seconds."""

    samples: int
    median_s: float
    late_s: float  # the 95th percentile
    longest_s: float


def during_calls(state: SessionState, run: RunState, column: str) -> list[list[int]]:
    """``column`` of the samples in each measured call of ``run``."""
    spans = [(call.start_ns, call.start_ns + (call.ns or 0)) for call in run.calls_of("measure")]
    rows = [(state.gpu.first_at("t", start), state.gpu.first_at("t", end + 1)) for start, end in spans]
    return [list(state.gpu.column(column, first, last)) for first, last in rows]


def cadence(state: SessionState, run: RunState) -> Cadence:
    """How evenly the samples came during the measured calls of ``run``."""
    times = during_calls(state, run, "t")
    apart = sorted((b - a) / SECOND for call in times for a, b in itertools.pairwise(call))
    if not apart:
        return Cadence(sum(map(len, times)), float("inf"), float("inf"), float("inf"))
    return Cadence(sum(map(len, times)), median(apart) or 0.0, apart[int(0.95 * (len(apart) - 1))], apart[-1])


def wrong_cadence(found: Cadence, seconds: float) -> list[str]:
    """Of samples over ``seconds`` of calls, in which the device had something new to say every time."""
    wrong: list[str] = []
    expected = seconds / FAST_SECONDS
    if found.samples < 0.8 * expected:
        wrong.append(f"{found.samples} samples in {seconds:.1f} s, {expected:.0f} were due")
    if abs(found.median_s / FAST_SECONDS - 1) > 0.2:
        wrong.append(f"a sample every {found.median_s * 1e3:.0f} ms, not {FAST_SECONDS * 1e3:.0f}")
    if found.late_s > LATE * FAST_SECONDS:
        wrong.append(f"one of twenty came after {found.late_s * 1e3:.0f} ms")
    if found.longest_s >= 1.0:
        wrong.append(f"a gap of {found.longest_s:.1f} s")
    return wrong


def wrong_clocks(state: SessionState, run: RunState) -> list[str]:
    """Of the series of the SM clock while calls kept the device busy."""
    highest = state.device.max_sm_mhz if state.device else None
    if not highest:
        return ["the device's highest SM clock isn't known"]
    found: list[str] = []
    calls = [call for call in run_figures(state, run).calls if call.phase == "measure"]
    for call, series in zip(calls, during_calls(state, run, "sm_mhz"), strict=True):
        known = [clock for clock in series if clock != ABSENT]
        if len(known) < 0.9 * len(series) or not known:
            found.append(f"call {call.call}: {len(known)} of {len(series)} samples have the clock")
            continue
        if not 0 < min(known) <= max(known) <= highest:
            found.append(f"call {call.call}: {min(known)} to {max(known)} MHz on a device of {highest}")
        if call.sm_mhz is None or not min(known) <= call.sm_mhz <= max(known):
            found.append(f"call {call.call}: a median of {call.sm_mhz} MHz is none of {min(known)} to {max(known)}")
    return found if calls else ["no call was measured"]


def idle_share(series: Sequence[Sequence[int]], threshold: int = 50) -> float:
    """Of the samples of utilisation, those below ``threshold`` percent; 1.0 without any."""
    every = [value for call in series for value in call if value != ABSENT]
    return sum(value < threshold for value in every) / len(every) if every else 1.0
