"""Logs that were cut, flipped, mixed up or rewritten: what is whole is read, the rest costs itself, counts are sane."""

from __future__ import annotations

import os
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.eventlog import EventLog, LogReader
from profiler.follow import Follower
from profiler.numbering import Numbering
from profiler.recordlog import Records
from profiler.replay import Replay
from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.test_replay import told

HOLE = 1 << 38

RECORDING = recorded.finished(steps=2, calls=1)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = RECORDING.write(tmp_path_factory.mktemp("golden"))
    return folder.run_log(RECORDING.request.runs[-1].name).read_bytes()


def read(path: Path, budget: int = 1 << 30) -> tuple[list[ev.Event], LogReader]:
    reader = LogReader(path)
    events: list[ev.Event] = []
    while True:
        chunk = reader.read(budget)
        events += chunk.events
        if not chunk.more:
            return events, reader


def prefix(name: str | None, count: int) -> SessionState:
    """The state after the first ``count`` records of one log alone."""
    records = [record.event for record in RECORDING.records if record.run == name][:count]
    return recorded.Recording(
        RECORDING.session, RECORDING.request, [recorded.Record(name, e) for e in records], 0
    ).folded()


@pytest.mark.parametrize("which", ["conductor", "run"])
def test_a_session_whose_log_is_cut_at_any_byte_is_the_fold_of_its_whole_records(tmp_path: Path, which: str) -> None:
    folder = RECORDING.write(tmp_path)
    name = None if which == "conductor" else RECORDING.request.runs[-1].name
    log = folder.conductor_log if name is None else folder.run_log(name)
    for other in [folder.conductor_log, *folder.runs.glob("*/events.jsonl")]:
        if other != log:
            other.unlink()
    data = log.read_bytes()
    ends = [at + 1 for at, byte in enumerate(data) if byte == 10]
    chance = random.Random(7)
    sizes = sorted({*ends, *(end - 1 for end in ends), *chance.sample(range(len(data)), 60), 0}, reverse=True)
    for size in sizes[:: 1 if len(sizes) < 200 else 3]:
        os.truncate(log, size)
        whole = sum(end <= size for end in ends)
        state = Follower(folder).read_all()
        assert told(state) == told(prefix(name, whole)), size


@pytest.mark.parametrize(
    "junk",
    [
        b"\0" * 4096,
        b"\xff" * 100,
        b"\xef\xbb\xbf",
        "half a line, naïve".encode("utf-16"),
        b"\n\n\n",
        b"{}",
        b"]" * 50_000,
    ],
    ids=["zeros", "ones", "BOM", "UTF-16", "line ends", "braces", "brackets"],
)
def test_bytes_put_in_anywhere_cost_the_record_they_fell_into(tmp_path: Path, golden: bytes, junk: bytes) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(golden)
    whole, _ = read(log)
    chance = random.Random(len(junk))
    for place in chance.sample(range(len(golden)), 25):
        log.write_bytes(golden[:place] + junk + golden[place:])
        events, reader = read(log)
        kept = [event for event in events if event in whole]
        assert len(kept) >= len(whole) - 1
        assert reader.bad <= 2 + junk.count(b"\n")
        assert reader.lost <= 1


def test_a_log_in_another_encoding_is_bad_lines_and_nothing_else(tmp_path: Path, golden: bytes) -> None:
    log = tmp_path / "events.jsonl"
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        log.write_bytes(golden.decode().encode(encoding))
        events, reader = read(log)
        assert events == []
        assert reader.bad > 0
        assert (reader.lost, reader.refused) == (0, None)


def test_any_flipped_bit_leaves_counts_that_can_be(tmp_path: Path, golden: bytes) -> None:
    """No digit that a damaged disk put into a number makes millions of records lost, or hides those that are."""
    log = tmp_path / "events.jsonl"
    data = b"".join(golden.splitlines(keepends=True)[:14])
    log.write_bytes(data)
    with open(log, "r+b", buffering=0) as file:
        for place in range(len(data)):
            os.pwrite(file.fileno(), bytes([data[place] ^ (1 << place % 8)]), place)
            _, reader = read(log)
            assert reader.lost + reader.bad + reader.unknown <= 2
            os.pwrite(file.fileno(), data[place : place + 1], place)


def lost(*numbers: int | str) -> int:
    """Losses of a log with these numbers; "bad" is a line that can't be read, "new" another writer's header."""
    numbering = Numbering()
    for number in numbers:
        if number == "bad":
            numbering.bad()
        elif number == "new":
            numbering.restart()
        else:
            assert isinstance(number, int)
            if number == numbering.expected and numbering.settled:
                numbering.expected += 1
            else:
                numbering.record(number, 10)
    return numbering.lost


