"""The conductor's own log, held by the file and not by its name: whether the name still leads to it.

Its lock says who conducts the session. Removed or replaced, the log would leave the session to whoever comes next,
while this conductor still measures: it has to end.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class OwnLog:
    """The log at ``path``, which is open for writing elsewhere in this process."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | _FLAGS)

    def missing(self) -> str | None:
        """What became of it, "removed" or "replaced"; None while it is in its place, or nobody can tell."""
        try:
            there = os.lstat(self._path)
        except FileNotFoundError:
            return "removed"
        except OSError:
            # A network file system that does not answer just now says nothing about the log.
            return None
        own = os.fstat(self._descriptor)
        return None if (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino) else "replaced"

    def restore(self) -> bool:
        """Write it anew where it was removed; False if something else is there by now. Raises OSError."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        except FileExistsError:
            return False
        with open(descriptor, "wb") as copy, open(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            shutil.copyfileobj(file, copy)
        return True

    def close(self) -> None:
        os.close(self._descriptor)
