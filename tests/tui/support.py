"""What the tests of screens share: the text on the screen, golden files, waiting without sleeping."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from profiler import events as ev
from profiler.analysis.fold import SessionFold
from profiler.analysis.state import SessionState
from profiler.request import Request
from tests.support import recorded
from tests.support.recorded import Recording
from tui.app import StepscopeApp
from tui.charts.widget import Chart
from tui.screens.live import LiveScreen
from tui.settings import Settings

GOLDEN = Path(__file__).parent / "golden"
PATIENCE_S = 60.0
"""A bound for a machine under load; tests wait for what they need and no longer."""
LEAST_LOOKS = 200
"""So often is looked at least: a machine that stood still meanwhile gave nobody the time to come to anything."""


def text_of(app: App[None]) -> str:
    """What is on the screen, row by row, without the blanks at the ends."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def until(pilot: Pilot[None], wanted: Callable[[], bool]) -> None:
    """Let the app work until ``wanted`` is true, and the newest picture is on the screen."""
    deadline, looks = time.monotonic() + PATIENCE_S, 0
    while not wanted() or getattr(pilot.app.screen, "_waiting", False):
        looks += 1
        if looks > LEAST_LOOKS:
            assert time.monotonic() < deadline, f"never came true{_whereabouts(pilot.app, looks)}"
        await pilot.pause(0.01)
    await pilot.pause()


def _whereabouts(app: App[None], looks: int) -> str:
    """What is on the screen that something was waited for in vain, and what every thread is at."""
    waiting = getattr(app.screen, "_waiting", False)
    lines = [f" in {looks} looks; a picture waits for the link: {waiting}; the screen shows:", text_of(app)]
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.ident in frames:
            lines += [f"thread {thread.name}:", *traceback.format_stack(frames[thread.ident])]
    return "\n".join(lines)


async def until_read(pilot: Pilot[None]) -> LiveScreen:
    """Wait until Live shows all that the session's logs hold."""
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, LiveScreen) and not app.screen.painted.heading.loading)
    assert isinstance(app.screen, LiveScreen)
    return app.screen


async def until_painted(pilot: Pilot[None]) -> None:
    """Wait until all of it is on the screen, no column of a chart held back: for golden screens."""
    screen = await until_read(pilot)
    await until(pilot, lambda: all(chart._timer is None for chart in screen.query(Chart)))


def live_app(home: Path, recording: Recording, *, until_ns: int | None = None, ascii: bool = False) -> StepscopeApp:
    """The app on Live, on a recorded session that is written first."""
    return StepscopeApp(home, recording.write(home, until_ns=until_ns), settings=Settings(ascii=ascii))


def same_as_golden(name: str, text: str) -> None:
    """Compare with ``golden/name.txt``; with STEPSCOPE_GOLDEN=write in the environment write it instead."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("STEPSCOPE_GOLDEN") == "write":
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


def folded(recording: Recording, until_ns: int | None = None) -> SessionState:
    """The state after the records up to ``until_ns``."""
    fold = SessionFold(recording.session, recording.request)
    for record in recording.records:
        if until_ns is None or record.event.t <= until_ns:
            feed(fold, record.run, record.event)
    return fold.state


def feed(fold: SessionFold, run: str | None, *events: ev.Event) -> None:
    if run is None:
        fold.conductor(events)
    else:
        fold.run(run, events)


def empty_fold(request: Request | None = None) -> tuple[SessionFold, list[str]]:
    """A fold without records, and the names of its runs."""
    asked = request or recorded.request()
    return SessionFold("test", asked), [run.name for run in asked.runs]


def flat(rows: object) -> str:
    """The text of laid-out rows, one line each."""
    return "\n".join("".join(text for text, _ in row) for row in rows)  # type: ignore[attr-defined]
