"""What a terminal can show is read from its environment, and no more than that is sent to it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.support import recorded
from tests.support.terminal import Terminal
from tests.tui.support import text_of, until, until_painted
from tui import theme
from tui.app import StepscopeApp
from tui.settings import ColourMode, Settings
from tui.terminals import terminal_kind

ROOT = Path(__file__).parents[2]
NOT_ASCII = re.compile(r"[^\x00-\x7f]")


# --- read from the environment ---


@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ("TERM=xterm-256color COLORTERM=truecolor", "truecolor"),
        ("TERM=xterm-256color COLORTERM=24bit", "truecolor"),
        ("TERM=xterm-256color", "256"),
        ("TERM=tmux-256color COLORTERM=truecolor TMUX=/tmp/t", "truecolor"),
        ("TERM=screen COLORTERM=truecolor TMUX=/tmp/t STY=1.x", "truecolor"),
        ("TERM=screen-256color COLORTERM=truecolor STY=1.x", "256"),
        ("TERM=screen COLORTERM=truecolor STY=1.x", "16"),
        ("TERM=screen", "16"),
        ("TERM=xterm-kitty", "truecolor"),
        ("TERM=alacritty", "truecolor"),
        ("TERM=xterm-direct", "truecolor"),
        ("TERM=xterm", "16"),
        ("TERM=linux", "16"),
        ("TERM=rxvt", "16"),
        ("TERM=vt100", "none"),
        ("TERM=vt220", "none"),
        ("TERM=xterm-mono", "none"),
        ("TERM=dumb COLORTERM=truecolor", "none"),
        ("COLORTERM=truecolor", "none"),
        ("TERM=xterm-256color COLORTERM=truecolor NO_COLOR=1", "none"),
        ("TERM=xterm-256color NO_COLOR=", "256"),
        ("TERM=xterm-256color COLORTERM=yes", "256"),
    ],
)
def test_the_colours_of_a_terminal(environ: str, depth: str) -> None:
    assert terminal_kind(_environ(environ), encoding="utf-8").depth == depth


def test_what_is_asked_for_goes_before_no_color() -> None:
    environ = _environ("TERM=xterm NO_COLOR=1")
    assert terminal_kind(environ, colour="truecolor", encoding="utf-8").depth == "truecolor"
    assert terminal_kind(_environ("TERM=xterm"), colour="none", encoding="utf-8").depth == "none"


@pytest.mark.parametrize(
    ("term", "encoding", "ascii"),
    [
        ("xterm-256color", "utf-8", False),
        ("xterm-256color", "UTF8", False),
        ("linux", "utf-8", True),
        ("vt220", "utf-8", True),
        ("xterm-256color", "iso8859-1", True),
        ("xterm-256color", "ascii", True),
        ("xterm-256color", "no such thing", True),
    ],
)
def test_where_characters_beyond_ascii_may_come_out_as_boxes(term: str, encoding: str, ascii: bool) -> None:
    assert terminal_kind({"TERM": term}, encoding=encoding).ascii is ascii


@pytest.mark.parametrize(
    ("told", "dark"),
    [
        ("15;0", True),
        ("0;15", False),
        ("0;default;7", False),
        ("12;8", True),
        ("", True),
        ("x", True),
        ("0;" + "9" * 5000, False),
    ],
)
def test_a_light_background_is_known_where_it_is_told(told: str, dark: bool) -> None:
    assert terminal_kind({"TERM": "rxvt", "COLORFGBG": told}, encoding="utf-8").dark is dark


@pytest.mark.parametrize("term", ["dumb", "", "unknown", "DUMB"])
def test_a_terminal_without_a_cursor_gets_no_screen(term: str) -> None:
    assert not terminal_kind({"TERM": term}, encoding="utf-8").draws
    assert terminal_kind({"TERM": "vt100"}, encoding="utf-8").draws


def _environ(text: str) -> dict[str, str]:
    return dict(one.split("=", 1) for one in text.split())


# --- the app ---


@pytest.mark.parametrize(
    ("environ", "settings", "name", "depth"),
    [
        ({"TERM": "xterm-256color"}, Settings(), "dark", "256"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, Settings(), "light", "256"),
        ({"TERM": "xterm"}, Settings(theme="light"), "terminal-light", "16"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Settings(), "mono", "none"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Settings(colour="256", theme="high-contrast"), "high-contrast", "256"),
    ],
)
async def test_the_app_takes_the_theme_for_the_terminal(
    environ: dict[str, str], settings: Settings, name: str, depth: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    app = StepscopeApp(tmp_path, settings=settings)
    async with app.run_test(size=(80, 24)) as pilot:
        assert (app.theme, theme.depth_of(app)) == (name, depth)
        await pilot.press("t")
        assert app.theme == theme.next_theme(name, theme.depth_of(app)).name


@pytest.mark.parametrize("colour", ["none", "16"])
async def test_where_one_types_is_seen_without_colours(colour: ColourMode, tmp_path: Path) -> None:
    recorded.finished().write(tmp_path)
    app = StepscopeApp(tmp_path, settings=Settings(colour=colour))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "done-sd15" in text_of(app))
        await pilot.press("slash", "a")
        await until(pilot, lambda: "filter a" in text_of(app))
        last = list(app.screen._compositor.render_strips()[-1])
        assert [text for text, style, _ in last if style is not None and style.reverse] == [" "]  # the cursor
        if colour == "none":
            every = [style for strip in app.screen._compositor.render_strips() for _, style, _ in strip if style]
            assert all(style.color is None or style.color.is_default for style in every)
            assert all(style.bgcolor is None or style.bgcolor.is_default for style in every)


async def test_every_screen_is_written_in_ascii_and_back_while_it_is_open(tmp_path: Path) -> None:
    app = StepscopeApp(tmp_path, recorded.finished().write(tmp_path))
    async with app.run_test(size=(120, 40)) as pilot:
        await until_painted(pilot)
        for key in ("3", "1", "2", "4", "5"):
            await pilot.press(key)
            await until(pilot, lambda: "reading" not in text_of(app))
            before = text_of(app)
            assert NOT_ASCII.search(before), f"{key}: nothing to be seen of the switch"
            await pilot.press("f2")
            await until(pilot, lambda: not NOT_ASCII.search(text_of(app)))
            await pilot.press("f2")
            await until(pilot, lambda before=before: text_of(app) == before)  # type: ignore[misc]
        await pilot.press("f2", "1")
        await until(pilot, lambda: not NOT_ASCII.search(text_of(app)))  # those that are opened later too
        await pilot.press("question_mark")
        await until(pilot, lambda: "Help" in type(app.screen).__name__)
        assert not NOT_ASCII.search(text_of(app))


# --- real terminals ---


def _watch(*options: str) -> list[str]:
    return [sys.executable, str(ROOT / "stepscope.py"), "watch", *options]


@pytest.mark.pty
@pytest.mark.parametrize(
    ("environ", "options", "wanted", "unwanted"),
    [
        ({"NO_COLOR": "1"}, (), rb";1;", rb";(3[0-8]|4[0-8]|9[0-7]|10[0-7]);"),
        ({}, ("--color", "16", "--ascii"), rb";(3|9)[0-7];", rb";[34]8;|[\x80-\xff]"),
    ],
    ids=["none", "16 and ASCII"],
)
def test_no_more_is_sent_than_the_terminal_takes(
    environ: dict[str, str], options: tuple[str, ...], wanted: bytes, unwanted: bytes, tmp_path: Path
) -> None:
    recorded.finished().write(tmp_path)
    environ = {"STEPSCOPE_HOME": str(tmp_path), "STEPSCOPE_CONFIG": "", **environ}
    with Terminal(_watch(*options), columns=100, rows=30, environ=environ) as terminal:
        terminal.wait_for("regional-compile", 20)
        terminal.wait_for("q quit", 20)
        terminal.send("q")
        assert terminal.wait() == 0
    drawn = bytes(terminal.raw).partition(b"\x1b[?1049h")[2].partition(b"\x1b[?1049l")[0]
    # What the looks of cells are told by, each code between semicolons; and all that is not a code.
    looks = b" ".join(b";%b;" % codes for codes in re.findall(rb"\x1b\[([0-9;]*)m", drawn))
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", drawn)
    assert re.search(wanted, looks)
    assert not re.search(unwanted, looks + b" " + text)


@pytest.mark.pty
@pytest.mark.parametrize(("environ", "options"), [({"TERM": "dumb"}, ()), ({}, ("--plain",))], ids=["dumb", "--plain"])
def test_lines_instead_of_a_screen_hold_no_escape_byte(
    environ: dict[str, str], options: tuple[str, ...], tmp_path: Path
) -> None:
    recorded.finished().write(tmp_path)
    environ = {"STEPSCOPE_HOME": str(tmp_path), "STEPSCOPE_CONFIG": "", **environ}
    with Terminal(_watch(*options), columns=100, rows=60, environ=environ) as terminal:
        assert terminal.wait(20) == 0
        terminal.hang_up()
    assert b"measure" in terminal.raw and b"\x1b" not in terminal.raw
    assert not re.search("[\u2500-\u259f\u2800-\u28ff]", terminal.raw.decode())
