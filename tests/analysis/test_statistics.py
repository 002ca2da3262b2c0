from __future__ import annotations

import math
import random
import statistics as stdlib

import pytest

from profiler.analysis.statistics import FAR_OUT, median_deviation, outliers, quantile, summarize


def test_quantile_agrees_with_the_standard_library() -> None:
    values = sorted(random.Random(1).uniform(0, 9) for _ in range(37))
    assert [quantile(values, q / 4) for q in (1, 2, 3)] == pytest.approx(
        stdlib.quantiles(values, n=4, method="inclusive")
    )
    assert [quantile(values, 0.95), quantile(values, 0.99)] == pytest.approx(
        [stdlib.quantiles(values, n=100, method="inclusive")[place] for place in (94, 98)]
    )


@pytest.mark.parametrize(
    ("n", "told"),
    [(4, ()), (5, ("iqr", "outliers")), (9, ("iqr", "outliers")), (10, ("iqr", "outliers", "p95"))],
)
def test_small_samples_get_no_noise_figure_and_no_tail(n: int, told: tuple[str, ...]) -> None:
    found = summarize([float(value) for value in range(n)])
    assert found is not None and found.median == (n - 1) / 2
    given = {name for name in ("iqr", "outliers", "p95", "p99") if getattr(found, name) is not None}
    assert given == set(told)


def test_the_99th_percentile_takes_a_hundred_values() -> None:
    assert summarize([]) is None
    for n, told in ((99, False), (100, True)):
        found = summarize([float(value) for value in range(n)])
        assert found is not None and (found.p99 is not None) is told
    assert found is not None and found.p99 == pytest.approx(98.01)


def test_values_that_are_no_numbers_are_not_counted() -> None:
    found = summarize([1.0, math.nan, 3.0, math.inf, -math.inf])
    assert found is not None and (found.n, found.median) == (2, 2.0)
    assert summarize([math.nan]) is None


def test_the_median_deviation_is_that_of_all_deviations_in_order() -> None:
    source = random.Random(2)
    for n in range(1, 60):
        for values in (
            [source.uniform(0, 9) for _ in range(n)],
            [float(source.randrange(4)) for _ in range(n)],
            [source.lognormvariate(0, 2) for _ in range(n)],
        ):
            ascending, middle = sorted(values), stdlib.median(values)
            expected = stdlib.median([abs(value - middle) for value in values])
            assert median_deviation(ascending, middle) == pytest.approx(expected)


def test_what_lies_far_out_is_marked_and_still_counts() -> None:
    # Median 10, median absolute deviation 1: the fences are at 10 -+ 14.826.
    values = [8.0, 9.0, 10.0, 11.0, 24.8, 9.0, 11.0]
    assert FAR_OUT == 14.826 and outliers(values) == []
    assert outliers([*values[:4], 24.9, *values[5:]]) == [4]
    assert outliers([-4.9, *values[1:]]) == [0]
    found = summarize([*values[:4], 24.9, *values[5:]])
    assert found is not None and (found.n, found.outliers) == (7, 1)
    assert found.iqr == quantile(sorted([*values[:4], 24.9, *values[5:]]), 0.75) - 9.0


def test_how_many_are_marked_is_how_many_are_counted() -> None:
    source = random.Random(3)
    for _ in range(200):
        values = [
            source.choice((1.0, 1.0, 1.001, 5.0, source.lognormvariate(0, 1))) for _ in range(source.randrange(40))
        ]
        found = summarize(values)
        assert (found.outliers or 0 if found else 0) == len(outliers(values))


@pytest.mark.parametrize(
    ("values", "marked"),
    [
        ([5.0] * 9, []),  # no deviation at all
        ([5.0] * 9 + [5.001], []),  # a tick of a clock is no outlier, though the median deviation is 0
        ([5.0] * 9 + [5.2], [9]),
        ([0.0] * 9 + [1.0], []),  # nothing says what is far
        ([1e308] * 5 + [-1e308], [5]),
        ([5e-324] * 5 + [1.0], []),
        ([1e-300] * 5 + [1.0], [5]),
        ([1.0, 1.0, 1.0, 900.0], []),  # too few to tell
        ([1.0] * 6 + [math.nan, math.inf], []),
        ([1.0, 1.1, 0.9, 1.0, 50.0, 50.1, 49.9, 50.0], []),  # two modes: neither is out of the other's way
    ],
)
def test_odd_data_are_marked_sanely(values: list[float], marked: list[int]) -> None:
    assert outliers(values) == marked
    found = summarize(values)
    assert found is not None and (found.outliers or 0) == len(marked)
