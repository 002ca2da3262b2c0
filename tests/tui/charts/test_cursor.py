"""A place of a chart that is pointed at, and marks that share a column."""

from __future__ import annotations

import math

import pytest
from rich.cells import cell_len

from tests.tui.charts.test_canvas import live_spec, style_at, text
from tui.charts.canvas import plot_place, render
from tui.charts.palette import GRAVEST_FIRST, MARK_MEANINGS, MARK_STYLES, Colours
from tui.charts.spec import Axis, ChartSpec, Cursor, Mark

LABEL = "call 1 step 6: 31.0 ms · recompile: sample height 8 → 12"
COLUMN = 5 + int(25.5 / 40 * 75)


def pointed(cursor: Cursor | None) -> ChartSpec:
    spec = live_spec()
    return ChartSpec(spec.title, spec.series, spec.x, spec.y, spec.marks, spec.clips, mark_row=True, cursor=cursor)


def test_the_cursor_is_an_upright_line_over_the_data_with_its_label_in_the_last_row() -> None:
    spec = pointed(Cursor(25.5, LABEL, "compile", 0.031, "2 of 2"))
    rows = text(render(spec, 80, 16))
    assert plot_place(spec, 80, 16)[1] == 75
    column = [row[COLUMN] for row in rows[1:12]]
    assert column.count("▲") == 1, "the point itself keeps its symbol"
    assert column.count("┃") == 10
    assert rows[13][COLUMN] == "R", "the cursor stands over the mark of its step"
    assert rows[14].split() == ["compile", "warm-up", "call", "1", "call", "2"]
    assert rows[15].startswith(f"▲ {LABEL}")
    assert rows[15].endswith("2 of 2")


def test_without_a_cursor_the_chart_is_as_it_was() -> None:
    assert text(render(pointed(None), 80, 16)) == text(render(live_spec(), 80, 16))


def test_the_cursor_takes_one_row_and_moving_it_none() -> None:
    here, there = (text(render(pointed(Cursor(x, "x", "compile")), 80, 16)) for x in (25.5, 30.5))
    assert here[12].startswith("    └")
    assert [row[:COLUMN] for row in here[:12]] == [row[:COLUMN] for row in there[:12]]


def test_a_clipped_point_keeps_its_true_value_over_the_cursor() -> None:
    rows = text(render(pointed(Cursor(0.5, "compiling call step 1: 24.3 s", "compile", 24.3)), 80, 16))
    assert rows[1].startswith("  80┤^ 24.3 s")
    assert {rows[n][5] for n in range(3, 12)} == {"┃"}
    assert rows[15].startswith("▲ compiling call step 1: 24.3 s")


def test_the_cursor_needs_neither_colour_nor_unicode() -> None:
    spec = pointed(Cursor(25.5, LABEL, "compile", 0.031))
    plain = render(spec, 80, 16, ascii=True, colours=Colours("none"))
    rows = text(plain)
    assert all(row.isascii() for row in rows)
    assert [row[COLUMN] for row in rows[1:12]].count("|") == 10
    assert rows[15].startswith("x call 1 step 6: 31.0 ms - recompile: sample height 8 ->12")
    assert {run.style for row in plain for run in row} <= {"", "bold", "dim"}


def test_in_a_low_chart_the_label_takes_the_place_of_the_title() -> None:
    rows = text(render(pointed(Cursor(25.5, LABEL, "compile")), 80, 7))
    assert rows[0].startswith(f"▲ {LABEL}")
    assert "no-compile" not in rows[0]


def test_a_long_label_is_cut_and_the_note_goes_first() -> None:
    spec = pointed(Cursor(25.5, LABEL, "compile", note="2 of 2"))
    rows = text(render(spec, 60, 16))
    assert rows[15] == f"▲ {LABEL}  "
    assert text(render(spec, 40, 16))[15] == f"▲ {LABEL[:37]}…"


def test_the_cursor_is_drawn_before_the_first_point() -> None:
    spec = ChartSpec("t", x=Axis(0, 4), cursor=Cursor(1.0, "call 1"), empty="nothing yet")
    rows = text(render(spec, 45, 12))
    assert rows[2][15] == "┃"
    assert any("nothing yet" in row for row in rows)
    assert rows[-1].startswith("call 1")


@pytest.mark.parametrize("x", [math.nan, math.inf, -1.0, 1e300])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (10, 4), (17, 9), (80, 16)])
def test_odd_cursors_are_drawn_in_exactly_the_size(x: float, size: tuple[int, int]) -> None:
    width, height = size
    for y in (None, math.nan, math.inf, 1e300):
        rows = text(render(pointed(Cursor(x, "\x1b[2J画像\n", "?", y, "生成")), width, height))
        assert [cell_len(row) for row in rows] == [width] * height
        assert not any("\x1b" in row or "\n" in row for row in rows)


# --- marks that share a column ---


def marked(*marks: Mark) -> str:
    return text(render(ChartSpec("t", x=Axis(0, 35), marks=marks), 40, 10))[-2].rstrip()


@pytest.mark.parametrize(
    ("symbols", "shown"), [("CR", "R+"), ("CCC", "C+"), ("CBRL", "L+"), ("GRE!", "!+"), ("B", "B")]
)
def test_the_gravest_of_several_marks_is_shown_and_that_there_are_more(symbols: str, shown: str) -> None:
    marks = [Mark(3.5, symbol) for symbol in symbols]  # type: ignore[arg-type]
    assert marked(*marks) == " " * 8 + shown
    assert marked(*reversed(marks)) == " " * 8 + shown


def test_a_mark_in_the_next_column_is_more_than_the_sign_for_several() -> None:
    assert marked(Mark(3.5, "R"), Mark(3.5, "C"), Mark(4.5, "C")) == " " * 8 + "RC"


def test_every_mark_has_a_place_a_meaning_and_a_style() -> None:
    assert set(GRAVEST_FIRST) == set(MARK_MEANINGS) == set(MARK_STYLES)
    assert all(style.marker == style.ascii_marker == symbol for symbol, style in MARK_STYLES.items())


def test_the_line_of_a_column_has_the_colour_of_its_gravest_mark() -> None:
    spec = ChartSpec("t", live_spec().series, Axis(0, 35), Axis(0, 1), (Mark(30.5, "C"), Mark(30.5, "L")))
    rows = render(spec, 40, 10)
    assert style_at(rows[1], 35) == MARK_STYLES["L"].colour
