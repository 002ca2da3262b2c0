"""NVML: every call fails with every code, and no figure is ever made up."""

from __future__ import annotations

import pytest

from profiler.conductor import nvml
from tests.conductor.fake_nvml import ERRORS, OTHER, UUID, FakeNvml

READS = {
    "nvmlDeviceGetMemoryInfo_v2": "used_bytes",
    "nvmlDeviceGetUtilizationRates": "utilization",
    "nvmlDeviceGetPowerUsage": "power_mw",
    "nvmlDeviceGetTotalEnergyConsumption": "energy_mj",
    "nvmlDeviceGetTemperature": "temperature_c",
    "nvmlDeviceGetClockInfo": "sm_mhz",
    "nvmlDeviceGetCurrentClocksEventReasons": "reasons",
}
HAS_ANOTHER_WAY = {"used_bytes": 8 << 30, "temperature_c": 56, "reasons": 0x8}
LOST = (15, 16)


def device(fake: FakeNvml) -> nvml.Device:
    return nvml.Device(fake, UUID, None)


def test_a_healthy_device() -> None:
    found = device(FakeNvml())
    assert (found.uuid, found.name, found.driver) == (f"GPU-{UUID}", "NVIDIA H200", "580.95.05")
    assert (found.total_bytes, found.max_sm_mhz, found.supported_reasons) == (150 << 30, 1980, 0x1FF)
    readings = found.read()
    assert readings.reasons == {}
    assert readings.values == {
        "used_bytes": 7 << 30,
        "utilization": 97,
        "power_mw": 512_000,
        "energy_mj": 1_000_000,
        "temperature_c": 55,
        "sm_mhz": 1980,
        "memory_mhz": 3201,
        "reasons": 0x4,
    }
    assert not found.used_includes_reserved


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("code", ERRORS)
def test_each_call_fails_with_each_code(call: str, code: int) -> None:
    fake = FakeNvml()
    found = device(fake)
    whole = found.read().values
    fake.script[call] = code
    field = READS[call]
    if code in LOST:
        with pytest.raises(nvml.DeviceLost, match=ERRORS[code]):
            found.read()
        return
    readings = found.read()
    if field in HAS_ANOTHER_WAY and code in (13, 25, 26):
        assert readings.values[field] == HAS_ANOTHER_WAY[field]
        assert readings.reasons == {}
    else:
        assert field not in readings.values
        assert readings.reasons[field] == ERRORS[code]
    assert {name: whole[name] for name in readings.values if name != field} == {
        name: value for name, value in readings.values.items() if name != field
    }
    del fake.script[call]
    assert found.read().reasons == {}


@pytest.mark.parametrize(
    "nonsense", [None, b"12", "12", 2**64 - 1, 2**32 - 1, -1, 1.5, True, float("nan"), ...], ids=repr
)
def test_nonsense_is_not_a_figure(nonsense: object) -> None:
    fake = FakeNvml()
    found = device(fake)
    fake.script["nvmlDeviceGetPowerUsage"] = lambda: nonsense
    readings = found.read()
    assert "power_mw" not in readings.values
    assert readings.reasons == {"power_mw": "the driver gives no value"}


def test_zero_is_a_figure() -> None:
    fake = FakeNvml()
    fake.script["nvmlDeviceGetPowerUsage"] = lambda: 0
    assert device(fake).read().values["power_mw"] == 0


def test_a_way_that_worked_is_kept() -> None:
    fake = FakeNvml()
    fake.script["nvmlDeviceGetMemoryInfo_v2"] = 13
    found = device(fake)
    found.read()
    fake.calls.clear()
    found.read()
    assert "nvmlDeviceGetMemoryInfo_v2" not in fake.calls
    assert found.used_includes_reserved


def test_a_binding_without_the_newer_names_is_asked_by_the_older_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(FakeNvml, "nvmlDeviceGetCurrentClocksEventReasons")
    monkeypatch.delattr(FakeNvml, "nvmlMemory_v2")
    readings = device(FakeNvml()).read()
    assert readings.values["reasons"] == 0x8
    assert readings.values["used_bytes"] == 8 << 30


@pytest.mark.parametrize("uuid", [UUID, f"GPU-{UUID}", UUID.upper().lower()])
def test_the_device_is_found_by_its_uuid(uuid: str) -> None:
    assert nvml.Device(FakeNvml(), uuid, None).uuid == f"GPU-{UUID}"


