"""The same trigger as one row, filters, two cases side by side, and a run's compiles on one axis."""

from __future__ import annotations

import pytest

from profiler import events as ev
from profiler.analysis import figures, triggers
from profiler.analysis.fold import SessionFold
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import BadFilter
from tests.analysis.events import MS, call, fold, frame
from tests.analysis.triggers.made import BLOCK, UNET, asked, compiled, folded, legs, refused, run_of, two_calls


def height(entry: str, expected: int, actual: int) -> str:
    return f"{entry}: tensor 'args[0]' size mismatch at index 2. expected {expected}, actual {actual}"


def sizes(count: int) -> list[ev.Event]:
    """A first compile and ``count`` recompiles, each in a call of its own."""
    found = [*compiled("0/0", 0, 0, ms=900.0), *call(0, "measure", 0, [1000.0, 10.0])]
    for number in range(1, count + 1):
        found += compiled(
            f"0/{number}",
            2000 * number,
            number,
            height(f"0/{number - 1}", 8 * number, 8 * number + 8),
            argument="sample",
            ms=100.0 * number,
        )
        found += call(number, "measure", 2000 * number, [500.0, 10.0, 10.0])
    return found


def test_one_row_a_trigger_with_the_changes_and_the_cost() -> None:
    session = folded(asked(), sizes(4))
    found = triggers.groups(triggers.occurrences(session))
    # Both took 900 ms or more: the costliest first.
    assert [group.kind for group in found] == ["recompile", "compile"]
    row = found[0]
    assert row.sentence == "sample height changed 4 times: 8 → 16, 16 → 24, 24 → 32, ..."
    assert (row.count, row.runs, row.measured) == (4, 1, 4)
    assert (row.total_ms, row.worst_ms) == (1000.0, 400.0)
    assert row.lost_ms == 4 * 490.0
    assert (row.case, row.variant, row.blame, row.running) == (session.request.cases[0].name, "compile", "user", False)


def test_one_occurrence_keeps_its_own_sentence() -> None:
    (row, _) = sorted(triggers.groups(triggers.occurrences(folded(asked(), sizes(1)))), key=lambda row: -row.lost_ms)
    assert row.kind == "compile"
    (again,) = [row for row in triggers.groups(triggers.occurrences(folded(asked(), sizes(1)))) if row.count == 1][1:]
    assert again.sentence == "sample height 8 → 16 (latent)"


def test_a_step_that_several_compiles_held_up_is_counted_once() -> None:
    blocks = [{**BLOCK, "fqn": f"unet.block.{number}"} for number in range(3)]
    events = [event for number, code in enumerate(blocks) for event in compiled(f"{number}/0", number, 0, code=code)]
    (row,) = triggers.groups(triggers.occurrences(folded(asked(), events, two_calls())))
    assert (row.count, row.total_ms, row.lost_ms) == (3, 300.0, 90.0)
    assert row.fqn is None
    assert row.sentence == (
        "BasicTransformerBlock compiled for the first time, 3 times: unet.block.0, unet.block.1, unet.block.2"
    )


def test_repeats_of_a_case_are_one_row() -> None:
    given = asked(repeats=2)
    logs = {run.name: [*frame(), *sizes(2)] for run in given.runs}
    rows = triggers.groups(triggers.occurrences(fold(given, logs).state))
    row = next(row for row in rows if row.kind == "recompile")
    assert (row.count, row.runs) == (4, 2)
    assert row.sentence == "sample height changed 2 times: 8 → 16, 16 → 24"


def test_what_runs_is_told_by_its_row() -> None:
    rows = triggers.groups(triggers.occurrences(folded(asked(), compiled("0/0", 0, 0, ms=None))))
    assert [(row.running, row.total_ms) for row in rows] == [(True, 0.0)]


def test_nothing_compiled_makes_no_rows() -> None:
    assert triggers.groups(triggers.occurrences(folded(asked(variants=["no-compile"]), two_calls()))) == []


# --- kept until something changed -------------------------------------------------------------------------------------


def test_what_did_not_change_is_not_explained_again() -> None:
    given = asked()
    folding = SessionFold("test", given)
    name = given.runs[0].name
    folding.run(name, [*frame(), *sizes(3)])
    before = triggers.occurrences(folding.state)
    assert all(one is other for one, other in zip(before, triggers.occurrences(folding.state)))
    folding.run(name, compiled("0/4", 9000, 4, height("0/3", 32, 40)))
    after = triggers.occurrences(folding.state)
    assert len(after) == len(before) + 1
    assert all(one is other for one, other in zip(before, after))


