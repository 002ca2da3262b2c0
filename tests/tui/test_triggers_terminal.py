"""The inspector in a real pseudo-terminal: what it sends. Bounded waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import triggers
from tests.support.terminal import Terminal
from tests.tui.test_terminal import settle, start

pytestmark = pytest.mark.pty

MOVE_BYTES = 5_000
"""All of the details change with the selection: about 3 KB at 120x40, where sending them whole costs 12."""


def quiet(terminal: Terminal) -> None:
    """Wait until nothing has come for a while."""
    terminal.wait_for_rest(0.5)


def test_a_selection_sends_what_changes_and_a_session_that_is_over_nothing(tmp_path: Path) -> None:
    with start(tmp_path, triggers.triggers().write(tmp_path), 120, 40) as terminal:
        settle(terminal)
        terminal.send("i")
        terminal.wait_for("what happened")
        quiet(terminal)
        before = len(terminal.raw)
        terminal.send("j")
        terminal.wait_for("timestep  now int 11")
        quiet(terminal)
        assert 0 < len(terminal.raw) - before < MOVE_BYTES
        rested = len(terminal.raw)
        with pytest.raises(TimeoutError):
            terminal.wait_for_bytes(1.5, above=rested)
        terminal.send("y")
        terminal.wait_for("copied (in tmux")
        assert b"\x1b]52;c;" in terminal.raw[rested:]
