"""A session at a glance: the same as its whole state says, and read on from where it was."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from profiler import events as ev
from profiler import sessions
from profiler.eventlog import EventLog
from profiler.follow import Follower
from profiler.overview import OverviewReader, read_overview
from profiler.sessions import SessionFolder
from tests.support import recorded

SECOND = 1_000_000_000


def here(folder: SessionFolder) -> SessionFolder:
    """The session as one of this host and boot, and not of this moment."""
    manifest = msgspec.structs.replace(folder.manifest(), host=sessions.host_name(), boot_id=sessions.boot_id())
    sessions.write_manifest(folder, manifest)
    return folder


def test_it_says_what_the_whole_state_does_after_every_part_of_a_log(tmp_path: Path) -> None:
    recording = recorded.finished(steps=3, calls=2)
    ends = [record.event.t for record in recording.records if record.run is None]
    with recorded.Feeder(recording, tmp_path) as feeder:
        reader = OverviewReader(feeder.folder)
        follower = Follower(feeder.folder)
        for until_ns in [*ends[:: max(1, len(ends) // 20)], recording.end_ns]:
            feeder.feed(until_ns)
            found = reader.read()
            assert found == read_overview(feeder.folder), "what is read on is what is read anew"
            state = follower.read_all()
            assert found.state == state.state
            assert found.ended == sum(run.conducted_end is not None for run in state.runs.values())
            assert (found.seconds is None) == (not state.over)
        assert found.seconds == pytest.approx((recording.end_ns - recording.records[0].event.t) / SECOND)
        assert (found.state, found.ended, found.runs, found.failed) == ("done", 3, 3, 0)


def test_how_long_it_took_leaves_out_the_time_in_which_nobody_conducted_it(tmp_path: Path) -> None:
    folder = recorded.finished(steps=3, calls=2).write(tmp_path)
    before = read_overview(folder).seconds
    assert before is not None
    state = Follower(folder).read_all()
    log = EventLog(folder.conductor_log)
    log.write(ev.Header(t=state.last_t + 3600 * SECOND))
    log.write(ev.SessionChanged(t=state.last_t + 3602 * SECOND, state="done"))
    log.close()
    assert read_overview(folder).seconds == pytest.approx(before + 2.0)


def test_one_without_a_profiler_is_dead_and_says_how(tmp_path: Path) -> None:
    recording = recorded.live(seconds=5)
    begun = here(recording.write(tmp_path, until_ns=recording.live_ns))
    never = here(recorded.finished(session="never-begun").write(tmp_path, until_ns=-1))
    for folder, why in ((begun, "ended without a word"), (never, "never started")):
        found = read_overview(folder)
        assert (found.state, found.under_way) == ("died", False)
        assert why in (found.reason or "")
        assert found.reason == Follower(folder).read_all().presumed
    assert read_overview(never).seconds is None
    assert (read_overview(begun).seconds or 0) > 1


def test_a_log_or_a_manifest_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    folder = recorded.finished(steps=3, calls=2).write(tmp_path)
    reader = OverviewReader(folder)
    assert reader.read().state == "done"
    other = recorded.finished(steps=3, calls=2, session="other").write(
        tmp_path / "elsewhere", until_ns=recorded.BASE_NS
    )
    other.conductor_log.replace(folder.conductor_log)
    assert (reader.read().state, reader.read().ended) == ("running", 0)
    folder.manifest_file.write_text("{")
    assert reader.read().state == "unreadable"
    folder.manifest_file.unlink()
    assert reader.read().state == "unreadable"
    sessions.write_manifest(folder, other.manifest())
    assert reader.read().state == "running"


def test_runs_that_were_stopped_are_told_apart_from_those_that_have_a_result(tmp_path: Path) -> None:
    folder = recorded.finished(steps=3, calls=2).write(tmp_path)
    log = folder.conductor_log.read_text().replace('"outcome":"ok"', '"outcome":"stopped"', 2)
    folder.conductor_log.write_text(log)
    found = read_overview(folder)
    assert (found.ended, found.stopped, found.failed, found.runs) == (3, 2, 0, 3)


def test_a_moment_that_no_clock_knows_makes_it_unreadable(tmp_path: Path) -> None:
    folder = recorded.finished(steps=3, calls=2).write(tmp_path)
    text = folder.manifest_file.read_text()
    for wall_ns, state in (("1" + "0" * 400, "unreadable"), (str(-(2**63)), "done"), (str(2**63 - 1), "done")):
        folder.manifest_file.write_text(text.replace(str(recorded.WALL_NS), wall_ns))
        assert read_overview(folder).state == state
        assert _opens(folder) == (state == "done")


def _opens(folder: SessionFolder) -> bool:
    try:
        Follower(folder).read_all()
    except sessions.SessionUnreadable:
        return False
    return True


def test_a_session_that_was_just_made_is_starting(tmp_path: Path) -> None:
    folder = sessions.create(recorded.request(), "0.1.0", tmp_path)
    found = read_overview(folder)
    assert (found.state, found.under_way, found.seconds) == ("starting", True, None)
    assert found.created_wall_ns <= time.time_ns()
