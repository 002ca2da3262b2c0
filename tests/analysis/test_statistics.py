from __future__ import annotations

import math
import random
import statistics as stdlib

import pytest

from profiler.analysis.statistics import quantile, summarize
from profiler.analysis.student import student_t_quantile
from profiler.analysis.verdicts import more_to_settle, speedup, verdict


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    # Published tables of Student's t (two-sided 95 % and 99 %, one-sided 90 %).
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 4, 2.776),
        (0.995, 10, 3.169),
        (0.9, 30, 1.310),
        (0.975, 1e6, 1.960),
    ],
)
def test_student_t_agrees_with_the_tables(probability: float, freedom: float, expected: float) -> None:
    assert student_t_quantile(probability, freedom) == pytest.approx(expected, abs=6e-4)


def test_quantile_agrees_with_the_standard_library() -> None:
    values = sorted(random.Random(1).uniform(0, 9) for _ in range(37))
    assert [quantile(values, q / 4) for q in (1, 2, 3)] == pytest.approx(
        stdlib.quantiles(values, n=4, method="inclusive")
    )


def test_small_samples_get_no_noise_figure() -> None:
    assert summarize([]) is None
    four = summarize([1.0, 2.0, 3.0, 4.0])
    assert four is not None and (four.median, four.iqr, four.p95) == (2.5, None, None)
    nine = summarize([float(value) for value in range(9)])
    assert nine is not None and nine.iqr == 4.0 and nine.p95 is None
    ten = summarize([float(value) for value in range(10)])
    assert ten is not None and ten.p95 == pytest.approx(8.55)


def test_values_that_are_no_numbers_are_not_counted() -> None:
    found = summarize([1.0, math.nan, 3.0, math.inf])
    assert found is not None and (found.n, found.median) == (2, 2.0)


def test_speedup_of_one_process_has_no_interval() -> None:
    ratio = speedup([2.0], [1.0])
    assert ratio is not None and ratio.estimate == pytest.approx(2.0) and ratio.interval is None
    assert speedup([], [1.0]) is None


def test_speedup_interval_is_welchs_on_the_logarithms() -> None:
    baseline, candidate = [10.0, 10.4, 9.8], [5.0, 5.3, 4.9]
    ratio = speedup(baseline, candidate)
    assert ratio is not None and ratio.interval is not None
    logs = [[math.log(value) for value in side] for side in (baseline, candidate)]
    error = math.sqrt(sum(stdlib.variance(side) / 3 for side in logs))
    half_width = (math.log(ratio.interval[1]) - math.log(ratio.interval[0])) / 2
    # Between the t of 4 degrees of freedom (equal variances) and of 2 (one side alone).
    assert 2.776 * error <= half_width <= 4.303 * error
    assert ratio.interval[0] < 2.0 < ratio.interval[1]


def test_equal_processes_leave_a_point() -> None:
    ratio = speedup([4.0, 4.0], [2.0, 2.0])
    assert ratio is not None and ratio.interval == (pytest.approx(2.0), pytest.approx(2.0))


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((1.02, 1.10), "FASTER"),
        ((1.005, 1.10), "UNCLEAR"),
        ((0.90, 0.98), "SLOWER"),
        ((0.98, 1.02), "SAME"),
        ((0.90, 1.02), "UNCLEAR"),
    ],
)
def test_verdicts(interval: tuple[float, float], expected: str) -> None:
    assert verdict(interval) == expected


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
