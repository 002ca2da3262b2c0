"""Whole sessions that are taken up again, or search for the largest batch, with real workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiler.analysis.batches import largest_batches
from profiler.follow import Follower
from tests.whole.program import measured_calls, only, ours, role, stepscope, until

pytestmark = pytest.mark.usefixtures("nothing_stays_behind")

SEARCH = (
    "run sd15-txt2img --size tiny --device cpu --variant no-compile --height 640 --width 640 --guidance 1 --steps 1"
    " --warmup 0 --calls 1 --batch-size 1 --find-max-batch --memory-limit 0.3 --headless"
)


def test_a_session_whose_profiler_was_killed_is_taken_up(own_home: Path) -> None:
    tiny = "run sd15-txt2img --size tiny --device cpu --variant no-compile --repeats 1 --steps 3 --calls 20 --warmup 0"
    assert stepscope(*tiny.split(), "--detach").returncode == 0
    folder = only(own_home)
    until(lambda: measured_calls(folder) >= 1)
    role(own_home, "conductor").kill()
    until(lambda: not ours(own_home))
    viewer = Follower(folder)
    state = viewer.read_all()
    (run,) = state.runs.values()
    assert (state.state, run.outcome) == ("died", "died")
    seen = len(run.calls)

    resumed = stepscope("resume", folder.id[:4], "--json")
    assert resumed.returncode == 0, resumed.stderr
    (document,) = json.loads(resumed.stdout)["runs"]
    assert (document["outcome"], len(document["calls"])) == ("ok", 20)
    # Who had it open since it died sees the new attempt, and nothing of the old one, which is kept.
    state = viewer.read_all()
    (run,) = state.runs.values()
    assert (state.state, run.outcome, len(run.calls), run.remade) == ("done", "ok", 20, 1)
    kept = folder.earlier / f"{run.name}-1" / "events.jsonl"
    assert kept.read_bytes().count(b'"kind":"call"') >= seen
    done = stepscope("resume", folder.id)
    assert (done.returncode, done.stdout) == (0, f"session {folder.id} owes nothing: every run has a result\n")


def test_the_largest_batch_under_a_limit(own_home: Path) -> None:
    """About one or two pictures fit: how much of the limit the libraries take differs between machines."""
    done = stepscope(*SEARCH.split())
    assert done.returncode == 0, done.stderr
    state = Follower(only(own_home)).read_all()
    (largest,) = largest_batches(state)
    assert largest.exact and largest.fits is not None
    assert largest.out_of_memory == largest.fits + 1
    outcomes = {run.case.workload.batch_size: run.outcome for run in state.runs.values()}
    assert all(outcome == ("ok" if size <= largest.fits else "oom") for size, outcome in outcomes.items())
    out = next(run for run in state.runs.values() if run.outcome == "oom")
    # The worker itself could still say what it was that did not fit.
    assert out.oom is not None
    assert out.oom.when == "call 1"
    assert out.oom.asked_bytes is None or out.oom.asked_bytes > 1 << 20
    assert "out of memory during call 1" in (out.reason or "")
