"""The session folder: where everything of a session is kept, and who is alive in it.

Layout and file modes are part of the format: folders 0700, files 0600, ``session.json`` written by rename: when the
session is made, when it is resumed, and when the profiler adds cases or runs to it.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Container, Mapping
from contextlib import suppress
from enum import Enum
from functools import cache, cached_property
from pathlib import Path

import msgspec
import platformdirs

from profiler import boundary, made
from profiler.atomically import write_atomically as write_atomically  # noqa: PLC0414 - others take it from here
from profiler.clocks import Clock, Place
from profiler.eventlog import is_locked
from profiler.events import Int64
from profiler.nofollow import read_beneath
from profiler.removal import remove_tree
from profiler.request import BadRequest, Case, Request, Run
from profiler.request.stored import check_readable

SESSION_SCHEMA = 1
LONGEST_NAME = 96
_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")
_OWN = re.compile(r"session\.json|\.session\.json\..*\.tmp|conductor\.(jsonl|log)|control|runs|earlier|cache")
_FOLDERS = frozenset({"control", "runs", "earlier", "cache"})
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no letters that look alike
_MOST_BYTES = 1 << 24  # of session.json
STARTING_SECONDS = 30.0
"""How long after its creation a session without a conductor counts as starting and not as dead: whoever makes one waits
so long for its conductor."""


class SessionNotFound(Exception):
    """No session fits the reference; the message is one line that says what would work."""


class SessionUnreadable(Exception):
    """The session's folder is there but can't be used; one line says why."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """``session.json``: the request with every default resolved, and where it runs or ran last."""

    schema: int = SESSION_SCHEMA
    session: str
    created_wall_ns: Int64
    stepscope: str
    host: str
    boot_id: str
    request: Request
    clock_ns: Int64 | None = None  # wall clock minus monotonic clock of this boot, once there are earlier places
    earlier: tuple[Place, ...] = ()  # where it ran before it was resumed, oldest first

    @property
    def place(self) -> Place:
        """The boot in which the session runs or ran last."""
        return Place(host=self.host, boot_id=self.boot_id, clock_ns=self.clock_ns)

    @property
    def clock(self) -> Clock | None:
        """The clock on which all its records lie; None while they are of one boot."""
        return Clock(self.place, self.earlier) if self.earlier and self.clock_ns is not None else None


class _Format(msgspec.Struct):
    """What every version of ``session.json`` has, whatever else it holds."""

    schema: Int64 = SESSION_SCHEMA


class Liveness(Enum):
    STARTING = "starting"  # created a moment ago, the conductor has not taken its lock yet
    ALIVE = "alive"  # the conductor holds its lock
    GONE = "gone"  # nobody holds it: ended, or died if the log has no last word
    COPIED = "copied"  # made on another host or boot: only the log can tell


class SessionFolder:
    """Paths of one session. Makes no folder and reads nothing by itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # A folder that is named by its path can be called anything.
        self.id = _shown(path.name)

    # Made when they are first asked for: a list makes hundreds of folders and asks few of them for more than two.

    @cached_property
    def manifest_file(self) -> Path:
        return self.path / "session.json"

    @cached_property
    def conductor_log(self) -> Path:
        return self.path / "conductor.jsonl"

    @cached_property
    def conductor_output(self) -> Path:
        return self.path / "conductor.log"

    @cached_property
    def control(self) -> Path:
        return self.path / "control"

    @cached_property
    def runs(self) -> Path:
        return self.path / "runs"

    @cached_property
    def earlier(self) -> Path:
        """Folders of runs that were made again."""
        return self.path / "earlier"

    def run(self, run: str) -> Path:
        """The folder of a run. Raises ValueError for a name that could leave the session."""
        if not _ID.fullmatch(run):
            raise ValueError(f"{run!r} is not the name of a run")
        return self.runs / run

    def run_log(self, run: str) -> Path:
        return self.run(run) / "events.jsonl"

    def worker_log(self, run: str) -> Path:
        return self.run(run) / "worker.log"

    def manifest(self, *, verbatim: bool = False) -> Manifest:
        """Read ``session.json``. Raises SessionUnreadable.

        Its texts are made harmless to be shown (``profiler.boundary``); ``verbatim``: they stay as they were written,
        for those who do what is asked for or write the file again.
        """
        try:
            data = read_beneath(self.manifest_file, 0, _MOST_BYTES)
            schema = msgspec.json.decode(data, type=_Format).schema
            # Told before the rest is read: what a later version writes may have another shape.
            if schema > SESSION_SCHEMA:
                raise SessionUnreadable(
                    f"session {self.id} has format {schema}, this stepscope reads up to {SESSION_SCHEMA}: upgrade it"
                )
            found = msgspec.json.decode(data, type=Manifest)
            check_readable(found.request)
            if not verbatim and boundary.may_harm(data):
                boundary.clean(found)
        except OSError as error:
            raise SessionUnreadable(f"session {self.id}: cannot read session.json: {error.strerror}") from None
        except (msgspec.MsgspecError, BadRequest, ValueError, RecursionError) as error:
            why = boundary.harmless(str(error)[:300])
            raise SessionUnreadable(f"session {self.id}: session.json is damaged: {why}") from None
        self._refuse_links()
        return found

    def _refuse_links(self) -> None:
        """Raises SessionUnreadable where a folder of the session is a link: what it leads to is somebody else's."""
        link = _link_among(self.path, _FOLDERS) or _link_among(self.runs)
        if link is not None:
            raise SessionUnreadable(
                f"session {self.id}: {_shown(link)} is a link that leads out of the session's folder: remove it"
            )

    def liveness(self, manifest: Manifest) -> Liveness:
        """Whether the session's conductor is alive. Asks the kernel for the lock's holder and never takes the lock."""
        if (manifest.host, manifest.boot_id) != (host_name(), boot_id()):
            return Liveness.COPIED
        if is_locked(self.conductor_log):
            return Liveness.ALIVE
        if not 0 <= (time.time_ns() - manifest.created_wall_ns) / 1e9 < STARTING_SECONDS:
            return Liveness.GONE
        try:
            begun = self.conductor_log.stat().st_size > 0  # it is made a moment before its lock is taken
        except OSError:  # there is none
            begun = False
        if not begun:
            return Liveness.STARTING
        # It may have been made, locked and written to since it was asked for its lock.
        return Liveness.ALIVE if is_locked(self.conductor_log) else Liveness.GONE


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """$STEPSCOPE_HOME, or the platform's user data folder."""
    given = environ.get("STEPSCOPE_HOME")
    return Path(given).expanduser().absolute() if given else platformdirs.user_data_path("stepscope")


