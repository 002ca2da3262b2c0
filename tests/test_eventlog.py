"""The log: what a writer leaves behind is read exactly, whatever cuts, tears or damages it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler import eventlog
from profiler import events as ev
from profiler.eventlog import MAX_LINE_BYTES, EventLog, LogReader, is_locked
from tests.support.recorded import finished

ROOT = Path(__file__).resolve().parent.parent

NOTE = b'{"kind":"note","seq":1,"t":1,"text":"first"}\n'
NEXT = b'{"kind":"note","seq":2,"t":2,"text":"second"}\n'
HUGE = 1 << 30


def read_all(reader: LogReader, budget: int = HUGE) -> list[ev.Event]:
    events: list[ev.Event] = []
    while True:
        chunk = reader.read(budget)
        events += chunk.events
        if not chunk.more:
            return events


def read_bytes(path: Path, data: bytes, budget: int = HUGE) -> tuple[list[ev.Event], LogReader]:
    path.write_bytes(data)
    reader = LogReader(path)
    return read_all(reader, budget), reader


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real log of a few dozen records of every kind that a regional-compile run writes."""
    recording = finished(steps=2, calls=1)
    folder = recording.write(tmp_path_factory.mktemp("golden"))
    return folder.run_log(recording.request.runs[-1].name).read_bytes()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_what_is_written_is_read(log: Path) -> None:
    ticks = iter(range(10, 20))
    writer = EventLog(log, clock=lambda: next(ticks))
    written = [
        ev.Header(writer="worker", run="r"),
        ev.Step(call=1, ns=5, host_bound=False),
        ev.Note(text="naïve 世界\n\tend"),
    ]
    for event in written:
        writer.write(event)
    writer.close()
    reader = LogReader(log)
    assert read_all(reader) == written
    assert [(event.seq, event.t) for event in written] == [(1, 10), (2, 11), (3, 12)]
    assert reader.header == written[0]
    assert (reader.bad, reader.unknown, reader.lost, reader.refused) == (0, 0, 0, None)


def test_a_time_that_the_caller_gave_is_kept(log: Path) -> None:
    writer = EventLog(log)
    writer.write(ev.Note(t=7))
    assert read_all(LogReader(log))[0].t == 7


