"""Stances under which torch keeps silent, and what a run leaves behind."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from profiler.events import CompileStarted, Event, Note, Recompile
from profiler.request import Options, resolve
from profiler.worker.compiles import CompileMonitor, silent_stance
from profiler.worker.compiles.monitor import TRACE_LOGGER
from profiler.worker.pulse import Pulse
from profiler.worker.run import CaseRun
from tests.worker.compiles.conftest import Events


def test_the_default_is_nothing_to_tell() -> None:
    assert silent_stance() is None


@pytest.mark.parametrize("name", ["force_eager", "eager_on_recompile", "fail_on_recompile"])
def test_a_stance_that_keeps_silent_is_told(name: str) -> None:
    with torch.compiler.set_stance(name):
        told = silent_stance()
    assert told is not None
    assert told.startswith(f"torch.compiler.set_stance('{name}') is in force: ")


def test_a_recompile_under_such_a_stance_leaves_no_record(monitor: CompileMonitor, events: Events) -> None:
    """What makes the note worth writing."""
    compiled = torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
    compiled(torch.zeros(2))
    with torch.compiler.set_stance("eager_on_recompile"):
        compiled(torch.zeros(3))
    assert len(events.of(CompileStarted)) == 1
    assert events.of(Recompile) == []


@pytest.mark.parametrize("failing", [False, True])
def test_a_run_leaves_no_monitor_behind(failing: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def measure(self: CaseRun, subject: object, probe: object, monitor: CompileMonitor | None) -> None:
        assert monitor in trace.handlers
        if failing:
            raise RuntimeError("the pipeline fails")

    trace = logging.getLogger(TRACE_LOGGER)
    before = list(trace.handlers)
    subject: Any = SimpleNamespace(denoisers=[], pieces=[])
    monkeypatch.setattr("profiler.worker.device.DeviceLock.take", lambda *_, **__: None)
    monkeypatch.setattr("profiler.worker.run.variants.apply", lambda *_: [])
    monkeypatch.setattr(CaseRun, "_load", lambda *_: subject)
    monkeypatch.setattr(CaseRun, "_measure", measure)
    request = resolve(Options(pipeline="sd15-txt2img", size="tiny", variants=["compile"], backend="eager"), "cpu")
    events: list[Event] = []
    run = CaseRun(request, request.cases[0], "session", tmp_path, events.append, Pulse(events.append))
    with torch.compiler.set_stance("eager_on_recompile"):
        if failing:
            with pytest.raises(RuntimeError, match="the pipeline fails"):
                run.execute()
        else:
            run.execute()
    assert [handler for handler in trace.handlers if isinstance(handler, CompileMonitor)] == []
    assert [handler for handler in before if isinstance(handler, CompileMonitor)] == []
    assert [event.code for event in events if isinstance(event, Note)] == ["stance"]
