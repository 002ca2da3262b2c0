"""Files of what to run: the matrix, what the command line replaces, and refusals with their line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.request import BadRequest, Options, Request, positions, resolve_all
from profiler.request.file import Bench
from profiler.request.keys import KEYS
from profiler.request.options import UNREMEMBERED
from profiler.request.positions import line_of
from profiler.trust import Trust

SDXL = """\
pipeline = "sdxl-txt2img"
batch-size = 4
engine = ["diffusers", "accelerate"]
dtype = ["float16", "float32"]
scheduler = ["EulerDiscrete", "DPMSolverMultistep"]
attention = ["sdpa", "vanilla"]
picture = ["1024x1024", "1152x896"]
"""


def here(device: str | None) -> str:
    return device or "cpu"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bench.toml"


def read(file: Path, text: str, pipeline: str | None = None, **over: object) -> Request:
    file.write_text(text)
    return Bench(str(file), pipeline, over).resolve(here)


def test_the_whole_matrix_of_sdxl_takes_ten_lines_at_most(file: Path) -> None:
    assert len(SDXL.splitlines()) <= 10
    request = read(file, SDXL)
    assert len(request.cases) == 2 * 2 * 2 * 2 * 4
    assert len({case.name for case in request.cases}) == len(request.cases)
    assert {case.workload.batch_size for case in request.cases} == {4}


def test_a_file_says_what_the_options_say(file: Path) -> None:
    found = read(
        file,
        """
        device = "cpu"
        repeats = 2
        max-time = 60
        queue = false
        pipeline = "sd15-img2img"
        variant = "compile"
        batch-size = [1, 2]
        strength = 0.5
        compile-mode = "max-autotune"
        dynamic = true
        seed = 7
        call = {clip_skip = 1}
        inductor-options = {max_autotune = true}
        """,
    )
    options = Options(
        pipeline="sd15-img2img",
        variants=["compile"],
        batch_sizes=[1, 2],
        strength=0.5,
        mode="max-autotune",
        dynamic=True,
        seed=7,
        call={"clip_skip": 1},
        inductor_options={"max_autotune": True},
        repeats=2,
        max_time_s=60.0,
        queue=False,
    )
    assert found == resolve_all([options], "cpu")


def test_tables_add_cases_and_override_what_is_above(file: Path) -> None:
    request = read(
        file,
        """
        variant = "no-compile"
        steps = 5
        height = 512
        [[case]]
        pipeline = "sd15-txt2img"
        picture = "768x256"
        [[case]]
        pipeline = "sdxl-txt2img"
        steps = [2, 3]
        """,
    )
    found = [(case.workload.pipeline, case.workload.steps, case.workload.height) for case in request.cases]
    assert found == [("sd15-txt2img", 5, 256), ("sdxl-txt2img", 2, 512), ("sdxl-txt2img", 3, 512)]


def test_a_list_of_calls_is_a_scenario(file: Path) -> None:
    request = read(
        file,
        """
        pipeline = "sd15-txt2img"
        [[call]]
        [[call]]
        picture = "256x512"
        calls = 2
        [[call]]
        name = "two"
        batch-size = 2
        call = {clip_skip = 1}
        """,
    )
    workload = request.cases[0].workload
    assert workload.scenario == "custom"
    assert [(leg.name, leg.calls) for leg in workload.legs] == [("as it is", None), ("256x512", 2), ("two", None)]
    assert workload.legs[1].changes == {"width": 256, "height": 512}
    assert workload.legs[2].changes == {"batch_size": 2, "call": {"clip_skip": 1}}


def test_the_command_line_replaces_what_the_file_says(file: Path) -> None:
    request = read(file, SDXL, variants=("no-compile",), size="tiny", repeats=1, height=64)
    assert {case.compilation.variant for case in request.cases} == {"no-compile"}
    assert {case.workload.height for case in request.cases} == {64}
    assert {case.workload.size for case in request.cases} == {"tiny"} and request.repeats == 1


def test_the_pipeline_may_be_on_the_command_line(file: Path) -> None:
    assert read(file, "steps = 2", pipeline="sd15-txt2img").cases[0].workload.steps == 2


def test_the_device_is_the_command_lines_before_the_files(file: Path) -> None:
    file.write_text('pipeline = "sd15-txt2img"\ndevice = "cuda:1"')
    assert Bench(str(file)).resolve(here).device == "cuda:1"
    assert Bench(str(file)).resolve(here, "cpu").device == "cpu"


def test_paths_are_looked_for_from_the_files_folder(file: Path) -> None:
    (file.parent / "a.png").write_bytes(b"")
    request = read(file, 'pipeline = "sd15-img2img"\ncall = {image = "@a.png"}')
    assert request.cases[0].workload.call == {"image": f"@{file.parent / 'a.png'}"}
    with pytest.raises(BadRequest, match=r"bench\.toml:1: .*/nowhere"):
        read(file, 'pipeline = "./nowhere"')


SD = 'pipeline = "sd15-txt2img"\n'
BAD: list[tuple[str, int | None, str]] = [
    (SD + "\n# hight = 1\nhight = 512\n", 4, "unknown key 'hight', did you mean 'height'?"),
    (SD + '[[case]]\nsteps = 1\n[[case]]\nprompt = """\nhight = 1\n"""\nhight = 2\n', 8, "unknown key 'hight'"),
    (SD + "nothing-like-it = 1", 2, "there are: pipeline, variant"),
    (SD + "fail-on-recompile = true", 2, "no key of a file: give it as --fail-on-recompile"),
    (SD + "[run]\nsteps = 1", 2, "unknown key 'run'"),
    (SD + "[case]\nsteps = 1", 2, "two brackets each"),
    (SD + "case = [1]", 2, "two brackets each"),
    (SD + "\r\nsteps = \r\n", 3, "no valid TOML"),
    (SD + "steps = 1\nsteps = 2\n", 3, "no valid TOML"),
    (SD + 'prompt = """\nnever ends\n', 3, "at the end of the file"),
    (SD + 'steps = "many"', 2, "steps must be a whole number, not 'many'"),
    (SD + "steps = true", 2, "steps must be a whole number, not true"),
    (SD + "steps = 2.5", 2, "steps must be a whole number, not 2.5"),
    (SD + "steps = 99999999999999999999", 2, "too large"),
    (SD + "steps = [\n  1,\n  'x',\n]", 4, "steps must be a whole number"),
    (SD + "batch-size = [\n  # ]\n  1,\n\n  true, # ]\n]\nseed = 1", 6, "batch-size must be a whole number"),
    (SD + "dtype = []", 2, "at least one value"),
    (SD + "guidance = 'a'", 2, "guidance must be a number"),
    (SD + "fullgraph = 1", 2, "fullgraph must be true or false, not 1"),
    (SD + "prompt = 1979-05-27", 2, "prompt must be text"),
    (SD + "call = 1", 2, "call must be a table"),
    (SD + "call = [1]", 2, "call must be a table"),
    (SD + "call = []", 2, "at least one call"),
    (SD + "picture = 512", 2, 'like "768x512"'),
    (SD + "height = 512\npicture = '512x512'", 2, "drop one of them"),
    (SD + "repeats = [1, 2]", 2, "one value, not a list"),
    (SD + "device = ['cpu']", 2, "device must be text"),
    (SD + "[[case]]\nsteps = 1\nrepeats = 2", 4, "belongs at the top"),
    (SD + "steps = 1\nheight = [512,\n 513]\n", 4, "512 would work"),
    (SD + "[[case]]\nscheduler = [\n'DDIM',\n'DDI',\n]\n", 5, "did you mean 'DDIM'?"),
    (SD + "picture = [\n'512x512',\n'512x513',\n]\n", 4, "512 would work"),
    (SD + "[call]\neta = 0.5\nheight = 3\n", 4, "an option of its own"),
    (SD + "[call]\neta = 0.5\n'a b' = 3\n", 4, "can't be the name"),
    (SD + "[inductor-options]\na = 1\nb = nan\n", 4, "b must be a number"),
    (SD + "call = [\n {guidance = 1},\n {height = 3},\n]\n", 4, "height must be"),
    (SD + "call = [\n {},\n {frames = 3},\n]\n", 4, "makes no videos"),
    (SD + "steps = 1\npicture = '512x513'\n", 3, "512 would work"),
    (SD + "[[case]]\nheight = 512\n[[case]]\nwidth = 513\n", 5, "512 would work"),
    (SD + "[[case]]\n[[case]]\n\nscheduler = 'DDI'", 5, "did you mean 'DDIM'?"),
    (SD + "\ncompile-mode = 'max-autotune'\n[[case]]\n[[case]]\nbackend = 'eager'", 5, "inductor backend only"),
    (SD + "cache = 'hot'", 2, "there are: cold, warm, shared"),
    (SD + "max-time = 0", 2, "above 0"),
    (SD + "find-max-batch = true", 2, "--memory-limit"),
    (SD + "scenario = 'stedy'", 2, "did you mean 'steady'?"),
    (SD + "[[call]]\nsteps = 2\n[[call]]\nhight = 8", 5, "unknown key 'hight', did you mean 'height'?"),
    (SD + "[[call]]\nsteps = 2\n[[call]]\nsteps = 0", 5, "from 1 to 999"),
    (SD + "[[call]]\nsteps = 2\n[[call]]\nheight = 100", 5, "would work"),
    (SD + "[[call]]\nsteps = 2\n[[call]]\npicture = '512x100'", 5, "would work"),
    (SD + "[[call]]\nsteps = 2\n[[call]]\nguidance-end = 0.5\ncalls = 0", 6, "calls must be"),
    (SD + "[[call]]\ncalls = true", 3, "not true"),
    (SD + "[[call]]\n[[call]]\ncall = {steps = 2, width = 1}", 4, "an option of its own"),
    (SD + "[[case]]\n[[case.call]]\nname = 'a'\n[[case.call]]\nname = 'a'", 5, "same name"),
    ("pipeline = 'sd15'", 1, "did you mean 'sd15-txt2img'?"),
    ("\npipeline = ['sd15-txt2img', 'mine.py:make']", 2, "can't name code to run"),
    (SD + "attention = ['sdpa', 'flash_hub']", 2, "downloads code to run"),
    *(
        (SD + f"[inductor-options]\n'{name}' = {value}", 2, f"{name} names a program or a place")
        for name, value in (
            ("cpp.cxx", "'./evil'"),
            ("cpp.cxx", "['', 'evil']"),
            ("cuda.cuda_cxx", "'evil'"),
            ("cutlass.cutlass_dir", "'evil'"),
            ("aot_inductor.custom_op_libs", "['evil']"),
            ("anything", "'/tmp/x'"),
            ("anything", "{ x = ['~/x'] }"),
        )
    ),
    ("steps = 1", None, "no pipeline"),
    ("[[case]]\npipeline = 'sdxl-txt2img'\n[[case]]\nsteps = 1", 3, "no pipeline"),
    ("", None, "no pipeline"),
    (SD + "".join(f"{key} = {list(range(1, 12))}\n" for key in ("steps", "seed", "calls")), None, "combinations"),
    ("x = " + "[" * 5000, None, "no valid TOML"),
]


