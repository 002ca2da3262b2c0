"""The keys and the mouse on Live's charts and its table, each by its effect on the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.events import MouseScrollUp
from textual.pilot import Pilot

from tests.support import recorded
from tests.tui.support import live_app, text_of, until, until_read
from tui.app import StepscopeApp
from tui.pictures.view import StepsView
from tui.screens.live import LiveScreen

SECOND = 1_000_000_000


async def pressed(pilot: Pilot[None], screen: LiveScreen, *keys: str) -> None:
    """Press the keys one by one, and wait each time until the screen shows the picture that answers."""
    for key in keys:
        await pilot.press(key)
        await until(pilot, lambda: screen.painted.asked == screen._view)


def span(screen: LiveScreen) -> tuple[float, float]:
    return screen.painted.steps.x.low, screen.painted.steps.x.high


async def test_zoom_pan_and_all_of_x(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(repeats=2))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await until_read(pilot)
        assert span(screen) == (0.0, 7.0) and "0 all" not in text_of(app)
        await pressed(pilot, screen, "plus")
        assert span(screen) == (3.5, 7.0), "the right end stays"
        assert "call 1" not in text_of(app) and "call 5" in text_of(app) and "0 all" in text_of(app)
        await pressed(pilot, screen, "less_than_sign")
        assert span(screen) == (2.625, 6.125)
        await pressed(pilot, screen, "greater_than_sign", "greater_than_sign")
        assert span(screen) == (3.5, 7.0), "no further than the axis goes"
        await pressed(pilot, screen, "left", "shift+left", "equals_sign")
        cursor = screen.painted.steps.cursor
        low, high = span(screen)
        assert cursor is not None and high - low == 1.75
        assert (cursor.x - low) / 1.75 == (cursor.x - 3.5) / 3.5, "the cursor stays where it was on the screen"
        await pressed(pilot, screen, "minus")
        assert span(screen)[1] - span(screen)[0] == 3.5
        await pressed(pilot, screen, "plus", *["less_than_sign"] * 12)
        assert span(screen)[0] == 0.0 and cursor.x > span(screen)[1], "one may look away from the cursor"
        await pressed(pilot, screen, "right")
        assert span(screen)[0] < cursor.x < span(screen)[1], "and moves it where it is seen"
        await pressed(pilot, screen, "0")
        assert span(screen) == (0.0, 7.0)
        # With another workload, repeat or loop the axis is seen whole.
        await pressed(pilot, screen, "plus", "r")
        assert span(screen) == (0.0, 7.0) and screen.painted.steps.note == "repeat 1"


async def test_the_axis_of_time_is_zoomed_for_all_charts_that_have_it(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(200, 60)) as pilot:
        screen = await until_read(pilot)
        await pressed(pilot, screen, "a", "plus")
        shown = screen.painted
        assert shown.view.axis == "time"
        assert span(screen) == (20.0, 40.0) == (shown.memory.x.low, shown.memory.x.high)
        assert (shown.gpu.x.low, shown.gpu.x.high) == (20.0, 40.0)
        await pressed(pilot, screen, "a")
        assert span(screen) == (0.0, 7.0) and shown.memory.x.low == 20.0, "each axis has a window of its own"
        await pressed(pilot, screen, "0")
        assert screen.painted.memory.x.low == 0.0
        # Where the step chart isn't seen the keys are the other charts'.
        await pilot.resize_terminal(80, 24)
        await pressed(pilot, screen, "tab", "plus")
        assert screen.painted.memory.x.low == 20.0 and span(screen) == (0.0, 7.0)
        await pressed(pilot, screen, "right")
        await until(pilot, lambda: "step latency" in text_of(app))
        assert screen.painted.steps.cursor is not None, "the cursor is on the step chart"
        for key in "ayzo":
            await pressed(pilot, screen, "tab")
            assert "step latency" not in text_of(app)
            await pressed(pilot, screen, key)
            assert screen.seen == ("steps",), "what is changed is shown"


async def test_a_session_that_ended_well_before_the_axis_does_is_zoomed_around_its_end(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(calls=8))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await until_read(pilot)
        await pressed(pilot, screen, "a", *["plus"] * 4)
        latest, (low, high) = screen.painted.latest, span(screen)
        assert low < latest < high
        assert any(low <= x <= high for series in screen.painted.steps.series for x in series.xs)


async def test_scales_and_calls_over_each_other(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await until_read(pilot)
        await pressed(pilot, screen, "y")
        assert screen.painted.steps.y.scale == "log" and "^ 9.4" not in text_of(app)
        await pressed(pilot, screen, "z")
        assert (screen.painted.steps.y.scale, screen.painted.steps.y.high) == ("linear", 10.0)
        await pressed(pilot, screen, "z")
        assert screen.painted.steps.y.high < 0.1 and "^ 9.4" in text_of(app)
        await pressed(pilot, screen, "o")
        assert "calls overlaid" in text_of(app) and "21 step" not in text_of(app) and "20 step" in text_of(app)
        await pressed(pilot, screen, "a")
        assert screen.painted.steps.x.unit == "s" and "calls overlaid" not in text_of(app)
        await pressed(pilot, screen, "o")
        assert "calls overlaid" in text_of(app), "not the time: that many calls lie beside each other there"
        await pressed(pilot, screen, "o")
        assert "call 5" in text_of(app)


async def test_the_cursor_reads_the_cases_and_esc_takes_it_away(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await until_read(pilot)
        await pressed(pilot, screen, "right")
        assert "call 5 step 21: 35.5 ms" in text_of(app), "the newest step"
        title = text_of(app).splitlines()[5]
        assert title.count(" ms") == 4, "the unit, and a value of each case"
        await pressed(pilot, screen, "left", "shift+left")
        assert "call 5 step 10: 3" in text_of(app)
        await pressed(pilot, screen, "shift+right")
        assert "call 5 step 20: 3" in text_of(app)
        await pressed(pilot, screen, "n")
        mark = screen.painted.steps.cursor
        assert mark is not None and mark.note == f"1 of {len(screen.painted.stops)}", "after the last one the first"
        await pressed(pilot, screen, "right")
        assert "compiling call step 2: 3" in text_of(app)
        await pressed(pilot, screen, "N")
        back = screen.painted.steps.cursor
        assert back is not None and (back.x, back.note[:4]) == (mark.x, "2 of"), "the last one left of the cursor"
        await pressed(pilot, screen, "escape")
        assert screen.painted.steps.cursor is None and isinstance(app.screen, LiveScreen)


async def test_the_mouse_zooms_pans_and_points(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await until_read(pilot)

        async def seen(change: Callable[[StepsView], object]) -> None:
            await until(pilot, lambda: screen.painted.asked == screen._view and bool(change(screen._view)))

        await pilot._post_mouse_events([MouseScrollUp], "#steps", offset=(60, 8))
        await seen(lambda view: view.slots is not None)
        low, high = span(screen)
        assert high - low == 7 / 1.25 and 0 < low < high < 7, "around the pointer"
        await pilot.mouse_down("#steps", offset=(60, 8))
        await pilot.hover("#steps", offset=(70, 8))
        await pilot.mouse_up("#steps", offset=(70, 8))
        await seen(lambda view: view.slots is not None and view.slots.low < low)
        await pilot.click("#steps", offset=(60, 8))
        await seen(lambda view: view.at is not None)
        step = screen.painted.view.focus
        assert step is not None and " step " in text_of(app)
        await pilot.click("#memory", offset=(30, 5))
        await seen(lambda view: view.at is not None and view.at.axis == "time")
        assert screen.painted.view.focus not in (None, step)
        assert screen.painted.memory.cursor is not None


async def test_a_pause_is_the_screens_and_keys_are_answered(tmp_path: Path) -> None:
    recording = recorded.live()
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        app = StepscopeApp(tmp_path, feeder.folder)
        async with app.run_test(size=(120, 40)) as pilot:
            screen = await until_read(pilot)
            await pressed(pilot, screen, "space")
            await until(pilot, lambda: "view paused" in text_of(app))
            before = screen.painted
            feeder.feed(recording.live_ns + 4 * SECOND)
            await pressed(pilot, screen, "plus")
            assert screen.painted.progress == before.progress and "call 2 of" not in text_of(app)
            assert list(feeder.folder.control.iterdir()) == [], "the job goes on"
            assert screen.painted.view.following == ("steps",), "what is new is seen"
            await pressed(pilot, screen, "space")
            await until(pilot, lambda: "call 2 of" in text_of(app) and "view paused" not in text_of(app))
            await pressed(pilot, screen, "plus", "plus", "plus", "plus")
            before = screen.painted
            feeder.feed(recording.live_ns + 12 * SECOND)
            await until(pilot, lambda: screen.painted.steps.x.low > before.steps.x.low)
            assert screen.painted.newest is not None and screen.painted.newest <= screen.painted.steps.x.high
            await pressed(pilot, screen, "less_than_sign", "less_than_sign", "less_than_sign", "less_than_sign")
            assert screen.painted.view.following == (), "what was is looked at"


async def test_columns_that_have_no_room_are_a_page_away(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(repeats=2))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        heads: list[str] = []
        for key in ("L", "L", "L", "H"):
            heads.append(next(row for row in text_of(app).splitlines() if row.startswith("results")))
            await pilot.press(key)
            await pilot.pause()
            row = next(row for row in text_of(app).splitlines() if row.startswith("● no-compile "))
            assert row.startswith("● no-compile       ✓"), "the first column stays"
        assert "it/s" in heads[0] and "speed-up" in heads[0] and "p95" not in heads[0]
        assert "p95" in heads[1] and "verdict" in heads[1] and "it/s" not in heads[1]
        assert "even at" in heads[2] and "3/3" in heads[2]
        assert heads[3] == heads[0], "after the last page comes the first"
        await until(pilot, lambda: heads[2] in text_of(app))
