"""A replay: the row that says where it is, its clock, its keys, and what the screens that it opens show."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from profiler import events as ev
from profiler.replay import Start
from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.support.recorded import SECOND, Feeder
from tests.tui.support import text_of, until
from tui.app import StepscopeApp
from tui.messages import ReplayPicked
from tui.panels.player import PlayerPanel
from tui.panels.rows import width_of
from tui.pictures.player import Player, length_text, position, shares, speed_text
from tui.replay import SPEEDS, ReplayReading, ReplaySource
from tui.screens.compare import CompareScreen
from tui.screens.live import LiveScreen
from tui.screens.replay import ReplayScreen
from tui.screens.triggers import TriggersScreen
from tui.settings import Settings

RECORDING = recorded.finished()
BEGIN, END = RECORDING.records[0].event.t, RECORDING.end_ns
LENGTH_S = (END - BEGIN) / 1e9
STEPS = sorted({record.event.t for record in RECORDING.records if isinstance(record.event, ev.Step)})
COMPILES = sorted(record.event.t for record in RECORDING.records if isinstance(record.event, ev.CompileStarted))


class Clock:
    """Seconds that pass only when they are told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def at_s(t: int) -> float:
    """Where in the session ``t`` is, as the row has it."""
    return round((t - BEGIN) / 1e9, 1)


def drained(source: ReplaySource, clock: Clock) -> Player:
    """Turns until all is read and painted; where the replay is then."""
    for _ in range(200):
        turn = source.turn()
        if turn.wait_s and source._last is not None and not source._last.live.heading.loading:
            return source._last.player
        clock.now += 1e-9
    raise AssertionError("read without end")


# --- the row ---


def test_moments_as_people_read_them() -> None:
    assert [position(seconds) for seconds in (0, 9.96, 83.44, 3723.5, -1)] == [
        "0:00.0",
        "0:10.0",
        "1:23.4",
        "1:02:03.5",
        "0:00.0",
    ]
    assert [length_text(Player(length_s=seconds)) for seconds in (60.0, 60.1)] == ["1:00", "1:00.1"]
    assert [speed_text(speed) for speed in SPEEDS[:3]] == ["0.1x", "0.25x", "0.5x"]


def test_compiles_on_the_bar_are_told_once_each() -> None:
    assert shares([0.0, 5.0, 5.0001, 10.0, 12.0], 10.0) == (0, 500, 999)
    assert shares([1.0], 0.0) == ()


def test_the_row_fits_any_width() -> None:
    player = Player("playing", 10.0, 40.0, 1000.0, (0, 500, 999), (True, True), (True, True))
    for ascii in (False, True):
        panel = PlayerPanel(player, ascii=ascii)
        for width in (60, 80, 300):
            (row,) = panel.lay_out(width, 1)
            assert width_of(row) == width
            text = "".join(part for part, _ in row)
            assert text.count("C") == 3
            assert "0:10.0 of 0:40" in text
            assert text.isascii() or not ascii


# --- the clock ---


def test_it_plays_at_its_speed_and_stops_at_the_end(tmp_path: Path) -> None:
    clock = Clock()
    source = ReplaySource(ReplayReading(RECORDING.write(tmp_path), Start(speed=10, at_s=2)), clock=clock)
    assert drained(source, clock).at_s == 2.0
    clock.now += 0.5
    assert drained(source, clock).at_s == 7.0
    source.rest()  # nobody looked for an hour
    clock.now += 3600
    assert drained(source, clock).at_s == 7.0
    clock.now += 100
    ended = drained(source, clock)
    assert (ended.state, ended.at_s) == ("at the end", round(LENGTH_S, 1))
    assert source._last is not None
    assert source._last.live.heading.state == "done"


def test_a_picture_of_a_moment_is_what_live_showed_then(tmp_path: Path) -> None:
    clock = Clock()
    source = ReplaySource(ReplayReading(RECORDING.write(tmp_path), Start(share=1.0)), clock=clock)
    drained(source, clock)
    for t in (COMPILES[0], STEPS[30]):
        source.do(lambda reading, t=t: reading.seek((t - BEGIN + 1) / (END - BEGIN)))  # type: ignore[misc]
        drained(source, clock)
        assert source._last is not None
        shown = source._last.live
        state = RECORDING.folded(source.reading._t)
        assert shown.heading.state == "running"
        assert [run.name for run in shown.runs] == list(state.runs)
        assert shown.running == (state.current.name if state.current is not None else None)
        assert ("compiling" in shown.progress[1].text) == (t == COMPILES[0])


def test_nothing_is_made_while_it_is_paused(tmp_path: Path) -> None:
    clock = Clock()
    source = ReplaySource(ReplayReading(RECORDING.write(tmp_path), Start(share=0.5)), clock=clock)
    source.do(ReplayReading.play)
    before = drained(source, clock)
    clock.now += 5
    assert [source.turn().picture for _ in range(3)] == [None] * 3
    assert source.reading.player == before


def test_of_a_session_that_runs_it_comes_up_to_now_and_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    recording = recorded.live(seconds=8)
    with Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        source = ReplaySource(ReplayReading(feeder.folder, Start(share=1.0)), clock=clock)
        clock.now += 1
        drained(source, clock)
        clock.now += 1
        first = drained(source, clock)
        assert first.state == "up to now"
        feeder.feed(recording.live_ns + 4 * SECOND)
        for _ in range(6):
            clock.now += 1
            later = drained(source, clock)
        assert later.state == "up to now"
        assert later.at_s >= first.at_s + 3


