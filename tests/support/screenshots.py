"""Take the pictures of the README and the docs from the app itself: ``make screenshots``.

Their clocks stand still, in UTC, and no machine is looked at: a picture changes when its screen does.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec

from profiler import sessions as stored
from profiler.replay import Start
from profiler.sessions import SessionFolder
from profiler.vitals import WELL, Vitals
from tests.support import compared, recorded, triggers
from tests.support.story import SECOND
from tui import keys
from tui.app import StepscopeApp
from tui.asking import NewSource
from tui.feed import Reading
from tui.listing import ListingSource
from tui.pictures.names import latest_ns
from tui.screens.live import LiveScreen
from tui.screens.new import NewScreen
from tui.screens.sessions import SessionsScreen
from tui.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIZE = (120, 36)
COMPARE_SIZE = (144, 42)
PALETTE_SIZE = (110, 16)
WIDE_SIZE = (200, 60)
PROCESS_NOISE = 0.006
INTO_THE_LIVE_PART_S = 45
SETTLE_S = 0.5
SETTINGS = Settings(colour="truecolor")
"""Whatever the terminal shows in which they are made."""

HOUR = 3600 * SECOND
NOW_NS = recorded.WALL_NS + 30 * HOUR
"""When the pictures are taken, on the wall clock, and of each session how long before that it was made."""
AGES = {
    "k3fa-sd15-txt2img": 4 * HOUR // 60,
    "c4mv-sd15-txt2img": HOUR // 2,
    "k7qd-sd15-txt2img": 2 * HOUR,
    "p9zz-sd15-txt2img": 5 * HOUR,
    "h8rt-sd15-txt2img": 29 * HOUR,
}


class StillReading(Reading):
    """A session's logs at the moment of the last record that there is."""

    def now_ns(self, now_ns: int) -> int:
        return latest_ns(self.state)

    def vitals(self, now_ns: int) -> Vitals:
        return WELL


class StillApp(StepscopeApp):
    """The app on clocks that stand still, on a machine of which nothing is known."""

    def get_default_screen(self) -> SessionsScreen:  # type: ignore[override]
        seen = self.first is None and not self.marks
        source = ListingSource(self.root, wall_ns=lambda: NOW_NS, now_ns=lambda: 0)
        return SessionsScreen(self.root, ascii=self.ascii, seen=seen, source=source)

    def _known_reading(self, folder: SessionFolder) -> Reading:
        return self._readings.get(folder.path) or StillReading(folder)

    def _new(self, like: SessionFolder | None = None) -> NewScreen:  # type: ignore[override]
        source = NewSource(
            self.root,
            wall_ns=lambda: NOW_NS,
            choose=lambda given: given or "cpu",
            room=lambda device: None,
            has_torch=lambda: True,
        )
        made = NewScreen(self.root, ascii=self.ascii, like=like, source=source)
        self._keep(keys.NEW, made)
        return made


async def live(target: Path) -> None:
    """The Live screen, two cases done and the third under way."""
    with _home() as home, _under_way(home) as feeder:
        app = StillApp(home, feeder.folder, settings=SETTINGS)
        await _picture(app, target, "stepscope watch")


async def wide(target: Path) -> None:
    """The same on a large terminal, every panel seen, the cursor on a step that was held up by a recompile."""
    with _home() as home, _under_way(home) as feeder:
        app = StillApp(home, feeder.folder, settings=SETTINGS)
        await _picture(app, target, "stepscope watch", "n", "n", "n", size=WIDE_SIZE)


async def inspector(target: Path) -> None:
    """The Triggers screen with the recompile that cost most."""
    with _home() as home:
        folder = triggers.triggers(session="k7qd-sd15-txt2img").write(home)
        await _picture(StillApp(home, folder, settings=SETTINGS), target, "stepscope watch", "i", "home")


async def compare(target: Path) -> None:
    """The Compare screen: two sessions of another batch size on an A100, beside what was published of it."""
    with _home() as home:
        made = [(folder, None) for folder in _both(home)]
        app = StillApp(home, compare=made, settings=SETTINGS)
        await _picture(app, target, "stepscope compare --open", "p", "down", size=COMPARE_SIZE)


async def sessions(target: Path) -> None:
    """The Sessions screen: one under way, others over, two marked."""
    with _home() as home, _under_way(home) as feeder:
        _both(home)
        triggers.triggers(session="k7qd-sd15-txt2img").write(home)
        recorded.finished(device="cpu", session="c4mv-sd15-txt2img").write(home)
        assert feeder.folder.path.exists()
        await _picture(StillApp(home, settings=SETTINGS), target, "stepscope", "down", "space", "down", "space")


