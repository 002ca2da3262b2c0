"""Take the pictures of the README and the docs from the app itself: ``make screenshots``."""

from __future__ import annotations

import asyncio
import random
import tempfile
from dataclasses import replace
from pathlib import Path

from profiler.sessions import SessionFolder
from tests.support import compared, recorded, triggers
from tests.support.story import SECOND
from tui.app import StepscopeApp
from tui.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIZE = (120, 36)
COMPARE_SIZE = (144, 42)
PROCESS_NOISE = 0.006
INTO_THE_LIVE_PART_S = 45
SETTLE_S = 0.5
SETTINGS = Settings(colour="truecolor")
"""Whatever the terminal shows in which they are made."""


async def live(target: Path) -> None:
    """The Live screen, two cases done and the third under way, as SVG."""
    recording = recorded.live(session="k3fa-sd15-txt2img")
    shown = replace(recording, live_ns=recording.live_ns + INTO_THE_LIVE_PART_S * SECOND)
    with tempfile.TemporaryDirectory() as home, recorded.Feeder(shown, Path(home)) as feeder:
        feeder.feed_history()
        app = StepscopeApp(Path(home), feeder.folder, settings=SETTINGS)
        async with app.run_test(size=SIZE) as pilot:
            for _ in range(4):
                await pilot.pause(SETTLE_S)
            target.write_text(app.export_screenshot(title="stepscope watch"), encoding="utf-8")


async def inspector(target: Path) -> None:
    """The Triggers screen with the recompile that cost most, as SVG."""
    with tempfile.TemporaryDirectory() as home:
        app = StepscopeApp(
            Path(home), triggers.triggers(session="k7qd-sd15-txt2img").write(Path(home)), settings=SETTINGS
        )
        async with app.run_test(size=SIZE) as pilot:
            for key in ("i", "home"):
                await pilot.pause(SETTLE_S)
                await pilot.press(key)
            await pilot.pause(SETTLE_S)
            target.write_text(app.export_screenshot(title="stepscope watch"), encoding="utf-8")


async def compare(target: Path) -> None:
    """The Compare screen: two sessions of another batch size on an A100, beside what was published of it, as SVG."""
    with tempfile.TemporaryDirectory() as home:
        made = [
            _measured(Path(home), "k3fa-sd15-txt2img", 44.6, 25.4, 29.3, 1),
            _measured(Path(home), "p9zz-sd15-txt2img", 84.0, 66.0, 69.5, 4),
        ]
        app = StepscopeApp(Path(home), compare=[(folder, None) for folder in made], settings=SETTINGS)
        async with app.run_test(size=COMPARE_SIZE) as pilot:
            for key in ("p", "down"):
                await pilot.pause(SETTLE_S * 2)
                await pilot.press(key)
            await pilot.pause(SETTLE_S * 2)
            target.write_text(app.export_screenshot(title="stepscope compare --open"), encoding="utf-8")


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
    await inspector(DOCS / "triggers.svg")
    await compare(DOCS / "compare.svg")


if __name__ == "__main__":
    asyncio.run(every())
