"""What is around the screens: numbers and the stack of screens, the command palette, the config file, the options."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from textual.pilot import Pilot

from tests.support import recorded, triggers
from tests.tui.support import flat, text_of, until, until_read
from tui import config, keys
from tui.app import StepscopeApp
from tui.cli import main
from tui.commanding import Command, found
from tui.commands.common import CommandError
from tui.commands.screen_options import screen_options
from tui.keys.keymap import checked
from tui.messages import FolderPicked, SessionStarted
from tui.panels.footer import Foot, FooterPanel
from tui.screens.fed import STILL
from tui.screens.help import HelpScreen
from tui.screens.live import LiveScreen
from tui.screens.palette import PaletteScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.triggers import TriggersScreen
from tui.settings import Settings


def names(app: StepscopeApp) -> list[str]:
    return [type(screen).__name__.removesuffix("Screen") for screen in app.screen_stack]


async def to(pilot: Pilot[None], key: str, *stack: str) -> None:
    await pilot.press(key)
    await until(pilot, lambda: names(pilot.app) == ["Sessions", *stack])  # type: ignore[arg-type]


# --- the footer ---


@pytest.mark.parametrize("width", [12, 30, 46, 60, 80])
def test_beside_a_notice_hints_are_whole_or_not_there_and_quit_goes_last(width: int) -> None:
    hints = (*((key, "something") for key in "abc"), ("1-5", "screens"), ("esc", "back"), ("?", "help"), ("q", "quit"))
    notice = "not started: width is 0"
    text = flat(FooterPanel(Foot(hints, staying=4, notice=notice)).lay_out(width, 1))
    assert len(text) <= width
    if width >= len(notice):
        shown = text.removeprefix(notice)
        whole = {"", "…", *(f"{key} {word}" for key, word in hints)}
        assert set(re.split(r"  +", shown)) <= whole
        assert shown.endswith("  q quit") == (len(notice) + len("  …  q quit") <= width)


async def test_a_notice_is_seen_as_long_as_any_and_none_takes_anothers_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers: list[tuple[SimpleNamespace, Callable[[], None]]] = []

    def after(place: object, wait_s: float, then: Callable[[], None]) -> SimpleNamespace:
        timer = SimpleNamespace(going=True)
        timer.stop = lambda: setattr(timer, "going", False)
        timers.append((timer, then))
        return timer

    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        monkeypatch.setattr("tui.screens.base.after", after)
        screen.notice("one")
        screen.notice("two")
        assert [timer.going for timer, _ in timers] == [False, True]
        await until(pilot, lambda: text_of(app).splitlines()[-1].startswith("two  "))
        screen.attend(False)
        timers[-1][1]()
        await until(
            pilot,
            lambda: STILL in text_of(app),
        )


# --- numbers ---


async def test_keys_after_the_one_that_leaves_open_nothing(tmp_path: Path) -> None:
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.action_quit()
        for where in ("New", "Compare"):
            await app.run_action(f"go({where!r})")
        assert names(app) == ["Sessions"]
        await pilot.pause()


async def test_numbers_go_back_to_screens_that_are_open_and_keep_those_that_were_left(tmp_path: Path) -> None:
    first = triggers.triggers().write(tmp_path)
    recorded.finished(session="newest").write(tmp_path)
    app = StepscopeApp(tmp_path, first)
    async with app.run_test(size=(80, 24)) as pilot:
        live = await until_read(pilot)
        assert "1-5 screens" in text_of(app).splitlines()[-1]
        await to(pilot, "4", "Live", "Triggers")
        inspector = app.screen
        await to(pilot, "3", "Live")
        assert app.screen is live, "it was below: one goes back"
        await to(pilot, "5", "Live", "Compare")
        assert "nothing marked: a opens the list" in text_of(app)
        await to(pilot, "a", "Live", "Compare", "Choose")
        await to(pilot, "4", "Live", "Compare", "Triggers")
        assert app.screen is inspector, "it is kept, of the session that was seen last"
        await to(pilot, "escape", "Live", "Compare")
        await to(pilot, "2", "Live", "Compare", "New")
        form = app.screen
        await to(pilot, "1")
        await to(pilot, "2", "New")
        assert app.screen is form
        await to(pilot, "3", "New", "Live")
        assert app.screen is live
        await to(pilot, "1")
        await to(pilot, "escape")
        await to(pilot, "1")


async def test_the_first_live_screen_is_the_newest_sessions(tmp_path: Path) -> None:
    recorded.finished(session="older").write(tmp_path)
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "older" in text_of(app))
        assert text_of(app).splitlines()[0] == "1 Sessions  2 New  3 Live  4 Triggers  5 Compare"
        await pilot.click("TabsPanel", offset=(22, 0))  # Live
        await until(pilot, lambda: isinstance(app.screen, LiveScreen) and app.screen.folder.id == "older")
        await pilot.click("TabsPanel", offset=(30, 0))
        await until(pilot, lambda: isinstance(app.screen, TriggersScreen) and not app.screen.picture.heading.loading)
        await pilot.click("ViewsPanel", offset=(14, 0))
        await until(pilot, lambda: app.screen.view.view == "sides")  # type: ignore[attr-defined]
        await pilot.press("2", "4")
        for size, hinted in (((80, 24), True), ((120, 40), False)):
            await pilot.resize_terminal(*size)
            for key in ("4", "1", "2"):  # also those that lay below when the size changed
                await pilot.press(key)
                await until(pilot, lambda hinted=hinted: ("screens" in text_of(app).splitlines()[-1]) is hinted)  # type: ignore[misc]
                assert ("1 Sessions  2 New" in text_of(app)) is not hinted


async def test_screens_of_several_sessions_lie_over_each_other(tmp_path: Path) -> None:
    """From what lies over one session's screens one gets to another's, and step by step back."""
    first = triggers.triggers().write(tmp_path)
    second = recorded.finished(session="other").write(tmp_path)
    app = StepscopeApp(tmp_path, first, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        live = await until_read(pilot)
        await pilot.press("colon", *"session other", "enter")
        await until(pilot, lambda: names(app) == ["Sessions", "Live", "Live"])
        await to(pilot, "4", "Live", "Live", "Triggers")
        assert isinstance(app.screen, TriggersScreen) and app.screen.folder.id == "other"
        await pilot.press("colon", *f"session {first.id}", "enter")
        await until(pilot, lambda: app.screen is live)
        await to(pilot, "4", "Live", "Triggers")
        inspector = app.screen
        app.post_message(FolderPicked(str(second.path)))  # as from a row of Compare
        await until(pilot, lambda: names(app) == ["Sessions", "Live", "Triggers", "Live"])
        await to(pilot, "4", "Live", "Triggers", "Live", "Triggers")
        await to(pilot, "escape", "Live", "Triggers", "Live")
        await to(pilot, "escape", "Live", "Triggers")
        assert app.screen is inspector
        await to(pilot, "3", "Live")
        assert app.screen is live
        await to(pilot, "4", "Live", "Triggers")
        assert isinstance(app.screen, TriggersScreen) and app.screen.folder.id == first.id
        await to(pilot, "2", "Live", "Triggers", "New")
        app.screen.post_message(SessionStarted("other"))  # as of one that New has started
        await until(pilot, lambda: names(app) == ["Sessions", "Live", "Triggers", "Live"])
        await until_read(pilot)
        await to(pilot, "1")
        assert live.is_running is False, "only the last one of a kind is kept"


async def test_without_sessions_numbers_say_what_makes_one(tmp_path: Path) -> None:
    other = {"go_new": "f9", "new": "f8", "quit": "Q", "compare_add": "A,a", "compare_view": "tab,w"}
    app = StepscopeApp(tmp_path, settings=Settings(keys=checked(other)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "no sessions yet: press F8 to make one, or leave with Q and type" in text_of(app))
        await pilot.press("3")
        await until(pilot, lambda: "there is no session yet: F9 makes one" in text_of(app))
        assert isinstance(app.screen, SessionsScreen)
        await pilot.press("5")
        await until(pilot, lambda: "nothing marked: A opens the list" in text_of(app))
        assert "columns" not in text_of(app).splitlines()[-1]
        await pilot.press("q", "w")
        await until(pilot, lambda: app.screen.view.view == "latency")  # type: ignore[attr-defined]


# --- other keys ---


async def test_keys_of_the_user_replace_ours_in_bindings_footer_and_tabs(tmp_path: Path) -> None:
    recorded.finished(session="older").write(tmp_path)
    changed = {"go_live": "f9,x", "stop": "3", "theme": "f8", "redraw": "t", "no": "q,escape"}
    app = StepscopeApp(tmp_path, settings=Settings(keys=checked(changed)))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "older" in text_of(app))
        assert "F9 Live" in text_of(app).splitlines()[0]
        before = app.theme
        await pilot.press("f8")
        await until(pilot, lambda: app.theme != before)
        await to(pilot, "3")
        await to(pilot, "x", "Live")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "1 2 F9 4 5 screens" in text_of(app).splitlines()[-1])


def test_keys_are_taken_as_people_write_them() -> None:
    assert checked({"stop": "F9, !", "back": "Esc", "page_up": "pgup,F7", "help": "?,%"}) == {
        "stop": "f9,exclamation_mark",
        "back": "escape",
        "page_up": "pageup,f7",
        "help": "question_mark,percent_sign",
    }
    assert checked({"go_live": "4", "go_triggers": "3"}), "keys may change places"


# --- the palette ---


async def test_the_palette_does_what_is_typed(tmp_path: Path) -> None:
    recorded.finished(session="done-sd15").write(tmp_path)
    triggers.triggers().write(tmp_path)
    app = StepscopeApp(tmp_path)
    with chdir(tmp_path):
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "done-sd15" in text_of(app) and "why-sd15" in text_of(app))
            await pilot.press("colon", *"session why", "enter")
            await until(pilot, lambda: isinstance(app.screen, LiveScreen) and app.screen.folder.id.startswith("why"))
            live = await until_read(pilot)
            await pilot.press("colon")
            await until(pilot, lambda: isinstance(app.screen, PaletteScreen))
            offered = {command.action for command in app.screen.offered}  # type: ignore[attr-defined]
            possible = {key.action for key in keys.keys_of(keys.LIVE) if live.possible(key.action)} - {"app.palette"}
            assert possible <= offered and not {"stop", "skip"} & offered
            await pilot.press(*"no such thing")
            await until(pilot, lambda: "nothing is called so" in text_of(app))
            await pilot.press("enter", "escape")
            await until(pilot, lambda: app.screen is live)
            await pilot.press("4")
            await until(pilot, lambda: isinstance(app.screen, TriggersScreen))
            await pilot.press("colon", *"waterfall", "enter")
            await until(pilot, lambda: isinstance(app.screen, TriggersScreen) and app.screen.view.view == "waterfall")
            await pilot.press("colon", *"svg", "enter")
            await until(pilot, (tmp_path / "stepscope-triggers.svg").exists)
            assert (tmp_path / "stepscope-triggers.svg").read_text(encoding="utf-8").startswith("<svg")
            other = next(name for name in app.available_themes if name != app.theme and name.startswith("terminal"))
            await pilot.press("colon", *f"theme {other}", "enter")
            await until(pilot, lambda: app.theme == other)


async def test_the_help_and_the_palette_have_the_least_size_of_all_and_name_the_users_keys(tmp_path: Path) -> None:
    other = {"close_help": "f9,escape", "palette_close": "f10,f12", "page_down": "f7"}
    app = StepscopeApp(tmp_path, settings=Settings(keys=checked(other)))
    async with app.run_test(size=(80, 24)) as pilot:
        for key, opened, foot, closes in (
            ("question_mark", HelpScreen, "F9 close  up down pgup F7 scroll", "f9"),
            ("colon", PaletteScreen, "enter do it  F10 close", "f10"),
        ):
            await pilot.press(key)
            await until(pilot, lambda opened=opened, foot=foot: isinstance(app.screen, opened) and foot in text_of(app))  # type: ignore[misc]
            for size in ((59, 24), (80, 15)):
                await pilot.resize_terminal(*size)
                told = f"too small: 60x16 needed, this is {size[0]}x{size[1]}"
                await until(pilot, lambda told=told: text_of(app).strip() == told)  # type: ignore[misc]
            await pilot.resize_terminal(60, 16)
            await until(pilot, lambda foot=foot: foot in text_of(app))  # type: ignore[misc]
            if opened is PaletteScreen:
                await pilot.press(*"theme dark")
                await until(pilot, lambda: re.search(r"F10 close +\d commands\n", text_of(app)) is not None)
            await pilot.press(closes)
            await until(pilot, lambda: isinstance(app.screen, SessionsScreen))


@pytest.mark.parametrize(
    ("typed", "best"),
    [
        ("the", "theme"),
        ("view water", "Triggers"),
        ("water", "Triggers"),
        ("trg", "Triggers"),
        ("totris", "anywhere"),
        ("", "Triggers"),
    ],
)
def test_what_is_typed_is_found(typed: str, best: str) -> None:
    commands = [
        Command("Triggers", "view: waterfall", "view('waterfall')"),
        Command("anywhere", "to the triggers of this session", "app.go('Triggers')"),
        Command("theme", "dark", "app.wear('dark')"),
    ]
    assert found(typed, commands)[0].group == best
    assert found("xyzzy", commands) == ()


# --- the config file ---


def test_the_file_gives_settings() -> None:
    text = 'theme = "light"\ncolour = 256\nascii = true\nmouse = false\nrefresh = 2\nmax_bytes_per_second = 900\n'
    assert config.parse(text + '[keys]\nstop = "F9"\n', "f") == {
        "theme": "light",
        "colour": "256",
        "ascii": True,
        "mouse": False,
        "refresh_hz": 2.0,
        "max_bytes_per_second": 900,
        "keys": {"stop": "f9"},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("refresh = 20", "f:1: refresh is pictures a second, 0.2 to 10, not 20"),
        ("\n\nrefresh = true", "f:3: refresh is pictures a second, 0.2 to 10, not true"),
        ("x=", "f: not TOML: invalid value"),
        ('a = "b', "f: not TOML: unterminated string"),
        ('them = "light"', "f:1: no setting is called 'them' (did you mean theme?)"),
        ("qqq = 1", "f:1: no setting is called 'qqq' (there are: theme, color, ascii, "),
        ('theme = "pink"', "f:1: theme is one of dark, light, "),
        ('color = "8"', "f:1: color is one of auto, truecolor, 256, 16, none, not '8'"),
        ("ascii = 1", "f:1: ascii is true or false, not 1"),
        ("max_bytes_per_second = 5", "f:1: max_bytes_per_second is a whole number, 100 or more, not 5"),
        ('keys = "x"', "f:1: [keys] is a table of keys by names"),
        ('[keys]\n# one\nstopp = "x"', "f:3: no key is called 'stopp' (the nearest: stop"),
        ('keys.stop = "foo"', "f:1: 'foo' is no key: a key is a letter"),
        ('[keys]\nstop = "ctrl+q"', "f:2: 'ctrl+q' is no key"),
        ('\ufefftheme = "pink"', "f:1: theme is one of dark, light, "),
        ('[keys]\npalette_close = "x"', "f:2: 'x' is a letter of what is typed into the palette: palette_close"),
        ('[keys]\npalette_up = "up,slash"', "f:2: '/' is a letter of what is typed into the palette: palette_up"),
        ('[keys]\npalette_down = "left"', "f:2: 'left' is a key of the line that is typed into the palette"),
        ('[keys]\nstop = ""', "f:2: stop needs at least one key"),
        ("[keys]\nstop = 3", 'f:2: the keys of stop are text in quotes, as stop = "x"'),
        ('[keys]\nstop = "f9,F9"', "f:2: 'F9' is given to stop twice"),
        ('[keys]\nstop = "q"', "f:2: 'q' is quit on Live too (quit; the profiler keeps running): give quit another"),
    ],
)
def test_a_wrong_line_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(config.BadConfig) as told:
        config.parse(text, "f")
    assert str(told.value).startswith(said)
    assert "\n" not in str(told.value)


def test_where_the_file_is(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert config.path({"STEPSCOPE_CONFIG": ""}) is None and config.load({"STEPSCOPE_CONFIG": ""}) == {}
    with pytest.raises(config.BadConfig, match="there is no such file"):
        config.load({"STEPSCOPE_CONFIG": str(file)})
    file.write_bytes(b"theme = '\xff'\n")
    with pytest.raises(config.BadConfig, match=r"config.toml:1: not UTF-8"):
        config.load({"STEPSCOPE_CONFIG": str(file)})
    with pytest.raises(config.BadConfig, match="Is a directory"):
        config.load({"STEPSCOPE_CONFIG": str(tmp_path)})
    file.write_text("refresh = 1")
    assert config.load({"STEPSCOPE_CONFIG": str(file)}) == {"refresh_hz": 1.0}


# --- the options ---


def given(*arguments: str) -> Settings:
    """The settings that a command with the options gets."""
    found: list[Settings] = []

    def command(settings: Settings) -> None:
        found.append(settings)

    click.command()(screen_options(command)).main(args=list(arguments), standalone_mode=False)
    return found[0]


def test_the_command_line_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("ascii = true\nrefresh = 2\nmouse = false\n[keys]\nstop = 'f9'\n")
    monkeypatch.setenv("STEPSCOPE_CONFIG", str(file))
    assert given() == Settings(ascii=True, refresh_hz=2.0, mouse=False, keys={"stop": "f9"})
    assert given("--no-ascii", "--refresh", "0.5", "--color", "16", "--max-bytes-per-second", "900", "--plain") == (
        Settings(refresh_hz=0.5, mouse=False, colour="16", max_bytes_per_second=900, plain=True, keys={"stop": "f9"})
    )
    with pytest.raises(CommandError, match="--theme is one of dark, light"):
        given("--theme", "pink")
    for wrong in (["--refresh", "20"], ["--refresh", "nan"], ["--max-bytes-per-second", "5"], ["--color", "8"]):
        with pytest.raises(click.BadParameter):
            given(*wrong)
    file.write_text("ascii = 1")
    with pytest.raises(CommandError, match="ascii is true or false") as told:
        given()
    assert told.value.code == 2


def test_the_bare_command_lists_sessions_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.finished(session="done-sd15").write(tmp_path)
    monkeypatch.setenv("STEPSCOPE_HOME", str(tmp_path))
    monkeypatch.setenv("STEPSCOPE_CONFIG", "")
    assert main([]) == 0 and "done-sd15" in capsys.readouterr().out
    assert main(["--ascii", "ls"]) == 2
    assert "--ascii before a command is for the list of sessions alone" in capsys.readouterr().err
