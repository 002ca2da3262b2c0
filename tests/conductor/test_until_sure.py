"""Real conductors that go on until the verdicts are settled, with stand-ins that take as long as they are told."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from profiler import events as ev
from profiler import sessions
from profiler.analysis.cases import case_figures
from profiler.conductor import CannotStart
from profiler.conductor.conduct import Conductor
from profiler.eventlog import EventLog, is_locked
from profiler.follow import Follower
from profiler.overview import read_overview
from profiler.request import VARIANTS
from profiler.sessions import SessionFolder
from tests.conductor.drive import STANDIN
from tests.conductor.support import Clock, begin, conduct, eventually, finish, last_word, log, make
from tests.conductor.test_real_processes import running
from tui.commands.run import exit_code

Paces = dict[str, Sequence[float | str]]
STEADY = (100.0, 100.1, 99.9)
FASTER = (50.0, 50.1, 49.9)
NOISY = (90.0, 104.0, 112.0)
HALF_NOISY = (95.0, 93.5, 96.5, 95.0, 95.0)
"""Against STEADY: SAME, FASTER, UNCLEAR for ever, and UNCLEAR after three repeats but FASTER after five."""


def unsure(
    own_home: Path, variants: Sequence[str] = VARIANTS[:2], *, until_sure: bool = True, **options: object
) -> SessionFolder:
    return make(own_home, runs=3, until_sure=until_sure, variants=variants, **options)


def paced(folder: SessionFolder, paces: Paces, does: str = "paced", **options: object) -> list[ev.Event]:
    return conduct(folder, does, environ={"PACES": json.dumps(paces)}, **options)


def looks(events: Sequence[ev.Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, ev.Note) and event.code == "look"]


def repeats(folder: SessionFolder) -> dict[str, int]:
    """How many runs each case has."""
    asked = folder.manifest().request
    return {case.name: sum(1 for run in asked.runs if run.case == case.name) for case in asked.cases}


def colds(folder: SessionFolder) -> list[bool | None]:
    """Whether each run of the compiled case found an empty cache."""
    return [run.cold for run in Follower(folder).read_all().runs_of("compile")]


def verdicts(folder: SessionFolder) -> dict[str, str | None]:
    return {one.case: one.verdict for one in case_figures(Follower(folder).read_all()) if one.baseline is not None}


def test_what_is_clear_is_settled_at_the_first_look(own_home: Path) -> None:
    folder = unsure(own_home, VARIANTS)
    events = paced(folder, {"no-compile": STEADY, "compile": STEADY[::-1], "regional-compile": FASTER})
    assert verdicts(folder) == {"compile": "SAME", "regional-compile": "FASTER"}
    assert repeats(folder) == dict.fromkeys(VARIANTS, 3)
    assert looks(events) == ["after 3 repeats: compile SAME 1.00x; regional-compile FASTER 2.00x"]
    assert (last_word(events).state, last_word(events).reason) == ("done", None)
    with pytest.raises(CannotStart, match="owes nothing"):
        begin(folder, "paced", resumes=True)


def test_only_what_is_unsettled_and_its_baseline_get_more(own_home: Path) -> None:
    folder = unsure(own_home, VARIANTS)
    viewer = Follower(folder)
    # One pace that never settles between the levels of the verdicts.
    paces: Paces = {"no-compile": STEADY, "compile": NOISY * 4, "regional-compile": FASTER}
    events = paced(folder, paces)
    assert repeats(folder) == {"no-compile": 12, "compile": 12, "regional-compile": 3}
    assert verdicts(folder) == {"compile": "UNCLEAR", "regional-compile": "FASTER"}
    said = looks(events)
    assert [text.partition(":")[0] for text in said] == [f"after {n} repeats" for n in (3, 5, 8, 12)]
    assert said[0].startswith("after 3 repeats: compile UNCLEAR (")
    assert said[0].endswith("x), about 9 more repeats expected; regional-compile FASTER 2.00x")
    assert "and this was the last look" in said[-1]
    assert last_word(events).state == "done"
    request = folder.manifest().request
    assert request.repeats == 3  # what was asked for
    added = request.runs[9:]
    assert [run.name for run in added[:4]] == [
        "010-compile-r4",
        "011-no-compile-r4",
        "012-no-compile-r5",
        "013-compile-r5",
    ]
    # In every two rounds each of the two was first once.
    assert [run.case for run in added[::2]] == [("no-compile", "compile")[n % 2] for n in range(3, 12)]
    # Each is announced before it begins, and who had the session open sees them all.
    states = [event.state for event in events if isinstance(event, ev.RunChanged) and event.run == added[-1].name]
    assert states == ["queued", "running", "ended"]
    assert list(viewer.read_all().runs) == [run.name for run in request.runs]
    assert (read_overview(folder).runs, read_overview(folder).ended) == (27, 27)


def test_it_goes_on_no_longer_than_it_must(own_home: Path) -> None:
    folder = unsure(own_home)
    # Three repeats leave it open; with the next two the interval lies outside.
    events = paced(folder, {"no-compile": STEADY, "compile": HALF_NOISY})
    assert repeats(folder) == {"no-compile": 5, "compile": 5}
    assert len(looks(events)) == 2
    assert "FASTER" in looks(events)[-1]


@pytest.mark.parametrize(
    ("paces", "says"),
    [
        ({"compile": (90.0, 110.0, "failed")}, "compile gets no more repeats: failed: RuntimeError: shapes differ"),
        ({"compile": ("oom",)}, "compile gets no more repeats: ran out of memory: CUDA out of memory"),
        ({"compile": ("unsupported",)}, "compile gets no more repeats: is unsupported: no C++ compiler"),
        ({"no-compile": ("failed",)}, "compile gets no more repeats: its baseline failed: RuntimeError: shapes differ"),
    ],
)
def test_what_came_to_nothing_is_not_tried_again(own_home: Path, paces: Paces, says: str) -> None:
    folder = unsure(own_home)
    events = paced(folder, {"no-compile": STEADY, "compile": NOISY, **paces})
    assert repeats(folder) == {"no-compile": 3, "compile": 3}
    assert looks(events) == [f"after 3 repeats: {says}"]
    assert last_word(events).state == "done"


def test_runs_with_nothing_to_compare_are_not_repeated(own_home: Path) -> None:
    folder = unsure(own_home)
    events = conduct(folder, "ok")
    assert repeats(folder) == {"no-compile": 3, "compile": 3}
    assert "compile gets no more repeats: " in looks(events)[0]


def test_a_skipped_case_gets_no_more(own_home: Path) -> None:
    folder = unsure(own_home)
    pid = begin(
        folder, "paced,paced,paced,paced,paced,sleep", {"PACES": json.dumps({"no-compile": STEADY, "compile": NOISY})}
    )
    running(folder, 5)
    sessions.send(folder, "skip")
    events = finish(folder, pid)
    assert repeats(folder) == {"no-compile": 3, "compile": 3}
    assert looks(events)[0].endswith("compile gets no more repeats: was stopped: skipped on request")
    assert last_word(events).state == "done"


def test_a_session_that_was_stopped_goes_on_where_it_was(own_home: Path) -> None:
    folder = unsure(own_home, VARIANTS)
    paces: Paces = {"no-compile": STEADY, "compile": NOISY * 4, "regional-compile": FASTER}
    pid = begin(folder, ",".join(["paced"] * 10 + ["sleep"]), {"PACES": json.dumps(paces)})
    eventually(lambda: len(folder.manifest().request.runs) == 13, "the repeats that the first look adds")
    running(folder, 10)
    sessions.send(folder, "stop")
    events = finish(folder, pid)
    assert last_word(events).state == "stopped"
    assert (last_word(events).reason or "").startswith("stopped on request: compile is still UNCLEAR (")
    assert len(looks(events)) == 1
    events = paced(folder, paces, resumes=True)
    # Nothing is added a second time: what was owed is made, then the second look comes.
    assert [text.partition(":")[0] for text in looks(events)] == [f"after {n} repeats" for n in (3, 5, 8, 12)]
    assert repeats(folder) == {"no-compile": 12, "compile": 12, "regional-compile": 3}
    assert {run.outcome for run in Follower(folder).read_all().runs.values()} == {"ok"}
    # The cache goes with the end of a session: what comes first after that is cold again, and says so.
    assert colds(folder)[:3] == [True, False, False]
    assert colds(folder).count(True) == 2


def test_a_conductor_that_was_killed_between_two_looks(own_home: Path) -> None:
    folder = unsure(own_home)
    paces: Paces = {"no-compile": STEADY, "compile": HALF_NOISY}
    pid = begin(folder, ",".join(["paced"] * 8 + ["sleep"]), {"PACES": json.dumps(paces)})
    eventually(lambda: len(folder.manifest().request.runs) == 10, "the repeats that the first look adds")
    running(folder, 8)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_locked(folder.conductor_log), "the end of the conductor")
    events = paced(folder, paces, resumes=True)
    assert len(looks(events)) == 2
    assert [run.name for run in folder.manifest().request.runs] == list(Follower(folder).read_all().runs)
    assert repeats(folder) == {"no-compile": 5, "compile": 5}
    assert [run.remade for run in Follower(folder).read_all().runs.values()] == [0] * 8 + [1, 0]
    # The cache that the first run has filled is still there.
    assert colds(folder) == [True, False, False, False, False]


def test_a_conductor_that_died_before_a_look_leaves_it_to_the_next(own_home: Path) -> None:
    """All runs have results, and still repeats are owed."""
    folder = unsure(own_home, until_sure=False)
    paces: Paces = {"no-compile": STEADY, "compile": HALF_NOISY}
    paced(folder, paces)
    manifest = folder.manifest()
    asked = msgspec.structs.replace(manifest.request, until_sure=True)
    sessions.write_manifest(folder, msgspec.structs.replace(manifest, request=asked))
    events = paced(folder, paces, resumes=True)
    assert repeats(folder) == {"no-compile": 5, "compile": 5}
    assert "FASTER" in looks(events)[-1]


def by_clock(folder: SessionFolder, paces: Paces, late: int | None) -> list[ev.Event]:
    """Conduct in this process, by a clock on which the time is spent when run number ``late`` begins and lasts."""
    clock = Clock()

    def command(_role: str, session: str, run: str) -> list[str]:
        if late is not None and int(run[:3]) == late:
            clock.now += 1e6
        return [sys.executable, "-I", "-S", STANDIN, session, run]

    does = ["paced"] * (late - 1 if late is not None else 1)
    os.environ.update(PACES=json.dumps(paces), STANDIN=",".join([*does, "sleep"] if late is not None else does))
    wire = EventLog(folder.conductor_log)
    wire.write(ev.Header(t=time.monotonic_ns(), wall_ns=time.time_ns(), session=folder.id))
    Conductor(folder, folder.manifest().request, wire, adopts=False, command=command, clock=clock).conduct()
    wire.close()
    return log(folder.conductor_log)


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PACES", "STANDIN"):
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("own_environment")
def test_time_that_is_spent_is_an_end_once_the_first_look_was_made(own_home: Path) -> None:
    folder = unsure(own_home, max_time_s=60.0)
    said = last_word(by_clock(folder, {"no-compile": STEADY, "compile": HALF_NOISY}, late=7))
    assert said.state == "done"
    assert (said.reason or "").startswith("max time of 60 s reached: compile is still UNCLEAR (")
    state = Follower(folder).read_all()
    assert [run.outcome for run in state.runs.values()] == ["ok"] * 6 + ["stopped"] * 4
    assert exit_code(state) == 0
    # What it didn't get to is owed still, and the time counts anew.
    paced(folder, {"no-compile": STEADY, "compile": HALF_NOISY}, resumes=True)
    assert repeats(folder) == {"no-compile": 5, "compile": 5}
    assert exit_code(Follower(folder).read_all()) == 0


@pytest.mark.usefixtures("own_environment")
def test_time_that_is_spent_before_the_first_look_stops_the_session(own_home: Path) -> None:
    folder = unsure(own_home, max_time_s=60.0)
    events = by_clock(folder, {"no-compile": STEADY, "compile": STEADY}, late=2)
    assert (last_word(events).state, last_word(events).reason) == (
        "stopped",
        "max time of 60 s reached: compile has no verdict",
    )
    assert looks(events) == []
    assert exit_code(Follower(folder).read_all()) == 1


@pytest.mark.usefixtures("own_environment")
def test_repeats_that_cannot_be_added_end_the_session(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("profiler.conductor.looks.extend", full)
    folder = unsure(own_home)
    said = last_word(by_clock(folder, {"no-compile": STEADY, "compile": HALF_NOISY}, late=None))
    assert (said.state, said.reason) == ("done", "no repeats can be added: No space left on device")
    assert repeats(folder) == {"no-compile": 3, "compile": 3}
