"""A day of a session leaves no descriptor and no thread behind, and takes no memory but for what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.day import Day
from tests.soak.gauge import Held, held

MIB = 1 << 20
HOUR_S = 3600.0

KEPT_TWICE = 2.0
"""So much memory a byte in the fold's columns costs at most: room to grow, and the pictures' columns for the charts."""


def play(day: Day, seconds: float, parts: int) -> list[tuple[Held, int]]:
    """Play ``seconds`` in equal parts; what was held after each, and how many bytes of it are measured values."""
    found = []
    for _ in range(parts):
        day.pass_time(seconds / parts)
        found.append((held(), day.kept))
    return found


def check(found: list[tuple[Held, int]], slack: int) -> None:
    """The first part is for what is made once."""
    first, kept = found[0]
    for now, kept_now in found[1:]:
        assert (now.descriptors, now.threads) == (first.descriptors, first.threads)
        grown = now.resident - first.resident
        assert grown <= KEPT_TWICE * (kept_now - kept) + slack, f"{grown / MIB:.1f} MiB more"


def test_some_minutes_of_many_short_runs(tmp_path: Path) -> None:
    day = Day(tmp_path, hours=8, run_s=30.0)
    try:
        found = play(day, 240.0, 4)
        check(found, 8 * MIB)
        assert day.samples == 2400 and len(day.state.gpu) == 2400
        assert day.pictures >= 110 and day.listings >= 110
        assert [run.outcome for run in day.state.runs.values()] == ["ok"] * 7 + [None]
        losses = day.state.losses
        assert not (losses.lost or losses.bad or losses.unknown or losses.refused)
    finally:
        day.close()


def test_a_worker_that_only_lives_takes_no_memory_of_who_looks_on(tmp_path: Path) -> None:
    day = Day(tmp_path, hours=1)
    try:
        day.pass_time(40.0)
        day.stand_still(200.0)
        before, pictures = held(), day.pictures
        day.stand_still(600.0)
        after = held()
        assert day.pictures > pictures
        assert (after.descriptors, after.threads) == (before.descriptors, before.threads)
        assert after.resident - before.resident <= 4 * MIB
    finally:
        day.close()


@pytest.mark.soak
def test_a_day_of_runs_of_an_hour(tmp_path: Path) -> None:
    day = Day(tmp_path, hours=24, look_s=20.0)
    try:
        found = play(day, 24 * HOUR_S, 24)
        check(found, 16 * MIB)
        assert len(day.state.gpu) == day.samples == 24 * 36_000
    finally:
        day.close()


@pytest.mark.soak
def test_a_compile_of_a_day(tmp_path: Path) -> None:
    day = Day(tmp_path, hours=1, run_s=24 * HOUR_S)
    try:
        day.pass_time(60.0)
        day.stand_still(HOUR_S)
        before = held()
        day.stand_still(23 * HOUR_S)
        after = held()
        assert (after.descriptors, after.threads) == (before.descriptors, before.threads)
        assert after.resident - before.resident <= 4 * MIB
    finally:
        day.close()
