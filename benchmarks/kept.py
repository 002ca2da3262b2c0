"""The results that are kept in the repository: put there, and gone on with where they were carried to.

A kept session is a session folder without what nothing is computed from, and with its tables as README.md. Its name is
the GPU's and the day on which it was begun.
"""

from __future__ import annotations

import datetime
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.sessions import SessionFolder, SessionUnreadable, write_atomically

RESULTS = Path(__file__).resolve().parent / "results"
LOGS = ("runs/*/events.jsonl", "conductor.jsonl", "session.json")
"""What is kept of a session: what its figures are read from. Images, caches and what workers printed stay behind."""
TABLES = "README.md"
_ANYBODYS = 0o666  # as any file of a repository
_ID = re.compile(r"[a-z0-9]{4}-[a-z0-9.-]{1,80}")
"""What ``sessions.create`` calls a session; a file from elsewhere may say anything."""


def keep(folder: SessionFolder, state: SessionState, tables: str, results: Path | None = None) -> Path:
    """Bring the session's logs to ``results`` (None: the repository's), with ``tables`` as their README.md; returns the
    folder there.

    What was kept of the same session is brought up to date, and other files beside it stay. Another session's results
    are never touched, nor those of the same one that were gone on with elsewhere. Raises OSError.
    """
    target = _place(folder, state, results or RESULTS)
    files = [file.relative_to(folder.path) for file in _logs(folder.path)]
    target.mkdir(parents=True, exist_ok=True)
    for stale in [file for file in _logs(target) if file.relative_to(target) not in files]:
        stale.unlink()  # of an attempt that was to be made again, and isn't yet
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target / file, (folder.path / file).read_bytes(), mode=_ANYBODYS)
    write_atomically(target / TABLES, tables.encode(), mode=_ANYBODYS)
    return target


def kept_sessions() -> list[SessionFolder]:
    """What was kept, newest first; what can't be read isn't there."""
    found: list[tuple[int, SessionFolder]] = []
    for file in RESULTS.glob("*/session.json"):
        folder = SessionFolder(file.parent)
        with suppress(SessionUnreadable):
            found.append((folder.manifest().created_wall_ns, folder))
    return [folder for _, folder in sorted(found, key=lambda one: one[0], reverse=True)]


def take_along(kept: SessionFolder, root: Path) -> SessionFolder:
    """Copy a kept session to the sessions of ``root``, where it can be resumed. Raises OSError, SessionUnreadable.

    It has its own id there, which FileExistsError says is taken.
    """
    session = kept.manifest().session
    if not _ID.fullmatch(session):
        raise SessionUnreadable(f"{kept.path}: {session!r} is no session's name")
    (root / "sessions").mkdir(mode=0o700, parents=True, exist_ok=True)
    target = root / "sessions" / session
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    made = target.with_name(f".taken-{session}-{secrets.token_hex(4)}")  # no session's name: half a copy is none
    try:
        for folder in (made, made / "control", made / "runs"):
            folder.mkdir(mode=0o700)
        for file in _logs(kept.path):
            copy = made / file.relative_to(kept.path)
            copy.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(copy, file.read_bytes())
        made.rename(target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return SessionFolder(target)


def results_of(state: SessionState) -> set[str]:
    """The names of the runs that have a result: none that was stopped or died has one."""
    return {run.name for run in state.runs.values() if run.outcome not in (None, "stopped", "died")}


def devices_of(state: SessionState) -> set[str]:
    """What the runs so far were made on, by name."""
    seen = [run.environment for run in state.runs.values() if run.environment is not None]
    return {one.device_name for one in seen if one.device_name}


def _place(folder: SessionFolder, state: SessionState, results: Path) -> Path:
    name = next(iter(sorted(devices_of(state))), state.request.device)
    gpu = re.sub(r"[^a-z0-9]+", "-", name.casefold().removeprefix("nvidia ")).strip("-") or "device"
    made = folder.manifest().created_wall_ns / 1e9
    day = f"{datetime.datetime.fromtimestamp(made, datetime.UTC):%Y-%m-%d}"
    number = 1
    target = results / f"{gpu}-{day}"
    while not _is_free(target, state):
        number += 1
        target = results / f"{gpu}-{day}-{number}"
    return target


def _is_free(target: Path, state: SessionState) -> bool:
    """Whether nothing is lost if ``state`` is kept there."""
    if not target.exists():
        return True
    try:
        there = Follower(SessionFolder(target)).read_all()
    except SessionUnreadable:
        return False
    return there.session == state.session and results_of(there) <= results_of(state)


def _logs(session: Path) -> Iterator[Path]:
    """In this order: a copy that is cut short then says of no run that it has ended and lacks its log."""
    for pattern in LOGS:
        yield from (file for file in sorted(session.glob(pattern)) if file.is_file() and not file.is_symlink())
