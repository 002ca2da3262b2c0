"""What an exception means for a run."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from profiler.catalog.build import BuildError
from profiler.events import OutOfMemory
from profiler.variants import Unsupported
from profiler.worker.device import DeviceUnavailable, device_index
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


class Silent(Exception):
    """An exception that nobody can read."""

    def __str__(self) -> str:
        raise TypeError("no text")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("boom\nmore"), "ValueError: boom"),
        (SystemExit(), "SystemExit"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (Silent(), "Silent"),
    ],
)
def test_a_failure_is_told_once_whatever_was_raised(error: BaseException, says: str) -> None:
    ended, event = classify(error, "load", "cpu")
    assert (ended.outcome, ended.reason, event) == ("failed", says, None)


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
        (ValueError(), "failed", "ValueError"),
    ],
)
def test_other_ends(error: BaseException, outcome: str, reason: str | None) -> None:
    ended, event = classify(error, "load", "cpu")
    assert (ended.outcome, ended.reason) == (outcome, reason)
    assert event is None


def test_what_a_refusal_was_made_of_counts() -> None:
    refusal = BuildError("cannot load x")
    refusal.__cause__ = OSError(errno.ENOMEM, "Cannot allocate memory")
    ended, event = classify(refusal, "load", "cpu")
    assert (ended.outcome, event) == ("oom", OutOfMemory(when="load"))


def test_a_package_that_diffusers_can_not_do_without_is_named() -> None:
    def failed(file: str) -> str | None:
        try:
            exec(compile("ftfy", file, "exec"), {})
        except NameError as error:
            return classify(error, "warmup", "cpu").event.reason
        return None

    wanted = "ftfy is not installed, and this pipeline needs it: pip install ftfy"
    assert str(failed("/x/site-packages/diffusers/pipelines/wan/pipeline_wan.py")).startswith(wanted)
    assert str(failed("/home/me/mine.py")).startswith("NameError: name 'ftfy' is not defined")


def test_reasons_are_one_safe_line() -> None:
    assert (
        one_line("a\x1b[31mred\x1b]0;title\x07 \u202eevil\nnext hf_abcdefghijkl") == "a red ]0;title evil next hf_..."
    )
    assert len(one_line("x" * 5000)) == 300
    # Keys and passwords of every known form, and characters that hide.
    secret = "https://me:" + "p" * 40 + "@host/x sk-" + "q" * 40
    assert one_line(f"{secret} a\u00adb\u200bc\U000e0041\u2066d") == "https://...@host/x sk-... a b c d"


def test_sizes_in_torchs_messages() -> None:
    assert asked_bytes("Tried to allocate 20.00 MiB.") == 20 << 20
    assert asked_bytes("Tried to allocate 512 bytes") == 512
    assert asked_bytes("no size here") is None


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA driver error: out of memory"),
        RuntimeError("cudaErrorMemoryAllocation: out of memory"),
        RuntimeError("Triton Error [CUDA]: out of memory"),
        RuntimeError("NVRTC_ERROR_OUT_OF_MEMORY"),
        RuntimeError("nvrtc: error: out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`"),
        RuntimeError('NVML_SUCCESS == r INTERNAL ASSERT FAILED at "../c10/cuda/CUDACachingAllocator.cpp":838'),
        Exception(
            "SubprocException: An exception occurred in a subprocess:\n\ntorch.OutOfMemoryError: CUDA out of memory."
        ),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("unable to mmap 1073741824 bytes from file </tmp/x>: Cannot allocate memory (12)"),
    ],
    ids=lambda error: str(error)[:30],
)
def test_other_words_for_out_of_memory(error: Exception) -> None:
    assert classify(error, "call 1", "cpu").event.outcome == "oom"


@pytest.mark.parametrize(
    "message",
    ["out of resource: shared memory, Required: 131072, Hardware limit: 101376", "CUBLAS_STATUS_NOT_INITIALIZED"],
)
def test_what_is_no_lack_of_memory(message: str) -> None:
    assert classify(RuntimeError(message), "compile", "cpu").event.outcome == "failed"


def test_out_of_memory_that_was_dealt_with_is_none() -> None:
    def tries() -> None:
        try:
            raise torch.OutOfMemoryError(CUDA_OOM)
        except RuntimeError:
            raise ValueError("too many pictures") from None

    with pytest.raises(ValueError, match="too many") as caught:
        tries()
    assert classify(caught.value, "call 1", "cpu").event.outcome == "failed"


def test_what_torch_said_of_the_moment_goes_before_what_is_true_by_now(monkeypatch: pytest.MonkeyPatch) -> None:
    message = (
        "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 24.00 GiB of which 1.00 GiB is"
        " free. Process 7 has 23.00 GiB memory in use. Of the allocated memory 20.00 GiB is allocated by PyTorch, with"
        " 512.00 MiB allocated in private pools (e.g., CUDA Graphs), and 512.00 MiB is reserved by PyTorch but"
        " unallocated. If reserved but unallocated memory is large try setting expandable_segments"
    )
    later = {"allocated_bytes.all.current": 7, "reserved_bytes.all.current": 8}
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda _: later)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1, 2))
    gib = 1 << 30
    _, event = classify(torch.OutOfMemoryError(message), "call 1", "cuda:0")
    assert event == OutOfMemory(
        when="call 1",
        asked_bytes=5 * gib // 2,
        allocated_bytes=20 * gib,
        reserved_bytes=41 * gib // 2,
        free_bytes=gib,
        total_bytes=24 * gib,
    )
    _, event = classify(RuntimeError("CUDA error: out of memory"), "call 1", "cuda:0")
    assert event == OutOfMemory(when="call 1", allocated_bytes=7, reserved_bytes=8, free_bytes=1, total_bytes=2)


@pytest.mark.parametrize(("dtype", "name"), [(torch.float16, "float16"), (torch.bfloat16, "bfloat16")])
def test_a_type_that_an_operator_lacks(dtype: torch.dtype, name: str) -> None:
    with pytest.raises(NotImplementedError) as caught:
        torch.cdist(torch.ones(2, 2, dtype=dtype), torch.ones(2, 2, dtype=dtype))
    reason = classify(caught.value, "warmup", "cpu").event.reason
    assert reason is not None
    assert reason.startswith(f"cdist is not implemented for {name} on a CPU: --dtype float32 works")
    with pytest.raises(RuntimeError) as caught_too:
        torch.fft.fft(torch.ones(2, dtype=dtype))
    assert "an operator is not implemented" in (classify(caught_too.value, "warmup", "cpu").event.reason or "")


def test_a_graph_that_breaks_says_what_allows_it() -> None:
    def reads(x: torch.Tensor) -> torch.Tensor:
        torch._dynamo.graph_break()
        return x + 1

    with pytest.raises(torch._dynamo.exc.Unsupported) as caught:
        torch.compile(reads, backend="eager", fullgraph=True)(torch.ones(2))
    reason = classify(caught.value, "compile", "cpu").event.reason
    assert reason is not None
    assert reason.startswith("the graph breaks, which fullgraph=True forbids (--no-fullgraph allows it): ")


def test_the_line_of_the_users_own_code_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bench.py"
    file.write_text("import json\n\ndef callback(text):\n    return json.loads(text)\n", encoding="utf-8")
    code: dict[str, Any] = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), code)
    with pytest.raises(ValueError, match="Expecting") as caught:
        code["callback"]("{")
    reason = classify(caught.value, "call 1", "cpu").event.reason
    assert reason is not None
    assert reason.startswith("JSONDecodeError: Expecting property name")
    assert reason.endswith("(bench.py:4 in callback)")


def test_libraries_and_stepscope_are_not_the_users_code() -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        device_index("cuda:x")
    trace = caught.value.__traceback__
    assert trace is not None
    error = caught.value.with_traceback(trace.tb_next)  # without this file
    assert classify(error, "call 1", "cpu").event.reason == "ValueError: invalid literal for int() with base 10: 'x'"
