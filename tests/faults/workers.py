"""Real workers from one warm process: it has loaded torch and diffusers, and forks one for each line that it is told.

A line is a session's folder and a run's name, with a tab between. It answers with the worker's pid, and once that has
ended, with the number of the signal that ended it (0: none).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def warm() -> None:
    import profiler.worker.run  # noqa: F401
    from profiler.catalog import find
    from profiler.catalog.build import build

    build(find("sd15-txt2img"), size="tiny", weights="random", dtype="float32", device="cpu")


def answer(value: object) -> None:
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


def main() -> None:
    warm()
    answer("warm")
    for line in sys.stdin:
        session, _, run = line.rstrip("\n").partition("\t")
        pid = os.fork()
        if pid == 0:
            from profiler.worker.main import work

            os._exit(work(Path(session), run))
        answer(pid)
        _, status = os.waitpid(pid, 0)
        answer(os.WTERMSIG(status))
    os._exit(0)  # the interpreter takes a second to take torch apart


if __name__ == "__main__":
    main()
