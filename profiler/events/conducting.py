"""What the conductor writes."""

from __future__ import annotations

from profiler.events.base import Event, Int64


class SessionChanged(Event, tag="session"):
    """The session's state: ``running``, then once ``done``, ``stopped`` or ``failed``."""

    state: str = ""
    reason: str | None = None


class RunChanged(Event, tag="run"):
    """A run's state as the conductor sees it: ``queued``, ``running``, ``ended``."""

    run: str = ""
    state: str = ""
    pid: Int64 | None = None
    outcome: str | None = None  # with ``ended``: ok, oom, failed, unsupported, stopped, died
    reason: str | None = None
    exit_code: Int64 | None = None
    signal: Int64 | None = None
    cold: bool | None = None  # with ``running``: the case's compile-cache folder was empty


class DeviceSeen(Event, tag="device"):
    """What NVML says about the device under measurement, once its UUID is known; or why NVML has nothing to say."""

    uuid: str | None = None
    name: str | None = None
    total_bytes: Int64 | None = None
    driver: str | None = None
    max_sm_mhz: Int64 | None = None  # the highest SM clock that the device has
    supported_reasons: Int64 | None = None  # the clock event reasons that it can report; another's bit is never set
    reason: str | None = None  # why there are no GPU samples


class GpuSample(Event, tag="gpu"):
    """NVML's view of the device. A field that could not be read is None; ``GpuField`` says why."""

    used_bytes: Int64 | None = None  # the whole device, all processes
    process_bytes: Int64 | None = None  # best effort: this run's processes
    utilization: Int64 | None = None  # percent of the driver's sample period with a kernel running
    power_mw: Int64 | None = None
    energy_mj: Int64 | None = None  # a counter since the driver was loaded
    temperature_c: Int64 | None = None
    sm_mhz: Int64 | None = None
    memory_mhz: Int64 | None = None
    reasons: Int64 | None = None  # clock event reasons, NVML's bit mask
    others: Int64 | None = None  # processes on the device that aren't this run's; None where pids can't be matched
    others_busy: Int64 | None = None  # how many of those computed since the sample before; None where nobody says


class GpuField(Event, tag="gpu_field"):
    """One field of ``GpuSample`` became unreadable (``reason``) or readable again (``reason`` None)."""

    field: str = ""
    reason: str | None = None


class Command(Event, tag="command"):
    """A command from ``control/`` was taken."""

    command: str = ""  # stop, skip
    run: str | None = None
    pid: Int64 | None = None
