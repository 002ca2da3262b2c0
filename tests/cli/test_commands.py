from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from profiler import conductor, sessions
from profiler import request as requests
from profiler.report.documents import ListDocument, json_schema
from tests.report.test_outputs import write_latents
from tests.support import recorded
from tui.cli import main
from tui.commands.common import print_document
from tui.commands.run import exit_code
from tui.plain import PlainReport

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def session(own_home: Path) -> str:
    """A finished session in the home; returns its id."""
    return recorded.finished().write(own_home).id


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("command", ["show", "ls", "report", "pipelines", "scenarios", "doctor"])
def test_json_is_one_document_that_fits_its_schema(
    command: str, session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, command, "--json")
    jsonschema.validate(json.loads(out), json_schema(command))
    assert err == ""
    assert code == 0 or command == "doctor"


def test_text_in_a_document_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "a \x1b[2J \x9b2J \x7f \u202e \u2066 \u200b é 漢 \n"
    print_document(ListDocument(home=hostile, sessions=[]))
    out, _ = capsys.readouterr()
    assert json.loads(out)["home"] == hostile
    assert all(character.isprintable() for character in out.replace("\n", ""))
    assert "é 漢" in out


def test_a_reader_that_goes_away_is_no_failure(session: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(ROOT / "stepscope.py"), "show", session, "--json"]
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_show_prints_a_row_a_case(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", session[:4])
    assert code == 0
    assert session in out
    for variant in requests.VARIANTS:
        assert any(line.startswith(f"{variant} ") for line in out.splitlines())


def test_ls_lists_sessions(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "ls")
    assert session in out and "no-compile, compile, regional-compile" in out


def test_show_compares_with_any_case(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", session, "--baseline", "compile", "--json")
    found = json.loads(out)
    assert code == 0
    assert [case["baseline"] for case in found["cases"]] == ["sd15-txt2img-compile-b1", None, "sd15-txt2img-compile-b1"]
    assert found["cases"][0]["speedup"] == pytest.approx(0.62, rel=0.02)
    _, out, _ = run(capsys, "show", session, "--baseline", "sd15-txt2img-compile")
    assert "0.62x" in out
    code, out, err = run(capsys, "show", session, "--baseline", "fast")
    assert (code, out) == (3, "")
    assert "has no case called 'fast' (there are: sd15-txt2img-no-compile-b1, " in err


def test_ls_fits_the_terminal(
    own_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("abcd-sd15-controlnet-inpaint", "efgh-sdxl-txt2img"):
        recorded.make_folder(recorded.request(), own_home, name, here=True)
    (own_home / "sessions" / "efgh-sdxl-txt2img" / "session.json").write_text("{}")
    for width in (60, 80, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        code, out, _ = run(capsys, "ls")
        lines = out.splitlines()
        assert code == 0
        assert max(map(len, lines)) <= width
        assert any(line.startswith("abcd-sd15-controlnet-inpaint  ") and "0/3" in line for line in lines)
        assert "session.json is damaged" in " ".join(out.split())
    assert "pipeline" in lines[0]


def test_ls_counts_no_run_that_was_stopped(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = recorded.finished().write(own_home)
    log = folder.conductor_log.read_text()
    folder.conductor_log.write_text(log.replace('"outcome":"ok"', '"outcome":"stopped"', 2))
    _, out, _ = run(capsys, "ls")
    assert out.splitlines()[1].endswith("1/3")


def test_ls_says_which_sessions_were_copied(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = recorded.live()
    recording.write(own_home, until_ns=recording.live_ns)
    _, out, _ = run(capsys, "ls")
    assert "running, copied" in out
    _, out, _ = run(capsys, "ls", "--json")
    assert [row["copied"] for row in json.loads(out)["sessions"]] == [True]


def test_ls_without_sessions_says_what_makes_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "ls") == (0, "no sessions yet: 'stepscope demo' makes one\n", "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("show", 3, "stepscope demo"),
        ("show nothing", 3, "no sessions"),
        ("watch nothing", 3, "no sessions"),
        ("stop nothing", 3, "no sessions"),
        ("report nothing", 3, "no sessions"),
        ("report last --against H200", 2, "A100, V100, T4, RTX 3090, RTX 4090"),
        ("report last --layout mine", 2, "published"),
        ("pipelines nothing", 2, "sd15-txt2img"),
        ("run nothing", 2, "stepscope pipelines"),
        ("run sd15-txt2im", 2, "did you mean 'sd15-txt2img'"),
        ("run sd15-txt2img --variant fast", 2, "regional-compile"),
        ("run sd15-txt2img --steps 0", 2, "from 1 to 999"),
        ("run sd15-txt2img --batch-size 1000000", 2, "from 1 to 1024"),
        ("run sd15-txt2img --height 100", 2, "96 would work"),
        ("run sd15-txt2img --device cuda:0", 2, "--device cpu would work"),
        ("run sd15-txt2img --device gpu", 2, "cpu or cuda:N"),
        ("run sd15-txt2img --weights /nowhere", 2, "no folder /nowhere"),
        ("run sd15-txt2img --max-time 0 --device cpu", 2, "above 0"),
        ("run sd15-txt2img --calls many", 2, "many"),
        ("run sd15-txt2img --colour red", 2, "--colour"),
        ("run", 2, "PIPELINE"),
        ("fly", 2, "there are: demo, run, watch, ls"),
        ("dmeo", 2, "did you mean 'demo'?"),
        ("--json ls", 2, "--json is an option of demo, run, ls, show,"),
        ("--colours red", 2, "'stepscope --help' says"),
        ("doctor -v", 2, "'stepscope doctor --help' says"),
        ("stop", 2, "'stepscope stop --help' says"),
        ("rm", 2, "'stepscope rm --help' says"),
        ("ls more", 2, "'stepscope ls --help' says"),
        ("run sd15-txt2img --max-time 10m", 2, "'10m' is not a valid float: 'stepscope run --help' says"),
        ("run sd15-txt2img --batch-size 1,4", 2, "'stepscope run --help' says"),
        ("watch last --speed fast", 2, "'stepscope watch --help' says"),
        ("pipelines SD15", 2, "did you mean 'sd15-txt2img'?"),
    ],
)
def test_bad_input_is_one_line_and_a_code(
    arguments: str, code: int, words: str, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *arguments.split())
    assert (found, out) == (code, "")
    assert len(err.splitlines()) == 1 and err.startswith("stepscope: ") and words in err
    assert not (own_home / "sessions").exists()  # nothing half-written


def test_a_prefix_that_fits_two_sessions_is_refused(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("aaaa-one", "aaab-two"):
        recorded.make_folder(recorded.request(), own_home, name, here=False)
    code, _, err = run(capsys, "show", "aaa")
    assert code == 3 and "fits 2 sessions" in err


def test_a_damaged_session_is_listed_and_refused_in_one_line(session: str, own_home: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    (own_home / "sessions" / session / "session.json").write_text("{")
    code, _, err = run(capsys, "show", session)
    assert code == 1 and len(err.splitlines()) == 1 and "session.json is damaged" in err
    _, out, _ = run(capsys, "ls")
    assert "unreadable" in out
    assert run(capsys, "rm", session)[0] == 0


def test_a_home_where_nothing_can_be_made_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STEPSCOPE_HOME", "/proc/stepscope")  # not even root can make a folder there
    code, _, err = run(capsys, "run", "sd15-txt2img", "--device", "cpu", "--detach")
    assert code == 1 and len(err.splitlines()) == 1 and "STEPSCOPE_HOME" in err


def test_a_home_that_is_a_file_is_one_line(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_home.write_text("")
    code, _, err = run(capsys, "run", "sd15-txt2img", "--device", "cpu", "--detach")
    assert code == 1 and len(err.splitlines()) == 1 and "STEPSCOPE_HOME" in err


def test_a_profiler_that_cannot_start_leaves_no_session(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: sessions.SessionFolder) -> int:
        raise conductor.CannotStart("the profiler process can't be started: no memory")

    monkeypatch.setattr(conductor, "start", refuse)
    code, _, err = run(capsys, "run", "sd15-txt2img", "--device", "cpu", "--size", "tiny", "--detach")
    assert code == 1 and err == "stepscope: the profiler process can't be started: no memory\n"
    assert list((own_home / "sessions").iterdir()) == []


def test_rm_looks_every_session_up_before_it_removes_one(session: str, own_home: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    assert run(capsys, "rm", session, "nothing")[0] == 3
    assert (own_home / "sessions" / session).is_dir()
    assert run(capsys, "rm", session)[0] == 0
    assert list((own_home / "sessions").iterdir()) == []


def test_two_sessions_of_one_name_are_both_removed(
    own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [recorded.finished().write(home) for home in (own_home, tmp_path / "copied")]
    assert run(capsys, "rm", *map(str, (folder.path for folder in folders)))[0] == 0
    assert not any(folder.path.exists() for folder in folders)


def test_stop_of_a_session_that_is_over_says_so(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "stop", session)
    assert code == 1 and "isn't running" in err


def test_watch_without_a_terminal_reports_in_plain_lines(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "watch", session)
    assert code == 0
    assert "compiled" in out and "measure" in out and session in out


def test_the_plain_report_ends_with_what_show_says_of_the_outputs(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = recorded.finished().write(own_home)
    for number, log in enumerate(sorted(folder.runs.glob("*/events.jsonl"))):
        log.write_text(log.read_text().replace('"shape":[1,4,16,16]', '"shape":[4],"file":"latents.safetensors"'))
        write_latents(folder, log.parent.name, [0.0, 1.0, 2.0, 8.0 - 4 * (number == 1)])
    _, shown, _ = run(capsys, "show", folder.id)
    _, watched, _ = run(capsys, "watch", folder.id)
    for said in (shown, watched):
        assert "differs from the baseline" in said
        assert "output" in said


def test_the_plain_report_says_each_thing_once(own_home: Path) -> None:
    from profiler.follow import Follower

    said: list[str] = []
    follower = Follower(recorded.finished().write(own_home))
    state = follower.read_all()
    report = PlainReport(said.append)
    report.update(state)
    first = list(said)
    report.update(state)
    assert said == first and len(set(said)) == len(said)


def test_the_plain_report_tells_things_in_their_order(own_home: Path) -> None:
    from profiler.follow import Follower

    said: list[str] = []
    PlainReport(said.append).update(Follower(recorded.finished().write(own_home)).read_all())
    told = [line.split(": ", 1)[1] for line in said if "regional-compile" in line]
    assert [line.partition(",")[0] for line in told[:2]] == ["load", "compile"]
    assert told[2] == "BasicTransformerBlock (unet) compiled in 2.30 s"
    kinds = [line.split(",")[0].split(":")[0] for line in told]
    assert kinds.index("warmup") > max(number for number, kind in enumerate(kinds) if kind == "recompile")


def test_exit_codes_follow_the_outcomes(own_home: Path) -> None:
    from profiler.follow import Follower

    state = Follower(recorded.finished().write(own_home)).read_all()
    assert exit_code(state) == 0
    run = next(iter(state.runs.values()))
    assert run.conducted_end is not None
    for outcome, code in (("unsupported", 0), ("oom", 0), ("failed", 1), ("died", 1), ("stopped", 1)):
        run.conducted_end.outcome = outcome
        assert exit_code(state) == code
    state.conducted = "stopped"
    assert exit_code(state) == 1


@pytest.mark.parametrize(("outcome", "alone"), [("oom", 1), ("unsupported", 0)])
def test_out_of_memory_is_a_failure_of_the_only_run_and_unsupported_a_result(
    own_home: Path, outcome: str, alone: int
) -> None:
    from profiler.follow import Follower

    state = Follower(recorded.finished().write(own_home)).read_all()
    (name, run), *others = state.runs.items()
    assert run.conducted_end is not None
    run.conducted_end.outcome = outcome
    assert others and exit_code(state) == 0
    state.runs = {name: run}
    assert exit_code(state) == alone


def test_the_defaults_in_help_are_the_real_ones() -> None:
    resolved = requests.resolve(requests.Options(pipeline="sd15-txt2img"), "cpu")
    workload = resolved.cases[0].workload
    assert (workload.calls, workload.warmup, resolved.repeats, workload.batch_size) == (5, 1, 3, 1)
    assert [case.compilation.variant for case in resolved.cases] == list(requests.VARIANTS)


def test_help_prints_every_default(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "run", "--help")
    assert code == 0
    for default in ("(3)", "(5)", "(all three)", "reduce-", "float16 on CUDA"):
        assert default in out


def test_sessions_root_is_the_environments(own_home: Path) -> None:
    assert sessions.home() == own_home