def test_a_byte_order_mark_is_no_part_of_the_file(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + SD.encode() + b"\r\nsteps = 3\r\n")
    assert Bench(str(file)).resolve(here).cases[0].workload.steps == 3


def test_options_of_inductor_that_name_nothing_to_run_stay(file: Path) -> None:
    options = {"max_autotune_gemm_backends": "ATEN,TRITON", "aot_inductor.link_libtorch": True, "cpp.threads": 2}
    lines = "\n".join(f"'{name}' = {json.dumps(value)}" for name, value in options.items())
    assert read(file, f"{SD}variant = 'compile'\n[inductor-options]\n{lines}").cases[0].compilation.options == options


@pytest.mark.parametrize(("text", "line", "says"), BAD, ids=[f"{says} {i}" for i, (_, _, says) in enumerate(BAD)])
def test_what_is_wrong_is_told_with_its_line(file: Path, text: str, line: int | None, says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(file, text)
    where = f"{file}:{line}: " if line is not None else f"{file}:"
    assert str(caught.value).startswith(where)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_pipeline_named_twice_is_refused(file: Path) -> None:
    with pytest.raises(BadRequest, match=r"bench\.toml:1: the pipeline is named here and on the command line"):
        read(file, SD, pipeline="sdxl-txt2img")


def test_what_is_wrong_on_the_command_line_is_not_blamed_on_the_file(file: Path) -> None:
    with pytest.raises(BadRequest) as caught:
        read(file, SD + "steps = 3", steps=0)
    assert str(caught.value).startswith("steps must be")
    with pytest.raises(BadRequest, match=r"^no pipeline is called 'sd'"):
        read(file, "steps = 3", pipeline="sd")


@pytest.mark.parametrize(
    ("data", "says"),
    [(None, "no file"), (b"a = 1\nb = '\xff'", ":2: no valid TOML"), (b"#" * 70_000, "larger than 64 KiB")],
)
def test_a_file_that_cannot_be_read_is_refused(file: Path, data: bytes | None, says: str) -> None:
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(BadRequest, match=says):
        Bench(str(file))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="can't be read"):
        Bench(str(tmp_path))


