"""Every command on sessions in which every text is hostile, and with arguments that are: nothing of it is obeyed.

What a session may say is found in the types of its files (``tests.support.steered``), the commands in the program.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from profiler import boundary, conductor, eventlog, sessions
from profiler.sessions import SessionFolder
from tests.support import steered
from tests.support.anything import LARGEST, SMALLEST, reworded
from tests.support.steered import PAYLOADS
from tui.cli import COMMANDS, main
from tui.commands.export import FORMATS, ROWS

ROOT = Path(__file__).resolve().parents[2]
TEXT = "a\x1b]0;owned\x07\x9b31m\u202e\u200b\U000e0041\nb"

OF_A_SESSION: dict[str, list[list[str]]] = {
    "watch": [[], ["--plain"], ["--plain", "--ascii"], ["--plain", "--replay", "--from", "100%"]],
    "show": [[], ["--json"], ["--baseline", TEXT]],
    "triggers": [
        *([], ["--all"], ["--format", "md"], ["--all", "--format", "md"], ["--json"]),
        *(["--run", TEXT], ["--class", TEXT], ["--module", TEXT], ["--variant", TEXT]),
        *(["--filter", TEXT], ["--filter", f"kind:{TEXT}"], ["--filter", "module:a", "--json"]),
    ],
    "compare": [
        *([], ["--json"], ["--plain"], ["--plain", "--ascii"], ["--baseline", TEXT], ["--published", TEXT]),
        *(["--fail-if-slower", "5%"], ["--fail-if-slower", TEXT], ["--open"]),
    ],
    "report": [[], ["--format", "md"], ["--json"], ["--against", "A100"], ["--against", TEXT]],
    "export": [
        *(["--format", form, "-o", "-"] for form in FORMATS),
        *(["--format", "csv", "--rows", rows, "-o", "-"] for rows in ROWS),
        *(["--format", "json", "-o", f"{TEXT}/x"], ["--format", "json", "-o", TEXT, "--force"], ["--format", TEXT]),
        *(["--format", "trace", "--run", TEXT], ["--format", "md", "--baseline", TEXT, "-o", "-"]),
    ],
    "stop": [[]],
    "skip": [[]],
    "resume": [[], ["--failed", "--headless"], ["--json"], ["--run-code", "--headless"]],
    "rm": [[]],
}
ALONE: dict[str, list[list[str]]] = {
    "ls": [[], ["--json"]],
    "pipelines": [[TEXT], [TEXT, "--json"]],
    "scenarios": [[TEXT]],
    "doctor": [[], ["--json"], [TEXT]],
    "demo": [["--device", TEXT], ["--device", "cpu", "--detach"], ["--device", "cpu", "--detach", "--json"]],
    "run": [
        *([TEXT], [f"{TEXT}.py:x"], [f"./{TEXT}.py:{TEXT}"], [f"org/{TEXT}"], ["--file", TEXT], ["--file", "bad.toml"]),
        *(["sd15-txt2img", f"--{option}", TEXT] for option in ("device", "weights", "size", "scheduler", "vae")),
        *(["sd15-txt2img", f"--{option}", TEXT] for option in ("steps", "max-time", "scenario", "variant", "theme")),
        ["sd15-txt2img", "--size", "tiny", "--device", "cpu", "--prompt", TEXT, "--detach"],
    ],
}
NAMED = [TEXT, f"./{TEXT}", f"{TEXT}/x", "x" * 300, "last/" + TEXT, "\x00", "../" + TEXT, "", "."]
"""How a session may be named that isn't there."""


