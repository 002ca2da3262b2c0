from __future__ import annotations

import json
from array import array
from pathlib import Path

import jsonschema
import msgspec
import pytest

from profiler import events as ev
from profiler.analysis.batches import LargestBatch
from profiler.report.documents import DOCUMENTS, json_schema, show_document
from profiler.report.outputs import read_float32
from profiler.report.tables import batch_line, session_lines
from profiler.report.text import align, number
from profiler.request import Leg
from tests.analysis.events import call, chained, fold, frame, request, with_legs

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_docs_hold_the_schemas(name: str) -> None:
    written = json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert written == json_schema(name), "run `make schemas`"


def _state() -> object:
    given = request(repeats=2)
    logs: dict[str, list[ev.Event]] = {}
    for run in given.runs[:2]:
        logs[run.name] = [*frame(), *call(0, "measure", 100, [5.0] * 12), ev.RunEnded(outcome="ok")]
    logs[given.runs[2].name] = [
        *frame(),
        ev.OutOfMemory(when="call 1", asked_bytes=5),
        ev.RunEnded(outcome="oom", reason="out of memory in call 1"),
    ]
    return fold(given, logs, [ev.Header(t=1), ev.SessionChanged(state="running")]).state


def test_a_session_half_way_gives_a_document_that_fits_its_schema() -> None:
    document = json.loads(msgspec.json.encode(show_document(_state())))  # type: ignore[arg-type]
    jsonschema.validate(document, json_schema("show"))
    outcomes = [run["outcome"] for run in document["runs"]]
    assert outcomes == ["ok", "ok", "oom", None, None, None]
    assert document["runs"][2]["oom"]["when"] == "call 1"
    assert document["runs"][0]["steps"]["median_ms"] == 5.0


def test_a_case_has_its_figures_beside_its_workload_and_its_runs() -> None:
    document = json.loads(msgspec.json.encode(show_document(_state())))  # type: ignore[arg-type]
    case = document["cases"][1]
    assert case["case"] == case["run_names"][0].split("-", 1)[1].rpartition("-")[0]
    assert case["workload"]["batch_size"] == 1
    assert case.keys() >= {"speedup", "interval", "verdict", "reason", "break_even_images", "output_psnr_db"}
    assert document["cases"][0]["iterations_per_second"] == 200.0


def test_the_table_names_what_did_not_end_well() -> None:
    text = "\n".join(session_lines(_state()))  # type: ignore[arg-type]
    assert "200.00" in text and "peak" not in text, "what was not measured has no column"
    assert "oom: out of memory in call 1" in text


def _legs() -> object:
    given = with_legs(request(variants=["no-compile"], repeats=2, calls=2), [Leg(name="small"), Leg(name="large")])
    logs: dict[str, list[ev.Event]] = {}
    for run in given.runs:
        made = [call(n, "measure", 1000 * n, [5.0] * 6, leg="small" if n < 2 else "large") for n in range(4)]
        note = ev.Note(level="info", code="left-out", text="prompt embeddings stand in for T5EncoderModel")
        logs[run.name] = [*frame(), note, *(event for events in made for event in events), ev.RunEnded(outcome="ok")]
    return fold(given, logs).state


def test_show_has_a_row_a_leg_and_what_readers_must_know_once() -> None:
    lines = session_lines(_legs())  # type: ignore[arg-type]
    at = next(number for number, line in enumerate(lines) if line.startswith("legs "))
    assert lines[at].split()[:4] == ["legs", "leg", "clean", "it/s"]
    assert lines[at + 1].split()[:4] == ["sd15-txt2img-no-compile-b1", "small", "4/4", "200.00"]
    assert lines[at + 2].split()[:2] == ["large", "4/4"], "the case is said once"
    (said,) = [line for line in lines if "T5EncoderModel" in line]
    assert said == "sd15-txt2img-no-compile-b1: prompt embeddings stand in for T5EncoderModel"


def test_legs_are_in_the_document_of_a_run_and_of_a_case() -> None:
    document = json.loads(msgspec.json.encode(show_document(_legs())))  # type: ignore[arg-type]
    jsonschema.validate(document, json_schema("show"))
    assert [leg["name"] for leg in document["runs"][0]["legs"]] == ["small", "large"]
    assert [leg["calls"] for leg in document["cases"][0]["legs"]] == [4, 4]
    assert document["runs"][0]["notes"][0]["code"] == "left-out"
    assert [one["leg"] for one in document["runs"][0]["calls"]] == ["small", "small", "large", "large"]


def test_show_has_a_row_a_loop_where_there_are_several() -> None:
    given = request(variants=["no-compile"], repeats=1)
    log = [*frame(), *chained(0, "measure", 100, {"IF-I": [5.0] * 4, "IF-II": [20.0] * 2}, planned=6)]
    lines = session_lines(fold(given, {given.runs[0].name: log}).state)
    assert "200.00 / 50.00" in "\n".join(lines)
    at = next(number for number, line in enumerate(lines) if line.startswith("loops "))
    assert lines[at].split() == ["loops", "loop", "iterations", "it/s", "step", "ms", "denoisers"]
    assert lines[at + 1].split()[1:] == ["IF-I", "4", "200.00", "5.00", "unet"]
    assert lines[at + 2].split() == ["IF-II", "2", "50.00", "20.00", "unet"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"fits": 24, "out_of_memory": 25, "exact": True}, "the largest batch that fits is 24 (25 is out of memory)"),
        ({"out_of_memory": 1, "exact": True}, "not even a batch of 1 fits"),
        (
            {"fits": 8, "out_of_memory": 16},
            "the largest batch that fits is 8 (16 is out of memory); the search goes on",
        ),
        ({"fits": 8, "reason": "batch 16 failed: why"}, "that fits is 8; the search ended: batch 16 failed: why"),
        ({}, "no batch fits so far; the search goes on"),
    ],
)
def test_the_search_for_the_largest_batch_is_told_in_a_line(found: dict[str, object], said: str) -> None:
    given = {"fits": None, "out_of_memory": None, "exact": False, "reason": None} | found
    assert said in batch_line(LargestBatch(case="a-case", variant="compile", engine=None, **given))  # type: ignore[arg-type]


def test_columns_are_aligned() -> None:
    assert align([["a", "1"], ["long", "23"]], right=[1]) == ["a      1", "long  23"]
    assert align([]) == []


def test_small_rates_keep_their_figures() -> None:
    assert [number(value, 2) for value in (146.771, 1.0, 0.0947, 0.0, None)] == [
        "146.77",
        "1.00",
        "0.0947",
        "0.00",
        "-",
    ]


@pytest.mark.parametrize("content", [b"", b"\x00" * 8, b"\xff" * 64, b"\x02\x00\x00\x00\x00\x00\x00\x00{}", b"[]" * 9])
def test_files_that_are_no_safetensors_are_left_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "latents.safetensors"
    path.write_bytes(content)
    assert read_float32(path) is None


def test_float32_latents_are_read(tmp_path: Path) -> None:
    values = array("f", [1.0, -2.5])
    header = json.dumps({"latents": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    path = tmp_path / "latents.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + values.tobytes())
    assert read_float32(path) == values
