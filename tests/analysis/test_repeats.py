"""What a look finds, what is owed after it, and how it is told. No processes: the figures are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from profiler import events as ev
from profiler.analysis.fold import SessionFold
from profiler.analysis.progress import session_progress
from profiler.analysis.repeats import Look, look, owed, progress_text, told, unsettled
from profiler.analysis.state import SessionState
from profiler.request import VARIANTS, Request
from profiler.request.order import rounds
from tests.analysis.events import call, request

SECOND = 1_000_000_000
RUN_SECONDS = 10
STEADY = (100.0, 100.1, 99.9)
FASTER = (50.0, 50.1, 49.9)
NOISY = (90.0, 104.0, 112.0)
HALF_NOISY = (95.0, 93.5, 96.5, 95.0, 95.0)

Paces = Mapping[str, Sequence[float | str | None]]
"""By variant: how long the calls of each repeat took in ms, or how it ended; None: it is still to be made."""


def asked(repeats: int = 3, variants: Sequence[str] = VARIANTS, batch_sizes: Sequence[int] = (1,)) -> Request:
    return request(until_sure=True, variants=list(variants), batch_sizes=list(batch_sizes), repeats=repeats, calls=3)


def grown(given: Request, repeats: int, cases: Sequence[int] = ()) -> Request:
    """``given`` with rounds up to ``repeats`` of the cases of these numbers, all unless given."""
    names = [case.name for number, case in enumerate(given.cases) if not cases or number in cases]
    made = {name: sum(1 for run in given.runs if run.case == name) for name in names}
    first = max(run.repeat for run in given.runs) + 1
    more = rounds(names, range(first, repeats + 1), made=made, first=len(given.runs) + 1)
    return msgspec.structs.replace(given, runs=[*given.runs, *more])


def made(given: Request, paces: Paces, *, over: bool = False) -> SessionState:
    fold = SessionFold("test", given)
    fold.conductor([ev.Header(t=1), ev.SessionChanged(t=1, state="running")])
    for number, run in enumerate(given.runs):
        listed = paces[given.case(run.case).compilation.variant]
        pace = listed[(run.repeat - 1) % len(listed)]
        if pace is None:
            continue
        start = number * RUN_SECONDS * SECOND + 2
        fold.conductor([ev.RunChanged(t=start, run=run.name, state="running")])
        log: list[ev.Event] = [ev.Header(t=start), ev.PhaseStarted(t=start, phase="measure")]
        outcome = pace if isinstance(pace, str) else "ok"
        for index in range(0 if isinstance(pace, str) else 3):
            log += call(index, "measure", start / 1e6 + 200 * index, [float(pace)])
        fold.run(run.name, log)
        end = start + RUN_SECONDS * SECOND
        reason = None if outcome == "ok" else "because"
        fold.conductor([ev.RunChanged(t=end, run=run.name, state="ended", outcome=outcome, reason=reason)])
    if over:
        fold.conductor([ev.SessionChanged(t=fold.state.last_t, state="done")])
    return fold.state


def of(given: Request, paces: Paces) -> tuple[SessionState, Look]:
    state = made(given, paces)
    return state, look(state)


def test_nothing_is_owed_while_runs_are_still_to_be_made() -> None:
    state, found = of(asked(), {"no-compile": STEADY, "compile": (90.0, 112.0, None), "regional-compile": NOISY})
    assert owed(state, found) == []
    assert not found.begun
    assert progress_text(found) == "look 1 of 4 after 3 repeats"
    progress = session_progress(state, state.last_t)
    assert progress.text == "8 of 9 runs; until sure: look 1 of 4 after 3 repeats"
    assert (progress.eta_s, progress.until, progress.fraction) == (RUN_SECONDS, "to look 1", pytest.approx(8 / 9))


def test_what_is_unsettled_and_its_baseline_are_owed() -> None:
    state, found = of(asked(), {"no-compile": STEADY, "compile": NOISY, "regional-compile": FASTER})
    runs = owed(state, found)
    plain, compiled, _ = (case.name for case in state.request.cases)
    assert [(run.case, run.repeat) for run in runs] == [(compiled, 4), (plain, 4), (plain, 5), (compiled, 5)]
    assert [run.name[:4] for run in runs] == ["010-", "011-", "012-", "013-"]
    assert told(found).endswith("), about 9 more repeats expected; regional-compile FASTER 2.00x")


def test_what_is_expected_is_a_look_at_which_it_is_likely_settled() -> None:
    paces: Paces = {"no-compile": STEADY, "compile": HALF_NOISY, "regional-compile": FASTER}
    state, found = of(asked(), paces)
    (standing,) = found.open
    assert standing.until == 5
    assert "), about 2 more repeats expected; " in told(found)
    # With what was added, one of whose rounds is over.
    later = grown(asked(), 5, cases=(0, 1))
    paces = {
        "no-compile": (*STEADY, 100.0, None),
        "compile": (*HALF_NOISY[:3], 101.0, None),
        "regional-compile": FASTER,
    }
    state, found = of(later, paces)
    assert (found.repeats, found.made, found.number, found.begun) == (5, 4, 2, True)
    assert progress_text(found) == "look 2 of 4 after 5 repeats, 1 case unsettled, about 8 more"
    progress = session_progress(state, state.last_t)
    assert progress.until == "expected"
    assert progress.text == f"11 of 13 runs; until sure: {progress_text(found)}"
    assert progress.eta_s == (2 + 2 * 7) * RUN_SECONDS  # of those that are listed, and those up to the last look
    assert progress.brief == "11 of 13 runs, look 2 of 4, 1 unsettled"
    _, found = of(later, {**paces, "compile": (*HALF_NOISY[:4], None)})
    assert progress_text(found) == "look 2 of 4 after 5 repeats, every case settled so far"


def test_repeats_that_are_expected_count_in_what_is_left() -> None:
    later = grown(asked(), 5, cases=(0, 1))
    paces: Paces = {"no-compile": (*STEADY, 99.0, 101.0), "compile": (*NOISY, 90.0, None), "regional-compile": FASTER}
    state, found = of(later, paces)
    assert found.open[0].until == 12
    progress = session_progress(state, state.last_t)
    # One that is listed and seven rounds of two cases.
    assert progress.eta_s == (1 + 2 * 7) * RUN_SECONDS
    assert progress.fraction == pytest.approx(12 / (13 + 14))
    # One that is over has nothing left.
    ended = made(later, {**paces, "compile": (*NOISY, 90.0, 100.0)}, over=True)
    assert session_progress(ended, ended.last_t).text == "13 of 13 runs"


def test_the_last_look_is_the_last() -> None:
    state, found = of(grown(asked(), 12), {"no-compile": STEADY, "compile": NOISY, "regional-compile": FASTER})
    assert owed(state, found) == []
    assert told(found).startswith("after 12 repeats: compile UNCLEAR (")
    assert told(found).endswith("), and this was the last look; regional-compile FASTER 2.00x")
    assert unsettled(found).startswith("compile is still UNCLEAR (")
    assert found.expected == 0


def test_what_is_open_again_gets_as_many_rounds_as_the_others() -> None:
    """The baseline's later repeats may unsettle what was settled before: what counts is what is shown in the end."""
    given = grown(asked(), 5, cases=(0, 1))
    paces: Paces = {"no-compile": (*STEADY, 90.0, 125.0), "compile": NOISY, "regional-compile": (97.0, 97.1, 96.9)}
    state, found = of(given, paces)
    assert {standing.label for standing in found.open} == {"compile", "regional-compile"}
    runs = owed(state, found)
    assert len(runs) == 3 * 3
    third = state.request.cases[2].name
    assert [run.repeat for run in runs if run.case == third] == [4, 5, 6]
    assert len({run.name for run in (*runs, *given.runs)}) == len(runs) + len(given.runs)


