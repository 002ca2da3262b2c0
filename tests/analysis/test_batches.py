"""The search for the largest batch, on its own."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler import events as ev
from profiler.analysis.batches import bounds, largest_batches, next_batch, probe, searches
from profiler.analysis.fold import SessionFold
from profiler.analysis.progress import session_progress
from profiler.request import MAX_BATCH_SIZE, Case, Request, Run
from tests.analysis.events import request


def walk(start: int, threshold: int, largest: int = MAX_BATCH_SIZE) -> dict[int, str]:
    """What is tried, in order, where batches up to ``threshold`` fit."""
    tried: dict[int, str] = {}
    while (batch := next_batch(start, tried, largest)) is not None:
        assert batch not in tried
        assert 1 <= batch <= largest
        tried[batch] = "ok" if batch <= threshold else "oom"
    return tried


@given(st.integers(1, MAX_BATCH_SIZE), st.integers(0, 2 * MAX_BATCH_SIZE))
def test_any_threshold_is_found_with_few_probes(start: int, threshold: int) -> None:
    tried = walk(start, threshold)
    fits, out = bounds(tried)
    assert fits == min(threshold, MAX_BATCH_SIZE)
    assert out == (threshold + 1 if threshold < MAX_BATCH_SIZE else None)
    # One for every doubling and one for every halving of what lies between, and the two ends.
    away = max(threshold, 1) / start if threshold >= start else start / max(threshold, 1)
    assert len(tried) <= 2 * math.log2(max(away, 1)) + math.log2(start) + 3


def test_the_order_of_the_probes() -> None:
    assert list(walk(1, 6)) == [1, 2, 4, 8, 6, 7]
    assert list(walk(8, 3)) == [8, 4, 2, 3]
    assert list(walk(4, 0)) == [4, 2, 1]
    assert list(walk(3, 99, largest=10)) == [3, 6, 10]


@given(st.lists(st.booleans(), min_size=64, max_size=64), st.integers(1, 64))
def test_memory_that_knows_no_order_ends_the_search_all_the_same(fits: list[bool], start: int) -> None:
    tried: dict[int, str] = {}
    while (batch := next_batch(start, tried, 64)) is not None:
        assert batch not in tried
        tried[batch] = "ok" if fits[batch - 1] else "oom"
    low, high = bounds(tried)
    assert low == 0 or tried[low] == "ok"
    assert high is None or high - low == 1


@pytest.mark.parametrize("outcome", ["failed", "unsupported", "died", "stopped"])
def test_any_other_outcome_ends_it(outcome: str) -> None:
    assert next_batch(1, {1: "ok", 2: outcome}) is None


# --- in a session ---------------------------------------------------------------------------------------------------


def asked(*batches: int, repeats: int = 1, variants: tuple[str, ...] = ("no-compile",)) -> Request:
    """A search that has got to ``batches``: those after the first were added by it."""
    first = request(variants=variants, batch_sizes=batches[:1], repeats=repeats)
    cases, runs = list(first.cases), list(first.runs)
    for batch in batches[1:]:
        start = first.cases[0]
        workload = msgspec.structs.replace(start.workload, batch_size=batch)
        cases.append(Case(name=f"added-b{batch}", compilation=start.compilation, workload=workload))
        runs.append(Run(name=f"{len(runs) + 1:03d}-added-b{batch}", case=f"added-b{batch}", repeat=1))
    return msgspec.structs.replace(first, cases=cases, runs=runs, find_max_batch=True)


def folded(given: Request, outcomes: list[str], state: str = "running", reason: str | None = None) -> SessionFold:
    fold = SessionFold("test", given)
    fold.conductor([ev.SessionChanged(t=1, state="running")])
    fold.conductor(
        ev.RunChanged(t=2, run=run.name, state="ended", outcome=outcome, reason=f"it is {outcome}")
        for run, outcome in zip(given.runs, outcomes, strict=False)
    )
    fold.conductor([ev.SessionChanged(t=3, state=state, reason=reason)])
    return fold


def found(given: Request, outcomes: list[str], state: str = "running", reason: str | None = None) -> list[tuple]:  # type: ignore[type-arg]
    fold = folded(given, outcomes, state, reason)
    return [(each.fits, each.out_of_memory, each.exact, each.reason) for each in largest_batches(fold.state)]


def test_what_was_found_is_told_for_every_start() -> None:
    assert found(asked(1, 2, 4, 3), ["ok", "ok", "oom", "ok"], "done") == [(3, 4, True, None)]
    assert found(asked(1, 2, 4), ["ok", "ok", "oom"]) == [(2, 4, False, None)]  # goes on
    assert found(asked(1), ["oom"], "done") == [(None, 1, True, None)]
    assert found(asked(1024), ["ok"], "done") == [(1024, None, False, "1024 is the largest batch that is tried")]
    assert found(asked(1, variants=("no-compile", "compile")), ["ok", "oom"])[1] == (None, 1, True, None)


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        ("failed", "batch 2 failed: it is failed"),
        ("died", "batch 2 died: it is died"),
        ("stopped", "batch 2 was stopped: it is stopped"),
        ("unsupported", "batch 2 is unsupported: it is unsupported"),
    ],
)
def test_why_a_search_went_no_further(outcome: str, why: str) -> None:
    assert found(asked(1, 2), ["ok", outcome], "done") == [(1, None, False, why)]


def test_a_session_that_ended_before_its_search_did() -> None:
    assert found(asked(1, 2, 4), ["ok", "ok", "oom"], "stopped", "max time of 60 s reached") == [
        (2, 4, False, "max time of 60 s reached")
    ]


def test_a_session_that_searches_for_nothing_has_found_nothing() -> None:
    assert found(msgspec.structs.replace(asked(1), find_max_batch=False), ["ok"], "done") == []


def test_how_long_a_search_will_take_is_not_told() -> None:
    """All runs so far have ended, and the next one is added in a moment."""

    def told(outcomes: list[str], state: str = "running") -> tuple[str, float | None]:
        fold = folded(asked(1, 2, 4, 3), outcomes, state)
        progress = session_progress(fold.state, 10)
        return progress.text, progress.eta_s

    assert told(["ok", "ok", "oom"]) == ("3 of 4 runs so far", None)
    assert told(["ok", "ok", "oom", "ok"]) == ("4 of 4 runs", 0)
    assert told(["ok", "ok", "oom"], "stopped") == ("3 of 4 runs", None)


def test_nothing_is_tried_before_the_runs_of_a_batch_have_ended() -> None:
    given = asked(4, repeats=2)
    first, second = (run.name for run in given.runs)
    (search,) = searches(given, {first: "ok"})
    assert (search.waiting, probe(search)) == (True, None)
    (search,) = searches(given, {first: "ok", second: "ok"})
    assert probe(search) == 8
    (search,) = searches(given, {first: "ok", second: "oom"})  # once out of memory is enough
    assert probe(search) == 2
    (search,) = searches(given, {first: "ok", second: "died"})
    assert probe(search) == 8
