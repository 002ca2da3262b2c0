"""Files that screens write into the working folder: new ones, never over what is there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

MOST_FILES = 1000
"""Exports of one name in one folder; with more there than that something else is wrong."""


def new_file(folder: Path, name: str, ending: str, pieces: Iterable[str]) -> Path | None:
    """Write ``pieces`` into ``name.ending``, where there is one already into ``name-2.ending`` and so on.

    None where there are MOST_FILES of them. Raises OSError.
    """
    for number in range(1, MOST_FILES + 1):
        path = folder / (f"{name}.{ending}" if number == 1 else f"{name}-{number}.{ending}")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(pieces)
        return path
    return None
