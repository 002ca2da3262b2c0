"""What a run writes about its compiles stays within tens of kilobytes, however much it compiles."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import torch
from torch import nn

from profiler.events import CompileEnded, CompilePhase, CompileStarted, Event, GraphBreak, Recompile
from profiler.worker.compiles import CompileMonitor, frames
from profiler.worker.compiles.allowance import Allowance
from profiler.worker.compiles.frames import Target
from profiler.worker.where import Where
from tests.worker.compiles.conftest import Events

SECOND = 1_000_000_000
PACKAGES = Path(torch.__file__).parents[1]


def size(events: list[Event]) -> int:
    return sum(len(msgspec.json.encode(event)) + 1 for event in events)


def test_long_texts_are_shortened_once_much_is_written(monitor: CompileMonitor, events: Events, feed) -> None:
    for attempt in range(60):
        reasons = [f"0/{i}: x == {attempt}" + "\nUser stack trace: " * 500 for i in range(12)]
        metadata = {"artifact": {"name": "recompile_reasons"}, "frame_id": 0, "frame_compile_id": attempt}
        monitor.handle(feed(metadata, json.dumps(reasons)))
    told = events.of(Recompile)
    assert len(told) == 60
    assert len(told[0].reasons[0]) == 2048
    assert (told[0].total_reasons, len(told[0].reasons)) == (12, 8)
    assert told[-1].reasons[0].startswith("0/0: x == 59\nUser stack trace:")
    assert (told[-1].total_reasons, len(told[-1].reasons)) == (12, 1), "the one that matters is left"
    assert size(told) < 45_000


GUARD = "tensor 'hidden_states' size mismatch at index 1. expected {}, actual 99"
METRICS = {
    "graph_op_count": 500,
    "guard_count": 5000,
    "guard_latency_us": 712,
    "structured_logging_overhead_us": 91_234,
    "dynamo_cumulative_compile_time_us": 31_234_567,
    "aot_autograd_cumulative_compile_time_us": 25_234_567,
    "inductor_cumulative_compile_time_us": 20_234_567,
    "inductor_code_gen_cumulative_compile_time_us": 15_234_567,
    "triton_compile_time_us": 9_234_567,
}
OUTSIDE = ("dynamo", "entire_frame_compile")
WITHIN = ("backend_compile", "inductor_compile", "code_gen", "async_compile.wait")


class Block(nn.Module):
    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return hidden_states + 1


@dataclass
class Slow:
    """A clock, and compiles that take half a minute on it, as inductor's do."""

    monitor: CompileMonitor
    feed: Callable[..., logging.LogRecord]
    now: int = 1_000 * SECOND

    def artifact(self, place: dict[str, int], name: str, payload: str) -> None:
        self.monitor.handle(self.feed({"artifact": {"name": name}, **place}, payload))

    def chromium(self, place: dict[str, int], name: str, mark: str, /, **arguments: object) -> None:
        self.now += SECOND * 5 // 2
        payload = json.dumps({"name": name, "args": arguments, "ph": mark})
        self.monitor.handle(self.feed({"chromium_event": {}, **place}, payload))

    def compile(self, frame: int, attempt: int) -> None:
        """What torch tells of a (re)compile for another size, with caches that have nothing."""
        place = {"frame_id": frame, "frame_compile_id": attempt}
        for name in OUTSIDE:
            self.chromium(place, name, "B")
        if attempt:
            reasons = [f"{frame}/{entry}: {GUARD.format(entry + 100 * frame)}" for entry in reversed(range(attempt))]
            self.artifact(place, "recompile_reasons", json.dumps(reasons))
        self.monitor.handle(self.feed({"dynamo_start": {"stack": []}, **place}))
        for dim in (2, 3) if attempt == 1 else ():
            mark = {"name": "L['hidden_states']", "dim_changed": dim, "reason": "size change", "cached": 8, "new": 16}
            self.chromium(place, "automatic_dynamic", "i", **mark)
        for name in WITHIN:
            self.chromium(place, name, "B")
        for layer in ("fx_graph", "aotautograd"):
            self.artifact(place, f"{layer}_cache_miss", "{}")
        for name in reversed(WITHIN):
            self.chromium(place, name, "E")
        self.monitor.handle(self.feed({"compilation_metrics": METRICS, **place}))
        for name in reversed(OUTSIDE):
            self.chromium(place, name, "E")


@pytest.fixture
def slow(events: Events, feed: Callable[..., logging.LogRecord], monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Compiles of the blocks of a model."""
    blocks = nn.ModuleList(Block() for _ in range(12))
    made = Slow(None, feed)  # type: ignore[arg-type]
    here = Where(phase="measure", call=12, stage="denoise", loop=0, step=7)
    made.monitor = CompileMonitor(events.append, {"transformer": blocks}, here, clock=lambda: made.now)
    made.monitor._process = os.getpid()
    code = Block.forward.__code__.replace(co_filename=f"{PACKAGES}/diffusers/models/blocks.py")

    def compiling() -> Target:
        return Target(code, {"self": blocks[frames_made() % 12], "hidden_states": torch.zeros(2, 99, 8)}, {})

    def frames_made() -> int:
        return len({event.id for event in events.of(CompileEnded)})

    monkeypatch.setattr(frames, "compiling", compiling)
    caller = f"{PACKAGES}/diffusers/models/transformer.py"
    monkeypatch.setattr(frames, "callers", lambda limit: [f"{caller}:{frames_made() % 5} in forward"][:limit])
    return made


@pytest.mark.parametrize(("compiles", "limit"), [(55, 46_000), (92, 68_000)])
def test_many_compiles_are_all_told(slow: Slow, events: Events, compiles: int, limit: int) -> None:
    """Each with its reason, figures and caches; in a run of inductor's, whose phases last."""
    for number in range(compiles):
        slow.compile(number // 8, number % 8)
    assert slow.monitor.errors == 0
    seen = {event.id: event for event in events if isinstance(event, Recompile | CompileStarted)}
    assert len(seen) == len(events.of(CompileEnded)) == compiles
    assert all(event.reasons for event in events.of(Recompile))
    assert all(event.phases or event.counted for event in events.of(CompileEnded))
    assert size(events) + 32 * len(events) < limit


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
    assert sum(allowance.mark(second * SECOND, "inductor") for second in range(20, 10_000, 5)) == 15


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
