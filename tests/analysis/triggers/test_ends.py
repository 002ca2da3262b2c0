"""Compiles that never ended, and logs that end anywhere."""

from __future__ import annotations

import time

from profiler import events as ev
from profiler.analysis import triggers
from profiler.analysis.triggers import guards
from tests.analysis.events import MS, fold
from tests.analysis.triggers.made import UNET, asked, compiled, folded, refused, run_of, two_calls

REASON = "0/0: tensor 'args[0]' size mismatch at index 2. expected 8, actual 12"


def log() -> list[ev.Event]:
    broken = ev.GraphBreak(t=20 * MS, id="0/0", call=0, step=0, file="/app/mine.py", line=3, reason="print")
    return [
        *two_calls(),
        *compiled("0/0", 0, 0, phases={"dynamo": 60, "aot": 40}),
        broken,
        *compiled("0/1", 1000, 1, REASON, argument="sample", dynamic=[("L['args'][0]", 2, "8", "12")]),
        *refused("0/2", 1500, 1, REASON),
        ev.EagerFallback(t=1600 * MS, call=1, loop=0, step=2, graphs=0, expected=1),
        ev.CudaGraph(t=1700 * MS, id="0/1", call=1, loop=0, step=3, action="skip", reason="cpu device"),
        ev.CompilePhase(t=1800 * MS, id="0/3", phase="total", call=1, loop=0, step=3),
    ]


def test_a_compile_that_the_run_did_not_live_to_see_the_end_of_says_so() -> None:
    first = compiled("0/0", 0, 0, ms=None)
    again = compiled("0/1", 0, 0, REASON, ms=None, argument="sample")
    for events, kind in ((first, "compile"), (again, "recompile")):
        session = folded(asked(), events)
        (running,) = triggers.occurrences(session)
        assert (running.kind, running.running, running.cost) == (kind, True, None)
        assert "ended" not in running.why
        run_of(session).presumed = "its process is gone"
        (died,) = triggers.occurrences(session)
        assert (died.running, died.cost) == (False, None)
        assert "The run ended before this compile did" in died.why
    assert "height" in died.sentence
    session = folded(asked(), compiled("0/0", 0, 0, ms=None))
    run_of(session).presumed = "gone"
    (died,) = triggers.occurrences(session)
    assert died.sentence == "unet UNet2DConditionModel was still being compiled when the run ended"


def test_every_prefix_of_a_log_is_explained_and_what_comes_later_changes_nothing_else() -> None:
    """Read record by record, as a screen does, it ends as when it is read at once; a lost record costs itself."""
    given = asked()
    name = given.runs[0].name
    growing = fold(given, {name: []})
    for event in log():
        growing.run(name, [event])
        found = triggers.occurrences(growing.state)
        triggers.groups(found)
        triggers.waterfall(run_of(growing.state))
        triggers.summary(growing.state, given.cases[0].name)
    whole = triggers.occurrences(fold(given, {name: log()}).state)
    assert found == whole
    assert [one.kind for one in whole] == ["compile", "break", "recompile", "limit", "eager", "cudagraph", "compile"]
    for lost in range(len(log())):
        left = [event for place, event in enumerate(log()) if place != lost]
        triggers.groups(triggers.occurrences(fold(given, {name: left}).state))
    triggers.groups(triggers.occurrences(fold(given, {name: log()[::-1]}).state))


def test_texts_of_any_size_are_read_in_no_time() -> None:
    """A log may come from anywhere: a megabyte of what the rules look for must not stop the screen."""
    began = time.process_time()
    for piece in ("(", "x.size()[0] ", "# a.py:3 in f ", "tensor 'x' ", "['", "a.b", "\nUser stack trace:", " == "):
        assert guards.read("0/0: " + piece * (1_000_000 // len(piece))).entry == "0/0"
    assert time.process_time() - began < 5


def test_many_compiles_of_a_live_session_are_explained_as_they_come() -> None:
    """What is new is explained; the thousand before it are not looked at again."""
    given = asked()
    name = given.runs[0].name
    session = fold(given, {name: two_calls()})
    for number in range(1000):
        session.run(name, compiled(f"0/{number}", 10 * number, 0, *[REASON] * bool(number), code=UNET))
    before = triggers.occurrences(session.state)
    session.run(name, compiled("0/1000", 10_000, 1, REASON))
    after = triggers.occurrences(session.state)
    assert len(after) == 1001
    assert all(one is other for one, other in zip(before, after))
