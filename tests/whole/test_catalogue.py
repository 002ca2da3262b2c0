"""Every pipeline of the catalogue, through the command that people type: tiny twin, no-compile, one run, offline."""

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
SIDE_BY_SIDE = 2
"""Sessions at a time: each has a device lock of its own here, and a run is mostly imports on one core."""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """What ``run --json`` prints for each pipeline; all are under way from the first test on."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {name: pool.submit(profiled, name, tmp_path_factory.mktemp(name)) for name in catalog.names()}


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
        timeout=120,
        check=False,
        env=os.environ
        | {"HOME": str(home), "STEPSCOPE_HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


@pytest.mark.parametrize("pipeline", catalog.names())
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
