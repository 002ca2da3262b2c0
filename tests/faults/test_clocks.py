"""Clocks that jump while a session runs: durations are of the monotonic clock, order is of the records."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.eventlog import EventLog
from profiler.follow import Follower
from profiler.overview import read_overview
from profiler.report.documents import show_document
from profiler.sessions import Liveness
from tests.support import recorded
from tests.support.recorded import Recording
from tests.support.story import SECOND

HOUR = 3600 * SECOND
JUMPS = (-HOUR, 24 * HOUR, -50 * 365 * 24 * HOUR)
RECORDING = recorded.finished(steps=2, calls=2)


def figures(state: SessionState) -> object:
    document = show_document(state)
    return [replace(run, notes=[]) for run in document.runs], document.cases


@pytest.mark.parametrize("jump_ns", JUMPS)
def test_a_wall_clock_that_jumps_between_runs_changes_no_figure(jump_ns: int) -> None:
    """Every worker's header has the wall clock of its moment."""
    jumped = [
        record._replace(event=replace(record.event, wall_ns=record.event.wall_ns + number * jump_ns))
        if isinstance(record.event, ev.Header)
        else record
        for number, record in enumerate(RECORDING.records)
    ]
    other = Recording(RECORDING.session, RECORDING.request, jumped, RECORDING.live_ns)
    assert figures(other.folded()) == figures(RECORDING.folded())


@pytest.mark.parametrize("jump_ns", JUMPS)
def test_a_wall_clock_that_jumps_while_a_session_runs_leaves_it_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_ns: int
) -> None:
    folder = RECORDING.write(tmp_path, until_ns=RECORDING.records[0].event.t, here=True)
    log = EventLog(folder.conductor_log)  # the conductor lives
    try:
        follower = Follower(folder)
        before = follower.read_all()
        now = time.time_ns()
        monkeypatch.setattr("time.time_ns", lambda: now + jump_ns)
        monkeypatch.setattr("time.time", lambda: (now + jump_ns) / 1e9)
        assert folder.liveness(folder.manifest()) is Liveness.ALIVE
        assert Follower(folder).read_all().state == before.state
        assert follower.read_all().over is False
        assert read_overview(folder).state == before.state
    finally:
        log.close()


def test_a_suspended_machine_makes_a_long_pause_and_no_damage() -> None:
    """CLOCK_MONOTONIC stands still in a suspend; a clock that doesn't would put it into one step alone."""
    names = [run.name for run in RECORDING.request.runs]
    steps = [record for record in RECORDING.records if isinstance(record.event, ev.Step) and record.run == names[-1]]
    at = steps[len(steps) // 2].event.t
    late = [
        record._replace(event=recorded.shifted(record.event, 8 * HOUR)) if record.event.t > at else record
        for record in RECORDING.records
    ]
    state = Recording(RECORDING.session, RECORDING.request, late, RECORDING.live_ns).folded()
    assert state.state == "done"
    untouched = RECORDING.folded()
    for name in names:
        assert list(state.runs[name].steps.column("ns")) == list(untouched.runs[name].steps.column("ns"))


def test_records_count_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    """``seq`` is the order, ``t`` may go back: of two words on one thing the later written holds."""
    folder = RECORDING.write(tmp_path)
    log = EventLog(folder.conductor_log)
    log.write(ev.SessionChanged(t=1, state="failed", reason="written last"))
    log.close()
    state = Follower(folder).read_all()
    assert (state.state, state.reason) == ("failed", "written last")
    assert state.losses.lost == 0