def test_every_option_has_a_key() -> None:
    # A list of calls is a table, picture two fields in one, and the device is no option of a case.
    fields = {key.field for key in KEYS.values()} - {"picture", "device"} | {"legs"}
    assert fields == set(Options.__struct_fields__) - {*UNREMEMBERED}


def test_no_file_says_for_the_user_what_may_be_loaded(file: Path) -> None:
    for field in UNREMEMBERED:
        option = field.replace("_", "-")
        file.write_text(f'pipeline = "sd15-txt2img"\n{option} = true\n')
        with pytest.raises(BadRequest, match=rf":2: {option} is an option of the command and no key of a file"):
            Bench(str(file))
        file.write_text(f'[[case]]\npipeline = "sd15-txt2img"\n{field} = true\n')
        with pytest.raises(BadRequest, match=rf":3: unknown key '{field}'"):
            Bench(str(file))
    file.write_text('pipeline = "sd15-txt2img"\n[[case]]\nsteps = 3\n[[case]]\nsteps = 4\n')
    [one, other] = Bench(str(file), over={"allow_pickle": True}).options
    assert one.trust == other.trust == Trust(pickle=True)


@pytest.mark.parametrize(
    ("value", "path", "line"),
    [
        ('"""\n' + "a\n" * 20_000 + '"""', ("q",), 20_004),
        ("[\n" + "1,\n" * 20_000 + "]", ("q",), 20_004),
        ("[\n" + "1,\n" * 20_000 + "]", ("k", 19_998), 20_001),
    ],
)
def test_the_line_is_found_in_long_values_without_trying_each_of_their_lines(
    value: str, path: tuple[str | int, ...], line: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(positions.tomllib, "loads", lambda text: parsed.append(text) or LOADS(text))
    assert line_of(f"\nk = {value}\nq = 1\n", path) == line
    assert len(parsed) < 100


LOADS = tomllib.loads
VALUES = ['"""\nx = 1\n[y]\n"""', "'''\na\n'''", "[\n 1,\n # b = 2\n 2,\n]", "1", '"[z]"', "{ q = 1 }", "true"]


@given(st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(["", "\n", "# x = 1\n"])), min_size=1, max_size=12))
def test_the_line_of_a_key_is_found_among_values_of_many_lines(items: list[tuple[str, str]]) -> None:
    text, lines = "", {}
    for number, (value, between) in enumerate(items):
        text += between
        if number % 4 == 3:
            text += "[[t]]\n"
        lines[number] = text.count("\n") + 1
        text += f"k{number} = {value}\n"
    tomllib.loads(text)
    for number, line in lines.items():
        table = (number + 1) // 4 - 1
        path = (f"k{number}",) if table < 0 else ("t", table, f"k{number}")
        assert line_of(text, path) == line
