"""Timers for a moment that is over before they begin, as on a busy machine."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual import timer
from textual.app import App

from tests.support import recorded
from tests.tui.support import live_app, until, until_read
from tui.timing import after


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two looks at the clock a timer's task always loses the processor for a while."""
    seconds = itertools.count(step=0.001)
    monkeypatch.setattr(timer, "_time", SimpleNamespace(get_time=lambda: next(seconds)))


async def test_a_timer_that_is_too_late_goes_off_all_the_same() -> None:
    gone_off: list[float] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        for wait_s in (0.0, 1e-9, 5e-4):
            after(app, wait_s, lambda wait_s=wait_s: gone_off.append(wait_s))  # type: ignore[misc]
        await until(pilot, lambda: len(gone_off) == 3)


async def test_the_last_picture_comes_though_the_link_takes_it_almost_at_once(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    waits = [1e-9]
    app.link.wait_s = lambda: waits.pop() if waits else 0.0  # type: ignore[method-assign]
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await until_read(pilot)
        assert screen.painted.over
    assert not waits
