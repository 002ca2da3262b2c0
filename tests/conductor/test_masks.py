"""Which device is sampled: the one that the worker has, whatever CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER make of it.

A machine is made up: three GPUs, the last of which may be cut into slices, with one order on the bus, which NVML counts
in, and another one by speed, which CUDA counts in unless it is told otherwise.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch

from profiler import devices
from profiler import events as ev
from profiler.conductor import nvml
from profiler.conductor.gpu import FAST_SECONDS, Focus, GpuSampler
from profiler.worker import device
from tests.conductor.fake_nvml import FakeNvml, NVMLError

LEADER = 4242


class Gpu(NamedTuple):
    uuid: str
    bus: int
    speed: int
    slices: tuple[str, ...] = ()
    name: str = "NVIDIA H200"


A = Gpu("5e1f0c2a-0000-4000-8000-00000000000a", 0x1B, 1)
B = Gpu("5e1f0c2a-0000-4000-8000-00000000000b", 0x3B, 3)
C = Gpu("6e1f0c2a-0000-4000-8000-00000000000c", 0x5B, 2)
ON_THE_BUS = (A, B, C)
SLICES = ("7e1f0c2a-0000-4000-8000-000000000001", "7e1f0c2a-0000-4000-8000-000000000002")
CUT = C._replace(slices=SLICES)


def seen_by_cuda(gpus: tuple[Gpu, ...], mask: str | None, order: str) -> list[str]:
    """The UUIDs as CUDA counts them, with their kinds, by its programming guide (CUDA environment variables)."""
    counted = sorted(gpus, key=(lambda gpu: gpu.bus) if order == "PCI_BUS_ID" else (lambda gpu: -gpu.speed))
    whole = [f"GPU-{gpu.uuid}" if not gpu.slices else f"MIG-{gpu.slices[0]}" for gpu in counted]
    if mask is None:
        return whole
    every = [*whole, *(f"MIG-{one}" for gpu in gpus for one in gpu.slices)]
    found: list[str] = []
    for word in mask.split(","):
        named = [uuid for uuid in dict.fromkeys(every) if word[:4] in ("GPU-", "MIG-") and uuid.startswith(word)]
        if len(named) == 1:
            found += named
        elif word.isdecimal() and int(word) < len(whole):
            found.append(whole[int(word)])
        else:
            break
    return [] if len(set(found)) < len(found) else found


class Driver(FakeNvml):
    """NVML of the same machine: it knows nothing of masks and orders."""

    def __init__(self, gpus: tuple[Gpu, ...]) -> None:
        super().__init__()
        self.uuids = [f"GPU-{gpu.uuid}" for gpu in gpus] + [f"MIG-{one}" for gpu in gpus for one in gpu.slices]
        self.buses = {f"{0:08X}:{gpu.bus:02X}:00.0": f"GPU-{gpu.uuid}" for gpu in gpus}

    def nvmlDeviceGetHandleByPciBusId(self, bus: bytes) -> Any:  # noqa: N802
        def find() -> str:
            if bus.decode() not in self.buses:
                raise NVMLError(6)
            return self.buses[bus.decode()]

        return self.answer("nvmlDeviceGetHandleByPciBusId", find)


def properties(gpus: tuple[Gpu, ...], uuid: str, *, told: bool = True, of_the_gpu: bool = False) -> SimpleNamespace:
    """torch's of the device. ``told``: it has a UUID; ``of_the_gpu``: of a slice that of the GPU it is of."""
    bare = uuid[4:]
    [gpu] = [gpu for gpu in gpus if bare in (gpu.uuid, *gpu.slices)]
    sliced = uuid.startswith("MIG-")
    found = SimpleNamespace(
        name=f"{gpu.name} MIG 1g.18gb" if sliced else gpu.name,
        total_memory=150 << 30,
        pci_domain_id=0,
        pci_bus_id=gpu.bus,
        pci_device_id=0,
    )
    if told:
        found.uuid = gpu.uuid if of_the_gpu else bare
    return found


