"""What Live says of a session from whose processes nothing comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.sessions import Liveness
from profiler.vitals import WELL, Vitals
from tests.support import recorded
from tests.tui.support import folded
from tests.tui.test_feed import SECOND, Clock, drained
from tui import feed
from tui.feed import LiveSource
from tui.panels.progress import ProgressPanel
from tui.pictures.progress import progress_lines
from tui.plain import follow_plainly


def state() -> tuple[SessionState, int]:
    recording = recorded.live()
    now_ns = recording.live_ns + 5 * SECOND
    return folded(recording, now_ns), now_ns


def test_a_worker_that_is_silent_is_shown_with_how_long_why_and_where() -> None:
    session, now_ns = state()
    usual = progress_lines(session, now_ns)[1]
    silent = Vitals(run="003-regional-compile-r1", silent_s=42.0, phase="measure", worker="stopped")
    line = progress_lines(session, now_ns, vitals=silent)[1]
    assert line.text == f"no sign of life for 40 s (the worker is suspended): {usual.text}"
    assert line.text_style == "bad" and line.left == "" and line.fraction == usual.fraction
    assert line.brief == "no sign of life for 40 s, at measure"
    for width in (60, 80, 120):
        row = "".join(text for text, _ in ProgressPanel((line,)).lay_out(width, 1)[0])
        assert len(row) <= width and "no sign of life for 40 s" in row


def test_where_nobody_can_tell_what_the_worker_does_nothing_is_said_of_it() -> None:
    session, now_ns = state()
    line = progress_lines(session, now_ns, vitals=Vitals(run="x", silent_s=600.0, phase="\x1b[2J", worker=None))[1]
    assert line.text.startswith("no sign of life for 10 min: ")
    assert line.brief == "no sign of life for 10 min, at ␛[2J"


def test_a_profiler_that_is_suspended_is_told_in_the_sessions_line() -> None:
    session, now_ns = state()
    whole, run = progress_lines(session, now_ns, vitals=Vitals(profiler="stopped"))
    assert whole.text == "the profiler is suspended: it obeys nothing until it goes on"
    assert run == progress_lines(session, now_ns)[1]


def test_live_says_so_after_ten_seconds_and_no_more_when_something_came(tmp_path: Path) -> None:
    clock = Clock()
    recording = recorded.live()
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed(recording.live_ns)
        offset_ns = recording.live_ns - clock.ns()
        source = LiveSource(feeder.folder, clock=clock, now_ns=lambda: clock.ns() + offset_ns)
        assert "no sign of life" not in drained(source, clock).progress[1].text
        clock.now += 30
        picture = source.turn().picture
        assert picture is not None and picture.progress[1].text.startswith("no sign of life for 30 s")
        feeder.feed(clock.ns() + offset_ns)
        clock.now += 1
        picture = source.turn().picture
        assert picture is not None and "no sign of life" not in picture.progress[1].text


class Full:
    f_bavail, f_frsize = 10, 4096


def test_a_disk_that_is_full_is_told_in_live_and_in_plain_lines_once_nothing_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    recording = recorded.live()
    said: list[str] = []
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed(recording.live_ns)
        offset_ns = recording.live_ns - clock.ns()
        source = LiveSource(feeder.folder, clock=clock, now_ns=lambda: clock.ns() + offset_ns)
        monkeypatch.setattr("profiler.diskroom.os.statvfs", lambda _: Full)
        assert "disk" not in drained(source, clock).progress[0].text  # a nearly full one may do
        clock.now += 30
        picture = source.turn().picture
        assert picture is not None
        whole, run = picture.progress
        assert (whole.text, whole.brief) == ("the disk is full: what is measured now is not kept", "the disk is full")
        assert run.text.startswith("no sign of life for 30 s (the disk is full)")
        scenes: list[Callable[[], object]] = [
            lambda: None,
            lambda: monkeypatch.setattr("profiler.diskroom.os.statvfs", lambda _: type("", (Full,), {"f_bavail": 1e9})),
            lambda: feeder.feed(clock.ns() + offset_ns),
        ]

        class Seen(Exception):
            """All scenes were played."""

        def wait(_: float) -> None:
            if not scenes:
                raise Seen
            scenes.pop(0)()

        with pytest.raises(Seen):
            follow_plainly(Follower(feeder.folder), say=said.append, wait=wait, now_ns=lambda: clock.ns() + offset_ns)
    assert said.count("the disk is full: what is measured now is not kept") == 1


@pytest.mark.parametrize("liveness", [Liveness.COPIED, Liveness.GONE])
def test_of_one_that_is_not_alive_here_nothing_is_said(liveness: Liveness, tmp_path: Path) -> None:
    recording = recorded.live()
    folder = recording.write(tmp_path, until_ns=recording.live_ns, here=liveness is Liveness.GONE)
    reading = feed.Reading(folder)
    while reading.poll(Clock()):
        pass
    assert reading._follower is not None and reading._follower.liveness is liveness
    assert reading.vitals(recording.live_ns + 3600 * SECOND) == WELL
