"""The real conductor with stand-ins as workers: ``drive.py SESSION_FOLDER [ARGUMENT...]``.

$LIMITS is "hung farewell grace", and may go on with "silent".
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

from profiler.conductor.hostmemory import OomKills
from profiler.conductor.main import main
from profiler.conductor.orders import Orders
from profiler.conductor.supervise import Limits

STANDIN = str(Path(__file__).with_name("standin.py"))


def command(_role: str, *arguments: str) -> list[str]:
    if os.environ["STANDIN"] == "bug":
        raise RuntimeError("a bug in the profiler")
    return [sys.executable, "-I", "-S", STANDIN, *arguments]


if __name__ == "__main__":
    if "LARGEST_FILE" in os.environ:
        size = int(os.environ["LARGEST_FILE"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if "DEAF" in os.environ:
        # A conductor that has lost itself: it sees no command and no signal but SIGKILL.
        Orders.poll = lambda *_: None  # type: ignore[method-assign]
        Orders.on_signal = lambda *_: None  # type: ignore[method-assign]
    if "NO_PIDFD" in os.environ:
        del os.pidfd_open, signal.pidfd_send_signal
    limits = Limits(*map(float, os.environ.get("LIMITS", "600 30 2").split()))
    counter = OomKills([Path(os.environ["OOM_COUNTER"])]) if "OOM_COUNTER" in os.environ else None
    sys.exit(main(*sys.argv[1:], command=command, limits=limits, oom_kills=counter))
