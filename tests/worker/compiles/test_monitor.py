"""What the monitor tells of real compiles, and that it never stands in their way."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch._logging._internal import LazyTraceHandler

from profiler.events import (
    CompileEnded,
    CompilePhase,
    CompileStarted,
    DynamicMark,
    Event,
    GraphBreak,
    MonitorError,
    Recompile,
)
from profiler.worker.compiles import CompileMonitor
from profiler.worker.compiles.monitor import TRACE_LOGGER
from profiler.worker.where import Where
from tests.worker.compiles.conftest import Events, chromium


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, hidden_states: torch.Tensor, scale: object = 1) -> torch.Tensor:
        return self.linear(hidden_states) * scale


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(2))

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            sample = block(sample)
        return sample


def test_a_compile_is_told_from_its_first_record_to_its_last(monitor: CompileMonitor, events: Events) -> None:
    model = Model()
    monitor.name_modules({"unet": model})
    torch.compile(model, backend="eager")(torch.zeros(2, 4))
    started, ended = events.one(CompileStarted), events.one(CompileEnded)
    assert (started.id, started.module, started.fqn, started.function) == ("0/0", "Model", "unet", "forward")
    assert started.file == __file__
    assert started.line == Model.forward.__code__.co_firstlineno
    assert started.caller is not None
    assert started.caller.startswith(f"{__file__}:")
    assert started.caller.endswith("in test_a_compile_is_told_from_its_first_record_to_its_last")
    assert not started.recompile
    assert not started.resume
    assert ended.ok
    assert ended.operators == 4
    assert ended.guards
    assert ended.guard_ns
    assert ended.overhead_ns
    assert ended.ns >= ended.phases["dynamo"] >= ended.phases["aot"] > 0
    assert monitor.errors == 0


def test_the_first_record_is_not_lost_to_torchs_own_handler(events: Events) -> None:
    """That handler leaves the list while it is being iterated, and whoever stands behind it is passed over."""
    trace = logging.getLogger(TRACE_LOGGER)
    trace.addHandler(LazyTraceHandler(None))
    monitor = CompileMonitor(events.append)
    monitor.attach()
    torch.compile(torch.sin, backend="eager")(torch.zeros(2))
    monitor.detach()
    assert isinstance(events[0], CompilePhase)
    assert (events[0].phase, events[0].ns) == ("total", None)
    assert events.one(CompileEnded).start_ns > 0


def test_phases_begin_and_end_within_the_compile(monitor: CompileMonitor, events: Events) -> None:
    torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    marks = [(mark.phase, mark.ns is None) for mark in events.of(CompilePhase)]
    begins = ["total", "dynamo", "aot", "guards"]
    assert [phase for phase, begin in marks if begin] == begins
    assert [phase for phase, begin in marks if not begin] == ["aot", "guards", "dynamo", "total"]
    assert all(mark.ns is None or mark.ns > 0 for mark in events.of(CompilePhase))


def test_times_are_on_the_log_clock(events: Events) -> None:
    ticks = iter(range(1000, 10_000_000))
    monitor = CompileMonitor(events.append, clock=lambda: next(ticks))
    monitor.attach()
    torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    monitor.detach()
    ended = events.one(CompileEnded)
    assert ended.start_ns == 1000
    assert 0 < ended.ns < 100


def test_events_say_what_they_interrupted(monitor: CompileMonitor, events: Events, here: Where) -> None:
    moves = iter([7, 8])

    def moving_backend(graph, inputs):
        here.step = next(moves)
        return graph

    torch.compile(lambda x: x + 1, backend=moving_backend)(torch.zeros(2))
    first, ended = events[0], events.one(CompileEnded)
    assert (first.call, first.stage, first.loop, first.step) == (2, "denoise", 0, 7)
    started = events.one(CompileStarted)
    assert (started.call, started.stage, started.loop, started.step) == (None,) * 4, "as the compile's first event"
    here.step = 9
    torch.compile(lambda x: x + 2, backend=moving_backend)(torch.zeros(2))
    second = events.of(CompileEnded)[1]
    assert (ended.step, second.step) == (7, 9), "a compile belongs to the step it started in"


def test_one_reason_of_a_recompile(monitor: CompileMonitor, events: Events) -> None:
    model = Model()
    monitor.name_modules({"unet": model})
    compiled = torch.compile(model, backend="eager")
    compiled(torch.zeros(2, 4))
    compiled(torch.zeros(3, 4))
    told = events.one(Recompile)
    assert told.reasons == ["0/0: tensor 'sample' size mismatch at index 0. expected 2, actual 3"]
    assert (told.source, told.argument, told.actual) == ("sample", "sample", "float32[3, 4]")
    assert (told.id, told.module, told.fqn, told.total_reasons) == ("0/1", "Model", "unet", 1)
    assert events.of(CompileStarted)[1].recompile
    assert events.index(told) < events.index(events.of(CompileStarted)[1])
    mark = events.one(DynamicMark)
    assert (mark.dim, mark.cached, mark.new, mark.id) == (0, "2", "3", "0/1")


def test_several_reasons_of_a_recompile(monitor: CompileMonitor, events: Events) -> None:
    def scaled(x: torch.Tensor, mode: str) -> torch.Tensor:
        return x * 2 if mode == "down" else x * 3 if mode == "mid" else x * 4

    compiled = torch.compile(scaled, backend="eager")
    for mode in ("down", "mid", "up"):
        compiled(torch.zeros(2), mode)
    told = events.of(Recompile)[1]
    assert told.total_reasons == 2
    assert [reason.partition("  ")[0] for reason in told.reasons] == ["0/1: mode == 'mid'", "0/0: mode == 'down'"]
    assert (told.source, told.argument, told.actual) == ("mode", "mode", "'up'")


def test_regions_are_told_by_their_place_in_the_model(monitor: CompileMonitor, events: Events) -> None:
    model = Model()
    monitor.name_modules({"transformer": model})
    for block in model.blocks:
        block.compile(backend="eager")
    model(torch.zeros(2, 4))
    started = events.one(CompileStarted)
    assert (started.module, started.fqn) == ("Block", "transformer.blocks.0")
    assert started.caller is not None
    assert started.caller.endswith("in forward")


def test_modules_that_came_later_are_found(monitor: CompileMonitor, events: Events) -> None:
    model = Model()
    monitor.name_modules({"unet": model})
    model.blocks[1] = torch.compile(Block(), backend="eager")
    model(torch.zeros(2, 4))
    assert events.one(CompileStarted).fqn == "unet.blocks.1"


def test_leaf_modules_compiled_one_by_one_keep_their_names(monitor: CompileMonitor, events: Events) -> None:
    """dynamo wraps them all in one function, so they are recompiles of each other."""
    model = nn.ModuleDict({"norm": nn.LayerNorm(4), "act": nn.SiLU()})
    monitor.name_modules({"unet": model})
    for leaf in model.values():
        torch.compile(leaf, backend="eager")(torch.zeros(2, 4))
    starts = events.of(CompileStarted)
    assert [(start.module, start.fqn) for start in starts] == [("LayerNorm", "unet.norm"), (None, None)]
    told = events.one(Recompile)
    assert (told.module, told.fqn, told.source, told.actual) == ("SiLU", "unet.act", "fn", "SiLU")


def test_a_graph_break_and_the_resumed_rest(monitor: CompileMonitor, events: Events) -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        y = x + 1
        torch._dynamo.graph_break()
        return y * 2

    torch.compile(broken, backend="eager")(torch.zeros(2))
    told = events.one(GraphBreak)
    line = broken.__code__.co_firstlineno + 2
    assert (told.id, told.file, told.line) == ("0/0", __file__, line)
    assert told.break_id is not None
    assert told.break_id.startswith("gb")
    assert "graph_break" in told.reason
    assert not told.skipped_frame
    first, rest = events.of(CompileStarted)
    assert not first.resume
    assert rest.resume
    assert rest.function == f"torch_dynamo_resume_in_broken_at_{line}"
    assert not rest.recompile
    assert [(ended.breaks, ended.restarts) for ended in events.of(CompileEnded)] == [(1, 1), (0, 0)]


def test_ids_that_start_again_get_a_new_epoch(monitor: CompileMonitor, events: Events) -> None:
    for _ in range(3):
        torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
        torch._dynamo.reset()
    assert [(ended.epoch, ended.id) for ended in events.of(CompileEnded)] == [(0, "0/0"), (1, "0/0"), (2, "0/0")]


def test_overhead_that_torch_logged_under_the_id_before_is_not_charged(
    monitor: CompileMonitor, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch adds up by id, and a reset starts the ids but not the sums again."""
    monkeypatch.setitem(torch._logging._internal.structured_logging_overhead, "0_0", 1000.0)
    torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    ended = events.one(CompileEnded)
    assert ended.overhead_ns
    assert ended.overhead_ns < ended.ns