@pytest.mark.parametrize("place", ["clock", "encoding"])
def test_a_record_that_a_signal_cuts_short_is_not_missed(
    log: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker's SIGTERM raises wherever its main thread is: what was never written is no loss."""

    def stopped(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    writer = EventLog(log)
    writer.write(ev.Note(text="before"))
    with monkeypatch.context() as cut:
        cut.setattr(*((writer, "_clock") if place == "clock" else (eventlog, "line_of")), stopped)
        with pytest.raises(KeyboardInterrupt):
            writer.write(ev.Note(text="cut short"))
    writer.write(ev.RunEnded(outcome="stopped"))
    reader = LogReader(log)
    assert [event.seq for event in read_all(reader)] == [1, 2]
    assert (reader.lost, writer.lost) == (0, 0)


def test_every_kind_survives_a_round_trip(log: Path) -> None:
    kinds = ev.AnyEvent.__args__
    writer = EventLog(log)
    for kind in kinds:
        writer.write(kind())
    assert [type(event) for event in read_all(LogReader(log))] == list(kinds)
    assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds)


def test_cut_at_any_byte_every_whole_line_is_read(log: Path, golden: bytes) -> None:
    whole, _ = read_bytes(log, golden)
    assert len(whole) == golden.count(b"\n") > 30
    for size in range(len(golden), -1, -1):
        os.truncate(log, size)  # many times faster than writing the file again
        reader = LogReader(log)
        events = read_all(reader)
        assert events == whole[: golden.count(b"\n", 0, size)]
        assert (reader.bad, reader.unknown, reader.lost, reader.refused) == (0, 0, 0, None)


def test_arriving_byte_by_byte_is_the_same_as_at_once(log: Path, golden: bytes) -> None:
    whole, _ = read_bytes(log, golden)
    log.unlink()
    reader = LogReader(log)
    assert reader.read().events == []
    events: list[ev.Event] = []
    with open(log, "ab", buffering=0) as file:
        for byte in golden[:6000]:
            file.write(bytes([byte]))
            events += reader.read().events
    assert events == whole[: len(events)]
    assert len(events) == golden.count(b"\n", 0, 6000)
    assert reader.offset == golden.rfind(b"\n", 0, 6000) + 1


def test_a_small_budget_reads_everything_in_turns(log: Path, golden: bytes) -> None:
    whole, _ = read_bytes(log, golden)
    events, _ = read_bytes(log, golden, budget=7)
    assert events == whole


TEAR = """
import resource, signal, sys
from pathlib import Path
from profiler.eventlog import EventLog
from profiler.events import Note
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder, length = Path(sys.argv[1]), int(sys.argv[2])
for offset in range(length + 1):
    path = folder / f"{offset}.jsonl"
    log = EventLog(path)
    log.write(Note(t=1, text="before"))
    limit = path.stat().st_size + offset
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    log.write(Note(t=2, text="torn"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log.write(Note(t=3, text="after"))
    print(offset, log.lost, log.error is not None)
    log.close()
"""


def test_a_write_torn_at_any_byte_costs_that_record_alone(tmp_path: Path) -> None:
    torn = msgspec.json.encode(ev.Note(seq=2, t=2, text="torn")) + b"\n"
    done = subprocess.run(
        [sys.executable, "-c", TEAR, str(tmp_path), str(len(torn))],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for line in done.stdout.splitlines():
        offset, lost, failed = line.split()
        reader = LogReader(tmp_path / f"{offset}.jsonl")
        notes = [event for event in read_all(reader) if isinstance(event, ev.Note)]
        texts = [note.text for note in notes if note.code != "lost"]
        # Without its newline alone the record is complete: the one after it brings it.
        kept = int(offset) >= len(torn) - 1
        assert texts == ["before", *(["torn"] if kept else []), "after"], offset
        assert reader.lost == (1 if offset == "0" else 0)  # a fragment is a bad line, and no loss beside that
        assert reader.bad == (0 if kept or offset == "0" else 1)
        assert int(lost) == (0 if int(offset) == len(torn) else 1)
        assert [note.text.partition(":")[0] for note in notes if note.code == "lost"] == [
            "1 record could not be written"
        ] * int(lost)
        assert failed == str(offset == "0")


def test_writing_never_raises(log: Path) -> None:
    writer = EventLog(log)
    writer.write(ev.Note(text="a path \udcff"))
    writer.write(ev.Note(text="x" * MAX_LINE_BYTES))
    writer.write(ev.GpuSample(power_mw=object()))  # type: ignore[arg-type]
    writer.write(ev.Header(pid_started=float("nan")))
    writer.close()
    writer.write(ev.Note(text="after closing"))
    reader = LogReader(log)
    notes = [event for event in read_all(reader) if isinstance(event, ev.Note)]
    assert [note.text for note in notes if not note.code] == ["a path ‹DCFF›"]
    assert [note.code for note in notes[1:]] == ["unwritable"] * 2
    assert "kind gpu" in notes[2].text
    assert (reader.bad, reader.lost, writer.lost) == (0, 0, 1)
    assert reader.header is not None
    assert reader.header.pid_started is None


@pytest.mark.parametrize(
    ("line", "bad", "unknown"),
    [
        pytest.param(b"null", 1, 0, id="null"),
        pytest.param(b"[]", 1, 0, id="list"),
        pytest.param(b'"text"', 1, 0, id="string"),
        pytest.param(b"{}", 1, 0, id="no kind"),
        pytest.param(b'{"kind":7}', 1, 0, id="kind of another type"),
        pytest.param(b'{"kind":"step","ns":"5"}', 1, 0, id="field of another type"),
        pytest.param(b'{"kind":"step","ns":5', 1, 0, id="cut short"),
        pytest.param(b'{"kind":"gpu","power_mw":NaN}', 1, 0, id="NaN"),
        pytest.param(b'{"kind":"header","pid_started":1e999}', 1, 0, id="infinite"),
        pytest.param(b'{"kind":"step","ns":' + b"9" * 30 + b"}", 1, 0, id="more than 64 bits"),
        pytest.param(b'{"kind":"step","ns":' + b"9" * 5000 + b"}", 1, 0, id="5000 digits"),
        pytest.param(b'{"kind":"x","y":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 1, 0, id="nested too deep"),
        pytest.param(b"[" * 100_000, 1, 0, id="open too deep"),
        pytest.param(b"\0" * 4096, 1, 0, id="zeros"),
        pytest.param(b'{"kind":"note","text":"\xff\xfe"}', 1, 0, id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + NOTE.strip(), 1, 0, id="byte order mark"),
        pytest.param(b'{"kind":"from the future","seq":1,"more":[1]}', 0, 1, id="unknown kind"),
        pytest.param(b"", 0, 0, id="empty line"),
        pytest.param(b"  \t", 0, 0, id="blank line"),
    ],
)
def test_a_line_that_is_no_record_costs_itself_alone(log: Path, line: bytes, bad: int, unknown: int) -> None:
    events, reader = read_bytes(log, NOTE + line + b"\n" + NEXT)
    assert [event.text for event in events if isinstance(event, ev.Note)] == ["first", "second"]
    assert (reader.bad, reader.unknown, reader.refused) == (bad, unknown, None)


def test_unknown_fields_carriage_returns_and_line_separators_are_no_damage(log: Path) -> None:
    line = '{"kind":"note","seq":1,"new":{"a":[1]},"text":"one\u2028two\x85three"}\r\n'.encode()
    events, reader = read_bytes(log, line + NEXT)
    assert [event.text for event in events if isinstance(event, ev.Note)] == ["one‹2028›two‹0085›three", "second"]
    assert (reader.bad, reader.unknown, reader.lost) == (0, 0, 0)


def test_gaps_are_counted_as_lost_and_unknown_kinds_are_not(log: Path) -> None:
    future = b'{"kind":"future","seq":3}\n'
    _, reader = read_bytes(log, NOTE + NEXT + future + NOTE.replace(b'"seq":1', b'"seq":7'))
    assert (reader.lost, reader.unknown, reader.bad) == (3, 1, 0)


def test_any_flipped_byte_costs_two_records_at_most(log: Path, golden: bytes) -> None:
    data = b"".join(golden.splitlines(keepends=True)[:12])
    whole, _ = read_bytes(log, data)
    with open(log, "r+b", buffering=0) as file:
        for position in range(len(data)):
            os.pwrite(file.fileno(), bytes([data[position] ^ 0x15]), position)
            events = read_all(LogReader(log))
            assert len([event for event in events if event in whole]) >= len(whole) - 2
            os.pwrite(file.fileno(), data[position : position + 1], position)


def test_a_line_longer_than_a_record_may_be_is_skipped(log: Path) -> None:
    long = b'{"kind":"note","text":"' + b"x" * (2 << 20) + b'"}\n'
    for budget in (1 << 16, HUGE):
        events, reader = read_bytes(log, NOTE + long + NEXT, budget=budget)
        assert [event.text for event in events if isinstance(event, ev.Note)] == ["first", "second"]
        assert reader.bad == 1
        assert reader.offset == len(NOTE + long + NEXT)


def test_whether_a_line_is_too_long_does_not_depend_on_how_it_is_read(log: Path) -> None:
    frame = len(b'{"kind":"note","text":""}')
    for length, kept in ((MAX_LINE_BYTES, True), (MAX_LINE_BYTES + 1, False), (MAX_LINE_BYTES + 5000, False)):
        line = b'{"kind":"note","text":"' + b"x" * (length - frame) + b'"}\n'
        for budget in (60_000, 1 << 18, HUGE):
            events, reader = read_bytes(log, NOTE + line + NEXT, budget=budget)
            assert (len(events), reader.bad) == ((3, 0) if kept else (2, 1))


def test_a_higher_major_version_is_refused_in_words(log: Path) -> None:
    events, reader = read_bytes(log, b'{"kind":"header","schema":2,"minor":3,"seq":1}\n' + NEXT)
    assert events == []
    assert reader.refused == (
        "events.jsonl has format 2.3, this stepscope reads up to 1.x: upgrade stepscope to open it"
    )
    with open(log, "ab") as file:
        file.write(NEXT)
    assert reader.read().events == []


def test_a_higher_minor_version_is_read(log: Path) -> None:
    events, reader = read_bytes(log, b'{"kind":"header","minor":9,"seq":1}\n' + NEXT)
    assert len(events) == 2
    assert reader.refused is None


@pytest.mark.parametrize("how", ["replaced", "cut"])
def test_a_log_that_was_replaced_or_cut_is_read_anew(log: Path, tmp_path: Path, how: str) -> None:
    _, reader = read_bytes(log, b'{"kind":"header","seq":1}\n' + NEXT + b'{"kind":"no')
    if how == "replaced":
        fresh = tmp_path / "fresh"
        fresh.write_bytes(NOTE)
        fresh.rename(log)
    else:
        log.write_bytes(NOTE)
    chunk = reader.read()
    assert chunk.restarted
    assert [event.text for event in chunk.events if isinstance(event, ev.Note)] == ["first"]
    assert reader.header is None
    assert not reader.read().restarted


def test_a_log_that_vanishes_and_one_that_is_not_there_yet_are_empty(log: Path) -> None:
    reader = LogReader(log)
    assert reader.read() == ([], False, False)
    log.write_bytes(NOTE)
    assert len(reader.read().events) == 1
    log.unlink()
    assert reader.read() == ([], False, False)
    assert reader.refused is None


@pytest.mark.parametrize("what", ["fifo", "symlink", "folder"])
def test_what_is_no_regular_file_is_refused_and_read_once_it_is_one(log: Path, tmp_path: Path, what: str) -> None:
    if what == "fifo":
        os.mkfifo(log)
    elif what == "symlink":
        (tmp_path / "elsewhere").write_bytes(NOTE)
        log.symlink_to(tmp_path / "elsewhere")
    else:
        log.mkdir()
    reader = LogReader(log)
    assert reader.read().events == []
    assert reader.refused is not None
    assert "events.jsonl" in reader.refused
    with pytest.raises(OSError, match=r"events\.jsonl"):
        EventLog(log)
    if what == "folder":
        log.rmdir()
    else:
        log.unlink()
    log.write_bytes(NOTE)
    assert len(reader.read().events) == 1
    assert reader.refused is None


def test_the_lock_needs_no_name_of_it_in_python(log: Path) -> None:
    """A Python that was built with an old C library has none."""
    code = (
        "import fcntl, pathlib, sys; del fcntl.F_OFD_GETLK, fcntl.F_OFD_SETLK\n"
        "from profiler.eventlog import EventLog, is_locked\n"
        "path = pathlib.Path(sys.argv[1]); first = is_locked(path); writer = EventLog(path)\n"
        "print(first, is_locked(path)); writer.close(); print(is_locked(path))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(log)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.stdout.split(), done.stderr) == (["False", "True", "False"], "")


def test_the_lock_is_seen_exactly_while_the_writer_has_it(log: Path) -> None:
    assert not is_locked(log)
    writer = EventLog(log)
    assert is_locked(log)
    with pytest.raises(FileExistsError):
        EventLog(log)
    with open(log, "rb"):
        pass  # closing another descriptor of the file must not drop the lock
    assert is_locked(log)
    writer.close()
    assert not is_locked(log)
    again = EventLog(log)
    assert is_locked(log)
    again.close()


def test_the_lock_goes_with_a_killed_process(log: Path) -> None:
    script = "import sys, time; from profiler.eventlog import EventLog; from pathlib import Path\n"
    script += "log = EventLog(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script, str(log)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(log)
        holder.kill()
        holder.wait(10)
    assert not is_locked(log)


def test_a_log_is_for_its_owner_alone(log: Path) -> None:
    EventLog(log).close()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_log_goes_on_after_what_a_killed_writer_left(log: Path) -> None:
    log.write_bytes(NOTE + b'{"kind":"note","te')
    writer = EventLog(log)
    writer.write(ev.Note(text="after"))
    writer.write(ev.Note(text="whole"))
    writer.close()
    reader = LogReader(log)
    assert [event.text for event in read_all(reader) if isinstance(event, ev.Note)] == ["first", "after", "whole"]
    assert reader.bad == 1
    assert log.read_bytes().count(b"\n\n") == 0
    EventLog(log).close()
    assert log.read_bytes().endswith(b"\n")


@given(data=st.binary(max_size=400), budget=st.integers(1, 500))
def test_arbitrary_bytes_never_raise(tmp_path: Path, data: bytes, budget: int) -> None:
    _, reader = read_bytes(tmp_path / "arbitrary", data, budget)
    assert reader.bad + reader.unknown <= data.count(b"\n")


RECORDS = st.sampled_from(
    [NOTE, NEXT, b"null\n", b"\n", b'{"kind":"step","seq":4}\n', b'{"kind":"new","seq":9}\n', b"{"]
)


@given(parts=st.lists(RECORDS | st.binary(max_size=20), max_size=12), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_how_a_log_arrives_does_not_matter(tmp_path: Path, parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    whole, at_once = read_bytes(tmp_path / "at-once", data)
    growing = tmp_path / "growing"
    growing.write_bytes(b"")
    reader = LogReader(growing)
    events: list[ev.Event] = []
    edges = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for start, end in pairwise(edges):
        with open(growing, "ab") as file:
            file.write(data[start:end])
        events += read_all(reader, 64)
    assert events == whole
    assert (reader.bad, reader.unknown, reader.lost) == (at_once.bad, at_once.unknown, at_once.lost)
