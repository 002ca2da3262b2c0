"""Feeds: pictures come when something is new, at a bounded rate, and from one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.tui.support import PATIENCE_S
from tui.comparing import CompareSource
from tui.feed import REFRESH_S, RESTING_S, Feed, LiveSource, Reading, Source, Turn
from tui.inspecting import TriggersSource
from tui.pictures.compare.marks import Mark, marked
from tui.pictures.live import LivePicture
from tui.pictures.view import StepsView

SECOND = 1_000_000_000


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def ns(self) -> int:
        return int(self.now * SECOND)


def drained(source: LiveSource, clock: Clock) -> LivePicture:
    """Turns until nothing new comes; the last picture."""
    last: LivePicture | None = None
    for _ in range(50):
        clock.now += REFRESH_S
        turn = source.turn()
        if turn.picture is not None:
            last = turn.picture
        elif last is not None and not last.heading.loading:
            return last
    raise AssertionError("pictures without end")


def test_a_finished_session_makes_one_picture_and_rests(tmp_path: Path) -> None:
    clock = Clock()
    source = LiveSource(recorded.finished().write(tmp_path), clock=clock, now_ns=clock.ns)
    assert drained(source, clock).over
    clock.now += 60
    assert source.turn() == Turn(None, RESTING_S)


def test_what_draws_charts_is_loaded_before_a_picture_that_is_drawn_beside_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    for module in ("feed", "comparing"):
        monkeypatch.setattr(f"tui.{module}.prepare", lambda module=module: loaded.append(module))
    folder = recorded.finished().write(tmp_path)
    seconds = [100.0]

    def clock() -> float:
        seconds[0] += 0.029  # a second look finds a turn's time over
        return seconds[0]

    picture = LiveSource(folder, clock=clock).turn().picture
    assert picture is not None
    assert picture.heading.loading
    assert loaded == ["feed"]

    compared = CompareSource(marked((), [Mark(str(folder.path), None)]), clock=clock)
    compared.turn()  # with nothing that was read
    assert loaded == ["feed"]
    seconds[0] += 10  # long enough after that for another one
    first = compared.turn().picture
    assert first is not None
    assert first.loading
    assert loaded == ["feed", "comparing"]


def test_pictures_come_four_times_a_second_at_most(tmp_path: Path) -> None:
    clock = Clock()
    recording = recorded.live()
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        source = LiveSource(feeder.folder, clock=clock, now_ns=clock.ns)
        drained(source, clock)
        pictures = 0
        for tick in range(40):
            feeder.feed(recording.live_ns + tick * SECOND // 20)
            clock.now += 0.05
            pictures += source.turn().picture is not None
        assert 7 <= pictures <= 9


def test_a_step_is_in_the_next_picture(tmp_path: Path) -> None:
    clock = Clock()
    recording = recorded.live()
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        source = LiveSource(feeder.folder, clock=clock, now_ns=clock.ns)
        before = len(drained(source, clock).steps.series)
        feeder.feed(recording.live_ns + 2 * SECOND)
        clock.now += REFRESH_S
        picture = source.turn().picture
        assert picture is not None
        assert len(picture.steps.series) >= before
        assert "call 1 of" in picture.progress[1].text


def test_what_is_live_is_the_same_as_what_is_reattached(tmp_path: Path) -> None:
    clock, later = Clock(), Clock()
    recording = recorded.finished(repeats=2)
    with recorded.Feeder(recording, tmp_path, here=False) as feeder:
        source = LiveSource(feeder.folder, clock=clock, now_ns=clock.ns)
        begin, end = recording.records[0].event.t, recording.end_ns
        for part in range(1, 21):
            feeder.feed(begin + (end - begin) * part // 20)
            clock.now += REFRESH_S
            source.turn()
        live = drained(source, clock) if source.turn().picture else source._last
        again = LiveSource(feeder.folder, clock=later, now_ns=later.ns)
        assert drained(again, later) == live


def test_a_chosen_view_is_answered_before_reading_on(tmp_path: Path) -> None:
    clock = Clock()
    source = LiveSource(recorded.finished(repeats=2).write(tmp_path), clock=clock, now_ns=clock.ns)
    drained(source, clock)
    source.look(StepsView(repeat=1))
    picture = source.turn().picture
    assert picture is not None
    assert picture.steps.note == "repeat 1"


def test_an_unreadable_session_says_why_and_becomes_readable(tmp_path: Path) -> None:
    clock = Clock()
    folder = recorded.finished().write(tmp_path)
    text = folder.manifest_file.read_bytes()
    folder.manifest_file.write_bytes(text[:100])
    source = LiveSource(folder, clock=clock, now_ns=clock.ns)
    picture = source.turn().picture
    assert picture is not None
    assert "session.json is damaged" in picture.progress[0].text
    assert source.turn().picture is None
    folder.manifest_file.write_bytes(text)
    assert drained(source, clock).heading.state == "done"


def test_a_missing_session_is_no_crash(tmp_path: Path) -> None:
    picture = LiveSource(SessionFolder(tmp_path / "gone")).turn().picture
    assert picture is not None
    assert picture.heading.state == "unreadable"


class Counting(Source[int]):
    """Makes a number a turn, each as soon as it is asked."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.turns = 0
        self.fail_at = fail_at
        self.threads: set[int] = set()

    def turn(self) -> Turn[int]:
        self.turns += 1
        self.threads.add(threading.get_ident())
        if self.turns == self.fail_at:
            raise RuntimeError("broken")
        return Turn(self.turns, 3600.0)


