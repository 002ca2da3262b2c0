"""No test of the screens starts a profiler: it would go on for hours after the test. Sessions that several look at."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import pytest

from profiler import conductor
from tests.tui.comparison import two_sessions


@pytest.fixture(autouse=True)
def no_profiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise conductor.CannotStart("tests of the screens start no profiler")

    # The package's own name ``start`` is the function's.
    monkeypatch.setattr(sys.modules["profiler.conductor.start"], "_spawn", refuse)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two sessions, of another batch size each; tests only read it."""
    home = tmp_path_factory.mktemp("home")
    for recording in two_sessions():
        recording.write(home)
    return home
