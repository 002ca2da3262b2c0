"""NVML, with every call expected to fail: a figure is a number or a reason why there is none, never a made-up zero.

The binding is nvidia-ml-py (module ``pynvml``); it is passed in, so that tests can script its failures.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

GPU_IS_LOST = 15
RESET_REQUIRED = 16
_NOT_IN_THIS_DRIVER = (13, 25, 26)  # FunctionNotFound, ArgumentVersionMismatch, Deprecated
_NO_VALUE = 2**32 - 1  # NVML's "not available" in the narrower of its two widths
_MOST = 2**63 - 1  # the wider one, 2**64 - 1, and what drivers make of it by rounding are above
_NOT_FOUND = 6
_BY_UUID = "nvmlDeviceGetHandleByUUID"
_KINDS = ("GPU-", "MIG-")
_SM_CLOCK, _MEMORY_CLOCK, _GPU_SENSOR = 1, 2, 0


class NvmlUnavailable(Exception):
    """There is no NVML to ask; one line says why."""


class BindingUnusable(NvmlUnavailable):
    """The Python module isn't there, is damaged, or is another one of the name."""


class DeviceUnknown(Exception):
    """NVML has no device that is surely the one that is measured; one line says why."""


class DeviceLost(Exception):
    """The device fell off the bus or needs a reset; one line says which. It must not be asked again."""


class Readings(NamedTuple):
    """One look at a device: ``values`` and ``reasons`` are by field name, every field is in just one of them."""

    values: dict[str, int]
    reasons: dict[str, str]


class Process(NamedTuple):
    """A process with a compute context on the device; ``bytes`` None where the driver doesn't say."""

    pid: int
    bytes: int | None


def load(import_module: Callable[[str], Any] = importlib.import_module) -> Any:
    """The initialised binding. Raises NvmlUnavailable."""
    try:
        nvml = import_module("pynvml")
    except Exception as error:  # a damaged module can raise anything
        raise BindingUnusable(f"the module pynvml can't be imported: {describe(error)}") from error
    if not callable(getattr(nvml, "nvmlInit", None)) or not hasattr(nvml, "NVMLError"):
        raise BindingUnusable("the module pynvml that is installed is not nvidia-ml-py")
    try:
        nvml.nvmlInit()
    except Exception as error:  # every code is possible here, and the loader's OSError
        raise NvmlUnavailable(f"NVML: {describe(error)}") from error
    return nvml


def unload(nvml: Any) -> None:
    """Let go of what ``load`` returned. Never raises."""
    with contextlib.suppress(Exception):  # whatever a driver can come up with: nothing depends on it
        nvml.nvmlShutdown()


def driver_version(nvml: Any) -> str:
    """The driver's version, as it gives it. Raises NvmlUnavailable with the reason."""
    try:
        value = nvml.nvmlSystemGetDriverVersion()
    except Exception as error:  # every code is possible, and a binding that lacks the call
        raise NvmlUnavailable(f"NVML: {describe(error)}") from error
    found = _texted(value)
    if found is None:
        raise NvmlUnavailable("NVML gives no driver version")
    return found


def describe(error: BaseException) -> str:
    """One line for ``error``. Never raises: pynvml asks the driver for the text of codes it doesn't know."""
    try:
        text = str(error)
    except Exception:
        text = f"error {getattr(error, 'value', '?')}"
    return " ".join(text.split()) or type(error).__name__


