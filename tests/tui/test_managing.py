"""What is done to sessions from their list: what would be done is told first, refusals with it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from profiler import conductor
from profiler.eventlog import EventLog
from profiler.sessions import SessionFolder
from tests.support import recorded
from tui import managing
from tui.managing import folder_bytes, in_background, plan_removal, plan_resume, plan_stop


def finished(home: Path, session: str) -> SessionFolder:
    return recorded.finished(session=session, steps=3, calls=2).write(home)


def died(home: Path, session: str) -> SessionFolder:
    """A session of this machine of which one run has ended and the profiler was killed in the second."""
    recording = recorded.finished(session=session, steps=3, calls=2)
    ends = [one.event.t for one in recording.records if getattr(one.event, "state", "") == "ended"]
    return recording.write(home, until_ns=ends[0], here=True)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Which sessions a profiler was started for, and whether for their failed runs too; none is."""
    found: list[tuple[str, bool]] = []

    def resume(folder: SessionFolder, *, failed: bool = False) -> int:
        if folder.id.startswith("cannot"):
            raise conductor.CannotStart("the profiler process can't be started: no more processes")
        found.append((folder.id, failed))
        return 1

    monkeypatch.setattr(conductor, "resume", resume)
    monkeypatch.setattr(managing, "why_not_here", lambda folder, request: None)
    return found


def test_those_that_run_are_stopped_and_the_others_are_told(tmp_path: Path) -> None:
    done = finished(tmp_path, "done-one")
    assert plan_stop([done]).question == ""
    assert plan_stop([done]).notice == "done-one: not running, there is nothing to stop"
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        plan = plan_stop([done, feeder.folder])
        assert plan.question == "stop session live-one? 1 other is not running"
        assert not list(feeder.folder.control.iterdir()), "it was only asked"
        assert plan.act() == "asked live-one to stop"
        (command,) = feeder.folder.control.iterdir()
        assert msgspec.json.decode(command.read_bytes())["command"] == "stop"
        feeder.folder.control.rename(tmp_path / "away")
        assert plan.act() == "could not ask live-one to stop: No such file or directory"


def test_what_is_removed_is_told_with_its_size_and_running_ones_stay(tmp_path: Path) -> None:
    folders = [finished(tmp_path, name) for name in ("done-one", "done-two")]
    (folders[0].path / "big").write_bytes(b"x" * (3 << 20))
    (folders[0].path / "link").symlink_to("/usr")
    assert plan_removal(folders[:1]).question == "remove done-one for good, 3.06 MiB?"
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        refused = plan_removal([feeder.folder])
        assert (refused.question, refused.notice) == ("", "live-one: running, stop it first ({stop})")
        plan = plan_removal([*folders, feeder.folder])
        assert plan.question.startswith("remove 2 sessions for good, 3.") and plan.question.endswith(
            "1 that runs stays"
        )
        assert plan.act() == "removed 2 sessions"
        assert os.listdir(tmp_path / "sessions") == ["live-one"]
        assert plan.act() == "removed 2 sessions", "somebody else removed them meanwhile"


def test_a_session_that_was_resumed_meanwhile_is_not_removed(tmp_path: Path) -> None:
    folder = died(tmp_path, "died-one")
    plan = plan_removal([folder, finished(tmp_path, "done-one")])
    log = EventLog(folder.conductor_log)
    assert plan.act() == "session died-one is running: 'stepscope stop died-one' first; removed done-one"
    log.close()
    assert os.listdir(tmp_path / "sessions") == ["died-one"]


def test_what_is_damaged_can_be_removed(tmp_path: Path) -> None:
    folder = finished(tmp_path, "bad-one")
    folder.manifest_file.write_text("{")
    assert plan_removal([folder]).act() == "removed bad-one"
    assert not folder.path.exists()


def test_bytes_are_of_all_files_and_of_nothing_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "out").write_bytes(b"x" * 1000)
    (tmp_path / "in" / "one").write_bytes(b"x" * 10)
    (tmp_path / "in" / "deep" / "two").write_bytes(b"x" * 5)
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    assert 15 <= folder_bytes(tmp_path / "in") < 1000
    assert folder_bytes(tmp_path / "no such folder") == 0


def test_what_a_session_owes_is_told_before_it_goes_on(tmp_path: Path, started: list[tuple[str, bool]]) -> None:
    folder = died(tmp_path, "died-one")
    (folder.control / "1-1.json").write_text('{"command":"stop"}')
    plan = plan_resume([folder])
    assert plan.question == "resume died-one: 2 of 3 runs to make, on cuda:0?"
    assert not started
    assert plan.act() == "died-one goes on"
    assert started == [("died-one", False)]
    assert not list(folder.control.iterdir()), "what an earlier profiler was told is not for the next"


