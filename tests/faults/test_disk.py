"""Disks that are full, fail or can't be written, and files that vanish under a writer or a reader."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler import events as ev
from profiler.eventlog import EventLog, LogReader, is_locked
from profiler.sessions import create
from tests.support import recorded


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def full() -> Iterator[int]:
    """A descriptor on which the kernel itself answers every write with ENOSPC."""
    descriptor = os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC)
    yield descriptor
    os.close(descriptor)


def read(path: Path) -> tuple[list[ev.Event], LogReader]:
    reader = LogReader(path)
    return reader.read(1 << 30).events, reader


def test_a_full_disk_costs_the_records_of_that_time_and_says_so(log: Path, full: int) -> None:
    writer = EventLog(log)
    writer.write(ev.Note(t=1, text="before"))
    kept = os.dup(writer._descriptor)
    os.dup2(full, writer._descriptor)
    for number in range(5):
        writer.write(ev.Step(t=2, step=number))
    assert (writer.lost, writer.error and writer.error.errno) == (5, errno.ENOSPC)
    os.dup2(kept, writer._descriptor)  # there is room again
    writer.write(ev.Note(t=3, text="after"))
    writer.write(ev.Note(t=4, text="later"))
    writer.close()
    os.close(kept)
    events, reader = read(log)
    assert [getattr(event, "text", "") for event in events] == [
        "before",
        "after",
        "5 records could not be written: No space left on device",
        "later",
    ]
    assert (reader.lost, reader.bad) == (5, 0)
    assert isinstance(events[2], ev.Note)
    assert (events[2].level, events[2].code) == ("warning", "lost")


def test_what_was_lost_is_told_later_where_there_is_room_for_a_record_and_not_for_that_word(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = EventLog(log)
    writer.write(ev.Note(text="before"))
    room = [False, True, False, True, True]
    write = os.write

    def filling(descriptor: int, data: bytes) -> int:
        if room.pop(0):
            return write(descriptor, data)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("profiler.eventlog.os.write", filling)
    for text in ("lost", "there", "there too"):
        writer.write(ev.Note(text=text))
    assert (room, writer.lost) == ([], 2)
    events, reader = read(log)
    assert [event.text for event in events] == [  # type: ignore[attr-defined]
        "before",
        "there",
        "there too",
        "2 records could not be written: No space left on device",
    ]
    assert (reader.lost, reader.bad) == (2, 0)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EBADF, errno.EINTR])
def test_a_failing_disk_stops_no_writer(log: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    writer = EventLog(log)
    tried: list[int] = []

    def failing(descriptor: int, data: bytes) -> int:
        tried.append(len(data))
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("profiler.eventlog.os.write", failing)
    for step in range(100):
        writer.write(ev.Step(step=step))
    assert (writer.lost, len(tried)) == (100, 100)  # each is tried once: nothing is waited for
    monkeypatch.undo()
    writer.write(ev.RunEnded(outcome="ok"))
    writer.close()
    events, reader = read(log)
    assert [type(event) for event in events] == [ev.RunEnded, ev.Note]
    assert reader.lost == 100
    assert os.strerror(number) in events[1].text  # type: ignore[attr-defined]


def test_a_disk_that_fails_at_the_last_moment_is_told_of(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    writer = EventLog(log)
    writer.write(ev.Note(text="there"))
    monkeypatch.setattr("profiler.eventlog.os.fsync", failing)
    writer.close()
    assert writer.error is not None
    assert not is_locked(log)
    assert len(read(log)[0]) == 1


@pytest.mark.parametrize("call", ["pread", "fstat"])
def test_a_log_that_can_not_be_read_for_a_while_is_read_on_after_that(
    log: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    writer = EventLog(log)
    writer.write(ev.Note(text="first"))
    reader = LogReader(log)
    assert len(reader.read().events) == 1
    writer.write(ev.Note(text="second"))

    def failing(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(f"profiler.eventlog.os.{call}", failing)
        assert reader.read().events == []
        assert reader.refused == "cannot read events.jsonl: Input/output error"
    assert [event.text for event in reader.read().events] == ["second"]  # type: ignore[attr-defined]
    assert (reader.refused, reader.lost, reader.bad) == (None, 0, 0)


def test_descriptors_of_a_reader_never_pile_up(log: Path, tmp_path: Path) -> None:
    """Whatever stands in the log's place: nothing, a folder, a FIFO, a link, a device, a log, and nothing again."""

    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    reader = LogReader(log)
    before = opened()
    for make in (
        log.mkdir,
        lambda: os.mkfifo(log),
        lambda: log.symlink_to(tmp_path / "x"),
        lambda: log.write_bytes(b"x"),
    ):
        make()
        for _ in range(5):
            reader.read()
        log.rmdir() if log.is_dir() else log.unlink()
        reader.read()
    for device in ("zero", "full"):
        reader = LogReader(Path("/dev", device))
        assert reader.read().events == []
        assert reader.refused == f"{device} is not a regular file"
    assert opened() == before


@pytest.mark.parametrize("path", ["/dev/full", "/dev/null"])
def test_a_device_is_no_log(path: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="not a regular file"):
        EventLog(Path(path))
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_writer_whose_log_was_removed_or_replaced_writes_into_no_other(log: Path) -> None:
    writer = EventLog(log)
    writer.write(ev.Note(text="first"))
    log.unlink()
    log.write_bytes(b"somebody else's\n")
    writer.write(ev.Note(text="second"))
    writer.close()
    assert log.read_bytes() == b"somebody else's\n"
    assert writer.lost == 0


CLOSES = """
import os, sys
from pathlib import Path
from profiler.eventlog import EventLog
from profiler.events import Note
log = EventLog(Path(sys.argv[1]))
log.write(Note(text="first"))
os.closerange(3, 256)  # as daemons and careless libraries do
others = [os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT) for _ in range(20)]
log.write(Note(text="second"))
os.closerange(3, 1 << 16)
others = [os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT) for _ in range(20)]
log.write(Note(text="third"))
print(log.lost, log.error.errno if log.error else 0)
"""


def test_records_go_into_no_file_that_got_the_descriptor_of_a_closed_log(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    done = subprocess.run(
        [sys.executable, "-c", CLOSES, str(log), str(other)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["1", str(errno.EBADF)]
    assert other.read_bytes() == b""
    assert [event.text for event in read(log)[0]] == ["first", "second"]  # type: ignore[attr-defined]


def test_of_many_that_begin_a_log_at_once_one_does(log: Path) -> None:
    begin = threading.Barrier(8)
    opened: list[EventLog] = []
    refused: list[Exception] = []

    def start() -> None:
        begin.wait()
        try:
            opened.append(EventLog(log))
        except FileExistsError as error:
            refused.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(opened), len(refused)) == (1, 7)
    opened[0].write(ev.Note(text="unharmed"))
    assert len(read(log)[0]) == 1
    opened[0].close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write where nobody may")
def test_a_home_that_can_not_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    with pytest.raises(PermissionError):
        create(recorded.request(), "0", home)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
def test_a_session_that_can_not_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("profiler.sessions.write_manifest", failing)
    with pytest.raises(OSError, match=os.strerror(number)):
        create(recorded.request(), "0", tmp_path)
    assert list((tmp_path / "sessions").iterdir()) == []
