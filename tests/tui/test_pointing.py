"""The step chart's cursor: which step was that spike, what was compiled there, the way to the inspector and back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from textual.message import Message

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import Occurrence, occurrences
from tests.support import recorded
from tests.tui.support import empty_fold, feed, folded, live_app, text_of, until, until_read
from tui.charts.spec import Cursor
from tui.messages import ShowTriggers
from tui.pictures.focus import BEFORE_STEPS, Focus
from tui.pictures.live import LivePainter, LivePicture
from tui.pictures.steps import same_place
from tui.pictures.view import StepsView
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.triggers import TriggersScreen

MS, SECOND = 1_000_000, 1_000_000_000


@pytest.fixture(scope="module")
def done() -> SessionState:
    """Two legs: the compiled variants compile again in the sixth call."""
    return folded(recorded.finished(repeats=2, legs=["64x64", "96x96"]))


def picture(state: SessionState, view: StepsView | None = None) -> LivePicture:
    return LivePainter(state).picture(view or StepsView(), state.last_t, copied=False, loading=False)


def cursor_of(state: SessionState, focus: Focus) -> Cursor:
    cursor = picture(state, StepsView(focus=focus)).steps.cursor
    assert cursor is not None
    return cursor


def again(state: SessionState, *, repeat: int = 2) -> Occurrence:
    """The recompile of the variant compile in a measured call of a repeat."""
    found = [one for one in occurrences(state) if one.kind == "recompile" and one.variant == "compile"]
    return next(one for one in found if one.repeat == repeat)


def focus_of(one: Occurrence) -> Focus:
    place = one.place
    assert place.call is not None and place.step is not None
    return Focus(one.run, place.call, place.loop or 0, place.step, one.key)


# --- where the cursor is and what it says ---


def test_the_cursor_is_where_the_mark_of_its_step_is_and_names_all_that_counts(done: SessionState) -> None:
    one = again(done)
    cursor = cursor_of(done, focus_of(one))
    marks = picture(done).steps.marks
    assert (cursor.x, "R", one.case) in {(mark.x, mark.symbol, mark.series) for mark in marks}
    assert cursor.series == one.case
    assert cursor.y == pytest.approx((one.place.step_ms or 0) / 1e3)
    head, _, tail = cursor.label.partition(" · ")
    assert head == "call 6 step 1: 1.23 s, usual 31.1 ms"
    assert tail == f"recompile: {one.sentence}, UNet2DConditionModel (unet)"


def test_the_focus_brings_its_repeat_its_workload_and_its_loop() -> None:
    state = folded(recorded.finished(repeats=2, batch_sizes=[1, 2], legs=["64x64", "96x96"]))
    recompiles = [one for one in occurrences(state) if one.kind == "recompile"]
    other = next(one for one in recompiles if "compile-b2" in one.case and one.repeat == 1)
    shown = picture(state).steps
    assert (shown.title, shown.note) == ("step latency, b1", "repeat 2")
    pointed = picture(state, StepsView(focus=focus_of(other)))
    assert (pointed.steps.title, pointed.steps.note) == ("step latency, b2", "repeat 1")
    assert pointed.charted == "sd15-txt2img-no-compile-b2"
    assert {stop.run for stop in pointed.stops} == {
        run.name for run in state.runs.values() if run.run.repeat == 1 and run.compiles and "-b2-" in run.name
    }
    assert picture(state, StepsView(repeat=1, focus=None)).steps.cursor is None


def test_the_focus_brings_the_denoising_loop_in_which_it_happened() -> None:
    fold, runs = empty_fold(recorded.request(steps=4))
    run = runs[1]
    feed(fold, run, ev.Header(t=1), ev.CallStarted(t=2, call=0, phase="measure", steps=4, start_ns=2))
    for loop, name in enumerate(("IF-I", "IF-II")):
        feed(fold, run, ev.LoopStarted(t=3, call=0, loop=loop, name=name, denoisers=["unet"], iterations=2, start_ns=3))
        for step in range(2):
            feed(fold, run, ev.Step(t=4, call=0, loop=loop, step=step, start_ns=3, ns=(1 + loop) * SECOND))
        feed(fold, run, ev.LoopEnded(t=5, call=0, loop=loop, ns=2 * SECOND, evaluations=2, iterations=2))
    feed(fold, run, ev.CompileStarted(t=4, id="0/0", call=0, loop=1, step=1, module="UNet", fqn="unet"))
    assert picture(fold.state).stops == ()
    spec = picture(fold.state, StepsView(focus=Focus(run, 0, 1, 1, f"{run} 0 0/0"))).steps
    assert spec.title == "step latency, IF-II (2 of 2)"
    assert spec.cursor is not None
    assert spec.cursor.label.startswith("call 1 step 2: 2.00 s")
    assert [(mark.x, mark.symbol) for mark in spec.marks] == [(spec.cursor.x, "C")]


def test_a_clipped_step_tells_its_true_value(done: SessionState) -> None:
    stop = picture(done).stops[0]
    spec = picture(done, StepsView(focus=stop)).steps
    assert spec.cursor is not None and spec.cursor.y is not None
    assert spec.cursor.y > 9 > spec.y.high
    assert spec.cursor.label.startswith("compiling call step 1: 9.4")


def test_the_stops_go_from_left_to_right_one_a_step_of_a_run(done: SessionState) -> None:
    shown = picture(done)
    xs = [cursor_of(done, stop).x for stop in shown.stops]
    assert xs == sorted(xs)
    assert not any(same_place(one, other) for one, other in pairwise(shown.stops))
    places = {(mark.series, mark.x) for mark in shown.steps.marks}
    assert len(shown.stops) == len(places) == 4
    assert [cursor_of(done, stop).note for stop in shown.stops] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]


def test_of_several_at_a_step_the_gravest_is_told_first_unless_another_is_asked_for() -> None:
    fold, runs = empty_fold(recorded.request(steps=4))
    run = runs[1]
    feed(fold, run, ev.Header(t=1), ev.CallStarted(t=2, call=0, phase="measure", steps=4, start_ns=2))
    where = {"call": 0, "loop": 0, "step": 1, "module": "UNet", "fqn": "unet"}
    for number, took in enumerate((1, 5)):
        begun = {"id": f"{number}/0", **where}
        feed(fold, run, ev.CompileStarted(t=3, **begun), ev.CompileEnded(t=9, id=f"{number}/0", ns=took * SECOND))
    feed(fold, run, ev.Recompile(t=4, id="0/1", reasons=["0/0: a guard"], **where))
    feed(fold, run, ev.CompileEnded(t=9, id="0/1", ns=SECOND))
    for step in range(2):
        feed(fold, run, ev.Step(t=20 + step, call=0, loop=0, step=step, start_ns=2, ns=(1 + step) * SECOND))
    (stop,) = picture(fold.state).stops
    assert stop == Focus(run, 0, 0, 1, f"{run} 0 0/1")
    assert cursor_of(fold.state, stop).label.startswith("call 1 step 2: 2.00 s")
    assert cursor_of(fold.state, stop).label.endswith("recompile: a guard, UNet (unet) (and 2 more)")
    other = Focus(run, 0, 0, 1, f"{run} 0 1/0")
    assert cursor_of(fold.state, other).label.endswith("UNet (unet) compiled in 5.00 s (and 2 more)")


def test_what_happened_outside_any_step_stands_at_the_calls_beginning() -> None:
    fold, runs = empty_fold(recorded.request(steps=4))
    run = runs[1]
    feed(fold, run, ev.Header(t=1), ev.CallStarted(t=2, call=0, phase="compile", steps=4, start_ns=2))
    feed(fold, run, ev.CompileStarted(t=3, id="0/0", call=0, stage="decode", module="VAE", fqn="vae"))
    feed(fold, run, ev.Step(t=20, call=0, loop=0, step=0, start_ns=2, ns=SECOND))
    (stop,) = picture(fold.state).stops
    assert stop.step == BEFORE_STEPS
    cursor = cursor_of(fold.state, stop)
    assert cursor.y is None
    assert cursor.label.startswith("compiling call decode · ")


def test_the_cursor_is_there_while_the_first_step_still_compiles() -> None:
    fold, runs = empty_fold(recorded.request(steps=4))
    run = runs[1]
    feed(fold, run, ev.Header(t=1), ev.CallStarted(t=2, call=0, phase="compile", steps=4, start_ns=2))
    feed(fold, run, ev.CompileStarted(t=3, id="0/0", call=0, loop=0, step=0, module="UNet", fqn="unet"))
    cursor = cursor_of(fold.state, Focus(run, 0, 0, 0, f"{run} 0 0/0"))
    assert cursor.label == "compiling call step 1 · compiling UNet (unet)"


def test_a_step_at_which_nothing_happened_is_told_as_it_was_asked_for(done: SessionState) -> None:
    run = again(done).run
    cursor = cursor_of(done, Focus(run, 3, 0, 6, label="someone's words"))
    at = next(one for one in cursor.readings if one.series == cursor.series)
    assert at.y is not None and cursor.label == f"call 2 step 7: {at.y * 1e3:.1f} ms · someone's words"
    assert cursor.note == ""


def test_a_focus_on_what_is_not_there_is_no_cursor(done: SessionState) -> None:
    assert picture(done, StepsView(focus=Focus("no-such-run", 0, 0, 0))).steps.cursor is None


def test_every_kind_has_its_mark() -> None:
    fold, runs = empty_fold(recorded.request(steps=4))
    run = runs[1]
    feed(fold, run, ev.Header(t=1), ev.CallStarted(t=2, call=0, phase="measure", steps=4, start_ns=2))
    at = [{"call": 0, "loop": 0, "step": step} for step in range(4)]
    feed(fold, run, ev.CompileStarted(t=3, id="0/0", module="UNet", **at[0]))
    feed(fold, run, ev.CompileEnded(t=4, id="0/0", ok=False, failure="Boom", ns=1))
    feed(fold, run, ev.Recompile(t=5, id="0/8", module="UNet", reasons=["0/0: a guard"], **at[1]))
    feed(fold, run, ev.CompileLimit(t=5, id="0/8", module="UNet", limit=8, **at[1]))
    feed(fold, run, ev.EagerFallback(t=6, graphs=1, expected=2, **at[2]))
    feed(fold, run, ev.CudaGraph(t=7, action="skip", reason="mutated inputs", **at[3]))
    feed(fold, run, ev.GraphBreak(t=8, reason="print", **at[3]))
    for step in range(4):
        feed(fold, run, ev.Step(t=20 + step, call=0, loop=0, step=step, start_ns=2, ns=SECOND))
    shown = picture(fold.state)
    assert [mark.symbol for mark in shown.steps.marks] == ["!", "L", "E", "B", "G"]
    assert len(shown.stops) == 4


def test_marks_are_not_looked_for_again_while_steps_go_by(done: SessionState, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.pictures import spots

    looked: list[object] = []
    real = spots.spots_of
    monkeypatch.setattr(spots, "spots_of", lambda *given: looked.append(given) or real(*given))
    painter = LivePainter(done)
    for _ in range(3):
        painter.picture(StepsView(), done.last_t, copied=False, loading=False)
    assert len(looked) == 3, "once for each of the runs on the chart"


# --- keys ---


@pytest.fixture
def posted() -> list[Message]:
    """What the screen wished."""
    return []


def caught(screen: LiveScreen, posted: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the screen's wishes kept here instead of fulfilled."""
    real = screen.post_message

    def post(message: Message) -> bool:
        if isinstance(message, ShowTriggers):
            posted.append(message)
            return True
        return real(message)

    monkeypatch.setattr(screen, "post_message", post)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 16)], ids=str)
