"""``run --until-sure``: what is refused, and what is said before and at the end."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from profiler import devices
from profiler.analysis.state import SessionState
from profiler.request import Options, resolve
from profiler.sessions import SessionFolder
from tests.analysis.test_repeats import FASTER, NOISY, STEADY, asked, grown, made
from tui.cli import main
from tui.commands.run import _announcement, exit_code


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--variant compile", "ask for both, as with --variant no-compile --variant compile"),
        ("--variant no-compile", "ask for both, as with --variant no-compile --variant compile"),
        ("--repeats 4", "give --repeats one of them to begin with, or none"),
        ("--find-max-batch --memory-limit 1", "drop --until-sure"),
    ],
)
def test_what_can_never_be_sure_is_refused(
    options: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(devices, "choose", lambda given: given or "cpu")
    assert main(["run", "sd15-txt2img", "--until-sure", *options.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_how_many_runs_it_may_be_is_said_before(tmp_path: Path) -> None:
    request = resolve(Options(pipeline="sd15-txt2img", size="tiny", until_sure=True), "cpu")
    said = _announcement(SessionFolder(tmp_path / "abcd"), request)[0]
    assert said == "session abcd: 3 cases, 9 runs, up to 36 until every verdict is settled, on cpu"


def test_a_repeat_that_time_did_not_allow_is_no_failure() -> None:
    given = grown(asked(), 5, cases=(0, 1))

    def code(compiled: tuple[float | str, ...]) -> int:
        paces = {"no-compile": STEADY, "compile": compiled, "regional-compile": FASTER}
        return exit_code(made(given, paces, over=True))

    assert code((*NOISY, 90.0, "stopped")) == 0
    assert code((*NOISY, 90.0, "failed")) == 1
    assert code((90.0, 104.0, "stopped", 90.0, 104.0)) == 1  # one that was asked for
    plain = msgspec.structs.replace(given, until_sure=False)
    state: SessionState = made(
        plain, {"no-compile": STEADY, "compile": (*NOISY, 90.0, "stopped"), "regional-compile": FASTER}, over=True
    )
    assert exit_code(state) == 1
