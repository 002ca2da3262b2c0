"""Where compile caches are, and whether there is anything in them. Needs no torch."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from profiler import sessions


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


def is_empty(folder: Path) -> bool:
    """Whether there is no file in ``folder`` or below it; a folder that is missing is empty too."""
    return not any(files for _, _, files in os.walk(folder))


def discard(session: Path, case: str, cache: str) -> None:
    """Empty a case's cache in the session, so that its next run starts cold; no other is touched. Raises OSError."""
    folder = cache_folder(session, case, cache)
    if cache == "cold" and folder is not None and folder.exists():
        shutil.rmtree(folder)
