"""Phases as they happen, and CUDA graphs: records made up as torch's sources make them, since they need a GPU."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from profiler.events import CompilePhase, CudaGraph
from profiler.worker.compiles import CompileMonitor
from profiler.worker.where import Where
from tests.worker.compiles.conftest import Events, chromium


def test_a_cuda_graph_recorded_in_a_later_step_is_a_second_recording(
    monitor: CompileMonitor, events: Events, here: Where, feed
) -> None:
    """Synthetic: torch 2.13's records, as its source makes them. They come at run time and carry their id inside."""
    for step in (1, 1, 5):
        here.step = step
        for mark in "BE":
            payload = {"name": "CUDAGraphNode.record", "ts": 1.0, "args": {"compile_id": "0/0"}, "ph": mark}
            monitor.handle(feed({"chromium_event": {}}, json.dumps(payload)))
    assert [(graph.id, graph.action, graph.step) for graph in events.of(CudaGraph)] == [
        ("0/0", "record", 1),
        ("0/0", "record", 1),
        ("0/0", "rerecord", 5),
    ]
    assert all(graph.ns for graph in events.of(CudaGraph))


def test_a_cuda_graph_warning_is_an_event_and_not_a_line_on_the_terminal(
    monitor: CompileMonitor, events: Events, capsys: pytest.CaptureFixture[str]
) -> None:
    from torch._inductor.cudagraph_utils import log_cudagraph_skip_and_bump_counter

    log_cudagraph_skip_and_bump_counter("skipping cudagraphs due to mutated inputs (1 instances)")
    skipped = events.one(CudaGraph)
    assert (skipped.action, skipped.reason) == ("skip", "skipping cudagraphs due to mutated inputs (1 instances)")
    assert capsys.readouterr().err == ""


def test_a_graph_that_is_skipped_when_it_first_runs_is_told_of_its_compile(
    monitor: CompileMonitor, events: Events
) -> None:
    """What changes its inputs is found by then, when no compile is under way; torch's own check, on a stand-in."""
    from torch._inductor.cudagraph_trees import CUDAGraphTreeManager
    from torch._inductor.cudagraph_utils import FunctionID, WrappedFunction

    number = FunctionID(0)
    manager = SimpleNamespace(
        compile_id=torch._guards.CompileId(frame_id=3, frame_compile_id=1),
        ids_to_funcs={
            number: WrappedFunction(None, [], number, (), [SimpleNamespace(mutating_use_stack_trace="")], [0])
        },
        non_cudagraph_managed_mutation_hint=defaultdict(dict),
        warned_mutation=set(),
        _get_node_id=lambda: None,
        _get_cuda_graph_recorded_tensor_checker=lambda: lambda tensor: False,
    )
    for _ in range(2):
        CUDAGraphTreeManager._update_non_cudagraph_managed_mutation(manager, number, [torch.ones(1)])
    skipped = events.one(CudaGraph)
    assert (skipped.action, skipped.id) == ("skip", "3/1")
    assert (skipped.reason or "").startswith("skipping cudagraphs due to mutated inputs")


@pytest.mark.parametrize("logger", ["__cudagraphs", "__perf_hints"])
def test_a_skipped_cuda_graph_is_told_once_whoever_tells_it(
    logger: str, monitor: CompileMonitor, events: Events, feed
) -> None:
    """torch warns (before 2.11 through another logger), puts the same text into the metrics, and counts."""
    why = "skipping cudagraphs due to mutated inputs (1 instances)"
    counters = torch._dynamo.utils.counters["inductor"]

    def compiles(frame: int, warned: bool, told: bool) -> None:
        monitor.handle(chromium(feed, "dynamo", "B", f"{frame}/0"))
        counters["cudagraph_skips"] += 1
        compile_id = torch._guards.CompileId(frame_id=frame, frame_compile_id=0)
        with torch._guards.compile_context(torch._guards.CompileContext(compile_id)):
            for _ in range(2 * warned):
                logging.getLogger(f"torch._inductor.cudagraph_utils.{logger}").warning(why)
        metrics = {"cudagraph_skip_reason": why} if told else {}
        monitor.handle(feed({"compilation_metrics": metrics, "frame_id": frame, "frame_compile_id": 0}))
        monitor.handle(chromium(feed, "dynamo", "E", f"{frame}/0"))

    for frame, (warned, told) in enumerate([(True, True), (False, True), (True, False), (False, False)]):
        compiles(frame, warned, told)
    skips = [(graph.id, graph.action, graph.reason) for graph in events.of(CudaGraph)]
    assert skips == [("0/0", "skip", why), ("1/0", "skip", why), ("2/0", "skip", why), ("3/0", "skip", None)]


PHASES = {
    "AOTAutogradCache.inductor_load": "load",
    "async_compile.wait": "kernels",
    "code_gen": "codegen",
    "benchmark_fused_nodes": "autotune",
    "mm_template_autotuning": "autotune",
    "mm_template_precompiling": "autotune",
}


@pytest.mark.parametrize("name", PHASES)
def test_a_phase_is_told_when_it_begins(name: str, monitor: CompileMonitor, events: Events, feed) -> None:
    monitor.handle(chromium(feed, name, "B", "0/0"))
    mark = events.one(CompilePhase)
    assert (mark.phase, mark.ns, mark.id) == (PHASES[name], None, "0/0")


def test_what_is_no_phase_is_not_told(monitor: CompileMonitor, events: Events, feed) -> None:
    for name in ("compile_file", "gc", "GraphLowering.run"):
        monitor.handle(chromium(feed, name, "B", "0/0"))
    assert events == []


def test_autotuning_of_many_kernels_is_one_phase(monitor: CompileMonitor, events: Events, feed) -> None:
    """Synthetic, as for CUDA graphs."""
    for mark in "BE" * 50:
        payload = {"name": "CachingAutotuner.benchmark_all_configs", "ts": 1, "args": {"compile_id": "0/0"}, "ph": mark}
        monitor.handle(feed({"chromium_event": {}}, json.dumps(payload)))
    metrics = {"compile_id": "0/0", "is_runtime": True, "runtime_triton_autotune_time_us": 1500}
    monitor.handle(feed({"compilation_metrics_runtime": metrics}))
    assert [(mark.phase, mark.ns) for mark in events.of(CompilePhase)] == [("autotune", None), ("autotune", 1_500_000)]
