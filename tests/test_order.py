"""The order of the runs: drift of the machine must not side with one variant."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.request import LOOKS, BadRequest, Options, resolve, resolve_all
from profiler.request.order import rounds


def places(order: list[str], cases: int) -> Counter[tuple[str, int]]:
    """How often each case stood at each place of its round."""
    return Counter((case, number % cases) for number, case in enumerate(order))


@given(count=st.integers(1, 8), turns=st.integers(1, 3))
def test_every_case_stands_as_often_at_every_place(count: int, turns: int) -> None:
    cases = [f"case-{number}" for number in range(count)]
    order = [run.case for run in rounds(cases, range(1, count * turns + 1))]
    assert places(order, count) == {(case, place): turns for case in cases for place in range(count)}


@given(count=st.integers(1, 8), cuts=st.lists(st.integers(1, 12), max_size=3))
def test_rounds_that_are_added_go_on_where_the_order_was(count: int, cuts: list[int]) -> None:
    """Made at once or look by look, of all cases: the same runs under the same names in the same order."""
    cases = [f"case-{number}" for number in range(count)]
    runs = []
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), 12], strict=True):
        made = dict.fromkeys(cases, first)
        runs += rounds(cases, range(first + 1, last + 1), made=made, first=len(runs) + 1)
    assert runs == rounds(cases, range(1, 13))
    # At no moment has a case been made more than once more than another.
    for end in range(len(runs)):
        tally = Counter(dict.fromkeys(cases, 0))
        tally.update(run.case for run in runs[:end])
        assert max(tally.values()) - min(tally.values()) <= 1


def test_a_case_that_sat_out_takes_its_own_numbers_up() -> None:
    runs = rounds(["a", "b"], range(6, 9), made={"a": 5, "b": 3}, first=21)
    assert [run.name for run in runs] == ["021-b-r4", "022-a-r6", "023-a-r7", "024-b-r5", "025-b-r6", "026-a-r8"]
    assert [run.repeat for run in runs] == [4, 6, 7, 5, 6, 8]


def test_what_is_asked_for_is_in_that_order() -> None:
    request = resolve(Options(pipeline="sd15-txt2img", repeats=3), "cpu")
    names = [case.name for case in request.cases]
    assert request.runs == rounds(names, range(1, 4))
    first, second, third = names
    assert [run.case for run in request.runs] == [first, second, third, second, third, first, third, first, second]


@pytest.mark.parametrize("repeats", [None, *LOOKS])
def test_until_sure_begins_with_the_repeats_of_a_look(repeats: int | None) -> None:
    request = resolve(Options(pipeline="sd15-txt2img", until_sure=True, repeats=repeats), "cpu")
    assert (request.until_sure, request.repeats) == (True, repeats or LOOKS[0])
    assert len(request.runs) == 3 * request.repeats


def test_until_sure_leaves_room_for_the_names_to_come() -> None:
    long = "x" * 200
    options = Options(pipeline="sd15-txt2img", until_sure=True, batch_sizes=[1, 2], call={long: 1})
    request = resolve(options, "cpu")
    cases = [case.name for case in request.cases]
    last = rounds(cases, range(4, LOOKS[-1] + 1), made=dict.fromkeys(cases, 3), first=len(request.runs) + 1)
    assert max(len(run.name) for run in last) <= 96


def test_until_sure_needs_two_cases_that_can_be_compared() -> None:
    plain, compiled = (
        Options(pipeline="sd15-txt2img", variants=[one], until_sure=True) for one in ("no-compile", "compile")
    )
    assert len(resolve_all([plain, compiled], "cpu").cases) == 2
    other = Options(pipeline="sd15-txt2img", variants=["compile"], batch_sizes=[2], until_sure=True)
    with pytest.raises(BadRequest, match="another variant of the same workload: ask for both"):
        resolve_all([plain, other], "cpu")
    # What can't be compared may be there beside what can.
    assert len(resolve_all([plain, compiled, other], "cpu").cases) == 3
