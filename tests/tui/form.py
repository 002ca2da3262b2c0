"""What the tests of New share: the form in an app that is driven."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from profiler.request import BadRequest
from profiler.sessions import SessionFolder
from tests.support.recorded import WALL_NS
from tests.tui.support import text_of, until
from tui.app import StepscopeApp
from tui.asking import NewSource
from tui.screens.new import NewScreen
from tui.settings import Settings

HOUR_NS = 3600 * 10**9


def on_cpu(given: str | None) -> str:
    """Every machine is one without a GPU."""
    if given not in (None, "cpu"):
        raise BadRequest(f"{given} can't be used: no NVIDIA driver is loaded; --device cpu would work")
    return "cpu"


def source(home: Path, **known: object) -> NewSource:
    return NewSource(
        home,
        wall_ns=lambda: WALL_NS + 2 * HOUR_NS,
        choose=on_cpu,
        **{"has_torch": lambda: True, "conduct": lambda folder: 1, "room": lambda device: 8 << 30, **known},  # type: ignore[arg-type]
    )


class Bench:
    """The screen on an app that is driven."""

    def __init__(self, pilot: Pilot[None], screen: NewScreen) -> None:
        self.pilot = pilot
        self.screen = screen

    async def judged(self) -> None:
        """Wait until the form as it stands is judged, and nothing more of earlier sessions comes."""
        screen = self.screen
        await until(
            self.pilot,
            lambda: (
                dict(screen.view.picture.texts) == dict(screen.form.texts)
                and (
                    screen.view.picture.fault
                    or "reading earlier" not in str(screen.view.picture.lines or "reading earlier")
                )
            ),
        )

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.judged()

    async def to(self, name: str) -> None:
        """The cursor on a field."""
        names = [field.name for field in self.screen.view.fields]
        steps = names.index(name) - names.index(self.screen.view.cursor)
        await self.press(*["down" if steps > 0 else "up"] * abs(steps))
        assert self.screen.view.cursor == name

    @property
    def texts(self) -> dict[str, str]:
        return dict(self.screen.form.texts)

    @property
    def text(self) -> str:
        """All that is on the screen, with one blank between words."""
        return " ".join(text_of(self.pilot.app).split())

    @property
    def footer(self) -> str:
        return text_of(self.pilot.app).splitlines()[-1]


def drive(
    home: Path,
    work: Callable[[Bench], object],
    *,
    size: tuple[int, int] = (80, 24),
    ascii: bool = False,
    like: SessionFolder | None = None,
    **known: object,
) -> None:
    """Have ``work`` done on the screen in an app of its own."""

    async def go() -> None:
        app = StepscopeApp(home, settings=Settings(ascii=ascii))
        async with app.run_test(size=size) as pilot:
            screen = NewScreen(home, ascii=ascii, like=like, source=source(home, **known))
            await app.push_screen(screen)
            bench = Bench(pilot, screen)
            await bench.judged()
            await work(bench)  # type: ignore[misc]

    asyncio.run(go())
