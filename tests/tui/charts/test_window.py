"""Zooming and panning: the arithmetic, the axis that shows that there is more, and what the mouse asks for."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message

from tests.tui.charts.test_canvas import line, live_spec, text
from tui.charts.axes import choose_ticks
from tui.charts.canvas import plot_place, render
from tui.charts.pointing import ChartPanned, ChartPointed, ChartZoomed
from tui.charts.spec import Axis, ChartSpec, Cursor
from tui.charts.widget import Chart
from tui.charts.window import MOST_ZOOM, Window, panned, within, zoomed

WHOLE = Window(0.0, 100.0)
PLACES = st.floats(-50, 150)
SPANS = st.floats(0.02, 100)


@given(low=PLACES, span=SPANS, factor=st.floats(0.01, 100), at=st.none() | PLACES, by=st.floats(-500, 500))
def test_a_window_never_leaves_the_whole(low: float, span: float, factor: float, at: float | None, by: float) -> None:
    window = Window(low, low + span)
    for found in (zoomed(window, WHOLE, factor, at), panned(window, WHOLE, by), within(window, WHOLE)):
        assert WHOLE.low <= found.low < found.high <= WHOLE.high
    assert zoomed(window, WHOLE, factor, at).span >= WHOLE.span / MOST_ZOOM * 0.999


@given(low=st.floats(0, 80), span=st.floats(1, 20), factor=st.floats(1.01, 8), part=st.floats(0, 1))
def test_what_is_zoomed_at_stays_where_it_is(low: float, span: float, factor: float, part: float) -> None:
    at = low + part * span
    found = zoomed(Window(low, low + span), WHOLE, factor, at)
    assert found.span == pytest.approx(span / factor)
    assert (at - found.low) / found.span == pytest.approx(part, abs=1e-6)


def test_zoom_keeps_the_right_end_and_stops_at_the_least_and_the_whole() -> None:
    assert zoomed(Window(40, 80), WHOLE, 2) == (60, 80)
    assert zoomed(Window(40, 80), WHOLE, 1000, least=5) == (75, 80)
    assert zoomed(Window(40, 80), WHOLE, 1e-9, 60) == WHOLE
    assert zoomed(WHOLE, WHOLE, 0.5) == WHOLE
    for odd in (math.nan, math.inf, 0.0, -1.0):
        assert zoomed(Window(40, 80), WHOLE, odd) == (40, 80)


def test_panning_stops_at_the_ends_without_getting_narrower() -> None:
    assert panned(Window(40, 80), WHOLE, 5) == (45, 85)
    assert panned(Window(40, 80), WHOLE, 500) == (60, 100)
    assert panned(Window(40, 80), WHOLE, -500) == (0, 40)
    assert panned(Window(40, 80), WHOLE, math.nan) == (40, 80)
    assert within(None, WHOLE) == within(Window(-500, 500), WHOLE) == within(Window(math.nan, 3), WHOLE) == WHOLE


# --- the axis ---


def windowed(low: float, high: float, width: int = 80) -> list[str]:
    xs = tuple(k + 0.5 for k in range(40))
    x = Axis(low, high, slots=live_spec().x.slots, whole=(0, 40))
    return text(render(ChartSpec("t", (line("compile", xs, (0.5,) * 40),), x), width, 10))


def test_the_axis_says_on_which_side_there_is_more() -> None:
    axis = {side: windowed(*side)[-2] for side in ((0, 20), (10, 30), (20, 40), (0, 40))}
    assert {side: (row[5], row[-1]) for side, row in axis.items()} == {
        (0, 20): ("─", "›"),
        (10, 30): ("‹", "›"),
        (20, 40): ("‹", "─"),
        (0, 40): ("─", "─"),
    }
    x = Axis(10, 30, whole=(0, 40))
    row = text(render(ChartSpec("t", x=x), 80, 10, ascii=True))[-2]
    assert (row[5], row[-1]) == ("<", ">")


def test_a_slot_that_the_window_cuts_is_named_in_what_is_left_of_it() -> None:
    rows = windowed(5, 32)
    assert rows[-1].split() == ["compile", "warm-up", "call", "1", "C"]
    assert rows[-2].count("┴") == 3
    assert windowed(12, 18)[-1].split() == ["warm-up"]
    assert windowed(12, 18)[-2].count("┴") == 0


def test_the_line_runs_in_from_outside_the_window() -> None:
    plot = windowed(12.2, 18.7)[1:8]
    assert all(any(row[column] != " " for row in plot) for column in range(5, 80))


def test_clips_marks_and_cursors_outside_the_window_are_not_drawn_and_those_at_its_edge_are() -> None:
    def rows(low: float, high: float) -> list[str]:
        spec = live_spec()
        x = Axis(low, high, slots=spec.x.slots, whole=(0, 40))
        return text(render(replace(spec, x=x, cursor=Cursor(12.5, "here", "compile", 0.031)), 80, 16))

    seen = rows(0.25, 20)
    assert "^ 24.3 s" in seen[1]
    assert seen[-3].split() == ["C"]
    assert any("┃" in row for row in seen)
    away = rows(20, 39.5)
    assert not any("^" in row for row in away)
    assert away[-3].split() == ["R"]
    assert not any("┃" in row for row in away)
    assert away[-1].startswith("▲ here"), "what it points at is still told"


@given(low=st.floats(0, 1e4), span=st.sampled_from([0.05, 0.7, 3.0, 40.0, 333.0, 5000.0]), most=st.integers(3, 14))
def test_ticks_of_a_window_keep_their_distance_wherever_it_is(low: float, span: float, most: int) -> None:
    ticks = choose_ticks(low, low + span, "", most, window=True)
    assert 1 <= len(ticks) <= most
    assert all(low - span * 1e-6 <= tick.at <= low + span * (1 + 1e-6) for tick in ticks)
    steps = {round(math.log10((b.at - a.at) / span), 6) for a, b in pairwise(ticks)}
    at_zero = choose_ticks(0.0, span, "", most, window=True)
    first = {round(math.log10((b.at - a.at) / span), 6) for a, b in pairwise(at_zero)}
    assert not steps or not first or steps == first
    for step in steps:
        leading = 10 ** ((step + math.log10(span)) % 1)
        assert any(leading == pytest.approx(base, rel=1e-3) for base in (1, 2, 5, 10))


def test_a_narrow_window_on_a_long_time_reads_in_its_own_unit() -> None:
    labels = [tick.label for tick in choose_ticks(2400, 2404, "s", 9, window=True)]
    assert labels == ["2400.0", "2400.5", "2401.0", "2401.5", "2402.0", "2402.5", "2403.0", "2403.5", "2404.0"]
    assert [tick.label for tick in choose_ticks(0, 2400, "s", 5)] == ["0", "10", "20", "30", "40"]


# --- the mouse ---


class MouseApp(App[None]):
    CSS = "Chart { height: 16; }"

    def __init__(self, *, mouse: bool) -> None:
        super().__init__()
        self.spec = live_spec()
        self.chart = Chart(self.spec, mouse=mouse)
        self.asked: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.chart

    def on_chart_zoomed(self, message: ChartZoomed) -> None:
        self.asked.append(message)

    def on_chart_panned(self, message: ChartPanned) -> None:
        self.asked.append(message)

    def on_chart_pointed(self, message: ChartPointed) -> None:
        self.asked.append(message)


def wheel(app: MouseApp, kind: type[events.MouseEvent], x: int) -> None:
    app.chart.post_message(kind(app.chart, x, 5, 0, 0, 0, False, False, False, screen_x=x, screen_y=5))


async def test_the_mouse_asks_for_zoom_pan_and_a_place_and_changes_nothing_itself() -> None:
    app = MouseApp(mouse=True)
    async with app.run_test(size=(80, 16)) as pilot:
        left, columns = plot_place(app.spec, 80, 16)
        unit = 40 / columns
        wheel(app, events.MouseScrollUp, left)
        wheel(app, events.MouseScrollDown, left + columns - 1)
        await pilot.pause()
        near, far = app.asked
        assert isinstance(near, ChartZoomed)
        assert isinstance(far, ChartZoomed)
        assert near.factor == pytest.approx(1 / far.factor)
        assert near.factor > 1
        assert (near.at, far.at) == (pytest.approx(unit / 2), pytest.approx(40 - unit / 2))
        app.asked.clear()
        await pilot.click(Chart, offset=(left + 30, 4))
        (pointed,) = app.asked
        assert isinstance(pointed, ChartPointed)
        assert pointed.x == pytest.approx(30.5 * unit)
        app.asked.clear()
        await pilot.mouse_down(Chart, offset=(left + 30, 4))
        for x in (28, 28, 20):
            await pilot.hover(Chart, offset=(left + x, 4))
        await pilot.mouse_up(Chart, offset=(left + 20, 4))
        await pilot.pause()
        assert [type(message) for message in app.asked] == [ChartPanned, ChartPanned]
        assert sum(message.by for message in app.asked if isinstance(message, ChartPanned)) == pytest.approx(10 * unit)
        assert not app.screen.selections, "nothing is painted over what was dragged"
        app.asked.clear()
        await pilot.click(Chart, offset=(1, 4))
        assert app.asked == [], "the labels beside the plot are no place"
        assert app.chart.spec is app.spec


async def test_without_the_mouse_the_chart_asks_for_nothing() -> None:
    app = MouseApp(mouse=False)
    async with app.run_test(size=(80, 16)) as pilot:
        wheel(app, events.MouseScrollUp, 30)
        await pilot.click(Chart, offset=(30, 4))
        await pilot.pause()
        assert app.asked == []
