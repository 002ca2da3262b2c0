"""Commands: taken in order, whatever else lies in the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from profiler import events as ev
from profiler import sessions
from profiler.conductor.control import Inbox
from profiler.conductor.ending import Order, Why
from profiler.conductor.orders import Orders
from tests.conductor.support import Clock, make


class Box:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: list[ev.Event] = []
        self.inbox = Inbox(path, self.written.append)

    def put(self, name: str, data: bytes = b'{"command":"skip"}') -> None:
        (self.path / name).write_bytes(data)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_in_order_logged_and_removed(box: Box) -> None:
    box.put("900-1.json", b'{"command":"skip","run":"001-a","pid":7}')
    box.put("1000-1.json", b'{"command":"stop"}')
    box.put("900-12.json")
    assert [(command.command, command.run) for command in box.inbox.take()] == [
        ("skip", "001-a"),
        ("skip", None),
        ("stop", None),
    ]
    assert box.written[0] == ev.Command(command="skip", run="001-a", pid=7)
    assert list(box.path.iterdir()) == []
    assert box.inbox.take() == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"command":"dance"}',
        b'{"command":5}',
        b'{"run":"a"}',
        b"\xff\xfe",
        b"\0" * 4096,
        b"[" * 50_000,
        b" " * 70_000,
        b'{"command":"stop","pid":' + b"9" * 5000 + b"}",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_damaged_files_are_removed_with_a_note(box: Box, data: bytes) -> None:
    box.put("1-1.json", data)
    box.put("2-1.json")
    assert [command.command for command in box.inbox.take()] == ["skip"]
    assert [event.code for event in box.written if isinstance(event, ev.Note)] == ["control-file"]
    assert list(box.path.iterdir()) == []


def test_foreign_things(box: Box, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "9-9.json"
    outside.write_bytes(b'{"command":"stop"}')
    box.put("README")
    os.mkfifo(box.path / "1-1.json")
    (box.path / "2-2.json").symlink_to(outside)
    (box.path / "3-3.json").mkdir()
    box.put(".4-4.json.aa.tmp")  # a command that is being written
    assert box.inbox.take() == []
    assert outside.exists()
    assert sorted(path.name for path in box.path.iterdir()) == [".4-4.json.aa.tmp", "3-3.json"]
    # The folder can't be removed: it is complained about once and does not hide what comes after it.
    said = len(box.written)
    box.put("5-5.json")
    assert len(box.inbox.take()) == 1
    assert len(box.written) == said + 1


def test_a_folder_that_is_gone_is_noted_once(box: Box) -> None:
    box.path.rmdir()
    assert box.inbox.take() == box.inbox.take() == []
    assert [event.code for event in box.written if isinstance(event, ev.Note)] == ["control-folder"]
    box.path.mkdir()
    box.put("1-1.json")
    assert len(box.inbox.take()) == 1


def test_a_link_in_its_place_is_not_followed(box: Box, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever isn't a command is removed from the folder: of somebody else's folder nothing may be."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "precious.txt").write_text("keep")
    (outside / "1-1.json").write_bytes(b'{"command":"stop"}')
    box.path.rmdir()
    box.path.symlink_to(outside)
    assert box.inbox.take() == box.inbox.take() == []
    assert [event.code for event in box.written if isinstance(event, ev.Note)] == ["control-folder"]
    assert len(list(outside.iterdir())) == 2


def test_what_send_writes_is_taken(own_home: Path) -> None:
    folder = make(own_home)
    sessions.send(folder, "skip", "001-case-r1")
    written: list[ev.Event] = []
    [command] = Inbox(folder.control, written.append).take()
    assert (command.command, command.run, command.pid) == ("skip", "001-case-r1", os.getpid())


def test_orders(own_home: Path) -> None:
    folder, clock, written = make(own_home), Clock(), list[ev.Event]()
    orders = Orders(folder.path, written.append, max_time_s=60.0, clock=clock)
    assert orders.poll("001-case-r1") is None
    sessions.send(folder, "skip")
    assert orders.poll("001-case-r1") == Order(Why.ASKED, "skipped on request")
    assert orders.stop is None
    sessions.send(folder, "skip")
    assert orders.poll(None) is None
    clock.now += 59.9
    assert orders.poll("001-case-r1") is None
    clock.now += 0.1
    assert orders.poll("001-case-r1") == Order(Why.ASKED, "max time of 60 s reached")
    assert orders.stop == "max time of 60 s reached"
    sessions.send(folder, "stop")  # the first reason stays
    orders.poll("001-case-r1")
    assert orders.stop == "max time of 60 s reached"
