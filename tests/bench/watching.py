"""Starting the real command in a pseudo-terminal, the way the benches do."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import recorded
from tests.support.recorded import Recording
from tests.support.terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent.parent
QUIET_S = 1.0


def stepscope(*arguments: str) -> list[str]:
    """The command line of the installed command, or of this checkout where it isn't installed."""
    installed = Path(sys.executable).parent / "stepscope"
    command = [str(installed)] if installed.exists() else [sys.executable, str(ROOT / "stepscope.py")]
    return [*command, *arguments]


def watch(session: str, home: Path, columns: int, rows: int, *, emulate: bool = True) -> Terminal:
    """``stepscope watch SESSION`` in a terminal of that size."""
    return Terminal(
        stepscope("watch", session),
        columns=columns,
        rows=rows,
        environ={"STEPSCOPE_HOME": str(home)},
        emulate=emulate,
    )


def settle(terminal: Terminal, seconds: float = 20.0) -> None:
    """Wait until nothing has come over the wire for a second. Raises TimeoutError."""
    terminal.wait_for_bytes(seconds)
    terminal.wait_for_rest(QUIET_S, seconds)


@contextmanager
def watched(
    recording: Recording, columns: int, rows: int, *, emulate: bool = True
) -> Iterator[tuple[recorded.Feeder, Terminal]]:
    """A session in a home of its own that goes on as ``recording`` is fed, and a settled screen that watches it."""
    with (
        tempfile.TemporaryDirectory(prefix="stepscope-bench-") as name,
        recorded.Feeder(recording, Path(name)) as feeder,
    ):
        feeder.feed_history()
        with watch(feeder.folder.id, Path(name), columns, rows, emulate=emulate) as terminal:
            settle(terminal)
            yield feeder, terminal
