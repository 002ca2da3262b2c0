"""Decimation keeps the picture; the newest column waits."""

from __future__ import annotations

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from tui.charts.decimate import OpenColumn, Thinned, min_max
from tui.charts.palette import variant_style
from tui.charts.spec import Axis, ChartSpec, Series


def test_few_points_pass_as_they_are() -> None:
    xs, ys = (0.0, 1.0, 2.0), (5.0, 6.0, 7.0)
    assert min_max(xs, ys, 0, 3, 10) == (list(xs), list(ys))


def test_each_column_keeps_its_extremes_and_its_ends() -> None:
    rng = random.Random(4)
    xs = tuple(float(i) for i in range(20_000))
    ys = tuple(rng.random() for _ in xs)
    out_x, out_y = min_max(xs, ys, 0, 20_000, 50)
    assert len(out_x) <= 4 * 50
    assert out_x == sorted(out_x)
    kept = list(zip(out_x, out_y))
    assert set(kept) <= set(zip(xs, ys))
    for column in range(50):
        everything = ys[column * 400 : (column + 1) * 400]
        here = [y for x, y in kept if column * 400 <= x < (column + 1) * 400]
        assert (min(here), max(here), here[0], here[-1]) == (
            min(everything),
            max(everything),
            everything[0],
            everything[-1],
        )


def test_a_single_spike_survives() -> None:
    ys = [1.0] * 20_000
    ys[12_345] = 67.4
    out_x, out_y = min_max([float(i) for i in range(20_000)], ys, 0, 20_000, 80)
    assert out_x[out_y.index(67.4)] == 12_345.0


def test_a_gap_survives_once_a_column() -> None:
    ys = [1.0] * 1_000
    ys[500:503] = [math.nan] * 3
    _, out_y = min_max([float(i) for i in range(1_000)], ys, 0, 1_000, 10)
    assert sum(math.isnan(y) for y in out_y) == 1
    _, out_y = min_max([float(i) for i in range(1_000)], [math.nan] * 1_000, 0, 1_000, 10)
    assert out_y
    assert all(math.isnan(y) for y in out_y)


def test_outside_the_range_only_the_neighbours_stay() -> None:
    xs = [float(i) for i in range(100)]
    out_x, _ = min_max(xs, xs, 40, 50, 100)
    assert (out_x[0], out_x[-1]) == (39.0, 51.0)


def test_no_columns_no_change() -> None:
    assert min_max((1.0,), (2.0,), 0, 1, 0) == ([1.0], [2.0])
    assert min_max((1.0,), (2.0,), 1, 1, 10) == ([1.0], [2.0])


class FakeClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def growing(count: int, key: str = "compile") -> ChartSpec:
    """`count` points, ten to a column of a plot ten columns wide."""
    xs = tuple(float(i) for i in range(count))
    return ChartSpec("", (Series(key, key, xs, xs, variant_style(key)),), Axis(0, 100))


def shown(brake: OpenColumn, count: int) -> tuple[int, float | None]:
    spec, wait = brake.hold(growing(count), 10)
    return len(spec.series[0].xs), wait


def test_the_newest_column_waits_until_it_is_finished_or_a_second_has_passed() -> None:
    clock = FakeClock()
    brake = OpenColumn(1.0, clock)
    assert shown(brake, 13) == (13, None), "what is there at first is shown"
    clock.now += 0.25
    assert shown(brake, 18) == (13, 0.75)
    assert shown(brake, 22) == (20, 0.75), "the finished column is painted, the new one is not"
    clock.now += 0.75
    assert shown(brake, 26) == (26, None)


def test_nothing_that_was_painted_disappears_again() -> None:
    clock = FakeClock()
    brake = OpenColumn(1.0, clock)
    counts = []
    for count in range(1, 90, 3):
        clock.now += 0.1
        counts.append(shown(brake, count)[0])
    assert counts == sorted(counts)


