"""``--fail-if-slower``: what a limit is, and what fails it."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from profiler.analysis.cases import CaseFigures, case_figures
from profiler.report.slower import BadLimit, judge_slower, longer, parse_limit, slower_lines
from tests.analysis.events import fold, request

EMPTY = case_figures(fold(request(), {}).state)[1]


def figures(verdict: str | None, *interval: float) -> CaseFigures:
    """A case with this verdict and the interval of its speed-up."""
    low, high = interval or (None, None)
    ratio = None if low is None or high is None else math.sqrt(low * high)
    return replace(EMPTY, verdict=verdict, speedup=ratio, interval=(low, high) if ratio else None, confidence=0.95)


@pytest.mark.parametrize(
    ("text", "share"),
    [("5%", 0.05), ("5 %", 0.05), ("0.05", 0.05), ("5", 0.05), ("0.5%", 0.005), ("1", 0.01), ("100%", 1.0), ("0", 0.0)],
)
def test_a_limit_is_percent_or_a_share(text: str, share: float) -> None:
    assert parse_limit(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "-5%", "-0.1", "nan", "inf", "5%%", "five", "1001%", "1e999"])
def test_what_is_no_share_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(BadLimit, match=r"as 5% or 0\.05"):
        parse_limit(text)


@pytest.mark.parametrize(
    ("case", "failed"),
    [
        (figures("SLOWER", 0.90, 0.95), True),  # 1 / 0.95: at the best 5.3 % longer
        (figures("SLOWER", 0.90, 0.96), False),  # at the best 4.2 %
        (figures("SLOWER", 0.60, 0.985), False),
        (figures("FASTER", 1.2, 1.4), False),
        (figures("SAME", 0.98, 1.01), False),
    ],
)
def test_a_case_fails_when_even_the_most_favourable_end_is_too_slow(case: CaseFigures, failed: bool) -> None:
    found = judge_slower(0.05, [("compile", case)])
    assert found.judged
    assert (found.failed, found.passed) == ((["compile"], []) if failed else ([], ["compile"]))


@pytest.mark.parametrize("case", [figures("UNCLEAR", 0.2, 0.98), figures(None, 0.5, 0.6), figures(None), EMPTY])
def test_without_a_verdict_nothing_fails(case: CaseFigures) -> None:
    found = judge_slower(0.0, [("compile", case)])
    assert not found.judged
    assert (found.failed, found.passed, list(found.unjudged)) == ([], [], ["compile"])
    assert "nothing was judged" in slower_lines(found, [("compile", case)])[0]


def test_each_candidate_is_judged_for_itself() -> None:
    compared = [
        ("a", figures("SLOWER", 0.70, 0.80)),
        ("b", figures("UNCLEAR", 0.5, 2.0)),
        ("c", figures("FASTER", 1.1, 1.2)),
        ("d", figures("SLOWER", 0.88, 0.90)),
    ]
    found = judge_slower(0.1, compared)
    assert (found.failed, found.passed, list(found.unjudged)) == (["a", "d"], ["c"], ["b"])
    answer, first, second, third = slower_lines(found, compared)
    assert answer == "--fail-if-slower: failed: 2 of 3 judged surely take at least 10 % longer"
    assert first.strip() == "a: takes 33.6% longer than its baseline (95 %: 25.0% to 42.9%)"
    assert second.startswith("  d: takes")
    assert third.startswith("  not judged: b: ")


def test_longer_is_a_share_of_the_baselines_time() -> None:
    assert longer(0.8) == pytest.approx(0.25)
    assert longer(1.0) == 0.0
