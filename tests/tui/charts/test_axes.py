"""Units, calm ranges and ticks."""

from __future__ import annotations

import math
import random

import pytest

from tui.charts import axes
from tui.charts.palette import variant_style
from tui.charts.spec import Clip, Series, Unit

GIB = 2.0**30
MIB = 2.0**20


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (24.31, "s", "24.3 s"),
        (0.0481, "s", "48.1 ms"),
        (0.00005, "s", "50 µs"),
        (600.0, "s", "10 min"),
        (7200.0, "s", "2 h"),
        (0.0, "s", "0 s"),
        (11.75 * GIB, "B", "11.8 GiB"),
        (512 * MIB, "B", "512 MiB"),
        (1.615e9, "Hz", "1.61 GHz"),
        (98.0, "%", "98%"),
        (1.52, "x", "1.52x"),
        (350.0, "W", "350 W"),
        (120.0, "", "120"),
        (1234.0, "", "1234"),
        (math.nan, "s", "-"),
        (math.inf, "s", "-"),
    ],
)
def test_values_read_in_the_unit_that_suits_their_size(value: float, unit: axes.Unit, text: str) -> None:
    assert axes.format_value(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "high"),
    [
        (0.062, "s", 0.08),
        (0.08, "s", 0.08),
        (0.0801, "s", 0.1),
        (0.95, "s", 1.0),
        (1.2, "s", 1.5),
        (61.0, "s", 80.0),
        (200.0, "s", 240.0),
        (190 * MIB, "B", 200 * MIB),
        (900 * MIB, "B", 1000 * MIB),
        (1010 * MIB, "B", GIB),
        (21 * GIB, "B", 30 * GIB),
        (0.0, "s", 1.0),
        (-1.0, "s", 1.0),
        (math.nan, "s", 1.0),
    ],
)
def test_a_range_ends_where_its_labels_are_round(value: float, unit: axes.Unit, high: float) -> None:
    assert axes.round_high(value, unit) == pytest.approx(high)


@pytest.mark.parametrize("unit", ["s", "B", "Hz", "W"])
def test_a_range_always_holds_the_value_and_isnt_wasteful(unit: axes.Unit) -> None:
    rng = random.Random(1)
    for _ in range(500):
        value = 10 ** rng.uniform(-5, 12)
        high = axes.round_high(value, unit)
        assert high >= value * (1 - 1e-9)
        assert value >= 0.6 * high or unit == "B"
        assert axes.round_high(high, unit) == pytest.approx(high)


def test_the_range_grows_at_once_and_holds_through_noise() -> None:
    sticky = axes.StickyRange("s", patience_s=20)
    assert sticky.high == 1.0
    assert sticky.fit(0.055, now=0) == pytest.approx(0.06)
    assert sticky.fit(0.061, now=1) == pytest.approx(0.08)
    assert sticky.fit(0.055, now=2) == pytest.approx(0.08)


def test_the_range_shrinks_only_when_the_data_stayed_small_for_long() -> None:
    sticky = axes.StickyRange("s", patience_s=20)
    sticky.fit(0.95, now=0)
    assert sticky.fit(0.02, now=1) == 1.0
    assert sticky.fit(0.045, now=20.9) == 1.0
    assert sticky.fit(0.02, now=21) == pytest.approx(0.05), "the largest value of the quiet time decides"


def test_one_large_value_restarts_the_wait() -> None:
    sticky = axes.StickyRange("s", patience_s=20)
    sticky.fit(0.95, now=0)
    sticky.fit(0.02, now=1)
    sticky.fit(0.7, now=15)
    assert sticky.fit(0.02, now=22) == 1.0
    assert sticky.fit(0.02, now=41) == 1.0
    assert sticky.fit(0.02, now=42) == pytest.approx(0.02)


def test_the_range_ignores_what_is_no_number_and_keeps_its_least() -> None:
    sticky = axes.StickyRange("B", start=8 * GIB, patience_s=0)
    assert sticky.fit(math.nan, now=0) == 8 * GIB
    assert sticky.fit(GIB, now=1) == 8 * GIB
    assert sticky.fit(GIB, now=2) == 8 * GIB


def test_a_compile_step_does_not_stretch_the_steady_range() -> None:
    assert axes.steady_high([[24.3, 0.031, 0.032]]) == 0.032
    assert axes.steady_high([[24.3, 0.031]]) == 0.031, "two steps are enough"
    assert axes.steady_high([[24.3]]) == 24.3, "a lone step has nothing to be compared with"


