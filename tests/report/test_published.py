from __future__ import annotations

import json
from collections import Counter

import jsonschema
import msgspec
import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.report import published
from profiler.report.documents import ReportDocument, json_schema
from profiler.report.layout import report, report_lines
from profiler.request import Case, Compilation, Options, Request, Run, Workload, resolve
from tests.analysis.events import call, chained, fold, frame

ROWS = published.rows()


def _as_published(row: published.PublishedRow) -> Request:
    return resolve(published.options_of(row), "cuda:0")


# --- the published figures ---


def test_all_figures_are_there() -> None:
    assert len(ROWS) == 366
    assert Counter(row.outcome for row in ROWS) == {
        "ok": 323,
        "not_measured": 18,
        "failed": 15,
        "oom_after_warmup": 4,
        "oom_after_iteration_2": 4,
        "oom": 2,
    }
    assert all((row.iterations_per_second is not None) == (row.outcome == "ok") for row in ROWS)
    assert {row.pipeline for row in ROWS} == set(published.LABELS)


@pytest.mark.parametrize(
    ("cell", "figures"),
    [
        (("A100", 1, "sd15-txt2img", "compile", "nightly"), [49.74]),
        (("A100", 1, "deepfloyd-if", "compile", "nightly"), [97.34, 27.23, 111.66]),
        (("A100", 16, "deepfloyd-if", "no-compile", "2.0"), [8.78]),
        (("T4", 1, "deepfloyd-if", "compile", "2.0"), [None]),
        (("RTX 4090", 4, "sd15-img2img", "no-compile", "nightly"), [12.79]),
        (("V100", 1, "sdxl-txt2img", "no-compile", "2.0"), []),
    ],
)
def test_a_cell_has_its_published_figures(cell: tuple[str, int, str, str, str], figures: list[float | None]) -> None:
    assert [row.iterations_per_second for row in published.cells(*cell)] == figures


@pytest.mark.parametrize("name", ["RTX 3090", "rtx3090", "rtx-3090", "3090"])
def test_a_gpu_is_found_however_it_is_written(name: str) -> None:
    assert published.find_gpu(name) == "RTX 3090"
    assert [published.find_gpu(other) for other in ("H200", "rtx", "", "00")] == [None] * 4


# --- a row is a request ---


def test_every_published_row_is_exactly_one_request() -> None:
    requests: dict[tuple[str, int, str], Request] = {}
    for row in ROWS:
        asked = _as_published(row)
        (case,) = asked.cases
        key = (row.pipeline, row.batch_size, row.variant)
        assert (case.workload.pipeline, case.workload.batch_size, case.compilation.variant) == key
        assert requests.setdefault(key, asked) == asked
    assert len(requests) == 6 * 3 * 2
    distinct = {msgspec.json.encode(request.cases[0]) for request in requests.values()}
    assert len(distinct) == len(requests), "different rows are different work"


def test_rows_that_failed_in_all_stages_are_the_chains_request() -> None:
    everything = [row for row in ROWS if row.stage == "all"]
    assert len(everything) == 15
    for row in everything:
        stage = next(
            other
            for other in ROWS
            if (other.stage.startswith("IF-I"), other.batch_size, other.variant) == (True, row.batch_size, row.variant)
        )
        assert _as_published(row) == _as_published(stage)


def test_the_requests_are_the_published_work() -> None:
    for row in ROWS:
        (case,) = _as_published(row).cases
        assert (case.workload.dtype, case.workload.memory_format, case.workload.scenario) == (
            "float16",
            "channels_last",
            "steady",
        )
        assert published.differences(case.workload) == []
        assert published.compiled_otherwise(case.compilation) == []
        if row.variant == "compile":
            assert (case.compilation.mode, case.compilation.fullgraph) == ("reduce-overhead", True)


def test_what_is_not_the_published_work_is_named() -> None:
    (case,) = _as_published(ROWS[0]).cases
    changed: dict[str, tuple[object, str]] = {
        "size": ("tiny", "tiny architecture"),
        "weights": ("random", "random weights"),
        "steps": (20, "20 steps (published: 50)"),
        "height": (768, "512x768 pixels"),
        "width": (None, "?x512 pixels"),
        "guidance": (1.0, "guidance 1"),
        "dtype": ("bfloat16", "bfloat16"),
        "memory_format": ("contiguous", "contiguous"),
        "scheduler": ("DDIMScheduler", "scheduler DDIMScheduler"),
        "attention": ("vanilla", "attention vanilla"),
        "attention_slicing": (True, "attention slicing"),
        "vae": ("tiny", "VAE tiny"),
        "offload": ("model", "offload model"),
        "scenario": ("batch-sweep", "scenario batch-sweep"),
    }
    for field, (value, said) in changed.items():
        (found,) = published.differences(replace(case.workload, **{field: value}))
        assert said in found