def sampled(
    monkeypatch: pytest.MonkeyPatch, driver: Driver, visible: list[SimpleNamespace], index: int
) -> ev.DeviceSeen:
    """What the sampler finds for the device that a worker reports of ``cuda:index``."""
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(visible))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: visible[number])
    about = device.describe(f"cuda:{index}", trace=False, trace_reason=None)
    written: list[ev.Event] = []
    sampler = GpuSampler(written.append, load=lambda: driver, session_of=lambda pid: pid, host_pids=True)
    sampler.open()
    sampler.tick(Focus(LEADER, about.uuid, about.pci_bus_id, FAST_SECONDS))
    [seen] = [event for event in written if isinstance(event, ev.DeviceSeen)]
    assert bool(seen.reason) != any(isinstance(event, ev.GpuSample) for event in written)
    return seen


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions of packages are of no interest here."""
    monkeypatch.setattr(device.environment, "versions", dict)


MASKS = [
    None,
    "0",
    "2,0",
    "1,2,0",
    "0,1,7,2",
    "-1,0",
    "",
    "1,1",
    "NoDevFiles",
    f"GPU-{B.uuid}",
    f"GPU-{C.uuid},GPU-{A.uuid}",
    "GPU-6e1f",
    "GPU-5e1f",  # of two: none
    f"GPU-{A.uuid},GPU-{A.uuid}",
    f"MIG-{SLICES[1]}",
    f"MIG-{SLICES[1]},MIG-{SLICES[0]}",
]


@pytest.mark.parametrize("order", ["FASTEST_FIRST", "PCI_BUS_ID"])
@pytest.mark.parametrize("gpus", [ON_THE_BUS, (A, B, CUT)], ids=["whole", "cut"])
def test_the_device_that_is_sampled_is_the_workers(
    order: str, gpus: tuple[Gpu, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    met = set()
    for mask in MASKS:
        uuids = seen_by_cuda(gpus, mask, order)
        driver = Driver(gpus)
        for index, uuid in enumerate(uuids):
            seen = sampled(monkeypatch, driver, [properties(gpus, one) for one in uuids], index)
            assert (seen.uuid, seen.reason) == (uuid, None), (mask, index)
            met.add(uuid)
        assert "nvmlDeviceGetHandleByIndex" not in driver.calls
        with pytest.raises(device.DeviceUnavailable, match=rf"there are {len(uuids)} CUDA devices, counted from 0"):
            sampled(monkeypatch, driver, [properties(gpus, one) for one in uuids], len(uuids))
    assert len(met) >= len(gpus)


def test_the_orders_differ() -> None:
    """Else the test above would see nothing of them."""
    by_speed, by_bus = (seen_by_cuda(ON_THE_BUS, None, order) for order in ("FASTEST_FIRST", "PCI_BUS_ID"))
    assert by_speed != by_bus == [f"GPU-{gpu.uuid}" for gpu in ON_THE_BUS]


@pytest.mark.parametrize("mask", [mask for mask in MASKS if mask is not None])
def test_a_mask_that_hides_all_is_seen_without_torch(mask: str) -> None:
    """Where it can be seen without knowing the devices: numbers and UUIDs may be of none that is there."""
    hidden = devices._hides_all(mask)
    shown = {*seen_by_cuda(ON_THE_BUS, mask, "PCI_BUS_ID"), *seen_by_cuda((A, B, CUT), mask, "PCI_BUS_ID")}
    assert not (hidden and shown)
    assert hidden == (mask in ("-1,0", "", "1,1", "NoDevFiles", f"GPU-{A.uuid},GPU-{A.uuid}"))


def test_without_a_uuid_the_place_on_the_bus_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a whole GPU, where torch doesn't tell UUIDs."""
    for gpu in ON_THE_BUS:
        visible = [properties(ON_THE_BUS, f"GPU-{gpu.uuid}", told=False)]
        assert sampled(monkeypatch, Driver(ON_THE_BUS), visible, 0).uuid == f"GPU-{gpu.uuid}"


def test_a_slice_is_never_taken_for_the_whole_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = (A, B, CUT)
    # The driver tells torch the GPU's UUID for its slice.
    seen = sampled(monkeypatch, Driver(gpus), [properties(gpus, f"MIG-{SLICES[0]}", of_the_gpu=True)], 0)
    assert seen.reason is not None
    assert f"NVML knows the worker's device as GPU-{C.uuid}, torch as MIG-{C.uuid}" in seen.reason
    # NVML doesn't know the slice, and has the GPU at its place on the bus.
    for told in (None, 3):
        driver = Driver((A, B, C))
        if told is not None:
            driver.script["nvmlDeviceGetUUID"] = told
        seen = sampled(monkeypatch, driver, [properties(gpus, f"MIG-{SLICES[0]}")], 0)
        assert seen.reason is not None, told
        assert (seen.uuid, seen.name, seen.total_bytes) == (f"MIG-{SLICES[0]}", None, None)


def test_a_device_that_nvml_has_no_uuid_of_is_unknown_where_torch_has_one() -> None:
    driver = Driver(ON_THE_BUS)
    driver.script["nvmlDeviceGetUUID"] = 3
    driver.script["nvmlDeviceGetHandleByUUID"] = 3
    bus = f"{0:08X}:{B.bus:02X}:00.0"
    with pytest.raises(nvml.DeviceUnknown, match="no UUID to tell whether it is GPU-5e1f"):
        nvml.Device(driver, f"GPU-{B.uuid}", bus)
    assert nvml.Device(driver, None, bus).name == "NVIDIA H200"
    # Found by its UUID it is surely that one, whatever its UUID is said to be afterwards.
    del driver.script["nvmlDeviceGetHandleByUUID"]
    assert nvml.Device(driver, f"GPU-{B.uuid}", bus).uuid is None
