"""The list of sessions: in turns, newest first, running ones on top, nothing read twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from profiler import overview
from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.tui.support import flat
from tui import listing
from tui.listing import ListingSource
from tui.panels.sessions import SessionsPanel
from tui.pictures.listing import Listing

NOW_NS = recorded.WALL_NS + 3 * 3600 * 1_000_000_000


def read(source: ListingSource) -> Listing:
    last: Listing | None = None
    for _ in range(1000):
        turn = source.turn()
        last = turn.picture or last
        if turn.wait_s:
            assert last is not None
            return last
    raise AssertionError("turns without end")


def write(home: Path, session: str, made: int) -> SessionFolder:
    folder = recorded.finished(session=session).write(home)
    os.utime(folder.manifest_file, ns=(made, made))
    return folder


def test_running_ones_are_on_top_and_the_newest_first(tmp_path: Path) -> None:
    for number, session in enumerate(("old-done", "new-done")):
        write(tmp_path, session, number)
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        os.utime(feeder.folder.manifest_file, ns=(0, 0))
        lines = read(ListingSource(tmp_path, wall_ns=lambda: NOW_NS)).lines
    assert [line.session for line in lines] == ["live-one", "new-done", "old-done"]
    assert [line.state for line in lines] == ["running", "done", "done"]
    assert [line.runs for line in lines] == ["2/3", "3/3", "3/3"]
    assert lines[1].age == "3 h ago"


def test_a_session_that_is_over_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(folder: SessionFolder) -> overview.Overview:
        seen.append(folder.id)
        return overview.read_overview(folder)

    monkeypatch.setattr(listing, "read_overview", counted)
    folder = write(tmp_path, "one-done", 1)
    source = ListingSource(tmp_path)
    read(source)
    source.turn()
    assert seen == ["one-done"]
    with open(folder.conductor_log, "ab") as file:
        file.write(b'{"kind":"note","seq":99999}\n')
    source.turn()
    assert seen == ["one-done", "one-done"]


def test_a_session_that_dies_in_silence_is_seen_to(tmp_path: Path) -> None:
    source = ListingSource(tmp_path)
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        assert read(source).lines[0].state == "running"
    assert read(source).lines[0].state == "died"


def test_a_copied_session_is_not_under_way_whatever_its_log_says_last(tmp_path: Path) -> None:
    recording = recorded.live(session="copied-one")
    recording.write(tmp_path, until_ns=recording.live_ns)
    write(tmp_path, "done-one", 0)
    lines = read(ListingSource(tmp_path)).lines
    found = next(line for line in lines if line.session == "copied-one")
    assert (found.state, found.copied, found.under_way) == ("running", True, False)
    assert "copied" in flat(SessionsPanel(Listing((found,), True)).lay_out(80, 10))


def test_damaged_sessions_are_listed_too(tmp_path: Path) -> None:
    write(tmp_path, "bad-one", 1).manifest_file.write_text("{")
    line = read(ListingSource(tmp_path)).lines[0]
    assert line.state == "unreadable"
    assert "damaged" in line.reason


def test_no_sessions_yet_says_how_to_make_one(tmp_path: Path) -> None:
    panel = SessionsPanel(read(ListingSource(tmp_path)))
    assert "stepscope demo" in flat(panel.lay_out(100, 10))


def test_a_home_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("a file")
    found = read(ListingSource(tmp_path))
    assert found.error.startswith("cannot read")
    assert found.error in flat(SessionsPanel(found).lay_out(200, 10))