HUGE = 2**63 - 1


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((1, 2, 3), 0),
        ((1, 2, 5, 6), 2),
        ((1, "bad", 3, 4), 0),
        ((1, "bad", 5), 2),
        ((1, "bad", 2, 3), 0),
        ((1, 2, 9002, 4, 5), 0),
        ((1, 2, 902, 4, 5), 0),
        ((1, 2, 902, 6, 7), 2),
        ((1, 2, 1, 4, 5), 0),
        ((1, 2, 0, 4, 7), 2),
        ((1, 2, HUGE), 0),
        ((1, "bad", HUGE, 4, 5), 0),
        ((1, 2, HUGE, 4, 6), 1),
        ((HUGE, 2, 3), 0),
        ((HUGE, HUGE, HUGE), 0),
        ((-HUGE, 2), 0),
        ((7, 8), 6),
        ((5001, 5002, 5003), 5000),
        ((1, 2, 8000, 8001, 8002), 7997),
        ((1, 2, 3, "new", 1, 2, 4), 1),
        ((1, 2, 3, 1, 2, 3, 4, 5, 7), 1),
        ((0, 0, 0, 0), 0),
    ],
)
def test_what_numbers_tell_of_losses(numbers: tuple[int | str, ...], expected: int) -> None:
    assert lost(*numbers) == expected


@given(st.lists(st.integers(-(2**63), HUGE) | st.integers(0, 30) | st.sampled_from(["bad", "new"]), max_size=30))
def test_losses_are_never_less_than_none(numbers: list[int | str]) -> None:
    assert 0 <= lost(*numbers) <= 2**70


