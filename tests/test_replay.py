"""A replay at any moment is the fold of what the logs had by then, wherever one came from."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler import events as ev
from profiler.analysis.columns import Columns
from profiler.analysis.state import RunState, SessionState
from profiler.eventlog import EventLog
from profiler.follow import Follower
from profiler.replay import Replay, ReplayFollower, Start
from profiler.sessions import Liveness, SessionFolder
from tests.support import recorded
from tests.support.recorded import SECOND, Feeder

RECORDING = recorded.finished(repeats=2)
BEGIN, END = RECORDING.records[0].event.t, RECORDING.end_ns


def told(value: object) -> Any:
    """All that a state holds, as plain values; how often a run was looked at (``revision``) is no part of it."""
    if isinstance(value, Columns):
        return [value.row(position) for position in range(len(value))]
    if isinstance(value, SessionState | RunState):
        return {name: told(one) for name, one in vars(value).items() if name != "revision"}
    if isinstance(value, msgspec.Struct):
        plain = msgspec.structs.asdict(value)
        return {name: told(one) for name, one in plain.items() if name != "seq"}  # a log's writer counts
    if is_dataclass(value):
        return {field.name: told(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: told(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [told(one) for one in value]
    return value


def known(folder: SessionFolder) -> Replay:
    replay = Replay(folder)
    while replay.read(0.0)[1]:
        pass
    return replay


def gone(replay: Replay, t: int, budget_s: float = 1.0) -> SessionState:
    """Go to ``t`` in as many turns as it takes."""
    while replay.go(t, budget_s)[1]:
        pass
    return replay.state


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    return known(RECORDING.write(tmp_path_factory.mktemp("played")))


def test_the_same_code_that_compares_states_tells_them_apart() -> None:
    assert told(RECORDING.folded(END // 2 + BEGIN // 2)) != told(RECORDING.folded())


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(BEGIN - SECOND, END + SECOND), min_size=1, max_size=4))
def test_any_moment_is_the_fold_of_the_logs_up_to_it(played: Replay, moments: list[int]) -> None:
    for t in moments:
        state = gone(played, t, 0.0)
    assert told(state) == told(RECORDING.folded(moments[-1]))


def test_back_before_the_end_of_the_log_of_a_run_and_of_the_conductor(played: Replay) -> None:
    ends = [record.event.t for record in RECORDING.records if isinstance(record.event, ev.RunEnded | ev.RunChanged)]
    gone(played, END)
    for t in sorted(ends, reverse=True):
        assert told(gone(played, t - 1)) == told(RECORDING.folded(t - 1))


def test_a_moment_that_is_changed_on_the_way_back_is_the_one_that_is_shown(played: Replay) -> None:
    middle, early = (BEGIN + END) // 2, BEGIN + (END - BEGIN) // 3
    before = gone(played, END)
    while played.go(middle, 0.0)[1]:
        assert played.state is before  # until the earlier moment is there
        if played.go(early, 0.0) == (True, False):
            break
    assert told(gone(played, early)) == told(RECORDING.folded(early))


def test_the_next_step_and_the_one_before_are_where_steps_were_told(played: Replay) -> None:
    steps = sorted({record.event.t for record in RECORDING.records if isinstance(record.event, ev.Step)})
    found = [BEGIN]
    while (after := played.steps_from(found[-1], 1)) is not None:
        found.append(after)
    assert found[1:] == steps
    assert played.steps_from(steps[5], -1) == steps[4]
    assert played.steps_from(steps[5] - 1, -1) == steps[4]
    assert played.steps_from(BEGIN, -1) is None


def test_a_compile_and_what_says_why_are_one_place(played: Replay) -> None:
    begun: dict[tuple[str | None, str | None], int] = {}
    for record in RECORDING.records:
        if isinstance(record.event, ev.CompileStarted | ev.Recompile):
            begun.setdefault((record.run, record.event.id), record.event.t)
    assert sorted(played.compiles()) == sorted(begun.values())
    first = min(begun.values())
    assert played.compiles_from(BEGIN, 1) == first
    assert played.compiles_from(first, -1) is None
    state = gone(played, first)
    assert [run.name for run in state.runs.values() if run.compiles] != []


def test_the_time_of_a_resumed_session_leaves_out_its_pause(tmp_path: Path) -> None:
    half = (BEGIN + END) // 2
    folder = RECORDING.write(tmp_path, until_ns=half)
    log = EventLog(folder.conductor_log)
    hour = 3600 * SECOND
    log.write(ev.Header(t=half + hour, writer="conductor"))
    log.write(ev.SessionChanged(t=half + hour + SECOND, state="done"))
    log.close()
    replay = known(folder)
    (pause,) = replay.pauses
    assert pause[1] == half + hour
    assert replay.seconds(replay.end_ns) == pytest.approx((pause[0] - BEGIN) / 1e9 + 1)
    for seconds in (0.0, 1.0, replay.seconds(pause[0]) - 0.5, replay.seconds(replay.end_ns)):
        assert replay.seconds(replay.moment(seconds)) == pytest.approx(seconds)
    assert replay.later(pause[0] - SECOND, 2 * SECOND) == pause[1] + SECOND
    assert replay.later((pause[0] + pause[1]) // 2, SECOND) == pause[1] + SECOND


def test_only_the_end_of_a_session_that_died_says_so(tmp_path: Path) -> None:
    folder = RECORDING.write(tmp_path, until_ns=(BEGIN + END) // 2, here=True)
    replay = known(folder)
    assert replay.liveness is Liveness.GONE
    assert gone(replay, replay.end_ns).state == "died"
    assert gone(replay, replay.end_ns - SECOND).state == "running"
    assert told(gone(replay, replay.end_ns)) == told(Follower(folder).read_all())


def test_of_a_session_that_runs_more_comes(tmp_path: Path) -> None:
    recording = recorded.live(seconds=8)
    with Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        replay = known(feeder.folder)
        assert replay.growing
        end = replay.end_ns
        feeder.feed(recording.live_ns + 4 * SECOND)
        assert replay.read(1.0) == (True, False)
        assert replay.end_ns > end
        assert told(gone(replay, replay.end_ns)) == told(Follower(feeder.folder).read_all())
        gone(replay, end)
        assert told(gone(replay, replay.end_ns)) == told(Follower(feeder.folder).read_all())


def test_a_log_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    folder = RECORDING.write(tmp_path)
    replay = known(folder)
    gone(replay, END)
    run = RECORDING.request.runs[0].name
    text = folder.run_log(run).read_bytes()
    folder.run_log(run).write_bytes(text[: len(text) // 2])
    gone(replay, BEGIN + SECOND)
    while replay.read(0.0)[1]:
        pass
    assert told(gone(replay, END)) == told(Follower(folder).read_all())


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_log_is_too_damaged(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = recorded.finished(steps=2, calls=1, warmup=0).write(tmp_path_factory.mktemp("damaged"))
    for path in (folder.conductor_log, *(folder.run_log(run.name) for run in folder.manifest().request.runs)):
        text = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(0, 3))):
            place = data.draw(st.integers(0, len(text) - 1))
            text[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
        path.write_bytes(bytes(text))
    replay = known(folder)
    replay.seconds(replay.end_ns)
    replay.steps_from(replay.begin_ns, 1)
    for share in (1.0, 0.3, 0.6, 0.0):
        gone(replay, replay.begun(Start(share=share)))
    assert gone(replay, replay.end_ns).session == folder.id


def test_a_session_without_logs_is_a_moment_long(tmp_path: Path) -> None:
    replay = known(recorded.make_folder(RECORDING.request, tmp_path, "empty", here=False))
    assert (replay.begin_ns, replay.end_ns, replay.pauses) == (0, 0, ())
    assert replay.steps_from(0, 1) is None
    assert gone(replay, 0).state == "starting"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_follower_of_a_replay_goes_on_at_its_speed(tmp_path: Path) -> None:
    clock = Clock()
    follower = ReplayFollower(RECORDING.write(tmp_path), Start(speed=10, at_s=2), clock)
    follower.poll()
    assert told(follower.state) == told(RECORDING.folded(BEGIN + 2 * SECOND))
    assert follower.liveness is Liveness.ALIVE
    clock.now += 0.25
    follower.poll()
    assert follower.now_ns() == BEGIN + 4_500_000_000
    assert told(follower.state) == told(RECORDING.folded(BEGIN + 4_500_000_000))
    clock.now += 3600
    follower.poll()
    assert follower.state.state == "done"
    assert follower.liveness is Liveness.COPIED


def test_going_back_folds_the_run_that_was_under_way_again_and_no_other(tmp_path: Path) -> None:
    replay = known(RECORDING.write(tmp_path))
    gone(replay, END)
    before = dict(replay.state.runs)
    last = replay.steps_from(END, -1)
    assert last is not None
    after = gone(replay, last - 1).runs
    assert [name for name in after if after[name] is not before[name]] == [RECORDING.request.runs[-1].name]
