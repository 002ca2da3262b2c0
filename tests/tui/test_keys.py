"""The table of keys: complete, unambiguous, and free of chords that tmux takes."""

from __future__ import annotations

from collections import Counter

import pytest

from tui import keys
from tui.app import StepscopeApp
from tui.screens.help import HelpScreen, help_text
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen

SCREENS = {keys.LIVE: LiveScreen, keys.SESSIONS: SessionsScreen, keys.HELP: HelpScreen}


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
    page = help_text(dark=True).plain
    for key in keys.TABLE:
        if key.where != (keys.HELP,):
            assert key.long in page
            assert keys.display(key) in page
