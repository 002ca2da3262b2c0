"""What NVML saw on the GPU during measured calls, as lines: slowdowns, clocks, other processes, gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from profiler.analysis.samples import GPU_IDLE, CallSamples
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.statistics import median
from profiler.events import DeviceSeen

# Bits of NVML's clock event reasons: nvml.h, nvmlClocksEventReason*. The first two columns of what is flagged.
SLOWDOWNS = {
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
_MAY_BE_A_SWITCH = 0x08 | 0x40 | 0x80
"""Hardware slowdowns "may also be reported during a P-state change" (nvml.h): one sample alone proves none."""
_NORMAL = {
    0x002: "clocks set by hand",
    0x004: "power cap",
    0x010: "sync boost",
    0x100: "display clock",
    0x200: "board limit",
    0x400: "voltage reliability",
}
"""Limits that a healthy device runs into, many of them for as long as it computes: said, not flagged."""
LOW_CLOCK = 0.75
"""Of the device's highest SM clock. nvbench calls a device throttled below the same share of its default clock."""
DRIFT = 0.05
"""Clocks that are further apart are flagged: the medians of a run's first and last measured call, which show a device
that heats up, and those of a case's runs, which were made minutes apart. Between two calls in the middle they may well
differ: what all calls had in common is what the medians are over.
"""
GAP_NS = 1_000_000_000
"""Ten periods of the sampler without a sample."""
_FIELDS = ("reasons", "sm_mhz", "energy_mj", "used_bytes")
"""Fields whose absence takes a figure or a flag away."""


def reason_name(bit: int) -> str:
    """One bit of NVML's clock event reasons in words; its number where it has no name here."""
    if bit == GPU_IDLE:
        return "idle"
    return SLOWDOWNS.get(bit) or _NORMAL.get(bit) or f"reason {bit:#x}"


def slowing(samples: Sequence[CallSamples]) -> set[int]:
    """The bits of SLOWDOWNS that were seen often enough in the calls of one run to be believed."""
    counts = _counts(samples)
    return {bit for bit in SLOWDOWNS if counts.get(bit, 0) >= (2 if bit & _MAY_BE_A_SWITCH else 1)}


def highest_clock(session: SessionState, run: RunState) -> int | None:
    """The highest SM clock in MHz of the device that ``run`` used; None in a session that went on with another one."""
    device, environment = session.device, run.environment
    if device is None or (environment is not None and environment.uuid and device.uuid not in (None, environment.uuid)):
        return None
    return device.max_sm_mhz


def is_low(clock: float | None, highest: int | None) -> bool:
    """Whether a call's median SM clock in MHz is under LOW_CLOCK of the device's highest."""
    return clock is not None and bool(highest) and clock < LOW_CLOCK * (highest or 0)


def is_foreign(samples: CallSamples, before: int | None) -> bool:
    """Whether a process came, went or computed, against the number ``before`` the run measured anything.

    Where process ids can't be matched nothing is known, and nobody is foreign.
    """
    if samples.others_busy:
        return True
    if samples.others is None:
        return False
    fewest, most = samples.others
    return fewest != most or (before is not None and most > before)


def is_gap(session: SessionState, run: RunState, samples: CallSamples) -> bool:
    """Whether NVML, which had been heard of, was silent for long during a call."""
    return _on_gpu(run) and bool(len(session.gpu)) and samples.gap_ns is not None and samples.gap_ns > GAP_NS


def slowdown_line(touched: Sequence[CallSamples], of: int) -> list[str]:
    """The flag for slowed calls."""
    if not touched:
        return []
    counts = _counts(touched)
    asked = sum(one.asked for one in touched)
    which = ", ".join(f"{name} ({counts[bit]} of {asked} samples)" for bit, name in SLOWDOWNS.items() if bit in counts)
    return [f"the GPU slowed down in {len(touched)} of {of} measured calls: {which}"]


def low_clock_line(touched: Sequence[CallSamples], of: int, device: DeviceSeen | None) -> list[str]:
    """The flag for calls at a low SM clock."""
    clocks = _clocks(touched)
    if not clocks or device is None or not device.max_sm_mhz:
        return []
    lowest = min(clocks)
    line = (
        f"the SM clock was low in {len(clocks)} of {of} measured calls: down to {lowest:.0f} of"
        f" {device.max_sm_mhz} MHz ({lowest / device.max_sm_mhz:.0%})"
    )
    return [line]


def drift_line(calls: Sequence[CallSamples]) -> list[str]:
    """The flag for a clock that was not the same in the first and in the last of a run's like calls."""
    clocks = [calls[0].sm_mhz, calls[-1].sm_mhz] if len(calls) > 1 else []
    known = [clock for clock in clocks if clock]
    if len(known) < 2 or max(known) / min(known) <= 1 + DRIFT:
        return []
    first, last = known
    line = (
        f"the SM clock drifted by {last / first - 1:+.1%} from the first measured call to the last:"
        f" {first:.0f} to {last:.0f} MHz"
    )
    return [line]


