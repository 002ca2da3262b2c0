"""Records of several boots on one clock."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler import events as ev
from profiler.clocks import POINTS, Clock, Place, move
from profiler.eventlog import EventLog, LogReader

SECOND = 1_000_000_000
WALL = 1_800_000_000 * SECOND
DURATIONS = {
    "ns",
    "cpu_ns",
    "waited_ns",
    "foreign_cpu_ns",
    "host_ns",
    "enqueue_ns",
    "scheduler_ns",
    "saved_ns",
    "guard_ns",
    "handler_ns",
    "overhead_ns",
}
OF_THE_WALL_CLOCK = {"wall_ns"}
SIXTY_FOUR = st.integers(-(2**63), 2**63 - 1)


def place(boot: str, clock_ns: int | None = None) -> Place:
    return Place(host="here", boot_id=boot, clock_ns=clock_ns)


def header(boot: str, t: int, wall_ns: int) -> ev.Header:
    return ev.Header(t=t, wall_ns=wall_ns, host="here", boot_id=boot)


def write(path: Path, *events: ev.Event) -> None:
    log = EventLog(path)
    for event in events:
        log.write(event)
    log.close()


def read(path: Path, clock: Clock | None) -> list[ev.Event]:
    return LogReader(path, clock).read().events


def test_every_time_of_the_format_is_known_as_a_point_or_a_duration() -> None:
    """A new field that is a point in time and isn't moved would lie decades off."""
    fields = {
        name
        for kind in get_args(ev.AnyEvent)
        for name in kind.__struct_fields__
        if name in ("t", "ns") or name.endswith("_ns")
    }
    assert fields == set(POINTS) | DURATIONS | OF_THE_WALL_CLOCK


def test_a_log_of_an_earlier_boot_lies_before_the_zero_of_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    # The machine had run for 1000 s; two hours later it runs for 10 s after a restart.
    write(
        path,
        header("first", 1000 * SECOND, WALL),
        ev.Step(t=1003 * SECOND, start_ns=1002 * SECOND, ns=SECOND, host_ns=SECOND),
        ev.Output(t=1004 * SECOND),
    )
    clock = Clock(place("second", WALL + 7200 * SECOND - 10 * SECOND), [place("first")])
    told, step, output = read(path, clock)
    assert told.t == 10 * SECOND - 7200 * SECOND
    assert isinstance(step, ev.Step)
    assert (step.start_ns, step.t) == (told.t + 2 * SECOND, told.t + 3 * SECOND)
    assert (step.ns, step.host_ns) == (SECOND, SECOND)
    assert output.t == told.t + 4 * SECOND


def test_one_log_of_two_boots(tmp_path: Path) -> None:
    path = tmp_path / "conductor.jsonl"
    write(path, header("first", 50 * SECOND, WALL), ev.Note(t=60 * SECOND, text="before"))
    write(path, header("second", 5 * SECOND, WALL + 100 * SECOND), ev.Note(t=6 * SECOND, text="after"))
    clock = Clock(place("second", WALL + 95 * SECOND), [place("first")])
    reader = LogReader(path, clock)
    events = reader.read().events
    assert [event.t // SECOND for event in events] == [-95, -85, 5, 6]
    # The second writer counts its own records: none of them is lost, none comes twice.
    assert (reader.lost, reader.bad) == (0, 0)


def test_the_offset_of_a_place_holds_for_all_its_logs(tmp_path: Path) -> None:
    """Where a wall clock was set during a session, its logs must keep their order among each other."""
    clock = Clock(place("second", WALL), [place("first", WALL - 500 * SECOND)])
    times = []
    for number, wall in enumerate((WALL - 500 * SECOND, WALL - 90 * SECOND)):
        path = tmp_path / f"{number}.jsonl"
        write(path, header("first", (10 + number) * SECOND, wall))
        times.append(read(path, clock)[0].t)
    assert times == [-490 * SECOND, -489 * SECOND]


@pytest.mark.parametrize("boot", ["second", ""])
def test_logs_of_the_last_boot_or_of_none_are_left_alone(tmp_path: Path, boot: str) -> None:
    path = tmp_path / "events.jsonl"
    write(path, header(boot, 5 * SECOND, WALL), ev.CallStarted(t=6 * SECOND, start_ns=6 * SECOND))
    clock = Clock(place("second", 0), [place("first")])
    assert read(path, clock) == read(path, None)


def test_a_record_lost_by_the_second_writer_counts(tmp_path: Path) -> None:
    path = tmp_path / "conductor.jsonl"
    write(path, header("first", 1, WALL), *(ev.Note(text=str(number)) for number in range(5)))
    with open(path, "ab") as file:
        file.write(b'{"kind":"header","seq":1}\n{"kind":"note","seq":3}\n')
    reader = LogReader(path)
    reader.read()
    assert reader.lost == 1


def test_a_second_header_of_a_newer_format_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "conductor.jsonl"
    write(path, header("first", 1, WALL), ev.Note(text="old"))
    with open(path, "ab") as file:
        file.write(b'{"kind":"header","schema":2,"seq":1}\n{"kind":"note","seq":2}\n')
    reader = LogReader(path)
    assert len(reader.read().events) == 2
    assert reader.refused is not None and "upgrade" in reader.refused


@given(t=SIXTY_FOUR, start=SIXTY_FOUR, wall=SIXTY_FOUR, at=SIXTY_FOUR, zero=SIXTY_FOUR)
def test_whatever_a_header_says_times_stay_within_64_bits(t: int, start: int, wall: int, at: int, zero: int) -> None:
    shift = Clock(place("second", zero), [place("first")]).shift_ns(header("first", at, wall))
    event = ev.Step(t=t, start_ns=start, ns=5)
    move(event, shift)
    assert -(2**63) <= event.t < 2**63
    assert -(2**63) <= event.start_ns < 2**63
    assert event.ns == 5
    if abs(t + shift) < 2**63 - 1:
        assert event.t == t + shift
