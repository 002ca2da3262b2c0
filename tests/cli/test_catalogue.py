from __future__ import annotations

import json

import pytest

from profiler import catalog
from profiler.report.catalogue import pipeline_row, pipelines_lines, scenario_rows, scenarios_lines
from profiler.scenarios import SCENARIOS
from tests.support import recorded
from tui.cli import main

NAMES = catalog.names()


def test_every_pipeline_is_listed_with_both_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipelines"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in NAMES:
        at = next(n for n, line in enumerate(lines) if line.startswith((f"{name}:", f"{name} *:")))
        assert [line.split()[0] for line in lines[at + 1 : at + 3]] == ["full", "tiny"]
        assert lines[at + 3].startswith("  scenarios: ")
    assert max(map(len, lines)) <= 80


def test_what_is_inferred_and_which_blocks_were_found_is_marked() -> None:
    lines = pipelines_lines([pipeline_row(entry) for entry in catalog.ENTRIES])
    marked = {line.partition(" *:")[0] for line in lines if " *:" in line}
    assert marked == {entry.name for entry in catalog.ENTRIES if any(part.inferred for part in entry.parts)}
    assert {"deepfloyd-if", "sd-x4-upscaler"} <= marked
    assert any(line.startswith("* part of the architecture is inferred") for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_a_pipeline_is_shown_in_full(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipelines", name]) == 0
    out = capsys.readouterr().out
    entry = catalog.find(name)
    for part in entry.parts:
        assert part.pipeline_cls in out
        for component, found in part.sizes["full"].components.items():
            assert component in out and found.cls in out
            assert found.parameters is None or f"{found.parameters:,}" in out
    for scenario, what in SCENARIOS.items():
        assert (f"not {scenario}: " in out) == (what.lacks(entry) is not None)
    assert max(map(len, out.splitlines())) <= 80


def test_json_of_one_pipeline_is_that_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipelines", "deepfloyd-if", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["pipelines"]
    assert row["denoisers"] == ["IF-I unet", "IF-II unet", "x4 upscaler unet"]
    assert row["sizes"]["full"]["steps_by_loop"] == {"IF-I": 100, "IF-II": 50, "x4 upscaler": 75}
    assert row["lacking"]["controlnet-scale"]


def test_every_scenario_says_who_can_run_it_and_why_others_cannot() -> None:
    text = "\n".join(scenarios_lines(scenario_rows()))
    for row in scenario_rows():
        assert f"{row.name}: " in text
        assert set(row.pipelines) | set(row.lacking) == set(NAMES)
    assert "the others: it has no controlnet" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("form", ["text", "md"])
def test_report_prints_the_published_layout(form: str, own_home, capsys) -> None:  # type: ignore[no-untyped-def]
    recorded.finished(batch_sizes=[1, 4]).write(own_home)
    assert main(["report", "last", "--layout", "published", "--against", "rtx3090", "--format", form]) == 0
    out = capsys.readouterr().out
    assert out.count("(batch size: ") == 2
    # Beside ours with the ratio in Markdown; in plain text below ours.
    assert ("22.56 (" if form == "md" else "22.56") in out
    assert "SD - txt2img" in out
    assert ("###" in out) == (form == "md")
