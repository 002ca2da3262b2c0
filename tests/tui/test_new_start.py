"""New: the start of what the form asks for, and who is asked before it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from profiler import conductor, sessions
from profiler.request import Request
from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.tui.form import Bench, drive, source
from tests.tui.support import text_of, until
from tui.app import StepscopeApp
from tui.asking import NO_TORCH
from tui.messages import SessionStarted
from tui.screens.live import LiveScreen
from tui.screens.new import NewScreen


def test_r_makes_the_session_and_live_opens_on_it(tmp_path: Path) -> None:
    asked: list[Request] = []

    def conduct(folder: SessionFolder) -> int:
        asked.append(folder.manifest().request)
        return 1

    async def work(bench: Bench) -> None:
        app = bench.pilot.app
        await bench.to("size")
        await bench.press("right")
        await bench.press("r")
        await until(bench.pilot, lambda: isinstance(app.screen, LiveScreen))
        assert isinstance(app.screen, LiveScreen)
        assert [app.screen.folder.id] == [folder.id for folder in sessions.all_sessions(tmp_path)]
        assert (len(asked), asked[0].cases[0].workload.size, asked[0].device) == (1, "tiny", "cpu")

    drive(tmp_path, work, conduct=conduct)


def test_a_profiler_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    def conduct(folder: SessionFolder) -> int:
        raise conductor.CannotStart("the profiler process can't be started: no memory")

    async def work(bench: Bench) -> None:
        await bench.press("r")
        await until(bench.pilot, lambda: "not started: the profiler process" in bench.footer)
        assert bench.screen.possible("start")
        assert sessions.all_sessions(tmp_path) == []

    drive(tmp_path, work, conduct=conduct)


def test_without_torch_all_is_shown_and_nothing_starts(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        assert NO_TORCH in bench.text
        await bench.press("r")
        assert "not started: torch is not installed" in bench.footer

    drive(tmp_path, work, has_torch=lambda: False)


def test_like_another_session_with_code_of_its_own_asks_first(tmp_path: Path) -> None:
    code = tmp_path / "mine.py"
    code.write_text("def make(device, dtype): ...\n")
    folder = recorded.finished(
        session="theirs", device="cpu", pipeline=f"{code}:make", steps=3, size="full", repeats=2
    ).write(tmp_path)
    started: list[SessionFolder] = []

    async def work(bench: Bench) -> None:
        await until(bench.pilot, lambda: bench.texts.get("pipeline") == f"{code}:make")
        await bench.judged()
        assert bench.texts == {"pipeline": f"{code}:make", "device": "cpu", "steps": "3", "repeats": "2"}
        assert "like theirs" in text_of(bench.pilot.app).splitlines()[0]
        await bench.press("r")
        assert "this runs" in bench.footer
        assert "mine.py" in bench.footer
        await bench.press("n")
        assert not started
        await bench.press("r", "y")
        await until(bench.pilot, lambda: bool(started))

    drive(tmp_path, work, like=folder, conduct=lambda each: started.append(each) or 1)


def test_keys_that_are_faster_than_the_form_start_what_it_will_be(tmp_path: Path) -> None:
    code = tmp_path / "mine.py"
    code.write_text("def make(device, dtype): ...\n")
    folder = recorded.finished(session="theirs", device="cpu", pipeline=f"{code}:make", size="full").write(tmp_path)
    started: list[SessionFolder] = []

    async def go() -> None:
        app = StepscopeApp(tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            known = source(tmp_path, conduct=lambda each: started.append(each) or 1)
            screen = NewScreen(tmp_path, like=folder, source=known)
            await app.push_screen(screen)
            screen.action_start()
            await until(pilot, lambda: screen.asking)
            assert "mine.py" in text_of(app).splitlines()[-1]
            await pilot.press("n")
            # One that was asked for before something else was, isn't started.
            screen.action_pick("scenario", "resolution-sweep")
            screen.action_start()
            screen.action_pick("scenario", "steady")
            await until(pilot, lambda: screen._judged)
            assert not (screen.asking or screen._wanted or started)

    asyncio.run(go())


def test_who_leaves_at_once_leaves_no_session_half_made(tmp_path: Path) -> None:
    left, made = threading.Event(), threading.Event()

    def conduct(folder: SessionFolder) -> int:
        assert left.wait(20)
        assert not threading.current_thread().daemon, "Python would not wait for it"
        made.set()
        return 1

    async def work(bench: Bench) -> None:
        await bench.pilot.press("r")
        await until(bench.pilot, lambda: bool(sessions.all_sessions(tmp_path)))
        await bench.pilot.press("q")
        assert bench.pilot.app.farewell == "A session has just been started: 'stepscope watch last' shows it"

    drive(tmp_path, work, conduct=conduct)
    left.set()
    assert made.wait(20)


def test_started_is_told_once_with_the_session(tmp_path: Path) -> None:
    made = source(tmp_path).start(NewScreen(tmp_path).form)
    assert made.why == ""
    assert sessions.find(made.session, tmp_path).manifest().request.device == "cpu"
    assert SessionStarted(made.session).session == made.session