def test_thin_lines_are_never_held_back() -> None:
    clock = FakeClock()
    brake = OpenColumn(1.0, clock)
    for count in range(1, 20):
        xs = tuple(10.0 * i for i in range(count))
        spec = ChartSpec("", (Series("a", "a", xs, xs, variant_style("compile")),), Axis(0, 200))
        assert brake.hold(spec, 20) == (spec, None)


def test_a_finished_line_and_a_new_one_under_the_same_key_are_shown_whole() -> None:
    clock = FakeClock()
    brake = OpenColumn(1.0, clock)
    shown(brake, 50)
    assert shown(brake, 50) == (50, None)
    assert shown(brake, 7) == (7, None)


def test_reset_shows_everything() -> None:
    clock = FakeClock()
    brake = OpenColumn(1.0, clock)
    shown(brake, 13)
    assert shown(brake, 15)[0] == 13
    brake.reset()
    assert shown(brake, 15) == (15, None)


def test_of_a_line_that_was_thinned_the_newest_column_waits_too() -> None:
    clock = FakeClock()
    brake, thinned, rng = OpenColumn(1.0, clock), Thinned(), random.Random(2)
    ys = [rng.random() for _ in range(2000)]
    xs = [n / 20 for n in range(2000)]
    seen: list[ChartSpec] = []
    for count in range(1650, 1700, 3):
        clock.now += 0.05
        line = Series("a", "a", *thinned.points(xs[:count], ys[:count], 0, 100, 20), variant_style("compile"))
        held, _ = brake.hold(ChartSpec("", (line,), Axis(0, 100)), 10)
        assert isinstance(held, ChartSpec)
        seen.append(held)
    assert len(set(seen)) == 1, "none of those points is in another column than the first ones"
    clock.now += 0.3
    assert brake.hold(ChartSpec("", (line,), Axis(0, 100)), 10) == (ChartSpec("", (line,), Axis(0, 100)), None)


def test_another_range_shows_everything() -> None:
    clock = FakeClock()
    brake = OpenColumn(1.0, clock)
    shown(brake, 13)
    assert shown(brake, 15)[0] == 13
    wider = ChartSpec("", growing(15).series, Axis(0, 200))
    assert brake.hold(wider, 10) == (wider, None)


# --- lines that grow ---

STEPS = st.lists(st.tuples(st.floats(0, 3), st.one_of(st.floats(0, 1), st.just(math.nan))), max_size=300)


@given(points=STEPS, cuts=st.lists(st.integers(0, 300), max_size=6), low=st.floats(-5, 50), span=st.floats(1, 400))
def test_a_line_that_grew_is_thinned_as_if_it_had_been_there_at_once(
    points: list[tuple[float, float]], cuts: list[int], low: float, span: float
) -> None:
    xs: list[float] = []
    for apart, _ in points:
        xs.append((xs[-1] if xs else 0.0) + apart)
    ys = [y for _, y in points]
    thinned = Thinned()
    for count in [*sorted(cuts), len(xs)]:
        found = thinned.points(xs[:count], ys[:count], low, low + span, 9)
        expected = min_max(xs[:count], ys[:count], low, low + span, 9)
        assert repr(found) == repr((tuple(expected[0]), tuple(expected[1])))


def test_while_nothing_is_new_the_same_tuples_come_back_and_another_window_begins_anew() -> None:
    xs, ys = [float(n) for n in range(1000)], [float(n % 7) for n in range(1000)]
    thinned = Thinned()
    first = thinned.points(xs, ys, 0, 1000, 20)
    assert thinned.points(xs, ys, 0, 1000, 20) is first
    for low, high in ((0, 500), (250, 750), (0, 1000)):
        found = thinned.points(xs, ys, low, high, 20)
        assert list(map(list, found)) == list(map(list, min_max(xs, ys, low, high, 20)))
    moved = [x / 2 for x in xs]
    assert thinned.points(moved, ys, 0, 1000, 20, layout=1)[0][-1] == 499.5
    assert thinned.points(xs[:10], ys[:10], 0, 1000, 20, layout=1) == (tuple(xs[:10]), tuple(ys[:10]))
