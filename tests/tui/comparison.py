"""What the tests of Compare share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, chdir
from pathlib import Path

from textual.app import App
from textual.message import Message
from textual.pilot import Pilot

from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.support.recorded import Recording
from tests.tui.support import text_of, until
from tui.app import StepscopeApp
from tui.charts.widget import Chart
from tui.screens.compare import CompareScreen
from tui.settings import Settings


def two_sessions() -> list[Recording]:
    """Three repeats of three variants, and the same at batch size 4 of another seed."""
    return [
        recorded.finished(session="k3fa-sd15", repeats=3, calls=3, steps=10),
        recorded.finished(session="p9zz-sd15", repeats=3, calls=3, steps=10, seed=2, batch_sizes=[4]),
    ]


def folder(home: Path, session: str = "k3fa-sd15") -> SessionFolder:
    return SessionFolder(home / "sessions" / session)


def both(home: Path) -> list[tuple[SessionFolder, str | None]]:
    return [(folder(home), None), (folder(home, "p9zz-sd15"), None)]


def row_of(app: App[None], wanted: str) -> str:
    return next((row for row in text_of(app).splitlines() if wanted in row), "")


async def comparing(pilot: Pilot[None]) -> CompareScreen:
    """Wait for Compare, with all that the logs hold and all of it painted."""
    app = pilot.app

    def read() -> bool:
        screen = app.screen
        if not isinstance(screen, CompareScreen) or screen.picture.loading or screen.picture.view != screen.view:
            return False
        return all(chart._timer is None for chart in screen.query(Chart))

    await until(pilot, read)
    assert isinstance(app.screen, CompareScreen)
    return app.screen


@asynccontextmanager
async def opened(
    home: Path,
    folders: Sequence[tuple[SessionFolder, str | None]],
    size: tuple[int, int] = (120, 40),
    *,
    ascii: bool = False,
    seen: list[Message] | None = None,
) -> AsyncIterator[tuple[StepscopeApp, Pilot[None], CompareScreen]]:
    """The app on Compare; what it exports goes into ``home``."""
    app = StepscopeApp(home, compare=folders, settings=Settings(ascii=ascii))
    with chdir(home):
        async with app.run_test(size=size, message_hook=seen.append if seen is not None else None) as pilot:
            yield app, pilot, await comparing(pilot)


async def press(pilot: Pilot[None], *keys: str) -> CompareScreen:
    """Press ``keys`` and wait until what they ask for is shown."""
    await pilot.press(*keys)
    return await comparing(pilot)
