"""The device under measurement: whether it is there, what it is, and one run on it at a time."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from profiler import eventlog
from profiler.events import Environment, Waiting
from profiler.worker import environment
from profiler.worker.live import Sink

_LOCK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
POLL_SECONDS = 0.5
_HOLDER_BYTES = 128
"""What a lock's file holds: the session's id, which is shorter, and zeros."""
HANDOVER_SECONDS = 10.0
"""How long the session's own previous worker may take to be gone."""


class DeviceUnavailable(Exception):
    """The device isn't there or is taken; the message is one line."""


def describe(device: str, *, trace: bool, trace_reason: str | None) -> Environment:
    """The Environment event of ``device`` ("cpu", "cuda:0"). Imports torch. Raises DeviceUnavailable."""
    import torch

    about = Environment(
        device=device,
        cpu=environment.cpu_name(),
        cores=len(os.sched_getaffinity(0)),
        threads=torch.get_num_threads(),
        versions=environment.versions(),
        trace=trace,
        trace_reason=trace_reason,
    )
    if device.startswith("cuda"):
        _describe_cuda(about, device)
    else:
        about.device_name = about.cpu
        about.total_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return about


def _describe_cuda(about: Environment, device: str) -> None:
    properties = cuda_properties(device)
    about.device_name = properties.name
    about.uuid = nvml_uuid(properties)
    about.total_bytes = properties.total_memory
    about.pci_bus_id = _pci_bus_id(properties)


def cuda_properties(device: str) -> Any:
    """torch's properties of "cuda:N". Raises DeviceUnavailable with torch's reason."""
    import torch

    try:
        torch.cuda.init()
        count = torch.cuda.device_count()
        index = device_index(device)
        if index >= count:
            raise DeviceUnavailable(f"{device} can't be used: there are {count} CUDA devices, counted from 0")
        return torch.cuda.get_device_properties(index)
    except (RuntimeError, AssertionError) as error:
        message = str(error).strip().splitlines()
        raise DeviceUnavailable(f"{device} can't be used: {message[0] if message else type(error).__name__}") from error


def select(device: str) -> None:
    """Make ``device`` the one that this thread's CUDA work goes to where nothing else is said."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.set_device(device_index(device))


def device_index(device: str) -> int:
    """N of "cuda:N"."""
    return int(device.partition(":")[2] or 0)


def nvml_uuid(properties: Any) -> str | None:
    """The UUID as NVML prints it, "GPU-..." (a slice of a GPU: "MIG-..."), from torch's device properties."""
    uuid = getattr(properties, "uuid", None)
    if uuid is None:
        return None
    text = str(uuid)
    if text.startswith(("GPU-", "MIG-")):
        return text
    return f"{'MIG' if ' MIG ' in properties.name else 'GPU'}-{text}"


def _pci_bus_id(properties: Any) -> str | None:
    try:
        domain, bus, device = properties.pci_domain_id, properties.pci_bus_id, properties.pci_device_id
    except AttributeError:
        return None  # before torch 2.9
    return f"{domain:08X}:{bus:02X}:{device:02X}.0"


class DeviceLock:
    """One run at a time on a device, across all sessions of this user. Held until the process ends."""

    def __init__(self, folder: Path, name: str, session: str) -> None:
        """``name`` is the device's UUID or "cpu". Raises OSError; DeviceUnavailable for a name that is no file's."""
        if not _LOCK.fullmatch(name):
            raise DeviceUnavailable(f"{name[:40]!r} is no device: cpu or cuda:N would work")
        self._name = name
        self._session = session
        self._path = folder / f"{name}.lock"
        self._descriptor = self._open()

    def take(self, sink: Sink, *, queue: bool) -> None:
        """Take the lock; while another session has it, wait and say behind whom (``queue``).

        Raises DeviceUnavailable if it is taken and ``queue`` is False.
        """
        began = time.monotonic()
        behind: str | None = None
        while not self._locked():
            holder = self.holder()
            # The last run of this very session is on its way out: nothing to report.
            if holder != self._session or time.monotonic() - began > HANDOVER_SECONDS:
                if not queue:
                    raise DeviceUnavailable(f"device {self._name} is in use by session {holder or 'unknown'}")
                if holder != behind:
                    behind = holder
                    sink(Waiting(behind=holder))
            time.sleep(POLL_SECONDS)
        # In one write of the same length each time: who reads meanwhile sees the one name or the other.
        os.pwrite(self._descriptor, self._session.encode()[:_HOLDER_BYTES].ljust(_HOLDER_BYTES, b"\0"), 0)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def _locked(self) -> bool:
        """Try once. What was removed meanwhile, by who tidies up /tmp, is nobody else's lock: the file there now is."""
        while eventlog.lock_for_life(self._descriptor):
            if os.fstat(self._descriptor).st_nlink:
                return True
            os.close(self._descriptor)
            self._descriptor = self._open()
        return False

    def release(self) -> None:
        """Give the lock up; a worker doesn't, its end does."""
        os.close(self._descriptor)

    def holder(self) -> str:
        """The session that wrote its id into the lock's file last, "" if none has yet."""
        return os.pread(self._descriptor, _HOLDER_BYTES, 0).partition(b"\0")[0].decode(errors="replace")
