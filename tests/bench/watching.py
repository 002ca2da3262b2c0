"""Starting the real command in a pseudo-terminal, the way the benches do."""

from __future__ import annotations

import sys
import time
from pathlib import Path

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
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        quiet_ns = time.monotonic_ns() - terminal.arrivals[-1].at_ns
        if quiet_ns >= QUIET_S * 1e9:
            return
        time.sleep(QUIET_S - quiet_ns / 1e9)
    raise TimeoutError(f"the screen still changed after {seconds:g} s")
