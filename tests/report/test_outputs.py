"""Latents and pictures in the runs' folders: read, compared with any baseline, and never from anywhere else."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest

from profiler import events as ev
from profiler.analysis.lots import Lot, lots_of
from profiler.analysis.state import SessionState
from profiler.report.outputs import compare_outputs, pictures_of, session_outputs
from profiler.report.tables import session_lines
from profiler.sessions import SessionFolder
from tests.analysis.events import call, fold, frame, request

VALUES = [0.0, 1.0, 2.0, 8.0]


def write_latents(folder: SessionFolder, run: str, values: Sequence[float], name: str = "latents.safetensors") -> None:
    data = array("f", values).tobytes()
    header = json.dumps({"latents": {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, len(data)]}}).encode()
    folder.run(run).mkdir(parents=True, exist_ok=True)
    path = folder.run(run) / f".{name}"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    path.rename(folder.run(run) / name)  # as the worker does: another file each time


def made(
    path: Path, latents: dict[str, Sequence[float]], *, file: str = "latents.safetensors", **output: object
) -> tuple[SessionFolder, SessionState]:
    """A session of three variants with two repeats each; ``latents`` by the beginning of a run's name."""
    given = request(repeats=2)
    folder = SessionFolder(path)
    logs: dict[str, list[ev.Event]] = {}
    for run in given.runs:
        values = latents.get(run.name[:3])
        events: list[ev.Event] = [*frame(), *call(0, "measure", 100, [5.0] * 12)]
        if values is not None:
            write_latents(folder, run.name, values)
            told = {"shape": [1, len(values)], "file": file, "dtype": "float32", **output}
            events.append(ev.Output(call=0, **told))  # type: ignore[arg-type]
        logs[run.name] = [*events, ev.RunEnded(outcome="ok")]
    return folder, fold(given, logs, [ev.Header(t=1), ev.SessionChanged(state="running")]).state


def test_each_case_is_compared_with_no_compile_or_with_the_baseline_that_is_chosen(tmp_path: Path) -> None:
    close = [value + 0.001 for value in VALUES]
    folder, state = made(tmp_path, {"001": VALUES, "002": VALUES, "003": close, "004": VALUES, "005": close})
    names = [case.name for case in state.request.cases]
    found = session_outputs(folder, state)
    assert list(found) == names[1:]
    assert [one.baseline for one in found.values()] == [names[0]] * 2
    runs = {name: [run.name[:3] for run in state.runs_of(name)] for name in names}
    assert runs == {names[0]: ["001", "006"], names[1]: ["002", "004"], names[2]: ["003", "005"]}
    assert found[names[1]].equal is True
    assert found[names[2]].equal is False
    assert found[names[2]].psnr_db == pytest.approx(78.06, abs=0.01)
    chosen = session_outputs(folder, state, names[2])
    assert list(chosen) == names[:2]
    assert all(one.equal is False and one.self_equal is True for one in chosen.values())


def test_lots_of_several_sessions_are_compared_where_each_of_them_lies(tmp_path: Path) -> None:
    first, second = made(tmp_path / "one", {"001": VALUES}), made(tmp_path / "two", {"001": VALUES[::-1]})
    folders = {id(state): folder for folder, state in (first, second)}
    lots = [lots_of(state)[0] for _, state in (first, second)]
    found = compare_outputs(lambda lot: folders[id(lot.session)], lots[1], lots[0])
    assert (found.equal, found.max_abs) == (False, 8.0)
    assert found.warning is not None
    run = Lot(first[1], lots[0].case, run=lots[0].runs[0].name)
    assert compare_outputs(lambda lot: folders[id(lot.session)], run, lots[0]).equal is True


def test_a_comparison_is_made_anew_when_a_file_has_changed(tmp_path: Path) -> None:
    folder, state = made(tmp_path, {"001": VALUES, "002": VALUES})
    name = state.request.cases[1].name
    assert session_outputs(folder, state)[name].equal is True
    assert session_outputs(folder, state)[name] is session_outputs(folder, state)[name]
    write_latents(folder, state.runs_of(name)[0].name, [*VALUES[:-1], 7.0])
    assert session_outputs(folder, state)[name].max_abs == 1.0


def test_what_is_missing_is_said_for_every_case(tmp_path: Path) -> None:
    folder, state = made(tmp_path, {"001": VALUES, "003": VALUES[:2]})
    none, short = list(session_outputs(folder, state).values())
    assert none.reason == f"{none.case} has kept no latents"
    assert short.reason is not None
    assert short.reason.endswith("its latents are 1x2, the baseline's 1x4")
    os.remove(next(folder.runs.glob("003*")) / "latents.safetensors")
    gone = list(session_outputs(folder, state).values())[1]
    assert gone.reason is not None
    assert gone.reason.endswith("its latents can't be read")
    said = " ".join(" ".join(session_lines(state, outputs=session_outputs(folder, state))).split())
    assert "003-sd15-txt2img-regional-compile-b1-r1: its latents can't be read" in said


@pytest.mark.parametrize("file", ["../latents.safetensors", "/etc/passwd", "events.jsonl", "..", "\0"])
def test_a_log_s_name_of_a_file_means_a_latents_file_beside_it(tmp_path: Path, file: str) -> None:
    folder, state = made(tmp_path / "s", {"001": VALUES, "002": VALUES}, file=file)
    found = session_outputs(folder, state)[state.request.cases[1].name]
    assert found.equal is None
    assert found.reason is not None
    assert found.reason.endswith("its latents can't be read")


@pytest.mark.parametrize("shape", [[1, 5], [-2, -2], [2**62, 2], [0], []])
def test_a_shape_that_does_not_fit_the_file_is_not_believed(tmp_path: Path, shape: list[int]) -> None:
    folder, state = made(tmp_path, {"001": VALUES, "002": VALUES}, shape=shape)
    found = session_outputs(folder, state)[state.request.cases[1].name]
    assert found.equal is None


def test_pictures_are_those_beside_the_log(tmp_path: Path) -> None:
    images = ["image-1.png", "../../other.png", "image-3.png"]
    folder, state = made(tmp_path, {"001": VALUES}, images=images, thumbnails=["image-1.ppm", "image-2.ppm"])
    lot = lots_of(state)[0]
    found = pictures_of(lambda _: folder, lot)
    here = folder.run(lot.runs[0].name)
    assert [(one.file, one.thumbnail) for one in found] == [
        (here / "image-1.png", here / "image-1.ppm"),
        (None, here / "image-2.ppm"),
        (here / "image-3.png", None),
    ]
