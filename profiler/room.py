"""How much memory the machine's devices have, found out without torch: whether a request can fit at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from profiler.conductor import nvml

T = TypeVar("T")

_CGROUPS = ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes")


def device_room(device: str, root: Path = Path("/")) -> int | None:
    """Bytes of memory of ``device``; None where nobody says.

    Of ``cpu`` the main memory that a process here may use, of ``cuda:N`` what the largest GPU has: which one the number
    means isn't known before CUDA has started.
    """
    return host_room(root) if device == "cpu" else largest_gpu()


def host_room(root: Path = Path("/")) -> int | None:
    """Bytes of main memory, or of this container's limit where that is less."""
    limits = [found for name in _CGROUPS if (found := _number(root / name)) is not None]
    total = _total(root / "proc" / "meminfo")
    known = [*limits, *([total] if total is not None else [])]
    return min(known, default=None)


def largest_gpu(load: Callable[[], Any] = nvml.load) -> int | None:
    """Bytes of the GPU that has the most, by NVML; None without NVML, a driver or a GPU."""
    return max(
        _of_each_gpu(lambda binding, handle: int(binding.nvmlDeviceGetMemoryInfo(handle).total), load), default=None
    )


def gpu_names(load: Callable[[], Any] = nvml.load, root: Path = Path("/")) -> list[str]:
    """The names of the GPUs here, which are those that torch has, by NVML or, without its binding, by the driver; []
    without a driver or a GPU.
    """

    def name(binding: Any, handle: Any) -> str:
        found = binding.nvmlDeviceGetName(handle)
        return found.decode(errors="replace") if isinstance(found, bytes) else str(found)

    return _of_each_gpu(name, load) or _by_driver(root)


def _by_driver(root: Path) -> list[str]:
    texts = map(_text, sorted(root.glob("proc/driver/nvidia/gpus/*/information")))
    models = (
        line.partition(":")[2].strip() for text in texts for line in text.splitlines() if line.startswith("Model:")
    )
    return [model for model in models if model]


def _of_each_gpu(ask: Callable[[Any, Any], T], load: Callable[[], Any]) -> list[T]:
    try:
        binding = load()
    except nvml.NvmlUnavailable:
        return []
    try:
        handles = [binding.nvmlDeviceGetHandleByIndex(index) for index in range(binding.nvmlDeviceGetCount())]
        return [ask(binding, handle) for handle in handles]
    except Exception:  # whatever a driver can come up with: nothing depends on it
        return []
    finally:
        nvml.unload(binding)


def _total(meminfo: Path) -> int | None:
    for line in _text(meminfo).splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if name == "MemTotal" and words and words[0].isdecimal():
            return int(words[0]) * 1024
    return None


def _number(file: Path) -> int | None:
    """The number in a file; None of "max", which stands for no limit."""
    text = _text(file).strip()
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
