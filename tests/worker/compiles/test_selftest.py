"""The self-test tells a working trace from a broken one, and leaves no trace of its own."""

from __future__ import annotations

import logging

import pytest
import torch

from profiler.events import CompileEnded
from profiler.worker.compiles import CompileMonitor, self_test
from profiler.worker.compiles.monitor import TRACE_LOGGER
from tests.worker.compiles.conftest import Events


def test_this_torch_answers() -> None:
    assert self_test() is None


def test_nobody_else_sees_it_and_ids_start_clean(monitor: CompileMonitor, events: Events) -> None:
    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise AssertionError("the self-test is nobody's compile")

    listener = Listener()
    trace = logging.getLogger(TRACE_LOGGER)
    trace.handlers.append(listener)
    before = list(trace.handlers)
    assert self_test() is None
    assert trace.handlers == before
    trace.handlers.remove(listener)
    assert events == []
    torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    ended = events.one(CompileEnded)
    assert (ended.epoch, ended.id) == (0, "0/0")


def test_names_of_files_are_left_for_torchs_own_trace_to_tell() -> None:
    table = torch._logging.structured.INTERN_TABLE
    before = dict(table)
    table.clear()
    try:
        assert self_test() is None
        assert table == {}
    finally:
        table.update(before)


def test_it_leaves_the_count_of_graphs_alone(monitor: CompileMonitor) -> None:
    assert self_test() is None
    before = monitor.graphs_executed()
    torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    assert before is not None
    assert monitor.graphs_executed() == before + 1


def test_a_silent_trace_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(TRACE_LOGGER), "disabled", True)
    reason = self_test()
    assert reason is not None
    assert torch.__version__ in reason


def test_logging_that_is_disabled_is_named_where_it_silences_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before torch 2.13, where the trace's logger is a plain one."""
    trace = logging.getLogger(TRACE_LOGGER)
    monkeypatch.delitem(trace.__dict__, "isEnabledFor", raising=False)
    trace._cache.clear()
    logging.disable(logging.WARNING)
    try:
        reason = self_test()
    finally:
        logging.disable(logging.NOTSET)
    assert reason is not None
    assert reason.startswith("logging.disable() silences the trace of torch ")


def test_logging_that_is_disabled_does_no_harm_where_torch_is_immune() -> None:
    if "isEnabledFor" not in logging.getLogger(TRACE_LOGGER).__dict__:
        pytest.skip("this torch isn't")
    logging.disable(logging.CRITICAL)
    try:
        assert self_test() is None
    finally:
        logging.disable(logging.NOTSET)


def test_a_compiler_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("Python 3.99 is not supported")

    monkeypatch.setattr(torch, "compile", broken)
    assert self_test() == "torch.compile failed: RuntimeError: Python 3.99 is not supported"
