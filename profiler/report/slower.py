"""Whether a comparison found anything slower than a limit allows: what ``compare --fail-if-slower`` asks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from profiler.analysis.cases import CaseFigures

OPTION = "--fail-if-slower"
LARGEST = 10.0
"""A limit beyond eleven times the baseline's time is a slip of the pen."""


class BadLimit(Exception):
    """No share of time; the message is one line that says what would work."""


class Slower(msgspec.Struct, kw_only=True):
    """``limit``: a share of the baseline's time. The others are names of cases, as the tables have them.

    A case has failed when its verdict is SLOWER and the whole interval lies beyond the limit: even the most favourable
    end of it takes ``limit`` longer than the baseline. One without a verdict, or an UNCLEAR one, never fails.
    """

    limit: float
    failed: list[str]
    passed: list[str]  # with a verdict: FASTER, SAME, or SLOWER by less than surely the limit
    unjudged: dict[str, str]  # without one, and why

    @property
    def judged(self) -> bool:
        return bool(self.failed or self.passed)


def parse_limit(text: str) -> float:
    """A share of time: ``5%``, ``5`` and ``0.05`` are five percent; a number below 1 without a sign is a share.

    Raises BadLimit.
    """
    percent = text.strip().endswith("%")
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        value = math.nan
    value = value / 100 if percent or value >= 1 else value
    if not 0 <= value <= LARGEST:
        raise BadLimit(f"{OPTION} takes a share of time from 0 % to {LARGEST:.0%}, as 5% or 0.05, not {text!r}")
    return value


def judge_slower(limit: float, compared: Sequence[tuple[str, CaseFigures]]) -> Slower:
    """What the figures of each case, by its name, say against ``limit``. The baseline itself is none of it."""
    found = Slower(limit=limit, failed=[], passed=[], unjudged={})
    for name, figures in compared:
        if figures.verdict is None or figures.verdict == "UNCLEAR" or figures.interval is None:
            found.unjudged[name] = figures.reason or "there is no verdict"
        elif figures.verdict == "SLOWER" and longer(figures.interval[1]) >= limit:
            found.failed.append(name)
        else:
            found.passed.append(name)
    return found


def longer(speedup: float) -> float:
    """How much longer than the baseline something takes, as a share of the baseline's time: 0.25 at a ratio of 0.8."""
    return 1 / speedup - 1


def slower_lines(found: Slower, compared: Sequence[tuple[str, CaseFigures]]) -> list[str]:
    """The answer in one line, a line for each case that has failed, and one for each that could not be judged."""
    limit = f"{found.limit * 100:.4g} %"
    figures = dict(compared)
    count = len(found.failed) + len(found.passed)
    if not found.judged:
        answer = "nothing was judged, for want of a verdict"
    elif found.failed:
        answer = f"failed: {len(found.failed)} of {count} judged surely take at least {limit} longer"
    else:
        answer = f"passed: of {count} judged none surely takes {limit} longer"
    return [
        f"{OPTION}: {answer}",
        *(f"  {name}: {_failure(figures[name])}" for name in found.failed),
        *(f"  not judged: {name}: {why}" for name, why in found.unjudged.items()),
    ]


def _failure(figures: CaseFigures) -> str:
    assert figures.speedup is not None
    assert figures.interval is not None
    low, high = longer(figures.interval[1]), longer(figures.interval[0])
    sure = f"{(figures.confidence or 0) * 100:.4g} %"
    return f"takes {longer(figures.speedup):.1%} longer than its baseline ({sure}: {low:.1%} to {high:.1%})"
