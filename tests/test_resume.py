"""What a session owes, and its folder and its viewers when it is taken up again."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import msgspec
import pytest

from profiler import events as ev
from profiler import resume, sessions
from profiler.analysis.figures import run_figures
from profiler.analysis.fold import SessionFold
from profiler.analysis.state import SessionState
from profiler.eventlog import EventLog
from profiler.follow import Follower
from profiler.overview import read_overview
from profiler.resume import CannotResume, Debt, discard_commands, find_debt, take_up, told
from profiler.sessions import Liveness, Manifest, SessionFolder
from tests.support import recorded
from tests.support.story import BOOT, HOST
from tui.feed import LiveSource
from tui.pictures import words
from tui.pictures.live import LivePainter
from tui.pictures.memory import MemoryChart
from tui.pictures.names import latest_ns
from tui.pictures.steps import StepsView

SECOND = 1_000_000_000


@pytest.fixture
def copied(tmp_path: Path) -> SessionFolder:
    """A session of another machine: two runs have ended, the third was under way when it was copied."""
    recording = recorded.live(seconds=5)
    return recording.write(tmp_path, until_ns=recording.live_ns)


@pytest.fixture
def finished(tmp_path: Path) -> SessionFolder:
    return recorded.finished().write(tmp_path)


def names(folder: SessionFolder) -> list[str]:
    return [run.name for run in folder.manifest().request.runs]


def say(folder: SessionFolder, *events: ev.Event) -> None:
    """Append records of another conductor, of this boot, and end it."""
    log = EventLog(folder.conductor_log)
    log.write(
        ev.Header(t=time.monotonic_ns(), wall_ns=time.time_ns(), host=sessions.host_name(), boot_id=sessions.boot_id())
    )
    log.write(ev.SessionChanged(state="running"))
    for event in events:
        log.write(event)
    log.close()


def again(folder: SessionFolder, **options: bool) -> tuple[Debt, Manifest]:
    debt = find_debt(folder, **options)
    return debt, take_up(folder, debt, now_wall_ns=time.time_ns(), now_ns=time.monotonic_ns())


def read(folder: SessionFolder) -> SessionState:
    return Follower(folder).read_all()


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
    with pytest.raises(CannotResume, match=f"{name} is a link that leads out of the session's folder: remove it"):
        find_debt(copied)
    if name == "control":
        with pytest.raises(OSError, match="symbolic links"):
            discard_commands(copied)
    assert [found.name for found in elsewhere.iterdir()] == ["precious"]


def test_the_run_folder_that_is_a_link_is_moved_aside_as_one(copied: SessionFolder, tmp_path: Path) -> None:
    third = names(copied)[2]
    elsewhere = tmp_path / "elsewhere"
    copied.run(third).rename(elsewhere)
    copied.run(third).symlink_to(elsewhere)
    again(copied)
    assert not copied.run(third).exists()
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


# --- the viewers ----------------------------------------------------------------------------------------------------


def resumed(folder: SessionFolder) -> None:
    """What the next conductor says first."""
    debt, _ = again(folder)
    say(folder, *(ev.RunChanged(run=run.name, state="queued") for run in debt.runs))


def test_figures_of_an_earlier_boot_are_the_same_on_the_clock_of_this_one(copied: SessionFolder) -> None:
    before = read(copied)
    first, second, third = names(copied)
    expected = [run_figures(before, before.runs[name]) for name in (first, second)]
    assert expected[0].memory.device_peak_bytes is not None  # found by time among the GPU's samples
    resumed(copied)
    after = read(copied)
    for name, figures in zip((first, second), expected, strict=True):
        ours = run_figures(after, after.runs[name])
        for field in ("steps", "iterations_per_second", "first_image_s", "load_s", "startup_s", "memory", "stages"):
            assert getattr(ours, field) == getattr(figures, field), field
    assert not after.runs[third].calls
    # All of it lies before this boot, or at least before now, and in order.
    times = after.gpu.column("t")
    assert list(times) == sorted(times)
    assert times[-1] < time.monotonic_ns()
    assert after.started_ns is not None and after.started_ns < after.resumed_ns[0] <= time.monotonic_ns()


def test_a_session_that_was_taken_up_runs_again(copied: SessionFolder) -> None:
    third = names(copied)[2]
    stopped = [
        ev.RunChanged(run=third, state="ended", outcome="stopped", reason="stopped on request"),
        ev.SessionChanged(state="stopped", reason="stopped on request"),
    ]
    say(copied, *stopped)
    state = read(copied)
    assert (state.state, state.reason, state.runs[third].outcome) == ("stopped", "stopped on request", "stopped")
    debt, _ = again(copied)
    say(copied, *(ev.RunChanged(run=run.name, state="queued") for run in debt.runs))
    with_lock = EventLog(copied.conductor_log)
    follower = Follower(copied)
    state = follower.read_all()
    assert follower.liveness is Liveness.ALIVE
    assert (state.state, state.reason, state.ended_ns) == ("running", None, None)
    run = state.runs[third]
    assert (run.state, run.outcome, run.reason, run.started_ns, run.remade) == ("queued", None, None, None, 1)
    overview = read_overview(copied)
    assert (overview.state, overview.ended, overview.copied) == ("running", 2, False)
    with_lock.close()
    # A conductor that dies again leaves a dead session.
    assert read(copied).state == "died"
    assert (read_overview(copied).state, read_overview(copied).ended) == ("died", 2)


def test_a_conductor_that_died_with_its_first_record_leaves_a_dead_session(finished: SessionFolder) -> None:
    manifest = msgspec.structs.replace(finished.manifest(), host=sessions.host_name(), boot_id=sessions.boot_id())
    sessions.write_manifest(finished, manifest)
    assert (read(finished).state, read_overview(finished).state) == ("done", "done")
    log = EventLog(finished.conductor_log)
    log.write(ev.Header(t=time.monotonic_ns()))
    log.close()
    state, overview = read(finished), read_overview(finished)
    assert (state.state, overview.state) == ("died", "died")
    assert state.presumed == overview.reason


def test_an_open_viewer_starts_over_when_the_session_is_taken_up(copied: SessionFolder) -> None:
    third = names(copied)[2]
    follower = Follower(copied)
    before = follower.read_all()
    assert follower.liveness is Liveness.COPIED
    assert before.runs[third].calls
    assert follower.poll() == (False, False)
    resumed(copied)
    after = follower.read_all()
    assert after is not before
    assert follower.liveness is Liveness.GONE
    assert not after.runs[third].calls
    copied.run(third).mkdir()
    log = EventLog(copied.run_log(third))
    log.write(ev.CallStarted(call=7, phase="measure"))
    assert list(follower.read_all().runs[third].calls) == [7]
    log.close()


def test_an_open_viewer_sees_runs_that_are_added(finished: SessionFolder) -> None:
    follower = Follower(finished)
    follower.read_all()
    before = finished.manifest()
    run = msgspec.structs.replace(before.request.runs[0], name="004-more-r1")
    sessions.extend(finished, [], [run])
    assert list(follower.read_all().runs)[-1] == "004-more-r1"
    # Damaged or removed: what was read of it still holds.
    finished.manifest_file.write_bytes(b"{")
    assert follower.poll() == (False, False)
    finished.manifest_file.unlink()
    assert follower.poll() == (False, False)
    assert len(follower.state.runs) == 4


def test_an_open_screen_sees_the_session_run_again(copied: SessionFolder) -> None:
    now = [100.0]
    source = LiveSource(copied, clock=lambda: now[0])

    def picture() -> tuple[str, bool]:
        for _ in range(20):
            now[0] += 1.0
            source.turn()
        assert source._last is not None
        return source._last.heading.state, source._last.heading.copied

    assert picture() == ("running", True)
    say(copied, ev.SessionChanged(state="stopped"))
    assert picture()[0] == "stopped"
    resumed(copied)
    log = EventLog(copied.conductor_log)
    assert picture() == ("running", False)
    log.close()


def test_memory_is_drawn_when_it_was_measured_whatever_the_order_of_the_runs() -> None:
    request = recorded.request(device="cpu", repeats=1)
    first, second, _ = (run.name for run in request.runs)
    fold = SessionFold("test", request)
    chart = MemoryChart(fold.state)

    def points() -> list[tuple[float, float]]:
        (series,) = chart.spec(columns=100, now_s=0.0).series
        return [(x, y) for x, y in zip(series.xs, series.ys, strict=True) if y == y]

    fold.conductor([ev.Header(t=SECOND)])
    # The first run was made again, at 50 s: its log is read before that of the second.
    fold.run(first, [ev.Memory(t=51 * SECOND, phase="load", rss_bytes=500)])
    assert points() == [(50.0, 500.0)]
    fold.run(second, [ev.Memory(t=11 * SECOND, phase="load", rss_bytes=100)])
    assert points() == [(10.0, 100.0), (50.0, 500.0)]
    fold.run(first, [ev.Memory(t=61 * SECOND, phase="load", rss_bytes=600)])
    assert points() == [(10.0, 100.0), (50.0, 500.0), (60.0, 600.0)]


def test_what_is_shown_over_time_leaves_out_the_time_in_which_nothing_ran() -> None:
    """A day lies between the two halves of the session."""
    request = recorded.request(device="cuda:0", repeats=1)
    first = request.runs[0].name
    day = 86_400 * SECOND
    fold = SessionFold("test", request)
    painter = LivePainter(fold.state)

    def memory() -> list[tuple[float, float]]:
        now_ns = latest_ns(fold.state)
        used = painter.picture(StepsView(), now_ns, copied=False, loading=False).memory.series[0]
        return [(x, y) for x, y in zip(used.xs, used.ys, strict=True) if y == y]

    fold.run(first, [ev.Header(t=2 * SECOND), ev.Memory(t=3 * SECOND, phase="load", reserved_bytes=5)])
    fold.conductor([ev.Header(t=SECOND), ev.SessionChanged(t=SECOND, state="running")])
    fold.conductor(ev.GpuSample(t=(1 + at) * SECOND, used_bytes=at) for at in (10, 20))
    assert memory() == [(10, 10), (20, 20)]
    fold.conductor([ev.Header(t=day), ev.Note(t=day, code="resumed", text="resumed with 1 run to make")])
    fold.conductor(ev.GpuSample(t=day + at * SECOND, used_bytes=20 + at) for at in (10, 20))
    assert memory() == [(10, 10), (20, 20), (30, 30), (40, 40)]
    shown = painter.picture(StepsView(), day + 25 * SECOND, copied=False, loading=False)
    assert shown.heading.elapsed == words.elapsed(45)
    (note,) = (found for found in shown.happenings if found.text == "resumed with 1 run to make")
    assert note.when == words.at(20)
    assert any(y != y for y in shown.memory.series[0].ys)  # the line is broken where the session was
