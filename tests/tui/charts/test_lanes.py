"""Small plots one above the other: what each shows, what goes where there is little room."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from rich.cells import cell_len

from tests.tui.charts.test_canvas import text
from tui.charts.canvas import plot_place, render
from tui.charts.decimate import OpenColumn
from tui.charts.lanes import Lane, Lanes, Sign
from tui.charts.palette import MARK_STYLES, NEUTRAL_STYLE, OTHER_STYLES, Colours
from tui.charts.spec import Axis, Series

XS = tuple(float(n) for n in range(101))


def lane(name: str, value: str, y: float, high: float, unit: str, number: int) -> Lane:
    line = Series(name, name, XS, (y,) * len(XS), OTHER_STYLES[number])
    return Lane(name, value, (line,), Axis(0, high, unit))  # type: ignore[arg-type]


def lanes() -> Lanes:
    return Lanes(
        "GPU",
        (
            lane("busy", "97%", 97, 100, "%", 0),
            lane("SM clock", "1.98 GHz", 1.98e9, 2e9, "Hz", 1),
            lane("power", "412 W", 412, 600, "W", 2),
            Lane("temp", "–", (), Axis(0, 100, "°C"), empty="not measured: no sensor"),
        ),
        Axis(0, 100, "s"),
        (Sign(40, 45, "T", MARK_STYLES["!"]), Sign(10, 60, "P", MARK_STYLES["R"])),
        signs_name="limits",
        legend="T too hot  P power cap",
        note="now: power cap",
    )


def test_each_lane_has_its_name_its_figure_its_range_and_all_one_axis() -> None:
    rows = text(render(lanes(), 80, 16))
    assert rows[0].startswith("GPU  now: power cap")
    assert rows[0].rstrip().endswith("T too hot  P power cap")
    gutter, columns = plot_place(lanes(), 80, 16)
    assert gutter + columns == 80
    names = [row[:8].strip() for row in rows[1:13]]
    assert [name for name in names if name] == [
        *("busy", "97%", "SM clock", "1.98 GHz", "power", "412 W", "temp", "–"),
    ]
    assert {row[gutter - 1] for row in rows[1:13]} == {"│", "┤"}
    assert [row[9 : gutter - 1].strip() for row in rows[1:13] if row[gutter - 1] == "┤"] == [
        *("100", "0", "2", "0", "600", "0", "100", "0"),
    ]
    assert "not measured: no sensor" in "\n".join(rows)
    assert rows[13][:6] == "limits"
    assert rows[14][gutter - 1] == "└"
    assert rows[15].split() == ["0", "20", "40", "60", "80", "100", "s"]


def test_the_row_of_signs_shows_the_first_of_several_and_repeats_long_ones() -> None:
    gutter, columns = plot_place(lanes(), 80, 16)
    row = text(render(lanes(), 80, 16))[13][gutter:]
    at = {int(x / 100 * columns): symbol for x, symbol in ((10, "P"), (40, "T"))}
    assert {column: row[column] for column in at} == at
    after = int(45 / 100 * columns) + 1
    assert row[after] == "P"
    end = int(60 / 100 * columns)
    assert set(row[after + 1 : end + 1]) <= {"─", "P"}
    assert not row[end + 1 :].strip()
    assert not row[: int(0.1 * columns)].strip()


def test_with_a_row_each_the_figure_stands_beside_the_name_and_the_last_lanes_go_with_a_word() -> None:
    rows = text(render(lanes(), 60, 8))
    assert [row.split()[0] for row in rows[1:5]] == ["busy", "SM", "power", "temp"]
    assert rows[2].startswith("SM clock 1.98 GHz │")
    few = text(render(lanes(), 60, 5))
    assert few[0].startswith("GPU  1 more below: make it higher")
    assert [row.split()[0] for row in few[1:4]] == ["busy", "SM", "power"]


def test_the_cursor_goes_through_all_lanes() -> None:
    spec = replace(lanes(), cursor=50.0)
    gutter, columns = plot_place(spec, 80, 16)
    rows = text(render(spec, 80, 16))
    assert {row[gutter + columns // 2] for row in rows[1:13]} == {"┃"}
    assert text(render(replace(spec, cursor=math.nan), 80, 16)) == text(render(lanes(), 80, 16))


def test_neither_colour_nor_unicode_is_needed() -> None:
    plain = render(lanes(), 80, 16, ascii=True, colours=Colours("none"))
    rows = text(plain)
    assert all(row.isascii() for row in rows)
    body = "\n".join(rows[1:13])
    assert all(OTHER_STYLES[number].ascii_marker in body for number in range(3))
    assert not any("#" in run.style for row in plain for run in row)


def test_in_one_row_of_ascii_a_line_has_three_levels_and_its_gaps() -> None:
    ys = tuple(math.nan if 60 <= x < 70 else 5.0 if x < 20 else 95.0 if x < 40 else 50.0 for x in XS)
    one = replace(lanes().lanes[0], series=(replace(lanes().lanes[0].series[0], ys=ys),))
    spec = replace(lanes(), lanes=(one, *lanes().lanes[1:]))
    gutter, columns = plot_place(spec, 60, 8)
    row = text(render(spec, 60, 8, ascii=True))[1][gutter:]
    at = {x: row[int(x / 100 * columns)] for x in (5, 15, 25, 35, 50, 65, 80)}
    assert at == {5: "_", 15: "_", 25: "^", 35: "^", 50: "-", 65: " ", 80: "-"}


def test_without_lanes_the_words_say_why() -> None:
    rows = text(render(Lanes("GPU", empty="no GPU: this session measures the CPU"), 60, 12))
    assert "no GPU: this session measures the CPU" in "\n".join(rows[1:])
    assert "more below" not in rows[0]


@pytest.mark.parametrize("ascii", [False, True])
def test_odd_values_in_any_size_are_drawn_in_exactly_that_size(ascii: bool) -> None:
    hostile = Series("x", "\x1b[2J", (1.0, 2.0, 3.0), (math.nan, math.inf, -1e300), NEUTRAL_STYLE)
    odd = Lane("\x1b[31m画像\n", "生成" * 9, (hostile,), Axis(math.nan, 1), empty="画像\x07")
    signs = (
        Sign(math.nan, 3, "?", NEUTRAL_STYLE),
        Sign(90, 10, "!", NEUTRAL_STYLE),
        Sign(-9, 1e300, "P", NEUTRAL_STYLE),
    )
    every = [
        lanes(),
        replace(lanes(), lanes=(odd, *lanes().lanes), signs=signs, title="画像\n", note="生成\x1b", legend="\x1b[0m"),
        Lanes("t", (), Axis(5, 5), signs, signs_name="x", cursor=3.0),
    ]
    for spec in every:
        for width, height in [(1, 1), (3, 2), (7, 5), (11, 40), (17, 4), (33, 9), (80, 6), (200, 31)]:
            rows = text(render(spec, width, height, ascii=ascii))
            assert [cell_len(row) for row in rows] == [width] * height, (spec.title, width, height)
            assert not any(char in row for row in rows for char in "\x1b\n\x07")


def test_the_newest_column_of_every_lane_waits() -> None:
    def grown(count: int) -> Lanes:
        first, second, *_ = lanes().lanes
        cut = [replace(one.series[0], xs=XS[:count], ys=one.series[0].ys[:count]) for one in (first, second)]
        return Lanes("GPU", (replace(first, series=(cut[0],)), replace(second, series=(cut[1],))), Axis(0, 100))

    now = [0.0]
    hold = OpenColumn(1.0, lambda: now[0])
    hold.hold(grown(51), 10)
    spec, wait = hold.hold(grown(55), 10)
    assert isinstance(spec, Lanes)
    assert wait is not None
    assert [len(one.series[0].xs) for one in spec.lanes] == [51, 51]
    now[0] = 1.5
    assert hold.hold(grown(56), 10) == (grown(56), None)
