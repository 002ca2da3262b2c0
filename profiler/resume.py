"""Take up a session that was stopped or has died: what it still owes, and its folder made ready for that."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from profiler import caches, made
from profiler import events as ev
from profiler.analysis import batches, repeats
from profiler.analysis.fold import SessionFold
from profiler.boundary import harmless
from profiler.clocks import Offsets, Place
from profiler.eventlog import LogReader, is_locked
from profiler.follow import Follower
from profiler.overview import read_overview
from profiler.removal import remove_tree
from profiler.request import BadRequest, Run
from profiler.request.stored import asked_of, check_runnable
from profiler.sessions import Liveness, Manifest, SessionFolder, boot_id, home, host_name, write_manifest

OWED = ("stopped", "died")
"""Outcomes that are no results: such runs are made again, as those that never began."""
QUIET_SECONDS = 30.0
"""A session logs every few seconds; one of another machine that did so a moment ago is taken to run there."""
LEAVING_SECONDS = 15.0
"""So long a conductor or worker that is about to end is waited for."""
_LOOK_SECONDS = 0.05


class CannotResume(Exception):
    """The session can't be taken up; the message is one line that says what would work."""


class Unsaid(NamedTuple):
    """A run that gave its last word when nobody was left to write down how it ended."""

    run: str
    word: ev.RunEnded
    wall_ns: int


class Debt(NamedTuple):
    """What a session still owes."""

    manifest: Manifest
    runs: list[Run]  # to be made, in the order of the request
    outcomes: dict[str, str]  # of the other runs
    unsaid: list[Unsaid]
    unmeasured: list[str]  # cases that have no result of a run that started cold
    searching: bool  # the search for the largest batch isn't over
    looking: bool  # every run is made, and more are to be added until the verdicts are settled
    unended: bool  # its profiler process died after the last run, before its own last word
    clock_ns: int | None  # wall clock minus monotonic clock where it ran last, as its profiler process had it
    latest_wall_ns: int  # of all that was logged
    own: bool  # made by this user, in this boot of this machine

    @property
    def foreign_code(self) -> list[str]:
        """What its runs would run or open that isn't ours, of a session that was made elsewhere or before a restart.

        Somebody else may have written its ``session.json``: it is data, and nothing that it names is used unasked.
        """
        if self.own:
            return []
        # Of all cases, also those that owe nothing now: once taken up, the session is this user's own.
        return sorted({one for case in self.manifest.request.cases for one in asked_of(case)})

    @property
    def nothing(self) -> bool:
        return not self.runs and not self.searching and not self.looking and not self.unended


def find_debt(folder: SessionFolder, *, failed: bool = False) -> Debt:
    """What ``folder`` owes; ``failed``: its failed runs too. Raises SessionUnreadable, CannotResume while it runs."""
    manifest = folder.manifest(verbatim=True)
    if _is_running(folder, manifest):
        raise CannotResume(f"session {folder.id} is running: 'stepscope watch {folder.id}' shows it")
    return survey(folder, manifest, failed=failed)


def _is_running(folder: SessionFolder, manifest: Manifest) -> bool:
    """Whether it has a conductor. One that has written its last word is waited for: it is gone in no time."""
    deadline = time.monotonic() + LEAVING_SECONDS
    while is_locked(folder.conductor_log) or folder.liveness(manifest) is Liveness.STARTING:
        if read_overview(folder).state in ("starting", "running") or time.monotonic() >= deadline:
            return True
        time.sleep(_LOOK_SECONDS)
    return False


def _await_workers(folder: SessionFolder, manifest: Manifest) -> None:
    """A worker whose conductor was killed takes seconds to end: it still has the device, and its last word to say."""
    deadline = time.monotonic() + LEAVING_SECONDS
    for run in manifest.request.runs:
        while is_locked(folder.run_log(run.name)):
            if time.monotonic() >= deadline:
                raise CannotResume(
                    f"session {folder.id}: a process of its run {run.name} does not end: end it first, as"
                    f" 'fuser {folder.run_log(run.name)}' finds it"
                )
            time.sleep(_LOOK_SECONDS)


