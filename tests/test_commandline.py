"""The command line of a request: the command makes the same options of it, in a shell as well."""

from __future__ import annotations

import shlex
import subprocess

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.request import Leg, Options
from profiler.request.commandline import Unsayable, command_line, quoted
from profiler.request.options import UNREMEMBERED
from tui.commands.run import run_command

FIELDS = set(Options.__struct_fields__)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,8}", fullmatch=True)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
LIKE_JSON = st.sampled_from(
    ["1", "true", "True", "None", "null", "NaN", "-Infinity", '"x"', "[1]", " 5", "1e3", "@f.png"]
)


def _strategy(field: msgspec.structs.FieldInfo) -> st.SearchStrategy[object]:
    """Anything that an option could be given, whether or not it can be run."""
    default = field.default
    kind = str(field.type)
    if field.name in ("variants", "engines"):
        return st.lists(WORDS, max_size=3).map(tuple)
    if field.name == "batch_sizes":
        return st.lists(st.integers(-9, 9999), max_size=3).map(tuple)
    if field.name in ("call", "inductor_options"):
        return st.dictionaries(NAMES, JSON | LIKE_JSON, max_size=3)
    if field.name == "legs":
        return st.just(())
    if field.name in UNREMEMBERED:
        return st.just(False)
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, str) or "str" in kind:
        return WORDS if isinstance(default, str) or field.required else st.none() | WORDS
    if "bool" in kind:
        return st.none() | st.booleans()
    return st.none() | (NUMBERS if "float" in kind else st.integers(-(2**62), 2**62))


ANY = st.fixed_dictionaries({field.name: _strategy(field) for field in msgspec.structs.fields(Options)}).map(
    lambda found: Options(**found)
)


def understood(arguments: list[str]) -> tuple[Options, str | None]:
    """What ``stepscope run`` makes of its arguments: the options and the device."""
    params = run_command.make_context("run", arguments[2:]).params
    params["queue"] = not params["no_queue"]
    return Options(**{name: value for name, value in params.items() if name in FIELDS}), params["device"]


@settings(max_examples=60)
@given(ANY, st.none() | WORDS)
def test_the_command_makes_the_same_options_of_its_line(options: Options, device: str | None) -> None:
    line = command_line(options, device)
    again, where = understood(line)
    assert (again, where) == (msgspec.structs.replace(options, legs=()), device)


def test_what_is_a_default_is_left_out() -> None:
    assert command_line(Options(pipeline="sd15-txt2img")) == ["stepscope", "run", "sd15-txt2img"]
    options = Options(
        pipeline="sd15-txt2img",
        variants=("no-compile", "compile"),
        batch_sizes=(1, 8),
        guidance=7.0,
        fullgraph=False,
        queue=False,
        vae_tiling=True,
        call={"eta": 0.5, "mode": "none"},
        max_time_s=90.0,
    )
    assert quoted(command_line(options, "cpu")) == (
        "stepscope run sd15-txt2img --device cpu --variant no-compile --variant compile --batch-size 1 --batch-size 8"
        " --guidance 7 --vae-tiling --call eta=0.5 --call mode=none --no-fullgraph --no-queue --max-time 90"
    )


def test_a_folder_that_begins_like_an_option_comes_last() -> None:
    line = command_line(Options(pipeline="-mine", steps=4))
    assert line[-2:] == ["--", "-mine"]
    assert understood(line)[0].pipeline == "-mine"


def test_a_list_of_calls_and_strange_names_are_for_a_file() -> None:
    for options in (
        Options(pipeline="sd15-txt2img", legs=(Leg(name="one"),)),
        Options(pipeline="sd15-txt2img", call={"größe": 1}),
    ):
        with pytest.raises(Unsayable, match="in a file alone"):
            command_line(options)


def test_a_shell_gives_back_the_same_words() -> None:
    words = [
        "stepscope",
        "it's",
        "a b",
        '$HOME `x` "y" !',
        "line\nbreak\\ 'q'",
        "\x1b[31m",
        "ümläut – \u202e",
        "*",
        "",
        "~/x",
    ]
    line = quoted(words)
    assert line.isprintable()
    found = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
    assert found.decode().split("\0")[:-1] == words


def test_a_plain_line_is_read_by_any_shell() -> None:
    words = command_line(Options(pipeline="sd15-txt2img", prompt="a castle, it's old"))
    assert shlex.split(quoted(words)) == words
