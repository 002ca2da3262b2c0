"""Real conductors that take a session up again, or search for the largest batch, with stand-ins as workers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import psutil
import pytest

from profiler import events as ev
from profiler import sessions
from profiler.analysis.batches import largest_batches
from profiler.conductor import CannotStart, limited
from profiler.conductor.search import added
from profiler.eventlog import LogReader, is_locked
from profiler.follow import Follower
from profiler.overview import read_overview
from profiler.request import Request
from profiler.resume import discard_commands
from profiler.sessions import LONGEST_NAME, SessionFolder
from tests.conductor.support import begin, conduct, endings, eventually, finish, last_word, log, make, notes, request
from tests.conductor.test_real_processes import by_hand, running

# --- resume ---------------------------------------------------------------------------------------------------------


def outcomes(folder: SessionFolder) -> list[str | None]:
    return [run.outcome for run in Follower(folder).read_all().runs.values()]


def made(events: list[ev.Event]) -> list[str]:
    """The runs that were begun, by number."""
    return [event.run[:3] for event in events if isinstance(event, ev.RunChanged) and event.state == "running"]


def test_a_stopped_session_makes_what_it_owes(own_home: Path) -> None:
    folder = make(own_home, runs=3)
    pid = begin(folder, "ok,sleep,ok")
    running(folder, 1)
    sessions.send(folder, "stop")
    finish(folder, pid)
    assert outcomes(folder) == ["ok", "stopped", "stopped"]
    first = folder.run_log("001-case-r1").read_bytes()

    viewer = Follower(folder)
    assert viewer.read_all().state == "stopped"
    events = conduct(folder, "ok", resumes=True)
    assert made(events) == ["001", "002", "002", "003"]
    assert notes(events) == ["resumed"]
    assert (last_word(events).state, last_word(events).reason) == ("done", None)
    assert outcomes(folder) == ["ok", "ok", "ok"]
    # What had a result was not touched; what was made again is kept.
    assert folder.run_log("001-case-r1").read_bytes() == first
    assert [path.name for path in folder.earlier.iterdir()] == ["002-case-r2-1"]
    assert read_overview(folder).state == "done"
    assert (read_overview(folder).ended, read_overview(folder).failed) == (3, 0)
    # Who had it open all the time sees the same.
    assert viewer.read_all().state == "done"
    assert [run.outcome for run in viewer.state.runs.values()] == ["ok", "ok", "ok"]
    with pytest.raises(CannotStart, match="owes nothing"):
        begin(folder, "ok", resumes=True)


def test_a_session_whose_conductor_was_killed(own_home: Path) -> None:
    folder = make(own_home, runs=3)
    pid = begin(folder, "ok,sleep")
    running(folder, 1)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_locked(folder.conductor_log), "the end of the conductor")
    with open(folder.conductor_log, "ab") as torn:
        torn.write(b'{"kind":"gpu","us')
    pid = begin(folder, "ok", resumes=True)
    eventually(lambda: not psutil.pid_exists(pid), "the end of the second conductor")
    assert made(LogReader(folder.conductor_log).read().events) == ["001", "002", "002", "003"]
    assert outcomes(folder) == ["ok", "ok", "ok"]
    state = Follower(folder).read_all()
    assert (state.state, state.losses.bad) == ("done", 1)  # the torn record alone
    assert [run.remade for run in state.runs.values()] == [0, 1, 0]


def test_failed_runs_are_made_again_when_asked_for(own_home: Path) -> None:
    folder = make(own_home, runs=3)
    conduct(folder, "failed,oom,unsupported")
    with pytest.raises(CannotStart, match="owes nothing: every run has a result"):
        begin(folder, "ok", resumes=True)
    events = conduct(folder, "ok", resumes=True, failed=True)
    assert made(events) == ["001", "002", "003", "001"]
    assert outcomes(folder) == ["ok", "oom", "unsupported"]


def test_a_session_under_way_is_not_taken_up(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep")
    running(folder)
    with pytest.raises(CannotStart, match="has a conductor already"):
        begin(folder, "ok", resumes=True)
    assert not folder.earlier.exists()
    os.kill(pid, signal.SIGTERM)
    finish(folder, pid)


def test_a_folder_that_cannot_be_made_ready(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    conduct(folder, "wordless,ok")
    folder.earlier.write_text("in the way")
    with pytest.raises(CannotStart, match="its folder can't be made ready: File exists"):
        begin(folder, "ok", resumes=True)
    folder.earlier.unlink()
    conduct(folder, "ok", resumes=True)
    assert outcomes(folder) == ["ok", "ok"]


def test_max_time_counts_anew_and_old_commands_are_gone(own_home: Path) -> None:
    folder = make(own_home, runs=2, max_time_s=3.0)
    conduct(folder, "sleep")
    assert outcomes(folder) == ["stopped", "stopped"]
    sessions.send(folder, "stop")  # as one that came when the conductor had just gone
    discard_commands(folder)
    events = conduct(folder, "ok", resumes=True)
    assert made(events)[:2] == ["001", "001"]  # there was time, and nobody stopped it
    assert last_word(events).reason in (None, "max time of 3 s reached")


def test_a_session_goes_on_under_another_limit(own_home: Path) -> None:
    folder = make(own_home, runs=2, max_time_s=0.2)
    conduct(folder, "sleep")
    events = conduct(folder, "ok,sleep", resumes=True, arguments=[limited(0.6)])
    assert (outcomes(folder), last_word(events).reason) == (["ok", "stopped"], "max time of 0.6 s reached")
    assert folder.manifest().request.max_time_s == 0.6
    events = conduct(folder, "ok", resumes=True, arguments=[limited(None)])
    assert (outcomes(folder), last_word(events).reason) == (["ok", "ok"], None)
    assert folder.manifest().request.max_time_s is None


def test_a_conductor_that_died_after_the_last_run_leaves_the_last_word_to_the_next(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    conduct(folder, "ok,oom")
    records = folder.conductor_log.read_bytes().splitlines(keepends=True)
    # Killed while its last worker ended: neither that nor the session's end were written down.
    folder.conductor_log.write_bytes(b"".join(records[:-2]))
    (folder.path / ".session.json.0badcafe.tmp").touch()
    assert (Follower(folder).read_all().state, read_overview(folder).ended) == ("died", 1)
    events = conduct(folder, "failed", resumes=True)
    assert made(events) == ["001", "002"]
    assert outcomes(folder) == ["ok", "oom"]
    assert (Follower(folder).read_all().state, read_overview(folder).ended) == ("done", 2)
    assert not folder.earlier.exists()
    assert not list(folder.path.glob(".*"))
    with pytest.raises(CannotStart, match="owes nothing"):
        begin(folder, "ok", resumes=True)


def test_a_session_that_was_never_conducted(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    conduct(folder, "ok", resumes=True)
    assert outcomes(folder) == ["ok", "ok"]


def colds(folder: SessionFolder) -> list[bool | None]:
    return [run.cold for run in Follower(folder).read_all().runs.values()]


def test_whether_a_run_found_an_empty_cache(own_home: Path) -> None:
    """A cold start counts once it has come to something; what one that didn't has left makes nobody half warm."""
    folder = make(own_home, runs=3)
    pid = begin(folder, "compiles-crash,compiles-sleep")
    running(folder, 1)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_locked(folder.conductor_log), "the end of the conductor")
    assert colds(folder) == [True, True, None]
    assert any(files for *_, files in os.walk(folder.path / "cache"))
    pid = begin(folder, "compiles-ok,compiles-ok,sleep", resumes=True)
    running(folder, 2)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_locked(folder.conductor_log), "the end of the second conductor")
    # The cache that a cold run has filled to its end stays: what is made again starts warm, as it would have.
    conduct(folder, "ok", resumes=True)
    assert colds(folder) == [True, False, False]


