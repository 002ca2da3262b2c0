"""Viewers that come and go by the hundred never disturb the lock by which a conductor is known to live."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from profiler.eventlog import EventLog, LogReader, is_locked
from profiler.follow import Follower
from tests.soak import crowd
from tests.soak.gauge import held
from tests.support import recorded

ROOT = Path(__file__).resolve().parents[2]


def see(home: Path, viewers: int) -> None:
    """Let ``viewers`` processes come and go while the session is written, its lock is asked for, and tried."""
    recording = recorded.live(seconds=20)
    with recorded.Feeder(recording, home) as feeder:
        feeder.feed_history()
        logs = [log.path for log in feeder._logs.values()]
        program = [sys.executable, "-m", crowd.__name__, str(feeder.folder.path), str(viewers)]
        visitors = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        written = rounds = 0
        while visitors.poll() is None:
            rounds += 1
            written += feeder.feed(recording.live_ns + rounds * 5_000_000)
            for log in logs:
                assert is_locked(log)
                with pytest.raises(FileExistsError):
                    EventLog(log)
                assert is_locked(log), "who was refused has taken the lock along"
        said = visitors.communicate()[0]
        assert visitors.returncode == 0, said
        assert int(said) == viewers // crowd.AT_ONCE * 13, "seven of twenty are killed"
        assert rounds > 10 and not any(log.lost for log in feeder._logs.values())
        assert Follower(feeder.folder).read_all().losses.lost == 0
    assert not any(map(is_locked, logs)), "nobody holds it once the writers are gone"


def test_viewers_by_the_hundred(tmp_path: Path) -> None:
    see(tmp_path, 120)


@pytest.mark.soak
def test_viewers_by_the_thousand(tmp_path: Path) -> None:
    see(tmp_path, 5_000)


@pytest.mark.parametrize("times", [300, pytest.param(5_000, marks=pytest.mark.soak)])
def test_a_lock_is_taken_at_the_first_try_however_many_ask_who_has_it(tmp_path: Path, times: int) -> None:
    # A viewer that took the lock to find out, for an instant, would keep a conductor from starting.
    path = tmp_path / "conductor.jsonl"
    path.touch()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            is_locked(path)
            LogReader(path).read()

    asking = [threading.Thread(target=ask) for _ in range(3)]
    before = held().descriptors
    for thread in asking:
        thread.start()
    try:
        for _ in range(times):
            EventLog(path).close()
    finally:
        over.set()
        for thread in asking:
            thread.join()
    assert held().descriptors == before
