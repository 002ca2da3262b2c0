"""``watch --replay``: what it takes, and a session played again in plain lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler import events as ev
from profiler.replay import ReplayFollower, Start
from tests.cli.test_commands import run
from tests.support import recorded
from tui.app import StepscopeApp
from tui.commands import watch
from tui.plain import follow_plainly

RECORDING = recorded.finished()


@pytest.fixture
def session(own_home: Path) -> str:
    return RECORDING.write(own_home).id


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--speed 10", "--speed is for a replay: give --replay too"),
        ("--from 1:30", "--from is for a replay"),
        ("--replay --speed 0", "0.1<=x<=1000"),
        ("--replay --speed fast", "fast"),
        ("--replay --speed nan", "from 0.1 to 1000"),
        ("--replay --from 1:75", "'1:75' is no place in a session: give seconds (90), m:ss (1:30)"),
        ("--replay --from 101%", "a share (50%)"),
        ("--replay --from -1", "'-1'"),
        ("--replay --from soon", "'soon'"),
        ("--replay --from ٣", "is no place"),
    ],
)
def test_what_is_no_replay_is_one_line(
    arguments: str, words: str, session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "watch", session, *arguments.split())
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1 and words in err


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        ("", None),
        ("--replay", Start()),
        ("--replay --speed 0.5 --from 90", Start(speed=0.5, at_s=90)),
        ("--replay --from 1:30.5", Start(at_s=90.5)),
        ("--replay --from 1:02:03", Start(at_s=3723)),
        ("--replay --from 12.5% --speed 20", Start(speed=20, share=0.125)),
    ],
)
def test_a_replay_begins_as_it_is_told(
    arguments: str,
    start: Start | None,
    session: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[object] = []
    monkeypatch.setattr(watch, "on_terminal", lambda: True)
    monkeypatch.setattr(watch, "show_app", lambda root, folder, replay, settings: shown.append((folder.id, replay)))
    assert run(capsys, "watch", session, *arguments.split())[0] == 0
    assert shown == [(session, start)]


def test_without_a_terminal_a_replay_is_plain_lines(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "watch", session, "--replay", "--from", "100%")
    assert code == 0
    first, second = out.splitlines()[:2]
    assert first.startswith("replay at 1x, from 0:38.1 to 0:38.1")
    assert session in second
    assert "compiled" in out


def test_plain_lines_come_as_the_session_came_to_them(tmp_path: Path) -> None:
    now = [0.0]
    told: list[tuple[float, str]] = []

    def wait(seconds: float) -> None:
        now[0] += seconds

    played = ReplayFollower(RECORDING.write(tmp_path), Start(speed=4), lambda: now[0])
    follow_plainly(played, say=lambda line: told.append((now[0], line)), wait=wait, now_ns=played.now_ns)
    begin = RECORDING.records[0].event.t
    ends = [record for record in RECORDING.records if isinstance(record.event, ev.RunEnded)]
    for record in ends:
        came = next(at for at, line in told if line.startswith(f"{record.run}: ok"))
        assert 0 <= came - (record.event.t - begin) / 1e9 / 4 <= 0.25
    assert len(ends) == 3
    assert [line for _, line in told if "session done-sd15-txt2img: done" in line] != []


@pytest.mark.parametrize("arguments", ["", "watch {}", "compare {} --open"])
def test_a_screen_that_did_not_end_well_is_no_success(
    arguments: str, session: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("tui.cli", "tui.commands.watch", "tui.commands.compare"):
        monkeypatch.setattr(f"{module}.on_terminal", lambda: True)

    def hung_up(app: StepscopeApp, **_: object) -> None:
        app.farewell = "come back"
        app._return_code = 129

    monkeypatch.setattr(StepscopeApp, "run", hung_up)
    assert run(capsys, *arguments.format(session).split()) == (129, "come back\n", "")