def survey(folder: SessionFolder, manifest: Manifest, *, failed: bool) -> Debt:
    """``find_debt`` for one who knows that the session isn't running here: ``manifest`` is the verbatim one.

    Raises CannotResume, also where the request is none that could be asked for here.
    """
    try:
        check_runnable(manifest.request)
    except BadRequest as error:
        raise CannotResume(f"session {folder.id} can't be resumed: {harmless(str(error))}") from None
    _await_workers(folder, manifest)
    offsets = Offsets((*manifest.earlier, manifest.place))
    fold = SessionFold(folder.id, manifest.request)
    conducted = _Log(folder.conductor_log, offsets)
    for chunk in conducted.chunks():
        fold.conductor(chunk)
    latest = conducted.latest_wall_ns
    words: dict[str, int] = {}
    for run in fold.state.runs.values():
        if run.conducted_end is None:
            log = _Log(folder.run_log(run.name), offsets)
            for chunk in log.chunks():
                fold.run(run.name, [event for event in chunk if isinstance(event, ev.Header | ev.RunEnded)])
            words[run.name] = log.latest_wall_ns
            latest = max(latest, log.latest_wall_ns)
    quiet_s = (time.time_ns() - latest) / 1e9
    # Clocks of two machines differ: what was logged there may lie ahead of ours.
    if not _is_here(manifest.place) and not fold.state.over and abs(quiet_s) < QUIET_SECONDS:
        when = f"{quiet_s:.0f} s ago" if quiet_s > 0 else "a moment ago"
        raise CannotResume(
            f"session {folder.id} seems to run on {harmless(manifest.host)}, which logged {when}: stop it there, or"
            f" try again in {QUIET_SECONDS:.0f} s"
        )
    ended = fold.state.over
    fold.state.presume_dead("the profiler process ended without a word")
    again = (*OWED, "failed") if failed else OWED
    outcomes = {run.name: run.outcome for run in fold.state.runs.values() if run.outcome not in (None, *again)}
    request = manifest.request
    owed = [run for run in request.runs if run.name not in outcomes]
    cold = {run.case.name for run in fold.state.runs.values() if run.cold and outcomes.get(run.name) == "ok"}
    return Debt(
        manifest=manifest,
        runs=owed,
        unmeasured=list(dict.fromkeys(run.case for run in owed if run.case not in cold)),
        outcomes={name: outcome for name, outcome in outcomes.items() if outcome is not None},
        unsaid=[
            Unsaid(run.name, run.end, words[run.name])
            for run in fold.state.runs.values()
            if run.name in outcomes and run.name in words and run.end is not None
        ],
        searching=request.find_max_batch
        and any(batches.probe(search) is not None for search in batches.searches(request, outcomes)),
        looking=request.until_sure and not owed and _is_unsure(folder, manifest),
        # Of one of another machine that is no reason to go on with it here.
        unended=not ended and _is_here(manifest.place),
        clock_ns=conducted.offset_ns,
        latest_wall_ns=latest,
        own=_is_own(folder, manifest.place),
    )


def _is_unsure(folder: SessionFolder, manifest: Manifest) -> bool:
    """Whether the session died before a look at which it would have added repeats."""
    state = Follower(folder, manifest).read_all()
    return bool(repeats.owed(state, repeats.look(state)))


def take_up(folder: SessionFolder, debt: Debt, *, now_wall_ns: int, now_ns: int) -> Manifest:
    """Make the folder ready for the runs of ``debt``; returns the manifest as it is now. For the conductor alone.

    What earlier attempts at them wrote is moved to ``earlier/``. ``now_wall_ns`` and ``now_ns``: the wall clock and the
    monotonic one. Raises OSError.
    """
    for path in (folder.control, folder.runs):
        # A copy may have lost folders with nothing in them.
        path.mkdir(mode=0o700, exist_ok=True)
    for run in debt.runs:
        _move_aside(folder, run.name)
    if not debt.own:
        # Compilers run what they find there. Its next runs start cold, and their cache events say so.
        caches.discard_all(folder.path)
    for case in debt.unmeasured:
        # What a run that came to nothing has left there would make the next one neither cold nor warm.
        caches.discard(folder.path, case, debt.manifest.request.cache)
    for left in folder.path.glob(f".{folder.manifest_file.name}.*.tmp"):
        left.unlink()  # of one that was killed while it wrote
    manifest = moved(debt, now_wall_ns=now_wall_ns, now_ns=now_ns)
    # Written even where nothing of it has changed: viewers start over when the file was replaced.
    write_manifest(folder, manifest)
    if not debt.own and _is_at_home(folder):
        made.note(folder.path)
    return manifest