async def new(target: Path) -> None:
    """The form for a new session, with what it would take by an earlier one."""
    with _home() as home:
        recorded.finished(device="cpu", session="c4mv-sd15-txt2img").write(home)
        app = StillApp(home, settings=SETTINGS)
        await _picture(app, target, "stepscope", "2", "down", "down", "right")


async def replay(target: Path) -> None:
    """A session that is played again, paused where something was compiled."""
    with _home() as home:
        folder = recorded.finished(session="k3fa-sd15-txt2img").write(home)
        app = StillApp(home, folder, replay=Start(share=0.3), settings=SETTINGS)
        await _picture(app, target, "stepscope watch --replay", "space", *["right_curly_bracket"] * 3, "full_stop")


async def help_page(target: Path) -> None:
    """The help over the Triggers screen: its keys and words come first."""
    with _home() as home:
        folder = triggers.triggers(session="k7qd-sd15-txt2img").write(home)
        app = StillApp(home, folder, settings=SETTINGS)
        await _picture(app, target, "stepscope watch", "i", "question_mark")


async def palette(target: Path) -> None:
    """The palette over a session under way: what can be done now, a word typed."""
    with _home() as home, _under_way(home) as feeder:
        app = StillApp(home, feeder.folder, settings=SETTINGS)
        await _picture(app, target, "stepscope watch", "colon", *"com", size=PALETTE_SIZE)


async def _picture(app: StepscopeApp, target: Path, title: str, *pressed: str, size: tuple[int, int] = SIZE) -> None:
    """Write the screen as SVG once these keys were pressed and it has come to rest."""
    for folder in stored.all_sessions(app.root):
        made_ns = NOW_NS - AGES[folder.id]
        stored.write_manifest(folder, msgspec.structs.replace(folder.manifest(), created_wall_ns=made_ns))
    async with app.run_test(size=size) as pilot:
        for key in (*pressed, ""):
            await pilot.pause(SETTLE_S * 2)
            while reading(app):
                await pilot.pause(SETTLE_S)
            if key:
                await pilot.press(key)
        await pilot.pause(SETTLE_S * 2)
        target.write_text(app.export_screenshot(title=title), encoding="utf-8")


@contextmanager
def _home() -> Iterator[Path]:
    """A home of sessions that is called the same wherever the pictures are made."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        home = Path("stepscope")
        home.mkdir()
        yield home


def reading(app: StepscopeApp) -> bool:
    """Whether Live hasn't yet read all that there is."""
    return isinstance(app.screen, LiveScreen) and app.screen.picture.heading.loading


@contextmanager
def _under_way(home: Path) -> Iterator[recorded.Feeder]:
    """A session two of whose cases are done and whose third is under way."""
    recording = recorded.live(session="k3fa-sd15-txt2img")
    shown = replace(recording, live_ns=recording.live_ns + INTO_THE_LIVE_PART_S * SECOND)
    with recorded.Feeder(shown, home) as feeder:
        feeder.feed(shown.live_ns)
        yield feeder


def _both(home: Path) -> list[SessionFolder]:
    return [
        _measured(home, "h8rt-sd15-txt2img", 44.6, 25.4, 29.3, 1),
        _measured(home, "p9zz-sd15-txt2img", 84.0, 66.0, 69.5, 4),
    ]


def _measured(
    home: Path, session: str, no_compile: float, compiled: float, regional: float, batch: int
) -> SessionFolder:
    """A profile of five repeats whose processes differ by about half a percent; times of a step in ms."""
    source = random.Random(session)
    paces = {"no_compile": no_compile, "compile": compiled, "regional_compile": regional}
    near = compared.near(**paces)
    return compared.write(
        home,
        lambda run: near(run) * (1 + source.gauss(0, PROCESS_NOISE)),
        session=session,
        device_name="NVIDIA A100-SXM4-40GB",
        size="full",
        steps=50,
        repeats=5,
        batch_sizes=[batch],
        warm=0.2,
    )


async def every() -> None:
    await live(DOCS / "live.svg")
    await wide(DOCS / "live-200x60.svg")
    await inspector(DOCS / "triggers.svg")
    await compare(DOCS / "compare.svg")
    await sessions(DOCS / "sessions.svg")
    await new(DOCS / "new.svg")
    await replay(DOCS / "replay.svg")
    await help_page(DOCS / "help.svg")
    await palette(DOCS / "palette.svg")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(every())
