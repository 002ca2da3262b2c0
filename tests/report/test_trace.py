from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.report.trace import trace
from profiler.sessions import SessionFolder
from tests.analysis.events import MS, call, chained, fold, frame, request
from tests.support import recorded

Event = dict[str, Any]

# What the Trace Event Format's document asks of each kind of event that is used here.
NUMBER, COUNT, TEXT = {"type": "number"}, {"type": "integer", "minimum": 0}, {"type": "string", "minLength": 1}
KINDS = {
    "M": {"pid": COUNT, "name": {"enum": ["process_name", "process_sort_index", "thread_name", "thread_sort_index"]}},
    "X": {"pid": COUNT, "tid": COUNT, "ts": NUMBER, "dur": {"type": "number", "minimum": 0}, "name": TEXT, "cat": TEXT},
    "i": {"pid": COUNT, "tid": COUNT, "ts": NUMBER, "s": {"const": "t"}, "name": TEXT, "cat": TEXT},
    "C": {"pid": COUNT, "ts": NUMBER, "name": TEXT},
}
SCHEMA = {
    "type": "object",
    "required": ["traceEvents", "displayTimeUnit", "otherData"],
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "traceEvents": {
            "type": "array",
            "items": {
                "oneOf": [
                    {
                        "properties": {"ph": {"const": kind}, "args": {"type": "object"}, **fields},
                        "required": ["ph", "args", *fields],
                    }
                    for kind, fields in KINDS.items()
                ]
            },
        },
    },
}


def made(session: SessionState, runs: list[str] | None = None) -> Event:
    text = "".join(trace(session, runs))
    assert text.isascii(), "what logs say steers no terminal"
    document: Event = json.loads(text)
    return document


def slices(document: Event, thread: str, pid: int | None = None) -> list[Event]:
    return [
        one
        for one in document["traceEvents"]
        if one["ph"] == "X" and one["cat"] == thread and pid in (None, one["pid"])
    ]


def ns(microseconds: float) -> int:
    return round(microseconds * 1000)


def assert_nested(document: Event) -> None:
    """On each track slices lie within each other or apart; checked in nanoseconds."""
    tracks: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for one in document["traceEvents"]:
        if one["ph"] == "X":
            begin = ns(one["ts"])
            tracks.setdefault((one["pid"], one["tid"]), []).append((begin, begin + ns(one["dur"])))
    for track, found in tracks.items():
        open_ends: list[int] = []
        for begin, end in sorted(found, key=lambda one: (one[0], -one[1])):
            while open_ends and open_ends[-1] <= begin:
                open_ends.pop()
            assert not open_ends or end <= open_ends[-1], f"crossing slices on {track}"
            open_ends.append(end)


@pytest.fixture
def folder(own_home: Path) -> SessionFolder:
    return recorded.finished(legs=["64x64", "96x64"], repeats=2).write(own_home)


@pytest.fixture
def state(folder: SessionFolder) -> SessionState:
    return Follower(folder).read_all()


def logged(folder: SessionFolder, run: str) -> list[Event]:
    """A run's log, read without any code of ours."""
    return [json.loads(line) for line in folder.run_log(run).read_text(encoding="utf-8").splitlines()]


def test_the_trace_fits_the_format(state: SessionState) -> None:
    document = made(state)
    jsonschema.validate(document, SCHEMA)
    assert_nested(document)
    about = document["otherData"]
    assert (about["session"], about["state"]) == (state.session, "done")
    assert about["started"] == "2026-01-01T00:00:00.000+00:00"
    assert about["started_unix_ns"] == str(recorded.WALL_NS)


def test_every_record_of_the_logs_is_in_the_trace_once(state: SessionState, folder: SessionFolder) -> None:
    document = made(state)
    numbers = {one["args"]["name"]: one["pid"] for one in document["traceEvents"] if one["name"] == "process_name"}
    for run in state.runs:
        records = logged(folder, run)
        kinds = Counter(record["kind"] for record in records)
        found = Counter(
            one["cat"] for one in document["traceEvents"] if one["pid"] == numbers[run] and one["ph"] == "X"
        )
        assert found["steps"] == kinds["step"]
        assert found["calls"] == kinds["call"]
        assert found["loops"] == kinds["loop"]
        assert found["stages"] == kinds["stage"]
        assert found["phases"] == kinds["phase"]
        # Of each compile itself the phase "total" is the slice; the phases in it have one each.
        begun = [one for one in records if one["kind"] == "phase_mark" and "ns" not in one and one["phase"] != "total"]
        assert found["compiles"] == kinds["compile_end"] + len(begun)
        assert sum(ns(one["dur"]) for one in slices(document, "steps", numbers[run])) == sum(
            record["ns"] for record in records if record["kind"] == "step"
        )


