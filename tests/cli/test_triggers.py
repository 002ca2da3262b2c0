"""``triggers``: what it prints of a recorded session, its filters and its document."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import jsonschema
import pytest

from profiler.report.documents import json_schema
from tests.support import recorded
from tui.cli import main

COMPILE, REGIONAL = "sd15-txt2img-compile-b1", "sd15-txt2img-regional-compile-b1"


@pytest.fixture
def session(own_home: Path) -> str:
    """Two recompiles when the second leg begins, and two of shared blocks in regional-compile's first call."""
    return recorded.finished(legs=["64x64", "96x64"]).write(own_home).id


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["triggers", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_each_case_has_its_groups_by_cost_then_what_to_do(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    cases = [line for line in lines if line in (COMPILE, REGIONAL)]
    assert cases == [COMPILE, REGIONAL]
    ours = lines[: lines.index(REGIONAL)]
    assert "1 first compile, 1 recompile in 1 run" in ours[1] and "1 in measured calls" in ours[1]
    header = next(number for number, line in enumerate(ours) if line.startswith("#"))
    assert ours[header].split() == ["#", "count", "total", "lost", "blame", "kind", "module"]
    assert ours[header + 1].split()[:3] == ["1", "1", "9.40"], "the costliest first"
    told = {line.split()[0] for line in ours[header:] if line.startswith("   ") and line.split()}
    assert {"guard", "took", "where", "caller"} <= told
    assert any("(96x64), denoise, step 1" in " ".join(line.split()) for line in [" ".join(ours)])


def test_in_a_pipe_the_text_has_80_columns(
    session: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for line in run(capsys, "--all")[1].splitlines():
        assert len(line) <= 80 or "://" in line, line
    monkeypatch.setenv("COLUMNS", "200")
    _, out, _ = run(capsys)
    assert any(line.startswith("#") and line.endswith("what") for line in out.splitlines()), "sentences beside figures"


def test_all_tells_every_occurrence(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, groups, _ = run(capsys)
    _, every, _ = run(capsys, "--all")
    names = [f"003-{REGIONAL}-r1", f"002-{COMPILE}-r1"]
    assert [" ".join(every.split()).count(name) for name in names] == [4, 2]
    assert [" ".join(groups.split()).count(name) for name in names] < [4, 2]


def test_the_document_fits_its_schema_and_counts(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--json")
    document = json.loads(out)
    jsonschema.validate(document, json_schema("triggers"))
    assert (code, err) == (0, "")
    assert document["session"] == session and document["copied"]
    assert document["all"] == document["found"] == 6 == sum(group["count"] for group in document["groups"])
    costs = [group["total_ms"] for group in document["groups"]]
    assert costs == sorted(costs, reverse=True)
    _, out, _ = run(capsys, "--json", "--variant", "compile", "--filter", "kind:recompile")
    document = json.loads(out)
    assert (document["all"], document["found"]) == (6, 1)
    assert document["filters"] == ["variant:compile", "kind:recompile"]


@pytest.mark.parametrize(
    ("arguments", "cases"),
    [
        ("--variant compile", [COMPILE]),
        ("--variant regional-compile --variant compile", [COMPILE, REGIONAL]),
        ("--run 3", [REGIONAL]),
        ("--run 002-sd15", [COMPILE]),
        ("--module transformerblock", [REGIONAL]),
        ("--class first", [COMPILE, REGIONAL]),
        ("--filter sample", [COMPILE]),
        ("--filter kind:recompile --module UNet2D", [COMPILE]),
    ],
)
def test_filters(arguments: str, cases: list[str], session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, session, *arguments.split())
    assert code == 0
    assert [line for line in out.splitlines() if line in (COMPILE, REGIONAL)] == cases


@pytest.mark.parametrize(
    "arguments",
    ["--variant no-compile", "--run 1", "--class backend", "--filter nowhere", "--variant no-compile --json"],
)
def test_nothing_found_is_said_and_no_failure(arguments: str, session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, session, *arguments.split())
    assert (code, err) == (0, "")
    if "--json" in arguments:
        assert json.loads(out)["groups"] == []
    else:
        assert out == f"session {session}: nothing fits; without filters there are 6 events\n"


def test_a_session_that_compiled_nothing_says_so(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = recorded.finished(variants=["no-compile"]).write(own_home).id
    assert run(capsys) == (0, f"session {name}: nothing was compiled\n", "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("nothing", 3, "no session starts with"),
        ("last --variant fast", 2, "there are: no-compile, compile, regional-compile"),
        ("last --class tensor.colour", 2, "there are: "),
        ("last --module Flux", 2, "there are: BasicTransformerBlock, UNet2DConditionModel"),
        ("last --run 9", 3, "there are: 001-sd15-txt2img-no-compile-b1-r1"),
        ("last --filter colour:red", 2, "there are: run, case, variant, class"),
        ("last --filter kind:bogus", 2, "no kind is called 'bogus' (there are: compile, recompile, failure, limit,"),
        ("last --filter -blame:user,nobody", 2, "no blame is called 'nobody' (there are: user, expected,"),
        ("last --filter variant:pile", 2, "(there are: no-compile, compile, regional-compile)"),
        ("last --filter cause:tensor.colour", 2, "no class is called 'tensor.colour' (there are: "),
    ],
)
def test_bad_input_is_one_line_that_says_what_there_is(
    arguments: str, code: int, words: str, session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *arguments.split())
    assert (found, out) == (code, "")
    assert len(err.splitlines()) == 1 and words in err


def test_markdown_is_a_table_a_case(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--format", "md")
    lines = out.splitlines()
    assert f"### {COMPILE}" in lines and f"### {REGIONAL}" in lines
    rows = [line for line in lines if line.startswith("|")]
    assert {row.count("|") for row in rows} == {9}


def test_in_a_locale_that_is_not_utf8_arrows_are_ascii(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="latin-1"))
    assert main(["triggers", session]) == 0
    assert b"sample height 16 -> 24 (latent)" in out.getvalue()
