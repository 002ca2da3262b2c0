"""What the tests of the inspector share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, chdir
from pathlib import Path

from textual.message import Message
from textual.pilot import Pilot

from profiler.sessions import SessionFolder
from tests.support.recorded import Recording
from tests.tui.support import text_of, until, until_read
from tui.app import StepscopeApp
from tui.messages import ShowTriggers
from tui.screens.triggers import TriggersScreen
from tui.settings import Settings


async def inspecting(pilot: Pilot[None]) -> TriggersScreen:
    """Wait for the inspector, with all that the logs hold."""
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, TriggersScreen) and not app.screen.picture.heading.loading)
    assert isinstance(app.screen, TriggersScreen)
    return app.screen


@asynccontextmanager
async def opened(
    home: Path,
    recording: Recording,
    size: tuple[int, int] = (120, 40),
    *,
    folder: SessionFolder | None = None,
    ascii: bool = False,
    seen: list[Message] | None = None,
) -> AsyncIterator[tuple[StepscopeApp, Pilot[None], TriggersScreen]]:
    """The app on the inspector of a recorded session, opened from Live; what it exports goes into ``home``."""
    app = StepscopeApp(home, folder or recording.write(home), settings=Settings(ascii=ascii))
    hook = seen.append if seen is not None else None
    with chdir(home):
        async with app.run_test(size=size, message_hook=hook) as pilot:
            live = await until_read(pilot)
            if live.possible("show_triggers"):
                await pilot.press("i")
            else:
                live.post_message(ShowTriggers())  # as from the sessions, where it isn't known yet what there is
            yield app, pilot, await inspecting(pilot)


def row_of(app: StepscopeApp, wanted: str) -> str:
    """The first row of the screen that holds ``wanted``."""
    return next((row for row in text_of(app).splitlines() if wanted in row), "")


async def pressed(pilot: Pilot[None], key: str, wanted: Callable[[], bool]) -> None:
    await pilot.press(key)
    await until(pilot, wanted)