def moved(debt: Debt, *, now_wall_ns: int, now_ns: int) -> Manifest:
    """The manifest of a session that goes on here."""
    manifest = debt.manifest
    if _is_here(manifest.place):
        return manifest
    # One figure for all logs of the place, so that their order among each other stays.
    left = manifest.place
    if left.clock_ns is None:
        left = msgspec.structs.replace(left, clock_ns=debt.clock_ns)
    return msgspec.structs.replace(
        manifest,
        host=host_name(),
        boot_id=boot_id(),
        # Nothing that was logged may come after what will be, even where this machine's clock is behind.
        clock_ns=max(now_wall_ns, debt.latest_wall_ns) - now_ns,
        earlier=(*manifest.earlier, left),
    )


def discard_commands(folder: SessionFolder) -> None:
    """Remove what was left in ``control/`` for a conductor that is gone. Raises OSError, also where that is a link;
    CannotResume where there is a conductor meanwhile, for whom it is.
    """
    if is_locked(folder.conductor_log):
        raise CannotResume(f"session {folder.id} is running: 'stepscope watch {folder.id}' shows it")
    if folder.control.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder.control))
    try:
        entries = list(os.scandir(folder.control))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(Path(entry.path))
        else:
            os.unlink(entry.path)


def _is_here(place: Place) -> bool:
    return (place.host, place.boot_id) == (host_name(), boot_id())


def _is_own(folder: SessionFolder, place: Place) -> bool:
    """Whether this user made the session here: what a copy says of its host and its boot may have been copied too."""
    return _is_here(place) and _is_at_home(folder) and made.is_noted(folder.path)


def _is_at_home(folder: SessionFolder) -> bool:
    try:
        found = os.lstat(folder.path)
        within_home = os.path.samefile(folder.path.parent, home() / "sessions")
    except OSError:
        return False
    return within_home and found.st_uid == os.getuid()


def _move_aside(folder: SessionFolder, run: str) -> None:
    made = folder.run(run)
    if not os.path.lexists(made):
        return
    folder.earlier.mkdir(mode=0o700, exist_ok=True)
    number = 1
    while os.path.lexists(folder.earlier / f"{run}-{number}"):
        number += 1
    made.rename(folder.earlier / f"{run}-{number}")


class _Log:
    """A log that is read once, and the wall clock of its latest record."""

    def __init__(self, path: Path, offsets: Offsets) -> None:
        self._reader = LogReader(path)
        self._offsets = offsets
        self.offset_ns: int | None = None  # wall clock minus monotonic clock of its last writer
        self.latest_wall_ns = 0

    def chunks(self) -> Iterable[list[ev.Event]]:
        """Its records. Raises CannotResume for a log that can't be read."""
        more = True
        while more:
            chunk = self._reader.read()
            if self._reader.refused:
                raise CannotResume(self._reader.refused)
            more = chunk.more
            for event in chunk.events:
                if type(event) is ev.Header and event.wall_ns:
                    self.offset_ns = self._offsets.of(event)
                if self.offset_ns is not None:
                    self.latest_wall_ns = max(self.latest_wall_ns, event.t + self.offset_ns)
            yield chunk.events


def told(unsaid: Unsaid, manifest: Manifest, *, now_wall_ns: int, now_ns: int) -> ev.RunChanged:
    """The end of a run, in the words that its conductor would have used, at the time when it ended."""
    zero_ns = manifest.clock_ns if manifest.clock_ns is not None else now_wall_ns - now_ns
    return ev.RunChanged(
        t=unsaid.wall_ns - zero_ns,
        run=unsaid.run,
        state="ended",
        outcome=unsaid.word.outcome,
        reason=unsaid.word.reason,
    )
