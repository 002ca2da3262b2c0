"""The session folder: found by what people type, private, and honest about who is alive in it."""

from __future__ import annotations

import json
import os
import resource
import stat
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from profiler import events as ev
from profiler import sessions
from profiler.eventlog import EventLog, is_locked
from profiler.request import Request
from profiler.sessions import Liveness, Manifest, SessionFolder, SessionNotFound, SessionUnreadable
from tests.support.recorded import make_folder, request


@pytest.fixture
def asked() -> Request:
    return request(device="cpu")


@pytest.fixture
def folder(tmp_path: Path, asked: Request) -> SessionFolder:
    return sessions.create(asked, "0.1.0", tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def rewrite(folder: SessionFolder, **changes: object) -> None:
    """Change top-level fields of session.json."""
    document = json.loads(folder.manifest_file.read_bytes()) | changes
    folder.manifest_file.write_text(json.dumps(document))


# --- creation -------------------------------------------------------------------------------------------------------


def test_a_new_session_holds_its_request_and_where_it_was_made(folder: SessionFolder, asked: Request) -> None:
    manifest = folder.manifest()
    assert manifest.request == asked
    assert manifest.session == folder.id
    assert (manifest.host, manifest.boot_id) == (sessions.host_name(), sessions.boot_id())
    assert 0 <= time.time_ns() - manifest.created_wall_ns < 60e9
    assert folder.id.endswith("-sd15-txt2img")


def test_folders_are_0700_and_files_0600_whatever_the_umask(tmp_path: Path, asked: Request) -> None:
    before = os.umask(0)
    try:
        folder = sessions.create(asked, "0.1.0", tmp_path / "home")
        sessions.send(folder, "stop")
    finally:
        os.umask(before)
    for path in (folder.path.parent, folder.path, folder.control, folder.runs):
        assert mode(path) == 0o700
    assert mode(folder.manifest_file) == 0o600
    assert [mode(path) for path in folder.control.iterdir()] == [0o600]


def test_ids_differ(tmp_path: Path, asked: Request) -> None:
    assert len({sessions.create(asked, "0.1.0", tmp_path).id for _ in range(20)}) == 20


def test_a_session_of_several_pipelines_is_named_after_none_of_them(tmp_path: Path, asked: Request) -> None:
    (case, *_) = asked.cases
    other = replace(case, name="other", workload=replace(case.workload, pipeline="sdxl-txt2img"))
    assert sessions.create(asked, "0.1.0", tmp_path).id.endswith(f"-{case.workload.pipeline}")
    several = replace(asked, cases=[*asked.cases, other])
    assert sessions.create(several, "0.1.0", tmp_path).id.endswith("-2-pipelines")


def test_an_id_that_is_taken_is_not_used_again(tmp_path: Path, asked: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("aaaa" + "aaaa" + "bbbb")
    monkeypatch.setattr(sessions.secrets, "choice", lambda _: next(letters))
    made = [sessions.create(asked, "0.1.0", tmp_path).id for _ in range(2)]
    assert made == ["aaaa-sd15-txt2img", "bbbb-sd15-txt2img"]


def test_a_creation_that_fails_leaves_nothing_behind(
    tmp_path: Path, asked: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sessions, "write_atomically", full)
    with pytest.raises(OSError, match="No space left"):
        sessions.create(asked, "0.1.0", tmp_path)
    assert list((tmp_path / "sessions").iterdir()) == []


def test_a_file_in_the_way_is_an_os_error(tmp_path: Path, asked: Request) -> None:
    (tmp_path / "sessions").write_text("")
    with pytest.raises(OSError, match="sessions"):
        sessions.create(asked, "0.1.0", tmp_path)
    with pytest.raises(NotADirectoryError):
        sessions.all_sessions(tmp_path)


def test_the_home_is_what_the_environment_says(tmp_path: Path) -> None:
    assert sessions.home({"STEPSCOPE_HOME": str(tmp_path)}) == tmp_path
    assert sessions.home({"STEPSCOPE_HOME": "relative"}) == Path.cwd() / "relative"
    assert sessions.home({}).name == "stepscope"


def test_the_runtime_folder_is_private(tmp_path: Path) -> None:
    folder = sessions.runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert mode(folder) == 0o700
    assert folder == sessions.runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)})
    folder.chmod(0o755)
    with pytest.raises(PermissionError, match="chmod 700"):
        sessions.runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)})


