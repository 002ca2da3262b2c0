"""The device suite: skipped as a whole, with the reason, where there is no CUDA device.

Its modules are not even imported there: most import torch, which takes seconds. What they check lies in
``tests/gpu/support`` and is exercised without a GPU by ``tests/gpu/rehearsal``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler.devices import why_no_cuda

HERE = Path(__file__).resolve().parent


class Unmet(pytest.Module):
    """A module of the suite on a machine that can't run it."""

    def collect(self) -> Iterator[pytest.Item]:
        raise pytest.skip.Exception(f"the device suite needs a CUDA device: {_missing()}", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if module_path.parent != HERE or _missing() is None:
        return None
    return Unmet.from_parent(parent, path=module_path)


def _missing() -> str | None:
    """Why there is no CUDA device; None where there is one."""
    why_not = why_no_cuda()
    if why_not is not None:
        return why_not
    import torch

    return None if torch.cuda.is_available() else "torch finds none, whatever the driver says"


@pytest.fixture(autouse=True)
def on_the_device(request: pytest.FixtureRequest) -> Iterator[None]:
    """What one test has left on the device is gone before the next one."""
    yield
    if request.path.parent == HERE:
        import torch

        torch.cuda.synchronize()
        torch.cuda.empty_cache()
