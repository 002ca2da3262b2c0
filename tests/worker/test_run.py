"""Whole runs in this process: legs, the user's own code, folders; what is written and in which order."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from profiler.catalog.errors import BuildError
from profiler.events import CallStarted, CompileEnded, CompileStarted, Environment, Event, Note, Output, PhaseStarted
from profiler.request import Leg, Options, resolve
from profiler.worker.pulse import Pulse
from profiler.worker.run import CaseRun
from tests.worker.test_factory import HEAD


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device lock is this process's for good."""
    monkeypatch.setattr("profiler.worker.device.DeviceLock.take", lambda *_, **__: None)


def run(folder: Path, pipeline: str, **options: Any) -> tuple[CaseRun, list[Event]]:
    made = {"steps": 2, "calls": 1, "warmup": 1, "repeats": 1, "variants": ["no-compile"], "backend": "eager"}
    request = resolve(Options(pipeline=pipeline, **{**made, **options}), "cpu")
    events: list[Event] = []
    case_run = CaseRun(request, request.cases[0], "session", folder, events.append, Pulse(events.append))
    return case_run, events


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


def calls(events: list[Event]) -> list[tuple[str, str | None]]:
    return [(call.phase, call.leg) for call in of(CallStarted, events)]


def test_the_first_leg_warms_up_and_keeps_its_output(tmp_path: Path) -> None:
    legs = [Leg(name="small", changes={"height": 64}, calls=2), Leg(name="long", changes={"steps": 4})]
    case_run, events = run(tmp_path, "sd15-txt2img", size="tiny", legs=legs, steps=3)
    case_run.execute()
    assert calls(events) == [("warmup", "small"), ("measure", "small"), ("measure", "small"), ("measure", "long")]
    assert [call.steps for call in of(CallStarted, events)] == [4, 4, 4, 5]
    assert [phase.calls for phase in of(PhaseStarted, events)] == [None, 1, 3]
    [output] = of(Output, events)
    assert (output.call, output.shape) == (2, [1, 4, 8, 16])
    assert case_run.when == "call 3"


def test_a_function_s_list_is_gone_through_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        HEAD
        + textwrap.dedent("""
            def make():
                pipe = tiny()
                pipe.unet.down_blocks[1].resnets[0].compile(backend="eager")
                return pipe, [{"height": 64, "width": 64}, {"height": 64, "width": 128}]
        """)
    )
    case_run, events = run(tmp_path, f"{path}:make", calls=2)
    case_run.execute()
    first, second = "call arguments 1/2", "call arguments 2/2"
    # It compiles by itself, so there is a compiling call in every variant, and it is seen.
    assert calls(events) == [
        ("compile", first),
        ("warmup", first),
        *[("measure", first)] * 2,
        *[("measure", second)] * 2,
    ]
    compiles = of(CompileStarted, events)
    assert {ended.call for ended in of(CompileEnded, events)} == {0, 4}
    assert [compiled.fqn for compiled in compiles][:1] == ["unet.down_blocks.1.resnets.0"]
    assert "factory-compiled" in [note.code for note in of(Note, events)]
    assert of(Environment, events)[0].trace


def test_a_function_with_a_list_has_no_other_scenario(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(HEAD + "def make(): return tiny(), [{}]")
    case_run, _ = run(tmp_path, f"{path}:make", legs=[Leg(name="two", changes={"batch_size": 2})])
    with pytest.raises(BuildError, match="gives its calls' arguments itself: run it with the scenario steady"):
        case_run.execute()


def test_a_folder_is_measured_with_what_it_does_by_itself(tiny_pipe: Any, tmp_path: Path) -> None:
    tiny_pipe.save_pretrained(tmp_path / "mine")
    legs = [Leg(name="guided"), Leg(name="not guided", changes={"guidance": 1.0})]
    case_run, events = run(tmp_path, str(tmp_path / "mine"), legs=legs)
    case_run.execute()
    assert calls(events) == [("warmup", "guided"), ("measure", "guided"), ("measure", "not guided")]
    assert of(Output, events)[0].finite


def test_an_argument_that_nothing_takes_ends_the_run_before_its_first_call(tmp_path: Path) -> None:
    case_run, events = run(tmp_path, "sd15-txt2img", size="tiny", call={"promt": "x"})
    with pytest.raises(BuildError, match="takes no 'promt'"):
        case_run.execute()
    assert case_run.when == "load"
    assert calls(events) == []
    assert os.listdir(tmp_path) == []
