from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from profiler.report.lanes import MOST_LANES, Placed, Track

Slices = list[tuple[int, int]]
SLICES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=30)


def crossing(slices: Slices) -> bool:
    """Whether two of them, each given by begin and end, cross: neither apart nor one within the other."""
    return any(a < c < b < d for a, b in slices for c, d in slices)


def placed(slices: Slices, slack: int) -> list[tuple[tuple[int, int], Placed | None]]:
    track = Track(slack)
    ordered = sorted(slices, key=lambda one: (one[0], -one[1]))
    return [(one, track.place(*one)) for one in ordered]


@given(SLICES, st.integers(0, 5))
def test_slices_of_a_lane_never_cross(slices: Slices, slack: int) -> None:
    lanes: dict[int, Slices] = {}
    for _, found in placed(slices, slack):
        if found is not None:
            lanes.setdefault(found.lane, []).append((found.start_ns, found.start_ns + found.ns))
    assert not any(crossing(lane) for lane in lanes.values())
    assert len(lanes) <= MOST_LANES


@given(SLICES)
def test_without_slack_nothing_is_moved_or_cut(slices: Slices) -> None:
    assert all(found is None or (found.start_ns, found.ns) == one for one, found in placed(slices, 0))


@given(SLICES, st.integers(1, 5))
def test_what_is_moved_or_cut_is_so_by_the_slack_at_most(slices: Slices, slack: int) -> None:
    for (start, ns), found in placed(slices, slack):
        if found is not None:
            assert 0 <= found.start_ns - start <= slack
            assert 0 <= ns - found.ns <= slack


def test_two_that_end_together_dont_move_a_third_twice() -> None:
    assert [one and one.lane for _, one in placed([(0, 52), (0, 50), (48, 60)], 2)] == [0, 0, 1]


def test_slices_that_all_but_touch_lie_one_after_the_other() -> None:
    found = [one for _, one in placed([(0, 101), (100, 50), (151, 9)], 2)]
    assert found == [Placed(0, 0, 101), Placed(0, 101, 50), Placed(0, 151, 9)]


def test_a_phase_that_outlasts_its_compile_by_little_is_cut_to_it() -> None:
    assert [one for _, one in placed([(0, 100), (10, 91)], 2)] == [Placed(0, 0, 100), Placed(0, 10, 90)]


def test_slices_that_cross_get_a_lane_each_as_long_as_there_are_some() -> None:
    found = [one for _, one in placed([(number, 1000) for number in range(MOST_LANES + 2)], 0)]
    assert [one and one.lane for one in found] == [*range(MOST_LANES), None, None]
