"""Take the pictures of the README and the docs from the app itself: ``make screenshots``."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.support import recorded, triggers
from tests.support.story import SECOND
from tui.app import StepscopeApp

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIZE = (120, 36)
INTO_THE_LIVE_PART_S = 45
SETTLE_S = 0.5


async def live(target: Path) -> None:
    """The Live screen, two cases done and the third under way, as SVG."""
    recording = recorded.live(session="k3fa-sd15-txt2img")
    shown = replace(recording, live_ns=recording.live_ns + INTO_THE_LIVE_PART_S * SECOND)
    with tempfile.TemporaryDirectory() as home, recorded.Feeder(shown, Path(home)) as feeder:
        feeder.feed_history()
        app = StepscopeApp(Path(home), feeder.folder)
        async with app.run_test(size=SIZE) as pilot:
            for _ in range(4):
                await pilot.pause(SETTLE_S)
            target.write_text(app.export_screenshot(title="stepscope watch"), encoding="utf-8")


async def inspector(target: Path) -> None:
    """The Triggers screen with the recompile that cost most, as SVG."""
    with tempfile.TemporaryDirectory() as home:
        app = StepscopeApp(Path(home), triggers.triggers(session="k7qd-sd15-txt2img").write(Path(home)))
        async with app.run_test(size=SIZE) as pilot:
            for key in ("i", "home"):
                await pilot.pause(SETTLE_S)
                await pilot.press(key)
            await pilot.pause(SETTLE_S)
            target.write_text(app.export_screenshot(title="stepscope watch"), encoding="utf-8")


async def compare(target: Path) -> None:
    """The Compare screen: two sessions of another batch size, one row pinned as the baseline, as SVG."""
    with tempfile.TemporaryDirectory() as home:
        made = [
            recorded.finished(session="k3fa-sd15-txt2img", repeats=5, steps=50).write(Path(home)),
            recorded.finished(session="p9zz-sd15-txt2img", repeats=5, steps=50, seed=2, batch_sizes=[4]).write(
                Path(home)
            ),
        ]
        app = StepscopeApp(Path(home), compare=[(folder, None) for folder in made])
        async with app.run_test(size=SIZE) as pilot:
            for key in ("down", "down"):
                await pilot.pause(SETTLE_S * 2)
                await pilot.press(key)
            await pilot.pause(SETTLE_S)
            target.write_text(app.export_screenshot(title="stepscope compare --open"), encoding="utf-8")


async def every() -> None:
    await live(DOCS / "live.svg")
    await inspector(DOCS / "triggers.svg")
    await compare(DOCS / "compare.svg")


if __name__ == "__main__":
    asyncio.run(every())
