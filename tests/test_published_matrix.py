"""``make published``: its matrix is the published one, what tells most first; it goes on where it stopped."""

from __future__ import annotations

import shutil
import signal
import stat
import sys
import time
from pathlib import Path

import msgspec
import pytest

from benchmarks import kept
from benchmarks import published as bench
from benchmarks.commands import Commands
from profiler import __version__, conductor, devices, room, sessions
from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.follow import Follower
from profiler.report import published
from profiler.request import Request
from profiler.request.file import Bench
from profiler.sessions import SessionFolder
from tests.conductor.support import begin, finish
from tests.support import recorded
from tests.support.resuming import say
from tui.cli import main

VARIANTS = ("no-compile", "compile", "regional-compile")


@pytest.fixture(scope="module")
def matrix() -> Request:
    return Bench(str(bench.FILE)).resolve(lambda _: "cuda:0", "cuda:0")


def test_every_published_cell_is_run_once_in_three_variants_as_it_was_published(matrix: Request) -> None:
    rows = {(row.pipeline, row.batch_size) for row in published.rows()}
    cases = [case for case in matrix.cases if case.workload.pipeline in published.LABELS]
    cells = [(case.workload.pipeline, case.workload.batch_size, case.compilation.variant) for case in cases]
    assert sorted(cells) == sorted((*cell, variant) for cell in rows for variant in VARIANTS)
    for case in cases:
        assert published.differences(case.workload) == ["random weights (published: trained ones)"], case.name
        assert published.compiled_otherwise(case.compilation) == [], case.name
        assert case.workload.calls == published.CALLS


