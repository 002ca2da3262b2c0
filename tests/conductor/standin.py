"""A worker's stand-in: speaks the real log format, and does as told. Imports no torch.

Started as ``standin.py SESSION_FOLDER RUN``; what run number N does is word N of $STANDIN, or its last word. Most runs
only say how they ended. That takes nothing of the profiler, whose imports would be most of the time of such a run.

``paced`` makes three measured calls whose durations $PACES gives, in ms: a list a variant, an item a repeat (the last
one for all further ones); a word there is one of ENDS. What it compiles stays in its case's cache.
"""

from __future__ import annotations

import json
import os
import site
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    calls: list[float] = []
    if does == "paced":
        pace = pace_of(session, run)
        does, calls = (pace, []) if isinstance(pace, str) else ("ok", [pace] * 3)
        leave_compiled(session, run)
    if does == "silent":
        return 0
    if does in ENDS:
        return end(Path(session, "runs", run, "events.jsonl"), session, run, *ENDS[does], calls)
    # Started without site-packages and $PYTHONPATH.
    site.main()
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tests.conductor import misbehaving

    return misbehaving.run(session, run, does)


def batch_of(session: str, run: str) -> int:
    return int(found(session, run)[1]["workload"]["batch_size"])


def pace_of(session: str, run: str) -> float | str:
    """Milliseconds of a call, or how the run ends."""
    this, case = found(session, run)
    paces = json.loads(os.environ["PACES"])[case["compilation"]["variant"]]
    pace: float | str = paces[min(this["repeat"], len(paces)) - 1]
    return pace


def leave_compiled(session: str, run: str) -> None:
    case = found(session, run)[1]
    if case["compilation"]["variant"] != "no-compile":
        kernel = Path(session, "cache", case["name"], "inductor", "kernel.so")
        kernel.parent.mkdir(parents=True, exist_ok=True)
        kernel.touch()


def found(session: str, run: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The run and its case, as session.json has them."""
    request = json.loads(Path(session, "session.json").read_bytes())["request"]
    this = next(one for one in request["runs"] if one["name"] == run)
    return this, next(one for one in request["cases"] if one["name"] == this["case"])


def end(
    log: Path,
    session: str,
    run: str,
    outcome: str | None,
    reason: str | None,
    code: int,
    calls: Sequence[float] = (),
) -> int:
    """Write the shortest log of a run that ended so; ``calls``: how long each of its measured calls took, in ms."""
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
    if calls:
        records.append({"kind": "phase", "phase": "measure", "calls": len(calls)})
    for call, ms in enumerate(calls):
        start, ns = time.monotonic_ns(), int(ms * 1e6)
        records += [
            {"kind": "call", "call": call, "phase": "measure", "start_ns": start},
            {"kind": "loop", "call": call, "name": "denoise", "denoisers": ["unet"], "start_ns": start},
            {"kind": "loop_end", "call": call, "ns": ns, "evaluations": 1, "iterations": 1},
            {"kind": "call_end", "call": call, "ns": ns, "images": 1},
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
