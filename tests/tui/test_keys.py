"""The table of keys: complete, unambiguous, and free of chords that tmux takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support import recorded
from tests.tui.support import live_app, text_of, until, until_read
from tui import keys
from tui.app import StepscopeApp
from tui.charts.palette import Colours
from tui.screens.choose import ChooseScreen
from tui.screens.compare import CompareScreen
from tui.screens.help import HelpScreen, help_rows
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.triggers import TriggersScreen

SCREENS = {
    keys.LIVE: LiveScreen,
    keys.SESSIONS: SessionsScreen,
    keys.TRIGGERS: TriggersScreen,
    keys.COMPARE: CompareScreen,
    keys.CHOOSE: ChooseScreen,
    keys.HELP: HelpScreen,
}


def test_ids_are_unique() -> None:
    assert max(Counter(key.id for key in keys.TABLE).values()) == 1


@pytest.mark.parametrize("where", [*SCREENS, keys.ASKING])
def test_a_key_means_one_thing_on_a_screen(where: str) -> None:
    used = Counter(name for key in keys.keys_of(where) for name in key.keys.split(","))
    assert max(used.values()) == 1


def test_no_chords() -> None:
    assert not [key for key in keys.TABLE if "ctrl+" in key.keys or "alt+" in key.keys]


@pytest.mark.parametrize("where", SCREENS)
def test_every_key_has_its_action(where: str) -> None:
    for key in keys.keys_of(where):
        name = key.action.partition("(")[0]
        owner: type = SCREENS[where]
        if name.startswith("app."):
            owner, name = StepscopeApp, name.removeprefix("app.")
        assert hasattr(owner, f"action_{name}"), key


def test_the_help_screen_names_every_key() -> None:
    rows = [(left.plain.strip(), right.plain) for left, right in help_rows(Colours())]
    for key in keys.TABLE:
        if key.where != (keys.HELP,):
            assert (keys.display(key), key.long) in rows


@pytest.mark.parametrize("where", keys.SCREENS)
def test_the_help_screen_begins_with_the_screen_that_is_seen(where: str) -> None:
    titles = [left.plain for left, right in help_rows(Colours(), seen=where) if left.plain and not right.plain]
    assert titles[0] == where
    assert len(set(titles)) == len(titles)
    assert set(titles) == {left.plain for left, right in help_rows(Colours()) if left.plain and not right.plain}


async def test_the_help_page_is_ascii_where_the_terminal_is(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(), ascii=True)
    async with app.run_test(size=(110, 300)) as pilot:
        await until_read(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "below the axis" in text_of(app))
        assert text_of(app).isascii()
