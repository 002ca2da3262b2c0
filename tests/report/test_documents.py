from __future__ import annotations

import json
from array import array
from pathlib import Path

import jsonschema
import msgspec
import pytest

from profiler import events as ev
from profiler.report.documents import DOCUMENTS, json_schema, show_document
from profiler.report.outputs import psnr, read_float32
from profiler.report.tables import session_lines
from profiler.report.text import align, number
from tests.analysis.events import call, fold, frame, request

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
    assert "peak RSS" in text and "200.00" in text
    assert "oom: out of memory in call 1" in text


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


def test_psnr_is_of_the_references_range() -> None:
    reference = array("f", [0.0, 1.0, 0.0, 1.0])
    assert psnr(reference, reference) == float("inf")
    assert psnr(reference, array("f", [0.1, 1.1, 0.1, 1.1])) == pytest.approx(20.0, abs=1e-4)
    assert psnr(array("f", [1.0, 1.0]), array("f", [1.0, 2.0])) is None
    assert psnr(reference, array("f", [float("nan")] * 4)) is None


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
