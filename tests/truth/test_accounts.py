"""The comparison finds what differs; and what no scenario does: failures, graph breaks, refusals, ids that repeat."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from profiler.worker.where import HERE
from tests.truth import tlparse
from tests.truth.account import LIMIT, Account, Again, Break, Ended, Lookup, Restart, differences, kept, ours
from tests.truth.traced import read_events, torch_trace, trace_in
from tests.worker.compiles import traced

GUARD = "0/0: tensor 'args[0]' size mismatch at index 2. expected 8, actual 6"
OTHER = "0/1: tensor 'args[0]' dispatch key set mismatch. " + "expected DispatchKeySet(CPU), " * 10


def made() -> Account:
    return Account(
        ids={"0/0", "0/1"},
        ended=[Ended("0/0", None, 5, 7, 900_000, 1_000_000), Ended("0/1", "BackendCompilerFailed", 5, 7, 900, 1000)],
        again=[Again("0/1", (GUARD, "0/1: k == 'a'"), 2, 0)],
        breaks=[Break("0/0", "a.py", 3, "gb0025", "Graph break in user code at a.py:3\nGraph Break Reason: because")],
        restarts=[Restart("0/0", "because")],
        lookups=[Lookup("0/0", "fx", "miss"), Lookup("0/0", "aot", "miss")],
    )


def test_an_account_agrees_with_itself_in_whatever_order_the_layers_looked() -> None:
    mine = made()
    mine.lookups.reverse()
    mine.breaks[0] = replace(mine.breaks[0], reason="because")
    mine.ended[0] = replace(mine.ended[0], wall_us=1_049_000)
    assert differences(mine, made()) == []


ALTERATIONS: dict[str, Callable[[Account], object]] = {
    "an id": lambda account: account.ids.add("1/0"),
    "a compile less": lambda account: account.ended.pop(),
    "a compile twice": lambda account: account.ended.append(account.ended[0]),
    "an outcome": lambda account: account.ended.__setitem__(1, replace(account.ended[1], failure=None)),
    "a refusal": lambda account: account.ended.__setitem__(1, replace(account.ended[1], failure=LIMIT)),
    "a guard count": lambda account: account.ended.__setitem__(0, replace(account.ended[0], guards=8)),
    "a duration": lambda account: account.ended.__setitem__(0, replace(account.ended[0], wall_us=1_051_000)),
    "a recompile less": lambda account: account.again.clear(),
    "a recompile's id": lambda account: account.again.__setitem__(0, replace(account.again[0], id="0/2")),
    "a reason": lambda account: account.again.__setitem__(0, Again("0/1", (GUARD, "0/1: k == 'b'"), 2)),
    "a reason less": lambda account: account.again.__setitem__(0, Again("0/1", (GUARD,), 2)),
    "the reasons' order": lambda account: account.again.__setitem__(0, Again("0/1", ("0/1: k == 'a'", GUARD), 2)),
    "a guard that is cut": lambda account: account.again.__setitem__(0, Again("0/1", (GUARD[:50] + "…", "x"), 2)),
    "the entry that matched": lambda account: account.again.__setitem__(0, replace(account.again[0], matched=2)),
    "a graph break less": lambda account: account.breaks.clear(),
    "a graph break's place": lambda account: account.breaks.__setitem__(0, replace(account.breaks[0], line=4)),
    "a graph break's id": lambda account: account.breaks.__setitem__(0, replace(account.breaks[0], break_id=None)),
    "a graph break's reason": lambda account: account.breaks.__setitem__(0, replace(account.breaks[0], reason="why")),
    "a restart": lambda account: account.restarts.clear(),
    "a cache's outcome": lambda account: account.lookups.__setitem__(0, Lookup("0/0", "fx", "hit")),
    "what can't be read": lambda account: account.errors.append("KeyError: 'name'"),
}


@pytest.mark.parametrize("what", ALTERATIONS)
def test_every_difference_is_found(what: str) -> None:
    mine = made()
    ALTERATIONS[what](mine)
    assert differences(mine, made()) != []


@pytest.mark.parametrize(
    ("written", "reasons", "agrees"),
    [
        (0, (GUARD, OTHER), True),
        (0, (GUARD, OTHER[:159] + "…"), True),
        (0, (GUARD, OTHER[:59] + "…"), False),
        (0, (GUARD,), False),
        (12_000, (GUARD, OTHER[:59] + "…"), True),
        (12_000, (GUARD,), False),
        (30_000, (GUARD,), True),
        (30_000, (GUARD[:60] + "…",), False),
        (30_000, (OTHER[:159] + "…",), False),
    ],
)
def test_reasons_may_be_cut_as_more_is_written(written: int, reasons: tuple[str, ...], agrees: bool) -> None:
    mine, theirs = (
        Account(again=[Again("0/1", reasons, 2, 0, written)]),
        Account(again=[Again("0/1", (GUARD, OTHER), 2)]),
    )
    assert (differences(mine, theirs) == []) is agrees


def test_texts_may_be_cut_to_no_less_than_their_bound() -> None:
    whole = "x == 1" + " and more" * 100
    assert kept(whole, whole, 300)
    assert kept(whole[:319] + "…", whole, 300)
    assert not kept(whole[:299], whole, 300)
    assert not kept(whole[:200] + "…", whole, 300)
    assert not kept(copy.copy(whole).replace("1", "2")[:319] + "…", whole, 300)


def test_failures_breaks_refusals_and_ids_that_repeat(tmp_path: Path) -> None:
    with torch_trace(tmp_path):
        traced.main(str(tmp_path / "events.jsonl"))
    HERE.call = HERE.stage = HERE.loop = HERE.step = None
    mine = ours(read_events(tmp_path / "events.jsonl"))
    theirs = tlparse.read(trace_in(tmp_path), tmp_path / "tlparse")
    assert differences(mine, theirs) == []
    assert {one.failure for one in theirs.ended} == {None, "BackendCompilerFailed", LIMIT}
    assert [one.id for one in theirs.ended].count("0/0") == 2
    assert [one.break_id for one in theirs.breaks] == ["gb0025"]
    assert len(theirs.restarts) == 1
    assert max(one.total for one in theirs.again) >= 3
