"""What tests with whole sessions share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler import sessions
from tests.whole.program import ours, until


@pytest.fixture
def nothing_stays_behind(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every process that a test started is gone at its end."""
    # Two threads that spin for each other crawl on a machine whose two cores have anything else to do.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield
    for folder in sessions.all_sessions(own_home):
        if folder.liveness(folder.manifest()) is sessions.Liveness.ALIVE:
            sessions.send(folder, "stop")
            until(lambda found=folder: found.liveness(found.manifest()) is not sessions.Liveness.ALIVE)  # type: ignore[misc]
    until(lambda: not ours(own_home))