@pytest.mark.parametrize("given", ["", "/nowhere/at/all", f"/run/user/{os.getuid()}"])
def test_device_locks_do_not_depend_on_a_login(given: str) -> None:
    # logind removes its folder with the last login, which a detached profiler outlives.
    assert sessions.runtime_base({"XDG_RUNTIME_DIR": given}) == Path("/tmp")


def test_a_symlink_in_place_of_the_runtime_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"stepscope-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        sessions.runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)})


def test_the_runtime_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In /tmp anybody can make it first."""
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    path = tmp_path / "stepscope-12345"
    path.mkdir(mode=0o700)
    with pytest.raises(PermissionError, match="is somebody else's, or no folder: XDG_RUNTIME_DIR can name another"):
        sessions.runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)})
    monkeypatch.undo()
    path = tmp_path / f"stepscope-{os.getuid()}"
    path.touch(mode=0o600)
    with pytest.raises(PermissionError, match="or no folder"):
        sessions.runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)})


def test_a_write_that_finds_no_room_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, before[1]))
    try:
        with pytest.raises(OSError, match=r"session\.json"):
            sessions.write_atomically(path, b"longer than four bytes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


# --- finding --------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path, asked: Request) -> Path:
    """A home with abcd-..., abxy-... and zzzz-..., made in this order."""
    for age, name in ((300, "abcd-sd15-txt2img"), (200, "abxy-sd15-txt2img"), (100, "zzzz-sd15-txt2img")):
        folder = make_folder(asked, tmp_path, name, here=False)
        made = time.time() - age
        os.utime(folder.manifest_file, (made, made))
    return tmp_path


def test_sessions_are_listed_newest_first(three: Path) -> None:
    (three / "sessions" / ".removed-half").mkdir()
    (three / "sessions" / "a file").write_text("")
    (three / "sessions" / "link").symlink_to(three)
    assert [folder.id[:4] for folder in sessions.all_sessions(three)] == ["zzzz", "abxy", "abcd"]


@pytest.mark.parametrize(
    ("reference", "found"),
    [("zzzz-sd15-txt2img", "zzzz"), ("z", "zzzz"), ("abx", "abxy"), ("last", "zzzz")],
)
def test_a_session_is_found_by_id_prefix_and_last(three: Path, reference: str, found: str) -> None:
    assert sessions.find(reference, three).id == f"{found}-sd15-txt2img"


def test_an_exact_id_wins_over_longer_ones(three: Path, asked: Request) -> None:
    make_folder(asked, three, "abcd-sd15-txt2img-2", here=False)
    assert sessions.find("abcd-sd15-txt2img", three).id == "abcd-sd15-txt2img"


def test_a_session_is_found_by_its_path(three: Path, tmp_path: Path) -> None:
    path = three / "sessions" / "zzzz-sd15-txt2img"
    assert sessions.find(f"{path}/", tmp_path / "no home").path == path


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("ab", "fits 2 sessions"),
        ("q", "no session starts with 'q'"),
        ("", "no session starts with ''"),
        ("..", "is no session folder"),
        ("../sessions", "is no session folder"),
        ("/", "is no session folder"),
    ],
)
def test_what_fits_no_session_is_said_in_one_line(three: Path, reference: str, says: str) -> None:
    with pytest.raises(SessionNotFound) as caught:
        sessions.find(reference, three)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_sessions_at_all(tmp_path: Path) -> None:
    assert sessions.all_sessions(tmp_path) == []
    with pytest.raises(SessionNotFound, match="stepscope demo"):
        sessions.find("last", tmp_path)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc", "-rf", "a\nb", "a\0b", "x" * 97, ".hidden"])
def test_the_name_of_a_run_can_not_leave_the_session(folder: SessionFolder, name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a run"):
        folder.run_log(name)


@given(name=st.text(max_size=120))
def test_whatever_is_accepted_as_a_run_lies_in_its_folder(name: str) -> None:
    folder = SessionFolder(Path("/home/sessions/x"))
    try:
        log = folder.run_log(name)
    except ValueError:
        return
    assert Path(os.path.normpath(log)).parent.parent == folder.runs


# --- session.json ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"null", b"[1]", b"\0" * 100, b'{"session":"x"}', b"[" * 100_000, b"\xff\xfe", b"9" * 5000],
)
def test_a_damaged_manifest_is_said_in_one_line(folder: SessionFolder, damage: bytes) -> None:
    folder.manifest_file.write_bytes(damage)
    with pytest.raises(SessionUnreadable) as caught:
        folder.manifest()
    assert folder.id in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", range(0, 600, 37))
def test_a_manifest_cut_short_is_damaged(folder: SessionFolder, size: int) -> None:
    folder.manifest_file.write_bytes(folder.manifest_file.read_bytes()[:size])
    with pytest.raises(SessionUnreadable):
        folder.manifest()


def test_a_manifest_that_asks_for_nothing_is_damaged(folder: SessionFolder) -> None:
    document = json.loads(folder.manifest_file.read_bytes())
    document["request"] |= {"cases": [], "runs": []}
    folder.manifest_file.write_text(json.dumps(document))
    with pytest.raises(SessionUnreadable, match="it asks for nothing"):
        folder.manifest()


@pytest.mark.parametrize("changed", [{"name": "../../../etc/passwd"}, {"name": ""}, {"case": "another"}])
def test_a_manifest_whose_runs_lead_elsewhere_is_damaged(folder: SessionFolder, changed: dict[str, str]) -> None:
    document = json.loads(folder.manifest_file.read_bytes())
    document["request"]["runs"][0] |= changed
    folder.manifest_file.write_text(json.dumps(document))
    with pytest.raises(SessionUnreadable, match="is no run of it"):
        folder.manifest()


@pytest.mark.parametrize("name", ["../../elsewhere", "/tmp", "..", ".", "", "a/b", "a\x00b"])
def test_a_manifest_whose_cases_lead_elsewhere_is_damaged(folder: SessionFolder, name: str) -> None:
    """A case's compile cache is a folder of its name."""
    document = json.loads(folder.manifest_file.read_bytes())
    for run in document["request"]["runs"]:
        run["case"] = name
    for case in document["request"]["cases"]:
        case["name"] = name
    folder.manifest_file.write_text(json.dumps(document))
    with pytest.raises(SessionUnreadable, match="is no name of a case"):
        folder.manifest()


