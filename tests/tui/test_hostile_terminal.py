"""Every screen on sessions in which every text is hostile: what is painted, and what goes over the wire."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

import pytest
from rich.cells import get_character_cell_size
from textual.strip import Strip

from profiler import boundary, eventlog
from tests.support import steered
from tests.support.terminal import Terminal
from tests.tui.hostile import HOSTILE
from tests.tui.support import text_of, until
from tests.tui.test_terminal import start
from tui import keys, safe
from tui.app import StepscopeApp
from tui.pictures.live import LivePainter

COLUMNS, ROWS = 120, 40
HOME = "ho\x1b]0;owned\x07\x9b31mme\u202e\n[red]"

LIVE = "tab tab n right + a o y f r L J"
TRIGGERS = "right down tab tab tab r s v J"
COMPARE = "tab tab tab tab tab tab tab s down L l p J v"
WALK = (
    # What is pressed, and the screen that it ends on.
    (LIVE, keys.LIVE),
    ("? down esc", keys.LIVE),
    (": down esc", keys.LIVE),
    ("4", keys.TRIGGERS),
    (TRIGGERS, keys.TRIGGERS),
    ("/ x enter a", keys.TRIGGERS),
    ("1", keys.SESSIONS),
    ("down up s / h enter 0 a", keys.SESSIONS),
    ("v", keys.COMPARE),
    (COMPARE, keys.COMPARE),
    ("/ x esc", keys.COMPARE),
    ("a", keys.CHOOSE),
    ("right down right down space", keys.CHOOSE),
    ("2", keys.NEW),
    ("down right down down enter esc", keys.NEW),
    ("1 end p", keys.REPLAY),
    ("] } end", keys.REPLAY),
)
"""Through all the screens there are, from Live."""

NAMED = {"esc": "escape", "?": "question_mark", ":": "colon", "/": "slash", "+": "plus", "]": "right_square_bracket"}
NAMED |= {"}": "right_curly_bracket"}
BYTES = {"tab": "\t", "esc": "\x1b", "enter": "\r", "space": " ", "end": "\x1b[F"}
BYTES |= {"down": "\x1b[B", "up": "\x1b[A", "right": "\x1b[C", "left": "\x1b[D"}


def faults(rows: list[Strip]) -> list[str]:
    """The rows in which something would steer a terminal, or that aren't as wide as it is."""
    found = []
    for strip in rows:
        cells = sum(map(get_character_cell_size, strip.text))
        if not strip.text.isprintable() or cells != COLUMNS or strip.cell_length != COLUMNS:
            found.append(f"{cells} of {COLUMNS}: {strip.text!r}")
    return found


async def test_every_screen_shows_any_text_and_keeps_to_its_width(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The texts as they were written: what a screen makes of them is looked at alone, before the last gate.
    monkeypatch.setattr(eventlog, "may_harm", lambda _: False)
    monkeypatch.setattr(boundary, "may_harm", lambda _: False)
    home = tmp_path / HOME
    folder, *_ = steered.write(home)
    app = StepscopeApp(home, folder)
    wrong: dict[str, None] = {}
    shown: set[str] = set()

    def look(where: str) -> None:
        rows = app.screen._compositor.render_strips()
        wrong.update(dict.fromkeys(f"{where}, {fault}" for fault in faults(rows)))
        shown.update(row.text for row in rows)

    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await until(pilot, lambda: "reading" not in text_of(app))
        for pressed, where in WALK:
            for key in pressed.split():
                await pilot.press(NAMED.get(key, key))
                look(where)
            await until(pilot, lambda where=where: getattr(app.screen, "where", "") == where)
            await until(pilot, lambda: "reading" not in text_of(app))
            look(where)
    assert not wrong, "\n".join(wrong)
    seen = "\n".join(shown)
    assert not [text for text in steered.PAYLOADS if safe.line(text)[:5] not in seen]


async def test_what_is_said_after_leaving_steers_no_terminal(tmp_path: Path) -> None:
    home = tmp_path / HOME
    folder, *_ = steered.write(home)
    app = StepscopeApp(home, folder)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "reading" not in text_of(app))
        await pilot.press("q")
    assert app.farewell is not None and "we␛]0;owned␇" in app.farewell
    assert app.farewell.isprintable()


async def test_what_is_said_of_a_mistake_of_ours_steers_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise ValueError("".join(HOSTILE))

    monkeypatch.setattr(LivePainter, "picture", fail)
    folder, *_ = steered.write(tmp_path / HOME)
    app = StepscopeApp(tmp_path / HOME, folder)
    with pytest.raises(ValueError, match="owned"):
        async with app.run_test() as pilot:
            await until(pilot, lambda: app._exception is not None)
    said = capfd.readouterr().err
    assert "ValueError: [/nope]" in said and "tui/feed.py" in said
    assert said.replace("\n", "").isprintable()


SEEN = {
    keys.LIVE: "results",
    keys.TRIGGERS: "what happened",
    keys.SESSIONS: "progress  runs",
    keys.COMPARE: "verdict",
    keys.CHOOSE: "torch",
    keys.NEW: "pipeline",
    keys.REPLAY: "replay",
}
"""A word that is on the screen, and on none of those before it in the walk."""

STEERING = (
    "\x1b]0;",
    "\x1b]8;",
    "\x1b]52;",
    "\x1b[2J",
    "\x1b[31m",
    "\x1bP",
    "\x1b_",
    "\x1b[6n",
    "\x9b",
    "\x9d",
    "\u202e",
    "\x00",
)
"""How those that come anywhere begin; the program never sends such."""

SILENCE_S = 0.1

_LOOK = r"(?:0|1|2|3|4|7|22|23|24|27|39|49|[34]8;2;\d+;\d+;\d+)"
SEQUENCES = re.compile(
    r"\x1b\[\d+;\d+H|\x1b\[\d*C"  # where to write
    rf"|\x1b\[{_LOOK}(?:;{_LOOK})*m"  # how it looks
    r"|\x1b\[\?2026[hl]"  # a picture is whole
    r"|\x1b\]22;default\x07"  # the mouse's pointer, from Textual
)
"""What goes over the wire while the program is on the screen."""


def whole(terminal: Terminal) -> None:
    """Wait until nothing has come for a while."""
    terminal.wait_for_rest(SILENCE_S)


@pytest.mark.pty
def test_no_byte_of_any_text_steers_the_terminal(tmp_path: Path) -> None:
    home = tmp_path / HOME
    folder, *_ = steered.write(home)
    with start(home, folder, COLUMNS, ROWS) as terminal:
        terminal.wait_for("results", 30)
        whole(terminal)
        begun = len(terminal.raw)
        for pressed, where in WALK:
            for key in pressed.split():
                terminal.send(BYTES.get(key, key))
                whole(terminal)
            terminal.wait_for(SEEN[where], 30)
            whole(terminal)
        ended = len(terminal.raw)
        terminal.send("q")
        assert terminal.wait(20) == 0
    everything = bytes(terminal.raw).decode()
    found = [text for text in (*steered.PAYLOADS, *STEERING) if not text.isprintable() and text in everything]
    assert not found
    walked = bytes(terminal.raw[begun:ended]).decode()
    left = SEQUENCES.sub("", walked)
    assert left.isprintable(), {
        left[max(at - 20, 0) : at + 20] for at, char in enumerate(left) if not char.isprintable()
    }
    assert "␛]0;owned␇" in left