async def test_n_walks_over_the_marks_and_says_what_they_were(size: tuple[int, int], tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(legs=["64x64", "96x96"]))
    async with app.run_test(size=size) as pilot:
        screen = await until_read(pilot)
        assert "┃" not in text_of(app)
        seen: list[str] = []
        for number in range(1, 5):
            await pilot.press("n")
            await until(pilot, lambda n=number: getattr(screen.picture.steps.cursor, "note", "") == f"{n} of 4")  # type: ignore[misc]
            assert screen.picture.steps.cursor is not None
            label = screen.picture.steps.cursor.label
            # The lowest chart has room for the place and the values alone.
            said = screen.picture.steps.cursor.place if size == (60, 16) else label[:30]
            await until(pilot, lambda text=said: text in text_of(app))  # type: ignore[misc]
            seen.append(label)
        assert "compiling call step 1: 9.4" in seen[0]
        assert "call 6 step 1: 1.2" in seen[2]
        await pilot.press("n")
        await until(pilot, lambda: screen.picture.steps.cursor.note == "1 of 4")  # type: ignore[union-attr]
        await pilot.press("N")
        await until(pilot, lambda: screen.picture.steps.cursor.note == "4 of 4")  # type: ignore[union-attr]
        if size != (60, 16):
            assert "┃" in text_of(app)