def test_steps_add_up_to_their_loops(state: SessionState) -> None:
    document = made(state)
    steps: Counter[tuple[int, int, int]] = Counter()
    for one in slices(document, "steps"):
        steps[one["pid"], one["args"]["call"], one["args"]["loop"]] += ns(one["dur"])
    loops = {
        (one["pid"], one["args"]["call"], one["args"]["loop"]): ns(one["dur"]) for one in slices(document, "loops")
    }
    assert loops and steps == loops


def test_a_step_that_was_held_up_says_so_and_its_compile_says_why(state: SessionState) -> None:
    document = made(state)
    held_up = [one for one in slices(document, "steps") if one["name"] == "step, compiling"]
    compiled = [one for one in slices(document, "compiles") if "id" in one["args"]]
    assert {(one["pid"], one["args"]["call"], one["args"]["step"]) for one in held_up} == {
        (one["pid"], one["args"]["call"], one["args"]["step"]) for one in compiled
    }
    again = next(one for one in compiled if one["name"].startswith("recompile"))
    assert "size mismatch" in again["args"]["reasons"][0]
    assert again["args"]["sentence"]
    assert sum(again["args"]["parts_ms"].values()) == pytest.approx(again["args"]["ms"])


def test_memory_is_the_runs_and_the_gpu_the_sessions(state: SessionState) -> None:
    document = made(state)
    counters: dict[str, set[int]] = {}
    for one in document["traceEvents"]:
        if one["ph"] == "C":
            counters.setdefault(one["name"], set()).add(one["pid"])
    runs = set(range(2, 2 + len(state.runs)))
    assert counters["allocated (bytes)"] == counters["RSS (bytes)"] == runs
    for name in ("GPU memory (bytes)", "GPU power (W)", "GPU utilisation (%)", "GPU SM clock (MHz)"):
        assert counters[name] == {1}
    assert "GPU memory of the run (bytes)" not in counters, "it was never measured"
    power = [one["args"]["value"] for one in document["traceEvents"] if one["name"] == "GPU power (W)"]
    assert min(power) == 60 and 270 <= max(power) < 285


def test_some_runs_alone_have_their_own_time_of_the_gpu(state: SessionState) -> None:
    name = list(state.runs)[1]
    document = made(state, [name])
    assert_nested(document)
    assert {one["pid"] for one in document["traceEvents"]} == {1, 3}
    (run,) = slices(document, "runs")
    assert run["name"] == name
    gpu = [one["ts"] for one in document["traceEvents"] if one["name"] == "GPU power (W)"]
    assert gpu and run["ts"] <= min(gpu) and max(gpu) <= run["ts"] + run["dur"]


def test_a_session_under_way_is_drawn_to_its_last_record(own_home: Path) -> None:
    recording = recorded.live(seconds=20)
    until = recording.live_ns + 3_000 * MS
    document = made(Follower(recording.write(own_home, until_ns=until)).read_all())
    assert_nested(document)
    unfinished = [one for one in document["traceEvents"] if one.get("args", {}).get("unfinished")]
    assert {one["cat"] for one in unfinished} >= {"calls", "loops"}
    assert all(ns(one["ts"] + one["dur"]) <= until - recorded.BASE_NS for one in unfinished)


def folded(*events: ev.Event) -> SessionState:
    asked = request(variants=["compile"], repeats=1)
    return fold(asked, {asked.runs[0].name: [*frame("measure"), *events]}, [ev.Header(t=0)]).state


def compiling(**given: Any) -> Iterator[ev.Event]:
    where: dict[str, Any] = {"id": "0/0", "call": 0, "loop": 0, "step": 0} | given
    yield ev.CompilePhase(t=20 * MS, phase="total", **where)
    yield ev.CompilePhase(t=21 * MS, phase="dynamo", **where)
    yield ev.CompileStarted(t=22 * MS, module="UNet", fqn="unet", **where)
    yield ev.CompilePhase(t=30 * MS, phase="aot", **where)
    # The record came late: by its begin and its duration it would end behind the phase around it.
    yield ev.CompilePhase(t=40 * MS, phase="aot", ns=10 * MS + 70_000, **where)
    yield ev.CompilePhase(t=40 * MS, phase="dynamo", ns=19 * MS, **where)
    yield ev.CompilePhase(t=41 * MS, phase="total", ns=21 * MS, **where)
    yield ev.CompileEnded(t=41 * MS, start_ns=20 * MS, ns=21 * MS, phases={"dynamo": 19 * MS, "aot": 10 * MS}, **where)


def test_phases_that_were_told_late_still_nest() -> None:
    document = made(folded(*call(0, "measure", 10, [50.0]), *compiling()))
    assert_nested(document)
    found = slices(document, "compiles")
    assert [one["name"] for one in found] == ["compile 0/0 unet UNet", "dynamo", "aot"]
    assert len({one["tid"] for one in found}) == 1


