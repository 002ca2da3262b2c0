"""The search for what makes Python wait for the device: lines, counts, and nothing left behind.

``Cuda`` stands in for ``torch.cuda``: in mode "warn" what would wait warns as torch does, from C, so that the innermost
Python frame is the one that called it.
"""

from __future__ import annotations

import copy
import functools
import heapq
import inspect
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import PNDMScheduler
from msgspec.structs import replace

from profiler.catalog.build import build
from profiler.events import CallStarted, CompileEnded, CompileStarted, Event, Note, PhaseStarted, Step, Sync
from profiler.subject import plain
from profiler.worker import syncs
from profiler.worker.setting import Setting
from profiler.worker.stopping import Stopped
from profiler.worker.syncs import SyncWatch, find_syncs
from profiler.worker.where import HERE
from tests.worker.conftest import ENTRY, make_workload
from tests.worker.test_factory import HEAD
from tests.worker.test_run import run as case_run_of

TOLD = "called a synchronizing CUDA operation (Triggered internally at /pytorch/c10/cuda/CUDAFunctions.cpp:147.)"


class Cuda:
    """``wait`` is what a tensor's ``item()`` is on a GPU."""

    def __init__(self, mode: int = 0) -> None:
        self.mode = mode
        self.synchronized = 0

    def get_sync_debug_mode(self) -> int:
        return self.mode

    def set_sync_debug_mode(self, mode: int | str) -> None:
        self.mode = {"default": 0, "warn": 1, "error": 2}.get(mode, mode)  # type: ignore[arg-type, assignment]

    def synchronize(self, device: Any = None) -> None:
        self.synchronized += 1

    @property
    def wait(self) -> Any:
        return functools.partial(warnings.warn, TOLD) if self.mode == 1 else bool


CUDA = Cuda()


class WaitingScheduler(PNDMScheduler):  # type: ignore[misc]
    def step(self, *args: Any, **kwargs: Any) -> Any:
        CUDA.wait()
        return super().step(*args, **kwargs)


WAITS = inspect.getsourcelines(WaitingScheduler.step)[1] + 1


@pytest.fixture(autouse=True)
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cuda]:
    """A fresh one, and warnings as a worker has them."""
    monkeypatch.setattr("tests.worker.test_syncs.CUDA", Cuda())
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        yield CUDA


def searched(pipe: Any, cuda: Cuda, leg: str | None = None) -> list[Event]:
    events: list[Event] = []
    setting = Setting(make_workload(), leg=leg)
    find_syncs(plain(pipe, "unet"), setting, "cpu", events.append, cuda=cuda)
    return events


def watched(cuda: Cuda, function: Any) -> list[Sync]:
    watch = SyncWatch(cuda)
    watch.around(function)()
    return watch.places()


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


@pytest.fixture(scope="module")
def built() -> Any:
    return build(ENTRY, size="tiny", weights="random", dtype="float32", device="cpu").pipe


@pytest.fixture
def tiny_pipe(built: Any) -> Any:
    """One whose parts are shared: a test may put others in their place."""
    return copy.copy(built)


@pytest.fixture
def waiting_pipe(tiny_pipe: Any) -> Any:
    tiny_pipe.scheduler = WaitingScheduler.from_config(tiny_pipe.scheduler.config)
    return tiny_pipe


def test_the_line_that_waits_is_found_once_with_how_often_and_where_it_first_did(waiting_pipe: Any, cuda: Cuda) -> None:
    events = searched(waiting_pipe, cuda)
    [found] = of(Sync, events)
    assert (found.file, found.line, found.code) == (__file__, WAITS, "CUDA.wait()")
    assert found.function == "WaitingScheduler.step"
    assert found.count == 5
    assert (found.stage, found.loop, found.step) == ("denoise", 0, 0)
    assert found.stack[0] == f"{__file__}:{WAITS} in WaitingScheduler.step"
    assert any("pipeline_stable_diffusion.py" in frame for frame in found.stack)
    assert not any("/profiler/worker/" in frame for frame in found.stack)


