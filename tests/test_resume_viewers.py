"""What those see who look at a session while it is taken up again, or grows."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from profiler import events as ev
from profiler import sessions
from profiler.analysis.figures import run_figures
from profiler.analysis.fold import SessionFold
from profiler.eventlog import EventLog
from profiler.follow import Follower
from profiler.overview import read_overview
from profiler.sessions import Liveness, SessionFolder
from tests.support import recorded
from tests.support.resuming import again, names, read, say
from tui.feed import LiveSource
from tui.pictures import words
from tui.pictures.live import LivePainter
from tui.pictures.memory import MemoryChart
from tui.pictures.names import latest_ns
from tui.pictures.view import StepsView

SECOND = 1_000_000_000


@pytest.fixture
def copied(tmp_path: Path) -> SessionFolder:
    """A session of another machine: two runs have ended, the third was under way when it was copied."""
    recording = recorded.live(seconds=5)
    return recording.write(tmp_path, until_ns=recording.live_ns)


@pytest.fixture
def finished(tmp_path: Path) -> SessionFolder:
    return recorded.finished().write(tmp_path)


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
