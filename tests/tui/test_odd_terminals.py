"""Terminals that are too small, change their size all the time, or can't show UTF-8. Bounded waits."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from tests.support import recorded
from tests.support.terminal import Terminal
from tests.tui.test_terminal import REPOSITORY, START

pytestmark = pytest.mark.pty


def test_a_storm_of_sizes_without_utf_8_ends_in_a_screen_of_the_last_one(tmp_path: Path) -> None:
    folder = recorded.finished().write(tmp_path)
    command = [sys.executable, "-c", START, str(tmp_path), str(folder.path)]
    environ = {"PYTHONPATH": str(REPOSITORY), "LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    sizes = random.Random(7)
    with Terminal(command, columns=20, rows=5, cwd=REPOSITORY, environ=environ) as terminal:
        terminal.wait_for(lambda text: "too small" in text.replace("\n", " "), 30)
        for _ in range(500):
            terminal.resize(sizes.randrange(1, 300), sizes.randrange(1, 100))
        terminal.resize(120, 40)
        terminal.wait_for("1.61x", 30)
        terminal.wait_for("q quit")
        assert "q quit" in terminal.lines[39]
        assert bytes(terminal.raw).isascii()
        terminal.send("q")
        assert terminal.wait() == 0
