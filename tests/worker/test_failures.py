"""What an exception means for a run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from profiler.catalog.build import BuildError
from profiler.events import OutOfMemory
from profiler.variants import Unsupported
from profiler.worker.device import DeviceUnavailable
from profiler.worker.failures import _add_device_memory, asked_bytes, classify, one_line
from profiler.worker.stopping import Stopped

CUDA_OOM = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.65 GiB of which 1.06 GiB is"
    " free.\nSee documentation for Memory Management"
)
CPU_OOM = (
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate"
    " 4398046511104 bytes. Error code 12 (Cannot allocate memory)"
)


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (torch.OutOfMemoryError(CUDA_OOM), 2_684_354_560),
        (RuntimeError(CPU_OOM), 4_398_046_511_104),
        (RuntimeError("CUDA error: out of memory"), None),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), None),
        (MemoryError(), None),
    ],
)
@pytest.mark.parametrize("when", ["load", "compile", "warmup", "call 3"])
def test_out_of_memory(error: Exception, asked: int | None, when: str) -> None:
    ended, event = classify(error, when, "cpu")
    assert (ended.outcome, ended.error) == ("oom", type(error).__name__)
    assert event == OutOfMemory(when=when, asked_bytes=asked)
    assert ended.reason is not None
    assert when in ended.reason


def test_a_real_allocation_that_fails_on_the_host() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    ended, event = classify(caught.value, "call 1", "cpu")
    assert ended.outcome == "oom"
    assert event is not None
    assert event.asked_bytes == 1 << 52


def test_out_of_memory_beneath_a_compiler() -> None:
    backend_failed = RuntimeError("backend='inductor' raised:\nOutOfMemoryError: CUDA out of memory.")
    backend_failed.inner_exception = torch.OutOfMemoryError(CUDA_OOM)  # type: ignore[attr-defined]
    outer = RuntimeError("compile failed")
    outer.__cause__ = backend_failed
    ended, event = classify(outer, "compile", "cpu")
    assert ended.outcome == "oom"
    assert event is not None
    assert event.asked_bytes == 2_684_354_560


def test_memory_of_the_device_at_the_time() -> None:
    cuda = SimpleNamespace(
        memory_stats=lambda _: {"allocated_bytes.all.current": 7, "reserved_bytes.all.current": 8},
        mem_get_info=lambda _: (1, 24),
    )
    event = OutOfMemory(when="call 1")
    _add_device_memory(event, "cuda:0", cuda)
    assert event == OutOfMemory(when="call 1", allocated_bytes=7, reserved_bytes=8, free_bytes=1, total_bytes=24)


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (Stopped(), "stopped", None),
        (Unsupported("regional-compile does not work here"), "unsupported", "regional-compile does not work here"),
        (BuildError("cannot load x"), "failed", "cannot load x"),
        (DeviceUnavailable("cuda:0 can't be used"), "failed", "cuda:0 can't be used"),
        (RuntimeError("sizes differ\n  at line 7"), "failed", "RuntimeError: sizes differ"),
        (ValueError(), "failed", "ValueError: ValueError"),
    ],
)
def test_other_ends(error: BaseException, outcome: str, reason: str | None) -> None:
    ended, event = classify(error, "load", "cpu")
    assert (ended.outcome, ended.reason) == (outcome, reason)
    assert event is None


def test_reasons_are_one_safe_line() -> None:
    assert (
        one_line("a\x1b[31mred\x1b]0;title\x07 \u202eevil\nnext hf_abcdefghijkl") == "a red ]0;title evil next hf_..."
    )
    assert len(one_line("x" * 5000)) == 300


def test_sizes_in_torchs_messages() -> None:
    assert asked_bytes("Tried to allocate 20.00 MiB.") == 20 << 20
    assert asked_bytes("Tried to allocate 512 bytes") == 512
    assert asked_bytes("no size here") is None
