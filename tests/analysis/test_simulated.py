"""What the intervals and verdicts promise, on processes that are drawn: seeded, so that they come out alike each time.

A process runs at a level of its own (how it was compiled, where its memory lies), around which its calls spread.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import median

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.analysis.looks import confidence
from profiler.analysis.repeats import look, owed
from profiler.analysis.verdicts import Judgement, judge, speedup
from profiler.request import LOOKS
from tests.analysis.events import MS, call, fold, frame, request

CASES = 1000
ENDED = ev.RunEnded(t=9000 * MS, outcome="ok")
Draw = Callable[[int], list[float]]


def _side(source: random.Random, *, process: float, call: float, calls: int, seconds: float = 1.0) -> Draw:
    """Draws per-process medians; ``process`` and ``call`` are standard deviations as shares of the duration."""

    def draw(processes: int) -> list[float]:
        return [
            median([level * math.exp(source.gauss(0, call)) for _ in range(calls)])
            for level in (seconds * math.exp(source.gauss(0, process)) for _ in range(processes))
        ]

    return draw


def _judged(baseline: list[float], candidate: list[float], sure: float = 0.95) -> Judgement:
    judged = judge(baseline, candidate, sure)
    assert judged is not None
    return judged


@pytest.mark.parametrize("processes", [3, 5, 10])
def test_the_interval_holds_as_often_as_it_says(processes: int) -> None:
    source = random.Random(f"coverage {processes}")
    held = 0
    for _ in range(CASES):
        # Cases of all kinds: little and much noise, alike on both sides and not, faster and slower.
        true = source.uniform(0.7, 2.5)
        noise = source.choice((0.005, 0.01, 0.03))
        base, other = (
            _side(source, process=noise * source.choice((1, 1, 2)), call=0.01, calls=5, seconds=seconds)(processes)
            for seconds in (true, 1.0)
        )
        ratio = speedup(base, other)
        assert ratio is not None and ratio.interval is not None
        held += ratio.interval[0] <= true <= ratio.interval[1]
    assert 0.93 * CASES <= held <= 0.98 * CASES


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.05])
@pytest.mark.parametrize("processes", [3, 5])
def test_a_case_against_itself_is_seldom_called_different(noise: float, processes: int) -> None:
    source = random.Random(f"itself {noise} {processes}")
    draw = _side(source, process=noise, call=0.01, calls=5)
    words = [_judged(draw(processes), draw(processes)).verdict for _ in range(CASES)]
    assert sum(word in ("FASTER", "SLOWER") for word in words) <= 0.05 * CASES


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.05])
def test_a_case_against_itself_is_seldom_called_different_by_one_who_goes_on_until_he_is_sure(noise: float) -> None:
    source = random.Random(f"until sure {noise}")
    sure = confidence(request(until_sure=True))
    assert sure == pytest.approx(0.9875)
    draw = _side(source, process=noise, call=0.01, calls=5)
    different = looked = 0
    for _ in range(CASES):
        ours, theirs = draw(LOOKS[-1]), draw(LOOKS[-1])
        for repeats in LOOKS:
            looked += 1
            word = _judged(theirs[:repeats], ours[:repeats], sure).verdict
            if word != "UNCLEAR":
                break
        different += word in ("FASTER", "SLOWER")
    assert different <= 0.05 * CASES
    assert looked > CASES  # or it was never about looking several times


def test_without_a_split_error_level_several_looks_would_be_wrong_more_often_than_they_say() -> None:
    source = random.Random("why it is split")
    draw = _side(source, process=0.03, call=0.001, calls=1)
    wrong = {0.95: 0, 0.9875: 0}
    for _ in range(CASES):
        ours, theirs = draw(LOOKS[-1]), draw(LOOKS[-1])
        for sure in wrong:
            ratios = (speedup(theirs[:repeats], ours[:repeats], sure) for repeats in LOOKS)
            wrong[sure] += any(one.interval[0] > 1 or one.interval[1] < 1 for one in ratios if one and one.interval)
    assert wrong[0.9875] <= 0.05 * CASES < wrong[0.95]


def test_a_case_against_itself_is_called_the_same_where_there_is_little_noise() -> None:
    source = random.Random("the same")
    draw = _side(source, process=0.005, call=0.01, calls=10)
    words = [_judged(draw(5), draw(5)).verdict for _ in range(CASES)]
    assert words.count("SAME") >= 0.60 * CASES


@pytest.mark.parametrize(("seconds", "right", "wrong"), [(1.03, "SLOWER", "FASTER"), (1 / 1.03, "FASTER", "SLOWER")])
def test_three_per_cent_are_found(seconds: float, right: str, wrong: str) -> None:
    source = random.Random(f"three per cent {seconds}")
    theirs = _side(source, process=0.005, call=0.01, calls=10)
    ours = _side(source, process=0.005, call=0.01, calls=10, seconds=seconds)
    words = [_judged(theirs(5), ours(5)).verdict for _ in range(CASES)]
    assert words.count(right) >= 0.90 * CASES
    assert wrong not in words


def test_processes_that_fall_into_one_of_two_states_need_three_of_them() -> None:
    source = random.Random("two states")

    def draw(processes: int) -> list[float]:
        return [source.choice((1.0, 1.1)) * math.exp(source.gauss(0, 0.001)) for _ in range(processes)]

    apart = 0
    for _ in range(CASES):
        ratio = speedup(draw(2), draw(2))
        assert ratio is not None and ratio.interval is not None
        apart += ratio.interval[0] > 1.01 or ratio.interval[1] < 0.99
    assert apart > 0.05 * CASES  # why two give no verdict
    words = [_judged(draw(3), draw(3)).verdict for _ in range(CASES)]
    assert sum(word in ("FASTER", "SLOWER") for word in words) <= 0.05 * CASES


def test_a_process_that_is_far_out_now_and_then_makes_no_difference_of_none() -> None:
    source = random.Random("far out")

    def draw() -> list[float]:
        return [source.choice((1.0,) * 9 + (1.5,)) * math.exp(source.gauss(0, 0.01)) for _ in range(5)]

    words = [_judged(draw(), draw()).verdict for _ in range(CASES)]
    assert sum(word in ("FASTER", "SLOWER") for word in words) <= 0.05 * CASES


def test_sessions_that_go_on_until_sure_end_and_are_seldom_wrong() -> None:
    """The same with whole sessions: what their logs say is folded, looked at, and the runs that are owed are made."""
    source = random.Random("sessions")
    given = request(variants=["no-compile", "compile"], until_sure=True, calls=1, warmup=0)
    different, repeats = 0, []
    for _ in range(60):
        asked, logs = given, {}
        while True:
            for run in asked.runs:
                if run.name not in logs:
                    (seconds,) = _side(source, process=0.02, call=0.01, calls=1)(1)
                    logs[run.name] = [*frame(), *call(0, "measure", 1000, [seconds * 10]), ENDED]
            state = fold(asked, logs).state
            more = owed(state, look(state))
            if not more:
                break
            asked = replace(asked, runs=[*asked.runs, *more])
        figures = case_figures(state)[1]
        made = len(asked.runs) / 2
        assert figures.confidence == 0.9875 and made in LOOKS
        assert (figures.verdict == "UNCLEAR") <= (made == LOOKS[-1] or figures.more_repeats is None)
        different += figures.verdict in ("FASTER", "SLOWER")
        repeats.append(made)
    assert different <= 3
    assert min(repeats) < max(repeats) == LOOKS[-1]
