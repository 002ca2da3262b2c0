"""What a session owes, and its folder when it is taken up again."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import msgspec
import pytest

from profiler import events as ev
from profiler import resume, sessions
from profiler.eventlog import EventLog
from profiler.resume import CannotResume, discard_commands, find_debt, take_up, told
from profiler.sessions import SessionFolder, SessionUnreadable
from tests.support import recorded
from tests.support.resuming import again, names, read, say
from tests.support.story import BOOT, HOST

SECOND = 1_000_000_000


@pytest.fixture
def copied(tmp_path: Path) -> SessionFolder:
    """A session of another machine: two runs have ended, the third was under way when it was copied."""
    recording = recorded.live(seconds=5)
    return recording.write(tmp_path, until_ns=recording.live_ns)


@pytest.fixture
def finished(tmp_path: Path) -> SessionFolder:
    return recorded.finished().write(tmp_path)


# --- what is owed ---------------------------------------------------------------------------------------------------


def test_results_are_not_owed(finished: SessionFolder) -> None:
    debt = find_debt(finished)
    assert debt.nothing
    assert set(debt.outcomes) == set(names(finished))


@pytest.mark.parametrize(
    ("outcome", "owed", "owed_with_failed"),
    [
        ("ok", False, False),
        ("oom", False, False),
        ("unsupported", False, False),
        ("failed", False, True),
        ("stopped", True, True),
        ("died", True, True),
    ],
)
def test_which_outcomes_are_results(finished: SessionFolder, outcome: str, owed: bool, owed_with_failed: bool) -> None:
    first, *_ = names(finished)
    say(finished, ev.RunChanged(run=first, state="ended", outcome=outcome), ev.SessionChanged(state="done"))
    for failed, expected in ((False, owed), (True, owed_with_failed)):
        assert [run.name for run in find_debt(finished, failed=failed).runs] == [first] * expected


def test_a_run_that_was_under_way_and_those_that_never_began_are_owed(copied: SessionFolder) -> None:
    first, second, third = names(copied)
    debt = find_debt(copied)
    assert [run.name for run in debt.runs] == [third]
    assert debt.outcomes == {first: "ok", second: "ok"}


def test_a_session_that_never_began_owes_everything(tmp_path: Path) -> None:
    request = recorded.request(device="cpu")
    folder = recorded.make_folder(request, tmp_path, "gone-sd15-txt2img", here=False)
    assert find_debt(folder).runs == request.runs


def test_a_result_that_nobody_was_left_to_write_down_is_not_made_again(copied: SessionFolder) -> None:
    third = names(copied)[2]
    log = EventLog(copied.run_log(third))
    log.write(ev.RunEnded(t=read(copied).runs[third].last_t + SECOND, outcome="ok"))
    log.close()
    debt = find_debt(copied)
    assert debt.nothing
    [unsaid] = debt.unsaid
    # What the next conductor says of it, at the time when it ended.
    ended = told(unsaid, copied.manifest(), now_wall_ns=debt.clock_ns or 0, now_ns=0)
    assert (ended.run, ended.state, ended.outcome) == (third, "ended", "ok")
    assert ended.t == read(copied).runs[third].last_t


def test_a_session_under_way_is_refused(copied: SessionFolder) -> None:
    log = EventLog(copied.conductor_log)
    with pytest.raises(CannotResume, match="is running: 'stepscope watch"):
        find_debt(copied)
    log.close()
    find_debt(copied)


def test_a_worker_that_is_still_ending_is_waited_for(copied: SessionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its conductor was killed: it still has the device, and may say that it has ended well."""
    third = names(copied)[2]
    log = EventLog(copied.run_log(third))
    monkeypatch.setattr(resume, "LEAVING_SECONDS", 0.0)
    with pytest.raises(CannotResume, match=f"a process of its run {third} does not end: end it first"):
        find_debt(copied)

    def end(_seconds: float) -> None:
        log.write(ev.RunEnded(t=read(copied).runs[third].last_t + 1, outcome="ok"))
        log.close()

    monkeypatch.setattr(resume, "LEAVING_SECONDS", 60.0)
    monkeypatch.setattr(resume.time, "sleep", end)
    assert find_debt(copied).nothing