def runtime_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the device locks, of this user alone (mode 0700): ``<runtime folder>/stepscope-<uid>``.

    Raises OSError when it can't be made, PermissionError when somebody else owns it.
    """
    folder = runtime_base(environ) / f"stepscope-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = os.lstat(folder)
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        raise PermissionError(
            f"{folder} is somebody else's, or no folder: XDG_RUNTIME_DIR can name another place for it"
        )
    if found.st_mode & 0o077:
        raise PermissionError(f"{folder} is open to others: chmod 700 {folder}")
    return folder


def runtime_base(environ: Mapping[str, str]) -> Path:
    """$XDG_RUNTIME_DIR, or /tmp where that is no folder or comes and goes with logins.

    systemd-logind makes /run/user/<uid> at the first login and removes it with the last one, locks in it or not. A
    detached profiler outlives the login, and what cron or another shell starts has no such variable.
    """
    given = environ.get("XDG_RUNTIME_DIR", "")
    of_login = given.rstrip("/") == f"/run/user/{os.getuid()}"
    return Path(given) if given and not of_login and Path(given).is_dir() else Path("/tmp")  # noqa: S108 - checked


def create(request: Request, version: str, root: Path) -> SessionFolder:
    """Make the folder of a new session under ``root``/sessions. Raises OSError; then nothing is left behind."""
    sessions = root / "sessions"
    # Above it, too: who can rename a folder can put another in its place.
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    sessions.mkdir(mode=0o700, exist_ok=True)
    pipelines = {case.workload.pipeline for case in request.cases}
    about = pipelines.pop() if len(pipelines) == 1 else f"{len(pipelines)}-pipelines"
    while True:
        folder = SessionFolder(sessions / f"{''.join(secrets.choice(_ALPHABET) for _ in range(4))}-{about}")
        with suppress(FileExistsError):
            folder.path.mkdir(mode=0o700)
            break
    try:
        folder.control.mkdir(mode=0o700)
        folder.runs.mkdir(mode=0o700)
        manifest = Manifest(
            session=folder.id,
            created_wall_ns=time.time_ns(),
            stepscope=version,
            host=host_name(),
            boot_id=boot_id(),
            request=request,
        )
        write_manifest(folder, manifest)
        made.note(folder.path)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return folder


def write_manifest(folder: SessionFolder, manifest: Manifest) -> None:
    """Write ``session.json``, in the place of the one there is. Raises OSError."""
    write_atomically(folder.manifest_file, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")


def extend(folder: SessionFolder, cases: list[Case], runs: list[Run]) -> Request:
    """Add ``cases`` and ``runs`` to the session; its request as it is now. For its conductor alone.

    The age of ``session.json`` stays: it puts the sessions in the order in which they were begun. Raises OSError,
    SessionUnreadable.
    """
    manifest = folder.manifest(verbatim=True)
    begun_ns = folder.manifest_file.stat().st_mtime_ns
    request = msgspec.structs.replace(
        manifest.request, cases=[*manifest.request.cases, *cases], runs=[*manifest.request.runs, *runs]
    )
    write_manifest(folder, msgspec.structs.replace(manifest, request=request))
    os.utime(folder.manifest_file, ns=(begun_ns, begun_ns))
    return request


def all_sessions(root: Path) -> list[SessionFolder]:
    """Every session under ``root``, newest first. Raises OSError if the folder is there but can't be read."""
    try:
        entries = [
            entry
            for entry in os.scandir(root / "sessions")
            if _ID.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        ]
    except FileNotFoundError:
        return []
    folders = [SessionFolder(Path(entry.path)) for entry in entries]
    return sorted(folders, key=_made, reverse=True)


