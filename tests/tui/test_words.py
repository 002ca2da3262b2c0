"""Numbers as text: coarse where they would change all the time."""

from __future__ import annotations

import pytest

from tui.commands.inspect import age
from tui.pictures import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "a moment"), (5, "a few seconds"), (47, "40 s"), (119, "1 min"), (3725, "1 h 02 min"), (200_000, "2 d 7 h")],
)
def test_elapsed_is_no_clock(seconds: float, text: str) -> None:
    assert words.elapsed(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (0, "a few seconds left"),
        (12.1, "about 15 s left"),
        (56, "about 1 min left"),
        (61, "about 2 min left"),
        (4000, "about 1 h 07 min left"),
        (1e300, "over 100 years left"),
    ],
)
def test_an_estimate_is_rounded_up(seconds: float | None, text: str) -> None:
    assert words.time_left(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (46.93, "46.9"), (0.1234, "0.123"), (1234.5, "1234"), (float("inf"), "–")],
)
def test_three_digits_tell_enough(value: float | None, text: str) -> None:
    assert words.decimal(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0 B"), (1023, "0.999 KiB"), (512 << 20, "512 MiB"), (1000 << 20, "0.977 GiB")],
)
def test_sizes_are_binary(value: int | None, text: str) -> None:
    assert words.size(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.42, "0.42 s"), (24.31, "24.3 s"), (700, "12 min")])
def test_durations(value: float | None, text: str) -> None:
    assert words.seconds(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0:00"), (75, "1:15"), (3675, "1:01:15")])
def test_moments(seconds: float, text: str) -> None:
    assert words.at(seconds) == text


def test_ages() -> None:
    ages = [words.age(seconds) for seconds in (-5, 30, 200, 7300, 200_000)]
    assert ages == ["now", "now", "3 min ago", "2 h ago", "2 d ago"]


def test_the_list_of_sessions_is_as_old_in_lines_as_on_the_screen() -> None:
    for seconds in (90, 3599, 3 * 3600 + 2400, 30 * 3600, 60 * 3600):
        assert f"{age(seconds)} ago" == words.age(seconds)
    assert [age(seconds) for seconds in (-5, 59.9, 3 * 3600 + 2400)] == ["0 s", "59 s", "3 h"]
