"""The Sessions screen through the Pilot."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.message import Message
from textual.pilot import Pilot

from profiler import sessions
from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.tui.support import same_as_golden, text_of, until, until_read
from tui import managing
from tui.app import StepscopeApp
from tui.listing import ListingSource
from tui.messages import ListingChanged, ReplayPicked, SessionPicked, ShowCompare, ShowNew
from tui.panels.sessions import SelectedPanel, SessionsPanel
from tui.screens.sessions import SessionsScreen
from tui.settings import Settings

NOW_NS = recorded.WALL_NS + 3 * 3600 * 1_000_000_000


def write(home: Path, *names: str, **options: object) -> list[SessionFolder]:
    """Finished sessions, each one newer than the one before."""
    folders = []
    for number, name in enumerate(names):
        folder = recorded.finished(session=name, steps=5, calls=2, **options).write(home)  # type: ignore[arg-type]
        made_at(folder, recorded.WALL_NS + number * 60_000_000_000)
        folders.append(folder)
    return folders


def made_at(folder: SessionFolder, wall_ns: int) -> None:
    sessions.write_manifest(folder, replace(folder.manifest(), created_wall_ns=wall_ns))
    os.utime(folder.manifest_file, ns=(wall_ns, wall_ns))


def row_of(app: StepscopeApp, session: str) -> str:
    return next(line for line in text_of(app).splitlines() if session in line)


def order(app: StepscopeApp) -> str:
    """The first letters of the sessions that are listed, from the top."""
    panel = app.screen.query_one(SessionsPanel)
    return "".join(line.session[0] for line in panel.items())


def foot(app: StepscopeApp) -> str:
    return text_of(app).splitlines()[-1]


async def test_a_session_is_opened_and_left_again(tmp_path: Path) -> None:
    write(tmp_path, "older-one", "newer-one")
    seen: list[object] = []
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 24), message_hook=seen.append) as pilot:
        await until(pilot, lambda: "older-one" in text_of(app))
        assert row_of(app, "newer-one").startswith(">")
        await pilot.press("down")
        await until(pilot, lambda: row_of(app, "older-one").startswith(">"))
        await pilot.press("enter")
        screen = await until_read(pilot)
        assert screen.picture.heading.session == "older-one"
        assert {message.session for message in seen if isinstance(message, SessionPicked)} == {"older-one"}
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        assert row_of(app, "older-one").startswith(">"), "the cursor is where it was"
        await pilot.press("p")
        await until(pilot, lambda: any(isinstance(message, ReplayPicked) for message in seen))
        picked = next(message for message in seen if isinstance(message, ReplayPicked))
        assert picked.path == str(tmp_path / "sessions" / "older-one")
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        await pilot.press("N")
        await until(pilot, lambda: any(isinstance(message, ShowNew) for message in seen))
        assert {message.like for message in seen if isinstance(message, ShowNew)} == {"older-one"}


async def test_live_that_was_opened_first_steps_back_to_the_list(tmp_path: Path) -> None:
    write(tmp_path, "older-one", "newer-one")
    folder = recorded.finished(session="third-one").write(tmp_path)
    app = StepscopeApp(tmp_path, folder)
    seen: list[Message] = []
    async with app.run_test(size=(80, 24), message_hook=seen.append) as pilot:
        await until_read(pilot)
        assert not [message for message in seen if isinstance(message, ListingChanged)], "read though nobody saw it"
        await pilot.press("escape")
        await until(pilot, lambda: "older-one" in text_of(app))


async def test_a_running_session_is_on_top_with_its_progress_and_can_be_stopped(tmp_path: Path) -> None:
    write(tmp_path, "older-one")
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        app = StepscopeApp(tmp_path)
        async with app.run_test(size=(100, 24)) as pilot:
            await until(pilot, lambda: "live-one" in text_of(app) and " % " in row_of(app, "live-one"))
            assert text_of(app).splitlines()[2].startswith("> live-one")
            before = row_of(app, "live-one")
            assert "━" in before and "min" in before
            assert "2 sessions, 1 running" in text_of(app)
            assert "x stop" in foot(app) and "d remove" not in foot(app)
            # It goes on: the bar follows, and the cursor's session says what it does.
            feeder.feed(feeder.recording.live_ns + 20_000_000_000)
            await until(pilot, lambda: row_of(app, "live-one") != before)
            assert "regional-compile: call" in text_of(app)
            await pilot.press("down")
            await until(pilot, lambda: "x stop" not in foot(app) and "d remove" in foot(app))
            await pilot.press("up", "x")
            await until(pilot, lambda: "stop session live-one?" in text_of(app))
            await pilot.press("n")
            await until(pilot, lambda: "stop session" not in text_of(app))
            await pilot.press("x")
            await until(pilot, lambda: "stop session live-one?" in text_of(app))
            await pilot.press("y")
            await until(pilot, lambda: "asked live-one to stop" in text_of(app))
            await pilot.press("q")
        assert len(list(feeder.folder.control.iterdir())) == 1
        assert app.farewell == "The profiler keeps running: stepscope watch live-one brings you back"


async def test_filter_sort_marks_columns_and_what_is_done_to_those_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One start of the app for all the keys of a list that stands still."""
    write(tmp_path, "a-one", "b-two")
    write(tmp_path, "c-three", device="cpu")
    recording = recorded.finished(session="d-died", steps=5, calls=2)
    ends = [one.event.t for one in recording.records if getattr(one.event, "state", "") == "ended"]
    died = recording.write(tmp_path, until_ns=ends[0], here=True)
    made_at(died, recorded.WALL_NS + 3600_000_000_000)
    seen: list[object] = []
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 24), message_hook=seen.append) as pilot:
        await until(pilot, lambda: "a-one" in text_of(app) and "reading" not in text_of(app))
        assert order(app) == "dbac" or order(app) == "dbca"
        await _filter(pilot, app)
        await _sort(pilot, app)
        await _columns(pilot, app)
        await _marks(pilot, app, seen)
        await _removal(pilot, app, tmp_path)
        await _resumption(pilot, app, monkeypatch)


