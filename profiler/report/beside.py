"""Files that a log names: they may only lie beside it, in the run's folder."""

from __future__ import annotations

from pathlib import Path

from profiler.nofollow import read_beneath

_FOLDERS = 2
"""``runs/<run>``: the folders of a session in which such a file lies, neither of which may be a link."""


def file_beside(folder: Path, name: str) -> Path | None:
    """The path of the file ``name`` in ``folder``; None for a name that could mean anything else."""
    fits = name and len(name) < 256 and name not in (".", "..") and "/" not in name and "\0" not in name
    return folder / name if fits else None


def read_regular(path: Path, limit: int) -> bytes | None:
    """The content of a regular file of up to ``limit`` bytes; None for anything else, a link too, or one in a folder
    that is a link.
    """
    try:
        return read_beneath(path, _FOLDERS, limit)
    except (OSError, ValueError):
        return None