def test_a_manifest_of_a_later_version_asks_for_an_upgrade(folder: SessionFolder) -> None:
    rewrite(folder, schema=2, new_field=[1])
    with pytest.raises(SessionUnreadable, match="upgrade"):
        folder.manifest()


def test_fields_that_this_version_does_not_know_are_no_damage(folder: SessionFolder, asked: Request) -> None:
    rewrite(folder, new_field={"a": 1})
    assert folder.manifest().request == asked


@pytest.mark.parametrize("what", ["missing", "folder", "fifo", "symlink", "huge"])
def test_a_manifest_that_is_no_plain_file_is_unreadable(folder: SessionFolder, tmp_path: Path, what: str) -> None:
    file = folder.manifest_file
    content = file.read_bytes()
    file.unlink()
    if what == "folder":
        file.mkdir()
    elif what == "fifo":
        os.mkfifo(file)
    elif what == "symlink":
        (tmp_path / "real").write_bytes(content)
        file.symlink_to(tmp_path / "real")
    elif what == "huge":
        file.touch()
        os.truncate(file, 1 << 30)
    with pytest.raises(SessionUnreadable):
        folder.manifest()


def test_a_damaged_session_is_still_listed(folder: SessionFolder, tmp_path: Path) -> None:
    folder.manifest_file.unlink()
    assert [found.id for found in sessions.all_sessions(tmp_path)] == [folder.id]


