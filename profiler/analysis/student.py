"""Student's t distribution, without scipy: a viewer has none."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL_FROM = 1e7
"""With so many degrees of freedom t is the normal distribution to the last digits that doubles give here."""
_TINY = 1e-300
_CLOSE = 1e-15


@lru_cache(maxsize=4096)
def student_t_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t with ``freedom`` > 0 degrees of freedom, for ``probability`` in [0.5, 1).

    Newton's method on log(tail) as a function of log(t), which is concave and nearly a line where the tail is heavy:
    it comes down to the root from above after at most one step, from wherever it starts. Three or four steps do.
    """
    if probability <= 0.5:
        return 0.0
    start = NormalDist().inv_cdf(probability)
    if freedom >= _NORMAL_FROM:
        return start
    tail = 1 - probability
    # The first two terms of the expansion around the normal quantile (Abramowitz and Stegun 26.7.5).
    t = max(start + (start**3 + start) / (4 * freedom), 1e-3)
    for _ in range(60):
        over = student_t_tail(t, freedom)
        step = over * math.log(over / tail) / (t * _density(t, freedom)) if over > 0 else -1.0
        t *= math.exp(min(max(step, -3.0), 3.0))
        if abs(step) < 1e-7:  # what is left is about its square
            break
    return t


def student_t_tail(t: float, freedom: float) -> float:
    """P(T > t) for t >= 0: I_x(freedom / 2, 1 / 2) / 2 with x = freedom / (freedom + t^2) (DLMF 8.17)."""
    x = freedom / (freedom + t * t)
    return _incomplete_beta(x, t * t / (freedom + t * t), freedom / 2, 0.5) / 2


def _density(t: float, freedom: float) -> float:
    log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return math.exp(log - (freedom + 1) / 2 * math.log1p(t * t / freedom))


def _incomplete_beta(x: float, rest: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) with ``rest`` = 1 - x, which keeps its digits near x = 1."""
    if x <= 0 or rest <= 0:
        return float(rest <= 0)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side only
        return 1 - _incomplete_beta(rest, x, b, a)
    gammas = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(gammas + a * math.log(x) + b * math.log(rest)) / a / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.

    W. J. Lentz, Applied Optics 15, 1976, as modified by Thompson and Barnett: from the outermost term in, until a term
    changes nothing any more; some ten terms on this side.
    """
    value, up, down = 1.0, 1.0, 0.0
    for n in range(1, 1000):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        down = 1 / ((1 + term * down) or _TINY)
        up = (1 + term / up) or _TINY
        value *= up * down
        if abs(up * down - 1) < _CLOSE:
            break
    return value