def test_a_session_that_owes_nothing_is_not_resumed_but_for_its_failed_runs(
    tmp_path: Path, started: list[tuple[str, bool]]
) -> None:
    folder = finished(tmp_path, "done-one")
    assert plan_resume([folder]).notice == "done-one owes nothing: every run has a result"
    log = folder.conductor_log.read_text().replace('"outcome":"ok"', '"outcome":"failed"', 1)
    folder.conductor_log.write_text(log)
    plan = plan_resume([folder])
    assert plan.question == "done-one owes nothing: make its 1 failed run again?"
    assert plan.act() == "done-one goes on"
    assert started == [("done-one", True)]


def test_of_several_each_refusal_counts(tmp_path: Path, started: list[tuple[str, bool]]) -> None:
    owing = [died(tmp_path, "died-one"), died(tmp_path, "died-two")]
    damaged = finished(tmp_path, "bad-one")
    damaged.manifest_file.write_text("{")
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        plan = plan_resume([*owing, damaged, finished(tmp_path, "done-one")])
        assert plan.question == "resume 2 sessions: 4 runs to make?"
        assert "damaged" in plan.notice and plan.notice.endswith("(and 1 more)")
        assert plan.act() == "2 sessions go on"
    assert [session for session, _ in started] == ["died-one", "died-two"]


def test_one_that_is_in_the_way_holds_up_no_other(tmp_path: Path, started: list[tuple[str, bool]]) -> None:
    owing = [died(tmp_path, name) for name in ("cannot-start", "died-one", "died-two")]
    assert plan_resume(owing).act() == (
        "cannot-start: the profiler process can't be started: no more processes; 2 sessions go on"
    )
    assert [session for session, _ in started] == ["died-one", "died-two"]
    removal = plan_removal(owing[:2])
    owing[0].path.rename(tmp_path / "elsewhere")
    owing[0].path.symlink_to(tmp_path / "elsewhere")
    assert removal.act().endswith("or name what it leads to; removed died-one")
    one, other = (recorded.Feeder(recorded.live(session=name), tmp_path) for name in ("live-one", "live-two"))
    with one, other:
        plan = plan_stop([one.folder, other.folder])
        one.folder.control.rename(tmp_path / "away")
        assert plan.act() == "could not ask live-one to stop: No such file or directory; asked live-two to stop"


def test_foreign_code_is_asked_about_by_name_and_alone(tmp_path: Path, started: list[tuple[str, bool]]) -> None:
    recording = recorded.finished(session="copied-one", steps=3, calls=2)
    cases = [
        replace(case, workload=replace(case.workload, origin="/home/else/\x1b[2Jmine.py:build"))
        for case in recording.request.cases
    ]
    recording = replace_request(recording, replace(recording.request, cases=cases))
    folder = recording.write(tmp_path, until_ns=recording.records[2].event.t)
    plan = plan_resume([folder])
    assert plan.question.startswith("use /home/else/") and "mine.py:build" in plan.question
    assert "\x1b" not in plan.question and "made elsewhere" in plan.question
    several = plan_resume([folder, died(tmp_path, "died-one")])
    assert several.question.startswith("resume died-one")
    assert several.notice == "copied-one asks for code or files of this machine: resume it alone"


def replace_request(recording: recorded.Recording, request: object) -> recorded.Recording:
    return recorded.Recording(recording.session, request, recording.records, recording.live_ns)  # type: ignore[arg-type]


def test_a_machine_that_cannot_make_the_runs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = died(tmp_path, "died-one")
    monkeypatch.setattr(managing.devices, "why_no_cuda", lambda: "no driver")
    monkeypatch.setattr(managing.importlib.util, "find_spec", lambda name: object())
    assert plan_resume([folder]).notice == "session died-one runs on cuda:0, which can't be used here: no driver"
    monkeypatch.setattr(managing.importlib.util, "find_spec", lambda name: None)
    assert "pip install torch" in plan_resume([folder]).notice


def test_a_profiler_that_does_not_start_says_why(tmp_path: Path, started: list[tuple[str, bool]]) -> None:
    plan = plan_resume([died(tmp_path, "cannot-start")])
    assert plan.act() == "cannot-start: the profiler process can't be started: no more processes"


def test_work_in_the_background_tells_what_came_of_it() -> None:
    told: list[object] = []
    over = threading.Event()

    def note(what: object) -> None:
        told.append(what)
        over.set()

    in_background(lambda: 7, note, note)
    assert over.wait(20) and told == [7]
    over.clear()
    in_background(lambda: {}["no such"], note, note, finish=True)
    assert over.wait(20) and isinstance(told[1], KeyError)
