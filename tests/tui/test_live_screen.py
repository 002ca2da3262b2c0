"""The Live screen through the Pilot: what it shows and what its keys do."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from textual.message import Message

from profiler import events as ev
from profiler.eventlog import EventLog
from tests.support import recorded
from tests.tui.hostile import HOSTILE
from tests.tui.support import live_app, same_as_golden, text_of, until, until_painted, until_read
from tui.app import StepscopeApp
from tui.feed import LiveSource, Turn
from tui.messages import LiveChanged
from tui.pictures.live import LivePicture, unread
from tui.screens.help import HelpScreen
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen

SECOND = 1_000_000_000
SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_finished_session(size: tuple[int, int], tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(repeats=2))
    async with app.run_test(size=size) as pilot:
        await until_painted(pilot)
        same_as_golden(f"finished-{size[0]}x{size[1]}", text_of(app))


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_session_under_way(size: tuple[int, int], tmp_path: Path) -> None:
    recording = recorded.live()
    app = live_app(tmp_path, recording, until_ns=recording.live_ns + 30 * SECOND)
    async with app.run_test(size=size) as pilot:
        await until_painted(pilot)
        same_as_golden(f"live-{size[0]}x{size[1]}", text_of(app))


async def test_a_cpu_session_in_ascii(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(device="cpu"), ascii=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_painted(pilot)
        await pilot.press("tab")
        await pilot.pause()
        text = text_of(app)
        assert text.isascii()
        same_as_golden("ascii-cpu-memory-80x24", text)


async def test_on_the_smallest_screen_rows_are_for_the_chart(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(60, 16)) as pilot:
        await until_painted(pilot)
        rows = text_of(app).splitlines()
        bottom = next(number for number, row in enumerate(rows) if "└" in row)
        top = next(number for number, row in enumerate(rows) if row.startswith("step latency"))
        assert bottom - top >= 4
        assert "call 1" in rows[bottom + 1], "the axis says what is where"
        assert rows[bottom + 2].startswith("events") and "session done" in rows[bottom + 3]
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "1-3 of" in text_of(app))


@pytest.mark.parametrize("size", [(60, 16), (61, 30), (99, 29), (100, 16), (159, 44), (160, 45), (300, 100)], ids=str)
async def test_any_size_shows_heading_charts_table_and_keys(size: tuple[int, int], tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=size) as pilot:
        await until_read(pilot)
        text = text_of(app)
        for wanted in ("done-sd15", "step latency", "events", "results", "q quit"):
            assert wanted in text
        assert all(len(line) <= size[0] for line in text.splitlines())


@pytest.mark.parametrize("size", [(59, 30), (80, 15)], ids=str)
async def test_where_nothing_fits_one_line_says_so(size: tuple[int, int], tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=size) as pilot:
        await until_read(pilot)
        assert text_of(app).strip() == f"too small: 60x16 needed, this is {size[0]}x{size[1]}"
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "results" in text_of(app))


TITLES = ("step latency", "memory GiB", "GPU  ", "stages of a call")


def charts_on(text: str) -> list[str]:
    return [title for title in TITLES if title in text]


async def test_tab_goes_through_the_charts_that_share_a_place(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        assert "tab chart" in text_of(app)
        for title in (*TITLES[1:], TITLES[0]):
            await pilot.press("tab")
            await until(pilot, lambda title=title: charts_on(text_of(app)) == [title])  # type: ignore[misc]
        await pilot.press("shift+tab", "shift+tab")
        await until(pilot, lambda: charts_on(text_of(app)) == ["GPU  "])
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: charts_on(text_of(app)) == ["step latency", "GPU  "])
        await pilot.press("c")
        await until(pilot, lambda: charts_on(text_of(app)) == ["step latency", "stages of a call"])
        await pilot.press("C", "C")
        await until(pilot, lambda: charts_on(text_of(app)) == ["step latency", "memory GiB"])
        for size in ((120, 60), (200, 40), (200, 60), (300, 100)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: charts_on(text_of(app)) == [*TITLES])
            assert "tab chart" not in text_of(app), "all are seen"


async def test_a_repeat_is_chosen_and_the_newest_comes_back(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(repeats=2))
    async with app.run_test(size=(120, 40)) as pilot:
        await until_read(pilot)
        for note in ("repeat 1", "repeat 2", "repeat 2"):
            await pilot.press("r")
            await until(pilot, lambda note=note: note in text_of(app).splitlines()[5])  # type: ignore[misc]


async def test_the_full_range_shows_the_compile(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        assert "^ 9.4" in text_of(app)
        await pilot.press("z")
        await until(pilot, lambda: "step latency s" in text_of(app))
        assert "^" not in text_of(app)


async def test_older_events_are_scrolled_to(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        assert "1-3 of 11" in text_of(app)
        await pilot.press("down")
        await until(pilot, lambda: "2-4 of 11" in text_of(app))
        await pilot.press("end")
        await until(pilot, lambda: "9-11 of 11" in text_of(app))
        await pilot.press("home")
        await until(pilot, lambda: "1-3 of 11" in text_of(app))


async def test_many_cases_scroll(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(batch_sizes=[1, 2]))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        assert "1-3 of 6" in text_of(app)
        await pilot.press("J")
        await until(pilot, lambda: "2-4 of 6" in text_of(app))


async def test_stop_asks_first_and_leaves_a_command(tmp_path: Path) -> None:
    recording = recorded.live()
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        app = StepscopeApp(tmp_path, feeder.folder)
        async with app.run_test(size=(80, 24)) as pilot:
            await until_read(pilot)
            await pilot.press("x")
            await until(pilot, lambda: "stop session live-sd15-txt2img?  y yes  n no" in text_of(app))
            await pilot.press("n")
            await until(pilot, lambda: "q quit" in text_of(app))
            assert list(feeder.folder.control.iterdir()) == []
            await pilot.press("s", "y")
            await until(pilot, lambda: "asked the profiler to skip" in text_of(app))
            await pilot.press("x", "y")
            await until(pilot, lambda: "asked the profiler to stop" in text_of(app))
        commands = [json.loads(file.read_bytes()) for file in sorted(feeder.folder.control.iterdir())]
        assert [command["command"] for command in commands] == ["skip", "stop"]
        assert commands[0]["run"] == recording.request.runs[-1].name


async def test_a_question_takes_the_keys(tmp_path: Path) -> None:
    with recorded.Feeder(recorded.live(), tmp_path) as feeder:
        feeder.feed_history()
        app = StepscopeApp(tmp_path, feeder.folder)
        async with app.run_test(size=(80, 24)) as pilot:
            await until_read(pilot)
            await pilot.press("x", "q", "question_mark", "r")
            assert app.is_running
            assert isinstance(app.screen, LiveScreen)
            await pilot.press("escape")
            assert isinstance(app.screen, LiveScreen)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, SessionsScreen))


async def test_a_copied_session_says_so_and_cannot_be_stopped(tmp_path: Path) -> None:
    recording = recorded.live()
    app = live_app(tmp_path, recording, until_ns=recording.live_ns + SECOND)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_read(pilot)
        assert "copied  ▸ running" in text_of(app)
        assert "x stop" not in text_of(app)
        await pilot.press("x")
        assert "stop session" not in text_of(app)


async def test_quitting_a_running_session_says_how_to_come_back(tmp_path: Path) -> None:
    with recorded.Feeder(recorded.live(), tmp_path) as feeder:
        feeder.feed_history()
        app = StepscopeApp(tmp_path, feeder.folder)
        async with app.run_test(size=(80, 24)) as pilot:
            await until_read(pilot)
            await pilot.press("q")
        assert app.farewell == "The profiler keeps running: stepscope watch live-sd15-txt2img brings you back"


async def test_quitting_a_finished_session_says_how_it_ended(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        await pilot.press("q")
    assert app.farewell == "session done-sd15-txt2img: done, 3 of 3 runs"


async def test_the_farewell_finds_a_session_outside_the_home(tmp_path: Path) -> None:
    recording = recorded.live()
    folder = recording.write(tmp_path / "else where", until_ns=recording.live_ns)
    app = StepscopeApp(tmp_path, folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        await pilot.press("q")
    assert f"stepscope watch '{folder.path}'" in (app.farewell or "")


async def test_the_keys_that_answer_a_question_are_seen_on_the_narrowest_screen(tmp_path: Path) -> None:
    with recorded.Feeder(recorded.live(session="live-" + "very" * 20), tmp_path) as feeder:
        feeder.feed_history()
        app = StepscopeApp(tmp_path, feeder.folder)
        async with app.run_test(size=(60, 16)) as pilot:
            await until_read(pilot)
            for key in "sx":
                await pilot.press(key)
                await pilot.pause()
                assert text_of(app).splitlines()[-1].endswith("…  y yes  n no")
                await pilot.press("n")


async def test_help_opens_over_live_and_closes(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "the chart before" in text_of(app))
        first = text_of(app)
        await pilot.press("pagedown", "down")
        await until(pilot, lambda: "the chart before" not in text_of(app))
        await pilot.press("end")
        await until(pilot, lambda: "leave it running" in text_of(app))
        await pilot.press("home")
        await until(pilot, lambda: text_of(app) == first)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LiveScreen))


async def test_a_new_event_is_on_the_screen_and_only_a_change_is_a_message(tmp_path: Path) -> None:
    seen: list[Message] = []
    recording = recorded.live()
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        app = StepscopeApp(tmp_path, feeder.folder)
        async with app.run_test(size=(120, 40), message_hook=seen.append) as pilot:
            await until_read(pilot)
            assert "call 2 of" not in text_of(app)
            seen.clear()
            feeder.feed(recording.live_ns + 4 * SECOND)
            await until(pilot, lambda: "call 2 of" in text_of(app))
            pictures = [message.picture for message in seen if isinstance(message, LiveChanged)]
            assert all(one != other for one, other in pairwise(pictures))


class Endless(LiveSource):
    """A log that never ends: every turn there is more."""

    turns = 0

    def turn(self) -> Turn[LivePicture]:
        self.turns += 1
        return Turn(unread(f"turn-{self.turns // 100}") if self.turns % 100 == 0 else None, 0.0)


async def test_keys_are_answered_while_a_long_log_is_read(tmp_path: Path) -> None:
    folder = recorded.finished().write(tmp_path)
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        source = Endless(folder)
        await app.push_screen(LiveScreen(folder, source=source))
        await until(pilot, lambda: source.turns > 200)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))


async def test_hostile_text_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    folder = recorded.finished().write(tmp_path)
    log = EventLog(folder.run_log(recorded.finished().request.runs[1].name))
    at = recorded.BASE_NS + 10**12
    for number, text in enumerate(HOSTILE):
        log.write(ev.Note(t=at, level="error", text=text))
        log.write(ev.Recompile(t=at, id=f"9/{number}", module=text, fqn=text, reasons=[text]))
    log.close()
    app = StepscopeApp(tmp_path, folder)
    async with app.run_test(size=(120, 130)) as pilot:
        await until_read(pilot)
        shown = text_of(app)
        assert "results" in shown
        assert "[@click=app.quit]x[/]" in shown
        assert all(char.isprintable() for char in shown.replace("\n", ""))
        assert all(strip.cell_length == 120 for strip in app.screen._compositor.render_strips())
