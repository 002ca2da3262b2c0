"""``compare``: what things it takes, what it is compared with, what it says, and when it fails."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from profiler.report.documents import json_schema
from tests.support import compared, recorded
from tests.support.compared import near
from tui.app import StepscopeApp
from tui.cli import main

HERE, THERE = "aaaa-sd15-txt2img", "bbbb-sd15-txt2img"
PLAIN, WHOLE, REGIONAL = (f"sd15-txt2img-{name}-b1" for name in ("no-compile", "compile", "regional-compile"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two sessions of the same work, of different machines and releases of torch."""
    home = tmp_path_factory.mktemp("kept") / "stepscope"
    pace = near(no_compile=40.0, compile=24.0, regional_compile=42.8)
    compared.write(home, pace, session=HERE)
    slower = near(no_compile=50.0, compile=40.0)
    about = {"device_name": "NVIDIA Elsewhere 80 GB", "versions": {"torch": "2.12.0"}}
    compared.write(home, slower, session=THERE, variants=["no-compile", "compile"], **about)
    return home


@pytest.fixture(autouse=True)
def _at_home(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPSCOPE_HOME", str(kept))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["compare", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    jsonschema.validate(found, json_schema("compare"))
    return found


def named(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(case["session"][:4], case["case"]) for case in found["cases"]]


# --- things -----------------------------------------------------------------------------------------------------------


def test_a_session_is_its_cases_against_no_compile(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "aaaa")
    assert named(found) == [("aaaa", PLAIN), ("aaaa", WHOLE), ("aaaa", REGIONAL)]
    assert found["baseline"] == {"session": HERE, "case": PLAIN}
    plain, whole, regional = found["cases"]
    assert (plain["baseline"], plain["speedup"]) == (None, None)
    assert (whole["verdict"], regional["verdict"]) == ("FASTER", "SLOWER")
    assert whole["speedup"] == pytest.approx(40 / 24, rel=0.01)
    assert whole["interval"][0] < whole["speedup"] < whole["interval"][1]


def test_a_folder_here_needs_a_slash_and_a_case_its_first_letters(
    capsys: pytest.CaptureFixture[str], kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(kept / "sessions" / HERE, tmp_path / "from-there")
    monkeypatch.chdir(tmp_path)
    assert named(document(capsys, "./from-there/c", "./from-there/reg/")) == [("aaaa", WHOLE), ("aaaa", REGIONAL)]
    for given in ("from-there", "from-there/compile"):
        code, out, err = run(capsys, given)
        assert (code, out) == (3, "")
        assert err.endswith("for the folder here write ./from-there\n")


def test_the_heading_says_how_many_of_how_many_sessions(capsys: pytest.CaptureFixture[str]) -> None:
    for given, said in {
        ("aaaa", "bbbb"): "5 cases of 2 sessions: sd15-txt2img",
        ("aaaa/1", "bbbb/1"): "2 runs of 2 sessions: sd15-txt2img",
        ("aaaa/1", "bbbb/compile"): "2 cases or runs of 2 sessions: sd15-txt2img",
        ("aaaa",): "sd15-txt2img",
    }.items():
        assert run(capsys, *given)[1].startswith(said)


def test_two_copies_of_one_session_are_told_apart(
    capsys: pytest.CaptureFixture[str], kept: Path, tmp_path: Path
) -> None:
    copies = [tmp_path / name for name in ("here", "there")]
    for copy in copies:
        shutil.copytree(kept / "sessions" / HERE, copy)
    given = [f"{copy}/no-compile" for copy in copies]
    found = document(capsys, *given)
    assert [case["session"] for case in found["cases"]] == [HERE, f"{HERE}~2"]
    assert found["cases"][1]["baseline_session"] == HERE
    _, out, _ = run(capsys, *given)
    assert f"{HERE}/{PLAIN}" in out and f"{HERE}~2/{PLAIN}" in out
    assert main(["export", *given, "--format", "csv", "-o", "-"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert len(rows) == len({(row["session"], row["run"]) for row in rows}) == 6


def test_cases_are_those_of_show_and_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "aaaa", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    for ours, theirs in zip(document(capsys, "aaaa")["cases"], shown["cases"], strict=True):
        assert {name: ours[name] for name in theirs} == theirs
        assert ours.keys() - theirs.keys() >= {"session", "device", "versions", "published"}


def test_two_sessions_say_whose_machines_and_releases_differ(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, f"{HERE}/{WHOLE}", f"{THERE}/{WHOLE}")
    ours, theirs = found["cases"]
    assert found["baseline"] == {"session": HERE, "case": WHOLE}
    assert (theirs["baseline"], theirs["baseline_session"]) == (WHOLE, HERE)
    assert (ours["device"]["name"], theirs["device"]["name"]) == ("NVIDIA Recorded 24 GB", "NVIDIA Elsewhere 80 GB")
    assert (ours["versions"]["torch"], theirs["versions"]["torch"]) == ("2.13.0", "2.12.0")
    assert any("NVIDIA Elsewhere 80 GB" in line for line in theirs["warnings"])
    assert any("torch 2.12.0" in line for line in theirs["warnings"])
    assert theirs["verdict"] == "SLOWER"


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (f"aaaa/{WHOLE}", WHOLE),
        ("aaaa/compile", WHOLE),  # as the tables shorten it
        ("aaaa/sd15-txt2img-c", WHOLE),
        ("aaaa/002-sd15-txt2img-compile-b1-r1", "002-sd15-txt2img-compile-b1-r1"),
        ("aaaa/002", "002-sd15-txt2img-compile-b1-r1"),
        ("aaaa/2", "002-sd15-txt2img-compile-b1-r1"),
        ("last/compile", WHOLE),
    ],
)
def test_cases_and_runs_go_by_names_beginnings_and_numbers(
    thing: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, f"{HERE}/{PLAIN}", thing)
    assert [case["case"] for case in found["cases"]] == [PLAIN, name]
    assert found["cases"][1]["run"] == (name if name.startswith("002") else None)


def test_a_copied_folder_opens_wherever_it_lies(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(kept / "sessions" / THERE, tmp_path / "laptop" / "copied")
    monkeypatch.chdir(tmp_path)
    for thing in (str(tmp_path / "laptop" / "copied"), "laptop/copied/"):
        assert named(document(capsys, thing)) == [("bbbb", PLAIN), ("bbbb", WHOLE)]
    for thing in ("laptop/copied/compile", f"{tmp_path}/laptop/copied/{WHOLE}"):
        found = document(capsys, "aaaa/no-compile", thing)
        assert named(found) == [("aaaa", PLAIN), ("bbbb", WHOLE)]
        assert all(case["copied"] for case in found["cases"])


def test_what_is_given_twice_counts_once(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(kept / "sessions" / HERE)
    found = document(capsys, "aaaa", path, f"{path}/{WHOLE}", "aaaa/compile", HERE)
    assert named(found) == [("aaaa", PLAIN), ("aaaa", WHOLE), ("aaaa", REGIONAL)]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("nothing", 3, "no session starts with 'nothing'"),
        ("nothing/compile", 3, "there is no nothing/compile: no session starts with 'nothing'"),
        ("/nowhere/at/all", 3, "no session.json"),
        ("aaaa/other", 3, "there are: sd15-txt2img-no-compile-b1, sd15-txt2img-compile-b1"),
        ("aaaa/99", 3, "has no case and no run called '99'"),
        ("aaaa/sd15", 2, "'sd15' fits 3 (sd15-txt2img-no-compile-b1, "),
        ("aaaa/00", 2, "fits 9 (001-"),
        ("aaaa --baseline sd15", 2, "fits 3"),
        ("aaaa --baseline bbbb", 2, "a baseline is one case: 'bbbb' fits 2"),
        ("aaaa --baseline other", 3, "no case or run is called 'other' (there are: sd15-"),
        ("aaaa --baseline other", 3, "; no session starts with 'other'"),
        (".", 3, ". is no session folder"),
        ("./aaaa", 3, "there is no ./aaaa: . is no session folder"),
        ("/dev/null", 3, "/dev/null is no session folder"),
        (f"./{'x' * 5000}", 3, "there is no ./xxx"),
        ("aaaa bbbb --baseline compile", 2, "fits 2"),
        ("aaaa --published H200", 2, "there are: A100"),
        ("aaaa --fail-if-slower fast", 2, "as 5% or 0.05"),
        ("aaaa --fail-if-slower -1", 2, "as 5% or 0.05"),
        ("aaaa --fail-if-slower nan", 2, "as 5% or 0.05"),
        ("aaaa --open", 2, "needs a terminal"),
        ("aaaa --open --json", 2, "leave out --json"),
        ("aaaa --open --json --fail-if-slower 5%", 2, "leave out --json, --fail-if-slower"),
    ],
)
def test_bad_input_is_one_line_and_a_code(
    arguments: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *arguments.split())
    assert (found, out) == (code, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("stepscope: ")
    assert words in err


# --- the baseline -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["compile", WHOLE, "aaaa/compile", "aaaa/2"])
def test_any_of_the_things_can_be_the_baseline(wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "aaaa/no-compile", "aaaa/compile", "aaaa/2", "--baseline", wanted)
    assert found["baseline"]["case"] == (found["cases"][2]["case"] if wanted == "aaaa/2" else WHOLE)
    plain = found["cases"][0]
    assert plain["speedup"] == pytest.approx(24 / 40, rel=0.01)


def test_a_baseline_that_is_none_of_the_things_is_put_before_them(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "bbbb", "--baseline", "aaaa/compile")
    assert named(found) == [("aaaa", WHOLE), ("bbbb", PLAIN), ("bbbb", WHOLE)]
    assert {case["verdict"] for case in found["cases"][1:]} == {"SLOWER"}


def test_the_screen_opens_on_the_things_with_the_baseline_pinned(
    kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[StepscopeApp] = []
    monkeypatch.setattr("tui.commands.compare.on_terminal", lambda: True)

    def ran(app: StepscopeApp, *, mouse: bool) -> None:
        opened.append(app)

    monkeypatch.setattr(StepscopeApp, "run", ran)
    assert run(capsys, "aaaa", "bbbb/2", "--baseline", "bbbb/compile", "--open") == (0, "", "")
    (app,) = opened
    here, there = (str(kept / "sessions" / name) for name in (HERE, THERE))
    assert [(mark.path, mark.name) for mark in app.marks] == [
        (here, None),
        (there, "002-sd15-txt2img-compile-b1-r1"),
        (there, WHOLE),
    ]


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 250])
@pytest.mark.parametrize("things", [["aaaa"], ["aaaa", "bbbb", "--published", "a100"]])
def test_the_text_fits_the_terminal_and_cuts_no_figure(
    width: int, things: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = run(capsys, *things)
    assert code == 0
    assert max(map(len, out.splitlines())) <= width
    assert all(word in out for word in ("1.67x FASTER", "break-even", "cold s", "peak VRAM", "2.51 GiB", "3/3"))
    assert "…" not in out


def test_several_sessions_are_told_apart_and_their_differences_said(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "aaaa", "bbbb")
    assert any(line.split()[:2] == ["bbbb", "compile"] for line in out.splitlines())
    text = " ".join(out.split())
    assert "bbbb/compile and aaaa/no-compile: runs were made with" in text
    assert "torch 2.12.0" in text


def test_one_thing_alone_is_shown_and_said_to_be_alone(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "aaaa/compile")
    assert code == 0
    assert "there is nothing to compare it with" in out
    assert "39.5" in out  # it/s


def test_what_is_running_is_compared_as_far_as_it_is(
    own_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPSCOPE_HOME", str(own_home))
    live = recorded.live()
    live.write(own_home, until_ns=live.live_ns)
    found = document(capsys, "last")
    assert [case["state"] for case in found["cases"]] == ["running"] * 3
    assert found["cases"][1]["speedup"] == pytest.approx(1 / 0.62, rel=0.02)
    assert found["cases"][2]["speedup"] is None
    assert found["cases"][2]["reason"].endswith("has no measured call yet")


def test_published_figures_stand_beside_ours(capsys: pytest.CaptureFixture[str]) -> None:
    whole = document(capsys, "aaaa", "--published", "rtx4090")["cases"][1]
    assert [one["torch"] for one in whole["published"]] == ["2.0", "nightly"]
    assert whole["published"][0]["ratio"][0] == pytest.approx(
        whole["iterations_per_second"] / whole["published"][0]["iterations_per_second"][0]
    )
    assert any("tiny architecture" in note for note in whole["published_notes"])
    assert document(capsys, "aaaa")["cases"][1]["published"] == []


# --- --fail-if-slower -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "code", "words"),
    [
        ("5%", 1, "failed: 1 of 2 judged surely take at least 5 % longer"),
        ("0.05", 1, "failed: 1 of 2"),
        ("5", 1, "failed: 1 of 2"),
        ("0", 1, "failed: 1 of 2"),
        ("8%", 0, "passed: of 2 judged none surely takes 8 % longer"),
    ],
)
def test_a_case_that_is_surely_slower_fails(
    limit: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, "aaaa", "--fail-if-slower", limit)
    assert found == code
    assert "FASTER" in out  # the comparison is printed all the same
    assert words in err
    assert ("regional-compile: takes" in err) == bool(code)


def test_the_document_says_what_failed_and_nothing_else_is_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "aaaa", "bbbb", "--json", "--fail-if-slower", "10%")
    found = json.loads(out)
    jsonschema.validate(found, json_schema("compare"))
    assert code == 1
    assert found["slower"]["failed"] == ["bbbb/no-compile"]
    assert found["slower"]["passed"] == ["aaaa/compile", "aaaa/regional-compile", "bbbb/compile"]
    assert "bbbb/no-compile: takes" in err


def _write(home: Path, monkeypatch: pytest.MonkeyPatch, pace: compared.Pace, **about: Any) -> None:
    monkeypatch.setenv("STEPSCOPE_HOME", str(home))
    compared.write(home, pace, session="cccc-sd15-txt2img", variants=["no-compile", "compile"], **about)


def test_unclear_is_never_a_failure(
    own_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Twice as slow on average and so noisy that nothing is sure.
    noisy = near(no_compile=20.0, compile=40.0)
    _write(own_home, monkeypatch, lambda run: noisy(run) * (1.0, 0.2, 3.0)[run.repeat - 1])
    code, out, err = run(capsys, "last", "--fail-if-slower", "5%")
    assert code == 0
    assert "UNCLEAR" in out
    assert "nothing was judged" in err
    assert "not judged: compile: the interval still allows" in err


@pytest.mark.parametrize("about", [{"repeats": 1}, {"oom": ["compile"]}, {"oom": ["no-compile"]}])
def test_without_a_verdict_nothing_is_judged(
    about: dict[str, Any], own_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(own_home, monkeypatch, near(no_compile=20.0, compile=40.0), **about)
    code, out, err = run(capsys, "last", "--fail-if-slower", "5%")
    assert code == 0
    assert "nothing was judged" in err
    assert ("3 runs oom" in out) == ("oom" in about)
