"""The truth test: what the monitor tells is what torch's own trace file (the input of ``tlparse``) says.

The file is read here by a reader of its own, which shares no code with the monitor.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from profiler.analysis import restoring
from profiler.eventlog import LogReader
from profiler.events import (
    CompileEnded,
    CompileEvent,
    CompileLimit,
    CompileStarted,
    DynamicMark,
    Event,
    GraphBreak,
    MonitorError,
    Recompile,
)
from tests.worker.compiles.conftest import folded

ROOT = Path(__file__).parents[3]


@dataclass
class Raw:
    """One record of a TORCH_TRACE file: a line of JSON after a prefix; the lines of its payload start with a tab."""

    metadata: dict
    payload: str

    @property
    def id(self) -> str:
        return f"{self.metadata['frame_id']}/{self.metadata['frame_compile_id']}"

    def artifact(self, name: str) -> bool:
        return self.metadata.get("artifact", {}).get("name") == name


def read_trace(path: Path) -> list[Raw]:
    records: list[Raw] = []
    for line in path.read_text().splitlines():
        if line.startswith("\t"):
            separator = "\n" if records[-1].payload else ""
            records[-1].payload += separator + line[1:]
        else:
            records.append(Raw(json.loads(line.partition("] ")[2]), ""))
    return records


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], list[Raw]]:
    folder = tmp_path_factory.mktemp("trace")
    environment = {**os.environ, "TORCH_TRACE": str(folder / "torch"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.worker.compiles.traced", str(folder / "events.jsonl")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    (trace,) = (folder / "torch").glob("*.log")
    reader = LogReader(folder / "events.jsonl")
    events = reader.read(1 << 24).events
    assert (reader.bad, reader.unknown, reader.lost) == (0, 0, 0)
    return events, read_trace(trace)


@pytest.fixture(scope="module")
def told(run: tuple[list[Event], list[Raw]]) -> list[CompileEvent]:
    events = [event for event in run[0] if isinstance(event, CompileEvent)]
    folded(events)
    return events


@pytest.fixture(scope="module")
def raw(run: tuple[list[Event], list[Raw]]) -> list[Raw]:
    return run[1]


def of(told: list[CompileEvent], kind: type) -> list:
    return [event for event in told if isinstance(event, kind)]


def test_the_same_compiles_began(told: list[CompileEvent], raw: list[Raw]) -> None:
    began = [record.id for record in raw if "dynamo_start" in record.metadata]
    refused = {event.id for event in of(told, CompileLimit)}
    starts = [event for event in told if isinstance(event, CompileStarted) or getattr(event, "starts", False)]
    assert [found for _, found in dict.fromkeys((one.epoch, one.id) for one in starts) if found not in refused] == began
    assert len(began) >= 10


def test_the_same_compiles_ended_the_same_way(told: list[CompileEvent], raw: list[Raw]) -> None:
    metrics = [
        (record.id, record.metadata["compilation_metrics"])
        for record in raw
        if "compilation_metrics" in record.metadata
    ]
    assert [event.id for event in told if isinstance(event, CompileEnded | CompileLimit)] == [
        found for found, _ in metrics
    ]
    limits = [found for found, fields in metrics if "limit" in (fields["fail_reason"] or "")]
    assert [event.id for event in of(told, CompileLimit)] == limits
    outcomes = [(found, fields["fail_type"]) for found, fields in metrics if found not in limits]
    assert [(event.id, event.failure) for event in of(told, CompileEnded)] == outcomes
    assert {failure for _, failure in outcomes} == {None, "BackendCompilerFailed"}


def test_the_figures_are_torchs(told: list[CompileEvent], raw: list[Raw]) -> None:
    ended = of(told, CompileEnded)
    fields = [record.metadata["compilation_metrics"] for record in raw if "compilation_metrics" in record.metadata]
    fields = [found for found in fields if "limit" not in (found["fail_reason"] or "")]
    assert [event.operators for event in ended] == [found["graph_op_count"] for found in fields]
    assert [event.guards for event in ended] == [found["guard_count"] for found in fields]
    assert [event.restarts for event in ended] == [len(found["restart_reasons"]) for found in fields]
    torchs = [found["dynamo_cumulative_compile_time_us"] * 1000 for found in fields]
    assert [event.phases["dynamo"] for event in ended] == torchs
    # Ours also has what torch does before and after: the guard failures, the metrics.
    assert all(theirs <= event.ns < theirs * 1.5 + 100e6 for event, theirs in zip(ended, torchs))


def test_the_same_reasons(told: list[CompileEvent], raw: list[Raw]) -> None:
    texts = []
    for record in raw:
        if record.artifact("recompile_reasons"):
            reasons = json.loads(record.payload) if record.payload.startswith("[") else [record.payload]
            texts.append((record.id, reasons[0], len(reasons)))
    again = of(told, Recompile)
    assert [(event.id, event.total_reasons) for event in again] == [(found, count) for found, _, count in texts]
    assert all(text.startswith(event.reasons[0].removesuffix("…")) for event, (_, text, _) in zip(again, texts))
    assert max(count for _, _, count in texts) > 1


def test_the_same_graph_breaks(told: list[CompileEvent], raw: list[Raw]) -> None:
    breaks = []
    for record in raw:
        if record.artifact("dynamo_graph_break_reason"):
            place = re.search(r"in user code at (.*):(\d+)", record.payload)
            assert place is not None
            breaks.append((record.id, place[1], int(place[2])))
    assert [(event.id, event.file, event.line) for event in of(told, GraphBreak)] == breaks
    assert all(re.fullmatch(r"gb\d+", event.break_id) for event in of(told, GraphBreak))
    assert len(breaks) >= 1


def test_the_same_dimensions_became_dynamic(told: list[CompileEvent], raw: list[Raw]) -> None:
    marks = []
    for record in raw:
        if "chromium_event" in record.metadata:
            event = json.loads(record.payload)
            if event["name"] == "automatic_dynamic":
                marks.append((record.id, event["args"]["name"], event["args"]["new"]))
    found = [mark for event in of(told, DynamicMark) for mark in restoring.marks(event)]
    assert [(mark.id, mark.name, mark.new) for mark in found] == marks
    assert marks


def test_torchs_trace_says_our_step(raw: list[Raw]) -> None:
    contexts = [
        record.metadata["compilation_metrics"]["recompile_user_contexts"]
        for record in raw
        if "compilation_metrics" in record.metadata
    ]
    assert contexts[0] == ["call=0 stage=denoise loop=0 step=0"]
    assert contexts[1] == ["call=0 stage=denoise loop=0 step=2"]


def test_arguments_of_the_unet_have_their_real_names(told: list[CompileEvent]) -> None:
    """The frame that torch names is a decorator's: its arguments are ``args[0]`` and ``kwargs``."""
    changes = [event for event in of(told, Recompile) if event.module == "UNet2DConditionModel"]
    assert [(event.step, event.argument, event.source) for event in changes] == [
        (2, "sample", "args[0]"),
        (3, "timestep", "args[1]"),
        (4, "encoder_hidden_states", "args[2]"),
        (5, "return_dict", "len(kwargs)"),
    ]
    assert [event.actual for event in changes] == ["float32[2, 4, 16, 16]", "float32[]", "float32[2, 9, 8]", "0"]
    assert {event.fqn for event in changes} == {"unet"}
    first = next(event for event in of(told, CompileStarted) if event.module == "UNet2DConditionModel")
    assert (first.fqn, first.function) == ("unet", "wrapper")


def test_only_the_reset_began_a_new_epoch(told: list[CompileEvent]) -> None:
    started = of(told, CompileStarted)
    assert [event.epoch for event in started] == [0] * (len(started) - 1) + [1]
    assert started[-1].id == "0/0"


def test_nothing_went_wrong(told: list[CompileEvent]) -> None:
    assert of(told, MonitorError) == []