def test_what_tells_most_comes_first(matrix: Request) -> None:
    by_name = {case.name: case for case in matrix.cases}
    order = [by_name[run.case] for run in matrix.runs]
    assert len(order) == len(matrix.cases), "one run of each"
    assert [case.compilation.variant for case in order] == [*VARIANTS] * (len(order) // 3), "a cell is complete at once"
    assert {(case.workload.pipeline, case.workload.batch_size) for case in order[:3]} == {("sd15-txt2img", 1)}
    sizes = [case.workload.batch_size for case in order]
    assert sizes == sorted(sizes)
    at_1024 = [case.workload for case in order if (case.workload.height, case.workload.width) == (1024, 1024)]
    assert {work.pipeline for work in at_1024 if work.batch_size == 1} == {"flux1-schnell", "sdxl-txt2img"}


# --- making the runs, and going on with them ------------------------------------------------------------------------

TINY = """
size = "tiny"
calls = 1
warmup = 0
repeats = 1
variant = "no-compile"
pipeline = ["sd15-txt2img", "sd15-img2img", "sd15-inpaint"]
"""


class Program:
    """``stepscope`` in this process, with stand-ins as workers, and the benchmark's own command."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = folder / "bench.toml"
        self.file.write_text(TINY)
        self.does = "ok"
        self.told: list[tuple[str, ...]] = []
        self._capsys = capsys

    def __call__(self, *arguments: str, does: str = "ok") -> tuple[int, list[str]]:
        """The exit code and what was printed last, after the tables."""
        self.does = does
        code = bench.main(["--file", str(self.file), "--device", "cpu", *arguments])
        out, err = self._capsys.readouterr()
        return code, [line for line in (out + err).rpartition("\n\n")[2].splitlines() if line]

    def start(self, folder: SessionFolder, *_arguments: str) -> int:
        return begin(folder, self.does)

    def resume(self, folder: SessionFolder, *arguments: str, failed: bool = False) -> int:
        return begin(folder, self.does, resumes=True, failed=failed, arguments=arguments)

    def run(self, *arguments: str) -> int:
        self.told.append(arguments)
        return main(list(arguments))


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    made = Program(tmp_path, capsys)
    monkeypatch.setattr(conductor, "start", made.start)
    monkeypatch.setattr(conductor, "resume", made.resume)
    monkeypatch.setattr(Commands, "run", made.run)
    monkeypatch.setattr(kept, "RESULTS", tmp_path / "results")
    return made


def test_what_time_cut_short_is_gone_on_with_until_every_run_has_a_result(own_home: Path, program: Program) -> None:
    code, said = program("--max-time", "2", does="ok,sleep")
    (folder,) = sessions.all_sessions(own_home)
    assert (code, said) == (
        0,
        [
            f"session {folder.id}: 1 of 3 runs made: 1 ok",
            "2 to make (max time of 1 s reached): the same command goes on with them",
        ],
    )
    code, said = program("--max-time", "2", does="sleep")
    assert (code, said[-1][:33]) == (0, "none was made in this time: 002-s")
    # The time that it was begun with is none of this one's.
    code, said = program(does="ok,failed,ok")
    assert (code, said[0]) == (
        1,
        f"session {folder.id}: 3 of 3 runs made: 2 ok, 1 failed (--failed makes those that failed again)",
    )
    assert program.told[-1] == ("resume", folder.id, "--headless", "--max-time", "none")
    assert program("--failed", "--keep")[0] == 0
    commands = len(program.told)
    code, said = program("--keep")
    assert (code, len(program.told)) == (0, commands), "no other session is begun, and what there is can be kept"
    assert said[1] == "every run has a result: --new begins another session"
    (place,) = kept.RESULTS.iterdir()
    assert said[2].startswith(f"kept in {place} (") and (place / "README.md").read_text().startswith("session ")
    assert [one.id for one in sessions.all_sessions(own_home)] == [folder.id]
    shutil.rmtree(kept.RESULTS)
    kept.RESULTS.write_text("in the way")
    code, said = program("--keep")
    assert (code, said[-1].startswith("published: nothing could be kept: ")) == (1, True)


def test_one_that_is_under_way_is_followed_and_no_second_one_begun(
    own_home: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Bench(str(program.file)).resolve(lambda _: "cpu", "cpu")
    folder = sessions.create(request, __version__, own_home)
    followed: list[str] = []

    def follow(_commands: Commands, session: str) -> int:
        followed.append(session)
        sessions.send(folder, "stop")
        finish(folder, pid)
        return 0

    monkeypatch.setattr(Commands, "follow", follow)
    pid = begin(folder, "ok,sleep")
    assert program()[0] == 0
    assert (followed, program.told) == ([folder.id], [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--against", "H100"), "nothing was published of a GPU called 'H100' (there are: A100, "),
        (("--max-time", "0"), "--max-time must be a number of seconds above 0, not 0"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_run(
    program: Program, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        program(*arguments)
    assert (ended.value.code, said in capsys.readouterr().err) == (2, True)


def test_without_a_gpu_nobody_waits_for_the_full_matrix_on_a_cpu(
    own_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "why_no_cuda", lambda: "no NVIDIA driver is loaded")
    assert bench.main([]) == 2
    assert "no GPU can be used here: no NVIDIA driver is loaded; --device cpu" in capsys.readouterr().err
    assert sessions.all_sessions(own_home) == []


# --- what is kept ---------------------------------------------------------------------------------------------------


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionFolder:
    """A session that another machine left unfinished, as it is kept."""
    monkeypatch.setattr(kept, "RESULTS", tmp_path / "results")
    recording = recorded.live(seconds=5)
    folder = recording.write(tmp_path / "elsewhere", until_ns=recording.live_ns)
    return SessionFolder(kept.keep(folder, Follower(folder).read_all(), "the tables\n"))


def test_a_kept_session_is_gone_on_with_on_another_machine_with_the_same_gpu(
    own_home: Path, carried: SessionFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, there = carried.manifest().request, Follower(carried).read_all()
    monkeypatch.setattr(room, "gpu_names", lambda: ["NVIDIA H100 80GB HBM3"])
    assert bench._find(own_home, wanted, failed=False) is None
    assert "was begun on NVIDIA Recorded 24 GB, here is NVIDIA H100 80GB HBM3" in capsys.readouterr().out
    assert bench._find(own_home, msgspec.structs.replace(wanted, device="cuda:1"), failed=False) is None
    monkeypatch.setattr(room, "gpu_names", lambda: ["NVIDIA Recorded 24 GB"])
    found = bench._find(own_home, wanted, failed=False)
    assert found is not None and found.command == "resume"
    assert found.folder.path == sessions.find(there.session, own_home).path
    here = Follower(found.folder).read_all()
    assert (case_figures(here), kept.results_of(here)) == (case_figures(there), kept.results_of(there))
    assert {stat.S_IMODE(path.stat().st_mode) for path in found.folder.path.rglob("*") if path.is_file()} == {0o600}
    # From now on it is this machine's.
    again = bench._find(own_home, wanted, failed=False)
    assert again is not None and again.folder.path == found.folder.path


def test_what_is_kept_of_a_session_tells_the_same_and_nothing_else(tmp_path: Path) -> None:
    folder = recorded.finished().write(tmp_path / "home")
    (folder.path / "conductor.log").write_text("what the process printed")
    for run in folder.runs.iterdir():
        (run / "worker.log").write_text("what the worker printed")
    state = Follower(folder).read_all()
    target = kept.keep(folder, state, "the tables\n", tmp_path / "results")
    made = time.strftime("%Y-%m-%d", time.gmtime(folder.manifest().created_wall_ns / 1e9))
    assert target == tmp_path / "results" / f"recorded-24-gb-{made}"
    files = {file.relative_to(target).as_posix() for file in target.rglob("*") if file.is_file()}
    logs = {f"runs/{run}/events.jsonl" for run in state.runs if folder.run_log(run).exists()}
    assert files == {"README.md", "session.json", "conductor.jsonl", *logs}
    assert case_figures(Follower(SessionFolder(target)).read_all()) == case_figures(state)


def test_keeping_again_touches_what_is_the_sessions_own_and_loses_nothing(tmp_path: Path) -> None:
    results = tmp_path / "results"
    folder = recorded.finished().write(tmp_path / "home")
    state = Follower(folder).read_all()
    target = kept.keep(folder, state, "first\n", results)
    (target / "NOTES.md").write_text("what looked wrong")
    stale = target / "runs" / "001-gone-r1" / "events.jsonl"
    stale.parent.mkdir()
    stale.touch()
    assert kept.keep(folder, state, "second\n", results) == target
    assert ((target / "README.md").read_text(), (target / "NOTES.md").exists()) == ("second\n", True)
    assert not stale.exists()

    other = SessionFolder(shutil.copytree(folder.path, folder.path.with_name("2222-sd15-txt2img")))
    sessions.write_manifest(other, msgspec.structs.replace(other.manifest(verbatim=True), session=other.id))
    second = kept.keep(other, Follower(other).read_all(), "another\n", results)
    assert second.name == f"{target.name}-2", "of the same day, and nobody else's"
    # Here are fewer of its results than were kept: it was gone on with elsewhere.
    last = list(state.runs)[-1]
    say(folder, ev.RunChanged(run=last, state="ended", outcome="stopped"), ev.SessionChanged(state="stopped"))
    assert kept.keep(folder, Follower(folder).read_all(), "fewer\n", results).name == f"{target.name}-3"
    assert (target / "README.md").read_text() == "second\n"


# --- the commands ---------------------------------------------------------------------------------------------------

LISTENING = """
import signal, sys
got = []
def caught(number, frame):
    got.append(number)
    signal.alarm(1)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, caught)
