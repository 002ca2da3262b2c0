"""The viewer starts fast and without what only the profiler needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_app_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, tui.app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(done.stdout.split())
    packages = {name.partition(".")[0] for name in loaded}
    assert not {"torch", "numpy", "diffusers", "transformers", "accelerate", "pandas"} & packages
    # A tenth of what is waited for until the first picture, and only those need it who start or export something.
    assert not {"tui.screens.new", "profiler.report.html", "profiler.report.comparemarkdown"} & loaded
