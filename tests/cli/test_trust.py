"""``--allow-pickle`` and ``--trust-remote-code``: of the command line alone, as far as the worker, and nowhere kept."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from profiler import conductor, devices, sessions
from profiler.conductor.start import start
from profiler.request import Options, Request, resolve
from profiler.trust import NOTHING, Trust, trust_of
from tests.conductor.support import ROOT, conduct, eventually, finish, make
from tui.cli import main

FLAGS = ["--allow-pickle", "--trust-remote-code"]
WORDS = ("pickle", "remote", "trust")


CONDUCT = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
from profiler.conductor.main import main

def command(role, *arguments):
    with open(sys.argv[1] + "/commands", "a") as file:
        file.write(json.dumps([role, *arguments]) + "\\n")
    return ["true"]

sys.exit(main(*sys.argv[1:], command=command))
"""


@pytest.fixture
def started(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What profiler processes are started with, none of which is."""
    found: list[tuple[str, ...]] = []

    def begin(_folder: object, *arguments: str, failed: bool = False) -> int:
        found.append(arguments)
        return 1

    monkeypatch.setattr(conductor, "start", begin)
    monkeypatch.setattr(conductor, "resume", begin)
    monkeypatch.setattr(devices, "choose", lambda given: given or "cpu")
    return found


def pipeline(folder: Path, **index: object) -> Path:
    (folder / "unet").mkdir(parents=True)
    whole = {"_class_name": "DDPMPipeline", "unet": ["diffusers", "UNet2DModel"], **index}
    (folder / "model_index.json").write_text(json.dumps(whole))
    return folder


@pytest.fixture
def pickled(tmp_path: Path) -> Path:
    folder = pipeline(tmp_path / "old")
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"")
    return folder


@pytest.fixture
def coded(tmp_path: Path) -> Path:
    folder = pipeline(tmp_path / "own", _class_name=["pipeline", "Mine"], unet=["mine", "Mine"])
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    return folder


def test_each_opens_its_own_door_and_is_nowhere_kept(
    started: list[tuple[str, ...]], own_home: Path, pickled: Path, coded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, flag, other in ((pickled, *FLAGS), (coded, *reversed(FLAGS))):
        for without in ([], [other]):
            assert main(["run", str(folder), "--detach", *without]) == 2
            err = capsys.readouterr().err
            assert flag in err
            assert err.count("\n") == 1
        assert main(["run", str(folder), "--detach", flag]) == 0
        assert started.pop() == (flag,)
    (bench := pickled.parent / "bench.toml").write_text(f'pipeline = "{pickled}"\n')
    assert main(["run", "--file", str(bench), "--detach"]) == 2
    assert f"bench.toml:1: {pickled} holds pickled weights only" in capsys.readouterr().err
    assert main(["run", "--file", str(bench), "--detach", *FLAGS]) == 0
    assert started.pop() == tuple(FLAGS)
    found = list(sessions.all_sessions(own_home))
    assert len(found) == 3
    for folder in found:
        text = folder.manifest_file.read_text().replace(str(pickled.parent), "")
        assert not [word for word in WORDS if word in text]
    assert main(["demo", "--detach"]) == 0
    assert started == [()]


def test_the_vae_of_another_folder(
    started: list[tuple[str, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("{}")
    asked = ["run", "sd15-txt2img", "--vae", str(tmp_path), "--detach"]
    assert main([*asked, "--allow-pickle"]) == 2
    assert "holds no weights: a .safetensors file is needed" in capsys.readouterr().err
    (tmp_path / "diffusion_pytorch_model.bin").write_bytes(b"")
    assert main(asked) == 2
    assert "(--allow-pickle loads the pickled ones)" in capsys.readouterr().err
    assert main([*asked, "--allow-pickle"]) == 0
    assert started == [("--allow-pickle",)]


def test_what_a_disk_holds_says_nothing(
    started: list[tuple[str, ...]],
    own_home: Path,
    pickled: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not a session's request, not the configuration, not the environment."""
    folder = make(own_home)
    conduct(folder, "wordless")
    manifest = json.loads(folder.manifest_file.read_text())
    for said in (manifest, manifest["request"], *manifest["request"]["cases"]):
        said |= {"allow_pickle": True, "trust_remote_code": True, "trust": {"pickle": True, "remote_code": True}}
    manifest["request"]["cases"][0]["workload"] |= {"allow_pickle": True, "trust_remote_code": True}
    folder.manifest_file.write_text(json.dumps(manifest))
    for name in ("ALLOW_PICKLE", "TRUST_REMOTE_CODE", "STEPSCOPE_ALLOW_PICKLE", "STEPSCOPE_TRUST_REMOTE_CODE"):
        monkeypatch.setenv(name, "1")
    assert main(["resume", folder.id, "--detach"]) == 0
    assert main(["resume", folder.id, "--detach", "--trust-remote-code"]) == 0
    assert started == [(), ("--trust-remote-code",)]
    config = pickled.parent / "config.toml"
    config.write_text("allow-pickle = true\n[run]\nallow_pickle = true\n")
    monkeypatch.setenv("STEPSCOPE_CONFIG", str(config))
    assert main(["run", str(pickled), "--detach"]) == 2
    assert "no setting is called 'allow-pickle'" in capsys.readouterr().err
    assert len(started) == 2


def test_a_session_that_was_allowed_more_is_resumed_with_the_word_alone(
    started: list[tuple[str, ...]], own_home: Path, pickled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(pickled), "--detach", "--allow-pickle"]) == 0
    (folder,) = sessions.all_sessions(own_home)
    started.clear()
    finish(folder, start(folder, command=lambda _role, *told: [sys.executable, "-c", CONDUCT, *told]))
    assert main(["resume", folder.id, "--detach"]) == 2
    assert "or --allow-pickle loads them as they are" in capsys.readouterr().err
    assert main(["resume", folder.id, "--detach", "--allow-pickle"]) == 0
    assert started == [("--allow-pickle",)]


