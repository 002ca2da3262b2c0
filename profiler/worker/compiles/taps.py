"""Warnings of torch that say what no trace record says: they become events and don't reach the terminal.

A filter on the logger sees a record before every handler, so nothing of torch's own logging is rearranged. Records that
aren't understood pass on untouched to wherever torch sends them (the worker's log).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

LIMIT_LOGGER = "torch._dynamo.convert_frame"
CUDAGRAPH_LOGGERS = (
    "torch._inductor.cudagraph_utils.__cudagraphs",
    "torch._inductor.cudagraph_utils.__perf_hints",  # where torch warns before 2.11
    "torch._inductor.cudagraph_trees.__cudagraphs",
)

_LIMIT = re.compile(r"torch\._dynamo hit config\.(\w+) \((\d+)\)")
_MOVED = re.compile(r"\[(?P<id>[^\]]*)\] Re-recording function=.*?reason=(?P<reason>.*)", re.DOTALL)
_SKIPPED = re.compile(r"skipping cudagraphs?\b", re.IGNORECASE)


class Tap(logging.Filter):
    """Hands the message of each record to ``take``; the record goes no further where that returns True."""

    def __init__(self, take: Callable[[str], bool]) -> None:
        super().__init__()
        self._take = take

    def filter(self, record: logging.LogRecord) -> bool:
        return not self._take(record.getMessage())


def limit(message: str) -> tuple[str, int] | None:
    """The limit's name and value in the warning that it was hit, or None where the message isn't that warning."""
    found = _LIMIT.search(message)
    return (found[1], int(found[2])) if found else None


def skips_cudagraph(message: str) -> bool:
    """Whether the message says that something runs without a CUDA graph."""
    return _SKIPPED.match(message) is not None


def moved_cudagraph(message: str) -> tuple[str, str] | None:
    """The compile id and the reason where the message says that a CUDA graph is recorded again.

    torch says it at DEBUG level only, which a user may have set; nothing here asks for it, as it slows each replay.
    """
    found = _MOVED.match(message)
    return (found["id"], found["reason"]) if found else None