def test_the_stage_outside_the_loop_is_told_too(tiny_pipe: Any, cuda: Cuda, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = tiny_pipe.vae.decode

    @functools.wraps(decode)
    def waits(*args: Any, **kwargs: Any) -> Any:
        CUDA.wait()
        return decode(*args, **kwargs)

    monkeypatch.setattr(tiny_pipe.vae, "decode", waits)
    [found] = of(Sync, searched(tiny_pipe, cuda))
    assert (found.stage, found.loop, found.step, found.count) == ("decode", None, None, 1)


def test_the_call_is_counted_by_nobody(waiting_pipe: Any, cuda: Cuda) -> None:
    kinds = {type(event) for event in searched(waiting_pipe, cuda)}
    assert kinds == {Sync, Note}
    assert HERE.call is HERE.stage is HERE.loop is HERE.step is None


def test_a_note_says_what_was_found_and_what_such_a_search_misses(waiting_pipe: Any, cuda: Cuda) -> None:
    [note] = of(Note, searched(waiting_pipe, cuda, leg="large"))
    assert note.code == "syncs"
    assert note.text.startswith("Python waited for the device 5 times in one call of large, in 1 line; ")
    assert "non_blocking=True" in note.text


def test_a_call_without_waits_says_so(tiny_pipe: Any, cuda: Cuda) -> None:
    [note] = searched(tiny_pipe, cuda)
    assert isinstance(note, Note)
    assert note.text.startswith("nothing was seen in one call that makes Python wait for the device; ")


def test_everything_is_as_it_was_afterwards(waiting_pipe: Any) -> None:
    cuda = CUDA
    cuda.mode = 2
    shown, filters = warnings.showwarning, list(warnings.filters)
    scheduler, forward = type(waiting_pipe.scheduler).step, waiting_pipe.unet.forward
    searched(waiting_pipe, cuda)
    assert cuda.mode == 2
    assert warnings.showwarning is shown
    assert warnings.filters == filters
    assert "synchronize" not in vars(cuda) or cuda.synchronize.__func__ is Cuda.synchronize
    assert type(waiting_pipe.scheduler).step is scheduler
    assert waiting_pipe.unet.forward == forward


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no memory"), ValueError("wrong\nlines"), Stopped()])
def test_a_call_that_fails_leaves_nothing_behind_and_costs_the_run_nothing(
    waiting_pipe: Any, cuda: Cuda, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr(waiting_pipe.vae, "decode", functools.wraps(waiting_pipe.vae.decode)(fails))
    if isinstance(error, Stopped):
        with pytest.raises(Stopped):
            searched(waiting_pipe, cuda)
    else:
        events = searched(waiting_pipe, cuda)
        assert [found.count for found in of(Sync, events)] == [5]
        failed = of(Note, events)[0]
        assert (failed.level, failed.code) == ("warning", "syncs-failed")
        assert str(error).splitlines()[0] in failed.text
        assert "\n" not in failed.text
    assert cuda.mode == 0
    assert HERE.stage is HERE.step is None


def test_a_wait_inside_of_torch_is_the_line_s_that_called_it(cuda: Cuda) -> None:
    def calls() -> None:
        torch.utils._pytree.tree_map(cuda.wait, [UserWarning])

    [found] = watched(cuda, calls)
    assert found.function.endswith("calls")
    assert found.line == inspect.getsourcelines(calls)[1] + 1
    assert "_pytree.py" in found.stack[0]


def test_nor_is_it_the_standard_library_s(cuda: Cuda) -> None:
    def calls() -> None:
        heapq.nlargest(1, [UserWarning], key=cuda.wait)

    [found] = watched(cuda, calls)
    assert found.function.endswith("calls")
    assert "heapq.py" in found.stack[0]


def test_nor_that_of_generated_code(cuda: Cuda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    space: dict[str, Any] = {"CUDA": cuda}
    exec(compile("def call():\n    CUDA.wait()\n", str(tmp_path / "ab" / "cab.py"), "exec"), space)

    def calls() -> None:
        space["call"]()

    [found] = watched(cuda, calls)
    assert found.function.endswith("calls")


def test_lines_are_told_apart_and_counted(cuda: Cuda) -> None:
    def calls() -> None:
        for _ in range(3):
            cuda.wait()
        cuda.wait()

    assert [found.count for found in watched(cuda, calls)] == [3, 1]


def test_an_explicit_wait_is_found_though_torch_says_nothing_of_it(cuda: Cuda) -> None:
    def calls() -> None:
        cuda.synchronize()

    [found] = watched(cuda, calls)
    assert (found.code, found.count, cuda.synchronized) == ("cuda.synchronize()", 1, 1)


def test_waits_of_other_threads_and_outside_the_call_do_not_count(cuda: Cuda) -> None:
    def calls() -> None:
        thread = threading.Thread(target=cuda.wait)
        thread.start()
        thread.join()

    watch = SyncWatch(cuda)
    watch.around(calls)()
    cuda.wait()
    assert watch.count == 0


def test_other_warnings_go_where_they_went(cuda: Cuda) -> None:
    def calls() -> None:
        warnings.warn("something else", UserWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert not watched(cuda, calls)
    assert [str(one.message) for one in seen] == ["something else"]


def test_so_many_places_are_told_and_all_are_counted(cuda: Cuda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncs, "MOST_PLACES", 1)

    def calls() -> None:
        cuda.wait()
        cuda.wait()

    watch = SyncWatch(cuda)
    watch.around(calls)()
    assert (len(watch.places()), watch.count) == (1, 2)


def test_a_run_searches_after_all_that_it_measures(tmp_path: Path, cuda: Cuda, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Setting] = []

    def search(subject: Any, setting: Setting, *args: Any, **options: Any) -> None:
        seen.append(setting)
        find_syncs(subject, setting, *args, **options, cuda=cuda)

    monkeypatch.setattr(syncs, "find_syncs", search)
    case_run, events = case_run_of(tmp_path, "sd15-txt2img", size="tiny", calls=2)
    case_run.request = replace(case_run.request, find_syncs=True)
    case_run.execute()
    assert [phase.phase for phase in of(PhaseStarted, events)] == ["load", "warmup", "measure", "syncs"]
    assert [call.phase for call in of(CallStarted, events)] == ["warmup", "measure", "measure"]
    assert max(step.call for step in of(Step, events)) == 2
    assert [note.code for note in of(Note, events)][-1] == "syncs"
    assert seen[0].workload == case_run.case.workload


def test_without_the_mode_nothing_is_left_behind(tiny_pipe: Any, cuda: Cuda, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(mode: int | str) -> None:
        raise RuntimeError("built without it")

    before = cuda.synchronize
    monkeypatch.setattr(cuda, "set_sync_debug_mode", lacking)
    failed, _ = searched(tiny_pipe, cuda)
    assert (failed.code, "built without it" in failed.text) == ("syncs-failed", True)
    assert cuda.synchronize == before


def test_what_the_search_compiles_is_no_compile_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.py"
    path.write_text(HEAD + "def make():\n    return tiny()\n")

    def search(*_: Any, **__: Any) -> None:
        torch.compile(lambda value: value + 1, backend="eager")(torch.ones(1))

    monkeypatch.setattr(syncs, "find_syncs", search)
    case_run, events = case_run_of(tmp_path, f"{path}:make", warmup=0)
    case_run.request = replace(case_run.request, find_syncs=True)
    case_run.execute()
    assert of(PhaseStarted, events)[-1].phase == "syncs"
    assert not [event for event in events if isinstance(event, CompileStarted | CompileEnded)]
