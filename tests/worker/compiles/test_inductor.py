"""What only inductor does: caches and kernels."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from profiler.events import CacheLookup, CompileEnded, CompilePhase
from profiler.worker.compiles import CompileMonitor, GraphCounter
from tests.worker.compiles.conftest import Events

pytestmark = [
    pytest.mark.inductor,
    pytest.mark.skipif(shutil.which("g++") is None and shutil.which("clang++") is None, reason="no C++ compiler"),
]


class Small(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * 2).relu() + x


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))


def test_phases_and_cold_and_warm_caches(monitor: CompileMonitor, events: Events) -> None:
    sample = torch.ones(5, 7)
    plain = Small()(sample)
    assert torch.equal(torch.compile(Small())(sample), plain)
    cold = list(events)
    events.clear()
    torch._dynamo.reset()
    assert torch.equal(torch.compile(Small())(sample), plain)

    first = {(found.layer, found.state) for found in cold if isinstance(found, CacheLookup)}
    assert first == {("aot", "miss"), ("fx", "miss")}
    second = {(found.layer, found.state): found.saved_ns for found in events.of(CacheLookup)}
    assert set(second) == {("aot", "hit"), ("fx", "hit")}
    assert all(saved and saved > 1_000_000 for saved in second.values())

    (ended,) = (event for event in cold if isinstance(event, CompileEnded))
    order = ["dynamo", "aot", "inductor", "codegen", "kernels"]
    assert list(ended.phases) == order
    nested = [ended.ns, *(ended.phases[phase] for phase in order)]
    assert nested == sorted(nested, reverse=True), "each phase holds the next"
    marked = {mark.phase for mark in cold if isinstance(mark, CompilePhase)}
    assert marked == {"total", *order, "guards"}
    again = events.one(CompileEnded)
    assert again.epoch == 1
    assert "inductor" not in again.phases


def test_both_ways_of_counting_agree() -> None:
    counts = []
    for hook in (True, False):
        torch._dynamo.reset()
        with torch._dynamo.config.patch(record_runtime_overhead=hook):
            counter = GraphCounter()
            counter.install()
            compiled = torch.compile(Small())
            found = []
            for size in (5, 5, 6, 7):
                before = counter.executed
                compiled(torch.ones(size, 7))
                found.append(counter.executed - before)
            counter.remove()
        counts.append(found)
    assert counts == [[1, 1, 1, 1]] * 2
