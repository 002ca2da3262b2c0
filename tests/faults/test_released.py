"""Sessions that released versions wrote are read for ever, with the figures that they were made with."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.events import SCHEMA_MAJOR, SCHEMA_MINOR
from profiler.follow import Follower
from profiler.replay import Replay
from profiler.sessions import SessionFolder, SessionUnreadable
from tests.support.shown import every_view
from tui.cli import main

RELEASED = Path(__file__).resolve().parents[1] / "data" / "released"
VERSIONS = sorted(path.name for path in RELEASED.iterdir() if path.is_dir())
WRITE = os.environ.get("STEPSCOPE_GOLDEN") == "write"

COMMANDS = (
    ("show", "SESSION"),
    ("show", "SESSION", "--json"),
    ("triggers", "SESSION"),
    ("compare", "SESSION"),
    ("report", "SESSION"),
    *(("export", "SESSION", "--format", form, "-o", "-") for form in ("json", "csv", "md", "html", "trace")),
    ("ls",),
    ("ls", "--json"),
    ("watch", "SESSION", "--plain"),
)


def test_every_version_of_the_format_has_a_session_that_is_kept() -> None:
    assert [f"schema-{SCHEMA_MAJOR}.{minor}" for minor in range(SCHEMA_MINOR + 1)] == VERSIONS


def figures(state: SessionState) -> dict[str, Any]:
    """What the logs tell of each run, in numbers that any version can count."""
    return {
        "state": state.state,
        "runs": {
            name: {
                "outcome": run.outcome,
                "phases": [phase.name for phase in run.phases],
                "calls_ns": [call.ns for call in run.calls.values()],
                "steps": len(run.steps),
                "steps_ns": sum(run.steps.column("ns")),
                "compiles": [
                    (found.where, found.recompile, found.end.ns if found.end else None)
                    for found in run.compiles.values()
                ],
                "reasons": [list(found.reasons) for found in run.compiles.values() if found.recompile],
                "torch": run.environment.versions.get("torch") if run.environment else None,
            }
            for name, run in state.runs.items()
        },
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_of_a_released_version_has_its_figures(version: str) -> None:
    folder = SessionFolder(RELEASED / version)
    state = Follower(folder).read_all()
    assert not state.losses
    assert not any(run.losses for run in state.runs.values())
    found = json.loads(json.dumps(figures(state)))
    expected = RELEASED / version / "expected.json"
    if WRITE and not expected.exists():
        expected.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(expected.read_text())
    assert found["state"] == "done"
    assert [run["outcome"] for run in found["runs"].values()] == ["ok", "ok"]
    for _, view in every_view(state):
        view()
    replay = Replay(folder)
    while replay.read(1.0)[1]:
        pass
    while replay.go(replay.end_ns, 1.0)[1]:
        pass
    assert figures(replay.state) == figures(state)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_command_reads_a_session_of_a_released_version(
    own_home: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_home / "sessions").mkdir(parents=True)
    shutil.copytree(RELEASED / version, own_home / "sessions" / "kept-session")
    for command in COMMANDS:
        code = main([word.replace("SESSION", "kept") for word in command])
        out, err = capsys.readouterr()
        assert (code, "Traceback" in out + err) == (0, False), (command, err)
        assert out.strip(), command


def test_a_later_minor_version_is_read_and_a_later_major_one_is_refused_in_words(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "kept")
    shutil.copytree(RELEASED / VERSIONS[-1], folder.path)
    whole = figures(Follower(folder).read_all())
    for log in [folder.conductor_log, *folder.runs.glob("*/events.jsonl")]:
        lines = log.read_bytes().splitlines(keepends=True)
        header = msgspec.json.decode(lines[0]) | {"minor": 99, "later": {"x": [1]}}
        more = [msgspec.json.encode({"kind": "of a later version", "seq": len(lines) + 1, "t": 1, "x": {}}) + b"\n"]
        log.write_bytes(b"".join([msgspec.json.encode(header) + b"\n", *lines[1:], *more]))
    state = Follower(folder).read_all()
    assert figures(state) == whole
    assert (state.losses.unknown, state.losses.bad, state.losses.lost) == (1, 0, 0)
    for log in [folder.conductor_log, *folder.runs.glob("*/events.jsonl")]:
        lines = log.read_bytes().splitlines(keepends=True)
        header = msgspec.json.decode(lines[0]) | {"schema": SCHEMA_MAJOR + 1}
        log.write_bytes(b"".join([msgspec.json.encode(header) + b"\n", *lines[1:]]))
    state = Follower(folder).read_all()
    assert state.losses.refused is not None
    assert "upgrade stepscope" in state.losses.refused
    assert all(run.losses.refused for run in state.runs.values())


def test_a_manifest_of_a_later_major_version_is_refused_in_words(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "kept")
    shutil.copytree(RELEASED / VERSIONS[-1], folder.path)
    folder.manifest_file.write_text('{"schema": 2, "request": ["another", "shape"]}')
    with pytest.raises(SessionUnreadable, match="upgrade"):
        folder.manifest()


def test_an_event_of_the_first_version_is_one_of_today() -> None:
    """Fields were only added: a record with those of then alone is whole."""
    step = b'{"kind":"step","seq":9,"t":5,"call":1,"step":2,"start_ns":3,"ns":4,"host_ns":4,"enqueue_ns":1}'
    assert msgspec.json.decode(step, type=ev.AnyEvent) == ev.Step(
        seq=9, t=5, call=1, step=2, start_ns=3, ns=4, host_ns=4, enqueue_ns=1
    )
