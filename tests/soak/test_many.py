"""As many cases and runs as a session may have: whatever reads them takes a time that grows with their number."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from profiler.request import Request
from profiler.request.stored import MOST_RUNS
from profiler.sessions import SessionFolder, write_manifest
from tests.support import recorded
from tui.cli import main

COMMANDS = (
    *(["ls"], ["show"], ["show", "--json"], ["triggers"], ["compare"], ["report"], ["watch"]),
    *(["export", "--format", form, "-o", "-"] for form in ("json", "csv", "md", "html", "trace")),
)
MOST_S = 150.0
"""Of CPU, on the slowest machine. What looked through all runs for each one took hours."""


def write(home: Path) -> SessionFolder:
    folder = recorded.finished().write(home)
    manifest = folder.manifest()
    case, run = manifest.request.cases[0], manifest.request.runs[0]
    request: Request = msgspec.structs.replace(
        manifest.request,
        cases=[msgspec.structs.replace(case, name=f"c{number}") for number in range(MOST_RUNS)],
        runs=[msgspec.structs.replace(run, name=f"{number:05}-r", case=f"c{number}") for number in range(MOST_RUNS)],
    )
    write_manifest(folder, msgspec.structs.replace(manifest, request=request))
    return folder


@pytest.mark.soak
def test_a_session_of_the_most_runs_is_read_by_every_command(
    own_home: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = write(own_home)
    for name, *options in COMMANDS:
        begun = time.process_time()
        assert main([name, *([] if name == "ls" else [folder.id]), *options]) == 0
        took_s = time.process_time() - begun
        assert capfdbinary.readouterr().out and took_s < MOST_S, (name, options)
