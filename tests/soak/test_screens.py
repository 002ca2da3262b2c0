"""Screens that are opened and left again and again leave nothing behind: no thread that reads, no file, no memory."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest
from textual._styles_cache import StylesCache
from textual.pilot import Pilot

from tests.soak.gauge import Held, held
from tests.support import recorded, triggers
from tests.tui.support import live_app, text_of, until, until_read
from tui import keys
from tui.app import StepscopeApp
from tui.screens.compare import CompareScreen
from tui.screens.help import HelpScreen
from tui.screens.live import LiveScreen
from tui.screens.new import NewScreen
from tui.screens.replay import ReplayScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.triggers import TriggersScreen

MIB = 1 << 20


async def go_round(app: StepscopeApp, pilot: Pilot[None]) -> None:
    """Every screen that a session has, and back to the list."""
    for key, screen in (("3", LiveScreen), ("question_mark", HelpScreen), ("question_mark", LiveScreen)):
        await pilot.press(key)
        await until(pilot, lambda screen=screen: isinstance(app.screen, screen))  # type: ignore[misc]
    for where, screen in (
        (keys.TRIGGERS, TriggersScreen),
        (keys.NEW, NewScreen),
        (keys.SESSIONS, SessionsScreen),
    ):
        await app.action_go(where)
        await until(pilot, lambda screen=screen: isinstance(app.screen, screen))  # type: ignore[misc]
    for key, screen in (("v", CompareScreen), ("p", ReplayScreen)):
        await pilot.press(key)
        await until(pilot, lambda screen=screen: isinstance(app.screen, screen))  # type: ignore[misc]
        await app.action_go(keys.SESSIONS)
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
    while len(app.screen_stack) > 1 and not isinstance(app.screen, SessionsScreen):
        await app.pop_screen()


async def rounds(home: Path, times: int) -> list[Held]:
    """What is held after each of ``times`` rounds through the screens."""
    triggers.triggers().write(home)
    recorded.finished(session="done-sd15").write(home)
    app = StepscopeApp(home)
    found = []
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "done-sd15" in text_of(app))
        for _ in range(times):
            await go_round(app, pilot)
            found.append(_held())
    return found


async def opened(home: Path, sessions: int) -> list[Held]:
    """What is held after each of so many sessions was opened and left."""
    for number in range(sessions):
        recorded.finished(session=f"done-{number:03d}").write(home)
    app = StepscopeApp(home)
    found = []
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: f"done-{sessions - 1:03d}" in text_of(app))
        for _ in range(sessions):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, LiveScreen) and not app.screen.picture.heading.loading)
            await app.action_go(keys.SESSIONS)
            await pilot.press("j")
            found.append(_held())
    return found


def _held() -> Held:
    """Without what Textual keeps of the last 1024 widgets' borders, whole widgets among it: that has an end."""
    StylesCache.get_inner_outer.cache_clear()  # type: ignore[attr-defined]
    return held()


def check(found: list[Held], slack: int) -> None:
    """The first few are for what is made once."""
    first, last = found[len(found) // 3], found[-1]
    assert (last.descriptors, last.threads) == (first.descriptors, first.threads)
    assert last.resident - first.resident <= slack, f"{(last.resident - first.resident) / MIB:.1f} MiB more"


async def test_screens_that_come_and_go(tmp_path: Path) -> None:
    check(await rounds(tmp_path, 4), 2 * MIB)


async def test_the_widgets_of_a_closed_screen_are_given_back(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(100, 30)) as pilot:
        await until_read(pilot)
        gone = []
        for _ in range(2):
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            gone += [weakref.ref(widget) for widget in app.screen.query("*")]
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, LiveScreen))
        _held()
        # the last one's may still be in a message that was handled last
        assert not any(each() for each in gone[: len(gone) // 2])


async def test_sessions_that_are_opened_one_after_the_other(tmp_path: Path) -> None:
    check(await opened(tmp_path, 6), 3 * MIB)


@pytest.mark.soak
async def test_a_thousand_rounds(tmp_path: Path) -> None:
    check(await rounds(tmp_path, 1000), 8 * MIB)


@pytest.mark.soak
async def test_a_hundred_sessions(tmp_path: Path) -> None:
    check(await opened(tmp_path, 100), 8 * MIB)