def test_losses_of_a_growing_log_are_the_same_however_often_it_was_played_meanwhile(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    records = Records(log, None)
    writer = EventLog(log)
    for number in range(1, 40):
        writer._seq += number % 7 == 0  # one is lost
        writer.write(ev.Note(t=number, text="x"))
        assert records.learn() is not None
        assert len(records.take(0, number)) == number
    assert records.losses.lost == 5
    writer.close()


def test_a_log_that_is_replaced_while_it_is_played_gives_none_of_the_others_records(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    line = b'{"kind":"note","t":1,"text":"%s"}\n'
    log.write_bytes(line % (b"one" * 100) * 4000)
    records = Records(log, None)
    while records.learn() == (True, True):
        pass
    log.write_bytes(line % (b"two" * 100) * 4000)
    assert records.take(3999, 4000) == []


def test_what_a_log_lacks_is_told_at_every_moment_of_its_replay(tmp_path: Path) -> None:
    folder = RECORDING.write(tmp_path)
    name = RECORDING.request.runs[-1].name
    with open(folder.run_log(name), "ab") as file:
        file.write(b"damaged\n")
    replay = Replay(folder)
    while replay.read(1.0)[1]:
        pass
    for t in (replay.end_ns, replay.begin_ns, replay.end_ns):
        while replay.go(t, 1.0)[1]:
            pass
        assert replay.state.runs[name].losses.bad == 1


def test_another_writers_records_count_from_its_header(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    numbers = [("header", 1), ("note", 2), ("header", 5), ("note", 6), ("note", 8)]
    log.write_bytes(b"".join(b'{"kind":"%s","seq":%d,"schema":1,"minor":3}\n' % (k.encode(), n) for k, n in numbers))
    events, reader = read(log)
    assert (len(events), reader.lost, reader.bad) == (5, 1, 0)


def test_a_log_that_is_written_anew_in_place_is_read_anew(tmp_path: Path, golden: bytes) -> None:
    """The same file, as long as before or longer: only what it holds tells."""
    log = tmp_path / "events.jsonl"
    log.write_bytes(golden)
    reader = LogReader(log)
    assert not reader.read(1 << 30).restarted
    other = golden.replace(b'"worker"', b'"WORKER"').replace(b'"t":10', b'"t":20')
    assert len(other) == len(golden)
    with open(log, "r+b") as file:
        file.write(other)
    chunk = reader.read(1 << 30)
    assert chunk.restarted
    assert isinstance(chunk.events[0], ev.Header)
    assert chunk.events[0].writer == "WORKER"
    with open(log, "ab") as file:
        file.write(b'{"kind":"note","text":"more"}\n')
    chunk = reader.read(1 << 30)
    assert (chunk.restarted, len(chunk.events)) == (False, 1)


def test_a_viewer_of_a_session_written_anew_in_place_shows_the_new_one(tmp_path: Path) -> None:
    folder = RECORDING.write(tmp_path / "one")
    follower = Follower(folder)
    assert follower.read_all().state == "done"
    other = recorded.finished(steps=2, calls=1, seed=5).write(tmp_path / "two")
    replaced(folder, other)
    assert told(follower.read_all()) == told(Follower(other).read_all())
    replay = Replay(folder)
    while replay.read(1.0)[1]:
        pass
    while replay.go(replay.end_ns, 1.0)[1]:
        pass
    assert told(replay.state) == told(Follower(other).read_all())


def replaced(folder: SessionFolder, other: SessionFolder) -> None:
    for path in [folder.conductor_log, *folder.runs.glob("*/events.jsonl")]:
        data = (other.path / path.relative_to(folder.path)).read_bytes()
        with open(path, "r+b") as file:
            file.write(data + b"\n" * max(path.stat().st_size - len(data), 0))


def test_a_line_of_ten_megabytes_is_passed_over_in_bounded_memory(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    note = msgspec.json.encode(ev.Note(seq=1, t=1, text="x")) + b"\n"
    log.write_bytes(
        note + b'{"kind":"note","text":"' + b"y" * (10 << 20) + b'"}\n' + note.replace(b'"seq":1', b'"seq":3')
    )
    reader = LogReader(log)
    events: list[ev.Event] = []
    largest = 0
    while True:
        chunk = reader.read()
        events += chunk.events
        largest = max(largest, len(reader._tail))
        if not chunk.more:
            break
    assert (len(events), reader.bad, reader.lost) == (2, 1, 0)
    assert largest <= (1 << 20) + (1 << 18)


TWO_ON_A_LINE = b'{"kind":"note","seq":1} {"kind":"note","seq":2,"text":"TEXT"}\n'
ONE_ON_TWO_LINES = b'{"kind":"note",\n"text":"TEXT"}\n'


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        *((lines, b"plain") for lines in (TWO_ON_A_LINE, ONE_ON_TWO_LINES)),
        *(
            (lines, text)
            for lines in (TWO_ON_A_LINE, TWO_ON_A_LINE + ONE_ON_TWO_LINES, ONE_ON_TWO_LINES + TWO_ON_A_LINE)
            for text in (b"\\u001b]0;x\\u0007", "\x9b31m\u202e".encode())
        ),
    ],
)
def test_a_line_is_a_record_whatever_else_the_decoder_takes(tmp_path: Path, lines: bytes, text: bytes) -> None:
    """A line feed that a damaged disk took away or put in, and texts that hide behind the record of another line."""
    log = tmp_path / "events.jsonl"
    log.write_bytes(lines.replace(b"TEXT", text) + b'{"kind":"note","seq":4,"text":"whole"}\n')
    found = [read(log, budget) for budget in (1, 7, 1 << 18)]
    for events, reader in found:
        assert [event.text for event in events if type(event) is ev.Note] == ["whole"]
        assert reader.bad > 0
    assert len({(reader.bad, reader.lost) for _, reader in found}) == 1


def test_keys_that_come_twice_and_values_of_other_types(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    lines = [
        b'{"kind":"step","seq":1,"ns":1,"ns":2}',
        b'{"kind":"step","seq":2,"ns":true}',
        b'{"kind":"step","seq":3,"ns":1.5}',
        b'{"kind":"step","seq":4,"ns":null}',
        b'{"kind":"step","seq":5}',
        b'{"kind":"note","seq":6,"text":"\\ud800"}',
        b'{"kind":"note","seq":7,"text":"\\ud83d\\ude00"}',
        b'{"kind":"step","kind":"note","seq":8}',
    ]
    log.write_bytes(b"\n".join(lines) + b"\n")
    events, reader = read(log)
    assert [event.seq for event in events if type(event) is ev.Step] == [1, 5]
    assert next(event.text for event in events if isinstance(event, ev.Note)) == "😀"
    assert reader.lost == 0
    assert reader.bad in (4, 5)  # which of two kinds counts is the decoder's matter


def test_a_hole_of_terabytes_is_passed_over(golden: bytes, tmp_path: Path) -> None:
    """A copied session may hold such a file: it takes no room on the disk, and hours to be read."""
    log = tmp_path / "events.jsonl"
    first, *rest = golden.splitlines(keepends=True)
    log.write_bytes(first)
    with log.open("r+b") as file:
        file.seek(HOLE)
        file.write(b"\n" + b"".join(rest))
        file.truncate(2 * HOLE)
    reader, events, reads = LogReader(log), 0, 0
    more = True
    while more and reads < 100:
        chunk = reader.read()
        events, more, reads = events + len(chunk.events), chunk.more, reads + 1
    assert (events, reader.bad, more) == (1 + len(rest), 2, False)
    assert not reader.read().restarted and reader.read().events == []
    with log.open("ab") as file:
        file.write(b"\n" + rest[-1])
    assert len(reader.read().events) == 1 and reader.offset == log.stat().st_size
