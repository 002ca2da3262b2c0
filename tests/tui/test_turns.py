"""Keys that come in a bundle, as over a slow link: each is obeyed where the one before has led; keys of the shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support import recorded, triggers
from tests.tui.support import text_of, until
from tui import suspending
from tui.app import StepscopeApp
from tui.screens.triggers import TriggersScreen
from tui.settings import Settings

NAMES = {"/": "slash", ":": "colon", " ": "space", "\r": "enter"}


def typed_ahead(app: App[None], keys: str) -> None:
    """Send the keys all at once."""
    for key in keys:
        app.post_message(events.Key(NAMES.get(key, key), key))


async def lines(pilot: Pilot[None], keys: str) -> None:
    """What is typed right after the key that opens a line is in the line, and nowhere else."""
    app = pilot.app
    theme, screen = app.theme, type(app.screen)
    typed_ahead(app, keys)
    await until(pilot, lambda: [line.value for line in app.screen.query(Input)] == [keys[1:]])
    assert app.is_running
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(app.screen, screen))
    assert app.theme == theme


async def test_what_is_typed_ahead_goes_where_it_is_meant_for(tmp_path: Path) -> None:
    recorded.finished().write(tmp_path)
    triggers.triggers(session="why-x").write(tmp_path)
    app = StepscopeApp(tmp_path, settings=Settings())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "why-x" in text_of(app))
        await lines(pilot, "/done q2 xy")  # quit, another screen, a stop and its yes
        await lines(pilot, ":theme q1")
        typed_ahead(app, "4/unet q")  # on the screen that the first key opens
        await until(pilot, lambda: [line.value for line in app.screen.query(Input)] == ["unet q"])
        await pilot.press("escape")
        screen = app.screen
        assert isinstance(screen, TriggersScreen)
        await until(pilot, lambda: not screen.typing and screen.picture.view == screen.view)
        await lines(pilot, "/tq5")
        await pilot.press("5", "a")
        await until(pilot, lambda: type(app.screen).__name__ == "ChooseScreen")
        await lines(pilot, "/tq4")


async def test_a_key_that_is_never_done_holds_up_no_other(tmp_path: Path) -> None:
    app = StepscopeApp(tmp_path, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        app._turn_began_at = float("-inf")  # one whose screen closed on the way
        await pilot.press("question_mark")
        await until(pilot, lambda: "Help" in type(app.screen).__name__)


@pytest.mark.parametrize("key", ["question_mark", "colon"])
async def test_ctrl_c_leaves_from_over_a_screen_too(key: str, tmp_path: Path) -> None:
    app = StepscopeApp(tmp_path, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit)


async def test_ctrl_z_goes_back_to_a_shell_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    app = StepscopeApp(tmp_path, settings=Settings())
    stopped: list[bool] = []
    monkeypatch.setattr("textual.app.App.action_suspend_process", lambda _: stopped.append(True))
    async with app.run_test(size=(80, 24)) as pilot:
        monkeypatch.setattr(suspending, "under_a_shell", lambda: True)
        await pilot.press("ctrl+z", "slash", "ctrl+z", "escape")
        assert stopped == [True, True]
        monkeypatch.setattr(suspending, "under_a_shell", lambda: False)
        await pilot.press("ctrl+z")
        await until(pilot, lambda: "wasn't started in one" in text_of(app))
        assert stopped == [True, True]


def test_a_shell_is_known_by_its_jobs() -> None:
    command = [sys.executable, "-c", "from tui.suspending import under_a_shell; print(under_a_shell())"]
    root = Path(__file__).parents[2]
    assert subprocess.check_output(command, cwd=root, process_group=0) == b"True\n"
    assert subprocess.check_output(command, cwd=root, start_new_session=True) == b"False\n"
