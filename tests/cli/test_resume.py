"""``stepscope resume``: what it refuses, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from profiler import events as ev
from profiler import sessions
from profiler.analysis.fold import SessionFold
from profiler.eventlog import EventLog
from profiler.sessions import SessionFolder
from tests.conductor.support import begin, conduct, endings, finish, log, make
from tests.support import recorded
from tui import managing
from tui.cli import main
from tui.commands import resume as command
from tui.plain import PlainReport


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["resume", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def stopped(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> SessionFolder:
    """Three runs, one of which failed and one died; its next workers end well."""
    folder = make(own_home, runs=3)
    conduct(folder, "ok,failed,wordless")
    monkeypatch.setattr(
        command.conductor, "resume", lambda folder, failed: begin(folder, "ok", resumes=True, failed=failed)
    )
    return folder


def test_what_is_owed_is_made_and_told(stopped: SessionFolder, capsys: pytest.CaptureFixture[str]) -> None:
    sessions.send(stopped, "stop")  # left by somebody when nobody was there to take it
    code, out, err = run(capsys, stopped.id, "--headless")
    lines = out.splitlines()
    assert lines[0] == f"session {stopped.id}: 1 of 3 runs to make, on cpu"
    # What had ended before is in the figures and is not told again.
    told = lines[1 : lines.index("")]
    assert all(line.startswith("003-case-r3: ") for line in told)
    assert told[-1].endswith("[3 of 3]")
    assert (code, err) == (1, "")  # one has failed
    code, out, err = run(capsys, stopped.id)
    assert (code, out, err) == (
        0,
        f"session {stopped.id} owes nothing: every run has a result (--failed makes 1 failed run again)\n",
        "",
    )
    code, out, _ = run(capsys, stopped.id, "--json")
    assert (code, json.loads(out)["session"]) == (0, stopped.id)
    code, out, _ = run(capsys, stopped.id, "--failed", "--json")
    assert (code, [one["outcome"] for one in json.loads(out)["runs"]]) == (0, ["ok", "ok", "ok"])


def test_detached(stopped: SessionFolder, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, stopped.id, "--detach", "--json")
    assert (code, json.loads(out)) == (0, {"schema": 1, "session": stopped.id, "folder": str(stopped.path)})
    header = [event for event in log(stopped.conductor_log) if isinstance(event, ev.Header)][-1]
    assert len(endings(finish(stopped, header.pid))) == 4


def test_its_time_may_be_another_one(
    stopped: SessionFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(command.conductor, "resume", lambda folder, *more, failed: told.append(more) or 1)
    for given in ((), ("--max-time", "600"), ("--max-time", "none")):
        assert run(capsys, stopped.id, "--detach", *given)[0] == 0
    assert told == [(), ("max-time=600.0",), ("max-time=none",)]
    for given in ("0", "-1", "nan", "inf", "soon"):
        code, _, err = run(capsys, stopped.id, "--max-time", given)
        assert (code, f"'{given}' is neither a number of seconds above 0 nor none" in err) == (2, True)


def test_a_session_of_which_only_the_end_is_missing(
    own_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(own_home)
    conduct(folder, "ok")
    folder.conductor_log.write_bytes(b"".join(folder.conductor_log.read_bytes().splitlines(keepends=True)[:-1]))
    monkeypatch.setattr(
        command.conductor, "resume", lambda folder, failed: begin(folder, "ok", resumes=True, failed=failed)
    )
    monkeypatch.setattr(managing.importlib.util, "find_spec", lambda name: None)  # nothing is run: nothing is needed
    code, out, _ = run(capsys, folder.id, "--headless")
    assert code == 0
    assert out.splitlines()[0] == (f"session {folder.id}: every run has a result, only its end was never written down")
    assert run(capsys, folder.id)[1] == f"session {folder.id} owes nothing: every run has a result\n"


def test_refusals(own_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(capsys, "nothing")[0] == 3
    recording = recorded.live(device="cuda:0")
    folder = recording.write(own_home, until_ns=recording.live_ns)
    code, out, err = run(capsys, folder.id)
    assert (code, out) == (2, "")
    assert err.startswith(f"stepscope: session {folder.id} runs on cuda:0, which can't be used here: ")

    find_spec = managing.importlib.util.find_spec
    monkeypatch.setattr(managing.importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name))
    code, _, err = run(capsys, folder.id)
    assert code == 2
    assert "torch is not installed here" in err
    monkeypatch.undo()

    held = EventLog(folder.conductor_log)
    code, _, err = run(capsys, str(folder.path))
    assert (code, err) == (
        1,
        f"stepscope: session {folder.id} is running: 'stepscope watch {folder.id}' shows it\n",
    )
    held.close()

    folder.manifest_file.write_bytes(b"{")
    code, _, err = run(capsys, str(folder.path))
    assert code == 1
    assert "session.json is damaged" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"origin": "/home/me/bench.py:make", "weights": "factory"}, "/home/me/bench.py:make"),
        ({"attention": "flash_hub"}, "flash_hub"),
    ],
)
def test_code_that_a_session_from_elsewhere_names_is_not_run_unasked(
    own_home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, str],
    code: str,
) -> None:
    folder = make(own_home, runs=1)
    conduct(folder, "wordless")
    manifest = folder.manifest()
    (case,) = manifest.request.cases
    workload = msgspec.structs.replace(case.workload, **fields)
    request = msgspec.structs.replace(manifest.request, cases=[msgspec.structs.replace(case, workload=workload)])
    asked: list[SessionFolder] = []
    monkeypatch.setattr(command.conductor, "resume", lambda folder, failed: asked.append(folder) or 1)
    for boot, given, expected in ((manifest.boot_id, [], 0), ("another", [], 2), ("another", ["--run-code"], 0)):
        sessions.write_manifest(folder, msgspec.structs.replace(manifest, request=request, boot_id=boot))
        code_out, _, err = run(capsys, folder.id, "--detach", *given)
        assert code_out == expected, err
        assert (code in err and "--run-code" in err) is (expected == 2)
    assert len(asked) == 2


def test_a_conductor_that_does_not_start_leaves_the_session(
    stopped: SessionFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> int:
        raise command.conductor.CannotStart("the profiler process did not take over")

    monkeypatch.setattr(command.conductor, "resume", fail)
    assert run(capsys, stopped.id, "--detach") == (1, "", "stepscope: the profiler process did not take over\n")
    assert stopped.manifest_file.exists()


def test_a_plain_report_tells_of_every_attempt() -> None:
    request = recorded.request(device="cpu", repeats=1)
    first, second, _ = (run.name for run in request.runs)
    fold = SessionFold("test", request)
    said: list[str] = []
    report = PlainReport(said.append, untold=[second])

    def conductor(*events: ev.Event) -> None:
        for event in events:
            fold.conductor([event])
            report.update(fold.state)

    for outcome in ("stopped", "ok"):
        conductor(
            ev.RunChanged(run=first, state="queued"),
            ev.RunChanged(run=first, state="running"),
            ev.RunChanged(run=first, state="ended", outcome=outcome),
        )
    conductor(ev.RunChanged(run=second, state="ended", outcome="ok"))
    assert all(line.startswith(f"{first}: {outcome}") for line, outcome in zip(said, ("stopped", "ok"), strict=True))
