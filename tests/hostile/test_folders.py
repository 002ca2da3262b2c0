"""The folder of anybody's session: nothing in it is run, and no link in it is followed."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler import caches, overview, sessions
from profiler import events as ev
from profiler.eventlog import EventLog, LogReader, is_locked
from profiler.follow import Follower
from profiler.overview import OverviewReader, read_overview
from profiler.removal import remove_tree
from profiler.replay import Replay
from profiler.report.beside import read_regular
from profiler.resume import discard_commands
from profiler.sessions import SessionFolder, SessionNotFound, SessionUnreadable
from tests.conductor.support import conduct, make
from tests.hostile.watched import INNOCENT
from tests.support import recorded
from tests.support.resuming import names
from tests.tui.hostile import HOSTILE
from tui.choosing import known_session
from tui.cli import main

SECRET = "words-of-another-file"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(own_home: Path) -> SessionFolder:
    return recorded.finished(steps=3, calls=2).write(own_home)


def lead_out(folder: SessionFolder, name: str, elsewhere: Path) -> Path:
    """Put a link in the place of ``name``: what was there lies elsewhere, with a secret in it."""
    path = folder.path / name
    if path.exists():
        path.rename(elsewhere)
    else:
        elsewhere.mkdir()
    for log in elsewhere.rglob("events.jsonl"):
        writer = EventLog(log)
        writer.write(ev.Note(level="warning", code="secret", text=SECRET))
        writer.close()
    (elsewhere / "precious").write_text(SECRET)
    path.symlink_to(elsewhere)
    return path


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["runs", "runs/001-sd15-txt2img-no-compile-b1-r1", "control", "earlier", "cache"])
def test_a_folder_that_is_a_link_is_not_followed_and_said_everywhere(
    folder: SessionFolder, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lead_out(folder, name, tmp_path / "elsewhere")
    says = f"{Path(name).name} is a link that leads out of the session's folder: remove it"
    for read in (SessionFolder.manifest, Follower, Replay):
        with pytest.raises(SessionUnreadable, match=says):
            read(folder)
    found = read_overview(folder)
    assert found.state == "unreadable" and says in str(found.reason)
    assert says in known_session(folder, 0).why
    for command in (["show"], ["show", "--json"], ["watch", "--plain"], ["export", "--format", "html", "-o", "-"]):
        assert main([*command, folder.id]) == 1
        out, err = capsys.readouterr()
        assert says in err and SECRET not in out + err and len(err.splitlines()) == 1
    assert main(["ls"]) == 0
    assert SECRET not in capsys.readouterr().out


def test_a_link_that_comes_while_one_looks_on_is_not_followed(folder: SessionFolder, tmp_path: Path) -> None:
    """A session that is copied again and again, while it is watched."""
    first, second, *_ = names(folder)
    follower, replay = Follower(folder), Replay(folder)
    run = folder.run(first)
    kept = tmp_path / "kept"
    run.rename(kept)
    lead_out(folder, f"runs/{first}", tmp_path / "elsewhere")
    shutil.copy(kept / "events.jsonl", tmp_path / "elsewhere")
    state = follower.read_all()
    assert not state.runs[first].calls and state.runs[second].calls
    while replay.read(1.0)[1]:
        pass
    reader = LogReader(folder.run_log(first))
    assert reader.read().events == []
    assert reader.refused == "cannot read events.jsonl: a folder of the session is a link, or none"
    assert not is_locked(folder.run_log(first))
    with pytest.raises(NotADirectoryError):
        EventLog(folder.run_log(first))
    assert read_regular(run / "precious", 1000) is None
    assert read_regular(kept / "events.jsonl", 1 << 24) is not None
    # And the folder above it.
    (folder.runs / second / "precious").write_text("x")
    assert read_regular(folder.runs / second / "precious", 1000) == b"x"
    folder.runs.rename(tmp_path / "runs")
    folder.runs.symlink_to(tmp_path / "runs")
    assert read_regular(folder.runs / second / "precious", 1000) is None
    assert LogReader(folder.run_log(second)).read().events == []


def test_a_command_is_not_left_behind_a_link(folder: SessionFolder, tmp_path: Path) -> None:
    lead_out(folder, "control", tmp_path / "elsewhere")
    with pytest.raises(OSError, match="control"):
        sessions.send(folder, "stop")
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["precious"]


# --- other things than files ------------------------------------------------------------------------------------------


def fifo(path: Path) -> None:
    os.mkfifo(path)


def to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("put", [Path.mkdir, fifo, to_zeros, to_nowhere], ids=lambda put: put.__name__)
@pytest.mark.parametrize("name", ["session.json", "conductor.jsonl", "events.jsonl"])
def test_what_is_no_file_is_said_and_takes_no_descriptor(
    folder: SessionFolder, name: str, put: Callable[[Path], None]
) -> None:
    path = folder.run_log(names(folder)[0]) if name == "events.jsonl" else folder.path / name
    path.unlink()
    put(path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        found = read_overview(folder)
        if name == "session.json":
            assert found.state == "unreadable" and found.reason
        else:
            Follower(folder).read_all()
        is_locked(path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_list_does_not_wait_for_the_end_of_a_log_with_a_hole_in_it(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_BYTES", 1 << 20)
    os.truncate(folder.conductor_log, 1 << 40)
    reader = OverviewReader(folder)
    assert "is not read to its end: it has more than 1 MiB" in str(reader.read().reason)
    os.truncate(folder.conductor_log, 1 << 18)
    assert reader.read().reason is None


# --- nothing is run ---------------------------------------------------------------------------------------------------

RUNNABLE = {
    **dict.fromkeys(
        ("conftest.py", "sitecustomize.py", "usercustomize.py", "json.py", "torch.py", "textual.py", "click.py"),
        "import os; os.mkdir({marker!r})",
    ),
    "profiler/__init__.py": "import os; os.mkdir({marker!r})",
    "tui/__init__.py": "import os; os.mkdir({marker!r})",
    "evil.pth": "import os; os.mkdir({marker!r})",
    "pyvenv.cfg": "home = .",
    "setup.cfg": "[tool:pytest]",
    "stepscope.toml": "[keys]",
    ".env": "STEPSCOPE_HOME=.",
    "model.pkl": "cos\nmkdir\n(S'{marker}'\ntR.",
    "pytorch_model.bin": "cos\nmkdir\n(S'{marker}'\ntR.",
    "latents.pt": "cos\nmkdir\n(S'{marker}'\ntR.",
    "cache/x/inductor/fxgraph/entry": "cos\nmkdir\n(S'{marker}'\ntR.",
    "libcuda.so.1": "\x7fELF",
    "session": "#!/bin/sh\nmkdir '{marker}'",
}


def test_nothing_in_a_session_is_run_imported_unpickled_or_written(
    folder: SessionFolder, tmp_path: Path, own_home: Path
) -> None:
    """Every command that reads, in a process that tells of all it opens, imports and starts; its folder is its own."""
    marker = tmp_path / "ran"
    for within in (folder.path, folder.runs, folder.run(names(folder)[0])):
        for name, text in RUNNABLE.items():
            path = within / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(marker=str(marker)))
            path.chmod(0o755)
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")}
    # As a user has it who has changed into the folder; the program is started as a file, by its path.
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/hostile/watched.py"), str(folder.path), str(tmp_path / "told.json")],
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads((tmp_path / "told.json").read_text())
    assert all(code == 0 for code in told["codes"].values()), told["codes"]
    assert told["started"] == []
    assert told["seen"] == ["exec", "pickle.find_class", "os.system"]
    assert told["read"] and set(told["read"]) <= INNOCENT
    assert told["written"] == []
    assert not marker.exists()
    assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")} == before


# --- names, modes and removal -----------------------------------------------------------------------------------------


@given(st.sampled_from([text for text in HOSTILE if "\x00" not in text]) | st.text(max_size=20))
def test_any_reference_is_a_session_or_one_line(tmp_path_factory: pytest.TempPathFactory, reference: str) -> None:
    home = tmp_path_factory.getbasetemp() / "no-home"
    for one in (reference, f"./{reference}", f"/{reference}/x", reference + "\x00", reference * 40):
        with pytest.raises(SessionNotFound) as caught:
            sessions.find(one, home)
        assert str(caught.value).isprintable()


def test_a_folder_may_be_called_anything_and_its_id_is_printable(folder: SessionFolder, tmp_path: Path) -> None:
    texts = [text.replace("/", "").replace("\x00", "") for text in HOSTILE]
    encoded = [text.encode(errors="surrogatepass")[:200] for text in texts]
    assert not all(SessionFolder(tmp_path / text).path.name.isprintable() for text in texts)
    for name in (*encoded, b"no \xff utf-8"):
        path = tmp_path / os.fsdecode(name)
        folder.path.rename(path)
        found = sessions.find(f"{path}/", tmp_path)
        assert found.id.isprintable() and found.manifest().request.cases
        path.rename(folder.path)


def test_all_that_a_session_writes_is_this_users_alone(tmp_path: Path) -> None:
    own_home = tmp_path / "new" / "home"
    before = os.umask(0)
    try:
        folder = make(own_home)
        conduct(folder, "ok")
        sessions.send(folder, "stop")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (own_home, *own_home.rglob("*"))}
    wrong = {path: oct(mode) for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)}
    assert len(modes) > 6 and not wrong


def test_a_folder_with_a_session_json_and_other_things_is_not_removed(tmp_path: Path, folder: SessionFolder) -> None:
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "session.json").write_text('{"mine": true}')
    (project / "src" / "work.py").write_text("")
    with pytest.raises(OSError, match=r"its session.json can't be read, and other things lie beside it"):
        sessions.remove(SessionFolder(project))
    assert main(["rm", "--yes", f"{project}/"]) != 0
    assert (project / "src" / "work.py").exists()
    # One that is damaged, and is a session's beyond doubt.
    folder.manifest_file.write_text("damaged")
    sessions.remove(folder)
    assert not folder.path.exists()


# --- depth ------------------------------------------------------------------------------------------------------------


def deep(folder: Path, levels: int = 1010) -> None:
    """More levels than calls may lie within calls, and a longer path than the kernel takes."""
    below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for level in range(levels):
        os.mkdir("below" * 4, dir_fd=below)
        if level % 100 == 0:
            os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=below))
            os.symlink("/", "link", dir_fd=below)
        within = os.open("below" * 4, os.O_RDONLY | os.O_DIRECTORY, dir_fd=below)
        os.close(below)
        below = within
    os.close(below)


@pytest.fixture
def swept(own_home: Path) -> Iterator[None]:
    """Whatever the test comes to: what is so deep would stop the removal of all tests' folders."""
    yield
    subprocess.run(["rm", "-rf", str(own_home)], check=True)


@pytest.mark.usefixtures("swept")
def test_deep_sessions_caches_and_commands_are_removed_whole(
    folder: SessionFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    cache, inside = folder.path / "cache", folder.control / "a-folder"
    for path in (cache, inside):
        path.mkdir(parents=True)
        deep(path)
    caches.discard_all(folder.path)
    discard_commands(folder)
    assert not cache.exists() and not os.listdir(folder.control)
    deep(folder.runs)
    assert main(["rm", folder.id]) == 0, capsys.readouterr().err
    assert not os.listdir(folder.path.parent)


def test_a_tree_that_is_a_link_or_cannot_be_emptied_is_named(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "kept")
    for path in (link, tmp_path / "missing"):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - which one it is depends on what is there
            remove_tree(path)
        assert caught.value.filename == str(path)
    assert (tmp_path / "kept").is_dir()
