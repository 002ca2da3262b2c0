"""A comparison as Markdown: tables that GitHub reads, and text of logs that stays text."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.analysis.lots import lots_of
from profiler.analysis.outputs import OutputComparison
from profiler.analysis.state import SessionState
from profiler.report.comparemarkdown import compare_markdown
from profiler.report.comparetext import compare_lines
from profiler.report.comparison import compare_document
from profiler.report.markdown import item
from profiler.report.rows import break_even_cell, output_cell
from profiler.request import Leg
from tests.analysis.events import call, fold, frame, request, with_legs
from tests.support import recorded
from tests.tui.hostile import HOSTILE
from tests.tui.support import folded

CELLS = re.compile(r"(?<!\\)\|")


def markdown(state: SessionState) -> list[str]:
    text = "".join(compare_markdown(compare_document(lots_of(state))))
    assert text.endswith("\n")
    return text.splitlines()


def tables(lines: list[str]) -> list[list[str]]:
    """Blocks of lines that are tables, cells by row."""
    return [block.splitlines() for block in "\n".join(lines).split("\n\n") if block.startswith("|")]


def test_verdicts_tables_environment_and_what_is_worth_knowing() -> None:
    lines = markdown(folded(recorded.finished(repeats=3)))
    text = "\n".join(lines)
    assert lines[0].startswith("### sd15-txt2img, tiny, batch 1")
    assert "\n- FASTER than no-compile: compile 1.6" in text
    assert "\n**Environment**\n\n- done-sd15-txt2img: cuda:0, NVIDIA Recorded 24 GB, 24.00 GiB, driver 590.1" in text
    assert "torch 2.13.0" in text
    found = tables(lines)
    assert len(found) == 3
    for table in found:
        assert {len(CELLS.split(row)) for row in table} == {len(CELLS.split(table[0]))}
        assert re.fullmatch(r"\| --- (\| ---: )+\|", table[1])
        assert [row.split(" | ")[0] for row in table[2:]] == ["| no-compile", "| compile", "| regional-compile"]


@pytest.mark.parametrize("text", [text for text in HOSTILE if "surrogate" not in text] + ["a | b", "<img src=x>", "`x"])
def test_text_of_logs_breaks_no_table_and_is_no_markup(text: str) -> None:
    given = with_legs(request(variants=["no-compile"], repeats=1, calls=1), [Leg(name=text), Leg(name="other")])
    log = [*frame(), ev.Note(level="warning", text=f"# {text}")]
    log += [*call(0, "measure", 100, [5.0] * 3, leg=text), *call(1, "measure", 300, [5.0] * 3, leg="other")]
    lines = markdown(fold(given, {given.runs[0].name: log}).state)
    assert all(line.isprintable() for line in lines)
    for table in tables(lines):
        assert {len(CELLS.split(row)) for row in table} == {len(CELLS.split(table[0]))}
    assert not any("<" in line for line in lines)
    assert not any(line.startswith("#") for line in lines[1:])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# head", "- \\# head"),
        ("- x", "- \\- x"),
        ("> q", "- \\> q"),
        ("1. x", "- 1\\. x"),
        ("2 repeats", "- 2 repeats"),
    ],
)
def test_a_point_is_no_other_block(text: str, shown: str) -> None:
    assert item(text) == shown


def test_several_legs_and_loops_have_tables_of_their_own() -> None:
    lines = markdown(folded(recorded.finished(legs=["512x512", "768x768"])))
    assert any(line.startswith("| legs | leg | clean | it/s |") for line in lines)
    assert sum("768x768" in line for line in lines) >= 6


def _output(**fields: object) -> OutputComparison:
    return OutputComparison(case="a", baseline="b", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("output", "cell"),
    [
        (None, "-"),
        (_output(equal=True, finite=True), "equal"),
        (_output(equal=False, finite=True, psnr_db=87.34), "87.3 dB"),
        (_output(equal=False, finite=True, psnr_db=12.0, warning="too far"), "DIFFERS 12.0 dB"),
        (_output(equal=False, finite=True, warning="one value"), "DIFFERS"),
        (_output(equal=False, finite=False, warning="NaN"), "not finite"),
        (_output(reason="no latents were kept"), "-"),
    ],
)
def test_the_output_in_a_cell(output: OutputComparison | None, cell: str) -> None:
    assert output_cell(output) == cell


@pytest.mark.parametrize(
    ("fields", "cell"),
    [
        ({"break_even_images": 22.1, "saved_s": 1.0, "verdict": "FASTER"}, "23 images"),
        ({"break_even_images": 0.2, "saved_s": 1.0, "verdict": "FASTER"}, "1 image"),
        ({"break_even_images": 22.1, "saved_s": 1.0, "verdict": "SAME"}, "23 images?"),
        ({"break_even_images": 22.1, "saved_s": 1.0, "verdict": "SLOWER"}, "23 images?"),
        ({"break_even_images": 0.0, "saved_s": 1.0, "verdict": "FASTER"}, "at once"),
        ({"break_even_images": 22.1, "saved_s": 1.0, "verdict": "UNCLEAR"}, "23 images?"),
        ({"break_even_images": 22.1, "saved_s": 1.0}, "23 images?"),
        ({"saved_s": -0.1, "verdict": "SLOWER"}, "never"),
        ({"saved_s": 0.0}, "never?"),
        ({"saved_s": -0.1, "verdict": "SAME"}, "never?"),
        ({"saved_s": -0.1, "verdict": "FASTER"}, "never?"),
        ({}, "-"),
    ],
)
def test_break_even_in_a_cell(fields: dict[str, object], cell: str) -> None:
    nothing = case_figures(fold(request(), {}).state)[1]
    assert break_even_cell(replace(nothing, **fields)) == cell


def test_outputs_that_are_not_alike_are_warned_of_below_the_table() -> None:
    state = folded(recorded.finished())
    document = compare_document(
        lots_of(state), output=lambda lot, _: _output(equal=False, finite=True, psnr_db=9.0, warning="a far cry")
    )
    lines = compare_lines(document)
    assert "compile, regional-compile: a far cry" in lines
    assert sum("DIFFERS 9.0 dB" in line for line in lines) == 2
