"""The set-up of the tests installs tmux where it can without asking anybody, and never fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "support" / "tmux.sh"
REAL = ("sh", "env", "timeout")
ASKS = "exit 1"
FAILS = 'echo "$@" >> "$CALLS"; echo E: no network >&2; exit 100'
WORKS = 'echo "$@" >> "$CALLS"'
NO_LISTS = WORKS + '; [ -e "$CALLS.lists" ] && exit 0; case "$*" in *update) : > "$CALLS.lists";; *) exit 100; esac'
AS_ROOT = 'shift; "$@"'
INSTALL, UPDATE = "install --no-install-recommends tmux", "update"


@pytest.mark.parametrize(
    ("there", "asked", "said"),
    [
        ({"tmux": WORKS, "apt-get": WORKS, "id": "echo 0"}, [], ""),
        ({"id": "echo 0"}, [], ""),
        ({"apt-get": WORKS, "id": "echo 1000", "sudo": ASKS}, [], ""),
        ({"apt-get": WORKS, "id": "echo 1000"}, [], ""),
        ({"apt-get": WORKS, "id": "echo 1000", "sudo": AS_ROOT, "true": ""}, [INSTALL], "installing"),
        ({"apt-get": WORKS, "id": "echo 0"}, [INSTALL], "installing"),
        ({"apt-get": NO_LISTS, "id": "echo 0"}, [INSTALL, UPDATE, INSTALL], "installing"),
        ({"apt-get": FAILS, "id": "echo 0"}, [INSTALL, UPDATE], "skipped"),
    ],
    ids=["there", "no apt", "sudo asks", "no sudo", "sudo", "root", "no lists", "no network"],
)
def test_tmux_is_installed_where_nobody_is_asked(
    there: dict[str, str], asked: list[str], said: str, tmp_path: Path
) -> None:
    for name, work in there.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{work}\n")
        (tmp_path / name).chmod(0o755)
    for name in REAL:
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    calls = tmp_path / "calls"
    environ = {**os.environ, "PATH": str(tmp_path), "CALLS": str(calls)}
    done = subprocess.run(["sh", SCRIPT], env=environ, capture_output=True, text=True, check=True, timeout=60)
    found = [line.partition("Timeout=10 ")[2] for line in calls.read_text().splitlines()] if calls.exists() else []
    assert found == asked
    assert done.stderr == "" and (said in done.stdout if said else done.stdout == "")
    assert len(done.stdout.splitlines()) <= 2
