"""What a run writes about its compiles stays within tens of kilobytes, however much it compiles."""

from __future__ import annotations

import json

import msgspec

from profiler.events import CompileEnded, CompilePhase, CompileStarted, Event, GraphBreak, Recompile
from profiler.worker.compiles import CompileMonitor
from profiler.worker.compiles.allowance import Allowance
from tests.worker.compiles.conftest import Events

SECOND = 1_000_000_000


def size(events: list[Event]) -> int:
    return sum(len(msgspec.json.encode(event)) + 1 for event in events)


def test_long_texts_are_shortened_once_much_is_written(monitor: CompileMonitor, events: Events, feed) -> None:
    reasons = [f"0/{i}: x == {i}" + "\nUser stack trace: " * 500 for i in range(12)]
    for attempt in range(60):
        metadata = {"artifact": {"name": "recompile_reasons"}, "frame_id": 0, "frame_compile_id": attempt}
        monitor.handle(feed(metadata, json.dumps(reasons)))
    told = events.of(Recompile)
    assert len(told) == 60
    assert len(told[0].reasons[0]) == 2048
    assert (told[0].total_reasons, len(told[0].reasons)) == (12, 8)
    assert told[-1].reasons[0].startswith("0/0: x == 0\nUser stack trace:")
    assert (told[-1].total_reasons, len(told[-1].reasons)) == (12, 1), "the one that matters is left"
    assert size(told) < 45_000


def test_many_compiles_are_all_told(monitor: CompileMonitor, events: Events, feed) -> None:
    """Recompiles as a resolution scenario makes them under a raised limit: each with its reasons, marks and metrics."""
    reasons = [f"0/{i}: tensor 'args[0]' size mismatch at index 2. expected {i}, actual 99" for i in range(20)]
    metrics = {"graph_op_count": 500, "guard_count": 5000, "guard_latency_us": 700, "structured_logging_overhead_us": 9}
    metrics |= {"dynamo_cumulative_compile_time_us": 10**6, "aot_autograd_cumulative_compile_time_us": 10**6}
    for attempt in range(100):
        frame = {"frame_id": 0, "frame_compile_id": attempt}
        for name in ("dynamo", "entire_frame_compile"):
            monitor.handle(feed({"chromium_event": {}, **frame}, json.dumps({"name": name, "args": {}, "ph": "B"})))
        monitor.handle(feed({"artifact": {"name": "recompile_reasons"}, **frame}, json.dumps(reasons)))
        monitor.handle(feed({"dynamo_start": {"stack": [{"line": 3, "name": "f", "filename": 0}]}, **frame}))
        monitor.handle(feed({"compilation_metrics": metrics, **frame}))
        for name in ("entire_frame_compile", "dynamo"):
            monitor.handle(feed({"chromium_event": {}, **frame}, json.dumps({"name": name, "args": {}, "ph": "E"})))
    assert [len(events.of(kind)) for kind in (Recompile, CompileStarted, CompileEnded)] == [100] * 3
    assert all(told.reasons[told.matched] == reasons[0] for told in events.of(Recompile))
    assert all(ended.phases and ended.handler_ns for ended in events.of(CompileEnded))
    assert monitor.errors == 0
    assert size(events) + 32 * len(events) < 80_000


def test_the_same_graph_break_is_told_once_a_compile(monitor: CompileMonitor, events: Events, feed) -> None:
    for attempt in (0, 1):
        frame = {"frame_id": 0, "frame_compile_id": attempt}
        begin = json.dumps({"name": "dynamo", "args": {}, "ph": "B"})
        monitor.handle(feed({"chromium_event": {}, **frame}, begin))
        for _ in range(3):
            text = "Graph break in user code at a.py:3\nGraph Break Reason: because"
            monitor.handle(feed({"artifact": {"name": "dynamo_graph_break_reason"}, **frame}, text))
    assert [told.id for told in events.of(GraphBreak)] == ["0/0", "0/1"]


def test_marks_follow_the_time() -> None:
    allowance = Allowance()
    burst = sum(allowance.mark(0, "dynamo") for _ in range(100))
    assert burst == 20
    assert sum(allowance.mark(10 * SECOND, "codegen") for _ in range(100)) == 5
    assert not allowance.mark(20 * SECOND, "guards"), "after the burst only what may last"
    assert sum(allowance.mark(second * SECOND, "inductor") for second in range(20, 10_000, 5)) == 55


def test_a_hundred_quick_compiles_write_few_marks(monitor: CompileMonitor, events: Events, feed) -> None:
    for frame in range(100):
        for mark, name in (("B", "dynamo"), ("B", "backend_compile"), ("E", "backend_compile"), ("E", "dynamo")):
            metadata = {"chromium_event": {}, "frame_id": frame, "frame_compile_id": 0}
            if (mark, name) == ("E", "dynamo"):
                metrics = {"compilation_metrics": {}, "frame_id": frame, "frame_compile_id": 0}
                monitor.handle(feed(metrics))
            monitor.handle(feed(metadata, json.dumps({"name": name, "args": {}, "ph": mark})))
    marks = events.of(CompilePhase)
    assert len(events.of(CompileEnded)) == 100
    assert len(marks) < 50
    begins = [(mark.id, mark.phase) for mark in marks if mark.ns is None]
    ends = [(mark.id, mark.phase) for mark in marks if mark.ns is not None]
    assert sorted(begins) == sorted(ends)