# --- who is alive ---------------------------------------------------------------------------------------------------


def aged(manifest: Manifest, seconds: float) -> Manifest:
    return msgspec.structs.replace(manifest, created_wall_ns=time.time_ns() - int(seconds * 1e9))


def test_the_life_of_a_session(folder: SessionFolder) -> None:
    manifest = folder.manifest()
    assert folder.liveness(manifest) is Liveness.STARTING
    assert folder.liveness(aged(manifest, sessions.STARTING_SECONDS + 1)) is Liveness.GONE
    assert folder.liveness(aged(manifest, -3600)) is Liveness.GONE  # the wall clock was set back
    log = EventLog(folder.conductor_log)
    assert folder.liveness(manifest) is Liveness.ALIVE
    log.write(ev.Header(writer="conductor"))
    log.close()
    assert folder.liveness(manifest) is Liveness.GONE


def test_a_conductor_that_takes_over_while_one_looks_is_never_taken_for_gone(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = folder.manifest()
    folder.conductor_log.touch()  # it has lost the processor between the log and its lock
    assert folder.liveness(manifest) is Liveness.STARTING
    folder.conductor_log.unlink()
    logs: list[EventLog] = []

    def asked(path: Path) -> bool:
        locked = is_locked(path)
        if not logs:  # and the one who looks has lost it right after asking
            logs.append(EventLog(path))
            logs[0].write(ev.Header(writer="conductor"))
        return locked

    monkeypatch.setattr(sessions, "is_locked", asked)
    assert folder.liveness(manifest) is Liveness.ALIVE


@pytest.mark.parametrize("elsewhere", [{"host": "another"}, {"boot_id": "another"}])
def test_a_session_of_another_host_or_boot_is_a_copied_one(folder: SessionFolder, elsewhere: dict[str, str]) -> None:
    with_lock = EventLog(folder.conductor_log)
    assert folder.liveness(msgspec.structs.replace(folder.manifest(), **elsewhere)) is Liveness.COPIED
    with_lock.close()


# --- control and removal --------------------------------------------------------------------------------------------


def test_a_command_is_one_whole_file(folder: SessionFolder) -> None:
    sessions.send(folder, "skip", "001-x")
    sessions.send(folder, "stop")
    found = sorted(folder.control.iterdir())
    assert all(file.suffix == ".json" and not file.name.startswith(".") for file in found)
    commands = [msgspec.json.decode(file.read_bytes(), type=sessions.ControlFile) for file in found]
    assert [(command.command, command.run) for command in commands] == [("skip", "001-x"), ("stop", None)]
    assert all(command.pid == os.getpid() for command in commands)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    sessions.write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sessions.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        sessions.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_live_session_is_not_removed(folder: SessionFolder) -> None:
    with pytest.raises(RuntimeError, match="stepscope stop"):
        sessions.remove(folder)  # starting
    log = EventLog(folder.conductor_log)
    with pytest.raises(RuntimeError, match="is running"):
        sessions.remove(folder)
    folder.manifest_file.write_bytes(b"damaged")
    with pytest.raises(RuntimeError, match="is running"):
        sessions.remove(folder)
    log.close()
    sessions.remove(folder)
    assert list(folder.path.parent.iterdir()) == []


def test_a_removal_does_not_follow_links(tmp_path: Path, asked: Request) -> None:
    folder = make_folder(asked, tmp_path, "done-x", here=False)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("kept")
    (folder.runs / "001-x").symlink_to(tmp_path / "precious")
    sessions.remove(folder)
    assert (tmp_path / "precious" / "file").read_text() == "kept"


def test_a_link_to_a_session_is_left_as_it_is(folder: SessionFolder, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder.path)
    with pytest.raises(OSError, match="remove the link itself"):
        sessions.discard(SessionFolder(link))
    assert link.is_symlink() and folder.manifest_file.exists()
    assert list(tmp_path.glob(".removed*")) == []