async def _filter(pilot: Pilot[None], app: StepscopeApp) -> None:
    await pilot.press("slash", *"cpu")
    await until(pilot, lambda: order(app) == "c")
    assert "filter cpu: 1 left" in text_of(app) and "esc undo" in foot(app)
    await pilot.press("x", "d")  # letters, as long as one types
    await until(pilot, lambda: order(app) == "" and "nothing matches" in text_of(app))
    await pilot.press("escape")
    await until(pilot, lambda: len(order(app)) == 4 and "filter cpu" not in text_of(app))
    await pilot.press("slash", *"-cpu", "enter")
    await until(pilot, lambda: order(app) == "dba" and "0 all" in foot(app))
    await pilot.press("0")
    await until(pilot, lambda: len(order(app)) == 4)


async def _sort(pilot: Pilot[None], app: StepscopeApp) -> None:
    await pilot.press("s")
    await until(pilot, lambda: order(app) == "abcd" and "by name" in text_of(app))
    await pilot.press("S")
    await until(pilot, lambda: order(app) == "dcba" and "by name, turned" in text_of(app))
    await pilot.click(SessionsPanel, offset=(3, 0))
    await until(pilot, lambda: order(app) == "abcd")
    await pilot.press("colon", *"sort by runs", "enter")
    await until(pilot, lambda: "by runs" in text_of(app) and order(app) in ("cbad", "bcad", "cabd"))
    for _ in range(3):
        await pilot.press("s")
    await until(pilot, lambda: "newest first" in text_of(app))


async def _columns(pilot: Pilot[None], app: StepscopeApp) -> None:
    def head() -> str:
        return text_of(app).splitlines()[1]

    assert "state" in head() and head().endswith("›")
    await pilot.press("shift+right")
    await until(pilot, lambda: "state" not in head() and "‹" in head())
    assert row_of(app, "a-one")
    for _ in range(9):
        await pilot.press("shift+right")
    await until(pilot, lambda: "about" in head())
    for _ in range(9):
        await pilot.press("shift+left")
    await until(pilot, lambda: "state" in head() and "‹" not in head())


async def _marks(pilot: Pilot[None], app: StepscopeApp, seen: list[object]) -> None:
    await pilot.press("home", "space", "down", "space")
    await until(pilot, lambda: "2 marked" in text_of(app))
    await pilot.press("space")
    await until(pilot, lambda: "1 marked" in text_of(app))
    await pilot.press("a")
    await until(pilot, lambda: "4 marked" in text_of(app))
    await pilot.press("v")
    await until(pilot, lambda: any(isinstance(message, ShowCompare) for message in seen))
    asked = next(message for message in seen if isinstance(message, ShowCompare))
    assert sorted(Path(mark.path).name[0] for mark in asked.marks) == ["a", "b", "c", "d"]
    await pilot.press("1")
    await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
    await pilot.press("a")
    await until(pilot, lambda: "marked" not in text_of(app))


async def _removal(pilot: Pilot[None], app: StepscopeApp, home: Path) -> None:
    await pilot.press("slash", *"cpu", "enter", "a", "0", "d")
    await until(pilot, lambda: "remove c-three for good, " in text_of(app))
    await pilot.press("n")
    await until(pilot, lambda: "for good" not in text_of(app))
    assert (home / "sessions" / "c-three").exists()
    await pilot.press("d")
    await until(pilot, lambda: "remove c-three for good, " in text_of(app))
    await pilot.press("y")
    await until(pilot, lambda: order(app) == "dba" and "3 sessions" in text_of(app))
    assert "marked" not in text_of(app), "what is gone is marked no more"
    assert not (home / "sessions" / "c-three").exists()


