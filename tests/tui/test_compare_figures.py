"""Figures on screens are those of the commands: rounded alike, of the same confidence, and comparable."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from profiler.analysis.cases import CaseFigures, lot_figures
from profiler.analysis.lots import Lot, lots_of
from profiler.analysis.outputs import OutputComparison
from profiler.report import rows as printed
from profiler.report.html.axes import value_text
from profiler.report.notes import answers
from tests.support import recorded
from tests.tui.support import folded
from tui.pictures.compare import rows
from tui.pictures.compare.detail import Told, detail
from tui.pictures.compare.outputs import output_cell
from tui.pictures.table import break_even_cell, speedup_cell


@pytest.fixture(scope="module")
def compiled() -> tuple[Lot, CaseFigures]:
    plain, lot, _ = lots_of(folded(recorded.finished()))
    return lot, lot_figures(lot, plain)


@pytest.mark.parametrize(("images", "text"), [(24.2, "25 img"), (24.0, "24 img"), (0.3, "1 img"), (0.0, "at once")])
def test_a_break_even_is_whole_images_after_which_it_has_paid(
    compiled: tuple[Lot, CaseFigures], images: float, text: str
) -> None:
    lot, figures = compiled
    told = replace(figures, break_even_images=images, verdict="FASTER")
    assert break_even_cell(told) == (text, "")
    assert printed.break_even_cell(told).removesuffix("s").replace("image", "img") == text
    said = [block.text for block in detail(lot, told, Told("compile", "no-compile")) if getattr(block, "label", "")]
    wanted = f"after {printed.break_even_cell(told)}:" if images else "from the first image on:"
    assert any(one.startswith(wanted) for one in said)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"break_even_images": 24.2, "verdict": None}, "25 img?"),
        ({"break_even_images": 24.2, "verdict": "SAME"}, "25 img?"),
        ({"break_even_images": 0.0, "verdict": "UNCLEAR"}, "at once?"),
        ({"break_even_images": 2e5, "verdict": "FASTER"}, ">99999 img"),
        ({"break_even_images": 2e5, "verdict": "UNCLEAR"}, ">99999?"),
        ({"break_even_images": None, "saved_s": -0.1, "verdict": "SLOWER"}, "never"),
        ({"break_even_images": None, "saved_s": -0.1, "verdict": None}, "never?"),
        ({"break_even_images": None, "saved_s": None}, "–"),
    ],
)
def test_a_break_even_that_no_verdict_vouches_for_has_a_question_mark_as_in_print(
    compiled: tuple[Lot, CaseFigures], fields: dict[str, object], text: str
) -> None:
    _, figures = compiled
    assert break_even_cell(replace(figures, **fields))[0] == text


def test_a_first_image_of_a_filled_cache_is_not_taken_for_one_of_an_empty_one(
    compiled: tuple[Lot, CaseFigures],
) -> None:
    _, figures = compiled
    cold = replace(figures, first_image_cold_s=24.3, first_image_warm_s=5.0)
    assert rows.first_image_cell(cold) == ("24.3 s", "")
    assert rows.first_image_cell(replace(cold, first_image_cold_s=None)) == ("5.00 sw", "quiet")
    assert rows.first_image_cell(replace(cold, first_image_cold_s=None, first_image_warm_s=None)) == rows.NOTHING


def test_the_interval_of_until_sure_has_its_confidence_to_the_last_digit(compiled: tuple[Lot, CaseFigures]) -> None:
    lot, figures = compiled
    sure = replace(figures, interval=(1.2, 1.4), confidence=0.9875)
    said = [getattr(block, "text", "") for block in detail(lot, sure, Told("compile", "no-compile"))]
    assert any(one.startswith("98.75 %: 1.200x to 1.400x") for one in said)


def test_memory_that_is_compared_is_what_torch_allocated(compiled: tuple[Lot, CaseFigures]) -> None:
    _, figures = compiled
    memory = replace(
        figures.memory, allocated_peak_bytes=5 << 30, reserved_peak_bytes=7 << 30, device_peak_bytes=9 << 30
    )
    told = replace(figures, memory=memory)
    assert rows.memory_cell(told)[0] == "5.00 GiB"
    assert rows.VALUES["memory"](told) == 5 << 30
    assert printed.memory_cell(memory) == "5.00 GiB"


@pytest.mark.parametrize(
    ("ratio", "text"), [(1.004, "1.004x"), (0.9704, "0.970x"), (0.9696, "0.970x"), (1.38, "1.38x"), (0.5, "0.50x")]
)
def test_ratios_near_1_have_a_third_decimal_wherever_they_are_written(
    compiled: tuple[Lot, CaseFigures], ratio: float, text: str
) -> None:
    assert printed.times(ratio) == text
    assert value_text("x", ratio) == text
    told = replace(compiled[1], speedup=ratio, interval=None)
    assert rows.speedup_cell(told, baseline=False)[0] == text
    assert speedup_cell(told)[0] == text


def test_an_interval_that_just_reaches_out_of_3_percent_is_not_rounded_into_it(
    compiled: tuple[Lot, CaseFigures],
) -> None:
    told = replace(compiled[1], speedup=1.001, interval=(0.968, 1.0342), verdict="UNCLEAR")
    assert rows.interval_cell(told)[0] == "0.968–1.034"
    assert rows.interval_cell(replace(told, interval=(0.85, 1.4)))[0] == "0.85–1.40"
    assert speedup_cell(told)[0] == "1.001x ±0.03"


def test_a_break_even_of_warm_start_ups_alone_is_said_to_be_that(compiled: tuple[Lot, CaseFigures]) -> None:
    _, figures = compiled
    told = replace(figures, verdict="FASTER", speedup=1.5, break_even_images=12.5, first_image_cold_s=5.0)
    row = printed.Row("compile", told, "cuda:0", baseline="no-compile")
    assert answers([row]) == ["FASTER than no-compile: compile 1.50x, pays after 13 images"]
    warm = replace(told, first_image_cold_s=None, first_image_warm_s=2.0)
    (said,) = answers([dataclasses.replace(row, figures=warm)])
    assert said.endswith("pays after 13 images with a warm cache")


@pytest.mark.parametrize(
    ("fields", "cell"),
    [
        ({"equal": True}, ("equal", "good")),
        ({"equal": False, "psnr_db": 58.12, "max_abs": 0.1}, ("58.1 dB", "")),
        ({"equal": False, "psnr_db": 12.3, "warning": "far off"}, ("DIFFERS", "bad")),
        ({"equal": False, "max_abs": 0.5, "range": 0.0}, ("–", "quiet")),
        ({"reason": "another seed"}, ("–", "quiet")),
    ],
)
def test_an_output_is_called_on_the_screen_what_it_is_called_in_print(
    fields: dict[str, object], cell: tuple[str, str]
) -> None:
    found = OutputComparison(case="a", baseline="b", **fields)
    assert output_cell(found) == cell
    assert printed.output_cell(found).startswith(cell[0].replace("–", "-"))
