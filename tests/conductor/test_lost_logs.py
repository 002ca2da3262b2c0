"""Logs that are removed or replaced under the processes that write them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from profiler import events as ev
from profiler import sessions
from profiler.conductor import CannotStart
from profiler.conductor.ownlog import OwnLog
from profiler.eventlog import EventLog, is_locked
from profiler.follow import Follower
from profiler.sessions import SessionFolder
from tests.conductor.support import begin, conduct, endings, eventually, finish, in_session, last_word, log, make, notes
from tests.conductor.test_real_processes import running

RUN = "001-case-r1"


def take_away(path: Path, how: str) -> None:
    if how == "removed":
        path.unlink()
        return
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_run_whose_log_is_gone_ends_at_once_and_says_so(own_home: Path, how: str) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep,ok")
    worker = running(folder)
    # Orders are looked at after the run's log: by then the conductor has seen it.
    sessions.send(folder, "skip", "002-case-r2")
    eventually(lambda: "skip-ignored" in notes(log(folder.conductor_log)), "a look at the log")
    take_away(folder.run_log(RUN), how)
    first, second = endings(finish(folder, pid))
    assert first.outcome == "failed"
    assert first.reason == f"its log was {how} in call 0 (measure): what it measures can't be kept"
    assert second.outcome == "ok"
    assert in_session(worker) == []


def test_a_removed_log_of_the_session_ends_it_and_is_written_anew(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep")
    worker = running(folder)
    before = log(folder.conductor_log)
    folder.conductor_log.unlink()
    events = finish(folder, pid)
    eventually(lambda: not in_session(worker), "the worker's end")
    # All there was, and its last word.
    assert [type(event) for event in events[: len(before)]] == [type(event) for event in before]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert last_word(events).reason == "the session's log, conductor.jsonl, was removed"
    assert [end.outcome for end in endings(events)] == ["stopped", "stopped"]
    assert "conductor.jsonl was removed while" in folder.conductor_output.read_text()
    assert folder.conductor_log.stat().st_mode & 0o777 == 0o600


def test_a_replaced_log_of_the_session_ends_it_and_what_is_there_stays(own_home: Path) -> None:
    folder = make(own_home)
    pid = begin(folder, "sleep")
    worker = running(folder)
    take_away(folder.conductor_log, "replaced")
    there = folder.conductor_log.read_bytes()
    finish(folder, pid)
    assert in_session(worker) == []
    assert folder.conductor_log.read_bytes() == there
    assert "conductor.jsonl was replaced while" in folder.conductor_output.read_text()
    # Taken up again, it has one conductor and makes what it owes.
    events = conduct(folder, "ok", resumes=True)
    assert last_word(events).state == "done"
    assert [run.outcome for run in Follower(folder).read_all().runs.values()] == ["ok"]


def test_a_log_that_its_worker_has_closed_is_gone_on_with(own_home: Path) -> None:
    folder = make(own_home)
    [end] = endings(conduct(folder, "closes-its-log"))
    assert (end.outcome, end.exit_code) == ("ok", 0)
    written = log(folder.run_log(RUN))
    assert [event.seq for event in written] == list(range(1, len(written) + 1))
    assert isinstance(written[-1], ev.RunEnded)


def test_of_many_conductors_at_once_one_takes_over(own_home: Path) -> None:
    folder = make(own_home)
    started: list[int] = []
    for _ in range(3):
        try:
            started.append(begin(folder, "sleep"))
        except CannotStart as error:
            assert "has a conductor already" in str(error)  # noqa: PT017 - the others must not raise
    [pid] = started
    running(folder)
    os.kill(pid, signal.SIGTERM)
    events = finish(folder, pid)
    assert [type(event) for event in events].count(ev.Header) == 1


def test_what_became_of_a_log(tmp_path: Path) -> None:
    path = tmp_path / "conductor.jsonl"
    writer = EventLog(path)
    writer.write(ev.Note(text="kept"))
    own = OwnLog(path)
    assert own.missing() is None
    path.rename(tmp_path / "elsewhere")
    assert own.missing() == "removed"
    writer.write(ev.Note(text="this too"))
    assert own.restore()
    assert path.read_bytes() == (tmp_path / "elsewhere").read_bytes()
    assert not is_locked(path)
    assert own.missing() == "replaced"
    assert not own.restore()
    own.close()
    with pytest.raises(OSError, match="link"):
        _link(tmp_path)
    writer.close()


def _link(folder: Path) -> OwnLog:
    (folder / "link").symlink_to(folder / "elsewhere")
    return OwnLog(SessionFolder(folder).path / "link")
