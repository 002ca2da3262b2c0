"""``python -m benchmarks.published``: make the published benchmark's runs, go on with them, print and keep the tables.

A session that was stopped, by its time budget or by hand, is gone on with as often as it takes.
"""

from __future__ import annotations

import argparse
import datetime
import re
import shutil
import subprocess
import sys
from pathlib import Path

from profiler import sessions
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.request import BadRequest, Request
from profiler.request.file import Bench
from profiler.resume import CannotResume, find_debt
from profiler.sessions import SessionFolder, SessionUnreadable

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
STEPSCOPE = [sys.executable, str(HERE.parent / "stepscope.py")]
KEPT = ("session.json", "conductor.jsonl", "runs/*/events.jsonl")
"""What is kept of a session: what its figures are read from. Images, caches and what workers printed stay behind."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 1 where a run failed, 2 for what can't be run; 0 also of a session that time cut short."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.published",
        description="Make the runs of the published benchmark, or those that an earlier session of them still owes.",
        allow_abbrev=False,
    )
    parser.add_argument("--file", default=str(HERE / "published.toml"), help="the matrix (default: %(default)s)")
    parser.add_argument("--max-time", metavar="S", help="stop after so many seconds; the next time goes on from there")
    parser.add_argument("--device", help="as of 'stepscope run'")
    parser.add_argument("--size", choices=("full", "tiny"), help="as of 'stepscope run'")
    parser.add_argument("--new", action="store_true", help="a new session, whatever earlier ones still owe")
    parser.add_argument("--against", default="A100", metavar="GPU", help="the published figures to show beside ours")
    parser.add_argument("--keep", action="store_true", help="keep the logs and the tables in benchmarks/results")
    options = parser.parse_args(arguments)
    root = sessions.home()
    started = None if options.new else _unfinished(root, options.file, options.size, options.device)
    if started is not None:
        print(f"going on with session {started.id}", flush=True)
        code = _stepscope("resume", started.id, "--headless")
        folder = started
    else:
        given = {"--max-time": options.max_time, "--size": options.size, "--device": options.device}
        more = [word for name, value in given.items() if value is not None for word in (name, value)]
        before = {one.id for one in sessions.all_sessions(root)}
        code = _stepscope("run", "--file", options.file, "--headless", *more)
        made = [one for one in sessions.all_sessions(root) if one.id not in before]
        if not made:
            return code  # nothing was begun: it has said why
        folder = made[0]
    state = Follower(folder).read_all()
    ended = sum(run.outcome not in (None, "stopped", "died") for run in state.runs.values())
    print(f"\nsession {folder.id}: {ended} of {len(state.runs)} runs made", flush=True)
    table = _table(folder, options.against)
    print(table)
    if options.keep and ended:
        print(f"kept in {keep(folder, state, table)}")
    bad = any(run.outcome in ("failed", "died") for run in state.runs.values())
    return code if bad or not state.over else 0


def _unfinished(root: Path, file: str, size: str | None, device: str | None) -> SessionFolder | None:
    """The newest session of these runs that still owes some of them and can be gone on with."""
    for folder in sessions.all_sessions(root):
        try:
            request = folder.manifest().request
            wanted = _asked(file, size, device or request.device)
            same = (request.device, request.cases, request.runs) == (wanted.device, wanted.cases, wanted.runs)
            if same and not find_debt(folder).nothing:
                return folder
        except (SessionUnreadable, CannotResume, BadRequest):
            continue
    return None


def _asked(file: str, size: str | None, device: str) -> Request:
    over = {} if size is None else {"size": size}
    return Bench(file, over=over).resolve(lambda _: device, device)


def _stepscope(*arguments: str) -> int:
    return subprocess.run([*STEPSCOPE, *arguments], check=False).returncode


def _table(folder: SessionFolder, against: str) -> str:
    command = [*STEPSCOPE, "report", folder.id, "--layout", "published", "--against", against, "--format", "md"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def keep(folder: SessionFolder, state: SessionState, table: str, results: Path = RESULTS) -> Path:
    """Copy a session's logs to ``results``/<gpu>-<date>, with ``table`` as their README.md; returns that folder."""
    names = (run.environment.device_name for run in state.runs.values() if run.environment is not None)
    name = next(filter(None, names), state.request.device)
    gpu = re.sub(r"[^a-z0-9]+", "-", name.casefold().removeprefix("nvidia ")).strip("-") or "device"
    made = folder.manifest().created_wall_ns / 1e9
    target = results / f"{gpu}-{datetime.datetime.fromtimestamp(made, datetime.UTC):%Y-%m-%d}"
    for pattern in KEPT:
        for file in folder.path.glob(pattern):
            copy = target / file.relative_to(folder.path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    (target / "README.md").write_text(table, encoding="utf-8")
    return target


if __name__ == "__main__":
    sys.exit(main())