async def test_big_n_without_a_cursor_begins_with_the_newest_mark(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(legs=["64x64", "96x96"]))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await until_read(pilot)
        await pilot.press("N")
        await until(pilot, lambda: getattr(screen.picture.steps.cursor, "note", "") == "4 of 4")


async def test_i_asks_for_the_inspector_at_what_the_cursor_points_at(
    tmp_path: Path, posted: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = live_app(tmp_path, recorded.finished(legs=["64x64", "96x96"]))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await until_read(pilot)
        caught(screen, posted, monkeypatch)
        await pilot.press("i")
        await pilot.press("n", "n", "n")
        await until(pilot, lambda: getattr(screen.picture.steps.cursor, "note", "") == "3 of 4")
        await pilot.press("i")
        keys = [message.key for message in posted if isinstance(message, ShowTriggers)]
        assert keys == [None, screen.picture.stops[2].key]


async def test_where_nothing_was_compiled_there_is_nothing_to_ask_why(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(variants=["no-compile"]))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(pilot)
        assert "why" not in text_of(app).splitlines()[-1]
        assert "mark" not in text_of(app).splitlines()[-1]
        await pilot.press("i", "n", "N")
        assert isinstance(app.screen, LiveScreen)


async def test_esc_takes_the_cursor_first_and_then_leaves(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await until_read(pilot)
        await pilot.press("n")
        await until(pilot, lambda: screen.picture.steps.cursor is not None)
        await pilot.press("escape")
        await until(pilot, lambda: screen.picture.steps.cursor is None)
        assert isinstance(app.screen, LiveScreen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))


async def test_who_came_from_the_inspector_goes_back_to_it_with_the_same_selection(
    tmp_path: Path, posted: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = live_app(tmp_path, recorded.finished(legs=["64x64", "96x96"]))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await until_read(pilot)
        caught(screen, posted, monkeypatch)
        await pilot.press("tab")
        await until(pilot, lambda: "memory GiB" in text_of(app))
        wanted = screen.picture.stops[2]
        screen.focus_on(wanted)
        await until(pilot, lambda: "call 6 step 1" in text_of(app) and "step latency" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: screen.picture.steps.cursor is None)
        assert [message.key for message in posted if isinstance(message, ShowTriggers)] == [wanted.key]
        # Gone on from there with n, it is Live's own cursor: esc takes it away and no more.
        screen.focus_on(wanted)
        await pilot.press("n")
        await until(pilot, lambda: getattr(screen.picture.steps.cursor, "note", "") == "4 of 4")
        await pilot.press("escape")
        await until(pilot, lambda: screen.picture.steps.cursor is None)
        assert len(posted) == 1


async def test_another_repeat_takes_the_cursor_away(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(repeats=2))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await until_read(pilot)
        await pilot.press("n")
        await until(pilot, lambda: screen.picture.steps.cursor is not None)
        await pilot.press("r")
        await until(pilot, lambda: screen.picture.steps.cursor is None and screen.picture.steps.note == "repeat 1")


async def test_two_keys_from_live_to_the_occurrence_and_back(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(legs=["64x64", "96x96"]))
    async with app.run_test(size=(80, 24)) as pilot:
        live = await until_read(pilot)
        wanted = live.picture.stops[-1]
        await pilot.press("N", "i")

        def selected() -> bool:
            screen = app.screen
            meant = screen.selected.meant if isinstance(screen, TriggersScreen) else None
            return meant is not None and meant.key == wanted.key

        await until(pilot, selected)
        await pilot.press("l")
        await until(pilot, lambda: app.screen is live and live.picture.steps.cursor is not None)
        await pilot.press("escape")
        await until(pilot, selected)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is live and live.picture.steps.cursor is None)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))


async def test_what_came_before_any_step_has_its_place_on_the_chart_too(tmp_path: Path) -> None:
    """A compile of the text encoder, say: the inspector's key leads to where n goes to."""
    asked = recorded.finished(variants=["compile"], legs=["64x64", "96x96"])
    for record in asked.records:
        if isinstance(record.event, ev.CompileEvent):
            record.event.stage, record.event.loop, record.event.step = "text_encode", None, None
    app = live_app(tmp_path, asked)
    async with app.run_test(size=(120, 40)) as pilot:
        live = await until_read(pilot)
        wanted = live.picture.stops[-1]
        assert wanted.step == BEFORE_STEPS
        await pilot.press("N")
        await until(pilot, lambda: live.picture.steps.cursor is not None)
        pointed = live.picture.steps.cursor
        await pilot.press("i")

        def selected() -> bool:
            meant = app.screen.selected.meant if isinstance(app.screen, TriggersScreen) else None
            return meant is not None and meant.key == wanted.key

        await until(pilot, selected)
        assert "l chart" in text_of(app).splitlines()[-1]
        await pilot.press("l")
        await until(pilot, lambda: app.screen is live and live.picture.steps.cursor == pointed)