@pytest.fixture
def came() -> list[int]:
    return []


def test_an_order_is_done_on_the_feeds_thread_and_wakes_it(came: list[int]) -> None:
    first, second = threading.Event(), threading.Event()
    source = Counting()

    def publish(number: int) -> None:
        came.append(number)
        (first if number == 1 else second).set()

    feed = Feed(source, publish, lambda _: None)
    feed.start()
    assert first.wait(PATIENCE_S)
    feed.order(lambda: source.threads.add(threading.get_ident()))
    assert second.wait(PATIENCE_S)
    feed.stop()
    assert came == [1, 2]
    assert len(source.threads) == 1
    assert threading.get_ident() not in source.threads


def test_an_error_of_a_source_is_handed_on() -> None:
    failed: list[BaseException] = []
    told = threading.Event()

    def tell(error: BaseException) -> None:
        failed.append(error)
        told.set()

    Feed(Counting(fail_at=1), lambda _: None, tell).start()
    assert told.wait(PATIENCE_S)
    assert str(failed[0]) == "broken"


def test_a_paused_feed_reads_nothing_until_it_goes_on() -> None:
    source = Counting()
    first = threading.Event()
    feed = Feed(source, lambda _: first.set(), lambda _: None)
    feed.pause(True)
    feed.start()
    assert not first.is_set()
    feed.pause(False)
    assert first.wait(PATIENCE_S)
    feed.stop()


class Slow(Reading):
    """Has read all there is when its turn is over, which it doesn't know before it looks again."""

    _turns = 0

    def poll(self, clock: Callable[[], float]) -> bool:
        more = super().poll(clock)
        self._turns += 1
        return more or self._turns == 1


@pytest.mark.parametrize("kind", [LiveSource, TriggersSource])
def test_that_all_is_read_is_told_though_nothing_new_came_with_it(
    kind: type[LiveSource] | type[TriggersSource], tmp_path: Path
) -> None:
    clock = Clock()
    reading = Slow(recorded.finished().write(tmp_path))
    if kind is LiveSource:
        source: LiveSource | TriggersSource = LiveSource(reading.folder, clock=clock, now_ns=clock.ns, reading=reading)
    else:
        source = TriggersSource(reading, clock=clock, now_ns=clock.ns)
    pictures = []
    for _ in range(5):
        clock.now += 10
        pictures.append(source.turn().picture)
    assert [picture.heading.loading for picture in pictures if picture is not None] == [True, False]


def test_when_all_is_read_that_is_shown_at_once_however_long_the_picture_before_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("tui.feed.BUDGET_S", -1.0)  # one read of one log in a turn
    source = LiveSource(recorded.finished().write(tmp_path), clock=clock, now_ns=clock.ns)
    paint = source._paint

    def slowly(reading: Reading, loading: bool, *, figures: bool) -> LivePicture:
        clock.now += 20
        return paint(reading, loading, figures=figures)

    monkeypatch.setattr(source, "_paint", slowly)
    first = source.turn().picture
    assert first is not None and first.heading.loading
    for _ in range(20):
        clock.now += REFRESH_S
        turn = source.turn()
        if turn.picture is not None:
            break
        assert turn.wait_s <= REFRESH_S
    assert turn.picture is not None and not turn.picture.heading.loading