def test_a_part_of_a_device_is_found_by_its_uuid() -> None:
    fake = FakeNvml()
    assert nvml.Device(fake, fake.uuids[2], None).uuid == fake.uuids[2]
    assert nvml.Device(fake, fake.uuids[2].removeprefix("MIG-"), None).uuid == fake.uuids[2]


def test_the_bus_id_is_the_second_choice() -> None:
    assert nvml.Device(FakeNvml(), None, "0000:3B:00.0").uuid == f"GPU-{UUID}"


def test_another_device_on_the_bus_id_is_refused() -> None:
    with pytest.raises(nvml.DeviceUnknown, match="torch as"):
        nvml.Device(FakeNvml(), "00000000-0000-4000-8000-000000000009", "0000:3B:00.0")
    assert OTHER != UUID


@pytest.mark.parametrize("uuid", ["", None, "0", "-1", "GPU-"])
def test_a_device_that_is_not_surely_known_is_unknown(uuid: str | None) -> None:
    with pytest.raises(nvml.DeviceUnknown):
        nvml.Device(FakeNvml(), uuid, None)


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("call", ["nvmlDeviceGetHandleByUUID", "nvmlDeviceGetHandleByPciBusId"])
def test_no_handle(call: str, code: int) -> None:
    fake = FakeNvml()
    fake.script[call] = code
    by_bus = call.endswith("PciBusId")
    with pytest.raises((nvml.DeviceUnknown, nvml.DeviceLost), match=ERRORS[code]):
        nvml.Device(fake, None if by_bus else UUID, "0000:3B:00.0" if by_bus else None)


@pytest.mark.parametrize("call", ["nvmlDeviceGetUUID", "nvmlDeviceGetName", "nvmlSystemGetDriverVersion"])
def test_names_may_be_anything(call: str) -> None:
    fake = FakeNvml()
    for told in (3, 999, b"\xff\xfeGPU", UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), 12.5):
        fake.script[call] = told
        if call == "nvmlDeviceGetUUID" and isinstance(told, bytes):
            continue  # another UUID than the worker's: refused, see above
        found = device(fake)
        assert all(value is None or isinstance(value, str) for value in (found.uuid, found.name, found.driver))


def test_processes() -> None:
    fake = FakeNvml()
    fake.processes = [(10, 5 << 30), (11, None), (12, 2**64 - 1)]
    assert device(fake).processes() == [(10, 5 << 30), (11, None), (12, None)]
    for told in (3, None, [object()], "12"):
        fake.script["nvmlDeviceGetComputeRunningProcesses"] = told
        with pytest.raises(nvml.NvmlUnavailable):
            device(fake).processes()


def test_loading() -> None:
    def importing(answer: object) -> object:
        def do(_name: str) -> object:
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return do

    fake = FakeNvml()
    assert nvml.load(importing(fake)) is fake  # type: ignore[arg-type]
    assert fake.calls == ["nvmlInit"]
    for code in (9, 12, 18, 999):
        fake.script["nvmlInit"] = code
        with pytest.raises(nvml.NvmlUnavailable, match=ERRORS[code]):
            nvml.load(importing(fake))  # type: ignore[arg-type]
    for damaged in (ImportError("no module"), SyntaxError("broken"), ValueError("worse"), object()):
        with pytest.raises(nvml.NvmlUnavailable, match="pynvml"):
            nvml.load(importing(damaged))  # type: ignore[arg-type]


def test_an_error_whose_text_fails_is_described() -> None:
    class Mute(Exception):
        value = 77

        def __str__(self) -> str:
            raise OSError("the library is gone")

    assert nvml.describe(Mute()) == "error 77"
    assert nvml.describe(ValueError("a\nb")) == "a b"
    assert nvml.describe(ValueError()) == "ValueError"


@pytest.mark.parametrize("code", [code for code in ERRORS if code not in LOST])
def test_what_a_device_is_may_remain_unknown(code: int) -> None:
    fake = FakeNvml()
    for name in ("nvmlDeviceGetMaxClockInfo", "nvmlDeviceGetSupportedClocksThrottleReasons"):
        fake.script[name] = code
    fake.script["nvmlDeviceGetSupportedClocksEventReasons"] = 13
    found = device(fake)
    assert (found.max_sm_mhz, found.supported_reasons) == (None, None)


def test_old_drivers_know_the_supported_reasons_by_another_name() -> None:
    fake = FakeNvml()
    fake.script["nvmlDeviceGetSupportedClocksEventReasons"] = 13
    assert device(fake).supported_reasons == 0xFF