def test_what_cannot_be_read_says_why_and_asks_for_nothing(tmp_path: Path) -> None:
    clock = Clock()
    source = ReplaySource(ReplayReading(SessionFolder(tmp_path / "gone")), clock=clock)
    source.do(lambda reading: reading.step(1))
    source.do(lambda reading: reading.whole(1))
    assert drained(source, clock).state == "at the end"
    assert source._last is not None
    assert source._last.live.heading.state == "unreadable"


# --- the screen ---


def opened(home: Path, clock: Clock, *, ascii: bool = False) -> tuple[StepscopeApp, ReplayScreen]:
    """The app with its list, and a replay of the recording that is to be put on top; its clock stands still."""
    folder = RECORDING.write(home)
    source = ReplaySource(ReplayReading(folder), clock=clock)
    return StepscopeApp(home, settings=Settings(ascii=ascii)), ReplayScreen(folder, ascii=ascii, source=source)


async def ready(pilot: Pilot[None], screen: ReplayScreen) -> None:
    await pilot.app.push_screen(screen)
    await until(pilot, lambda: screen.player.state == "playing" and not screen.picture.heading.loading)


def row_of(app: StepscopeApp) -> str:
    """The replay's row, as it is on the screen."""
    return next(line for line in text_of(app).splitlines() if line.startswith("replay "))


async def test_every_key_of_a_replay(tmp_path: Path) -> None:
    clock = Clock()
    app, screen = opened(tmp_path, clock)

    async def there(key: str, t: int) -> None:
        await pilot.press(key)
        await until(pilot, lambda: screen.player.at_s == at_s(t) and position(at_s(t)) in row_of(app))

    async with app.run_test(size=(120, 26)) as pilot:
        await ready(pilot, screen)
        clock.now += 2
        await there("full_stop", BEGIN + 2 * SECOND)  # it has played for two seconds
        assert " 2x" in row_of(app)
        await pilot.press("comma", "comma")
        await until(pilot, lambda: " 0.5x" in row_of(app))
        await pilot.press("space")
        await until(pilot, lambda: "paused" in row_of(app))
        clock.now += 60
        await there("right_square_bracket", STEPS[0])
        await there("right_square_bracket", STEPS[1])
        await there("left_square_bracket", STEPS[0])
        assert "step 1 of" in text_of(app)
        await there("right_curly_bracket", COMPILES[0])
        assert "compiling UNet2DConditionModel" in text_of(app)
        await there("right_curly_bracket", COMPILES[1])
        await there("left_curly_bracket", COMPILES[0])
        await pilot.press("left_curly_bracket")
        await until(pilot, lambda: "no compile began before this moment" in text_of(app))
        await there("end", END)
        assert "at the end" in row_of(app)
        assert "done, 3 of 3 runs" in text_of(app)
        await until(pilot, lambda: "session done" in text_of(app))
        await pilot.press("G")
        await until(pilot, lambda: "session done" not in text_of(app))
        await pilot.press("g")
        await until(pilot, lambda: "session done" in text_of(app))
        await there("home", BEGIN)
        await there("end", END)
        await pilot.press("space")  # from the beginning again
        await until(pilot, lambda: "playing" in row_of(app) and screen.player.at_s == 0.0)
        row = screen.query_one(PlayerPanel)
        await pilot.click(row, offset=((row._bar.start + row._bar.stop) // 2, 0))
        await until(pilot, lambda: abs(screen.player.at_s - LENGTH_S / 2) < 0.5)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)


async def test_triggers_show_what_it_has_reached_and_compare_says_that_it_shows_all(tmp_path: Path) -> None:
    clock = Clock()
    app, screen = opened(tmp_path, clock)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, screen)
        await pilot.press("space", "right_curly_bracket")
        await until(pilot, lambda: screen.player.at_s == at_s(COMPILES[0]))
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, TriggersScreen) and "still compiling" in text_of(app))
        assert f"as far as the replay has come: {position(at_s(COMPILES[0]))} of" in text_of(app)
        assert "BasicTransformerBlock" not in text_of(app)  # it is compiled later
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("end")
        await until(pilot, lambda: screen.player.state == "at the end")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, TriggersScreen) and "BasicTransformerBlock" in text_of(app))
        await pilot.press("escape", "v")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: "all of the session is compared" in text_of(app))


async def test_it_stands_still_while_another_screen_is_seen(tmp_path: Path) -> None:
    clock = Clock()
    app, screen = opened(tmp_path, clock, ascii=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot, screen)
        clock.now += 3
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, TriggersScreen))
        clock.now += 3600
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        clock.now += 1
        await pilot.press("space")
        await until(pilot, lambda: screen.player.state == "paused")
        assert screen.player.at_s <= 4.0
        assert text_of(app).isascii()


async def test_a_replay_is_begun_from_the_command_line_and_from_the_list(tmp_path: Path) -> None:
    folder = RECORDING.write(tmp_path)
    app = StepscopeApp(tmp_path, folder, replay=Start(speed=SPEEDS[0], at_s=5))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen) and app.screen.player.state == "playing")
        assert isinstance(app.screen, ReplayScreen)
        first = app.screen
        assert first.player.at_s >= 5.0
        await pilot.press("3")  # how the session is now; esc goes back to how it was
        await until(pilot, lambda: isinstance(app.screen, LiveScreen) and app.screen is not first)
        assert not isinstance(app.screen, ReplayScreen)
        await pilot.press("4")  # and why all of it was compiled, not what the replay has reached alone
        await until(pilot, lambda: isinstance(app.screen, TriggersScreen) and not app.screen.picture.heading.loading)
        assert "replay" not in text_of(app)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is first)
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, TriggersScreen) and "replay: up to" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is first)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, LiveScreen))
        app.post_message(ReplayPicked(str(folder.path)))
        await until(pilot, lambda: app.screen is first)  # as it was left
        await pilot.press("q")
    assert app.farewell == f"'stepscope watch {folder.id} --replay' plays the session again"
