"""The table of keys: complete, unambiguous, and free of chords that tmux takes."""

from __future__ import annotations

from collections import Counter
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from textual.binding import BindingsMap
from textual.pilot import Pilot
from textual.screen import Screen

from tests.support import recorded, triggers
from tests.support.recorded import Recording
from tests.tui.support import live_app, text_of, until, until_read
from tui import keys
from tui.app import StepscopeApp
from tui.pictures.triggers.view import TriggersView
from tui.screens.base import BaseScreen
from tui.screens.choose import ChooseScreen
from tui.screens.compare import CompareScreen
from tui.screens.help import EVERYWHERE, HelpScreen, help_rows
from tui.screens.live import LiveScreen
from tui.screens.new import NewScreen
from tui.screens.palette import PaletteScreen
from tui.screens.replay import ReplayScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.triggers import TriggersScreen

SCREENS = {
    keys.LIVE: LiveScreen,
    keys.SESSIONS: SessionsScreen,
    keys.TRIGGERS: TriggersScreen,
    keys.COMPARE: CompareScreen,
    keys.CHOOSE: ChooseScreen,
    keys.NEW: NewScreen,
    keys.REPLAY: ReplayScreen,
    keys.HELP: HelpScreen,
    keys.PALETTE: PaletteScreen,
}


@pytest.fixture(scope="module")
def recording() -> Recording:
    return triggers.triggers()


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


@pytest.mark.parametrize("where", keys.SCREENS)
def test_the_help_screen_tells_each_key_and_begins_with_the_screen_that_is_seen(where: str) -> None:
    rows = help_rows(where)
    told = [(row.left.strip(), row.right, row.name) for row in rows]
    for key in keys.TABLE:
        if key.where != (keys.HELP,):
            assert (keys.display(key), key.long, key.id) in told
    titles = [row.left for row in rows if row.left and not row.right]
    assert titles[0] == where and EVERYWHERE in titles
    assert len(set(titles)) == len(titles)


def test_the_help_screen_shows_keys_as_the_user_has_them() -> None:
    rows = help_rows(keys.LIVE, keys.remapped({"stop": "f9,colon"}))
    assert [row.left.strip() for row in rows if row.name == "stop"] == ["F9 :"] * 2


def test_the_words_of_the_help_screen_name_keys_as_the_user_has_them() -> None:
    other = {"legs": "f6", "loop": "f7,l", "zoom": "f8", "triggers_filter": "f9"}
    before, after = help_rows(keys.LIVE), help_rows(keys.LIVE, keys.remapped(other))
    words = [[f"{row.left.strip()} {row.right}" for row in rows if not row.name] for rows in (before, after)]
    changed = [(was, now) for was, now in zip(*words, strict=True) if was != now]
    for (was, now), key, other_key in zip(changed, "/flz", ("F9", "F6", "F7", "F8"), strict=True):
        assert now.replace(f"{other_key} ", f"{key} ") == was
    assert "{" not in "".join(words[0]), "every name of a key in a text is one of the table"


async def test_the_help_page_is_ascii_where_the_terminal_is(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(), ascii=True)
    async with app.run_test(size=(110, 300)) as pilot:
        await until_read(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "below the axis" in text_of(app))
        assert text_of(app).isascii()


# --- what each key does, on each screen ---