def find(reference: str, root: Path) -> SessionFolder:
    """The session meant by an id, a unique prefix, a folder's path, or ``last``. Raises SessionNotFound."""
    if os.sep in reference or reference in (os.curdir, os.pardir):
        folder = SessionFolder(Path(reference).absolute())
        if not os.path.isfile(folder.manifest_file):  # False, too, of a name that is too long
            raise SessionNotFound(f"{_shown(reference)} is no session folder: it has no session.json")
        return folder
    sessions = all_sessions(root)
    here = bool(reference) and os.path.isfile(SessionFolder(Path(reference)).manifest_file)
    if not sessions and not here:
        raise SessionNotFound(f"there are no sessions in {root}: 'stepscope demo' makes one")
    if reference == "last" and sessions:
        return sessions[0]
    fitting = [folder for folder in sessions if folder.id.startswith(reference)] if reference else []
    exact = [folder for folder in fitting if folder.id == reference]
    if exact or len(fitting) == 1:
        return (exact or fitting)[0]
    if fitting:
        some = ", ".join(folder.id for folder in fitting[:4])
        raise SessionNotFound(f"{reference!r} fits {len(fitting)} sessions ({some}): give more of the id")
    if here:
        raise SessionNotFound(f"no session starts with {reference!r}: for the folder here write ./{reference}")
    raise SessionNotFound(f"no session starts with {reference!r}: 'stepscope ls' lists them")


def remove(folder: SessionFolder) -> None:
    """Delete a session's folder. Raises OSError, also where it may not be a session's; RuntimeError while its conductor
    lives.
    """
    try:
        alive = folder.liveness(folder.manifest()) in (Liveness.ALIVE, Liveness.STARTING)
    except SessionUnreadable:
        if not _holds_a_session(folder):
            raise OSError(
                errno.EINVAL, "its session.json can't be read, and other things lie beside it", str(folder.path)
            ) from None
        alive = is_locked(folder.conductor_log)
    if alive:
        raise RuntimeError(f"session {folder.id} is running: 'stepscope stop {folder.id}' first")
    discard(folder)


def _holds_a_session(folder: SessionFolder) -> bool:
    """Whether there is nothing in ``folder`` but what a session has there: anybody's file may be called session.json.

    Raises OSError.
    """
    return all(_OWN.fullmatch(name) for name in os.listdir(folder.path))


def discard(folder: SessionFolder) -> None:
    """Delete a session's folder without asking whether it is alive. Raises OSError."""
    if folder.path.is_symlink():
        raise OSError(
            errno.EINVAL, "a link to a session: remove the link itself, or name what it leads to", str(folder.path)
        )
    # Out of the list first, so that a removal that is interrupted leaves no half session behind.
    doomed = folder.path.with_name(f".removed-{folder.id}-{secrets.token_hex(4)}")
    folder.path.rename(doomed)
    made.forget(folder.path)
    remove_tree(doomed)


class ControlFile(msgspec.Struct, frozen=True, kw_only=True):
    """One command in ``control/``."""

    command: str  # stop: end the session; skip: end the run under way, go on with the next
    run: str | None = None  # skip only while this run is under way; None: whichever is
    pid: int = 0


def send(folder: SessionFolder, command: str, run: str | None = None) -> None:
    """Leave a command for the conductor, by rename, so that it is seen whole or not at all. Raises OSError."""
    name = f"{time.time_ns()}-{os.getpid()}.json"
    control = ControlFile(command=command, run=run, pid=os.getpid())
    write_atomically(folder.control / name, msgspec.json.encode(control), follow=False)


def host_name() -> str:
    return socket.gethostname()


@cache
def boot_id() -> str:
    """The kernel's id of this boot, "" where it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _made(folder: SessionFolder) -> tuple[int, str]:
    try:
        return folder.manifest_file.stat().st_mtime_ns, folder.id
    except OSError:
        return 0, folder.id


def _link_among(folder: Path, names: Container[str] | None = None) -> str | None:
    """The first link in ``folder`` that has one of ``names``, or any; None where the folder can't be read either."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink() and (names is None or entry.name in names):
                return entry.name
    return None


def _shown(name: str) -> str:
    """A name of the file system's as it can be shown: it may have any byte but NUL and /."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)