def test_a_backend_that_fails_is_told_and_still_fails(monitor: CompileMonitor, events: Events) -> None:
    def boom(graph, inputs):
        raise RuntimeError("boom")

    with pytest.raises(Exception, match="boom"):
        torch.compile(lambda x: x + 1, backend=boom)(torch.zeros(2))
    ended = events.one(CompileEnded)
    assert (ended.ok, ended.failure) == (False, "BackendCompilerFailed")
    assert ended.why is not None
    assert "boom" in ended.why


def test_steady_calls_tell_nothing(monitor: CompileMonitor, events: Events) -> None:
    compiled = torch.compile(lambda x: x + 1, backend="eager")
    compiled(torch.zeros(2))
    before, spent = len(events), monitor.spent_ns
    for _ in range(20):
        compiled(torch.zeros(2))
    assert (len(events), monitor.spent_ns) == (before, spent)


def test_results_are_the_same_under_the_monitor(monitor: CompileMonitor) -> None:
    model, sample = Model(), torch.ones(2, 4)
    watched = torch.compile(model, backend="eager")(sample)
    monitor.detach()
    torch._dynamo.reset()
    assert torch.equal(watched, torch.compile(model, backend="eager")(sample))


def test_a_writer_that_raises_does_not_reach_the_compile(here: Where) -> None:
    told: list[Event] = []

    def write(event: Event) -> None:
        if not isinstance(event, MonitorError):
            raise OSError("disk full")
        told.append(event)

    monitor = CompileMonitor(write, here=here)
    monitor.attach()
    result = torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    monitor.detach()
    assert torch.equal(result, torch.ones(2))
    assert [event.error for event in told[:1]] == ["OSError: disk full"]
    assert told[0].step == 7
    assert monitor.errors == len(told) > 0