# --- the largest batch ----------------------------------------------------------------------------------------------


def batches(folder: SessionFolder) -> list[int]:
    """What was tried, in the order of the runs."""
    asked = folder.manifest().request
    return [asked.case(run.case).workload.batch_size for run in asked.runs]


def searching(own_home: Path) -> SessionFolder:
    return make(own_home, find_max_batch=True)


def probing(folder: SessionFolder, number: int) -> None:
    eventually(lambda: len(folder.manifest().request.runs) == number, f"probe {number}")
    running(folder, number - 1)


def found(folder: SessionFolder) -> tuple[int | None, int | None, bool, str | None]:
    (largest,) = largest_batches(Follower(folder).read_all())
    return largest.fits, largest.out_of_memory, largest.exact, largest.reason


def test_the_largest_batch_is_found(own_home: Path) -> None:
    folder = searching(own_home)
    viewer = Follower(folder)
    events = conduct(folder, "fits-3")
    assert batches(folder) == [1, 2, 4, 3]
    assert [end.outcome for end in endings(events)] == ["ok", "ok", "oom", "ok"]
    # Every probe is a process of its own, after an out of memory too.
    pids = [event.pid for event in events if isinstance(event, ev.RunChanged) and event.state == "running"]
    assert len(set(pids)) == 4
    assert found(folder) == (3, 4, True, None)
    assert last_word(events).state == "done"
    assert [run.name for run in folder.manifest().request.runs] == [
        "001-case-r1",
        "002-case-b2-r1",
        "003-case-b4-r1",
        "004-case-b3-r1",
    ]
    # A run is announced before it begins, and who had the session open sees it.
    states = [event.state for event in events if isinstance(event, ev.RunChanged) and event.run == "004-case-b3-r1"]
    assert states == ["queued", "running", "ended"]
    assert list(viewer.read_all().runs) == list(Follower(folder).read_all().runs)