class Device:
    """The device under measurement, as NVML sees it."""

    def __init__(self, nvml: Any, uuid: str | None, pci_bus_id: str | None) -> None:
        """Find the device by the UUID the worker reports, else by its PCI bus id; never by an index: NVML counts in
        another order than CUDA. Raises DeviceUnknown, DeviceLost.

        A bus id is that of a whole GPU: where the worker has a slice of it, or another one, the UUIDs tell.
        """
        self._nvml = nvml
        self._chosen: dict[str, int] = {}
        self._handle, by_uuid = _find(nvml, uuid, pci_bus_id)
        self.uuid = self._text("nvmlDeviceGetUUID", self._handle)
        if uuid and not by_uuid and self.uuid is None:
            raise DeviceUnknown(f"NVML has a device at {pci_bus_id}, and no UUID to tell whether it is {uuid}")
        if uuid and self.uuid and not _same(self.uuid, uuid):
            raise DeviceUnknown(f"NVML knows the worker's device as {self.uuid}, torch as {uuid}")
        self.name = self._text("nvmlDeviceGetName", self._handle)
        self.driver = self._text("nvmlSystemGetDriverVersion")
        self.total_bytes = self._number(lambda: nvml.nvmlDeviceGetMemoryInfo(self._handle).total)
        self.max_sm_mhz = self._number(lambda: nvml.nvmlDeviceGetMaxClockInfo(self._handle, _SM_CLOCK))
        self.supported_reasons = self._first_number(
            lambda: nvml.nvmlDeviceGetSupportedClocksEventReasons(self._handle),
            lambda: nvml.nvmlDeviceGetSupportedClocksThrottleReasons(self._handle),  # its name in old drivers
        )
        self._seen_us: int | None = None  # the newest look at who computes

    @property
    def used_includes_reserved(self) -> bool:
        """Whether ``used_bytes`` comes from NVML's first memory structure, which counts the driver's reserve in."""
        return self._chosen.get("used_bytes", 0) > 0

    def read(self) -> Readings:
        """Read every figure once. Raises DeviceLost."""
        found = Readings({}, {})
        for field, ways in _FIELDS.items():
            try:
                found.values[field] = self._ask(field, ways)
            except _NoFigure as error:
                found.reasons[field] = str(error)
        return found

    def processes(self) -> list[Process]:
        """The processes that compute on the device. Raises NvmlUnavailable with the reason, DeviceLost."""
        try:
            rows = self._call(lambda: self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle))
            return [Process(int(row.pid), _figure(row.usedGpuMemory)) for row in rows]
        except _Failed as error:
            raise NvmlUnavailable(str(error)) from error
        except (AttributeError, TypeError, ValueError) as error:
            raise NvmlUnavailable(f"NVML's list of processes makes no sense: {describe(error)}") from error

    def computing(self) -> set[int] | None:
        """The processes that computed since this was asked last; None the first time, and where nobody says.

        Raises DeviceLost. NVML keeps a short history, of which the first answer only shows where it ends.
        """
        since = self._seen_us
        try:
            rows = self._call(lambda: self._nvml.nvmlDeviceGetProcessUtilization(self._handle, since or 0))
            newest = max((int(row.timeStamp) for row in rows), default=0)
            busy = {int(row.pid) for row in rows if int(row.timeStamp) > (since or 0) and int(row.smUtil) > 0}
        except _Failed as error:
            if error.code != _NOT_FOUND:
                return None
            newest, busy = 0, set()  # nobody did
        except (AttributeError, TypeError, ValueError):
            return None
        self._seen_us = max(since or 0, newest)
        return None if since is None else busy

    def _ask(self, field: str, ways: tuple[_Way, ...]) -> int:
        """Ask in the way that worked last; on to the next one where a driver doesn't have it."""
        first = self._chosen.get(field, 0)
        for position, way in enumerate(ways[first:], start=first):
            try:
                value = self._call(way, self._nvml, self._handle)
            except _Failed as error:
                if error.missing and position + 1 < len(ways):
                    continue
                raise _NoFigure(str(error)) from error
            self._chosen[field] = position
            figure = _figure(value)
            if figure is None:
                raise _NoFigure("the driver gives no value")
            return figure
        raise _NoFigure("no way to ask for it")

    def _call(self, function: Callable[..., Any], *arguments: object) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # every NVML call may fail at any time with any code, and the binding with it
            code = getattr(error, "value", None)
            if code in (GPU_IS_LOST, RESET_REQUIRED):
                raise DeviceLost(describe(error)) from error
            absent = isinstance(error, (AttributeError, TypeError)) or code in _NOT_IN_THIS_DRIVER
            raise _Failed(describe(error), absent, code) from error

    def _text(self, function: str, *arguments: object) -> str | None:
        try:
            value = self._call(lambda: getattr(self._nvml, function)(*arguments))
        except _Failed:
            return None
        return _texted(value)

    def _number(self, function: Callable[[], Any]) -> int | None:
        try:
            return _figure(self._call(function))
        except _Failed:
            return None

    def _first_number(self, *functions: Callable[[], Any]) -> int | None:
        return next((number for function in functions if (number := self._number(function)) is not None), None)


