"""No test of the screens starts a profiler: it would go on for hours after the test."""

from __future__ import annotations

import sys
from typing import NoReturn

import pytest

from profiler import conductor


@pytest.fixture(autouse=True)
def no_profiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise conductor.CannotStart("tests of the screens start no profiler")

    # The package's own name ``start`` is the function's.
    monkeypatch.setattr(sys.modules["profiler.conductor.start"], "_spawn", refuse)
