"""The scenarios of the tiny FLUX.1 [schnell], and what FLUX.1 [dev] does besides."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from profiler import catalog, scenarios
from profiler.worker.compiles import CompileMonitor
from profiler.worker.where import HERE
from tests.truth.checks import check
from tests.truth.traced import run

ELSEWHERE = ("steady", "lora-swap", "grad-mode")
"""The first is below; the others' guards are those of Stable Diffusion 1.5, which is read with them too."""


def names() -> list[str]:
    entry = catalog.find("flux1-schnell")
    able = [name for name, scenario in scenarios.SCENARIOS.items() if scenario.lacks(entry) is None]
    return [name for name in able if name not in ELSEWHERE]


@pytest.mark.parametrize("scenario", names())
def test_compile(scenario: str, tmp_path: Path) -> None:
    assert check(run(tmp_path / "run", "flux1-schnell", scenario)).again


def test_steady_steps_make_no_trace_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody writes costs nothing: there is nothing to do in such a step, for torch's handler or for ours."""
    places = []
    handle = CompileMonitor.handle

    def handled(self: CompileMonitor, record: logging.LogRecord) -> bool:
        places.append((HERE.call, HERE.step))
        return handle(self, record)

    monkeypatch.setattr(CompileMonitor, "handle", handled)
    found = check(run(tmp_path / "run", "flux1-schnell", "steady", warmup=1, calls=3))
    assert (len(found.ended), len(found.again)) == (1, 0)
    # The self-test comes before the calls; of 5 calls of 2 steps each the very first step compiles.
    assert set(places) == {(None, None), (0, 0)}
    assert len(places) > 100


def test_by_region_without_fullgraph(tmp_path: Path) -> None:
    found = check(run(tmp_path / "run", "flux1-dev", "steady", variant="regional-compile", fullgraph=False))
    assert len({one.id.partition("/")[0] for one in found.ended}) > 1
