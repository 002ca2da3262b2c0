"""A/A on a GPU, each run in a process of its own: the same is the same, and a tenth more work is slower."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler.analysis.state import SessionState
from tests.gpu.support import conducting, madeup, sameness

pytestmark = pytest.mark.gpu

DEVICE = "cuda:0"


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> SessionState:
    options = conducting.asked("paced", repeats=6, calls=8, steps=20)
    return conducting.conduct(tmp_path_factory.mktemp("same"), options, DEVICE)


def test_the_same_against_itself_is_neither_faster_nor_slower(same: SessionState) -> None:
    assert {run.outcome for run in same.runs.values()} == {"ok"}, conducting.told(same)
    pairs = list(sameness.halves(same))
    assert len(pairs) == 10
    assert sameness.wrong_sameness(pairs) == []


def test_a_tenth_more_work_is_slower_by_a_tenth(same: SessionState, tmp_path: Path) -> None:
    options = conducting.asked("slower", repeats=3, calls=8, steps=20)
    slower = conducting.conduct(tmp_path, options, DEVICE)
    ours, theirs = sameness.of_runs(slower, 3), sameness.of_runs(same, 3)
    assert sameness.wrong_slowness(ours, theirs, madeup.SLOWER) == []
