"""What the cursor reads of every series, and log axes."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.charts.test_canvas import line, live_spec, text
from tui.charts.axes import StickyLogRange, choose_ticks
from tui.charts.canvas import render
from tui.charts.reading import held, nearest
from tui.charts.spec import Axis, ChartSpec, Cursor, Reading

XS, YS = array("d", [1.0, 2.0, 3.0, 5.0]), array("d", [10.0, math.nan, 30.0, 50.0])


def test_a_step_is_read_at_the_nearest_point_and_a_sample_until_the_next_one() -> None:
    assert [nearest(XS, YS, x, 0.5) for x in (0.4, 0.6, 1.4, 2.0, 4.0, 4.6)] == [None, 10.0, 10.0, None, None, 50.0]
    assert [held(XS, YS, x) for x in (0.9, 1.0, 1.9, 2.5, 4.9, 5.0)] == [None, 10, 10, None, 30, 50]
    assert [held(XS, YS, x) for x in (6.0, 6.1)] == [50, None], "the newest one holds a little longer"
    assert nearest((), (), 1.0, 9.0) is None
    assert held((), (), 1.0) is None


def read(width: int, height: int = 16, *, ascii: bool = False, label: str = "call 1: why") -> list[str]:
    readings = (Reading("no-compile", 0.0621), Reading("compile", 24.3), Reading("regional-compile", None))
    cursor = Cursor(25.5, label, "compile", 0.031, readings=readings, place="call 1 step 6")
    spec = replace(live_spec(), cursor=cursor, note="repeat 1")
    return text(render(spec, width, height, ascii=ascii))


def test_values_stand_behind_the_labels_then_in_their_place_and_cost_no_row() -> None:
    assert read(100)[0].rstrip().endswith("repeat 1")
    assert read(84)[0].strip() == "Step latency ms  ● no-compile 62.1 ms  ▲ compile 24.3 s  ■ regional-compile –"
    assert read(70)[0].strip() == "Step latency ms  ● no-compi… 62.1 ms  ▲ compile 24.3 s  ■ regional-… –"
    assert read(50)[0].strip() == "Step latency ms  ● 62.1 ms  ▲ 24.3 s  ■ –"
    assert read(30)[0] == "Step latency ms  ● 62.1 ms  ▲…"
    without = text(render(replace(live_spec(), cursor=Cursor(25.5, "call 1: why", "compile", 0.031)), 90, 16))
    assert read(90)[1:] == without[1:]
    assert all(row.isascii() for row in read(90, ascii=True))


def test_a_low_chart_has_the_place_and_the_values_in_its_one_row() -> None:
    assert read(80, 7)[0].strip() == "call 1 step 6  ● no-compile 62.1 ms  ▲ compile 24.3 s  ■ regional-compile –"
    assert read(40, 7)[0].strip() == "call 1 step 6  ● 62.1 ms  ▲ 24.3 s  ■ –"


def test_a_cursor_without_a_label_takes_no_row() -> None:
    rows = read(120, label="")
    assert rows[0].startswith("Step latency ms  call 1 step 6  ● no-compile 62.1 ms")
    assert rows[-1].split() == text(render(live_spec(), 120, 16))[-1].split()


@pytest.mark.parametrize("width", range(1, 60, 3))
def test_readings_never_widen_the_row(width: int) -> None:
    for height in (1, 3, 9, 16):
        assert [cell_len(row) for row in read(width, height)] == [width] * height


def test_a_series_without_a_label_is_not_in_the_legend() -> None:
    series = replace(live_spec().series[0], label="", key="older call")
    assert text(render(replace(live_spec(), series=(series, *live_spec().series[1:])), 80, 16))[0].count("●") == 0


# --- log axes ---


def test_log_ticks_are_1_2_5_in_whole_decades_or_the_decades_alone() -> None:
    def labels(low: float, high: float, most: int) -> list[str]:
        return [tick.label for tick in choose_ticks(low, high, "s", most, "log")]

    assert labels(0.02, 0.05, 4) == ["20", "50"]
    assert labels(0.02, 20, 12) == ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]
    assert labels(0.02, 20, 5) == ["0.1", "1", "10"]
    assert labels(1e-6, 100, 4) == ["1e-06", "0.001", "1"]


def test_the_title_says_log_and_what_is_not_above_zero_is_a_gap() -> None:
    ys = tuple(0.0 if 10 <= k < 20 else -1.0 if k < 5 else 0.5 for k in range(41))
    spec = ChartSpec(
        "t", (line("compile", tuple(map(float, range(41))), ys),), Axis(0, 40), Axis(0.1, 1, "s", scale="log")
    )
    rows = text(render(replace(spec, legend=False), 45, 13))
    assert rows[0].split() == ["t", "s", "log"]
    drawn = {x - 5 for row in rows[1:11] for x, char in enumerate(row) if x >= 5 and char != " "}
    assert drawn
    assert not drawn & ({0, 1, 2, 3} | set(range(11, 19)))


def test_a_log_range_widens_at_once_and_narrows_late() -> None:
    sticky = StickyLogRange(patience_s=20)
    assert sticky.range == (0.1, 1.0)
    assert sticky.fit(0.03, 0.04, 0.0) == (0.02, 0.05)
    assert sticky.fit(0.031, 0.045, 1.0) == (0.02, 0.05)
    assert sticky.fit(0.03, 24.3, 2.0) == (0.02, 50.0)
    assert sticky.fit(0.03, 0.04, 3.0) == (0.02, 50.0)
    assert sticky.fit(0.03, 6.0, 15.0) == (0.02, 50.0)
    assert sticky.fit(0.03, 0.04, 22.9) == (0.02, 50.0)
    assert sticky.fit(0.03, 0.04, 23.0) == (0.02, 10.0), "what was seen while it waited still fits"
    assert sticky.fit(0.0, math.nan, 24.0) == (0.02, 10.0)


@given(st.lists(st.floats(1e-6, 1e4), min_size=1, max_size=30))
def test_a_log_range_always_holds_the_data(values: list[float]) -> None:
    sticky = StickyLogRange(patience_s=3)
    for now, value in enumerate(values):
        low, high = sticky.fit(value, value, float(now))
        assert low <= value * (1 + 1e-6)
        assert high >= value * (1 - 1e-6)
        assert low < high
