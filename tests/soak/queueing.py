"""Sessions that want one device at the same time: ``queueing.py RUNTIME_FOLDER COUNT SECONDS KILLED...``.

Forks COUNT processes which take the device's lock as a worker does, keep it for SECONDS and end; number KILLED of those
that got it is killed instead, without a chance to let go (0: none is). Once for each KILLED. A line of JSON for each:
``[session, behind whom it waited, taken at, given back at or null]`` of every process in the order of their turns,
times in nanoseconds of the monotonic clock.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from profiler import events as ev
from profiler.worker import device

DEVICE = "GPU-5e1f0c2a-0000-4000-8000-000000000001"


def main(folder: str, count: str, seconds: str, *killed: str) -> int:
    device.POLL_SECONDS = 0.02  # the session that has waited longest has no right of way: only how often it asks counts
    good = [_once(Path(folder), int(count), float(seconds), int(number)) for number in killed]
    return 0 if all(good) else 1


def _once(folder: Path, count: int, seconds: float, killed: int) -> bool:
    """Print one line; False if a process ended as it should not."""
    begin, ready = os.pipe()
    out = folder / f"turns-{killed}.jsonl"
    children = []
    for number in range(count):
        child = os.fork()
        if not child:
            os.close(ready)
            os.read(begin, 1)  # until all are there: the pipe's other end is closed
            try:
                _take(folder, f"{number:02d}-session", seconds, out, killed)
            finally:
                os._exit(3)
        children.append(child)
    os.close(ready)
    os.close(begin)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.stdout.write(json.dumps([json.loads(line) for line in out.read_text(encoding="ascii").splitlines()]) + "\n")
    sys.stdout.flush()
    return sorted(statuses) == [*([-signal.SIGKILL] if killed else []), *([0] * (count - bool(killed)))]


def _take(folder: Path, session: str, seconds: float, out: Path, killed: int) -> None:
    behind: list[str] = []

    def note(event: ev.Event) -> None:
        assert isinstance(event, ev.Waiting)
        behind.append(event.behind)

    device.DeviceLock(folder, DEVICE, session).take(note, queue=True)
    taken = time.monotonic_ns()
    turn = len(out.read_bytes().splitlines()) + 1 if out.exists() else 1
    time.sleep(seconds)
    given = time.monotonic_ns()
    # Nobody else writes while this process has the device: that is what is tested.
    with out.open("a", encoding="ascii") as file:
        file.write(json.dumps([session, behind, taken, None if turn == killed else given]) + "\n")
    if turn == killed:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
