"""Files that a log names: they may only lie beside it, in the run's folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def file_beside(folder: Path, name: str) -> Path | None:
    """The path of the file ``name`` in ``folder``; None for a name that could mean anything else."""
    fits = name and len(name) < 256 and name not in (".", "..") and "/" not in name and "\0" not in name
    return folder / name if fits else None


def read_regular(path: Path, limit: int) -> bytes | None:
    """The content of a regular file of up to ``limit`` bytes; None for anything else, a link too."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > limit:
            return None
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return data if len(data) <= limit else None