def test_skipping_a_probe_ends_its_search(own_home: Path) -> None:
    folder = searching(own_home)
    pid = begin(folder, "ok,sleep")
    probing(folder, 2)
    sessions.send(folder, "skip")
    events = finish(folder, pid)
    assert last_word(events).state == "done"
    assert found(folder) == (1, None, False, "batch 2 was stopped: skipped on request")


def test_a_search_that_was_stopped_goes_on_where_it_was(own_home: Path) -> None:
    folder = searching(own_home)
    pid = begin(folder, "ok,ok,sleep")
    probing(folder, 3)
    sessions.send(folder, "stop")
    assert last_word(finish(folder, pid)).state == "stopped"
    assert found(folder) == (2, None, False, "batch 4 was stopped: stopped on request")
    events = conduct(folder, "fits-3", resumes=True)
    assert made(events) == ["001", "002", "003", "003", "004"]
    assert batches(folder) == [1, 2, 4, 3]
    assert found(folder) == (3, 4, True, None)


def test_a_conductor_that_died_between_two_probes(own_home: Path) -> None:
    """All runs have results, and still the search is owed."""
    folder = make(own_home)
    conduct(folder, "ok")
    manifest = folder.manifest()
    asked = msgspec.structs.replace(manifest.request, find_max_batch=True)
    sessions.write_manifest(folder, msgspec.structs.replace(manifest, request=asked))
    conduct(folder, "fits-2", resumes=True)
    assert batches(folder) == [1, 2, 4, 3]
    assert found(folder) == (2, 3, True, None)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("ok,failed", "batch 2 failed: RuntimeError: shapes differ"),
        ("ok,crash", "batch 2 died: killed by SIGSEGV (segmentation fault) while loading"),
        ("unsupported", "batch 1 is unsupported: no C++ compiler"),
    ],
)
def test_other_outcomes_end_the_search_with_the_reason(own_home: Path, does: str, reason: str) -> None:
    folder = searching(own_home)
    assert last_word(conduct(folder, does)).state == "done"
    assert found(folder)[3] == reason
    assert len(folder.manifest().request.runs) == len(does.split(","))


def test_a_probe_that_cannot_be_added_ends_the_search(own_home: Path) -> None:
    folder = searching(own_home)
    # session.json is much longer than what may be written, the logs are not.
    ended = by_hand(folder, STANDIN="ok", LARGEST_FILE="1000")
    assert ended.returncode == 0
    said = last_word(log(folder.conductor_log))
    assert (said.state, said.reason) == ("done", "the search for the largest batch can't go on: File too large")
    assert len(folder.manifest().request.runs) == 1


def test_names_of_probes() -> None:
    def named(name: str, batch: int, *others: str) -> tuple[str, str]:
        given = request()
        start = msgspec.structs.replace(given.cases[0], name=name)
        cases = [start, *(msgspec.structs.replace(start, name=other) for other in others)]
        asked: Request = msgspec.structs.replace(given, cases=cases)
        case, run = added(asked, start, batch)
        assert case.workload.batch_size == batch
        return case.name, run.name

    assert named("sd15-compile-b1", 16) == ("sd15-compile-b16", "002-sd15-compile-b16-r1")
    assert named("b1-sd15-b1-fp16", 4)[0] == "b1-sd15-b4-fp16"
    assert named("case", 4)[0] == "case-b4"
    assert named("x-b1", 2, "x-b2", "x-b2-2")[0] == "x-b2-3"
    case, run = named("x" * 85 + "-b1", 1024)
    assert len(run) == LONGEST_NAME
    assert case.endswith("x-b1024")
    case, run = named("x" * 85 + "-b1", 1024, case)
    assert len(run) == LONGEST_NAME
    assert case.endswith("x-b1024-2")
