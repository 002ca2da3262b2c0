from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.analysis.columns import Columns
from profiler.analysis.figures import run_figures
from profiler.analysis.fold import SessionFold
from profiler.analysis.progress import session_progress
from profiler.analysis.state import SessionState
from tests.analysis.events import MS, call, fold, frame, request

REQUEST = request(variants=["no-compile", "compile"], calls=3, repeats=1, backend="eager")
EAGER, COMPILED = (run.name for run in REQUEST.runs)


def _compiled_log() -> list[ev.Event]:
    started = ev.CompileStarted(
        t=110 * MS, id="0/0", call=0, stage="denoise", loop=0, step=0, module="UNet", fqn="unet"
    )
    return [
        *frame("compile"),
        *call(0, "compile", 100, [50.0, 7.0])[:2],
        ev.CompilePhase(t=105 * MS, id="0/0", call=0, stage="denoise", loop=0, step=0, phase="total"),
        started,
        ev.CompilePhase(t=111 * MS, id="0/0", call=0, phase="dynamo"),
        ev.CompilePhase(t=120 * MS, id="0/0", call=0, phase="dynamo", ns=9 * MS),
        ev.CompileEnded(t=140 * MS, id="0/0", call=0, start_ns=105 * MS, ns=35 * MS, overhead_ns=5 * MS),
        *call(0, "compile", 100, [50.0, 7.0])[2:],
        ev.PhaseStarted(t=160 * MS, phase="measure", calls=2),
        *call(1, "measure", 160, [6.0, 7.0]),
        ev.Recompile(t=180 * MS, id="0/1", call=2, step=1, reasons=["0/0: size mismatch"], argument="sample"),
        ev.CompileEnded(t=190 * MS, id="0/1", call=2, start_ns=180 * MS, ns=10 * MS),
        *call(2, "measure", 178, [6.0, 20.0]),
        ev.GraphBreak(t=191 * MS, id="0/1", reason="print"),
        ev.RunEnded(t=300 * MS, outcome="ok"),
    ]


def _conductor_log() -> list[ev.Event]:
    return [
        ev.Header(t=1, writer="conductor"),
        ev.SessionChanged(t=2, state="running"),
        *(ev.RunChanged(t=3, run=run.name, state="queued") for run in REQUEST.runs),
        ev.RunChanged(t=4, run=EAGER, state="running", pid=7),
        ev.GpuSample(t=50 * MS, used_bytes=1000),
        ev.GpuSample(t=150 * MS, used_bytes=3000, sm_mhz=1980),
        ev.RunChanged(t=310 * MS, run=COMPILED, state="ended", outcome="ok"),
        ev.SessionChanged(t=400 * MS, state="done"),
    ]


LOGS: dict[str | None, list[ev.Event]] = {
    None: _conductor_log(),
    EAGER: [*frame(), *call(0, "measure", 100, [6.0, 7.0, 8.0]), ev.RunEnded(t=200 * MS, outcome="ok")],
    COMPILED: _compiled_log(),
}


def _look(state: SessionState) -> Any:
    """Everything a screen may ask; two equal states answer equally."""
    return (
        state.state,
        [run.state for run in state.runs.values()],
        [run_figures(state, run) for run in state.runs.values()],
        case_figures(state),
        session_progress(state, state.last_t),
        [run.steps.column("ns") for run in state.runs.values()],
        state.gpu.column("used_bytes"),
    )


def _feed(folded: SessionFold, log: str | None, events: list[ev.Event]) -> None:
    if log is None:
        folded.conductor(events)
    else:
        folded.run(log, events)


def _whole() -> SessionFold:
    folded = SessionFold("test", REQUEST)
    for log, events in LOGS.items():
        _feed(folded, log, events)
    return folded


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_order_between_logs_and_any_chunks_give_the_same_state(data: st.DataObject) -> None:
    left = {log: list(events) for log, events in LOGS.items()}
    folded = SessionFold("test", REQUEST)
    while left:
        log = data.draw(st.sampled_from(sorted(left, key=str)))
        size = data.draw(st.integers(1, 9))
        _feed(folded, log, left[log][:size])
        left[log] = left[log][size:]
        if not left[log]:
            del left[log]
        _look(folded.state)  # every prefix can be looked at
    assert _look(folded.state) == _look(_whole().state)


@pytest.mark.parametrize("log", list(LOGS))
def test_every_prefix_is_a_valid_state(log: str | None) -> None:
    for length in range(len(LOGS[log]) + 1):
        folded = SessionFold("test", REQUEST)
        _feed(folded, log, LOGS[log][:length])
        folded.state.presume_dead("gone")
        _look(folded.state)


def test_records_without_their_beginnings_are_survived() -> None:
    for log, events in LOGS.items():
        for start in range(len(events)):
            folded = SessionFold("test", REQUEST)
            _feed(folded, log, events[start:])
            _look(folded.state)


def test_compiles_are_told_from_recompiles_and_counted_with_their_call() -> None:
    run = _whole().state.runs[COMPILED]
    first, second = run.compiles.values()
    assert (first.recompile, first.fqn, first.module, first.running) == (False, "unet", "UNet", False)
    assert (second.recompile, second.argument) == (True, "sample")
    assert [one.compiles for one in run.calls.values()] == [1, 0, 1]


def test_a_compile_under_way_knows_its_innermost_phase() -> None:
    folded = SessionFold("test", REQUEST)
    folded.run(COMPILED, _compiled_log()[:9])
    (found,) = folded.state.runs[COMPILED].compiles.values()
    assert found.running and found.phase == "dynamo"


