"""Viewers that come and go: ``crowd.py SESSION_FOLDER COUNT``.

Forks COUNT processes, twenty at a time, each of which opens the session as a viewer does, reads and folds it, asks
whether its conductor lives, and ends; every third one is killed while it does. Prints how many weren't killed; exits
with 1 if one of those found no live conductor or could not read the session.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from profiler.follow import Follower
from profiler.sessions import Liveness, SessionFolder

AT_ONCE = 20


def main(folder: str, count: str) -> int:
    calm: list[int] = []
    bad = 0
    for first in range(0, int(count), AT_ONCE):
        children = [_viewer(folder) for _ in range(min(AT_ONCE, int(count) - first))]
        for child in children[::3]:
            os.kill(child, signal.SIGKILL)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        calm += [code for number, code in enumerate(codes) if number % 3]
        bad += sum(code not in (0, -signal.SIGKILL) for code in codes)
    sys.stdout.write(f"{len(calm)}\n")
    return 1 if bad or any(calm) else 0


def _viewer(path: str) -> int:
    child = os.fork()
    if not child:
        code = 1
        try:
            folder = SessionFolder(Path(path))
            follower = Follower(folder)
            state = follower.read_all()
            alive = folder.liveness(folder.manifest()) is Liveness.ALIVE and follower.liveness is Liveness.ALIVE
            code = 0 if alive and state.state == "running" and not state.losses.bad else 1
        finally:
            os._exit(code)
    return child


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
