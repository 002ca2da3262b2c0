from __future__ import annotations

import itertools
import math
import random
import statistics as stdlib

import pytest

from profiler.analysis.student import student_t_quantile
from profiler.analysis.verdicts import judge, more_to_settle, speedup, verdict


def test_speedup_of_one_process_has_no_interval() -> None:
    ratio = speedup([2.0], [1.0])
    assert ratio is not None and ratio.estimate == pytest.approx(2.0) and ratio.interval is None
    assert speedup([], [1.0]) is None


def test_speedup_interval_is_welchs_on_the_logarithms() -> None:
    baseline, candidate = [10.0, 10.4, 9.8], [5.0, 5.3, 4.9]
    ratio = speedup(baseline, candidate)
    assert ratio is not None and ratio.interval is not None
    assert ratio.interval == pytest.approx(_interval_of(baseline, candidate, 3))
    assert ratio.interval[0] < 2.0 < ratio.interval[1]


def test_more_confidence_takes_a_wider_interval() -> None:
    usual, sure = (speedup([10.0, 10.4, 9.8], [5.0, 5.3, 4.9], level) for level in (0.95, 0.9875))
    assert usual is not None and sure is not None and usual.interval is not None and sure.interval is not None
    assert sure.interval[0] < usual.interval[0] < usual.interval[1] < sure.interval[1]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((1.02, 1.10), "FASTER"),
        ((1.005, 1.10), "UNCLEAR"),
        ((0.90, 0.98), "SLOWER"),
        ((0.98, 1.02), "SAME"),
        ((0.90, 1.02), "UNCLEAR"),
        ((1.015, 1.025), "FASTER"),  # within 3 %, but certainly not the same
        ((0.97, 1.03), "SAME"),
        ((1.01, 1.02), "SAME"),  # just not outside
    ],
)
def test_verdicts(interval: tuple[float, float], expected: str) -> None:
    assert verdict(interval) == expected


def test_two_processes_a_side_give_an_interval_and_no_verdict() -> None:
    for baseline, candidate in (([2.0, 2.001], [1.0, 1.001]), ([2.0, 2.0], [1.0, 1.0]), ([2.0] * 9, [1.0, 1.0])):
        judged = judge(baseline, candidate)
        assert judged is not None and judged.ratio.interval is not None
        assert judged.verdict is None and judged.more == 1


def test_one_process_a_side_gives_an_estimate_and_what_it_takes_for_more() -> None:
    judged = judge([2.0], [1.0])
    assert judged is not None and (judged.verdict, judged.ratio.interval, judged.more) == (None, None, 2)
    assert judge([], [1.0, 1.0, 1.0]) is None


def test_processes_that_are_all_alike_give_the_verdict_of_a_point() -> None:
    for factor, word in ((1.0, "SAME"), (0.5, "FASTER"), (1.02, "SLOWER"), (1.005, "SAME")):
        judged = judge([4.0] * 3, [4.0 * factor] * 3)
        assert judged is not None and judged.verdict == word and judged.more == 0
        assert judged.ratio.interval == pytest.approx((1 / factor, 1 / factor))


def test_one_side_without_any_spread_leaves_the_others() -> None:
    judged = judge([4.0] * 3, [4.0, 4.1, 3.9])
    assert judged is not None and judged.ratio.interval is not None
    # Two degrees of freedom: of the side that spreads.
    error = math.sqrt(stdlib.variance(map(math.log, (4.0, 4.1, 3.9))) / 3)
    width = math.log(judged.ratio.interval[1]) - math.log(judged.ratio.interval[0])
    assert width == pytest.approx(2 * 4.302653 * error, rel=1e-5)
    assert judged.verdict == "UNCLEAR"


def test_one_process_far_out_leaves_no_verdict() -> None:
    judged = judge([1.0, 1.001, 0.999, 1.0, 40.0], [0.5, 0.501, 0.499, 0.5, 0.5])
    assert judged is not None and judged.verdict == "UNCLEAR" and judged.more is not None


def test_two_states_of_a_process_leave_no_verdict() -> None:
    judged = judge([1.0, 1.3, 1.0, 1.3, 1.0], [1.3, 1.0, 1.3, 1.0, 1.3])
    assert judged is not None and judged.verdict == "UNCLEAR"


ODD = (0.0, -1.0, math.nan, math.inf, -math.inf, 5e-324, 1.7e308, 1.0, 1e-9)


def test_no_data_whatever_raises_or_gives_anything_but_finite_figures() -> None:
    source = random.Random(5)
    sides = [list(side) for n in range(3) for side in itertools.product(ODD, repeat=n)]
    sides += [[source.choice(ODD) for _ in range(source.randrange(3, 8))] for _ in range(60)]
    for _ in range(1500):
        baseline, candidate = source.choice(sides), source.choice(sides)
        judged = judge(baseline, candidate)
        usable = [sum(1 for value in side if value > 0 and math.isfinite(value)) for side in (baseline, candidate)]
        if not all(usable):
            assert judged is None
            continue
        assert judged is not None
        assert (judged.verdict is None) == (min(usable) < 3)
        assert (judged.ratio.interval is None) == (min(usable) < 2)
        assert all(math.isfinite(figure) for figure in (judged.ratio.estimate, *(judged.ratio.interval or ())))
        low, high = judged.ratio.interval or (judged.ratio.estimate,) * 2
        assert low <= judged.ratio.estimate <= high


def test_how_many_more_processes_would_settle_an_unclear_speedup() -> None:
    noisy, faster = [1.00, 1.10, 0.95], [0.90, 0.99, 0.86]
    unclear = speedup(noisy, faster)
    assert unclear is not None and unclear.interval is not None and verdict(unclear.interval) == "UNCLEAR"
    more = more_to_settle(noisy, faster)
    assert more is not None
    # With the same spread in that many processes the verdict is given, with fewer it is not.
    for processes, word in ((3 + more, "FASTER"), (2 + more, "UNCLEAR")):
        assert verdict(_interval_of(noisy, faster, processes)) == word


def test_what_no_reasonable_number_of_processes_settles() -> None:
    assert more_to_settle([1.0, 1.5, 0.6], [1.0001, 1.4, 0.7]) is None
    assert more_to_settle([1.0], [2.0]) is None


def _interval_of(baseline: list[float], candidate: list[float], processes: int) -> tuple[float, float]:
    """Welch's interval if each side had ``processes`` values of its present mean and variance."""
    one, other = ([math.log(value) for value in side] for side in (baseline, candidate))
    spread = [stdlib.variance(side) / processes for side in (one, other)]
    freedom = sum(spread) ** 2 * (processes - 1) / sum(value**2 for value in spread)
    half = student_t_quantile(0.975, freedom) * math.sqrt(sum(spread))
    middle = stdlib.fmean(one) - stdlib.fmean(other)
    return math.exp(middle - half), math.exp(middle + half)
