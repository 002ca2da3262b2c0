"""Whether the disk on which a session lies takes any more records."""

from __future__ import annotations

import errno
import os
from pathlib import Path

LOW_BYTES = 1 << 20
"""What is left of a full disk may still take a short record and not a long one."""


def full_disk(folder: Path) -> str | None:
    """Why nothing can be written to ``folder``, in a word or two; None: there is room."""
    try:
        room = os.statvfs(folder)
    except OSError as error:
        return os.strerror(error.errno or errno.EIO)
    return "the disk is full" if room.f_bavail * room.f_frsize < LOW_BYTES else None
