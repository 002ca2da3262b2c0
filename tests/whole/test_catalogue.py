"""Every pipeline of the catalogue, through the command that people type: tiny twin, no-compile, one run, offline.

Those of which another has all parts are long tests: ``tests/worker/test_pipelines.py`` runs each without the command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from profiler import catalog

ENTRY = Path(__file__).resolve().parents[2] / "stepscope.py"
CALLS = "2"
LIKE_ANOTHER = {
    "sd15-img2img": "sd15-inpaint",
    "sd-x4-upscaler": "deepfloyd-if",
    "flux1-dev": "flux1-schnell",
    "sd35-large": "sd35-medium",
    "pixart-sigma": "sana-1600m",
}
PIPELINES = [
    pytest.param(name, marks=pytest.mark.soak) if name in LIKE_ANOTHER else pytest.param(name)
    for name in catalog.names()
]
SIDE_BY_SIDE = 2
"""Sessions at a time: each has a device lock of its own here, and a run is mostly imports on one core."""


@pytest.fixture(scope="module")
def documents(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """What ``run --json`` prints for each pipeline that is asked for; all are under way from the first test on."""
    asked = [item.callspec.params["pipeline"] for item in request.session.items if item.path == request.path]  # type: ignore[attr-defined]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {name: pool.submit(profiled, name, tmp_path_factory.mktemp(name)) for name in asked}


def profiled(pipeline: str, home: Path) -> dict[str, Any]:
    runtime = home / "runtime"
    runtime.mkdir(mode=0o700)
    options = [
        "--size",
        "tiny",
        "--variant",
        "no-compile",
        "--repeats",
        "1",
        "--calls",
        CALLS,
        "--headless",
        "--device",
        "cpu",
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, str(ENTRY), "run", pipeline, *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ
        | {"HOME": str(home), "STEPSCOPE_HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_tiny_twin_is_profiled_from_the_command_line(
    pipeline: str, documents: dict[str, Future[dict[str, Any]]]
) -> None:
    document = documents[pipeline].result()
    (run,) = document["runs"]
    assert (run["pipeline"], run["outcome"], document["state"]) == (pipeline, "ok", "done")
    entry = catalog.find(pipeline)
    assert [loop["name"] for loop in run["loops"]] == [part.loop for part in entry.parts]
    for loop, part in zip(run["loops"], entry.parts, strict=True):
        assert loop["denoisers"] == [label for label, of in entry.denoisers.items() if of is part]
        # PNDM makes one evaluation more than it has iterations.
        assert loop["n"] == int(CALLS) * loop["evaluations"]
        assert loop["evaluations"] - loop["iterations"] in (0, 1)
        assert loop["iterations_per_second"] > 0
        assert loop["median_ms"] > 0
    assert all(call["ms"] > 0 for call in run["calls"])
    assert run["images_per_second"] > 0
    assert "the final latents are not finite" not in run["flags"]
