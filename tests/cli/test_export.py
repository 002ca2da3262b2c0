"""``export``: where the file goes, what is refused, and that a large session takes little memory."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import million, recorded
from tui.cli import main

ROOT = Path(__file__).resolve().parents[2]
RUNS = [
    "001-sd15-txt2img-no-compile-b1-r1",
    "002-sd15-txt2img-compile-b1-r1",
    "003-sd15-txt2img-regional-compile-b1-r1",
]


@pytest.fixture
def session(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A finished session; the current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    return recorded.finished().write(own_home).id


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["export", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def processes(document: str) -> list[str]:
    events = json.loads(document)["traceEvents"]
    return [one["args"]["name"] for one in events if one["name"] == "process_name"]


def test_the_file_is_named_after_the_session_and_said_with_what_opens_it(
    session: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "last", "--format", "trace")
    file = tmp_path / f"{session}.trace.json"
    assert (code, err) == (0, "")
    assert str(file.name) in out and "ui.perfetto.dev" in out and "chrome://tracing" in out
    assert processes(file.read_text(encoding="ascii")) == [f"session {session}", *RUNS]
    assert [one.name for one in tmp_path.iterdir()] == [file.name], "nothing temporary is left"


def test_a_file_that_is_there_is_kept_unless_forced(
    session: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.json"
    file.write_text("mine")
    code, out, err = run(capsys, session, "--format", "trace", "-o", "mine.json")
    assert (code, out, file.read_text()) == (2, "", "mine")
    assert len(err.splitlines()) == 1 and "--force" in err
    assert run(capsys, session, "--format", "trace", "-o", "mine.json", "--force")[0] == 0
    assert len(processes(file.read_text())) == 4


def test_a_dash_is_standard_output(session: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, session, "--format", "trace", "-o", "-")
    assert (code, err) == (0, "")
    assert len(processes(out)) == 4
    assert not list(tmp_path.iterdir())


def test_what_is_no_file_is_written_to_as_it_is(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, session, "--format", "trace", "-o", "/dev/null")[0] == 0
    assert not Path("/dev/null").is_file()


def test_a_full_disk_is_said_with_the_files_name(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, session, "--format", "trace", "-o", "/dev/full")
    assert (code, out) == (1, "")
    assert "/dev/full" in err and len(err.splitlines()) == 1


def test_a_link_stays_and_leads_to_the_file(session: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link, file = tmp_path / "link.json", tmp_path / "there" / "real.json"
    file.parent.mkdir()
    link.symlink_to(file)
    assert run(capsys, session, "--format", "trace", "-o", "link.json")[0] == 0
    assert link.is_symlink() and len(processes(file.read_text())) == 4
    assert run(capsys, session, "--format", "trace", "-o", "link.json")[0] == 2
    assert run(capsys, session, "--format", "trace", "-o", "link.json", "--force")[0] == 0
    assert link.is_symlink() and [one.name for one in file.parent.iterdir()] == ["real.json"]


@pytest.mark.parametrize("given", [["2"], ["002"], [RUNS[1]], ["002-sd15"], ["2", RUNS[1]]])
def test_runs_are_picked_by_number_name_or_beginning(
    given: list[str], session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picked = [word for one in given for word in ("--run", one)]
    _, out, _ = run(capsys, session, "--format", "trace", "-o", "-", *picked)
    assert processes(out) == [f"session {session}", RUNS[1]]


@pytest.mark.parametrize(
    ("form", "begins", "says"),
    [
        ("json", "{", "compare --json"),
        ("csv", "session,case,run,", "pandas"),
        ("md", "### sd15-txt2img", "issue"),
        ("html", "<!DOCTYPE html>", "any browser"),
    ],
)
def test_every_format_is_a_file_named_after_the_session(
    form: str, begins: str, says: str, session: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "--format", form)
    assert (code, err) == (0, "")
    assert says in out
    text = (tmp_path / f"{session}.{form}").read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert all(variant in text for variant in ("no-compile", "regional-compile"))


def test_json_of_a_session_is_what_show_says_and_of_parts_what_compare_says(
    session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, command in (([session], "show"), ([f"{session}/compile", f"{session}/1"], "compare")):
        assert main([command, *arguments, "--json"]) == 0
        shown = capsys.readouterr().out
        assert run(capsys, *arguments, "--format", "json", "-o", "-")[1] == shown
    found = json.loads(run(capsys, session, "--format", "json", "--baseline", "compile", "-o", "-")[1])
    assert found["cases"][0]["baseline"] == "sd15-txt2img-compile-b1"
    found = json.loads(run(capsys, session, "--format", "json", "--run", "2", "--run", "3", "-o", "-")[1])
    assert [case["run"] for case in found["cases"]] == RUNS[1:]


@pytest.mark.parametrize("rows", ["runs", "calls", "steps"])
def test_csv_is_of_the_runs_of_what_is_named(rows: str, session: str, capsys: pytest.CaptureFixture[str]) -> None:
    def names(*things: str) -> list[str]:
        _, out, _ = run(capsys, *things, "--format", "csv", "--rows", rows, "-o", "-")
        return list(dict.fromkeys(row["run"] for row in csv.DictReader(io.StringIO(out, newline=""))))

    assert names(session) == RUNS
    assert names(f"{session}/compile", f"{session}/3", f"{session}/2") == RUNS[1:]


def test_several_sessions_are_one_file_but_no_trace(
    session: str, own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.finished(session="more-sd15-txt2img").write(own_home)
    for form in ("json", "csv", "md", "html"):
        assert run(capsys, "done", "more/compile", "--format", form)[0] == 0
        assert "more" in (tmp_path / f"done-more.{form}").read_text(encoding="utf-8")
    for things in (["done", "more", "--format", "trace"], ["done", "more", "--format", "csv", "--run", "1"]):
        code, out, err = run(capsys, *things)
        assert (code, out) == (2, "")
        assert "of one session" in err
    _, out, _ = run(capsys, "done/2", "done/compile", "--format", "trace", "-o", "-")
    assert processes(out) == [f"session {session}", RUNS[1]]


def test_a_file_is_named_after_the_folder_whatever_the_log_says(
    session: str, own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = own_home / "sessions" / session / "session.json"
    text = manifest.read_text().replace(f'"session":"{session}"', '"session":"../../outside"')
    manifest.write_text(text)
    assert "outside" in text
    assert run(capsys, "last", "--format", "csv")[0] == 0
    assert [one.name for one in tmp_path.iterdir()] == [f"{session}.csv"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("nothing --format trace", 3, "no session starts with"),
        ("last", 2, "--format"),
        ("last --format pdf", 2, "trace"),
        ("last --format csv --rows images", 2, "steps"),
        ("last --format md --baseline other", 3, "no session starts with 'other'"),
        ("last/other --format md", 3, "no run called 'other'"),
        ("last --format trace --run 9", 3, "there are: 001-sd15-txt2img-no-compile-b1-r1, 002"),
        ("last --format trace --run 00", 2, "fits 3 runs"),
        ("last --format html --rows steps", 2, "--rows is of csv"),
        ("last --format trace -o /nowhere/trace.json", 2, "no folder /nowhere"),
        ("last --format trace -o .", 2, "is a folder"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: str, code: int, words: str, session: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *arguments.split())
    assert (found, out) == (code, "")
    assert len(err.splitlines()) == 1 and words in err
    assert not list(tmp_path.iterdir())


def test_standard_output_has_what_a_file_has_whatever_the_locale(session: str, tmp_path: Path) -> None:
    here = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    command = [sys.executable, str(ROOT / "stepscope.py"), "export", session, "--format", "html", "-o"]
    piped = subprocess.run([*command, "-"], env=os.environ | here, capture_output=True, check=True).stdout
    subprocess.run([*command, str(tmp_path / "page.html")], env=os.environ | here, capture_output=True, check=True)
    assert piped == (tmp_path / "page.html").read_bytes()
    assert not piped.isascii()


@pytest.mark.parametrize("form", ["json", "csv", "md", "html", "trace"])
def test_a_session_without_any_case_is_one_line(
    form: str, session: str, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = own_home / "sessions" / session / "session.json"
    told = json.loads(manifest.read_text())
    told["request"]["cases"] = told["request"]["runs"] = []
    manifest.write_text(json.dumps(told))
    said = f"stepscope: session {session}: session.json is damaged: it asks for nothing\n"
    assert run(capsys, "last", "--format", form) == (1, "", said)


GROWTH = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from profiler.follow import Follower
from profiler.report.trace import trace
from profiler.sessions import SessionFolder

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

state = Follower(SessionFolder(Path(sys.argv[2]))).read_all()
before = peak()
size = sum(map(len, trace(state))) / 1e6
print(size, peak() - before)
"""


def test_the_trace_is_never_in_memory_as_a_whole(own_home: Path) -> None:
    folder = million.write(own_home, events=100_000, runs=3)
    command = [sys.executable, "-c", GROWTH, str(ROOT), str(folder.path)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    megabytes, grown = map(float, made.stdout.split())
    assert megabytes > 20
    assert grown < 5
