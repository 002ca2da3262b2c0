"""Without a CUDA device the suite says why it doesn't run, and imports no torch to find out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from profiler.devices import why_no_cuda

ROOT = Path(__file__).resolve().parents[3]
RUN = """
import sys, pytest
code = pytest.main(["-o", "addopts=", "-q", "-rs", *sys.argv[1:]])
print("code", int(code), "torch" in sys.modules)
"""


def test_the_suite_is_skipped_as_a_whole_with_the_reason_and_not_imported() -> None:
    why_not = why_no_cuda()
    if why_not is None:
        pytest.skip("there is a CUDA device")
    modules = sorted((ROOT / "tests/gpu").glob("test_*.py"))
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, modules)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert f"the device suite needs a CUDA device: {why_not}" in done.stdout
    assert f"{len(modules)} skipped" in done.stdout
    assert done.stdout.splitlines()[-1] == "code 5 False", "no test was collected, nothing imported torch"