@pytest.mark.parametrize("arguments", [[], FLAGS[:1], FLAGS])
def test_the_worker_is_told_what_the_conductor_was(own_home: Path, arguments: list[str]) -> None:
    folder = make(own_home, runs=2)
    start(folder, *arguments, command=lambda _role, *told: [sys.executable, "-c", CONDUCT, *told])
    commands = folder.path / "commands"
    eventually(lambda: commands.exists() and commands.read_text().count("\n") == 2, "both workers")
    told = [json.loads(line) for line in commands.read_text().splitlines()]
    assert [one[3:] for one in told] == [arguments, arguments]
    assert trust_of(told[0]) == trust_of(arguments)


def test_what_arguments_allow() -> None:
    assert NOTHING == Trust(False, False) == trust_of(["resume", "failed", "pickle", "allow-pickle", "1"])
    for trust in (NOTHING, Trust(pickle=True), Trust(remote_code=True), Trust(True, True)):
        assert trust_of(["resume", *trust.arguments]) == trust
    assert [NOTHING.use_safetensors, Trust(pickle=True).use_safetensors] == [True, None]


def test_help_says_what_they_do_and_risk(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "resume"):
        assert main([command, "--help"]) == 0
        text = " ".join(capsys.readouterr().out.split())
        for said in ("only weights of those whom you trust", "It can do whatever you can: read it before"):
            assert said in text, command


def test_like_another_session_drops_them(started: list[tuple[str, ...]], own_home: Path, pickled: Path) -> None:
    """New, filled in with a session that was allowed more: the form shows what would have to be allowed."""
    from tui.asking import NewSource

    assert main(["run", str(pickled), "--detach", "--allow-pickle"]) == 0
    (folder,) = sessions.all_sessions(own_home)
    begun: list[object] = []
    conducting: Callable[[object], int] = lambda folder: begun.append(folder) or 1  # noqa: E731
    source = NewSource(own_home, choose=lambda given: given or "cpu", conduct=conducting, has_torch=lambda: True)
    form, _ = source.fill(folder)
    source.look(form)
    picture = source.turn().picture
    assert picture is not None
    assert "--allow-pickle" in picture.fault
    assert "--allow-pickle" in source.start(form).why
    assert begun == []


def test_a_request_is_the_same_with_and_without() -> None:
    options = {"pipeline": "sd15-txt2img", "size": "tiny"}
    plain: Request = resolve(Options(**options), "cpu")
    assert plain == resolve(Options(**options, allow_pickle=True, trust_remote_code=True), "cpu")
