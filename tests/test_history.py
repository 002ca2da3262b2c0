"""What earlier sessions tell about a request: no more of them is read than is needed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from profiler import history
from profiler.history import History
from profiler.request import Request
from tests.support import recorded
from tests.support.recorded import Feeder


class Clock:
    """Stands still unless it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def read(known: History, asked: Request) -> list[str]:
    """The sessions that tell about ``asked``, once each."""
    known.look_for(asked)
    while known.turn():
        pass
    return list(dict.fromkeys(past.session for past in known.pasts))


def test_sessions_of_the_same_work_are_read_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded.finished(session="ours").write(tmp_path)
    recorded.finished(session="cpu", device="cpu").write(tmp_path)
    recorded.finished(session="other", pipeline="sd15-inpaint").write(tmp_path)
    opened: list[str] = []
    follower = history.Follower
    monkeypatch.setattr(history, "Follower", lambda folder: opened.append(folder.id) or follower(folder))
    known = History(tmp_path, clock=Clock())
    assert read(known, recorded.request()) == ["ours"]
    assert len(known.pasts) == 3
    assert read(known, recorded.request(device="cpu")) == ["cpu"]
    assert read(known, recorded.request(steps=3)) == ["ours"]
    assert opened == ["ours", "cpu"]  # what was read is kept


def test_of_many_sessions_the_newest_are_read(tmp_path: Path) -> None:
    for number in range(history.MOST_SESSIONS + 2):
        recorded.finished(session=f"number-{number}", variants=["no-compile"], calls=1).write(tmp_path)
    found = read(History(tmp_path, clock=Clock()), recorded.request())
    assert found == [f"number-{number}" for number in range(history.MOST_SESSIONS + 1, 1, -1)]


def test_what_goes_on_is_too_large_or_damaged_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Feeder(recorded.live(), tmp_path) as feeder:
        feeder.feed_history()
        assert read(History(tmp_path, clock=Clock()), recorded.request()) == []
    folder = recorded.finished(session="large").write(tmp_path)
    with monkeypatch.context() as small:
        small.setattr(history, "MOST_BYTES", 1000)
        assert read(History(tmp_path, clock=Clock()), recorded.request()) == []
    folder.manifest_file.write_text("no json")
    assert "large" not in read(History(tmp_path, clock=Clock()), recorded.request())


def test_a_new_session_is_found_after_a_while_or_when_asked(tmp_path: Path) -> None:
    clock = Clock()
    known = History(tmp_path, clock=clock)
    assert read(known, recorded.request()) == []
    recorded.finished(session="new", variants=["no-compile"]).write(tmp_path)
    assert read(known, recorded.request()) == []
    clock.now += history.LOOK_AGAIN_S
    assert read(known, recorded.request()) == ["new"]
    recorded.finished(session="newer", variants=["no-compile"]).write(tmp_path)
    known.again()
    assert read(known, recorded.request()) == ["newer", "new"]


def test_a_turn_ends_when_its_time_is_over(tmp_path: Path) -> None:
    recorded.finished(session="ours").write(tmp_path)
    clock = Clock()
    known = History(tmp_path, clock=lambda: clock.now)
    known.look_for(recorded.request())
    ticking = iter(range(10_000))
    known._clock = lambda: float(next(ticking))  # every look at the clock takes a second
    turns = 1
    while known.turn(1.5):
        turns += 1
    assert turns > 3
    assert {past.session for past in known.pasts} == {"ours"}


def test_another_request_may_come_while_sessions_are_read(tmp_path: Path) -> None:
    for number in range(2):
        recorded.finished(session=f"number-{number}", variants=["no-compile"], calls=1).write(tmp_path)
        recorded.finished(session=f"cpu-{number}", variants=["no-compile"], calls=1, device="cpu").write(tmp_path)
    known = History(tmp_path, clock=Clock())
    known.look_for(recorded.request(device="cpu"))
    ticking = itertools.count()
    known._clock = lambda: float(next(ticking))  # every look at the clock takes a second
    for _ in range(2):
        assert known.turn(1.5), "it is in the midst of it"
    known._clock = Clock()
    assert read(known, recorded.request()) == ["number-1", "number-0"]
    assert read(known, recorded.request(device="cpu")) == ["cpu-1", "cpu-0"]


def test_no_home_and_a_home_that_cannot_be_read_tell_nothing(tmp_path: Path) -> None:
    assert read(History(tmp_path / "none"), recorded.request()) == []
    (tmp_path / "sessions").write_text("a file")
    assert read(History(tmp_path), recorded.request()) == []