def hidden(text: str, but: str = "\n") -> set[str]:
    """What of ``text`` steers a terminal or isn't seen on it."""
    found = {char for char in set(text) if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")}
    return found - set(but)


def said(capsysbinary: pytest.CaptureFixture[bytes], *arguments: str) -> tuple[int, str]:
    """The exit code, and what was printed, of which nothing steers a terminal; an error is one line."""
    code = main(list(arguments))
    out, err = (stream.decode() for stream in capsysbinary.readouterr())
    assert code in (0, 1, 2, 3), arguments
    csv = "csv" in arguments and "-" in arguments
    assert not hidden(out, "\r\n\t" if csv else "\n"), arguments
    assert not hidden(err), arguments
    if code in (2, 3):
        assert out == "" and len(err.splitlines()) == 1 and err.startswith("stepscope: "), arguments
    if "--json" in arguments and code == 0:
        json.loads(out, parse_constant=refuse)
    return code, out + err


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.fixture
def folders(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[SessionFolder]:
    """The sessions, one of them in a folder whose own name is hostile; no profiler starts."""

    def start(*_: object, **__: object) -> int:
        raise conductor.CannotStart(f"it can't be started: {TEXT}")

    monkeypatch.setattr(conductor, "start", start)
    monkeypatch.setattr(conductor, "resume", start)
    odd, alike, every = steered.write(own_home)
    sessions.discard(alike)  # the one in the odd folder again
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "bad.toml").write_text(f'pipeline = "sd15-txt2img"\n"{json.dumps(TEXT)[1:-1]}" = 1\n')
    return [odd, every]


def test_every_command_is_tried() -> None:
    assert {*OF_A_SESSION, *ALONE} == set(COMMANDS)


@pytest.fixture
def uncleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    """What logs say comes as it was written: the commands' own care is looked at alone."""
    monkeypatch.setattr(eventlog, "may_harm", lambda _: False)
    monkeypatch.setattr(boundary, "may_harm", lambda _: False)


def test_what_is_cleaned_where_it_is_read_is_printed(
    folders: list[SessionFolder], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for command in (["watch"], ["show"], ["triggers", "--format", "md"], ["export", "--format", "md", "-o", "-"]):
        for folder in folders:
            assert said(capsysbinary, command[0], str(folder.path), *command[1:])[0] == 0
    for folder in folders:
        code, told = said(capsysbinary, "show", str(folder.path), "--json")
        assert code == 0 and not hidden(json.dumps(json.loads(told), ensure_ascii=False)), "signs, not escapes"


@pytest.mark.usefixtures("uncleaned")
def test_no_command_prints_what_a_terminal_obeys(
    folders: list[SessionFolder], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    worked: set[str] = set()
    for command, ways in ALONE.items():
        for way in ways:
            said(capsysbinary, command, *way)
    for command, ways in OF_A_SESSION.items():
        for folder in folders:
            for way in ways:
                code, told = said(capsysbinary, command, str(folder.path), *way)
                if code == 0 and told:
                    worked.add(command)
    assert worked >= {"watch", "show", "triggers", "compare", "report", "export", "rm"}
    assert not sessions.all_sessions(sessions.home())


KEPT = re.compile(r"request\.(cases\[\d+\]\.name|runs\[\d+\]\.(name|case))$")
"""Names of folders: a session.json in which they are anything else isn't read."""


@pytest.mark.usefixtures("uncleaned")
def test_whatever_session_json_says_can_be_told(own_home: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Of itself, too: device, host, names, and moments at the ends of time."""
    folder = steered.all_hostile().write(own_home)
    plain = folder.manifest()
    texts = steered.Texts()
    for moment in (LARGEST, SMALLEST, 0):
        said_of_itself = reworded(plain, lambda path, text: text if KEPT.search(path) else texts(path, text))
        hostile = replace(said_of_itself, schema=1, created_wall_ns=moment)
        folder.manifest_file.write_bytes(msgspec.json.encode(hostile))
        for command in (["ls"], ["ls", "--json"]):
            assert said(capsysbinary, *command)[0] == 0
        for command, ways in OF_A_SESSION.items():
            if command != "rm":
                code, _ = said(capsysbinary, command, folder.id, *ways[0])
                assert code == (1 if command in ("stop", "skip", "resume") else 0), command


@pytest.mark.usefixtures("uncleaned")
def test_files_of_exports_hold_nothing_that_a_terminal_obeys(
    folders: list[SessionFolder], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for number, form in enumerate(FORMATS):
        for folder in folders:
            name = f"{number}-{folders.index(folder)}"
            assert said(capsysbinary, "export", str(folder.path), "--format", form, "-o", name)[0] == 0
            text = Path(name).read_text(encoding="utf-8")
            assert text and not hidden(text, "\r\n\t" if form == "csv" else "\n")


def test_a_file_that_is_named_after_a_folder_can_be_listed(
    folders: list[SessionFolder], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    code, told = said(capsysbinary, "export", str(folders[0].path), "--format", "json")
    (name,) = [one for one in os.listdir() if one.endswith(".json")]
    assert code == 0 and name in told and not hidden(name, "")


@pytest.mark.parametrize("command", sorted(OF_A_SESSION))
def test_what_is_not_there_is_told_in_one_line(
    command: str, own_home: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    need = {"export": ["--format", "json", "-o", "-"], "rm": []}.get(command, [])
    for reference in NAMED:
        code, told = said(capsysbinary, command, reference, *need)
        assert code in (2, 3), (reference, told)
    for reference in (TEXT, f"--{TEXT}"):
        assert said(capsysbinary, command, "last", reference, *need, f"-{TEXT}")[0] == 2
    assert said(capsysbinary, TEXT)[0] == 2
    assert not own_home.exists() or not list(own_home.iterdir())


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_config_file_that_says_anything_is_refused_in_one_line(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / f"{TEXT}.toml"
    monkeypatch.setenv("STEPSCOPE_CONFIG", str(file))
    for line in (f"{json.dumps(text)} = 1", f"theme = {json.dumps(text)}", text):
        file.write_text(line)
        assert said(capsysbinary, "compare", "last")[0] == 2


def test_names_that_are_no_text_are_told(own_home: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Of a folder's name any bytes but two are allowed."""
    folder = steered.all_hostile().write(own_home)
    beside = own_home / os.fsdecode(b"caf\xe9\x1b[2J")
    folder.path.rename(beside)
    for command, ways in OF_A_SESSION.items():
        if command not in ("export", "resume", "rm"):
            for way in ways:
                said(capsysbinary, command, str(beside), *way)
    for form in FORMATS:
        assert said(capsysbinary, "export", str(beside), "--format", form, "-o", "-")[0] == 0
    code, told = said(capsysbinary, "rm", str(beside))
    assert code == 0 and told.startswith("removed caf")


def test_a_home_that_is_no_text_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    home = tmp_path / os.fsdecode(b"caf\xe9\x1b[2J")
    monkeypatch.setenv("STEPSCOPE_HOME", str(home))
    assert said(capsysbinary, "show")[0] == 3
    code, out = said(capsysbinary, "ls", "--json")
    assert code == 0 and json.loads(out)["home"].endswith("/caf\ufffd\x1b[2J")
    steered.all_hostile().write(home)
    for command in (["ls"], ["ls", "--json"], ["show", "--json"], ["doctor"], ["doctor", "--json"]):
        assert said(capsysbinary, *command)[0] in (0, 1)


def test_a_traceback_steers_no_terminal(tmp_path: Path) -> None:
    """--debug shows one, and so would a fault of the program; of the real program, since a hook of Python's does it."""
    code = "import sys; sys.argv = ['stepscope', '--debug', 'show', sys.argv[1]]; from tui.cli import main; main()"
    environ = {**os.environ, "STEPSCOPE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    where = f"{TEXT}/session.json/\x1b[2J"
    code = code.replace("main()", "import tui.cli; tui.cli.cli.main = fail; main()")
    code = f"def fail(**_): raise RuntimeError({TEXT!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", code, where], capture_output=True, env=environ, check=False)
    told = done.stderr.decode()
    assert done.returncode == 1 and not hidden(told)
    assert told.startswith("Traceback (most recent call last):\n") and "RuntimeError: a␛]0;owned" in told
