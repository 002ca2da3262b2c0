"""The endings of the device suite on a CPU: the same functions out of memory, the same questions of their logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.worker.failures import classify
from tests.gpu.support import conducting, endings
from tests.gpu.support.graphs import overwritten
from tests.gpu.test_endings import CASES
from tests.support import recorded

pytestmark = pytest.mark.usefixtures("fresh_dynamo")


@pytest.mark.parametrize("case", CASES)
def test_out_of_memory(case: str, tmp_path: Path, own_home: Path) -> None:
    when, function, options = CASES[case]
    if "variants" in options:
        options = {**options, "backend": "eager"}
    events = conducting.in_this_process(conducting.asked(function, steps=2, **options), "cpu", tmp_path)
    assert endings.wrong_out_of_memory(events, when) == []
    others = {other for other, _, _ in CASES.values()} - {when}
    assert all(endings.wrong_out_of_memory(events, other) for other in others)


def test_what_an_out_of_memory_lacks_shows() -> None:
    ended = ev.RunEnded(outcome="oom", reason="out of memory during load: CUDA out of memory")
    said = ev.OutOfMemory(when="load", asked_bytes=1 << 30, total_bytes=1 << 37)
    assert endings.wrong_out_of_memory([said, ended], "load") == [
        "load: allocated is missing",
        "load: reserved is missing",
        "load: free is missing",
    ]
    assert endings.wrong_out_of_memory([ended], "load") == ["told as [], not load"]
    assert endings.wrong_out_of_memory([ev.RunEnded(outcome="failed", reason="RuntimeError")], "load")[0].startswith(
        "it ended failed"
    )
    assert endings.wrong_out_of_memory([], "load") == ["there is no last word"]


def test_an_access_that_is_illegal_is_a_failure_at_its_call(tmp_path: Path, own_home: Path) -> None:
    """On a CPU the function raises what CUDA would: the run's log is as a poisoned one's up to there."""
    options = conducting.asked("poisoned_once", batch_sizes=[1, 2], warmup=1, calls=3, steps=2)
    events = conducting.in_this_process(options, "cpu", tmp_path)
    last = events[-1]
    assert isinstance(last, ev.RunEnded)
    assert (last.outcome, "illegal memory access" in (last.reason or "")) == ("failed", True)
    assert sum(isinstance(event, ev.CallEnded) for event in events) == 2, "the warm-up and the first measured call"


def session(reason: str = "AcceleratorError: CUDA error: an illegal memory access was encountered") -> SessionState:
    """Three runs; the first one failed in its second measured call."""
    state = recorded.finished(steps=4, calls=3).folded()
    poisoned = next(iter(state.runs.values()))
    poisoned.conducted_end = ev.RunChanged(run=poisoned.name, state="ended", outcome="failed", reason=reason)
    measured = [call.index for call in poisoned.calls_of("measure")]
    for index in measured[1:]:
        del poisoned.calls[index]
    return state


def test_a_run_that_ended_alone() -> None:
    state = session()
    poisoned, *healthy = state.runs.values()
    assert endings.wrong_poisoning(state, poisoned, healthy) == []


def test_a_run_that_took_others_with_it_shows() -> None:
    state = session("a signal")
    poisoned, healthy, _ = state.runs.values()
    healthy.conducted_end = ev.RunChanged(run=healthy.name, state="ended", outcome="failed", reason="CUDA error")
    found = endings.wrong_poisoning(state, poisoned, [healthy])
    assert len(found) == 2, found
    assert endings.wrong_poisoning(state, healthy, [poisoned])


def test_blocks_that_are_compiled_one_by_one_run_where_nothing_is_overwritten(tmp_path: Path, own_home: Path) -> None:
    events = conducting.in_this_process(conducting.asked("chained", steps=2), "cpu", tmp_path)
    assert sum(isinstance(event, ev.CompileEnded) for event in events) == 1, "the blocks share their code"
    assert sum(isinstance(event, ev.CallEnded) and event.images == 1 for event in events) > 2
    assert not any(isinstance(event, ev.RunEnded) for event in events), "nothing failed"


def test_the_known_error_of_cuda_graphs() -> None:
    error = overwritten()
    state = session()
    run = next(iter(state.runs.values()))
    ended, _ = classify(error, "compile", "cuda:0")
    run.conducted_end = ev.RunChanged(run=run.name, state="ended", outcome=ended.outcome, reason=ended.reason)
    assert endings.wrong_overwritten(run) == []
    run.conducted_end = ev.RunChanged(run=run.name, state="ended", outcome="ok")
    assert len(endings.wrong_overwritten(run)) == 2
