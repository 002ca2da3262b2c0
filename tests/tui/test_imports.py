"""The viewer starts fast and without what only the profiler needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_app_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, tui.app; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not {"torch", "numpy", "diffusers", "transformers", "accelerate", "pandas"} & set(done.stdout.split())
