"""Where compile caches are, and whether there is anything in them. Needs no torch."""

from __future__ import annotations

import errno
import getpass
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from profiler import sessions
from profiler.removal import remove_tree

FOLDERS = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton", "CUDA_CACHE_PATH": "cuda"}
"""What keeps compiled code, by the variable that says where, and its folder among a case's caches."""

_NO_NAME = r'[\\/:*?"<>|]'  # of torch's default_cache_dir


def cache_folder(session: Path, case: str, cache: str) -> Path | None:
    """Where the compile caches of a case are; None for the user's own.

    - ``cold``: in the session, one folder a case, shared by its runs: the first one starts cold, later ones warm;
    - ``warm``: one folder a case, kept between sessions: warm from the second session on, and cold where it has never
      been filled (the cache events say which it was);
    - ``shared``: the user's own caches.
    """
    if cache == "shared":
        return None
    base = session if cache == "cold" else sessions.home()
    return base / "cache" / case


def make(folder: Path) -> dict[str, Path]:
    """Make the folders of a case's caches, of this user alone; each by the environment variable that names it.

    Compilers run what they find there: none may be a link, or somebody else's, or one that others can write. Raises
    OSError.
    """
    folder.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The one above holds all cases of a session, or of the home.
    for path in (folder.parent, folder):
        _make_private(path)
    made = {variable: folder / name for variable, name in FOLDERS.items()}
    for path in made.values():
        _make_private(path)
    return made


def _make_private(path: Path) -> None:
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.ENOTDIR, "a cache of compiled code must be a folder, and no link", str(path))
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(
            errno.EPERM, "somebody else could write what would be run from this cache: remove it", str(path)
        )


def check_shared(environ: Mapping[str, str]) -> None:
    """Raises PermissionError where inductor's own cache, by default in /tmp under a name that anybody can foresee, is
    somebody else's or one that others can write: torch runs what it finds there and doesn't look.
    """
    given = environ.get("TORCHINDUCTOR_CACHE_DIR")
    try:
        path = Path(given or f"{tempfile.gettempdir()}/torchinductor_{re.sub(_NO_NAME, '_', getpass.getuser())}")
        found = os.stat(path)
    except (OSError, KeyError):
        return  # it isn't there, or its name can't be told
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(
            errno.EPERM,
            "somebody else could write what would be run from this cache: set TORCHINDUCTOR_CACHE_DIR to another",
            str(path),
        )


def is_empty(folder: Path) -> bool:
    """Whether there is no file in ``folder`` or below it; a folder that is missing is empty too."""
    return not any(files for _, _, files in os.walk(folder))


def discard(session: Path, case: str, cache: str) -> None:
    """Empty a case's cache in the session, so that its next run starts cold; no other is touched. Raises OSError."""
    folder = cache_folder(session, case, cache)
    if cache == "cold" and folder is not None:
        _remove(folder)


def discard_all(session: Path) -> None:
    """Remove every cache in the session. Raises OSError."""
    _remove(session / "cache")


def _remove(path: Path) -> None:
    """A link is removed itself, and what it leads to stays."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        remove_tree(path)
