"""What the charts of Live show for a view: windows, axes, calls over each other, and the cursor with its readings."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import pytest

from profiler import events as ev
from profiler.analysis.state import SessionState
from tests.support import recorded
from tests.tui.support import empty_fold, feed, folded
from tui.charts.spec import Cursor, Series
from tui.charts.window import Window
from tui.pictures.cursor import focus_at_time, time_of
from tui.pictures.focus import BEFORE_STEPS, Focus
from tui.pictures.live import LivePainter, LivePicture
from tui.pictures.slots import Slots
from tui.pictures.view import At, StepsView

SECOND = 1_000_000_000
STEPS = 21
"""Evaluations of a call: 20 steps of PNDM, which evaluates one twice."""


@pytest.fixture(scope="module")
def done() -> SessionState:
    """Three cases, made twice: each with a warm-up and five measured calls, two with a compiling call before them."""
    return folded(recorded.finished(repeats=2))


def picture(state: SessionState, view: StepsView | None = None) -> LivePicture:
    return LivePainter(state).picture(view or StepsView(), state.last_t, copied=False, loading=False)


def cursor_of(shown: LivePicture) -> Cursor:
    assert shown.steps.cursor is not None
    return shown.steps.cursor


def newest_run(state: SessionState, variant: str) -> str:
    return [run.name for run in state.runs.values() if run.case.compilation.variant == variant][-1]


def ns_of(state: SessionState, focus: Focus) -> int:
    run = state.runs[focus.run]
    rows = [run.steps.row(n) for n in range(len(run.steps))]
    return next(row[4] for row in rows if row[:3] == (focus.call, focus.loop, focus.step))


def finite(series: Series) -> list[float]:
    return [y for y in series.ys if math.isfinite(y)]


# --- windows ---


def test_a_window_is_drawn_with_what_runs_into_it_and_says_what_it_is_a_part_of(done: SessionState) -> None:
    whole = picture(done)
    assert (whole.steps.x.low, whole.steps.x.high, whole.steps.x.whole) == (0.0, 7.0, None)
    seen = picture(done, StepsView(slots=Window(2.5, 6.0)))
    assert (seen.steps.x.low, seen.steps.x.high) == (2.5, 6.0)
    assert seen.steps.x.whole == seen.whole == (0.0, 7.0)
    assert [(slot.label, slot.start, slot.end) for slot in seen.steps.x.slots][::3] == [
        ("call 1", 2.5, 3.0),
        ("call 4", 5.0, 6.0),
    ]
    for series in seen.steps.series:
        inside = [x for x in series.xs if 2.5 <= x <= 6.0]
        assert 73 <= len(inside) <= 74 and len(series.xs) - len(inside) == 2, "and the nearest points on either side"
    assert seen.steps.y == whole.steps.y, "the y axis stays where it was"
    assert seen.memory == whole.memory, "the axis of time is another one"


def test_a_window_beyond_the_axis_is_moved_into_it(done: SessionState) -> None:
    seen = picture(done, StepsView(slots=Window(6.0, 9.0)))
    assert (seen.steps.x.low, seen.steps.x.high) == (4.0, 7.0)
    seen = picture(done, StepsView(slots=Window(-5.0, 90.0)))
    assert (seen.steps.x.low, seen.steps.x.high) == (0.0, 7.0)


def test_few_calls_have_the_numbers_of_their_steps() -> None:
    slots = Slots(1, 1, 5)
    seen = slots.axis(120, Window(3.0, 4.0), steps=STEPS)
    assert seen.slots == () and seen.label == "step"
    assert [tick.label for tick in seen.ticks if 3.0 < tick.at < 4.0] == [str(n) for n in range(2, 22, 2)]
    assert next(tick.at for tick in seen.ticks if tick.label == "20" and tick.at > 3) == pytest.approx(3 + 19.5 / 21)
    assert slots.axis(120, Window(3.0, 4.0)).slots, "how many steps they make isn't known"
    assert slots.axis(120, Window(0.0, 6.0), steps=STEPS).slots


def test_the_full_range_of_a_window_is_that_of_what_is_seen(done: SessionState) -> None:
    assert picture(done, StepsView(full_range=True)).steps.y.high > 9
    assert picture(done, StepsView(full_range=True, slots=Window(1.0, 7.0))).steps.y.high < 0.1


def test_charts_over_time_share_their_window(done: SessionState) -> None:
    seen = picture(done, StepsView(axis="time", times=Window(10.0, 20.0)))
    for x in (seen.steps.x, seen.memory.x, seen.gpu.x):
        assert (x.low, x.high, x.whole) == (10.0, 20.0, seen.times)


def test_a_repeat_that_has_no_step_yet_is_named_all_the_same() -> None:
    recording = recorded.finished(repeats=2)
    state = folded(recording, recording.records[0].event.t + 12 * SECOND)
    assert picture(state, StepsView(repeat=2)).steps.note == "repeat 2"
    assert picture(state, StepsView(repeat=1)).steps.note == "repeat 1"


def test_the_gpus_axis_of_time_is_that_of_the_memory_wherever_the_samples_end() -> None:
    recording = recorded.finished()
    state = folded(recording, recording.records[0].event.t + 12 * SECOND)
    state.last_t += 100 * SECOND
    for view in (StepsView(), StepsView(times=Window(60.0, 120.0))):
        seen = picture(state, view)
        assert (seen.gpu.x.low, seen.gpu.x.high) == (seen.memory.x.low, seen.memory.x.high)


def test_a_window_that_follows_moves_by_halves_of_itself_and_a_cursor_holds_it() -> None:
    recording = recorded.live()
    for axis in ("steps", "time"):
        windows: list[tuple[float, float]] = []
        fold, _ = empty_fold(recording.request)
        painter = LivePainter(fold.state)
        begin = Window(2.0, 4.0) if axis == "steps" else Window(180.0, 190.0)
        asked = replace(StepsView(axis=axis).windowed(begin, axis), following=(axis,))
        for number, record in enumerate(recording.records):
            feed(fold, record.run, record.event)
            if record.event.t > recording.live_ns and number % 25 == 0:
                shown = painter.picture(asked, fold.state.last_t, copied=False, loading=False)
                assert shown.newest is not None and shown.newest <= shown.steps.x.high
                windows.append((shown.steps.x.low, shown.steps.x.high))
        assert windows == sorted(windows) and 3 < len(set(windows)) < 60
        assert all(high - low == pytest.approx(begin.span) for low, high in windows)
        moved = [(low - begin.low) / (begin.span / 2) for low, high in windows if high < shown.steps.x.high]
        assert all(halves == pytest.approx(round(halves)) for halves in moved)
        held = painter.picture(replace(asked, moved=-1), fold.state.last_t, copied=False, loading=False)
        assert held.steps.cursor is not None
        assert (held.steps.x.low, held.steps.x.high) == begin, "a cursor holds it"
        still = painter.picture(replace(asked, following=()), fold.state.last_t, copied=False, loading=False)
        assert (still.steps.x.low, still.steps.x.high) == begin


# --- axes ---


def test_over_time_every_run_lies_where_it_was_made_and_calls_stand_apart(done: SessionState) -> None:
    spec = picture(done, StepsView(axis="time", columns=4000)).steps
    assert spec.note == "repeats 1-2" and spec.x.unit == "s"
    for series in spec.series:
        assert list(series.xs) == sorted(series.xs)
        assert sum(1 for y in series.ys if math.isnan(y)) == len(finite(series)) // STEPS - 1
    plain, compiled, _ = spec.series
    assert len(finite(plain)) == 2 * 6 * STEPS and len(finite(compiled)) == 2 * 7 * STEPS
    assert {mark.symbol for mark in spec.marks} == {"C", "R"}
    run = done.runs[newest_run(done, "compile")]
    start, ns = run.steps.cell(0, "start_ns"), run.steps.cell(0, "ns")
    assert any(x == pytest.approx((start + ns - (done.started_ns or 0)) / 1e9) for x in compiled.xs)


def test_a_chosen_repeat_is_seen_alone_over_time_too(done: SessionState) -> None:
    spec = picture(done, StepsView(axis="time", repeat=1, columns=4000)).steps
    assert spec.note == "repeat 1" and len(finite(spec.series[0])) == 6 * STEPS


def test_overlaid_every_call_is_a_line_over_the_numbers_of_steps(done: SessionState) -> None:
    spec = picture(done, StepsView(overlay=True)).steps
    assert spec.title == "step latency, calls overlaid"
    assert (spec.x.low, spec.x.high, spec.x.label) == (0.5, STEPS + 0.5, "step")
    assert len(spec.series) == 6 + 7 + 7 and all(series.xs == tuple(range(1, STEPS + 1)) for series in spec.series)
    assert [series.label for series in spec.series if series.label] == ["no-compile", "compile", "regional-compile"]
    assert spec.note == "repeat 2"
    assert {mark.x for mark in spec.marks} <= {float(n) for n in range(1, STEPS + 1)}
    assert len(set(spec.marks)) == len(spec.marks)


def test_of_more_calls_than_can_be_told_apart_the_newest_are_overlaid() -> None:
    fold, (run, *_) = empty_fold(recorded.request(variants=["no-compile"], calls=60, steps=2))
    for call in range(60):
        feed(fold, run, ev.CallStarted(t=call, call=call, phase="measure", steps=2, start_ns=call))
        for step in range(2):
            feed(fold, run, ev.Step(t=call, call=call, step=step, start_ns=call, ns=(call + 1) * 1000))
    spec = picture(fold.state, StepsView(overlay=True)).steps
    assert spec.note == "newest 48 of 60 calls"
    assert spec.series[-1].ys[0] == pytest.approx(60e-6) and spec.series[0].ys[0] == pytest.approx(13e-6)


def test_on_a_logarithmic_axis_nothing_is_clipped(done: SessionState) -> None:
    spec = picture(done, StepsView(log=True)).steps
    assert spec.y.scale == "log" and spec.clips == ()
    ys = [y for series in spec.series for y in finite(series)]
    assert 0 < spec.y.low <= min(ys) and max(ys) <= spec.y.high
    assert max(ys) > 9 > 0.1 > min(ys)


# --- the cursor ---


def test_the_first_key_puts_the_cursor_at_the_newest_step_and_the_next_ones_move_it(done: SessionState) -> None:
    painter = LivePainter(done)

    def pressed(view: StepsView, by: int) -> StepsView:
        asked = replace(view, moved=by)
        return painter.picture(asked, done.last_t, copied=False, loading=False).view

    first = pressed(StepsView(), -1)
    assert first.focus is not None and first.moved == 0
    assert (first.focus.call, first.focus.step) == (5, STEPS - 1)
    back = pressed(first, -1)
    assert back.focus is not None and (back.focus.call, back.focus.step) == (5, STEPS - 2)
    before = pressed(first, -STEPS)
    assert before.focus is not None and (before.focus.call, before.focus.step) == (4, STEPS - 1)
    assert pressed(before, STEPS).focus == first.focus
    assert pressed(first, 1) == first, "there is no later one"
    start = pressed(first, -1000)
    assert start.focus is not None and (start.focus.call, start.focus.step) == (0, 0)
    assert pressed(start, -1) == start


def test_from_a_calls_beginning_the_cursor_moves_to_its_first_step(done: SessionState) -> None:
    at = Focus(newest_run(done, "compile"), 2, 0, BEFORE_STEPS)
    for by, place in ((1, (2, 0)), (2, (2, 1)), (-1, (1, STEPS - 1))):
        focus = picture(done, StepsView(focus=at, moved=by)).view.focus
        assert focus is not None and (focus.call, focus.step) == place


def test_the_cursor_reads_every_case_at_its_step(done: SessionState) -> None:
    at = Focus(newest_run(done, "compile"), 3, 0, 7)
    plain = Focus(newest_run(done, "no-compile"), 2, 0, 7)  # it has no compiling call before
    for view in (StepsView(focus=at), StepsView(focus=at, overlay=True), StepsView(focus=at, axis="time")):
        cursor = cursor_of(picture(done, view))
        values = {reading.series: reading.y for reading in cursor.readings}
        assert cursor.place == "call 2 step 8"
        assert values["sd15-txt2img-compile-b1"] == cursor.y == ns_of(done, at) / 1e9
        other = values["sd15-txt2img-no-compile-b1"]
        assert other == (None if view.axis == "time" else pytest.approx(ns_of(done, plain) / 1e9))
    # The compile slot is empty for a case that compiles nothing.
    cursor = cursor_of(picture(done, StepsView(focus=replace(at, call=0))))
    assert {reading.series: reading.y for reading in cursor.readings}["sd15-txt2img-no-compile-b1"] is None


def test_the_charts_over_time_have_the_cursor_at_the_same_moment(done: SessionState) -> None:
    at = Focus(newest_run(done, "compile"), 3, 0, 7)
    seen = picture(done, StepsView(focus=at))
    assert seen.memory.cursor is not None
    assert seen.memory.cursor.x == seen.gpu.cursor == time_of(done, at)
    used = next(reading for reading in seen.memory.cursor.readings if reading.series == "used")
    assert used.y is not None and used.y > 2**30


def test_a_click_is_at_the_nearest_step_on_either_axis(done: SessionState) -> None:
    at = Focus(newest_run(done, "no-compile"), 3, 0, 7)
    x = cursor_of(picture(done, StepsView(focus=at))).x
    focus = picture(done, StepsView(at=At(x + 0.01, "steps"))).view.focus
    assert focus is not None and (focus.call, focus.step) in {(3, 7), (4, 7)}, "the compiled ones begin a call earlier"
    assert cursor_of(picture(done, StepsView(at=At(x + 0.01, "steps")))).x == pytest.approx(x)
    moment = time_of(done, at)
    assert moment is not None
    for axis in ("steps", "time"):
        seen = picture(done, StepsView(at=At(moment - 0.001, "time"), axis=axis))
        assert seen.view.focus == at, "what ran then, whichever case it was"


def test_every_step_is_found_again_by_its_time(done: SessionState) -> None:
    for run in list(done.runs.values())[:2]:
        for row in range(0, len(run.steps), 7):
            at = Focus(run.name, run.steps.cell(row, "call"), 0, run.steps.cell(row, "step"))
            moment = time_of(done, at)
            assert moment is not None and focus_at_time(done, moment - 1e-6) == at


def test_the_window_goes_with_the_cursor_and_keeps_its_width(done: SessionState) -> None:
    at = Focus(newest_run(done, "compile"), 2, 0, 0)
    asked = StepsView(focus=at, slots=Window(5.0, 6.5))
    assert picture(done, asked).steps.x.low == 5.0, "who looks elsewhere may"
    seen = picture(done, replace(asked, seek=True))
    x = cursor_of(seen).x
    assert seen.view.slots is not None
    assert seen.view.slots.span == pytest.approx(1.5) and seen.view.slots.low < x < seen.view.slots.high
    assert (seen.steps.x.low, seen.steps.x.high) == seen.view.slots
    assert seen.asked.slots == (5.0, 6.5)


def test_marks_beside_the_cursor_are_counted(done: SessionState) -> None:
    assert picture(done).stop_at == 0
    at = Focus(newest_run(done, "compile"), 3, 0, 7)
    seen = picture(done, StepsView(focus=at))
    assert 0 < seen.stop_at == len(seen.stops), "all compiles lie left of it"


def test_no_view_of_any_moment_is_too_much() -> None:
    recording = recorded.live()
    run = recording.request.runs[1].name
    cursors = (
        StepsView(),
        StepsView(moved=-3),
        StepsView(at=At(5.3, "steps")),
        StepsView(at=At(math.inf, "steps")),
        StepsView(at=At(100.0, "time"), moved=5),
        StepsView(focus=Focus(run, 99, 3, 99)),
    )
    for until in (0, recording.live_ns // 3, recording.live_ns):
        state = folded(recording, recorded.BASE_NS + until % recording.live_ns)
        painter = LivePainter(state)
        for view, axis, overlay, log in product(cursors, ("steps", "time"), (False, True), (False, True)):
            asked = replace(view, axis=axis, overlay=overlay, log=log, slots=Window(1.0, 1.1), times=Window(-4.0, 1e9))
            shown = painter.picture(asked, state.last_t, copied=False, loading=False)
            assert shown.steps.x.low < shown.steps.x.high and shown.steps.y.low < shown.steps.y.high
            assert shown.view.at is None and shown.view.moved == 0


@pytest.mark.parametrize("axis", ["steps", "time"])
def test_calls_that_no_worker_makes_are_drawn_somewhere(axis: str) -> None:
    fold, runs = empty_fold()
    feed(fold, runs[0], ev.Header(t=1), ev.PhaseStarted(t=2, phase="measure", calls=2**62))
    for call, step in ((-1, 0), (2**62, 3), (0, -5)):
        feed(fold, runs[0], ev.Step(t=SECOND, call=call, step=step, start_ns=5, ns=9))
    shown = picture(fold.state, StepsView(axis=axis, moved=-1))  # type: ignore[arg-type]
    assert shown.steps.series and shown.steps.x.high < 1e9
