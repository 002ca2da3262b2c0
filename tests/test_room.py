"""How much memory a device has, by what the kernel and NVML say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from profiler.conductor.nvml import NvmlUnavailable
from profiler.room import device_room, gpu_names, host_room, largest_gpu

GIB = 1 << 30


def written(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_max", ".max").replace("_limit", ".limit")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_the_host_has_what_the_kernel_says_or_the_container_allows(tmp_path: Path) -> None:
    root = written(tmp_path, proc__meminfo=f"MemFree: 1 kB\nMemTotal:  {32 * GIB // 1024} kB\n")
    assert host_room(root) == device_room("cpu", root) == 32 * GIB
    written(root, sys__fs__cgroup__memory_max="max\n")
    assert host_room(root) == 32 * GIB
    written(root, sys__fs__cgroup__memory_max=f"{8 * GIB}\n")
    assert host_room(root) == 8 * GIB
    assert host_room(tmp_path / "nothing") is None
    assert host_room(written(tmp_path / "odd", proc__meminfo="MemTotal: much\n")) is None


def test_the_largest_gpu_counts_and_whatever_nvml_does_is_survived(tmp_path: Path) -> None:
    ended: list[bool] = []

    def missing() -> None:
        raise NvmlUnavailable("no driver")

    def nvml(**changed: object) -> SimpleNamespace:
        usual = {
            "nvmlShutdown": lambda: ended.append(True),
            "nvmlDeviceGetCount": lambda: 2,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(total=(24 + handle) * GIB),
            "nvmlDeviceGetName": lambda handle: ["NVIDIA A100-SXM4-80GB", b"NVIDIA L4"][handle],  # old bindings: bytes
        }
        return SimpleNamespace(**(usual | changed))

    def fails(*_: object) -> None:
        raise RuntimeError("driver")

    assert largest_gpu(nvml) == 25 * GIB
    assert largest_gpu(lambda: nvml(nvmlDeviceGetCount=lambda: 0)) is None
    assert largest_gpu(lambda: nvml(nvmlDeviceGetMemoryInfo=fails)) is None
    assert len(ended) == 3  # whatever came of it
    assert largest_gpu(missing) is None
    assert gpu_names(nvml) == ["NVIDIA A100-SXM4-80GB", "NVIDIA L4"]
    assert gpu_names(lambda: nvml(nvmlDeviceGetName=fails), tmp_path) == gpu_names(missing, tmp_path) == []
    told = tmp_path / "proc" / "driver" / "nvidia" / "gpus" / "0000:01:00.0" / "information"
    told.parent.mkdir(parents=True)
    told.write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 36\nGPU UUID: \t GPU-0\n")
    assert gpu_names(missing, tmp_path) == ["NVIDIA H100 80GB HBM3"]