signal.signal(signal.SIGALRM, lambda *_: sys.exit(len(got)))
import os
os.kill(os.getppid(), signal.SIGTERM)
os.kill(os.getppid(), signal.SIGTERM)
while True:
    signal.pause()
"""


def test_a_signal_is_for_the_command_and_one_that_comes_twice_at_once_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.commands.STEPSCOPE", [sys.executable, "-I", "-S", "-c", LISTENING])
    commands, handler = Commands(None), signal.getsignal(signal.SIGTERM)
    assert commands.run() == 1
    assert commands.signalled and signal.getsignal(signal.SIGTERM) is handler


def test_one_time_bounds_everything() -> None:
    now = 100.0
    commands = Commands(600.0, clock=lambda: now)
    assert commands.left_s() == 570.0
    now += 200.0
    assert commands.left_s() == 370.0
    now += 1000.0
    assert commands.left_s() == 1.0
    assert Commands(20.0, clock=lambda: now).left_s() == 10.0
    assert Commands(None).left_s() is None


def test_a_session_that_is_followed_is_stopped_when_the_time_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    code = f"import sys, time\nopen({str(told)!r}, 'a').write(sys.argv[1])\ntime.sleep(60 * (sys.argv[1] == 'watch'))"
    monkeypatch.setattr("benchmarks.commands.STEPSCOPE", [sys.executable, "-I", "-S", "-c", code])
    moments = iter([0.0])  # when it begins; then nothing but the end is left
    Commands(100.0, clock=lambda: next(moments, 99.0)).follow("abcd")
    assert told.read_text().endswith("stop")
