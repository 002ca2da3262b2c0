"""Open what lies in a session's folder, and nothing that a link in it leads to.

A session that was copied from elsewhere is somebody else's data: a link in it may lead to any file of the reader's.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_MORE_BYTES = 1 << 20
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


def open_beneath(path: Path, folders: int, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """A descriptor of ``path``, of which neither the file nor the last ``folders`` folders may be links.

    Each of them is opened within the one before, so none can be put in its place meanwhile. Never waits for a FIFO.
    Raises OSError: ENOTDIR where a folder is a link, ELOOP where the file is.
    """
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    if not folders:
        return os.open(path, flags, mode)
    text = str(path) if path.is_absolute() else os.path.abspath(path)
    first, *above, name = text.rsplit("/", folders)
    folder = _folder_in(None, first)
    try:
        for part in above:
            within = _folder_in(folder, part)
            os.close(folder)
            folder = within
        return os.open(name, flags, mode, dir_fd=folder)
    finally:
        os.close(folder)


def _folder_in(folder: int | None, name: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except NotADirectoryError:
        raise NotADirectoryError(errno.ENOTDIR, "a folder of the session is a link, or none", name) from None


def folders_of(log: Path) -> int:
    """How many folders of a session a log lies in: ``runs/<run>`` of a run's, none of the conductor's."""
    return 2 if log.parent.parent.name == "runs" else 0


def read_beneath(path: Path, folders: int, limit: int) -> bytes:
    """The content of the regular file ``path``, found as by ``open_beneath``.

    Raises OSError, and ValueError where it is no regular file or has more than ``limit`` bytes.
    """
    descriptor = open_beneath(path, folders)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is no regular file")
        if about.st_size > limit:
            raise ValueError(f"larger than {limit} bytes")
        data = os.read(descriptor, about.st_size + 1)
        while len(data) <= limit and (more := os.read(descriptor, _MORE_BYTES)):
            data += more  # it has grown meanwhile, or is larger than one read
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise ValueError(f"larger than {limit} bytes")
    return data
