"""``stepscope demo`` from its start to its last word: wall time, outcomes, and whether every step is on the chart."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from profiler import sessions
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from tests.bench.table import Row
from tests.bench.watching import stepscope
from tui.pictures.live import LivePainter
from tui.pictures.view import StepsView

LIMIT_S = 120.0


def rows(quick: bool) -> Iterator[Row]:
    """The same for a quick bench: there is no shorter demo."""
    with tempfile.TemporaryDirectory(prefix="stepscope-bench-") as home:
        start = time.monotonic()
        done = subprocess.run(
            stepscope("demo"),
            env=os.environ | {"STEPSCOPE_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=600,
        )
        took = time.monotonic() - start
        state = Follower(sessions.find("last", Path(home))).read_all()
    outcomes = [run.outcome for run in state.runs.values()]
    ok = done.returncode == 0 and outcomes == ["ok"] * 3
    yield Row(
        "demo, wall time",
        f"< {LIMIT_S:g} s, 3 ok",
        f"{took:.1f} s, {outcomes.count('ok')} ok",
        ok and took < LIMIT_S,
        done.stderr.strip()[-120:],
    )
    taken, drawn = sum(len(run.steps) for run in state.runs.values()), drawn_steps(state)
    expected = sum(
        loop.evaluations for run in state.runs.values() for call in run.calls.values() for loop in call.loops.values()
    )
    yield Row(
        "demo, steps on the chart",
        f"{expected} made",
        f"{taken} logged, {drawn} drawn",
        expected == taken == drawn > 0,
    )


def drawn_steps(state: SessionState) -> int:
    """How many points of the step chart stand for steps."""
    picture = LivePainter(state).picture(StepsView(), state.last_t, copied=False, loading=False)
    return sum(sum(y == y for y in series.ys) for series in picture.steps.series)
