"""A worker's stand-in: speaks the real log format, and does as told. Imports no torch.

Started as ``standin.py SESSION_FOLDER RUN``; what run number N does is word N of $STANDIN, or its last word. Most runs
only say how they ended. That takes nothing of the profiler, whose imports would be most of the time of such a run.
"""

from __future__ import annotations

import json
import os
import site
import sys
import time
from pathlib import Path

ENDS = {
    "ok": ("ok", None, 0),
    "oom": ("oom", "CUDA out of memory", 0),
    "failed": ("failed", "RuntimeError: shapes differ", 1),
    "unsupported": ("unsupported", "no C++ compiler", 0),
    "wordless": (None, None, 0),
}
"""The last word, its reason and the exit code."""


def main(session: str, run: str) -> int:
    words = os.environ["STANDIN"].split(",")
    does = words[min(int(run[:3]), len(words)) - 1]
    if does.startswith("fits-"):
        # Out of memory above a batch.
        does = "ok" if batch_of(session, run) <= int(does.removeprefix("fits-")) else "oom"
    if does == "silent":
        return 0
    if does in ENDS:
        return end(Path(session, "runs", run, "events.jsonl"), session, run, *ENDS[does])
    # Started without site-packages and $PYTHONPATH.
    site.main()
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tests.conductor import misbehaving

    return misbehaving.run(session, run, does)


def batch_of(session: str, run: str) -> int:
    request = json.loads(Path(session, "session.json").read_bytes())["request"]
    case = next(found["case"] for found in request["runs"] if found["name"] == run)
    return int(next(found["workload"]["batch_size"] for found in request["cases"] if found["name"] == case))


def end(log: Path, session: str, run: str, outcome: str | None, reason: str | None, code: int) -> int:
    """Write the shortest log of a run that ended so."""
    records: list[dict[str, object]] = [
        {
            "kind": "header",
            "writer": "worker",
            "session": Path(session).name,
            "run": run,
            "pid": os.getpid(),
            "host": os.uname().nodename,
            "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
            "wall_ns": time.time_ns(),
        },
        {"kind": "environment", "device": "cpu"},
        {"kind": "phase", "phase": "load"},
    ]
    if outcome is not None:
        records.append({"kind": "end", "outcome": outcome, "reason": reason})
    stamped = ({**record, "seq": seq, "t": time.monotonic_ns()} for seq, record in enumerate(records, start=1))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in stamped)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