@dataclass
class Driven:
    """One screen of an app under test, and what a key of it has changed."""

    app: StepscopeApp
    pilot: Pilot[None]
    where: str
    screen: Screen[Any]
    redrawn: int = 0
    left: int = 0
    before: object = None

    def __post_init__(self) -> None:
        self.app.redraw = self._redraw  # type: ignore[method-assign]
        self.app.exit = self._leave  # type: ignore[assignment, method-assign]

    def _redraw(self) -> None:
        self.redrawn += 1

    def _leave(self, *_: object, **__: object) -> None:
        self.left += 1

    def seen(self) -> object:
        """All that a key can change: the cells with their looks, the screens, the theme, the clipboard, the end."""
        cells = tuple(tuple(strip) for strip in self.app.screen._compositor.render_strips())
        stack = tuple(map(id, self.app.screen_stack))
        scrolled = tuple(widget.scroll_offset for widget in self.app.screen.query("VerticalScroll"))
        return cells, stack, scrolled, self.app.theme, self.app.clipboard, self.redrawn, self.left

    async def settle(self) -> None:
        """Back to the screen as one comes to it, with nothing asked, typed, filtered or said."""
        await self.pilot.pause()
        if self.screen not in self.app.screen_stack:  # those that aren't kept are opened again
            await self.app.action_go(keys.SESSIONS)
            self.screen = await _opened(self.where, self.app, self.pilot)
        while self.app.screen is not self.screen:
            await self.app.pop_screen()
        screen = self.screen
        if isinstance(screen, BaseScreen):
            if screen.asking:
                screen.action_answer(False)
            if getattr(screen, "typing", False):
                await self.pilot.press("escape")
            if isinstance(screen, TriggersScreen):
                screen.look(TriggersView())
            screen._foot.put(replace(screen._foot.value, notice=""))
        if isinstance(screen, TriggersScreen | CompareScreen):
            await until(self.pilot, lambda: screen.picture.view == screen.view)

    async def press(self, key: keys.Key, name: str) -> str:
        """``effect``, ``impossible`` or, which is a fault, ``nothing``. A list's end may need another key before."""
        for prelude in ((), *PRELUDES.get(key.id, ())):
            await self.settle()
            for before in prelude:
                await self.pilot.press(before)
                await self._calm()
            if isinstance(self.screen, BaseScreen) and not self.screen.possible(key.action):
                continue
            await self._calm()
            self.before = self.seen()
            await self.pilot.press(name)
            if await self._changed():
                return "effect"
        possible = not isinstance(self.screen, BaseScreen) or self.screen.possible(key.action)
        return "nothing" if possible else "impossible"

    async def _calm(self) -> None:
        """Until the newest picture is of the view that was asked for: a feed makes it in a turn of its thread."""
        screen = self.screen
        if isinstance(screen, LiveScreen):
            await until(self.pilot, lambda: screen.picture.view.slots == screen._view.slots)
        await self.pilot.pause()

    async def _changed(self) -> bool:
        """Whether something is other than before, soon: what a feed makes takes a turn of its thread."""
        for _ in range(CHANGE_TURNS):
            await self.pilot.pause(0.02)
            if self.seen() != self.before:
                return True
        return False


CHANGE_TURNS = 50
HERE = {"go_sessions": keys.SESSIONS}
"""The key that goes where one is already, on the screen on which those of all screens are pressed."""

PRELUDES: dict[str, tuple[tuple[str, ...], ...]] = {
    "up": (("down",), ("down", "down")),
    "page_up": (("end",), ("pagedown",)),
    "page_down": (("home",),),
    "down": (("home",),),
    "first": (("end",),),
    "last": (("home",),),
    "triggers_up": (("J",),),
    "compare_up": (("J",),),
    "replay_step_before": (("right_square_bracket",),),
    "replay_compile_before": (("end",),),
    "replay_begin": (("end",),),
    "replay_first": (("G",),),
    "pan_right": (("plus", "less_than_sign"),),
    "pan_left": (("plus",),),
    "palette_up": (("down",),),
    "palette_page_up": (("pagedown",),),
}


async def _opened(where: str, app: StepscopeApp, pilot: Pilot[None]) -> Screen[Any]:
    """The screen, as one comes to it."""
    await until(pilot, lambda: "why-sd15" in text_of(app))
    number = {keys.NEW: "2", keys.LIVE: "3", keys.TRIGGERS: "4"}.get(where)
    if number is not None:
        await pilot.press(number)
    elif where in (keys.COMPARE, keys.CHOOSE):
        await pilot.press("v", *("a" if where == keys.CHOOSE else ""))
    elif where == keys.REPLAY:
        await pilot.press("p")
    elif where == keys.HELP:
        await pilot.press("question_mark")
    elif where == keys.PALETTE:
        await pilot.press("colon")
    await until(pilot, lambda: isinstance(app.screen, SCREENS[where]))
    screen = app.screen
    if isinstance(screen, LiveScreen | TriggersScreen):
        await until(pilot, lambda: not screen.picture.heading.loading)
    elif isinstance(screen, CompareScreen):
        await until(pilot, lambda: not screen.picture.loading)
    return screen


@pytest.mark.parametrize("where", SCREENS)
def test_every_key_of_a_screen_is_bound_to_its_action(where: str) -> None:
    bound = BindingsMap(SCREENS[where].BINDINGS)
    for key in keys.keys_of(where):
        for name in key.keys.split(","):
            assert key.action in [binding.action for binding in bound.key_to_bindings[name]]


@pytest.mark.parametrize("where", SCREENS)
async def test_every_key_does_something_or_is_not_offered(where: str, tmp_path: Path, recording: Recording) -> None:
    recording.write(tmp_path)
    recorded.finished(session="done-sd15").write(tmp_path)
    app = StepscopeApp(tmp_path)
    with chdir(tmp_path):
        async with app.run_test(size=(100, 24)) as pilot:
            driven = Driven(app, pilot, where, await _opened(where, app, pilot))
            did: dict[str, str] = {}
            for key in keys.keys_of(where):
                shared = key.action.startswith("app.") and keys.SESSIONS in key.where and where != keys.SESSIONS
                if not shared and HERE.get(key.id) != where:
                    did[key.id] = await driven.press(key, key.keys.split(",")[0])
            assert not [name for name, what in did.items() if what == "nothing"]
            assert list(did.values()).count("effect") * 3 > len(did), did
