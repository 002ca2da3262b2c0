"""``python -m benchmarks.published``: make the published benchmark's runs, go on with them, print and keep the tables.

A session that its time, a signal or a crash cut short is gone on with as often as it takes: one of this machine's, or
one that was kept (``benchmarks.kept``) and carried to another machine with the same GPU.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks import kept
from benchmarks.commands import Commands
from profiler import devices, room, sessions
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.report import published
from profiler.report.layout import report, report_lines
from profiler.request import BadRequest, Request
from profiler.request.file import Bench
from profiler.resume import CannotResume, find_debt
from profiler.sessions import Liveness, SessionFolder, SessionUnreadable
from profiler.worker.environment import cpu_name
from tui.echo import echo

FILE = Path(__file__).resolve().with_name("published.toml")


class Found(NamedTuple):
    """A session of the wanted runs, and the command that goes on with it: ``resume``, ``watch``, or "" where every run
    has a result.
    """

    folder: SessionFolder
    command: str


class CannotGoOn(Exception):
    """One line says why."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 1 where a run failed or a signal ended it, 2 for what can't be run; 0 also of a session
    that its time cut short.
    """
    options = _options(arguments)
    commands = Commands(options.max_time)
    root = sessions.home()
    try:
        wanted = _wanted(options)
        found = None if options.new else _find(root, wanted, failed=options.failed)
        return _make(root, wanted, found, options, commands)
    except (BadRequest, CannotGoOn) as error:
        _say(f"published: {error}", aside=True)
    except OSError as error:
        _say(f"published: {error.filename}: {error.strerror}", aside=True)
    return 2


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.published",
        description="Make the runs of the published benchmark, or those that an earlier session of them still owes.",
        allow_abbrev=False,
    )
    parser.add_argument("--file", default=str(FILE), help="the matrix (default: %(default)s)")
    parser.add_argument(
        "--max-time",
        type=float,
        metavar="S",
        help="be done after so many seconds, with whatever is made by then; the next time goes on from there",
    )
    parser.add_argument("--device", help="as of 'stepscope run' (default: cuda:0)")
    parser.add_argument("--size", choices=("full", "tiny"), help="as of 'stepscope run'")
    parser.add_argument("--failed", action="store_true", help="make the failed runs again too")
    parser.add_argument("--new", action="store_true", help="a new session, whatever there is of earlier ones")
    parser.add_argument("--against", default="A100", metavar="GPU", help="the published figures to show beside ours")
    parser.add_argument("--keep", action="store_true", help="keep the logs and the tables in benchmarks/results")
    options = parser.parse_args(arguments)
    if options.max_time is not None and not (math.isfinite(options.max_time) and options.max_time > 0):
        parser.error(f"--max-time must be a number of seconds above 0, not {options.max_time:g}")
    gpu = published.find_gpu(options.against)
    if gpu is None:
        parser.error(
            f"nothing was published of a GPU called {options.against!r} (there are: {', '.join(published.gpus())})"
        )
    options.against = gpu
    return options


def _wanted(options: argparse.Namespace) -> Request:
    """What is to be run. Raises BadRequest."""
    over = {} if options.size is None else {"size": options.size}
    return Bench(options.file, over=over).resolve(_choose, options.device)


def _choose(given: str | None) -> str:
    why_not = devices.why_no_cuda()
    if given is None and why_not is not None:
        raise BadRequest(f"no GPU can be used here: {why_not}; --device cpu --size tiny tries everything on a CPU")
    return devices.choose(given)


# --- what there is of it ----------------------------------------------------------------------------------------------


def _find(root: Path, wanted: Request, *, failed: bool) -> Found | None:
    """The newest session of these runs here, or one that was kept elsewhere and owes some. Raises CannotGoOn."""
    for folder in _alike(sessions.all_sessions(root), wanted):
        if _is_of_this_machine(folder, wanted):
            return Found(folder, _command(folder, failed))
    for folder in _alike(kept.kept_sessions(), wanted):
        if _command(folder, failed) == "resume" and _is_of_this_machine(folder, wanted):
            with suppress(FileExistsError):
                taken = kept.take_along(folder, root)
                _say(f"session {taken.id} is that of {folder.path}")
                return Found(taken, "resume")
    return None


def _alike(folders: list[SessionFolder], wanted: Request) -> Iterator[SessionFolder]:
    """Those whose runs are the wanted ones."""
    for folder in folders:
        with suppress(SessionUnreadable):
            request = folder.manifest().request
            if (request.device, request.cases, request.runs) == (wanted.device, wanted.cases, wanted.runs):
                yield folder


def _is_of_this_machine(folder: SessionFolder, wanted: Request) -> bool:
    """Whether its runs so far were made on a device of the name that is here: one session's tables are of one GPU."""
    if folder.liveness(folder.manifest()) is not Liveness.COPIED:
        return True
    here = {cpu_name()} if wanted.device == "cpu" else set(room.gpu_names())
    there = kept.devices_of(_read(folder))
    if there <= here:
        return True
    name = ", ".join(sorted(here)) or "a device whose name isn't known"
    _say(f"session {folder.id} was begun on {', '.join(sorted(there))}, here is {name}: it is left as it is")
    return False


