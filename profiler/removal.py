"""Remove folders that somebody else may have made: however deep they are, and nothing that a link in them leads to."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` and all that is in it. Raises OSError, also where it is a link or no folder.

    ``shutil.rmtree`` goes down a call and a descriptor a level, and gives up some hundred levels down. Here a folder
    within a folder is moved up to the top before it is emptied.
    """
    try:
        _remove(folder)
    except OSError as error:
        error.filename, error.filename2 = str(folder), None  # names within it say little
        raise


def _remove(folder: Path) -> None:
    top = os.open(folder, _FOLDER)
    try:
        left = list(_emptied(top, top))
        while left:
            name = left.pop()
            below = os.open(name, _FOLDER, dir_fd=top)
            try:
                left += _emptied(below, top)
            finally:
                os.close(below)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(folder)


def _emptied(folder: int, top: int) -> Iterator[str]:
    """Remove the files of ``folder`` and move its folders into ``top``; their names there."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
        elif folder == top:
            yield name
        else:
            unused = f".{secrets.token_hex(16)}"
            os.rename(name, unused, src_dir_fd=folder, dst_dir_fd=top)
            yield unused