def test_a_slow_variant_is_not_taken_for_a_spike_of_a_fast_one() -> None:
    assert axes.steady_high([[0.01] * 50, [0.2, 0.21]]) == 0.21
    assert axes.steady_high([[], [math.nan]]) == 0.0


def test_one_clip_for_each_stretch_above_the_range() -> None:
    style = variant_style("compile")
    first = Series("a", "a", (0, 1, 2, 3, 4, 5), (9.0, 12.0, 1.0, math.nan, 30.0, 1.0), style)
    second = Series("b", "b", (0, 3), (1.0, 11.0), style)
    assert axes.clips_above([first, second], 8.0) == (Clip(1, 12.0, "a"), Clip(3, 11.0, "b"), Clip(4, 30.0, "a"))


def labels(*args: object) -> list[str]:
    return [tick.label for tick in axes.choose_ticks(*args)]  # type: ignore[arg-type]


def test_ticks_divide_the_range_and_both_ends_have_one() -> None:
    assert labels(0.0, 0.08, "s", 3) == ["0", "40", "80"]
    assert labels(0.0, 0.08, "s", 5) == ["0", "20", "40", "60", "80"]
    assert labels(0.0, 1.5, "s", 4) == ["0.0", "0.5", "1.0", "1.5"]
    assert labels(0.0, 12 * GIB, "B", 4) == ["0", "4", "8", "12"]
    assert labels(0.0, 12 * GIB, "B", 10) == ["0", "2", "4", "6", "8", "10", "12"]
    assert labels(0.0, 5.0, "", 3) == ["0.0", "2.5", "5.0"]


def test_ticks_go_in_round_steps() -> None:
    assert labels(0.0, 0.04, "s", 11) == [str(n) for n in range(0, 41, 5)]
    assert labels(0.0, 30.0, "s", 10) == ["0", "5", "10", "15", "20", "25", "30"]
    assert labels(0.0, 60.0, "", 5) == ["0", "20", "40", "60"]
    assert labels(0.0, 80.0, "%", 12)[:3] == ["0", "10", "20"]


def test_ticks_of_a_range_that_begins_elsewhere_are_multiples_too() -> None:
    assert labels(1.0, 1.8, "x", 3) == ["1.0", "1.5"]
    assert labels(1.0, 1.8, "x", 5) == ["1.0", "1.2", "1.4", "1.6", "1.8"]
    assert labels(0.0416, 0.0462, "s", 5) == ["42", "43", "44", "45", "46"]


def test_every_rounded_range_has_ticks_at_both_ends() -> None:
    for step in axes.RANGE_LADDER:
        for most in range(2, 9):
            ticks = axes.choose_ticks(0.0, step, "", most)
            assert 2 <= len(ticks) <= most
            assert (ticks[0].at, ticks[-1].at) == (0.0, pytest.approx(step))
            assert len({tick.label for tick in ticks}) == len(ticks)


def test_ticks_lie_in_an_unround_range() -> None:
    assert labels(0.0, 57.3, "", 5) == ["0", "20", "40"]
    assert labels(-3.0, 3.0, "", 3) == ["-3", "0", "3"]


def test_no_ticks_without_a_range() -> None:
    assert axes.choose_ticks(1.0, 1.0, "s", 5) == ()
    assert axes.choose_ticks(0.0, math.inf, "s", 5) == ()


def test_a_log_axis_has_decades() -> None:
    assert axes.log_range([0.031, 24.3, 0.0, math.nan]) == (pytest.approx(0.02), pytest.approx(50.0))
    assert axes.log_range([]) == (0.1, 1.0)
    low, high = axes.log_range([1.0])
    assert low < 1.0 < high
    ticks = axes.choose_ticks(0.01, 100.0, "s", 5, "log")
    assert [tick.label for tick in ticks] == ["0.01", "0.1", "1", "10", "100"]
    assert len(axes.choose_ticks(0.01, 100.0, "s", 3, "log")) <= 3


@pytest.mark.parametrize("unit", ["s", "B", "Hz", "%"])
def test_a_tick_at_an_end_of_the_range_lies_on_it(unit: Unit) -> None:
    for value in (0.003, 0.03, 0.3, 3.0, 4.5, 7.0, 40.0, 152.0, 170.0, 4000.0, 9e4):
        high = axes.round_high(value, unit)
        for most in range(2, 12):
            assert all(0.0 <= tick.at <= high for tick in axes.choose_ticks(0.0, high, unit, most))
