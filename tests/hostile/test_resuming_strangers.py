"""A session that somebody else made, taken up here: none of its files are run, and nothing it names is used unasked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from profiler import caches, sessions
from profiler import events as ev
from profiler.conductor import CannotStart
from profiler.request import Case, Leg
from profiler.request.stored import asked_of
from profiler.resume import CannotResume, find_debt, take_up
from profiler.sessions import SessionFolder
from profiler.worker.device import DeviceLock, DeviceUnavailable
from tests.conductor.support import begin, conduct, make
from tests.support import recorded
from tests.support.resuming import names
from tui import managing
from tui.cli import main

BOMB = b"cos\nsystem\n(S'touch owned'\ntR."


def plant(folder: SessionFolder) -> list[Path]:
    """Caches of every case as a compiler would find them, with something to unpickle and something to load."""
    planted: list[Path] = []
    for case in folder.manifest().request.cases:
        for name in caches.FOLDERS.values():
            path = folder.path / "cache" / case.name / name / "fxgraph" / "ab" / "entry"
            path.parent.mkdir(parents=True)
            path.write_bytes(BOMB)
            planted.append(path)
    return planted


def half_done(home: Path, *, here: bool, session: str = "half-sd15-txt2img") -> SessionFolder:
    """Two of three runs are ok; the log says that both started cold, so their caches would be kept."""
    recording = recorded.live(seconds=5, session=session)
    return recording.write(home, until_ns=recording.live_ns, here=here)


def taken_up(folder: SessionFolder) -> None:
    take_up(folder, find_debt(folder), now_wall_ns=2 * 10**18, now_ns=10**9)


# --- caches -----------------------------------------------------------------------------------------------------------


def test_the_compile_cache_of_a_session_from_elsewhere_is_not_used(tmp_path: Path, own_home: Path) -> None:
    folder = half_done(own_home, here=False)
    planted = plant(folder)
    assert not find_debt(folder).own
    taken_up(folder)
    assert not any(path.exists() for path in planted) and not (folder.path / "cache").exists()
    # And one that only says that it was made here, in a folder which is none of ours.
    folder = half_done(tmp_path, here=True)
    planted = plant(folder)
    assert not find_debt(folder).own
    taken_up(folder)
    assert not any(path.exists() for path in planted)


@pytest.mark.parametrize("gone", [False, True], ids=["beside it", "in the place of the one that is gone"])
def test_a_copy_that_names_this_machine_and_lies_at_home_is_no_own_one(own_home: Path, gone: bool) -> None:
    """Who was given a session knows its host, its boot and its id: what he gives back may be another."""
    folder = make(own_home, runs=2)
    conduct(folder, "ok,wordless")
    planted = plant(folder)
    copy = SessionFolder(folder.path.with_name("copy-of-it"))
    shutil.copytree(folder.path, copy.path)
    if gone:
        sessions.remove(folder)
        copy = SessionFolder(copy.path.rename(folder.path))
    planted = [copy.path / path.relative_to(folder.path) for path in planted]
    assert not find_debt(copy).own
    taken_up(copy)
    assert not any(path.exists() for path in planted)
    assert find_debt(copy).own  # from then on


def test_the_profiler_process_starts_cold_what_a_stranger_calls_warm(own_home: Path) -> None:
    folder = half_done(own_home, here=False)
    planted = plant(folder)
    events = conduct(folder, "ok", resumes=True)
    begun = [event for event in events if isinstance(event, ev.RunChanged) and event.state == "running"]
    assert begun[-1].run == names(folder)[2] and begun[-1].cold
    assert not any(path.exists() for path in planted)


def test_the_compile_cache_of_ones_own_session_stays_where_its_cases_have_started_cold(own_home: Path) -> None:
    folder = make(own_home, runs=2)
    conduct(folder, "ok,wordless")
    planted = plant(folder)
    debt = find_debt(folder)
    assert debt.own and [run.repeat for run in debt.runs] == [2]
    taken_up(folder)
    assert all(path.exists() for path in planted)


def test_a_cache_that_is_a_link_is_removed_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("kept")
    for path in (tmp_path / "cache", tmp_path / "other" / "cache" / "case"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(elsewhere)
    caches.discard_all(tmp_path)
    caches.discard(tmp_path / "other", "case", "cold")
    assert not (tmp_path / "cache").is_symlink() and not list((tmp_path / "other" / "cache").iterdir())
    assert (elsewhere / "precious").read_text() == "kept"


def test_caches_are_made_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = caches.make(tmp_path / "home" / "cache" / "case")
        assert caches.make(tmp_path / "home" / "cache" / "case") == made
    finally:
        os.umask(before)
    above = [tmp_path / "home" / "cache", tmp_path / "home" / "cache" / "case"]
    assert {path.stat().st_mode & 0o777 for path in (*made.values(), *above)} == {0o700}


@pytest.mark.parametrize("which", ["cache", "cache/case", "cache/case/inductor"])
def test_a_cache_that_others_can_write_or_that_leads_elsewhere_is_refused(tmp_path: Path, which: str) -> None:
    caches.make(tmp_path / "cache" / "case")
    path = tmp_path / which
    path.chmod(0o770)
    with pytest.raises(PermissionError, match="somebody else could write what would be run from this cache"):
        caches.make(tmp_path / "cache" / "case")
    shutil.rmtree(path)
    (tmp_path / "elsewhere").mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="must be a folder, and no link"):
        caches.make(tmp_path / "cache" / "case")
    assert not list((tmp_path / "elsewhere").iterdir())


# --- what is written -------------------------------------------------------------------------------------------------


def test_what_processes_print_is_not_appended_behind_a_link(own_home: Path, tmp_path: Path) -> None:
    """A copied session's conductor.log may lead to a file that a shell reads."""
    folder = half_done(own_home, here=False)
    (tmp_path / "profile").write_text("mine\n")
    folder.conductor_output.unlink(missing_ok=True)
    folder.conductor_output.symlink_to(tmp_path / "profile")
    with pytest.raises(CannotStart, match="can't be started"):
        begin(folder, "ok", resumes=True)
    assert (tmp_path / "profile").read_text() == "mine\n"


