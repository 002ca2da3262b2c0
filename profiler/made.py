"""Which sessions this user has made here. What a session's own files say of that comes along with any copy of them.

``<home>/made/<session>`` has the device and inode of the session's folder: a copy is another folder, also where it was
given the name of one that is gone, and no word here is part of it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from profiler.atomically import write_atomically

FOLDER = "made"


def note(session: Path) -> None:
    """``session``, a folder in a home's ``sessions``, was made here, or taken up here. Raises OSError."""
    noted = _file(session)
    noted.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomically(noted, _identity(session))


def is_noted(session: Path) -> bool:
    """Whether this very folder is."""
    try:
        return _file(session).read_bytes() == _identity(session)
    except OSError:
        return False


def forget(session: Path) -> None:
    """The folder is removed."""
    with suppress(OSError):
        _file(session).unlink()


def _file(session: Path) -> Path:
    return session.parent.parent / FOLDER / session.name


def _identity(session: Path) -> bytes:
    found = os.lstat(session)
    return b"%d %d\n" % (found.st_dev, found.st_ino)