def test_a_session_that_logged_a_moment_ago_on_another_machine_is_refused(
    copied: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = find_debt(copied).latest_wall_ns
    monkeypatch.setattr(resume.time, "time_ns", lambda: latest + 4 * SECOND)
    with pytest.raises(CannotResume, match=r"seems to run on recorded, which logged 4 s ago: stop it there, or try"):
        find_debt(copied)
    # The other machine's clock is ahead.
    monkeypatch.setattr(resume.time, "time_ns", lambda: latest - 4 * SECOND)
    with pytest.raises(CannotResume, match=r"seems to run on recorded, which logged a moment ago: stop it there"):
        find_debt(copied)
    monkeypatch.setattr(resume.time, "time_ns", lambda: latest + 31 * SECOND)
    find_debt(copied)
    # One that is over there doesn't go on, however short ago that was.
    log = EventLog(copied.conductor_log)
    log.write(ev.SessionChanged(t=read(copied).last_t + 1, state="stopped"))
    log.close()
    monkeypatch.setattr(resume.time, "time_ns", lambda: latest + 1 * SECOND)
    find_debt(copied)


def test_a_log_of_a_newer_version_is_refused(copied: SessionFolder) -> None:
    copied.conductor_log.write_bytes(b'{"kind":"header","schema":9,"seq":1}\n')
    with pytest.raises(CannotResume, match="upgrade"):
        find_debt(copied)


def test_a_search_that_is_not_over_is_owed(tmp_path: Path) -> None:
    request = msgspec.structs.replace(recorded.request(device="cpu"), find_max_batch=True)
    folder = recorded.make_folder(request, tmp_path, "half-sd15-txt2img", here=True)
    say(folder, *(ev.RunChanged(run=run.name, state="ended", outcome="oom") for run in request.runs))
    assert not find_debt(folder).searching  # nothing is smaller than a batch of 1
    say(folder, ev.RunChanged(run=request.runs[0].name, state="ended", outcome="ok"))
    debt = find_debt(folder)
    assert (debt.runs, debt.searching, debt.nothing) == ([], True, False)


# --- the folder -----------------------------------------------------------------------------------------------------


def test_what_is_made_again_is_moved_aside(copied: SessionFolder) -> None:
    *_, third = names(copied)
    written = copied.run_log(third).read_bytes()
    shutil.rmtree(copied.control)  # empty, and lost on the way
    again(copied)
    assert not copied.run(third).exists()
    assert (copied.earlier / f"{third}-1" / "events.jsonl").read_bytes() == written
    assert copied.control.is_dir()
    copied.run(third).mkdir()
    again(copied)
    assert sorted(path.name for path in copied.earlier.iterdir()) == [f"{third}-1", f"{third}-2"]
    assert copied.earlier.stat().st_mode & 0o777 == 0o700


def test_session_json_says_where_the_session_runs_now_and_where_it_ran(copied: SessionFolder) -> None:
    before = copied.manifest()
    debt, after = again(copied)
    assert after == copied.manifest()
    assert (after.host, after.boot_id) == (sessions.host_name(), sessions.boot_id())
    assert [(place.host, place.boot_id) for place in after.earlier] == [(HOST, BOOT)]
    assert after.earlier[0].clock_ns == debt.clock_ns == recorded.WALL_NS - recorded.BASE_NS
    assert abs((after.clock_ns or 0) - (time.time_ns() - time.monotonic_ns())) < 60 * SECOND
    assert (after.request, after.session, after.created_wall_ns) == (
        before.request,
        before.session,
        before.created_wall_ns,
    )
    # Taken up again in the same boot: there is no further place.
    assert again(copied)[1].earlier == after.earlier
    # And once more elsewhere: the offset that was used here stays the one of this place.
    moved = msgspec.structs.replace(copied.manifest(), host="third", boot_id="x")
    sessions.write_manifest(copied, msgspec.structs.replace(moved, clock_ns=12345))
    assert [place.clock_ns for place in again(copied)[1].earlier] == [debt.clock_ns, 12345]


def test_a_clock_that_is_behind_puts_nothing_before_what_was_logged(copied: SessionFolder) -> None:
    debt = find_debt(copied)
    manifest = take_up(copied, debt, now_wall_ns=debt.latest_wall_ns - 3600 * SECOND, now_ns=5 * SECOND)
    assert manifest.clock_ns == debt.latest_wall_ns - 5 * SECOND
    assert read(copied).last_t <= 5 * SECOND


def test_a_manifest_without_the_new_fields_is_read(copied: SessionFolder) -> None:
    document = json.loads(copied.manifest_file.read_bytes())
    del document["earlier"], document["clock_ns"]
    copied.manifest_file.write_text(json.dumps(document))
    assert copied.manifest().clock is None


def test_commands_for_a_conductor_that_is_gone_are_discarded(copied: SessionFolder) -> None:
    sessions.send(copied, "stop")
    (copied.control / "folder").mkdir()
    (copied.control / "link").symlink_to(copied.manifest_file)
    discard_commands(copied)
    assert list(copied.control.iterdir()) == []
    assert copied.manifest_file.exists()
    copied.control.rmdir()
    discard_commands(copied)
    # Somebody else has taken it up meanwhile: the command is for that conductor.
    copied.control.mkdir()
    sessions.send(copied, "stop")
    log = EventLog(copied.conductor_log)
    with pytest.raises(CannotResume, match="is running"):
        discard_commands(copied)
    log.close()
    assert len(list(copied.control.iterdir())) == 1


@pytest.mark.parametrize("name", ["control", "runs", "earlier"])
def test_nothing_is_touched_where_a_folder_of_the_session_leads_out_of_it(
    copied: SessionFolder, tmp_path: Path, name: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "precious").mkdir(parents=True)
    path = copied.path / name
    if path.exists():
        shutil.rmtree(path)
    path.symlink_to(elsewhere)
    with pytest.raises(SessionUnreadable, match=f"{name} is a link that leads out of the session's folder: remove it"):
        find_debt(copied)
    if name == "control":
        with pytest.raises(OSError, match="symbolic links"):
            discard_commands(copied)
    assert [found.name for found in elsewhere.iterdir()] == ["precious"]


def test_a_session_with_a_run_folder_that_is_a_link_is_not_taken_up(copied: SessionFolder, tmp_path: Path) -> None:
    third = names(copied)[2]
    elsewhere = tmp_path / "elsewhere"
    copied.run(third).rename(elsewhere)
    copied.run(third).symlink_to(elsewhere)
    with pytest.raises(SessionUnreadable, match=f"{third} is a link that leads out"):
        find_debt(copied)
    assert (elsewhere / "events.jsonl").exists()


def test_adding_runs_leaves_the_session_where_it_is_in_the_list(finished: SessionFolder) -> None:
    before = finished.manifest()
    begun = finished.manifest_file.stat().st_mtime_ns
    case = msgspec.structs.replace(before.request.cases[0], name="more")
    run = msgspec.structs.replace(before.request.runs[0], name="004-more-r1", case="more")
    request = sessions.extend(finished, [case], [run])
    assert finished.manifest() == msgspec.structs.replace(before, request=request)
    assert (request.cases[-1], request.runs[-1]) == (case, run)
    assert finished.manifest_file.stat().st_mtime_ns == begun