def test_a_lock_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "cpu.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        DeviceLock(tmp_path, "cpu", "mine")
    assert (tmp_path / "elsewhere").read_text() == "mine"


# --- what its request names -------------------------------------------------------------------------------------------


def case_with(options: dict[str, object] | None = None, **workload: object) -> Case:
    case = recorded.request(device="cpu").cases[1]
    compilation = msgspec.structs.replace(case.compilation, options=options or {})
    return msgspec.structs.replace(
        case, compilation=compilation, workload=msgspec.structs.replace(case.workload, **workload)
    )


@pytest.mark.parametrize(
    ("case", "named"),
    [
        (case_with(), []),
        (case_with(origin="org/name", weights="hub", vae="tiny"), []),
        (case_with({"max_autotune": True, "compile_threads": 4, "x": 0.5, "y": None}), []),
        (case_with({"cpp.cxx": "/tmp/evil"}), ["the inductor option cpp.cxx"]),
        (case_with({"cpp.cxx": ["/tmp/evil"]}), ["the inductor option cpp.cxx"]),
        (case_with(origin="/x/mine.py:build", weights="factory"), ["/x/mine.py:build"]),
        (case_with(origin="/x/model", weights="/x/model"), ["/x/model"]),
        (case_with(weights="/x/model", vae="/x/vae"), ["/x/model", "/x/vae"]),
        (case_with(attention="flash_hub"), ["the kernels of flash_hub"]),
        (case_with(call={"image": "@/home/me/letter.png", "n": 3}), ["/home/me/letter.png"]),
        (case_with(legs=(Leg(name="x", changes={"call": {"image": "@/dev/zero"}}),)), ["/dev/zero"]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else "",
)
def test_what_a_session_names_of_this_machine(tmp_path: Path, own_home: Path, case: Case, named: list[str]) -> None:
    assert asked_of(case) == named
    request = recorded.request(device="cpu")
    request = msgspec.structs.replace(request, cases=[request.cases[0], case, request.cases[2]])
    assert find_debt(recorded.make_folder(request, tmp_path, "from-elsewhere", here=False)).foreign_code == named
    assert find_debt(begun(request, own_home)).foreign_code == []


def test_what_owes_nothing_yet_is_asked_about_too(own_home: Path) -> None:
    """Once it was taken up, the session is this user's own, and 'resume --failed' asks no more."""
    recording = recorded.live(seconds=5, session="from-elsewhere")
    folder = recording.write(own_home, until_ns=recording.live_ns, here=False)
    manifest = folder.manifest()
    owed = {run.case for run in find_debt(folder).runs}
    cases = [
        case if case.name in owed else msgspec.structs.replace(case, workload=case_with(vae="/x/vae").workload)
        for case in manifest.request.cases
    ]
    asked = msgspec.structs.replace(manifest.request, cases=cases)
    assert len(owed) < len(cases)
    sessions.write_manifest(folder, msgspec.structs.replace(manifest, request=asked))
    assert find_debt(folder).foreign_code == ["/x/vae"]


def begun(request: sessions.Request, home: Path) -> SessionFolder:
    """One of this user's own whose profiler process has died."""
    folder = sessions.create(request, "0.1.0", home)
    folder.conductor_log.write_bytes(b"\n")
    return folder


def test_the_command_and_the_screen_name_what_a_session_asks_for(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = recorded.request(device="cpu")
    case = case_with({"cpp.cxx": "/tmp/evil"}, call={"image": "@/home/me/\x1b[2Jletter.png"})
    request = msgspec.structs.replace(request, cases=[request.cases[0], case, request.cases[2]])
    folder = recorded.make_folder(request, own_home, "from-elsewhere", here=False)
    assert main(["resume", folder.id, "--headless"]) == 2
    said = capsys.readouterr().err
    assert "the inductor option cpp.cxx" in said and "letter.png" in said and "--run-code allows that" in said
    assert "\x1b" not in said and len(said.splitlines()) == 1
    question = managing.plan_resume([folder]).question
    assert question.startswith("use /home/me/") and "\x1b" not in question


# --- what can't be run ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["../../x", "/tmp/x", "cuda:0/../x", ".", "", "cpu\n", "x" * 5000])
def test_a_device_is_no_path(own_home: Path, tmp_path: Path, device: str) -> None:
    folder = half_done(own_home, here=False)
    manifest = folder.manifest()
    asked = msgspec.structs.replace(manifest.request, device=device)
    sessions.write_manifest(folder, msgspec.structs.replace(manifest, request=asked))
    before = folder.conductor_log.read_bytes()
    with pytest.raises(CannotResume, match=r"can't be resumed: device must be cpu or cuda:N") as caught:
        find_debt(folder)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300
    assert main(["resume", folder.id, "--headless"]) == 1
    assert folder.conductor_log.read_bytes() == before
    locks = tmp_path / "locks"
    locks.mkdir()
    with pytest.raises(DeviceUnavailable, match="is no device"):
        DeviceLock(locks, device, "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["locks"] and not list(locks.iterdir())


def test_the_profiler_process_looks_itself(own_home: Path) -> None:
    """Whatever the command was told: what is in the folder may have changed since."""
    folder = half_done(own_home, here=False)
    manifest = folder.manifest()
    case, *others = manifest.request.cases
    case = msgspec.structs.replace(case, workload=msgspec.structs.replace(case.workload, calls=10**5))
    asked = msgspec.structs.replace(manifest.request, cases=[case, *others])
    sessions.write_manifest(folder, msgspec.structs.replace(manifest, request=asked))
    with pytest.raises(CannotStart, match="calls must be from 1 to 10000, not 100000"):
        begin(folder, "ok", resumes=True)
    assert folder.run(names(folder)[2]).is_dir()  # nothing was moved
