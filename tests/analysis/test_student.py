from __future__ import annotations

import math

import pytest

from profiler.analysis.student import student_t_quantile, student_t_tail


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    # Published tables of Student's t.
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 3, 3.182),
        (0.975, 4, 2.776),
        (0.975, 8, 2.306),
        (0.975, 18, 2.101),
        (0.975, 120, 1.980),
        (0.995, 1, 63.657),
        (0.995, 10, 3.169),
        (0.9, 30, 1.310),
        (0.9995, 5, 6.869),
        (0.975, 1e6, 1.960),
        (0.975, 1e12, 1.960),
    ],
)
def test_student_t_agrees_with_the_tables(probability: float, freedom: float, expected: float) -> None:
    assert student_t_quantile(probability, freedom) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("probability", [0.51, 0.75, 0.975, 0.99375, 0.9999])
def test_student_t_agrees_with_the_closed_forms_of_one_two_and_four_degrees(probability: float) -> None:
    product = 4 * probability * (1 - probability)
    cosine = math.cos(math.acos(math.sqrt(product)) / 3) / math.sqrt(product)
    for freedom, exact in (
        (1, math.tan(math.pi * (probability - 0.5))),
        (2, (2 * probability - 1) / math.sqrt(product / 2)),
        (4, 2 * math.sqrt(cosine - 1)),
    ):
        assert student_t_quantile(probability, freedom) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("freedom", [1.0, 1.37, 2.9, 7.5, 44.4])
def test_student_t_of_broken_degrees_agrees_with_the_integral_of_its_density(freedom: float) -> None:
    t = student_t_quantile(0.975, freedom)
    assert 0.5 + _integral(t, freedom) == pytest.approx(0.975, abs=1e-8)
    assert student_t_tail(t, freedom) == pytest.approx(0.025)


def test_the_middle_of_student_t_is_zero() -> None:
    assert student_t_quantile(0.5, 3) == 0
    assert student_t_tail(0, 3) == pytest.approx(0.5)


def _integral(t: float, freedom: float, pieces: int = 4000) -> float:
    """Of the density from 0 to ``t``, by Simpson's rule."""
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(freedom * math.pi)
    heights = [(1 + (t * i / pieces) ** 2 / freedom) ** (-(freedom + 1) / 2) for i in range(pieces + 1)]
    return scale * t / pieces / 3 * (heights[0] + heights[-1] + 4 * sum(heights[1::2]) + 2 * sum(heights[2:-1:2]))