@pytest.mark.parametrize("outcome", ["failed", "oom", "unsupported", "stopped", "died"])
def test_a_case_that_came_to_nothing_once_gets_no_more(outcome: str) -> None:
    state, found = of(asked(), {"no-compile": STEADY, "compile": (90.0, 112.0, outcome), "regional-compile": NOISY})
    cases = [case.name for case in state.request.cases]
    assert {run.case for run in owed(state, found)} == {cases[0], cases[2]}
    assert "compile gets no more repeats: " in told(found) and "because" in told(found)


def test_without_its_baseline_nothing_goes_on() -> None:
    state, found = of(asked(), {"no-compile": ("failed",), "compile": NOISY, "regional-compile": FASTER})
    assert owed(state, found) == []
    assert told(found).count("its baseline failed: because") == 2


def test_every_workload_goes_on_by_itself() -> None:
    """Two batch sizes: each compiled case is held against the no-compile of its own."""
    given = asked(batch_sizes=[1, 2], variants=VARIANTS[:2])
    fold = made(given, {"no-compile": STEADY, "compile": FASTER})
    assert owed(fold, look(fold)) == []
    state, found = of(given, {"no-compile": STEADY, "compile": NOISY})
    assert len(owed(state, found)) == 4 * 2
    # Names tell them apart where variants don't.
    assert {standing.label for standing in found.standings} == {
        case.name for case in given.cases if case.compilation.variant == "compile"
    }


