"""Following a session for its progress alone: the same progress, and little that is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from profiler.analysis.progress import run_progress, session_progress
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.underway import ProgressFollower
from tests.support import recorded


def told(state: SessionState, now_ns: int) -> object:
    current = state.current
    run = run_progress(state, current, now_ns) if current is not None else None
    return session_progress(state, now_ns), run


@pytest.mark.parametrize("until_sure", [False, True])
def test_progress_is_that_of_the_whole_session_at_every_moment(tmp_path: Path, until_sure: bool) -> None:
    recording = recorded.live(seconds=12, steps_per_second=8)
    recording = recorded.Recording(
        recording.session, replace(recording.request, until_sure=until_sure), recording.records, recording.live_ns
    )
    begin, end = recording.records[0].event.t, recording.end_ns
    with recorded.Feeder(recording, tmp_path) as feeder:
        whole, little = Follower(feeder.folder), ProgressFollower(feeder.folder)
        for part in range(41):
            now_ns = begin + (end - begin) * part // 40
            feeder.feed(now_ns)
            assert told(little.read_all(), now_ns) == told(whole.read_all(), now_ns)
        assert little.state.current is not None
    if not until_sure:
        assert len(whole.state.gpu) and not len(little.state.gpu)
        kept = {run.name: len(run.steps) for run in little.state.runs.values()}
        assert [bool(kept[run.name]) for run in recording.request.runs] == [False, False, True]
