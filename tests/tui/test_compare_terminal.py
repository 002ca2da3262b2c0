"""Compare in a real pseudo-terminal: what it sends. Bounded waits."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.tui.comparison import two_sessions
from tests.tui.test_terminal import settle, start
from tests.tui.test_triggers_terminal import quiet

pytestmark = pytest.mark.pty

MOVE_BYTES = 4_000
"""The details change with the selection; the charts and the rest of the table don't."""
VIEW_BYTES = 7_000
"""Another chart in place of one: a first paint of the whole screen is 12 KB at this size."""


def test_a_selection_sends_what_changes_another_view_its_chart_and_rest_nothing(tmp_path: Path) -> None:
    with start(tmp_path, two_sessions()[0].write(tmp_path), 120, 40) as terminal:
        settle(terminal)
        terminal.send("v")
        terminal.wait_for("against no-compile")
        quiet(terminal)
        sent = [len(terminal.raw)]
        for key, wanted in (
            ("j", "FASTER: 1.6"),
            ("\t", "the median call"),
            ("\t", "histogram"),
            ("\t", "memory"),
            ("\t", "speed-up"),
            ("\t", "time to make so many"),
            ("k", "base"),
        ):
            terminal.send(key)
            terminal.wait_for(wanted)
            quiet(terminal)
            sent.append(len(terminal.raw))
        moved, *views, moved_back = (after - before for before, after in pairwise(sent))
        assert 0 < moved < MOVE_BYTES and 0 < moved_back < MOVE_BYTES, (moved, moved_back)
        assert min(views) > 0 and max(views) < VIEW_BYTES, views
        with pytest.raises(TimeoutError):
            terminal.wait_for_bytes(3.0, above=sent[-1])
