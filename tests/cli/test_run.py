"""``run``: what its options become, files, and refusals before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from profiler import conductor, devices, sessions
from profiler.request import BadRequest, Request
from tui.cli import main
from tui.commands.run import run_command
from tui.commands.run_options import parsed
from tui.settings import Settings

SD = "sd15-txt2img"
ASKED = """
    sd15-img2img --variant compile --batch-size 2 --steps 7 --strength 0.5 --scheduler DDIM
    --attention vanilla --memory-format contiguous --vae-slicing --vae-tiling --vae tiny
    --offload model --layerwise-casting float8_e5m2 --device cuda:0 --scenario batch-sweep
    --call clip_skip=2 --call eta=0.5 --compile-mode max-autotune --recompile-limit 32
    --inductor-option max_autotune=true --memory-limit 10 --no-queue --max-time 60
"""


@pytest.fixture
def unstarted(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No profiler starts; what would be run on is a GPU where one is asked for."""
    monkeypatch.setattr(conductor, "start", lambda folder: 1)
    monkeypatch.setattr(devices, "choose", lambda given: given or "cpu")


def requested(own_home: Path, *arguments: str) -> Request:
    """The request that ``run`` with these arguments stores."""
    assert main(["run", *arguments, "--detach"]) == 0
    (folder,) = sessions.all_sessions(own_home)
    return folder.manifest().request


@pytest.mark.usefixtures("unstarted")
def test_options_become_the_request(own_home: Path) -> None:
    request = requested(own_home, *ASKED.split())
    (case,) = request.cases
    workload, compilation = case.workload, case.compilation
    assert (workload.batch_size, workload.steps, workload.strength) == (2, 7, 0.5)
    assert (workload.scheduler, workload.attention, workload.vae) == ("DDIMScheduler", "vanilla", "tiny")
    assert (workload.vae_slicing, workload.vae_tiling, workload.offload) == (True, True, "model")
    assert (workload.memory_format, workload.layerwise_casting) == ("contiguous", "float8_e5m2")
    assert (workload.scenario, workload.call) == ("batch-sweep", {"clip_skip": 2, "eta": 0.5})
    assert (compilation.mode, compilation.recompile_limit) == ("max-autotune", 32)
    assert compilation.options == {"max_autotune": True}
    assert (request.device, request.memory_limit_gib) == ("cuda:0", 10.0)
    assert (request.queue, request.max_time_s) == (False, 60.0)


@pytest.mark.usefixtures("unstarted")
def test_what_is_given_beside_a_file_replaces_its_keys(own_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text(f'pipeline = "{SD}"\nqueue = false\nrepeats = 2\nsize = "tiny"\nsteps = [2, 3]\n')
    request = requested(own_home, "--file", str(file), "--repeats", "1", "--variant", "no-compile")
    assert (request.repeats, request.queue, len(request.cases)) == (1, False, 2)
    assert {case.workload.size for case in request.cases} == {"tiny"}


@pytest.mark.usefixtures("unstarted")
def test_a_files_pipeline_may_be_given_beside_it(own_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text("steps = 3")
    assert requested(own_home, "sdxl-txt2img", "--file", str(file)).cases[0].workload.steps == 3


def test_a_file_is_refused_with_its_line(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bench.toml").write_text(f'pipeline = "{SD}"\n\nhight = 512\n')
    assert main(["run", "--file", "bench.toml"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "stepscope: bench.toml:3: unknown key 'hight', did you mean 'height'?\n")
    Path("bench.toml").write_text(f'pipeline = "{SD}"\ndevice = "gpu"\n')
    assert main(["run", "--file", "bench.toml"]) == 2
    assert capsys.readouterr().err.startswith("stepscope: bench.toml:2: device must be cpu or cuda:N")
    assert not (own_home / "sessions").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (f"{SD} --call height", "no NAME=VALUE"),
        (f"{SD} --call a=1 --call a=2", "a is given twice"),
        (f"{SD} --call height=8", "--height"),
        (f"{SD} --inductor-option =1", "no NAME=VALUE"),
        (f"{SD} --scheduler DDI", "did you mean 'DDIM'?"),
        (f"{SD} --scheduler euler", "did you mean 'EulerDiscrete'?"),
        (f"{SD} --scheduler DPM", "did you mean 'DPMSolverMultistep'?"),
        (f"{SD} --find-max-batch --device cpu", "--memory-limit"),
        (f"{SD} --weights hub --size tiny", "--size full"),
        ("./nowhere", "there is no folder ./nowhere"),
        ("nowhere.py:make", "there is no file nowhere.py"),
        ("--file nowhere.toml", "there is no file nowhere.toml"),
        ("--steps 2", "PIPELINE"),
    ],
)
def test_bad_input_is_one_line_and_makes_nothing(
    arguments: str, words: str, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and words in err
    assert not (own_home / "sessions").exists()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("0.5", 0.5),
        ("true", True),
        ("False", False),
        ("None", None),
        ("[1, 2]", [1, 2]),
        ('"1"', "1"),
        ("a cat", "a cat"),
        ("", ""),
        ("NaN", "NaN"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_values_are_read_as_json_or_text(text: str, value: Any) -> None:
    found = parsed(text)
    assert found == value and type(found) is type(value)


def test_help_prints_the_default_of_every_option_by_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    out = capsys.readouterr().out
    for group in ("What is compared", "Every call", "How the pipeline is built", "torch.compile", "The session"):
        assert f"\n{group}:\n" in out
    for option in run_command.params:
        if not isinstance(option, click.Option):
            continue
        assert option.opts[0] in out
        assert option.is_flag or option.show_default or option.default is not None, option.opts


@pytest.mark.usefixtures("unstarted")
def test_what_was_resolved_is_told_in_two_lines(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.support import recorded
    from tui.commands import run

    state = recorded.finished().write(own_home / "other")
    follower = run.open_session(state)
    monkeypatch.setattr(run, "follow_plainly", lambda follower, **_: follower.read_all())
    monkeypatch.setattr(run, "open_session", lambda folder: follower)
    main(["run", SD, "--size", "tiny", "--repeats", "1", "--headless"])
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.startswith("session ") and first.endswith(": 3 cases, 3 runs on cpu")
    assert SD in second and "tiny" in second


@pytest.mark.usefixtures("unstarted")
@pytest.mark.parametrize("command", [["run", SD, "--size", "tiny", "--repeats", "1"], ["demo", "--device", "cpu"]])
@pytest.mark.parametrize("plain", [False, True])
def test_plain_lines_are_chosen_on_a_terminal_too(
    command: list[str],
    plain: bool,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tests.support import recorded
    from tui.commands import run, watch

    follower = run.open_session(recorded.finished().write(own_home / "other"))
    monkeypatch.setattr(run, "open_session", lambda folder: follower)
    monkeypatch.setattr(run, "on_terminal", lambda: True)
    shown: list[Settings] = []
    monkeypatch.setattr(watch, "show_app", lambda root, folder, settings: shown.append(settings))
    assert main([*command, "--color", "16", *(["--plain"] if plain else [])]) == 0
    out = capsys.readouterr().out
    assert [settings.colour for settings in shown] == ([] if plain else ["16"])
    assert ("compile, speed: runs 1/1, it/s" in out) is plain  # the tables are read aloud


def test_a_device_that_cannot_be_had_is_refused(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(given: str | None) -> str:
        raise BadRequest("cuda:0 can't be used: no NVIDIA driver is loaded; --device cpu would work")

    monkeypatch.setattr(devices, "choose", refuse)
    assert main(["run", SD]) == 2
    assert capsys.readouterr().err.endswith("--device cpu would work\n")
