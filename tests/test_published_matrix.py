"""``make published``: its matrix is the published one, what tells most first; it goes on where it stopped."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks import published as bench
from profiler import __version__, sessions
from profiler.analysis.cases import case_figures
from profiler.follow import Follower
from profiler.report import published
from profiler.request import Request
from profiler.request.file import Bench
from tests.support import recorded

VARIANTS = ("no-compile", "compile", "regional-compile")
FILE = bench.HERE / "published.toml"


@pytest.fixture(scope="module")
def matrix() -> Request:
    return Bench(str(FILE)).resolve(lambda _: "cuda:0", "cuda:0")


def test_every_published_cell_is_run_once_in_three_variants_as_it_was_published(matrix: Request) -> None:
    rows = {(row.pipeline, row.batch_size) for row in published.rows()}
    cases = [case for case in matrix.cases if case.workload.pipeline in published.LABELS]
    cells = [(case.workload.pipeline, case.workload.batch_size, case.compilation.variant) for case in cases]
    assert sorted(cells) == sorted((*cell, variant) for cell in rows for variant in VARIANTS)
    for case in cases:
        assert published.differences(case.workload) == ["random weights (published: trained ones)"], case.name
        assert published.compiled_otherwise(case.compilation) == [], case.name
        assert case.workload.calls == published.CALLS


def test_what_tells_most_comes_first(matrix: Request) -> None:
    by_name = {case.name: case for case in matrix.cases}
    order = [by_name[run.case] for run in matrix.runs]
    assert len(order) == len(matrix.cases), "one run of each"
    assert [case.compilation.variant for case in order] == [*VARIANTS] * (len(order) // 3), "a cell is complete at once"
    assert {(case.workload.pipeline, case.workload.batch_size) for case in order[:3]} == {("sd15-txt2img", 1)}
    sizes = [case.workload.batch_size for case in order]
    assert sizes == sorted(sizes)
    at_1024 = [case.workload for case in order if (case.workload.height, case.workload.width) == (1024, 1024)]
    assert {work.pipeline for work in at_1024 if work.batch_size == 1} == {"flux1-schnell", "sdxl-txt2img"}


def test_a_session_of_the_matrix_that_owes_runs_is_gone_on_with(own_home: Path, matrix: Request) -> None:
    def found(device: str | None = "cuda:0", size: str | None = None) -> str | None:
        folder = bench._unfinished(own_home, str(FILE), size, device)
        return None if folder is None else folder.id

    assert found() is None, "there is none yet"
    recorded.finished().write(own_home, here=True)
    assert found() is None, "none of this matrix"
    begun = sessions.create(matrix, __version__, own_home)
    begun.conductor_log.touch(0o600)  # its profiler process has been, and is gone
    assert found() == begun.id
    assert found(device=None) == begun.id, "on the device that it was begun on"
    assert found(device="cpu") is None
    assert found(size="tiny") is None


def test_what_is_kept_of_a_session_tells_the_same_and_nothing_else(tmp_path: Path) -> None:
    folder = recorded.finished().write(tmp_path / "home")
    (folder.path / "conductor.log").write_text("what the process printed")
    for run in folder.runs.iterdir():
        (run / "worker.log").write_text("what the worker printed")
    state = Follower(folder).read_all()
    target = bench.keep(folder, state, "the tables\n", tmp_path / "results")
    made = time.strftime("%Y-%m-%d", time.gmtime(folder.manifest().created_wall_ns / 1e9))
    assert target.parent == tmp_path / "results" and target.name.endswith(f"-{made}")
    files = {file.relative_to(target).as_posix() for file in target.rglob("*") if file.is_file()}
    logs = {f"runs/{run}/events.jsonl" for run in state.runs if folder.run_log(run).exists()}
    assert files == {"README.md", "session.json", "conductor.jsonl", *logs}
    kept = Follower(sessions.SessionFolder(target)).read_all()
    assert case_figures(kept) == case_figures(state)
