"""The Sessions screen through the Pilot."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support import recorded
from tests.tui.support import same_as_golden, text_of, until, until_read
from tui.app import StepscopeApp
from tui.messages import SessionPicked
from tui.panels.sessions import SessionsPanel
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen


def write(home: Path, *names: str) -> None:
    for number, name in enumerate(names):
        folder = recorded.finished(session=name).write(home)
        os.utime(folder.manifest_file, ns=(number, number))


def row_of(app: StepscopeApp, session: str) -> str:
    return next(line for line in text_of(app).splitlines() if session in line)


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


async def test_live_that_was_opened_first_steps_back_to_the_list(tmp_path: Path) -> None:
    write(tmp_path, "older-one", "newer-one")
    folder = recorded.finished(session="third-one").write(tmp_path)
    app = StepscopeApp(tmp_path, folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "older-one" in text_of(app))


async def test_a_running_session_is_on_top_and_can_be_stopped(tmp_path: Path) -> None:
    write(tmp_path, "older-one")
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        app = StepscopeApp(tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "live-one" in text_of(app))
            assert text_of(app).splitlines()[2].startswith("> live-one")
            assert "x stop" in text_of(app)
            await pilot.press("down")
            await until(pilot, lambda: "x stop" not in text_of(app))
            await pilot.press("up", "x")
            await until(pilot, lambda: "stop session live-one?" in text_of(app))
            await pilot.press("y")
            await until(pilot, lambda: "asked live-one to stop" in text_of(app))
            await pilot.press("q")
        assert len(list(feeder.folder.control.iterdir())) == 1
        assert app.farewell == "The profiler keeps running: stepscope watch live-one brings you back"


async def test_a_long_list_scrolls_and_says_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, *(f"session-{number:02d}" for number in range(30)))
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 16)) as pilot:
        await until(pilot, lambda: "1-13 of 30" in text_of(app))
        await pilot.press("end")
        await until(pilot, lambda: "session-00" in text_of(app))
        assert "18-30 of 30" in text_of(app)
        await pilot.press("g")
        await until(pilot, lambda: "session-29" in text_of(app))


async def test_a_click_moves_the_cursor_and_a_double_click_opens(tmp_path: Path) -> None:
    write(tmp_path, "older-one", "newer-one")
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "older-one" in text_of(app))
        await pilot.click(SessionsPanel, offset=(4, 2))
        await until(pilot, lambda: row_of(app, "older-one").startswith(">"))
        await pilot.click(SessionsPanel, offset=(4, 1), times=2)
        screen = await until_read(pilot)
        assert screen.picture.heading.session == "newer-one"


async def test_an_empty_home_says_how_to_begin(tmp_path: Path) -> None:
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "no sessions yet: 'stepscope demo'" in text_of(app))
        assert "open" not in text_of(app).splitlines()[-1]
        await pilot.press("enter", "x", "down")
        await pilot.press("q")
    assert app.farewell is None


async def test_the_list(tmp_path: Path) -> None:
    write(tmp_path, "older-one", "newer-one")
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(100, 20)) as pilot:
        await until(pilot, lambda: "older-one" in text_of(app))
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        lines = text_of(app).splitlines()
        # the home's path and the ages depend on the machine and the day
        same_as_golden("sessions-100x20", "\n".join([lines[1], lines[-1]]))
        assert not isinstance(screen, LiveScreen)