def test_the_conductors_word_on_the_end_counts() -> None:
    folded = fold(REQUEST, {EAGER: [*frame(), ev.RunEnded(outcome="ok")]})
    assert folded.state.runs[EAGER].outcome == "ok"
    folded.conductor([ev.RunChanged(run=EAGER, state="ended", outcome="died", reason="killed by SIGKILL")])
    assert (folded.state.runs[EAGER].outcome, folded.state.runs[EAGER].reason) == ("died", "killed by SIGKILL")


def test_a_session_whose_profiler_is_gone_is_dead_and_its_run_died() -> None:
    folded = fold(REQUEST, {EAGER: frame()}, _conductor_log()[:5])
    assert (folded.state.state, folded.state.runs[EAGER].state) == ("running", "running")
    folded.state.presume_dead("the profiler process ended without a word")
    assert folded.state.state == "died"
    assert folded.state.runs[EAGER].outcome == "died"
    assert folded.state.runs[COMPILED].outcome == "stopped"  # it never began
    folded.state.presume_dead(None)
    assert folded.state.runs[EAGER].outcome is None


def test_a_worker_that_stopped_because_its_conductor_was_gone_died() -> None:
    folded = fold(REQUEST, {EAGER: [*frame(), ev.RunEnded(outcome="stopped")]}, _conductor_log()[:5])
    assert folded.state.runs[EAGER].outcome == "stopped"
    folded.state.presume_dead("the profiler process ended without a word")
    assert folded.state.runs[EAGER].outcome == "died"
    assert folded.state.runs[EAGER].reason == "the profiler process ended without a word"


def test_columns_keep_what_they_are_given() -> None:
    columns = Columns(("t", "value"))
    for t in range(10):
        columns.extend((t * 10, t))
    assert len(columns) == 10
    assert list(columns.column("value", 2, 5)) == [2, 3, 4]
    assert columns.row(-1) == (90, 9)
    assert columns.cell(3, "value") == 3
    assert [columns.first_at("t", at) for at in (-1, 0, 5, 90, 91)] == [0, 0, 1, 9, 10]


def _resumed_log() -> list[ev.Event]:
    """The compiled run died with its conductor; another one makes it again, and again it ends badly."""
    return [
        *_conductor_log()[:-2],
        ev.RunChanged(t=300 * MS, run=COMPILED, state="running", pid=8, cold=True),
        ev.Header(t=1000 * MS, writer="conductor", pid=99),
        ev.SessionChanged(t=1000 * MS, state="running"),
        ev.RunChanged(t=1000 * MS, run=COMPILED, state="queued"),
        ev.RunChanged(t=1001 * MS, run=COMPILED, state="running", pid=9, cold=False),
        ev.RunChanged(t=1100 * MS, run=COMPILED, state="ended", outcome="failed"),
        ev.SessionChanged(t=1101 * MS, state="done"),
    ]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_resumed_session_is_the_same_in_any_order_too(data: st.DataObject) -> None:
    logs = LOGS | {None: _resumed_log()}
    whole = SessionFold("test", REQUEST)
    for log, events in logs.items():
        _feed(whole, log, events)
    left = {log: list(events) for log, events in logs.items()}
    folded = SessionFold("test", REQUEST)
    while left:
        log = data.draw(st.sampled_from(sorted(left, key=str)))
        _feed(folded, log, left[log][:3])
        _look(folded.state)
        left[log] = left[log][3:]
        if not left[log]:
            del left[log]
    assert _look(folded.state) == _look(whole.state)
    run = folded.state.runs[COMPILED]
    assert (run.outcome, run.cold, run.remade, run.pid) == ("failed", False, 1, 9)
    assert (run.started_ns, run.ended_ns) == (1001 * MS, 1100 * MS)
    assert (folded.state.started_ns, folded.state.resumed_ns) == (1, [1000 * MS])
    assert folded.state.pauses == [(300 * MS, 1000 * MS)]


def test_time_in_which_nobody_conducted_the_session_is_a_pause() -> None:
    log = _resumed_log()
    again = [ev.Header(t=5000 * MS), ev.SessionChanged(t=5001 * MS, state="running")]
    state = fold(REQUEST, {}, [*log, *again]).state
    assert state.pauses == [(300 * MS, 1000 * MS), (1101 * MS, 5000 * MS)]
    for t, paused in ((1, 0), (300, 0), (500, 200), (1000, 700), (1101, 700), (2101, 1700), (9000, 700 + 3899)):
        assert state.paused_ns(t * MS) == paused * MS, t
    # A run that had ended when its conductor was gone: the next one says so, and until then it went on.
    log.insert(-5, ev.RunChanged(t=400 * MS, run=EAGER, state="ended", outcome="ok"))
    assert fold(REQUEST, {}, log).state.pauses == [(400 * MS, 1000 * MS)]
    # A header that says it was written before the record before it.
    assert fold(REQUEST, {}, [*log, ev.Header(t=7)]).state.pauses[1] == (7, 7)


def test_a_run_that_is_made_again_has_no_end_until_it_has_one() -> None:
    folded = fold(REQUEST, {}, [*_conductor_log()[:-1], ev.SessionChanged(t=320 * MS, state="stopped", reason="asked")])
    run = folded.state.runs[COMPILED]
    assert (folded.state.over, run.outcome) == (True, "ok")
    folded.conductor([ev.Header(t=900 * MS), ev.RunChanged(t=901 * MS, run=COMPILED, state="queued")])
    assert (folded.state.state, folded.state.reason, folded.state.ended_ns) == ("running", None, None)
    assert (run.state, run.outcome, run.reason, run.ended_ns) == ("queued", None, None, None)