async def _resumption(pilot: Pilot[None], app: StepscopeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(managing, "why_not_here", lambda folder, request: None)
    monkeypatch.setattr(managing.conductor, "resume", lambda folder, failed: started.append(folder.id) or 1)
    await pilot.press("home")
    await until(pilot, lambda: "r resume" in foot(app))
    await pilot.press("r")
    await until(pilot, lambda: "resume d-died: 2 of 3 runs to make" in text_of(app))
    await pilot.press("y")
    await until(pilot, lambda: started == ["d-died"] and "d-died goes on" in text_of(app))
    await pilot.press("end")
    await until(pilot, lambda: "r resume" not in foot(app))


async def test_a_long_list_scrolls_and_says_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, *(f"session-{number:02d}" for number in range(30)))
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 16)) as pilot:
        await until(pilot, lambda: "1-9 of 30" in text_of(app))
        await pilot.press("pagedown")
        await until(pilot, lambda: row_of(app, "session-20").startswith(">"))
        await pilot.press("end")
        await until(pilot, lambda: "session-00" in text_of(app))
        assert "22-30 of 30" in text_of(app)
        await pilot.press("g")
        await until(pilot, lambda: "session-29" in text_of(app))
        # A click moves the cursor, a double click opens.
        await pilot.click(SessionsPanel, offset=(4, 3))
        await until(pilot, lambda: row_of(app, "session-27").startswith(">"))
        assert app.screen.query_one(SelectedPanel).value is not None
        await pilot.click(SessionsPanel, offset=(4, 1), times=2)
        screen = await until_read(pilot)
        assert screen.picture.heading.session == "session-29"


async def test_an_empty_home_says_how_to_begin(tmp_path: Path) -> None:
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "no sessions yet: press n" in text_of(app))
        assert "…" not in text_of(app), "what one types next is all there"
        assert "open" not in foot(app) and "n new" in foot(app)
        await pilot.press("enter", "x", "d", "r", "s", "S", "a", "slash", "space", "down", "shift+right", "p", "i", "v")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen) and "no sessions yet" in text_of(app))
        await pilot.press("q")
    assert app.farewell is None


# --- golden screens ---


class StillApp(StepscopeApp):
    """The app on a list whose clocks stand still."""

    now_ns = 0

    def get_default_screen(self) -> SessionsScreen:  # type: ignore[override]
        source = ListingSource(self.root, wall_ns=lambda: NOW_NS, now_ns=lambda: self.now_ns)
        return SessionsScreen(self.root, ascii=self.ascii, source=source)


@pytest.fixture
def mixed_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Sessions of all kinds in ./home; the logs' clock at that moment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    home = tmp_path / "home"
    write(home, "9kx2-sd15-txt2img", "p3mm-sdxl-base", "t6ae-wan21-t2v-with-a-very-long-name-of-its-own")
    write(home, "k2s7-flux1-dev")[0].manifest_file.write_text("{")
    recording = recorded.finished(session="w8qd-sd3-medium", steps=5, calls=2)
    ends = [one.event.t for one in recording.records if getattr(one.event, "state", "") == "ended"]
    made_at(recording.write(home, until_ns=ends[0], here=True), recorded.WALL_NS + 600_000_000_000)
    running = recorded.live(session="c4hz-sd15-txt2img")
    copied = recorded.live(session="y7rb-sana", seconds=5)
    made_at(copied.write(home, until_ns=copied.live_ns), recorded.WALL_NS)
    with recorded.Feeder(running, home) as feeder:
        now_ns = running.live_ns + 25_000_000_000
        feeder.feed(now_ns)
        made_at(feeder.folder, NOW_NS - 240_000_000_000)
        yield now_ns
    monkeypatch.undo()
    time.tzset()


async def test_the_list_at_three_sizes(mixed_home: int) -> None:
    for width, height, ascii in ((80, 24, False), (120, 40, False), (200, 60, True)):
        await _golden(mixed_home, width, height, ascii=ascii)


async def _golden(now_ns: int, width: int, height: int, *, ascii: bool) -> None:
    app = StillApp(Path("home"), settings=Settings(ascii=ascii))
    app.now_ns = now_ns
    async with app.run_test(size=(width, height)) as pilot:
        await until(pilot, lambda: " % " in text_of(app) and "reading" not in text_of(app))
        await pilot.press("down", "space")
        await until(pilot, lambda: "1 marked" in text_of(app))
        same_as_golden(f"sessions-{width}x{height}{'-ascii' * ascii}", text_of(app))
        assert not ascii or text_of(app).isascii()


async def test_what_is_marked_is_what_its_number_compares(tmp_path: Path) -> None:
    recorded.finished().write(tmp_path)
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(100, 32)) as pilot:
        await until(pilot, lambda: "done-sd15" in text_of(app))
        await pilot.press("5")
        await until(pilot, lambda: "nothing marked" in text_of(app))
        await pilot.press("1", "space", "5")
        await until(pilot, lambda: "3 rows" in text_of(app))
