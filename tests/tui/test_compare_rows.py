"""Compare's rows: what they are compared with, their order, which are left, and how one comes to them and leaves."""

from __future__ import annotations

import shutil
from pathlib import Path

from profiler.sessions import SessionFolder
from tests.tui.comparison import both, comparing, folder, opened, press, row_of
from tests.tui.support import text_of, until, until_read
from tui.app import StepscopeApp
from tui.screens.choose import ChooseScreen
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen

# --- the baseline, rows and order ---


async def test_each_is_compared_with_its_own_workload_until_one_is_pinned(written: Path) -> None:
    async with opened(written, both(written), (120, 30)) as (app, pilot, screen):
        assert "each against the no-compile case of its workload" in text_of(app)
        assert [line.key for line in screen.picture.lines if line.baseline] == [
            screen.picture.lines[place].key for place in (0, 3)
        ]
        await press(pilot, "down", "b")
        assert "against b1 compile, pinned" in text_of(app)
        assert row_of(app, "not the same").startswith("not the same (2): batch size 4 and 1")
        assert row_of(app, "b1 no-compile").split()[-1] != "baseline"
        assert "SLOWER" in row_of(app, "b1 no-compile")
        await press(pilot, "u")
        assert screen.view.baseline is None and "FASTER" in row_of(app, "b1 compile")


async def test_the_app_can_begin_with_a_pinned_baseline(written: Path) -> None:
    name = "sd15-txt2img-regional-compile-b1"
    app = StepscopeApp(written, compare=[(folder(written), None)], baseline=(folder(written), name))
    async with app.run_test(size=(80, 24)) as pilot:
        await comparing(pilot)
        assert "against regional-compile, pinned" in text_of(app)


async def test_rows_are_sorted_by_a_column_and_those_without_a_figure_come_last(written: Path) -> None:
    async with opened(written, [(folder(written), None)]) as (app, pilot, screen):
        labels = [line.label for line in screen.picture.lines]
        while screen.view.sort != "step ms":
            await press(pilot, "s")
        assert [line.label for line in screen.picture.lines] == ["compile", "regional-compile", "no-compile"]
        assert "↑step ms" in row_of(app, "it/s")
        await press(pilot, "S")
        assert "↓step ms" in row_of(app, "it/s")
        while screen.view.sort != "speed-up":
            await press(pilot, "s")
        assert [line.label for line in screen.picture.lines][-1] == "no-compile"
        while screen.view.sort:
            await press(pilot, "s")
        await press(pilot, "S")
        assert [line.label for line in screen.picture.lines] == labels


async def test_rows_are_filtered_by_words_and_by_variant(written: Path) -> None:
    async with opened(written, both(written), (80, 24)) as (app, pilot, screen):
        await press(pilot, "slash", *"b4 faster")
        assert text_of(app).splitlines()[-1].startswith("filter b4 faster")
        await press(pilot, "enter")
        assert [line.label for line in screen.picture.lines] == ["b4 compile", "b4 regional-compile"]
        assert "/b4 faster  2 of 6" in text_of(app)
        await press(pilot, "slash", *" -regional", "enter")
        assert [line.label for line in screen.picture.lines] == ["b4 compile"]
        await press(pilot, "slash", *" xyz")
        assert "none of 6 rows matches: 0 shows all" in text_of(app)
        await press(pilot, "escape")
        await press(pilot, "0")
        for variant in ("no-compile", "compile", "regional-compile"):
            await press(pilot, "v")
            assert {line.variant for line in screen.picture.lines} == {variant}
        await press(pilot, "v")
        assert len(screen.picture.lines) == 6


async def test_a_row_is_dropped_and_those_that_a_filter_hides_stay(written: Path) -> None:
    async with opened(written, both(written)) as (app, pilot, screen):
        await press(pilot, "v", "d")
        await until(pilot, lambda: screen.picture.total == 5)
        await press(pilot, "0")
        assert "b1 no-compile" not in [line.label for line in screen.picture.lines]
        assert len(screen.picture.lines) == 5
        for left in (4, 3, 2, 1, 0):
            await press(pilot, "d")
            await until(pilot, lambda left=left: screen.picture.total == left)  # type: ignore[misc]
        assert "nothing marked: a opens the list" in text_of(app)