class _Failed(Exception):
    """An NVML call failed; ``missing``: this driver or binding doesn't have it at all. ``code`` is NVML's."""

    def __init__(self, text: str, missing: bool, code: object = None) -> None:
        super().__init__(text)
        self.missing = missing
        self.code = code


class _NoFigure(Exception):
    """A field that can't be read now, and why."""


_Way = Callable[[Any, Any], Any]

_FIELDS: dict[str, tuple[_Way, ...]] = {
    "used_bytes": (
        lambda nvml, device: nvml.nvmlDeviceGetMemoryInfo(device, version=nvml.nvmlMemory_v2).used,
        lambda nvml, device: nvml.nvmlDeviceGetMemoryInfo(device).used,
    ),
    "utilization": (lambda nvml, device: nvml.nvmlDeviceGetUtilizationRates(device).gpu,),
    "power_mw": (lambda nvml, device: nvml.nvmlDeviceGetPowerUsage(device),),
    "energy_mj": (lambda nvml, device: nvml.nvmlDeviceGetTotalEnergyConsumption(device),),
    "temperature_c": (
        lambda nvml, device: nvml.nvmlDeviceGetTemperature(device, _GPU_SENSOR),
        # The successor of the one above, which goes with CUDA 14.
        lambda nvml, device: nvml.nvmlDeviceGetTemperatureV(device, _GPU_SENSOR),
    ),
    "sm_mhz": (lambda nvml, device: nvml.nvmlDeviceGetClockInfo(device, _SM_CLOCK),),
    "memory_mhz": (lambda nvml, device: nvml.nvmlDeviceGetClockInfo(device, _MEMORY_CLOCK),),
    "reasons": (
        lambda nvml, device: nvml.nvmlDeviceGetCurrentClocksEventReasons(device),
        lambda nvml, device: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(device),  # its name in old drivers
    ),
}


def _figure(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= _MOST and value != _NO_VALUE else None


def _texted(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return value if isinstance(value, str) and value else None


def _find(nvml: Any, uuid: str | None, pci_bus_id: str | None) -> tuple[Any, bool]:
    """The device's handle, and whether it was found by the UUID."""
    ways: list[tuple[str, str]] = []
    if uuid:
        # A slice is never taken for the GPU that it is of, whose figures are those of all slices together.
        ways += [(prefix + _bare(uuid), _BY_UUID) for prefix in _KINDS if uuid.startswith((prefix, _bare(uuid)))]
    if pci_bus_id:
        ways.append((pci_bus_id, "nvmlDeviceGetHandleByPciBusId"))
    if not ways:
        raise DeviceUnknown("the worker's device has neither a UUID nor a PCI bus id")
    failures: list[str] = []
    for name, function in ways:
        try:
            return getattr(nvml, function)(name.encode()), function == _BY_UUID
        except Exception as error:  # every code is possible; the reasons of all ways are reported together
            if getattr(error, "value", None) in (GPU_IS_LOST, RESET_REQUIRED):
                raise DeviceLost(describe(error)) from error
            failures.append(f"{name}: {describe(error)}")
    raise DeviceUnknown(f"NVML does not find the worker's device ({'; '.join(failures)})")


def _bare(uuid: str) -> str:
    return uuid.removeprefix("GPU-").removeprefix("MIG-")


def _same(one: str, other: str) -> bool:
    """Whether two UUIDs are of one device; where both say of which kind, a slice and a GPU are two."""
    kinds = {uuid[:4] for uuid in (one, other)} & {*_KINDS}
    return _bare(one).lower() == _bare(other).lower() and len(kinds) < 2
