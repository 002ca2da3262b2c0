"""The lines of code around the places that compile events name, told once each."""

from __future__ import annotations

import linecache
import os
import re
import sys
from collections.abc import Callable

import torch

from profiler.events import SourceLines
from profiler.worker.compiles.payloads import text

_AROUND = 3  # lines before and after
_LINE = 160  # characters
_TOLD = 24  # places of a run
_PATH = 512
_CALLER = re.compile(r"(.+):(\d+) in \S+")


class Places:
    """Finds the files of shortened paths, and tells the lines around a place, to ``tell``, while there are few."""

    def __init__(self, tell: Callable[[SourceLines], None]) -> None:
        self._tell = tell
        self._told: set[tuple[str, int]] = set()
        self._found: dict[str, str] = {}

    def full(self, file: str) -> str:
        """The path of a file that torch has shortened ("nn/modules/dropout.py"); the same where it isn't found."""
        if file not in self._found:
            self._found[file] = _search(file) or file
        return self._found[file]

    def tell(self, file: str, line: int, around: int = _AROUND) -> None:
        """Tell ``line`` with ``around`` lines before and after it, where ``lines`` has any."""
        first, lines = self.lines(file, line, around)
        if lines:
            self._tell(SourceLines(file=text(file, _PATH), line=line, first=first, lines=lines))

    def lines(self, file: str, line: int, around: int = _AROUND) -> tuple[int, list[str]]:
        """The lines around ``line`` and the number of the first, for an event that names the place: they count as told.

        (0, []) where that was done before, the file can't be read, or there were many places already.
        """
        if (file, line) in self._told or len(self._told) >= _TOLD or line < 1:
            return 0, []
        first = max(line - around, 1)
        # Reading what is no file of its own, as the pipe that a script came through, could wait for ever.
        found = linecache.getlines(file) if file in linecache.cache or os.path.isfile(file) else []
        lines = found[first - 1 : line + around]
        if line - first >= len(lines):
            return 0, []
        self._told.add((file, line))
        return first, [text(one.rstrip(), _LINE) for one in lines]

    def of_caller(self, caller: str) -> tuple[str, int] | None:
        """The file and line in "file:line in function"."""
        found = _CALLER.fullmatch(caller)
        return (found[1], int(found[2])) if found else None


def _search(file: str) -> str | None:
    """torch cuts off what a path has in common with torch's own folder (torch.utils._traceback.shorten_filename)."""
    if os.path.isabs(file):
        return file
    folder = os.path.dirname(os.path.abspath(torch.__file__))
    while True:
        candidate = os.path.join(folder, file)
        if os.path.isfile(candidate):
            return candidate
        if folder == os.path.dirname(folder):
            break
        folder = os.path.dirname(folder)
    for module in list(sys.modules.values()):
        known = getattr(module, "__file__", None)
        # Where "/" is all that the paths have in common, torch cuts off a letter more.
        if isinstance(known, str) and known.endswith(file) and len(known) == len(file) + 2:
            return known
    return None