async def test_a_row_keeps_its_symbol_while_others_go(written: Path) -> None:
    async with opened(written, both(written)) as (_, pilot, screen):
        symbols = {line.key: line.symbol for line in screen.picture.lines}
        assert len(set(symbols.values())) == 6
        await press(pilot, "d")
        await until(pilot, lambda: screen.picture.total == 5)
        assert all(symbols[line.key] == line.symbol for line in screen.picture.lines)


async def test_single_runs_are_compared(written: Path) -> None:
    runs = [(folder(written), name) for name in _runs(written)[:3]]
    async with opened(written, runs, (80, 24)) as (_app, _, screen):
        assert [line.label.rpartition(" ")[2] for line in screen.picture.lines] == ["#1", "#1", "#1"]
        assert screen.picture.lines[1].cells["speed-up"][0].endswith("x")
        assert screen.picture.lines[1].cells["interval"][0] == "–"


def _runs(home: Path) -> list[str]:
    return [run.name for run in folder(home).manifest().request.runs]


async def test_two_copies_of_a_session_are_two_rows_each(written: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "k3fa-sd15"
    shutil.copytree(folder(written).path, copy)
    async with opened(written, [(folder(written), None), (SessionFolder(copy), None)]) as (_, _pilot, screen):
        told = {getattr(block, "text", "") for detail in screen.picture.details.values() for block in detail}
        assert {str(copy), str(folder(written).path)} <= told, "which row is of which copy"
        assert len({line.key for line in screen.picture.lines}) == 6
        assert len({line.symbol for line in screen.picture.lines}) == 6
        assert len({line.label for line in screen.picture.lines}) == 6


# --- going there and coming back ---


async def test_from_live_to_compare_and_back(written: Path) -> None:
    app = StepscopeApp(written, folder(written))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        await pilot.press("v")
        screen = await comparing(pilot)
        assert screen.picture.total == 3
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LiveScreen))


async def test_a_row_opens_its_session_and_escape_comes_back(written: Path) -> None:
    async with opened(written, both(written), (80, 24)) as (app, pilot, screen):
        await pilot.press("end", "enter")
        live = await until_read(pilot)
        assert live.folder.id == "p9zz-sd15"
        await pilot.press("v")
        await until(pilot, lambda: app.screen is screen)
        assert screen.picture.total == 6
        assert len(app.screen_stack) == 2


async def test_from_the_sessions_those_that_are_marked(written: Path) -> None:
    app = StepscopeApp(written)
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "k3fa-sd15" in text_of(app) and "p9zz-sd15" in text_of(app))
        await pilot.press("space", "down", "space")
        await until(pilot, lambda: "2 marked" in text_of(app))
        assert row_of(app, ">*")
        await pilot.press("v")
        screen = await comparing(pilot)
        assert screen.picture.total == 6
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        await pilot.press("space", "up", "space", "v")
        screen = await comparing(pilot)
        assert screen.picture.total == 6, "what is compared already brings back the rest"


async def test_the_list_marks_sessions_cases_and_runs(written: Path) -> None:
    async with opened(written, [(folder(written), None)], (80, 24)) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and "p9zz-sd15" in text_of(app))
        assert "2.13.0" in row_of(app, "p9zz-sd15") and "NVIDIA Recorded" in row_of(app, "p9zz-sd15")
        assert row_of(app, "k3fa-sd15").startswith("[x]")
        await pilot.press("slash", *"p9zz", "enter", "right", "down", "right", "down", "space", "down", "space")
        await until(pilot, lambda: "3 marks" in text_of(app))
        assert row_of(app, "p9zz-sd15").startswith("[-]")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and screen.picture.total == 5)


async def test_a_case_is_taken_out_of_a_marked_session(written: Path) -> None:
    async with opened(written, [(folder(written), None)], (80, 24)) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and "k3fa-sd15" in text_of(app))
        await pilot.press("slash", *"k3fa", "enter", "right", "down", "space")
        await until(pilot, lambda: "2 marks" in text_of(app))
        await pilot.press("left")
        await until(pilot, lambda: "no-compile" not in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and screen.picture.total == 2)


async def test_the_list_left_with_escape_changes_nothing(written: Path) -> None:
    async with opened(written, [(folder(written), None)], (80, 24)) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and "k3fa-sd15" in text_of(app))
        await pilot.press("n", "escape")
        await until(pilot, lambda: app.screen is screen)
        assert screen.picture.total == 3
