"""Every scenario of the tiny FLUX.1 [schnell], and what FLUX.1 [dev] does besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler import catalog, scenarios
from tests.truth.checks import check
from tests.truth.traced import run


def names() -> list[str]:
    entry = catalog.find("flux1-schnell")
    return [name for name, scenario in scenarios.SCENARIOS.items() if scenario.lacks(entry) is None]


@pytest.mark.parametrize("scenario", names())
def test_compile(scenario: str, tmp_path: Path) -> None:
    found = check(run(tmp_path / "run", "flux1-schnell", scenario))
    assert (len(found.again) == 0) is (scenario == "steady")


def test_by_region_without_fullgraph(tmp_path: Path) -> None:
    found = check(run(tmp_path / "run", "flux1-dev", "steady", variant="regional-compile", fullgraph=False))
    assert len({one.id.partition("/")[0] for one in found.ended}) > 1