@pytest.mark.parametrize(
    ("pipeline", "changes", "said"),
    [
        ("sdxl-txt2img", {"guidance": 1.0}, "guidance 1 (published: 5)"),
        ("sd15-img2img", {"strength": 0.5}, "strength 0.5 (published: 0.8)"),
        ("sd15-inpaint", {"strength": 0.5}, "strength 0.5 (published: 1)"),
    ],
)
def test_what_the_published_runs_left_to_the_pipeline_counts_too(
    pipeline: str, changes: dict[str, object], said: str
) -> None:
    (case,) = _as_published(next(row for row in ROWS if row.pipeline == pipeline)).cases
    assert published.differences(replace(case.workload, **changes)) == [said]


def test_asking_for_the_pipelines_own_scheduler_is_no_difference() -> None:
    (case,) = _as_published(ROWS[0]).cases
    assert published.differences(replace(case.workload, scheduler="PNDMScheduler")) == []


# --- the tables ---


def _case(pipeline: str, variant: str, batch_size: int = 1, **changes: object) -> Case:
    compiled = {"backend": "inductor", "mode": "reduce-overhead", "fullgraph": True} if variant != "no-compile" else {}
    engine = "diffusers" if variant == "regional-compile" else None
    asked = published.WORKLOADS.get(pipeline, {"steps": 28, "height": 1024, "width": 1024})
    workload = Workload(
        pipeline=pipeline,
        size="full",
        weights="hub",
        batch_size=batch_size,
        height=int(asked["height"]),
        width=int(asked["width"]),
        steps=int(asked["steps"]),
        guidance=asked.get("guidance"),
        dtype="float16",
        memory_format="channels_last",
        seed=0,
        prompt="",
        scenario="steady",
        warmup=1,
        calls=2,
    )
    return Case(
        name=f"{pipeline}-{variant}-b{batch_size}",
        compilation=Compilation(variant=variant, engine=engine, **compiled),  # type: ignore[arg-type]
        workload=replace(workload, **changes),
    )


def _calls(count: int, ms: float = 10.0) -> list[ev.Event]:
    return [event for n in range(count) for event in call(n, "measure", 1000 * n, [ms] * 4)]


def _ended(outcome: str, reason: str | None = None) -> ev.RunEnded:
    return ev.RunEnded(outcome=outcome, reason=reason)


def _session(cases: list[Case], logs: dict[str, list[ev.Event]]) -> SessionState:
    runs = [Run(name=f"run-{case.name}", case=case.name, repeat=1) for case in cases]
    asked = Request(cases=cases, runs=runs, repeats=1, device="cuda:0")
    told = [ev.DeviceSeen(name="NVIDIA Test")]
    return fold(asked, {f"run-{name}": [*frame(), *log] for name, log in logs.items()}, list(told)).state


def _text(document: ReportDocument, *, markdown: bool = False) -> str:
    return "\n".join(report_lines(document, markdown=markdown))


def test_a_table_a_batch_size_has_the_pipelines_by_the_variants() -> None:
    cases = [
        _case("sdxl-txt2img", "no-compile"),
        _case("sd15-txt2img", "no-compile"),
        _case("sd15-txt2img", "compile"),
        _case("sd15-txt2img", "no-compile", 4),
    ]
    logs = {case.name: [*_calls(3, 5.0 * number), _ended("ok")] for number, case in enumerate(cases, 1)}
    lines = report_lines(report(_session(cases, logs)), markdown=False)
    assert lines[2:] == [
        "NVIDIA Test (batch size: 1)",
        "Pipeline        no compile  compile  regional compile",
        "SD - txt2img        100.00    66.67                 -",
        "SDXL - txt2img      200.00        -                 -",
        "",
        "NVIDIA Test (batch size: 4)",
        "Pipeline      no compile  compile  regional compile",
        "SD - txt2img       50.00        -                 -",
    ]


def test_the_published_figures_stand_beside_ours_with_the_ratio() -> None:
    case = _case("sd15-txt2img", "no-compile")
    document = report(_session([case], {case.name: [*_calls(3, 1000 / 43.32), _ended("ok")]}), "A100")
    (cell, other) = document.tables[0].rows[0].cells
    assert [figure.torch for figure in cell.published] == ["2.0", "nightly"]
    assert cell.published[0].ratio == [pytest.approx(2.0)]
    assert (other.case, other.text, other.published[1].iterations_per_second) == (None, "-", [49.74])
    text = _text(document)
    lines = [line.split() for line in text.splitlines()]
    assert lines[5:] == [
        ["SD", "-", "txt2img", "43.32", "-", "-"],
        ["torch", "2.0", "21.66", "44.03"],
        ["ratio", "2.00x"],
        ["torch", "nightly", "23.13", "49.74"],
        ["ratio", "1.87x"],
    ]
    assert "| 43.32 | 21.66 (2.00x) | 23.13 (1.87x) | - | 44.03 | 49.74 | - |" in _text(document, markdown=True)
    assert "A100" in text.splitlines()[1]


