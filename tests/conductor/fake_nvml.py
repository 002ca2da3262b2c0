# ruff: noqa: N802, N815 - the names are NVML's
"""A stand-in for the module ``pynvml`` whose every call can be told to fail, to block or to return nonsense."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

UUID = "5e1f0c2a-0000-4000-8000-000000000001"
OTHER = "5e1f0c2a-0000-4000-8000-000000000002"
ERRORS = {
    1: "Uninitialized",
    2: "Invalid Argument",
    3: "Not Supported",
    4: "Insufficient Permissions",
    6: "Not Found",
    9: "Driver Not Loaded",
    10: "Timeout",
    12: "NVML Shared Library Not Found",
    13: "Function Not Found",
    15: "GPU is lost",
    16: "GPU requires restart",
    18: "RM has detected an NVML/RM version mismatch.",
    25: "Argument Version Mismatch",
    26: "Deprecated",
    999: "Unknown Error",
}


class NVMLError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return ERRORS[self.value]


class FakeNvml:
    """Answers like one healthy GPU among three. ``script[name]`` is what a call does instead: an error code, an
    exception to raise, a function to call, or a value to return.
    """

    NVMLError = NVMLError
    nvmlMemory_v2 = 0x02000028

    def __init__(self) -> None:
        self.script: dict[str, Any] = {}
        self.calls: list[str] = []
        self.uuids = [f"GPU-{OTHER}", f"GPU-{UUID}", "MIG-6e1f0c2a-0000-4000-8000-000000000003"]
        self.processes: list[tuple[int, int | None]] = []
        self.energy = 1_000_000
        self.utilization: list[tuple[int, int, int]] = []  # pid, microsecond, percent: what the driver remembers

    def answer(self, name: str, value: Callable[[], Any]) -> Any:
        self.calls.append(name)
        if name not in self.script:
            return value()
        told = self.script[name]
        if isinstance(told, BaseException):
            raise told
        if type(told) is int and told in ERRORS:
            raise NVMLError(told)
        return told() if callable(told) else told

    def nvmlInit(self) -> None:
        self.answer("nvmlInit", lambda: None)

    def nvmlSystemGetDriverVersion(self) -> Any:
        return self.answer("nvmlSystemGetDriverVersion", lambda: "580.95.05")

    def nvmlDeviceGetHandleByUUID(self, uuid: bytes) -> Any:
        def find() -> str:
            if uuid.decode() not in self.uuids:
                raise NVMLError(6)
            return uuid.decode()

        return self.answer("nvmlDeviceGetHandleByUUID", find)

    def nvmlDeviceGetHandleByPciBusId(self, _bus: bytes) -> Any:
        return self.answer("nvmlDeviceGetHandleByPciBusId", lambda: self.uuids[1])

    def nvmlDeviceGetUUID(self, handle: str) -> Any:
        return self.answer("nvmlDeviceGetUUID", lambda: handle)

    def nvmlDeviceGetName(self, _handle: str) -> Any:
        return self.answer("nvmlDeviceGetName", lambda: "NVIDIA H200")

    def nvmlDeviceGetMemoryInfo(self, _handle: str, version: int | None = None) -> Any:
        name = "nvmlDeviceGetMemoryInfo" + ("_v2" if version else "")
        return self.answer(name, lambda: SimpleNamespace(total=150 << 30, used=(7 if version else 8) << 30))

    def nvmlDeviceGetUtilizationRates(self, _handle: str) -> Any:
        return self.answer("nvmlDeviceGetUtilizationRates", lambda: SimpleNamespace(gpu=97, memory=40))

    def nvmlDeviceGetPowerUsage(self, _handle: str) -> Any:
        return self.answer("nvmlDeviceGetPowerUsage", lambda: 512_000)

    def nvmlDeviceGetTotalEnergyConsumption(self, _handle: str) -> Any:
        return self.answer("nvmlDeviceGetTotalEnergyConsumption", lambda: self.energy)

    def nvmlDeviceGetTemperature(self, _handle: str, _sensor: int) -> Any:
        return self.answer("nvmlDeviceGetTemperature", lambda: 55)

    def nvmlDeviceGetTemperatureV(self, _handle: str, _sensor: int) -> Any:
        return self.answer("nvmlDeviceGetTemperatureV", lambda: 56)

    def nvmlDeviceGetClockInfo(self, _handle: str, kind: int) -> Any:
        return self.answer("nvmlDeviceGetClockInfo", lambda: {1: 1980, 2: 3201}[kind])

    def nvmlDeviceGetMaxClockInfo(self, _handle: str, kind: int) -> Any:
        return self.answer("nvmlDeviceGetMaxClockInfo", lambda: {1: 1980, 2: 3201}[kind])

    def nvmlDeviceGetSupportedClocksEventReasons(self, _handle: str) -> Any:
        return self.answer("nvmlDeviceGetSupportedClocksEventReasons", lambda: 0x1FF)

    def nvmlDeviceGetSupportedClocksThrottleReasons(self, _handle: str) -> Any:
        return self.answer("nvmlDeviceGetSupportedClocksThrottleReasons", lambda: 0xFF)

    def nvmlDeviceGetCurrentClocksEventReasons(self, _handle: str) -> Any:
        return self.answer("nvmlDeviceGetCurrentClocksEventReasons", lambda: 0x4)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, _handle: str) -> Any:
        return self.answer("nvmlDeviceGetCurrentClocksThrottleReasons", lambda: 0x8)

    def nvmlDeviceGetProcessUtilization(self, _handle: str, since_us: int) -> Any:
        def rows() -> list[SimpleNamespace]:
            found = [row for row in self.utilization if row[1] > since_us]
            if not found:
                raise NVMLError(6)
            return [SimpleNamespace(pid=pid, timeStamp=us, smUtil=percent) for pid, us, percent in found]

        return self.answer("nvmlDeviceGetProcessUtilization", rows)

    def nvmlDeviceGetComputeRunningProcesses(self, _handle: str) -> Any:
        return self.answer(
            "nvmlDeviceGetComputeRunningProcesses",
            lambda: [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in self.processes],
        )