def test_a_writer_that_always_raises_does_not_reach_the_compile() -> None:
    def write(event: Event) -> None:
        raise OSError("disk full")

    monitor = CompileMonitor(write)
    monitor.attach()
    assert torch.equal(torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2)), torch.ones(2))
    monitor.detach()
    assert monitor.errors > 0


WEIRD: list[tuple[object, object]] = [
    ({}, None),
    (None, None),
    ({"chromium_event": {}}, 5),
    ({"chromium_event": {}}, '{"name":"automatic_dynamic","args":[],"ph":"i"}'),
    ({"chromium_event": {}}, '{"name":"automatic_dynamic","args":{"dim_changed":[1],"name":{"a":1}},"ph":"i"}'),
    ({"chromium_event": {}}, '{"name":"dynamo","args":{},"ph":"E"}'),
    ({"artifact": None}, None),
    ({"artifact": {"name": "recompile_reasons"}, "frame_id": {}, "frame_compile_id": None}, b"\xff"),
    ({"artifact": {"name": "recompile_reasons"}}, "caf\udce9"),
    ({"artifact": {"name": "dynamo_graph_break_reason"}}, 1.5),
    ({"artifact": {"name": 7}}, None),
    ({"dynamo_start": {"stack": [{"line": "x", "filename": 10**9}]}}, None),
    ({"dynamo_start": None}, None),
    ({"compilation_metrics": {"fail_type": 3, "fail_reason": 4, "guard_count": "many", "restart_reasons": 5}}, None),
    ({"compilation_metrics": {"guard_latency_us": True, "graph_op_count": float("nan")}}, None),
    ({"compilation_metrics": []}, None),
    ({"compilation_metrics_runtime": {"runtime_triton_autotune_time_us": "x"}}, None),
    ({"something_new": object()}, object()),
]


