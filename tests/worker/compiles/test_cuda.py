"""CUDA graphs on a real GPU: everywhere else their records are made up."""

from __future__ import annotations

import pytest
import torch

from profiler.events import CompileEnded, CudaGraph
from profiler.worker.compiles import CompileMonitor
from profiler.worker.where import Where
from tests.worker.compiles.conftest import Events

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.inductor,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


class Small(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * 2).relu() + x


def test_recordings_are_told_and_replays_counted(monitor: CompileMonitor, events: Events, here: Where) -> None:
    compiled = torch.compile(Small(), mode="reduce-overhead")
    sample = torch.ones(64, 64, device="cuda")
    counts = []
    for here.step in range(6):
        torch.compiler.cudagraph_mark_step_begin()
        before = monitor.graphs_executed()
        compiled(sample)
        after = monitor.graphs_executed()
        assert before is not None
        assert after is not None
        counts.append(after - before)
    assert counts == [1] * 6, "a replay is entered like any compiled graph"
    assert len(events.of(CompileEnded)) == 1
    recorded = events.of(CudaGraph)
    assert recorded
    assert {graph.action for graph in recorded} == {"record"}
    assert all(graph.id == "0/0" and graph.ns for graph in recorded)
    assert monitor.errors == 0
