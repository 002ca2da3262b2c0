"""The link: pictures come as often as the terminal takes them, as the budget allows and as somebody looks."""

from __future__ import annotations

import math

import pytest

from tui.link import ANSWER_S, BURST_S, LOOK_AGAIN_S, SHARE, Link, MeasuredFile
from tui.settings import FASTEST_HZ, SLOWEST_HZ, Settings


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal:
    """A file that takes ``seconds`` for each write, on the clock."""

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self.clock = clock
        self.seconds = seconds
        self.text = ""
        self.encoding = "utf-8"

    def write(self, text: str) -> int:
        self.clock.now += self.seconds
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pictures(link: Link, clock: Clock, file: MeasuredFile, seconds: float, text: str = "x" * 100) -> list[float]:
    """When pictures of ``text`` are painted in the next ``seconds``, if there is always a newer one to paint."""
    painted: list[float] = []
    end = clock.now + seconds
    while clock.now < end:
        wait_s = link.wait_s()
        if wait_s:
            clock.now += max(wait_s, 0.001) if math.isfinite(wait_s) else seconds
            continue
        painted.append(clock.now)
        link.painted()
        file.write(text)
        file.flush()
    return painted


def wired(clock: Clock, seconds: float = 0.0, **settings: object) -> tuple[Link, MeasuredFile, Terminal]:
    link = Link(Settings(**settings), clock)  # type: ignore[arg-type]
    terminal = Terminal(clock, seconds)
    return link, MeasuredFile(terminal, link), terminal  # type: ignore[arg-type]


@pytest.mark.parametrize(("asked", "got"), [(4.0, 4.0), (1.0, 1.0), (10.0, 10.0), (1000.0, FASTEST_HZ)])
def test_a_fast_terminal_gets_what_was_asked_for(asked: float, got: float, clock: Clock) -> None:
    link, _, _ = wired(clock, refresh_hz=asked)
    assert link.pace_s == pytest.approx(1 / got)


def test_a_slow_terminal_gets_fewer_pictures_and_has_time_for_keys(clock: Clock) -> None:
    link, file, _ = wired(clock, seconds=0.5)
    when = pictures(link, clock, file, 60)
    busy = 0.5 * len(when) / 60
    assert 0.1 < busy <= SHARE * 1.3
    assert link.pace_s == pytest.approx(0.5 / SHARE)


def test_a_stuck_terminal_gets_a_picture_every_five_seconds_at_least(clock: Clock) -> None:
    link, file, _ = wired(clock, seconds=30.0)
    file.write("x")
    file.flush()
    assert link.pace_s == 1 / SLOWEST_HZ


def test_after_a_stall_the_rate_comes_back(clock: Clock) -> None:
    link, file, terminal = wired(clock, seconds=30.0)
    file.write("x")
    file.flush()
    terminal.seconds = 0.0
    pictures(link, clock, file, 40)
    assert link.pace_s == pytest.approx(0.25)


def test_while_something_waits_for_the_terminal_nothing_is_added_not_even_for_a_key(clock: Clock) -> None:
    link, _, _ = wired(clock)
    link.writes(10)
    link.asked()
    assert link.wait_s() == link.hold_s() == LOOK_AGAIN_S[0]
    clock.now += 3
    assert link.wait_s() == link.hold_s() == LOOK_AGAIN_S[1]
    link.taken()
    assert link.wait_s() == link.hold_s() == 0
    link.queued = lambda: 1
    assert link.hold_s() == LOOK_AGAIN_S[0]


@pytest.mark.parametrize("budget", [200, 1000, 5000])
def test_the_budget_is_kept_and_what_it_allows_is_used(budget: int, clock: Clock) -> None:
    link, file, terminal = wired(clock, max_bytes_per_second=budget)
    pictures(link, clock, file, 100, "x" * 700)
    sent = len(terminal.text)
    most = 700 * 4 * 1.25 * 100
    assert min(budget * 100 * 0.9, most * 0.75) <= sent <= budget * (100 + BURST_S) + 700


def test_bytes_are_counted_and_not_characters(clock: Clock) -> None:
    link, file, _ = wired(clock, max_bytes_per_second=300)
    clock.now += 60
    file.write("\u28ff" * 200)  # three bytes each
    file.flush()
    assert link.hold_s() == pytest.approx(1.0)


def test_what_the_terminals_encoding_has_no_code_for_takes_as_many_cells(clock: Clock) -> None:
    r"""Python's own way, ``\u4e16``, would write over what stands beside it."""
    link, _, terminal = wired(clock)
    terminal.encoding = "latin-1"
    MeasuredFile(terminal, link).write("\x1b[1;1Hna\xefve \u4e16e\u0301|")  # type: ignore[arg-type]
    assert terminal.text == "\x1b[1;1Hna\xefve ??e|"
    terminal.encoding, terminal.text = "utf-8", ""
    MeasuredFile(terminal, link).write("\u4e16e\u0301|")  # type: ignore[arg-type]
    assert terminal.text == "\u4e16e\u0301|"


def test_a_key_is_answered_though_the_budget_is_overdrawn(clock: Clock) -> None:
    link, file, _ = wired(clock, max_bytes_per_second=500)
    file.write("x" * 10_000)
    file.flush()
    link.painted()
    clock.now += 0.3
    assert link.wait_s() > 10
    assert link.hold_s() > 10
    link.asked()
    assert link.wait_s() == 0
    assert link.hold_s() == 0
    clock.now += ANSWER_S
    assert link.hold_s() > 10


def test_a_key_held_down_costs_no_more_pictures_than_usual_once_the_budget_is_overdrawn(clock: Clock) -> None:
    link, file, _ = wired(clock, max_bytes_per_second=500)
    file.write("x" * 10_000)
    file.flush()
    answers = 0
    for _ in range(200):  # 20 keys a second for 10 seconds
        clock.now += 0.05
        link.asked()
        if not link.wait_s():
            answers += 1
            link.painted()
    assert 30 <= answers <= 41


def test_nothing_is_painted_while_another_window_has_the_focus(clock: Clock) -> None:
    link, file, _ = wired(clock)
    link.focused = False
    assert link.still
    assert link.wait_s() == link.hold_s() == math.inf
    assert pictures(link, clock, file, 100) == []
    link.focused = True
    assert link.wait_s() == 0


def test_without_the_focus_there_are_a_few_pictures_where_that_was_asked_for(clock: Clock) -> None:
    link, file, _ = wired(clock, unfocused_hz=0.5)
    link.focused = False
    assert not link.still
    assert 40 <= len(pictures(link, clock, file, 100)) <= 65
    assert link.pace_s == 2.0