def test_a_compile_is_explained_anew_as_more_of_it_is_told() -> None:
    given = asked()
    folding = SessionFold("test", given)
    name = given.runs[0].name
    again = compiled("0/1", 1000, 1, height("0/0", 8, 12), argument="sample", dynamic=[("L['args'][0]", 2, "8", "12")])
    folding.run(name, [*frame(), *compiled("0/0", 0, 0), *two_calls()])
    seen = []
    for event in again:
        folding.run(name, [event])
        one = triggers.occurrences(folding.state)[-1]
        seen.append((one.running, one.caller is not None, len(one.dynamic), one.cost is not None))
    assert seen == [(True, False, 0, False), (True, True, 0, False), (True, True, 1, False), (False, True, 1, True)]


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session() -> SessionState:
    variants = ["no-compile", "compile", "regional-compile"]
    given = asked(*legs({}, {}), variants=variants, engines=["diffusers"], repeats=1)
    _, whole, regional = given.runs
    block = [
        *compiled("0/0", 0, 0, code=BLOCK),
        *compiled("0/1", 1000, 1, "0/0: GLOBAL_STATE changed: grad_mode ", code=BLOCK, actual="grad_mode on"),
    ]
    logs = {
        whole.name: [
            *frame(),
            *compiled("0/0", 0, 0),
            *two_calls(),
            *compiled("0/1", 1000, 1, height("0/0", 8, 12), argument="sample", actual="float32[2, 4, 12, 8]"),
            *refused("0/8", 1200, 1, height("0/0", 8, 16)),
        ],
        regional.name: [*frame(), *block, *two_calls()],
    }
    return fold(given, logs).state


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("variant:compile kind:recompile", ["sample height 8 → 12 (latent)"]),
        ("variant:regional", ["unet.down", "grad mode is on"]),
        ("class:tensor.size kind:recompile", ["sample height"]),
        ("class:global", ["grad mode is on"]),
        ("cause:tensor kind:recompile,limit", ["sample height", "recompile limit"]),
        ("module:unet2d HEIGHT", ["sample height"]),
        ("module:BasicTransformer -kind:compile", ["grad mode is on"]),
        ("blame:user -class:tensor", ["grad mode is on"]),
        ('"no compiled variant fits"', ["recompile limit"]),
        ("run:*regional* kind:rec", ["grad mode is on"]),
        ("module:", ["unet UNet", "sample height", "recompile limit", "unet.down", "grad mode"]),
        ("nothing like it", []),
        ("variant:no", []),
    ],
)
def test_a_filter_leaves(session: SessionState, text: str, sentences: list[str]) -> None:
    found = triggers.matching(triggers.occurrences(session), text)
    assert [one.sentence[: len(start)] for one, start in zip(found, sentences)] == sentences
    assert len(found) == len(sentences)


def test_a_filter_of_groups_asks_their_occurrences(session: SessionState) -> None:
    rows = triggers.groups(triggers.occurrences(session))
    assert [row.cause for row in triggers.matching(rows, "kind:recompile class:tensor")] == ["tensor.size"]
    assert triggers.matching(rows, "") == rows


def test_an_unknown_field_is_refused_with_those_that_there_are(session: SessionState) -> None:
    message = (
        r"^can't filter by 'varient' \(there are: run, case, variant, class, module, kind, blame; or plain words\)$"
    )
    with pytest.raises(BadFilter, match=message):
        triggers.matching(triggers.occurrences(session), "varient:compile")
    assert triggers.matching(triggers.occurrences(session), "attention.py:960") == []


# --- side by side, and one after another ------------------------------------------------------------------------------


def test_two_cases_side_by_side(session: SessionState) -> None:
    _, whole, regional = (triggers.summary(session, case.name) for case in session.request.cases)
    assert (whole.compiles, whole.recompiles, whole.limit_hits, whole.runs) == (1, 1, 1, 1)
    assert (whole.seconds, regional.seconds) == (0.2, 0.2)
    assert [(part.phase, part.ms) for part in whole.parts] == [("other", 200.0)]
    assert whole.guard_ms is None
    with pytest.raises(KeyError):
        triggers.summary(session, "no such case")


