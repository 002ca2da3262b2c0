"""Opening a session of a million events: first paint, fully loaded, keys meanwhile, memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Row
from tests.bench.watching import watch
from tests.support import million
from tests.support.terminal import Terminal

SIZE = (120, 40)
PAINT_LIMIT_S = 1.0
LOAD_LIMIT_S = 3.0
KEY_LIMIT_S = 0.5
RSS_LIMIT = 250e6


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="stepscope-bench-") as home:
        folder = million.write(Path(home))
        yield from _load(folder.id, Path(home))
        yield _keys(folder.id, Path(home))


def _load(session: str, home: Path) -> Iterator[Row]:
    with watch(session, home, *SIZE) as terminal:
        paint = (terminal.wait_for(session) - terminal.started_ns) / 1e9
        loaded = (terminal.wait_for(lambda text: is_loaded(text, session), 60.0) - terminal.started_ns) / 1e9
        time.sleep(2.0)  # what the last picture needs is part of the memory
        peak = peak_rss(terminal)
    yield Row("1,000,000 events, first paint", f"<= {PAINT_LIMIT_S:g} s", f"{paint:.2f} s", paint <= PAINT_LIMIT_S)
    yield Row("1,000,000 events, fully loaded", f"<= {LOAD_LIMIT_S:g} s", f"{loaded:.2f} s", loaded <= LOAD_LIMIT_S)
    yield Row("1,000,000 events, peak memory", "<= 250 MB", f"{peak / 1e6:.0f} MB", peak <= RSS_LIMIT)


def _keys(session: str, home: Path) -> Row:
    """Help is asked for as soon as something is painted, while the logs are being read."""
    with watch(session, home, *SIZE) as terminal:
        terminal.wait_for("reading")
        still = not is_loaded(terminal.text, session)
        sent = time.monotonic_ns()
        terminal.send("?")
        answered = (terminal.wait_for("back to the sessions", 30.0) - sent) / 1e9
    return Row(
        "1,000,000 events, key while loading",
        f"<= {KEY_LIMIT_S:g} s",
        f"{answered:.2f} s",
        answered <= KEY_LIMIT_S,
        "sent while it was reading" if still else "it had been read before the key was sent",
    )


def is_loaded(text: str, session: str) -> bool:
    """Whether the heading says how the session stands, instead of that it is being read."""
    heading = next((line for line in text.splitlines() if line.startswith(session)), "")  # the tabs are above it
    return "reading" not in heading and "done" in heading


def peak_rss(terminal: Terminal) -> int:
    """The highest resident memory so far, in bytes."""
    status = Path(f"/proc/{terminal.process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
