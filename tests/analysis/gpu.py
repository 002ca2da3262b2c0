"""A run on a GPU for tests of what NVML saw: calls of one second, a second apart, and ten samples in each second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.state import RunState, SessionState
from tests.analysis.events import MS, call, fold, request

SECOND = 1000 * MS
FIRST_S = 3  # the second in which the first measured call begins
HIGHEST_MHZ = 2000

Change = Callable[[int, float], dict[str, Any]]
"""Given the measured call (-1: before the first) and the second of the log: in which fields a sample differs."""


def sample(t_s: float, **changes: Any) -> ev.GpuSample:
    """A sample of a healthy device at 400 W."""
    usual = ev.GpuSample(
        t=round(t_s * SECOND),
        used_bytes=9 << 30,
        utilization=98,
        power_mw=400_000,
        energy_mj=round(5_000_000 + t_s * 400_000),
        sm_mhz=1980,
        memory_mhz=3200,
        reasons=0,
        others=0,
    )
    return replace(usual, **changes)


def log(calls: int, *, device: str = "cuda:0", host: dict[int, dict[str, int]] | None = None) -> list[ev.Event]:
    """A worker's log: call N from second 3 + 2N on for one second, of two steps; ``host``: fields of CallEnded."""
    found: list[ev.Event] = [
        ev.Header(t=1, writer="worker"),
        ev.Environment(t=2, device=device, device_name="NVIDIA H200", cores=4, threads=4),
        ev.PhaseStarted(t=SECOND, phase="load"),
        ev.Memory(t=2 * SECOND, phase="load", reserved_bytes=6 << 30, allocated_bytes=5 << 30),
        ev.PhaseStarted(t=round(2.5 * SECOND), phase="measure", calls=calls),
    ]
    for number in range(calls):
        *events, ended = call(number, "measure", (FIRST_S + 2 * number) * 1000, [500.0, 500.0], host_bound=False)
        found += [*events, replace(ended, **(host or {}).get(number, {}))]
    return found


def session(
    calls: int = 3,
    change: Change | None = None,
    *,
    worker: list[ev.Event] | None = None,
    device: ev.DeviceSeen | None = None,
    more: tuple[ev.Event, ...] = (),
    without: Callable[[float], bool] = lambda _: False,
    minor: int = ev.SCHEMA_MINOR,
) -> tuple[SessionState, RunState]:
    """One run of ``calls``, sampled ten times a second but where ``without`` says so, as folded state."""
    given = request(variants=["no-compile"], repeats=1)
    seen = device or ev.DeviceSeen(
        t=3, uuid="GPU-0", name="NVIDIA H200", max_sm_mhz=HIGHEST_MHZ, supported_reasons=0x7FF
    )
    conductor: list[ev.Event] = [ev.Header(t=1, writer="conductor", minor=minor), seen, *more]
    for tenth in range(10, (FIRST_S + 2 * calls) * 10 + 1):
        t_s = tenth / 10
        if not without(t_s):
            since = t_s - FIRST_S
            number = int(since // 2) if since >= 0 and since % 2 <= 1 else -1
            conductor.append(sample(t_s, **(change(number, t_s) if change else {})))
    name = given.runs[0].name
    state = fold(given, {name: log(calls) if worker is None else worker}, conductor).state
    return state, state.runs[name]