def spread_line(runs: Sequence[Sequence[CallSamples]]) -> list[str]:
    """The flag for runs of a case at different clocks."""
    clocks = [clock for calls in runs if (clock := median(_clocks(calls)))]
    if len(clocks) < 2 or max(clocks) / min(clocks) <= 1 + DRIFT:
        return []
    apart = max(clocks) / min(clocks) - 1
    return [f"the SM clock differs by {apart:.1%} between the runs: {min(clocks):.0f} to {max(clocks):.0f} MHz"]


def foreign_line(touched: Sequence[CallSamples], of: int) -> list[str]:
    """The flag for other processes on the device."""
    if not touched:
        return []
    most = max((one.others[1] for one in touched if one.others is not None), default=0)
    computed = sum(1 for one in touched if one.others_busy)
    who = "another process" if most <= 1 else f"up to {most} other processes"
    how = f"; computed in {computed}" if computed else ""
    return [f"{who} on the GPU came, went or computed in {len(touched)} of {of} measured calls{how}"]


def gap_line(touched: Sequence[CallSamples], of: int) -> list[str]:
    """The flag for silence."""
    if not touched:
        return []
    longest = max(one.gap_ns or 0 for one in touched) / 1e9
    line = (
        f"no NVML samples for up to {longest:.1f} s in {len(touched)} of {of} measured calls:"
        " a slowdown or another process would not have been seen"
    )
    return [line]


def remarks(session: SessionState, runs: Sequence[RunState], samples: Sequence[CallSamples]) -> list[str]:
    """What is worth knowing of the device, and what NVML could not say."""
    if not any(_on_gpu(run) for run in runs):
        return []
    device = session.device
    if not len(session.gpu):
        if device is None or device.reason is None:
            return []
        return [f"no GPU samples ({device.reason}): clocks, slowdowns, other processes and energy are unknown"]
    return [*_limits(samples), *_blind(device), *_neighbours(session, samples), *_unreadable(session)]


def _limits(samples: Sequence[CallSamples]) -> list[str]:
    counts = _counts(samples)
    asked = sum(one.asked for one in samples)
    named = [f"{name} ({counts[bit]} of {asked} samples)" for bit, name in _NORMAL.items() if counts.get(bit)]
    lines = [f"clocks were held down by {', '.join(named)}, as is normal under load"] if named else []
    single = [name for bit, name in SLOWDOWNS.items() if bit & _MAY_BE_A_SWITCH and counts.get(bit) == 1]
    lines += [f"{name} in a single sample: a change of power state looks the same" for name in single]
    new = [bit for bit in counts if bit not in SLOWDOWNS and bit not in _NORMAL and bit != GPU_IDLE]
    if new:
        lines.append(f"NVML gives reasons for the clock that have no name here: {', '.join(map(hex, sorted(new)))}")
    return lines


def _blind(device: DeviceSeen | None) -> list[str]:
    if device is None or device.supported_reasons is None:
        return []
    missing = [name for bit, name in SLOWDOWNS.items() if not device.supported_reasons & bit]
    return [f"this GPU can't report {', '.join(missing)}: that none was seen says nothing"] if missing else []


def _neighbours(session: SessionState, samples: Sequence[CallSamples]) -> list[str]:
    known = [one.others for one in samples if one.others is not None]
    if not known:
        reason = session.gpu_fields.get("others")
        return [f"whether other processes used the GPU is unknown{f': {reason}' if reason else ''}"] if samples else []
    most = max(most for _, most in known)
    if not most:
        return []
    who = "another process has" if most == 1 else f"up to {most} other processes have"
    busy = [one.others_busy for one in samples if one.others_busy is not None]
    if not busy:
        return [f"{who} the GPU open: whether they computed is unknown"]
    return [] if any(busy) else [f"{who} the GPU open, and did not compute"]


def _unreadable(session: SessionState) -> list[str]:
    gone = [f"{field} ({session.gpu_fields[field]})" for field in _FIELDS if field in session.gpu_fields]
    return [f"NVML does not give {', '.join(gone)}"] if gone else []


def _on_gpu(run: RunState) -> bool:
    return run.environment is not None and run.environment.device.startswith("cuda")


def _clocks(samples: Iterable[CallSamples]) -> list[float]:
    return [one.sm_mhz for one in samples if one.sm_mhz]


def _counts(samples: Iterable[CallSamples]) -> dict[int, int]:
    """In how many samples each bit was set."""
    counts: dict[int, int] = {}
    for one in samples:
        for bit, count in one.reasons.items():
            counts[bit] = counts.get(bit, 0) + count
    return counts
