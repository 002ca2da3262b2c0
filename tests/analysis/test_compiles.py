"""What the records of a compile leave out since it was told before is put back."""

from __future__ import annotations

import msgspec

from profiler import events as ev
from profiler.analysis.compiles import Compile
from profiler.analysis.state import RunState
from profiler.events.compiling import CacheFound
from tests.analysis.events import fold, frame, request

PLACE = {"call": 1, "stage": "denoise", "loop": 0, "step": 3}
CODE = {"function": "wrapper", "file": "/site/peft_utils.py", "line": 300}


def compiles(*told: ev.Event) -> dict[tuple[int, str], Compile]:
    run = run_of(*told)
    return run.compiles


def run_of(*told: ev.Event) -> RunState:
    given = request(variants=["compile"], repeats=1)
    name = given.runs[0].name
    return fold(given, {name: [*frame(), *told]}).state.runs[name]


def test_a_recompile_has_the_code_and_the_caller_of_its_frames_first_compile() -> None:
    found = compiles(
        ev.CompileStarted(id="3/0", module="UNet", fqn="unet", caller="a.py:1 in go", stack=["a.py:1 in go"], **CODE),
        ev.Recompile(id="3/1", module="UNet", fqn="unet", reasons=["3/0: x"]),
        ev.CompileStarted(id="3/1", recompile=True),
        ev.CompileStarted(id="4/0", function="other", file="b.py", line=2, caller="b.py:9 in up"),
        ev.Recompile(id="3/2", module="ControlNet", fqn="controlnet", reasons=["3/0: x"]),
        ev.CompileStarted(id="3/2", recompile=True, caller="c.py:7 in further"),
    )
    one, two = found[0, "3/1"], found[0, "3/2"]
    assert (one.module, one.fqn, one.function, one.file, one.line) == ("UNet", "unet", *CODE.values())
    assert (one.caller, one.stack) == ("a.py:1 in go", ("a.py:1 in go",))
    assert (two.module, two.fqn, two.file, two.line) == ("ControlNet", "controlnet", CODE["file"], 300)
    assert (two.caller, two.stack) == ("c.py:7 in further", ())


def test_frames_of_another_epoch_are_others() -> None:
    found = compiles(
        ev.CompileStarted(id="0/0", caller="a.py:1 in go", **CODE),
        ev.Recompile(id="0/1", epoch=1, reasons=["0/0: x"]),
        ev.CompileStarted(id="0/1", epoch=1, recompile=True),
    )
    assert (found[1, "0/1"].file, found[1, "0/1"].caller) == ("", None)


def test_the_caller_is_that_of_the_first_compile_that_told_one() -> None:
    """The frame's first sign may be a recompile that the limit refused: it has code and no caller."""
    found = compiles(
        ev.Recompile(id="0/8", reasons=["0/0: x"], **CODE),
        ev.CompileLimit(id="0/8"),
        ev.Recompile(id="0/9", reasons=["0/0: x"]),
        ev.CompileStarted(id="0/9", recompile=True, caller="a.py:1 in go"),
        ev.Recompile(id="0/10", reasons=["0/0: x"]),
        ev.CompileStarted(id="0/10", recompile=True),
    )
    assert [one.caller for one in found.values()] == [None, "a.py:1 in go", "a.py:1 in go"]
    assert {one.file for one in found.values()} == {CODE["file"]}


def test_what_happens_within_a_compile_has_its_place() -> None:
    run = run_of(
        ev.CompilePhase(id="0/0", phase="total", **PLACE),
        ev.DynamicMark(id="0/0", name="x"),
        ev.CompileEnded(t=1_000, id="0/0", ns=400, caches=[CacheFound("fx", "hit", 7), CacheFound("aot", "miss")]),
    )
    (one,) = run.compiles.values()
    assert (one.dynamic[0].call, one.dynamic[0].step) == (1, 3)
    assert one.end is not None
    assert (one.end.step, one.end.start_ns) == (3, 600)
    assert [(found.layer, found.state, found.saved_ns) for found in one.caches] == [
        ("fx", "hit", 7),
        ("aot", "miss", None),
    ]


def test_lookups_are_short_on_the_wire() -> None:
    told = ev.CompileEnded(id="0/0", caches=[CacheFound("fx", "miss", None, None)])
    line = msgspec.json.encode(told)
    assert b'"caches":[["fx","miss"' in line
    assert msgspec.json.decode(line, type=ev.CompileEnded) == told
