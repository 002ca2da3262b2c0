"""The Compare screen through the Pilot: what it shows, how it follows sessions that run, and what it leaves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.message import Message

from profiler import events as ev
from profiler.eventlog import EventLog
from profiler.report import published
from profiler.sessions import SessionFolder
from tests.support import compared, recorded
from tests.tui.comparison import both, comparing, folder, opened, press, row_of, two_sessions
from tests.tui.hostile import HOSTILE
from tests.tui.support import flat, same_as_golden, text_of, until
from tui import keys
from tui.app import StepscopeApp
from tui.messages import CompareChanged
from tui.panels.compare.arranged import arrangement
from tui.panels.footer import Foot, FooterPanel
from tui.pictures.compare.view import VIEWS
from tui.screens.choose import ChooseScreen
from tui.screens.compare import CompareScreen

# --- what it shows ---


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_table(size: tuple[int, int], written: Path) -> None:
    async with opened(written, [(folder(written), None)], size) as (app, _, _screen):
        same_as_golden(f"compare-{size[0]}x{size[1]}", text_of(app))


async def test_what_has_no_place_yet_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded.finished().write(tmp_path)
    monkeypatch.setattr(CompareScreen, "_arrange", lambda self: None)  # it comes a moment after the first frame
    async with StepscopeApp(tmp_path).run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen) and "Compare" in text_of(pilot.app))
        assert not [part for part in pilot.app.screen.query("#main > *") if part.display]
        assert text_of(pilot.app).splitlines()[6:-1] == [""] * 33


async def test_columns_without_room_are_a_page_further_and_the_labels_stay(written: Path) -> None:
    async with opened(written, [(folder(written), None)], (80, 24)) as (app, pilot, screen):

        def table() -> list[str]:
            return text_of(app).splitlines()[2:6]

        first = table()
        heads = [first[0]]
        assert first[0].startswith("compared 1/2  ") and first[0].endswith(" …")
        await press(pilot, "L")
        heads.append(table()[0])
        assert heads[1].startswith("compared 2/2  ")
        assert [row[:22] for row in table()[1:]] == [row[:22] for row in first[1:]]
        for title in ("it/s", "step ms", "IQR", "p95", "speed-up", "interval", "verdict", "even at", "1st img",
                      "memory", "output", " n "):  # fmt: skip
            assert sum(title in head for head in heads) == 1, title
        assert "50.9" in table()[1]  # the p95, which the details have
        await press(pilot, "H")
        assert table() == first
        await press(pilot, "shift+left")
        assert table()[0] == heads[1]  # after the first page comes the last
        await pilot.resize_terminal(200, 60)
        await until(pilot, lambda: "/2" not in text_of(app).splitlines()[3])
        assert not screen.possible("columns(1)") and "IQR" in text_of(app)


async def test_every_view_at_80x24(written: Path) -> None:
    async with opened(written, [(folder(written), None)], (80, 24)) as (app, pilot, screen):
        for view in VIEWS[1:]:
            await press(pilot, "tab")
            assert screen.picture.view.view == view
            same_as_golden(f"compare-{view}-80x24", text_of(app))
        await press(pilot, "tab")
        assert screen.picture.view.view == "table"
        await press(pilot, "shift+tab")
        assert screen.picture.view.view == VIEWS[-1]


async def test_in_ascii_every_view_is_ascii(written: Path) -> None:
    async with opened(written, both(written), (80, 24), ascii=True) as (app, pilot, _):
        await press(pilot, "b")
        for _ in VIEWS:
            await press(pilot, "tab")
            assert text_of(app).isascii(), text_of(app)
        await press(pilot, "shift+tab", "shift+tab")  # break-even, which has symbols in its title
        await pilot.press("f2")
        await until(pilot, lambda: "even at ◆" in text_of(app))
        await pilot.press("f2")
        await until(pilot, lambda: text_of(app).isascii())


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (160, 45), (300, 100)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_every_view_fits_every_size(size: tuple[int, int], written: Path) -> None:
    async with opened(written, both(written), size) as (app, pilot, screen):
        for view in VIEWS:
            rows = text_of(app).splitlines()
            assert len(rows) <= size[1] and all(len(row) <= size[0] for row in rows)
            assert rows[-1].endswith("? help  q quit")
            assert screen.picture.view.view == view
            height = size[1] - (size[1] >= 30)  # below the row of screens
            wanted = arrangement(size[0], height, view, len(screen.picture.lines), len(screen.picture.statuses))
            assert {name for name, part in screen._parts.items() if part.display} == {name for name, _ in wanted.cells}
            assert all(screen._parts[name].size.height >= 3 for name, _ in wanted.cells)
            await press(pilot, "tab")


async def test_no_part_is_seen_before_it_has_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CompareScreen, "_arrange", lambda self: None)
    app = StepscopeApp(tmp_path, compare=[(recorded.finished().write(tmp_path), None)])
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.picture.total == 3)
        assert isinstance(app.screen, CompareScreen)
        assert not [name for name, part in app.screen._parts.items() if part.display]


async def test_nothing_marked_says_what_to_do(tmp_path: Path) -> None:
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = CompareScreen(())
        await app.push_screen(screen)
        await until(pilot, lambda: "nothing marked: a opens the list" in text_of(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and "no sessions yet" in text_of(app))


async def test_what_is_not_there_is_told(written: Path, tmp_path: Path) -> None:
    things = [(folder(written), "no-such-case"), (SessionFolder(tmp_path / "gone"), None)]
    async with opened(written, things) as (app, _, screen):
        assert screen.picture.total == 0
        assert "session k3fa-sd15 has no case or run called no-such-case (and 1 more)" in text_of(app)


async def test_a_session_without_measured_calls(tmp_path: Path) -> None:
    recording = recorded.finished(session="young")
    begun = recording.write(tmp_path, until_ns=recording.records[0].event.t + 3_000_000_000)
    async with opened(tmp_path, [(begun, None)], (80, 24)) as (app, pilot, _):
        await press(pilot, "tab")
        assert "no measured calls yet" in text_of(app)
        await press(pilot, "tab", "tab", "tab")
        assert "has no measured call yet" in text_of(app)


async def test_published_figures_are_a_column_of_the_rows_gpu_or_of_another(tmp_path: Path) -> None:
    near = compared.near(no_compile=40, compile=30, regional_compile=33)
    about = {"size": "full", "steps": 50, "calls": 2, "repeats": 1, "variants": ["no-compile"]}
    known = compared.write(tmp_path, near, session="known", device_name="NVIDIA A100-SXM4-40GB", **about)
    other = compared.write(tmp_path, near, session="other", device_name="NVIDIA H200", **about)
    async with opened(tmp_path, [(known, None), (other, None)], (200, 30)) as (app, pilot, screen):
        rows = screen.picture.lines
        assert "pub. 2.0" not in text_of(app)
        await press(pilot, "p")
        assert "pub. 2.0" in text_of(app)
        assert [line.cells["published"][0] for line in screen.picture.lines] == ["21.66", "–"]
        assert "published: other work than ours in 1 row; the details say in what" in text_of(app)
        await press(pilot, "P")
        assert screen.view.gpu == published.gpus()[0] and f"{screen.view.gpu} 2.0" in text_of(app)
        cells = [line.cells["published"][0] for line in screen.picture.lines]
        assert cells[0] == cells[1] != "–"
        for _ in published.gpus():
            await press(pilot, "P")
        assert screen.view.gpu is None
        await press(pilot, "p", "p")
        assert screen.view.published == "" and len(rows) == 2
    app = StepscopeApp(tmp_path, compare=[(other, None)], gpu="A100")
    async with app.run_test(size=(200, 30)) as pilot:
        screen = await comparing(pilot)
        assert "A100 2.0" in text_of(app) and screen.picture.lines[0].cells["published"][0] == "21.66"


async def test_legs_of_a_scenario_have_their_verdicts(tmp_path: Path) -> None:
    near = compared.near(no_compile=40, compile=30, regional_compile=33)
    made = compared.write(tmp_path, near, session="legged", legs=["128x128", "192x128"], calls=2)
    async with opened(tmp_path, [(made, None)], (100, 30)) as (app, pilot, _):
        assert "the figures of the first leg, 128x128; the details have each leg's verdict" in text_of(app)
        await press(pilot, "down")
        told = row_of(app, "  192x128: ")
        assert "x " in told and told.endswith(("FASTER", "SLOWER", "SAME", "UNCLEAR"))


async def test_a_session_that_is_removed_is_told_and_what_was_read_stays(tmp_path: Path) -> None:
    for recording in two_sessions():
        recording.write(tmp_path)
    async with opened(tmp_path, both(tmp_path), (120, 30)) as (app, pilot, screen):
        assert screen.picture.total == 6 and not screen.picture.statuses
        gone = folder(tmp_path, "p9zz-sd15")
        shutil.rmtree(gone.path)
        screen._source._due.clear()
        await until(pilot, lambda: f"{gone.path} is gone" in "".join(status.text for status in screen.picture.statuses))
        assert screen.picture.total == 6 and "FASTER" in row_of(app, "b4 compile")


async def test_published_figures_are_a_column_where_the_gpu_has_any(tmp_path: Path) -> None:
    recording = recorded.finished(session="a100")
    made = recording.write(tmp_path)
    log = EventLog(made.run_log(recording.request.runs[0].name))
    log.write(ev.Environment(t=recording.end_ns, device="cuda:0", device_name="NVIDIA A100-SXM4-40GB"))
    log.close()
    async with opened(tmp_path, [(made, None)], (160, 40)) as (app, pilot, screen):
        assert "pub." not in text_of(app)
        await press(pilot, "p")
        assert row_of(app, "● no-compile").split()[-1] == "21.66"
        assert "pub. 2.0" in row_of(app, "it/s")
        assert "not the published work: the tiny architecture" in flat(screen._detail.shown)
        await press(pilot, "p", "p")
        assert "pub." not in text_of(app)


# --- while it goes on ---


async def test_a_running_session_is_followed_and_only_a_change_is_a_message(tmp_path: Path) -> None:
    seen: list[Message] = []
    recording = recorded.live(seconds=30)
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        async with opened(tmp_path, [(feeder.folder, None)], seen=seen) as (_, pilot, screen):
            assert screen.picture.lines[2].cells["step ms"][0] == "–"
            pictures = sum(isinstance(message, CompareChanged) for message in seen)
            await pilot.pause(0.4)
            assert sum(isinstance(message, CompareChanged) for message in seen) == pictures
            feeder.feed(recording.end_ns)
            await until(pilot, lambda: screen.picture.lines[2].cells["step ms"][0] != "–")


# --- to take away ---


async def test_what_is_compared_is_written_into_new_files(tmp_path: Path) -> None:
    made = two_sessions()[0].write(tmp_path)
    async with opened(tmp_path, [(made, None)]) as (app, pilot, _):
        await pilot.press("e")
        await until(pilot, lambda: "written: " in text_of(app))
        await pilot.press("e")
        await until(pilot, (tmp_path / "stepscope-compare-2.md").is_file)
    page = (tmp_path / "stepscope-compare.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "regional-compile" in page
    assert "FASTER" in (tmp_path / "stepscope-compare.md").read_text()


# --- hostile text ---


async def test_nothing_in_a_log_steers_the_screen(tmp_path: Path) -> None:
    recording = recorded.finished(session="hostile")
    made = recording.write(tmp_path)
    run = next(iter(recording.request.runs)).name
    log = EventLog(made.run_log(run))
    end = recording.end_ns
    for number, text in enumerate(HOSTILE):
        log.write(ev.Note(t=end + number, level="warning", text=text))
    log.write(ev.Environment(t=end + 100, device_name=HOSTILE[4], cpu=HOSTILE[3], versions={"torch": HOSTILE[6]}))
    log.write(ev.Output(t=end + 101, images=[HOSTILE[1], "../../etc/passwd"], thumbnails=[HOSTILE[2]], file=HOSTILE[3]))
    log.close()
    async with opened(tmp_path, [(made, None)], (100, 40)) as (app, pilot, screen):
        for _ in VIEWS:
            await press(pilot, "tab")
            assert all(char.isprintable() for char in text_of(app).replace("\n", ""))
            assert all(strip.cell_length == 100 for strip in app.screen._compositor.render_strips())
        assert all(char.isprintable() for char in flat(screen._detail.shown).replace("\n", ""))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and "hostile" in text_of(app))
        assert all(char.isprintable() for char in text_of(app).replace("\n", ""))


@pytest.mark.parametrize("width", [60, 80])
def test_how_to_leave_and_to_take_along_is_in_the_footer(width: int) -> None:
    actions = [key.action for key in keys.keys_of(keys.COMPARE)]
    hints, staying = tuple(keys.hints(keys.COMPARE, actions)), keys.staying(keys.COMPARE, actions)
    text = flat(FooterPanel(Foot(hints, staying)).lay_out(width, 1))
    assert text.endswith("…  esc back  ? help  q quit")
    assert width < 80 or "e export" in text