@pytest.mark.parametrize(("batch_size", "ours", "theirs"), [(1, "100.00 / 50.00 / 100.00", "97.34 / 27.23 / 111.66")])
def test_deepfloyd_if_has_a_figure_a_stage(batch_size: int, ours: str, theirs: str) -> None:
    case = _case("deepfloyd-if", "compile", batch_size)
    log: list[ev.Event] = []
    for index in range(3):
        stages = {"IF-I": [10.0] * 4, "IF-II": [20.0] * 2, "x4 upscaler": [10.0] * 3}
        log += chained(index, "measure", 1000 * index, stages, planned=9)
    text = _text(report(_session([case], {case.name: [*log, _ended("ok")]}), "a100".upper()))
    assert ours in text and theirs in text
    assert f"{100 / 97.34:.2f}x / {50 / 27.23:.2f}x / {100 / 111.66:.2f}x" in text
    assert "256x256 pixels and not 1024x1024" in text


def test_above_batch_size_1_the_first_stage_stands_for_deepfloyd_if() -> None:
    case = _case("deepfloyd-if", "no-compile", 4)
    log = chained(0, "measure", 0, {"IF-I": [10.0] * 4, "IF-II": [20.0] * 2, "x4 upscaler": [10.0] * 3}, planned=9)
    document = report(_session([case], {case.name: [*log, _ended("ok")]}), "A100")
    cell = document.tables[0].rows[0].cells[0]
    assert (cell.text, cell.published[0].iterations_per_second) == ("100.00", [25.02])
    assert "it alone makes the whole batch" in " ".join(_text(document).split())


@pytest.mark.parametrize(
    ("calls", "word"),
    [(0, "OOM"), (1, "OOM after warmup"), (2, "OOM after 2nd iteration"), (3, "OOM after 3rd iteration")],
)
def test_out_of_memory_is_told_by_the_calls_that_worked(calls: int, word: str) -> None:
    case = _case("sd15-txt2img", "no-compile", 16)
    log = [*_calls(calls), ev.OutOfMemory(when="whenever"), _ended("oom", "out of memory")]
    document = report(_session([case], {case.name: log}), "T4")
    cell = document.tables[0].rows[0].cells[0]
    assert (cell.outcome, cell.text, cell.iterations_per_second) == ("oom", word, [])
    assert "OOM after 2nd iteration" in _text(document), "as published of the T4, compiled"


@pytest.mark.parametrize("outcome", ["failed", "unsupported", "stopped", "died"])
def test_what_did_not_work_says_so_in_its_place_and_why_below(outcome: str) -> None:
    case = _case("sd15-controlnet", "regional-compile")
    document = report(_session([case], {case.name: [_ended(outcome, "the reason")]}))
    assert document.tables[0].rows[0].cells[0].text == outcome
    assert "[1] the reason" in _text(document)
    markdown = _text(document, markdown=True)
    assert ("❌" in markdown) == (outcome == "failed")
    assert "1. the reason" in markdown


def test_a_run_that_was_not_made_has_no_figure() -> None:
    case = _case("sd15-txt2img", "no-compile")
    document = report(_session([case], {}))
    cell = document.tables[0].rows[0].cells[0]
    assert (cell.outcome, cell.text) == (None, "-")


def test_what_is_missing_is_told_with_the_reason() -> None:
    cases = [_case("sd15-txt2img", "no-compile"), _case("sd15-txt2img", "compile"), _case("sd15-img2img", "compile")]
    log = {cases[0].name: [*_calls(3), _ended("ok")], cases[1].name: [*_calls(1)]}
    state = _session(cases, log)
    live = " ".join(_text(report(state)).split())
    assert "1 of 3 runs made" in live and "not over yet: the figure is over 1 measured call so far" in live
    time_up = "max time of 570 s reached"
    runs = list(state.runs.values())
    for run in runs[1:]:
        run.conducted_end = ev.RunChanged(run=run.name, state="ended", outcome="stopped", reason=time_up)
    state.conducted, state.reason = "stopped", time_up
    document = report(state)
    assert (document.runs, document.made, document.reason) == (3, 1, time_up)
    cells = [cell for row in document.tables[0].rows for cell in row.cells]
    assert [cell.text for cell in cells] == ["100.00", "stopped", "not made"]
    assert all(time_up in cell.footnotes for cell in cells[1:])
    text = _text(document)
    assert f"1 of 3 runs made: {time_up}" in text and f"1 of 3 runs made: {time_up}" in _text(document, markdown=True)