@pytest.mark.parametrize(("metadata", "payload"), WEIRD)
def test_records_of_any_shape_never_raise(
    metadata: object, payload: object, monitor: CompileMonitor, events: Events, feed: Callable[..., logging.LogRecord]
) -> None:
    monitor.handle(feed(metadata, payload))
    assert monitor.errors == len(events.of(MonitorError)) <= 1


def test_a_record_without_metadata_is_told(monitor: CompileMonitor, events: Events) -> None:
    monitor.handle(logging.LogRecord(TRACE_LOGGER, logging.DEBUG, "", 0, "", (), None))
    assert "metadata" in events.one(MonitorError).error


def test_errors_are_told_a_few_times_only(monitor: CompileMonitor, events: Events, feed) -> None:
    for _ in range(500):
        monitor.handle(feed(None))
    assert monitor.errors == 500
    assert len(events.of(MonitorError)) == 20


def test_compiles_of_many_threads_are_kept_apart(monitor: CompileMonitor, events: Events, feed) -> None:
    barrier = threading.Barrier(8)

    def compiles(frame: int) -> None:
        barrier.wait()
        for attempt in range(25):
            identifier = f"{frame}/{attempt}"
            monitor.handle(chromium(feed, "dynamo", "B", identifier))
            metrics = {"graph_op_count": frame * 100 + attempt}
            monitor.handle(feed({"compilation_metrics": metrics, "frame_id": frame, "frame_compile_id": attempt}))
            monitor.handle(chromium(feed, "dynamo", "E", identifier))

    threads = [threading.Thread(target=compiles, args=(frame,)) for frame in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = events.of(CompileEnded)
    operators = {end.id: (end.counted or end).operators for end in ended}
    assert operators == {f"{f}/{a}": f * 100 + a for f in range(8) for a in range(25)}
    assert {end.epoch for end in ended} == {0}
    assert monitor.errors == 0


def test_a_forked_child_is_silent(monitor: CompileMonitor, events: Events, feed) -> None:
    child = os.fork()
    if child == 0:
        monitor.handle(chromium(feed, "dynamo", "B", "5/0"))
        os._exit(len(events))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_detached_means_silent(monitor: CompileMonitor, events: Events) -> None:
    monitor.detach()
    torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    assert events == []
    assert monitor not in logging.getLogger(TRACE_LOGGER).handlers


def test_attaching_twice_tells_everything_once(monitor: CompileMonitor, events: Events) -> None:
    monitor.attach()
    torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    assert len(events.of(CompileEnded)) == 1


def test_other_warnings_go_where_they_went(monitor: CompileMonitor, caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("torch._dynamo.convert_frame")
    log.propagate, propagate = True, log.propagate
    logging.getLogger("torch._dynamo").propagate, parent = True, logging.getLogger("torch._dynamo").propagate
    try:
        with caplog.at_level(logging.WARNING):
            log.warning("something else")
    finally:
        log.propagate = propagate
        logging.getLogger("torch._dynamo").propagate = parent
    assert "something else" in caplog.text


def test_torchs_metrics_carry_our_step(monitor: CompileMonitor) -> None:
    if not hasattr(torch._dynamo, "register_hook_for_recompile_user_context"):
        pytest.skip("this torch has no such hook")
    torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    contexts = torch._dynamo.utils.get_compilation_metrics()[-1].recompile_user_contexts
    assert contexts == {"call=2 stage=denoise loop=0 step=7"}


def test_the_file_is_where_the_code_is(monitor: CompileMonitor, events: Events) -> None:
    torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
    assert Path(events.one(CompileStarted).file).name == "test_monitor.py"