def test_the_clock_of_a_gpu_does_not_scatter_steps_over_tracks() -> None:
    made_up = call(0, "measure", 10, [5.0] * 200)
    for number, event in enumerate(made_up):
        if isinstance(event, ev.Step):
            event.start_ns += (-1) ** number * 900  # 32-bit milliseconds
    document = made(folded(*made_up))
    assert_nested(document)
    steps = slices(document, "steps")
    assert len({one["tid"] for one in steps}) == 1
    assert {ns(one["dur"]) for one in steps} == {5 * MS}


def test_loops_of_a_chain_lie_one_after_the_other() -> None:
    document = made(folded(*chained(0, "measure", 10, {"IF-I": [5.0] * 4, "IF-II": [20.0] * 2}, planned=6)))
    assert_nested(document)
    assert [one["name"] for one in slices(document, "loops")] == ["IF-I", "IF-II"]


def test_what_happened_is_marked() -> None:
    happened = [
        ev.GraphBreak(t=30 * MS, id="0/0", break_id="gb0059", reason="print", file="a.py", line=3),
        ev.GraphBreak(t=31 * MS, reason="outside of any compile"),
        ev.CompileLimit(t=32 * MS, id="0/8", module="Block", limit=8),
        ev.EagerFallback(t=33 * MS, call=0, step=3, graphs=3, expected=16),
        ev.CudaGraph(t=34 * MS, action="skip", reason="cpu device"),
        ev.CudaGraph(t=35 * MS, action="record", ns=4 * MS),
        ev.Note(t=36 * MS, level="warning", code="slow", text="words"),
    ]
    document = made(folded(*call(0, "measure", 10, [50.0]), *happened))
    marks = {one["name"]: one["args"] for one in document["traceEvents"] if one["ph"] == "i"}
    assert list(marks) == [
        "graph break gb0059",
        "graph break",
        "recompile limit",
        "fell back to eager",
        "CUDA graph skip",
        "CUDA graph record",
        "warning: slow",
    ]
    assert marks["fell back to eager"] == {"graphs": 3, "expected": 16, "call": 0, "step": 3}
    assert marks["CUDA graph record"]["ms"] == 4.0


HOSTILE = 'a"b\\c\n\x1b[2J\x9b \u202e \u2028 </script> é \U0001f600'


def test_what_logs_say_stays_data() -> None:
    document = made(
        folded(
            *call(0, "measure", 10, [50.0], leg=HOSTILE),
            *compiling(),
            ev.Recompile(t=42 * MS, id="0/0", reasons=[HOSTILE], module=HOSTILE, fqn=HOSTILE),
            ev.Note(t=43 * MS, code=HOSTILE, text=HOSTILE),
        )
    )
    jsonschema.validate(document, SCHEMA)
    (one,) = (one for one in slices(document, "compiles") if "id" in one["args"])
    assert one["args"]["reasons"] == [HOSTILE]
    assert slices(document, "calls")[0]["args"]["leg"] == HOSTILE


def test_a_damaged_log_leaves_out_what_crosses_and_says_how_much() -> None:
    steps = [ev.Step(t=100 * MS, call=0, step=n, start_ns=(10 + n) * MS, ns=80 * MS) for n in range(12)]
    document = made(folded(ev.CallStarted(t=10 * MS, call=0, phase="measure", start_ns=10 * MS), *steps))
    assert_nested(document)
    assert len(slices(document, "steps")) == 8
    assert document["otherData"]["left_out"].startswith("4 slices")


def test_a_session_without_a_word_is_an_empty_trace() -> None:
    asked = request(repeats=1)
    document = made(fold(asked, {}).state)
    jsonschema.validate(document, SCHEMA)
    assert not slices(document, "runs")


def test_a_run_of_an_earlier_boot_that_wrote_nothing_has_no_length() -> None:
    """Its times lie below zero on the clock of the boot that the session was resumed in."""
    asked = request(variants=["compile"], repeats=1)
    long_ago = -86_400_000 * MS
    conductor = [
        ev.Header(t=long_ago),
        ev.SessionChanged(t=long_ago, state="running"),
        ev.RunChanged(t=long_ago + 5 * MS, run=asked.runs[0].name, state="running"),
    ]
    document = made(fold(asked, {}, conductor).state)
    (run,) = slices(document, "runs")
    assert (ns(run["ts"]), run["dur"]) == (5 * MS, 0)


def test_nothing_lies_before_the_zero_of_the_axis() -> None:
    """Perfetto drops that. The wall clock of the machine where it was resumed was behind."""
    asked = request(variants=["compile"], repeats=1)
    log = [*frame("measure", at=1_000), *call(0, "measure", 1_200, [5.0] * 3)]
    conductor = [ev.Header(t=3_000 * MS, wall_ns=3_600_000 * MS), ev.SessionChanged(t=3_000 * MS, state="running")]
    document = made(fold(asked, {asked.runs[0].name: log}, conductor).state)
    assert min(one["ts"] for one in document["traceEvents"] if "ts" in one) == 0
    assert document["otherData"]["started_unix_ns"] == str(3_598_000 * MS), "what lies at 0"