def test_what_disturbed_a_figure_and_what_it_was_made_with_stands_below_it() -> None:
    cases = [_case("sd15-txt2img", variant) for variant in ("no-compile", "compile")]

    def made(gpu: str, torch: str) -> ev.Environment:
        return ev.Environment(device="cuda:0", device_name=gpu, versions={"torch": torch, "diffusers": "0.42.1"})

    odd = ev.Output(call=2, finite=False)
    logs = {
        cases[0].name: [made("NVIDIA One", "2.11.0"), *_calls(3), _ended("ok")],
        cases[1].name: [made("NVIDIA Two", "2.13.0"), *_calls(3), odd, _ended("ok")],
    }
    document = report(_session(cases, logs))
    first, second = document.tables[0].rows[0].cells
    assert (first.footnotes, document.gpu, document.torch) == ([], "NVIDIA One", "2.11.0")
    assert second.footnotes == [
        "made with NVIDIA Two, other than what stands above the tables",
        "made with torch 2.13.0, other than what stands above the tables",
        "the final latents are not finite",
    ]
    assert "with diffusers 0.42.1" in _text(document).splitlines()


def test_pipelines_that_were_not_published_come_below_without_published_figures() -> None:
    cases = [_case("flux1-dev", "no-compile"), _case("sd15-txt2img", "no-compile")]
    logs = {case.name: [*_calls(3), _ended("ok")] for case in cases}
    document = report(_session(cases, logs), "A100")
    ours, others = document.tables
    assert (ours.benchmark, others.benchmark) == (True, False)
    assert others.rows[0].label == "flux1-dev" and others.rows[0].cells[0].published == []
    # Nobody knows what such a row's work is unless it is told.
    assert "[1] flux1-dev, batch 1, 1024x1024, 28 steps, float16, hub weights, 2 calls" in _text(document)
    assert "torch 2.0" not in _text(document).partition("not in the published benchmark")[2]


def test_workloads_and_ways_to_compile_that_differ_are_rows_of_their_own() -> None:
    cases = [
        _case("sd15-txt2img", "no-compile"),
        replace(_case("sd15-txt2img", "no-compile", steps=20), name="fewer"),
        _case("sd15-txt2img", "compile"),
        replace(_case("sd15-txt2img", "compile"), name="default"),
    ]
    cases[3] = replace(cases[3], compilation=replace(cases[3].compilation, mode="default"))
    logs = {case.name: [*_calls(3), _ended("ok")] for case in cases}
    document = report(_session(cases, logs))
    assert [[cell.case for cell in row.cells] for row in document.tables[0].rows] == [
        [cases[0].name, cases[2].name],
        ["fewer"],
        ["default"],
    ]
    text = _text(document)
    assert "[1] not the published work: 20 steps (published: 50)" in text
    assert "[2] not the published work: compile mode default" in text


def test_markdown_has_a_table_as_published() -> None:
    case = _case("sd15-txt2img", "no-compile")
    state = _session([case], {case.name: [*_calls(3), _ended("ok")]})
    lines = report_lines(report(state), markdown=True)
    assert lines[2:] == [
        "### NVIDIA Test (batch size: 1)",
        "",
        "| **Pipeline** | **no compile** | **compile** | **regional compile** |",
        "|:---:|:---:|:---:|:---:|",
        "| SD - txt2img | 100.00 | - | - |",
    ]


def test_markdown_shows_what_logs_say_and_obeys_none_of_it() -> None:
    case = _case("failed-model", "no-compile")
    reason = "expected <class 'torch.Tensor'> & a | b"
    markdown = _text(report(_session([case], {case.name: [_ended("failed", reason)]})), markdown=True)
    assert "| failed-model [1][2] | ❌ | - | - |" in markdown
    assert "2. expected &lt;class 'torch.Tensor'> &amp; a &#124; b" in markdown


def test_the_document_fits_its_schema() -> None:
    case = _case("sd15-txt2img", "no-compile")
    document = report(_session([case], {case.name: [*_calls(3), _ended("ok")]}), "V100")
    jsonschema.validate(json.loads(msgspec.json.encode(document)), json_schema("report"))


def test_a_tiny_session_says_that_it_is_no_such_thing() -> None:
    asked = resolve(Options(pipeline="sd15-txt2img", size="tiny", repeats=1), "cpu")
    text = _text(report(fold(asked, {}).state, "A100"))
    assert "the tiny architecture (published: the real one)" in text
