"""Write a file so that nobody ever sees half of it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, data: bytes, *, follow: bool = True, mode: int = 0o600) -> None:
    """Write ``path`` so that a reader or a crash sees the old file or the whole new one. Raises OSError.

    ``follow``: its folder may be a link. ``mode``: its permissions, of which the process's umask takes some away.
    """
    temporary = f".{path.name}.{secrets.token_hex(4)}.tmp"
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    except OSError as error:
        error.filename = str(path.parent)
        raise
    try:
        _write_new(folder, temporary, data, mode)
        os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        with suppress(OSError):  # it is there already; some file systems can't sync folders
            os.fsync(folder)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        if isinstance(error, OSError):
            error.filename = str(path)  # a write knows only its descriptor
        raise
    finally:
        os.close(folder)


def _write_new(folder: int, name: str, data: bytes, mode: int) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=folder)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