def test_a_line_names_no_more_than_a_few() -> None:
    given = asked(batch_sizes=list(range(1, 21)), variants=VARIANTS[:2])
    state, found = of(given, {"no-compile": STEADY, "compile": NOISY})
    assert len(owed(state, found)) == 40 * 2
    assert told(found).endswith("; and 12 more cases")
    assert unsettled(found).endswith(", and 12 more")


def in_legs(*paces: Sequence[float]) -> tuple[list[str], SessionState]:
    """A scenario whose legs take the compiled case so long, in ms by repeat, the last one's for all further legs."""
    given = request(until_sure=True, variants=list(VARIANTS[:2]), repeats=3, calls=1, scenario="batch-sweep")
    names = [leg.name for leg in given.cases[0].workload.legs]
    fold = SessionFold("test", given)
    fold.conductor([ev.Header(t=1), ev.SessionChanged(t=1, state="running")])
    for run in given.runs:
        compiled = given.case(run.case).compilation.variant == "compile"
        log: list[ev.Event] = [ev.Header(t=2), ev.PhaseStarted(t=2, phase="measure")]
        for index, name in enumerate(names):
            pace = (paces[min(index, len(paces) - 1)] if compiled else STEADY)[run.repeat - 1]
            log += call(index, "measure", 200.0 * index, [pace], leg=name)
        fold.run(run.name, log)
        fold.conductor([ev.RunChanged(t=9, run=run.name, state="ended", outcome="ok")])
    return names, fold.state


def test_every_leg_of_a_scenario_is_to_be_settled() -> None:
    names, state = in_legs(FASTER, HALF_NOISY, NOISY, FASTER)
    found = look(state)
    [standing] = found.standings
    # The one that takes most.
    assert (standing.label, standing.verdict, standing.until) == (f"compile ({names[2]})", "UNCLEAR", 12)
    assert len(owed(state, found)) == 2 * 2
    assert unsettled(found).startswith(f"compile ({names[2]}) is still UNCLEAR (")
    assert "about 9 more repeats expected" in told(found)


def test_a_scenario_whose_legs_are_settled_is_told_by_the_first() -> None:
    _, state = in_legs(FASTER, STEADY)
    assert told(look(state)) == "after 3 repeats: compile FASTER 2.00x"
    assert owed(state, look(state)) == []