def _command(folder: SessionFolder, failed: bool) -> str:
    """What goes on with it, as in ``Found``. Raises CannotGoOn."""
    try:
        return "" if find_debt(folder, failed=failed).nothing else "resume"
    except CannotResume as error:
        if folder.liveness(folder.manifest()) in (Liveness.ALIVE, Liveness.STARTING):
            return "watch"
        raise CannotGoOn(f"{error}; --new begins another session") from None


def _read(folder: SessionFolder) -> SessionState:
    return Follower(folder).read_all()


# --- the runs, and what is told and kept of them ----------------------------------------------------------------------


def _make(root: Path, wanted: Request, found: Found | None, options: argparse.Namespace, commands: Commands) -> int:
    """Have the runs made, then tell and keep what there is; the exit code."""
    before = None if found is None else _read(found.folder)
    if found is None:
        known = {folder.id for folder in sessions.all_sessions(root)}
        code = commands.run("run", "--file", options.file, "--headless", *_workload(options), *_limit(commands))
        new = [folder for folder in sessions.all_sessions(root) if folder.id not in known]
        found = next((Found(folder, "run") for folder in _alike(new, wanted)), None)
        if found is None:
            return code or 1  # it has said why
    elif found.command == "resume":
        _say(f"going on with session {found.folder.id}")
        own = "none" if wanted.max_time_s is None else f"{wanted.max_time_s:g}"
        limit = _limit(commands) or ["--max-time", own]  # it may have been begun with another one
        failed = ["--failed"] if options.failed else []
        code = commands.run("resume", found.folder.id, "--headless", *failed, *limit)
    elif found.command == "watch":
        _say(f"session {found.folder.id} is under way already")
        code = commands.follow(found.folder.id)
    else:
        code = 0
    state = _read(found.folder)
    if before is not None and found.command == "resume" and len(state.resumed_ns) == len(before.resumed_ns):
        return code or 1  # it was not taken up, and has said why
    well = _tell(found.folder, state, set() if before is None else kept.results_of(before), options)
    well &= all(run.outcome not in ("failed", "died") for run in state.runs.values())
    return 0 if well and state.over and not commands.signalled else 1


def _workload(options: argparse.Namespace) -> list[str]:
    given = {"--size": options.size, "--device": options.device}
    return [word for name, value in given.items() if value is not None for word in (name, value)]


def _limit(commands: Commands) -> list[str]:
    left_s = commands.left_s()
    return [] if left_s is None else ["--max-time", f"{left_s:.0f}"]


def _tell(folder: SessionFolder, state: SessionState, before: set[str], options: argparse.Namespace) -> bool:
    """Print the tables and what is left to make; keep them where that is asked for, and say whether that worked.

    ``before``: the runs that had a result already.
    """
    document = report(state, options.against)
    made = kept.results_of(state)
    for line in ["", *report_lines(document, markdown=False), "", *_summary(state, before, made)]:
        _say(line)
    if not options.keep or not made:
        return True
    try:
        place = kept.keep(folder, state, "\n".join(report_lines(document, markdown=True)) + "\n")
    except OSError as error:
        _say(f"published: nothing could be kept: {error.filename}: {error.strerror}", aside=True)
        return False
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    _say(f"kept in {place} ({size / 1e6:.1f} MB)")
    return True


def _summary(state: SessionState, before: set[str], made: set[str]) -> Iterator[str]:
    counts = Counter(str(state.runs[name].outcome) for name in made)
    outcomes = ", ".join(f"{counts[one]} {one}" for one in ("ok", "oom", "unsupported", "failed") if counts[one])
    again = " (--failed makes those that failed again)" if counts["failed"] else ""
    yield f"session {state.session}: {len(made)} of {len(state.runs)} runs made{f': {outcomes}' if made else ''}{again}"
    owed = [run.name for run in state.runs.values() if run.name not in made]
    if not owed:
        yield "every run has a result: --new begins another session"
        return
    why = f" ({state.reason})" if state.reason else ""
    yield f"{len(owed)} to make{why}: the same command goes on with them"
    if made == before and (state.reason or "").startswith("max time"):
        yield f"none was made in this time: {owed[0]} needs a longer --max-time"


def _say(line: str = "", *, aside: bool = False) -> None:
    with suppress(OSError):  # after a hang-up there is no terminal, and the results are to be kept all the same
        echo(line, aside=aside)


if __name__ == "__main__":
    sys.exit(main())