def test_a_side_says_what_figures_say_of_its_longest_run() -> None:
    given = asked(repeats=2)
    end = {"operators": 10, "guards": 3, "guard_ns": MS // 4, "overhead_ns": 2 * MS}
    short = compiled("0/0", 0, 0, end=end)
    miss = [ev.CacheLookup(id="0/0", layer="fx", state="miss")]
    long = [*short, *compiled("0/1", 1000, 1, height("0/0", 8, 12), end=end, phases={"dynamo": 90.0, "aot": 60.0})]
    logs = {given.runs[0].name: [*frame(), *short], given.runs[1].name: [*frame(), *long, *miss]}
    made = fold(given, logs).state
    side = triggers.summary(made, given.cases[0].name)
    told = figures.compile_figures(made.runs[given.runs[1].name])
    assert side.run == given.runs[1].name
    assert (side.compiles, side.recompiles, side.seconds, side.net_seconds, side.caches) == (
        told.compiles,
        told.recompiles,
        told.seconds,
        told.net_seconds,
        told.cache,
    )
    assert (side.operators, side.guards, side.guard_ms) == (20, 6, 0.5)
    assert sum(part.ms for part in side.parts) == pytest.approx(side.seconds * 1e3)
    assert triggers.summary(folded(given), given.cases[0].name).parts == []


def test_a_case_that_has_not_begun_has_nothing_to_compare() -> None:
    given = asked(variants=["compile", "no-compile"])
    side = triggers.summary(folded(given), given.cases[1].name)
    assert (side.run, side.runs, side.seconds, side.operators) == (None, 0, 0.0, None)


def test_a_waterfall_has_a_bar_for_each_compile() -> None:
    events = [
        *compiled("0/0", 100, 0, phases={"dynamo": 80.0}),
        *two_calls(),
        *compiled("0/1", 1000, 1, height("0/0", 8, 12)),
        *refused("0/8", 1300, 1, height("0/0", 8, 16)),
        *compiled("1/0", 1500, 1, code=BLOCK, ms=None),
    ]
    session = folded(asked(), events)
    bars = triggers.waterfall(run_of(session))
    assert [(bar.kind, bar.start_s, bar.duration_s) for bar in bars[:2]] == [
        ("compile", 0.1, 0.1),
        ("recompile", 1.0, 0.1),
    ]
    assert [bar.label for bar in bars] == ["unet UNet2DConditionModel"] * 2 + [f"{BLOCK['fqn']} {BLOCK['module']}"]
    assert (bars[0].measured, bars[2].running) == (True, True)
    assert [(part.phase, part.ms) for part in bars[0].parts] == [("dynamo", 80.0), ("other", 20.0)]
    keys = {one.key for one in triggers.occurrences(session)}
    assert {bar.key for bar in bars} <= keys


def test_only_what_is_new_is_explained_anew() -> None:
    """Live asks four times a second, of sessions that compile a thousand times."""
    given = asked()
    folding = SessionFold("test", given)
    name = given.runs[0].name
    folding.run(name, frame())
    for number in range(1000):
        reasons = [height(f"0/{number - 1}", number, number + 1)] if number else []
        folding.run(name, compiled(f"0/{number}", 100 * number, number, *reasons, argument="sample"))
        folding.run(name, call(number, "measure", 100 * number, [20.0] + [1.0] * 10))
    before = triggers.occurrences(folding.state)
    assert len(before) == 1000
    folding.run(name, compiled("1/0", 200_000, 999, code=UNET, ms=None))
    after = triggers.occurrences(folding.state)
    assert len(after) == 1001
    # The last call's may know more by now; those of calls that are long over are the ones of before.
    assert all(one is again for one, again in zip(before[:990], after[:990], strict=True))


def test_graph_breaks_at_two_places_are_two_rows() -> None:
    events = [*compiled("0/0", 0, 0), *call(0, "measure", 0, [1000.0, 10.0])]
    events += [
        ev.GraphBreak(t=500 * MS, id="0/0", call=0, step=0, file="mine.py", line=line, reason="print")
        for line in (7, 9, 9)
    ]
    found = triggers.groups(triggers.occurrences(folded(asked(), events)))
    assert {(row.count, row.sentence) for row in found if row.kind == "break"} == {
        (1, "graph break at mine.py:7: print"),
        (2, "graph break at mine.py:9: print"),
    }
