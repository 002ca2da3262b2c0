"""The A/A check on recorded sessions: it passes on the same, and finds what isn't."""

from __future__ import annotations

from profiler.analysis.state import SessionState
from profiler.request import Run
from tests.gpu.support import sameness
from tests.support.compared import near, recording


def session(step_ms: float, name: str = "same", repeats: int = 6) -> SessionState:
    made = recording(near(no_compile=step_ms), session=name, variants=["no-compile"], repeats=repeats)
    return made.folded()


def test_the_same_against_itself() -> None:
    pairs = list(sameness.halves(session(50)))
    assert len(pairs) == 10
    assert all(len(one.runs) == len(other.runs) == 3 for one, other in pairs)
    assert sameness.wrong_sameness(pairs) == []


def test_runs_that_get_slower_show() -> None:
    def drifting(run: Run) -> float:
        return 50 * (1 + 0.05 * (run.repeat > 3))

    state = recording(drifting, session="drifts", variants=["no-compile"], repeats=6).folded()
    assert sameness.wrong_sameness(list(sameness.halves(state)))


def test_a_tenth_slower() -> None:
    ours, theirs = sameness.of_runs(session(55, "slower", 3), 3), sameness.of_runs(session(50), 3)
    assert sameness.wrong_slowness(ours, theirs, 1.1) == []
    assert len(sameness.wrong_slowness(theirs, ours, 1.1)) == 2
    assert sameness.wrong_slowness(ours, theirs, 1.2)[0].startswith("a speed-up of 0.9")
