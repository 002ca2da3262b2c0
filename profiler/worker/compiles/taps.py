"""Warnings of torch that say what no trace record says: they become events and don't reach the terminal.

A filter on the logger sees a record before every handler, so nothing of torch's own logging is rearranged. Records that
aren't understood pass on untouched to wherever torch sends them (the worker's log).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

LIMIT_LOGGER = "torch._dynamo.convert_frame"
CUDAGRAPH_LOGGERS = ("torch._inductor.cudagraph_utils.__cudagraphs", "torch._inductor.cudagraph_trees.__cudagraphs")

_LIMIT = re.compile(r"torch\._dynamo hit config\.(\w+) \((\d+)\)")
_RERECORD = re.compile(r"Re-recording function")
_SKIP = re.compile(r"skipping cudagraphs?\b|observed \d+ distinct sizes", re.IGNORECASE)


class Tap(logging.Filter):
    """Hands the message of each record to ``take``; the record goes no further where that returns True."""

    def __init__(self, take: Callable[[str], bool]) -> None:
        super().__init__()
        self._take = take

    def filter(self, record: logging.LogRecord) -> bool:
        return not self._take(record.getMessage())


def limit_value(message: str) -> int | None:
    """The limit's value in the warning that it was hit, or None where the message isn't that warning."""
    found = _LIMIT.search(message)
    return int(found[2]) if found else None


def cudagraph_action(message: str) -> str | None:
    """What a message of the CUDA-graph loggers reports: ``skip``, ``rerecord`` or nothing of interest."""
    if _RERECORD.search(message):
        return "rerecord"
    return "skip" if _SKIP.search(message) else None
