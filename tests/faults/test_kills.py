"""A writer that is killed at any byte: every record that it had told is there, and nothing is made up."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from profiler import events as ev
from profiler import sessions
from profiler.eventlog import EventLog, LogReader, is_locked
from profiler.follow import Follower
from profiler.request import Options, resolve
from tests.support import recorded

KILLS = 200
MOST_RECORDS = 150


@dataclass(frozen=True)
class Killed:
    """What a killed writer left, and how much of it the kernel had told the writer that it had."""

    path: Path
    told: int  # records whose writing returned before the kill
    begun: int  # records whose writing began


def records() -> list[ev.Event]:
    """Those of a run of regional-compile, over and over."""
    recording = recorded.finished(steps=6, calls=3)
    name = recording.request.runs[-1].name
    events = [record.event for record in recording.records if record.run == name]
    rest = [events[1 + number % (len(events) - 1)] for number in range(MOST_RECORDS)]
    return [msgspec.structs.replace(event) for event in (events[0], *rest)]


def write_until_killed(path: Path, events: list[ev.Event], progress: int) -> None:
    """In a child: write on and on, and tell of each record before and after. ``progress`` is a pipe's write end."""
    log = EventLog(path)
    for event in events:
        os.write(progress, b"b")
        log.write(event)
        os.write(progress, b"e")
    signal.pause()


def killed_at(path: Path, events: list[ev.Event], size: int) -> Killed:
    """Kill a writer with SIGKILL as soon as its log has ``size`` bytes, wherever it is by then."""
    seen, progress = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(seen)
            write_until_killed(path, events, progress)
        finally:
            os._exit(1)
    os.close(progress)
    marks = b""
    try:
        while not path.exists() or path.stat().st_size < size:
            marks += os.read(seen, 64)
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    while more := os.read(seen, 1 << 16):
        marks += more
    os.close(seen)
    return Killed(path, marks.count(b"e"), marks.count(b"b"))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 12))])
def test_no_record_is_lost_wherever_a_writer_is_killed(tmp_path: Path, seed: int) -> None:
    events = records()
    whole = tmp_path / "whole.jsonl"
    log = EventLog(whole)
    for event in events:
        log.write(event)
    log.close()
    lines = whole.read_bytes().splitlines(keepends=True)
    chance = random.Random(seed)
    for number in range(KILLS):
        left = killed_at(tmp_path / f"{number}.jsonl", events, chance.randrange(1, sum(map(len, lines[:-20]))))
        check(left, lines)
        left.path.unlink()


TORN = """
import os, resource, signal, sys
from pathlib import Path
from profiler.eventlog import EventLog
from profiler.events import Note
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for part in range(int(sys.argv[2])):
    if os.fork() == 0:
        path = Path(sys.argv[1]) / f"{part}.jsonl"
        log = EventLog(path)
        log.write(Note(t=1, text="before"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + part, resource.RLIM_INFINITY))
        log.write(Note(t=2, text="torn"))
        os.kill(os.getpid(), signal.SIGKILL)
    os.wait()
"""


def test_a_writer_that_is_killed_within_a_record_costs_that_record_alone(tmp_path: Path) -> None:
    """At every byte of the record; another writer then goes on with the log."""
    torn = msgspec.json.encode(ev.Note(seq=2, t=2, text="torn")) + b"\n"
    subprocess.run([sys.executable, "-c", TORN, str(tmp_path), str(len(torn))], timeout=60, check=True)
    for part in range(len(torn)):
        path = tmp_path / f"{part}.jsonl"
        assert path.read_bytes().endswith(torn[:part])
        whole = part == len(torn) - 1  # all but the line's end
        reader = LogReader(path)
        assert [event.text for event in reader.read().events] == ["before"]  # type: ignore[attr-defined]
        assert (reader.bad, reader.lost) == (0, 0)  # the fragment may still become a record
        again = EventLog(path)
        again.write(ev.Header(writer="worker"))
        again.close()
        assert len(reader.read().events) == 1 + whole
        assert (reader.bad, reader.lost) == (int(part > 0 and not whole), 0)


@pytest.fixture(scope="module")
def workers() -> Iterator[subprocess.Popen[str]]:
    """One process for all kills: loading torch takes longer than all else."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.workers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "warm\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize(
    ("kind", "variant"),
    [(ev.LoadProgress, "no-compile"), (ev.CompileStarted, "compile"), (ev.Step, "no-compile")],
    ids=["load", "compile", "call"],
)
def test_a_real_worker_that_is_killed_has_lost_nothing_that_it_told(
    workers: subprocess.Popen[str], tmp_path: Path, kind: type[ev.Event], variant: str
) -> None:
    options = Options(pipeline="sd15-txt2img", size="tiny", steps=500, repeats=1, variants=[variant], backend="eager")
    request = resolve(options, "cpu")
    folder = sessions.create(request, "0", tmp_path)
    name = request.runs[0].name
    folder.run(name).mkdir(mode=0o700)
    conductor = EventLog(folder.conductor_log)
    conductor.write(ev.Header(writer="conductor"))
    conductor.write(ev.RunChanged(run=name, state="running"))
    reader = LogReader(folder.run_log(name))
    assert workers.stdin is not None
    assert workers.stdout is not None
    workers.stdin.write(f"{folder.path}\t{name}\n")
    workers.stdin.flush()
    pid = int(workers.stdout.readline())
    seen: list[ev.Event] = []
    deadline = time.monotonic() + 60
    while not any(type(event) is kind for event in seen):
        assert time.monotonic() < deadline, folder.run_log(name).read_text()
        seen += reader.read().events
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    assert int(workers.stdout.readline()) == signal.SIGKILL
    conductor.close()
    data = folder.run_log(name).read_bytes()
    seen += reader.read(1 << 30).events
    assert [event.seq for event in seen] == list(range(1, data.count(b"\n") + 1))
    assert (reader.bad, reader.lost, reader.refused) == (0, 0, None)
    assert not is_locked(folder.run_log(name))
    # Nobody is left to say how it ended: viewers say that it died, and have all that it told.
    state = Follower(folder).read_all()
    run = state.runs[name]
    assert (state.state, run.outcome, run.end) == ("died", "died", None)
    assert len(run.steps) == sum(1 for event in seen if type(event) is ev.Step)


def check(left: Killed, lines: list[bytes]) -> None:
    data = left.path.read_bytes()
    assert not is_locked(left.path)
    assert left.told <= data.count(b"\n") <= left.begun <= left.told + 1
    assert data == b"".join(lines)[: len(data)]  # nothing but the records, in their order
    reader = LogReader(left.path)
    read = reader.read(1 << 30).events
    assert [event.seq for event in read] == list(range(1, data.count(b"\n") + 1))
    assert (reader.bad, reader.lost, reader.unknown, reader.refused) == (0, 0, 0, None)
    # Another process goes on with the log: at most the one torn record is a bad line, and none is lost.
    torn = not data.endswith(b"\n")
    again = EventLog(left.path)
    again.write(ev.Header(writer="worker"))
    again.write(ev.RunEnded(outcome="ok"))
    again.close()
    after = LogReader(left.path)
    assert len(after.read(1 << 30).events) == len(read) + 2
    assert (after.bad, after.lost) == (int(torn), 0)
