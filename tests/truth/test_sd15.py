"""Every scenario, of a Stable Diffusion 1.5 with as few blocks as there can be; ``make truth`` has the tiny twin's."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler import catalog, scenarios
from tests.truth.checks import check
from tests.truth.traced import run
from tests.worker.test_scenarios import make_subject

SIDE = {"height": 64, "width": 64}
RECOMPILES = {"steady": 0, "lora-swap": 3}  # of the others: 1


def names() -> list[str]:
    entry = catalog.find("sd15-txt2img")
    return [name for name, scenario in scenarios.SCENARIOS.items() if scenario.lacks(entry) is None]


@pytest.mark.parametrize("scenario", names())
def test_compile(scenario: str, tmp_path: Path) -> None:
    found = check(run(tmp_path / "run", "sd15-txt2img", scenario, subject=make_subject, **SIDE))
    assert len(found.again) == RECOMPILES.get(scenario, 1)


def test_two_denoisers(tmp_path: Path) -> None:
    assert "controlnet-scale" not in names()
    found = check(run(tmp_path / "run", "sd15-controlnet", "controlnet-scale", subject=make_subject, **SIDE))
    assert any("conditioning_scale" in reason for one in found.again for reason in one.reasons)
