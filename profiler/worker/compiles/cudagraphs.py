"""CUDA graphs: recorded, recorded again, or not used, each told once."""

from __future__ import annotations

from collections.abc import Callable

import torch

from profiler.events import CudaGraph
from profiler.worker.where import Where


def skips() -> int:
    """How many graphs inductor has run without a CUDA graph so far, by its own count."""
    counters = getattr(torch._dynamo.utils, "counters", {})
    return int(counters["inductor"].get("cudagraph_skips", 0)) if "inductor" in counters else 0


class CudaGraphs:
    """Joins torch's three ways of saying that a graph is skipped (a warning, the compile's metrics, a counter)."""

    def __init__(self, tell: Callable[[CudaGraph], None], here: Where, bound: Callable[[object], str | None]) -> None:
        """``bound`` shortens a text to what the run may still write."""
        self._tell = tell
        self._here = here
        self._bound = bound
        self._recorded: dict[str, tuple[int | None, int | None]] = {}
        self._moved: dict[str, str] = {}  # why a graph is about to be recorded again
        self._skipped: dict[str | None, set[str]] = {}

    def recorded(self, identifier: str | None, ns: int) -> None:
        """A compile's graphs are recorded together, in one step; recorded in a later one, their inputs have moved."""
        place = (self._here.call, self._here.step)
        first = self._recorded.setdefault(identifier or "", place)
        reason = self._moved.pop(identifier or "", None)
        action = "record" if first == place and reason is None else "rerecord"
        self._tell(CudaGraph(id=identifier, action=action, ns=ns, reason=self._bound(reason)))

    def moved(self, identifier: str | None, reason: str) -> None:
        """A graph will be recorded again, for ``reason``: kept for the record that follows."""
        self._moved[identifier or ""] = reason

    def skipped(self, identifier: str | None, reason: str) -> None:
        """A compile's graph runs without a CUDA graph. The same reason again is the same news."""
        told = self._skipped.setdefault(identifier, set())
        if reason not in told:
            told.add(reason)
            self._tell(CudaGraph(id=identifier, action="skip", reason=self._bound(reason)))

    def compiled(self, identifier: str | None, reason: object, counted: int) -> None:
        """A compile ended: its metrics give ``reason``, and inductor counted ``counted`` skips during it."""
        if isinstance(reason, str) and reason:
            self.skipped(identifier, reason)
        elif counted > 0 and not self._skipped.get(identifier):
            self._skipped.setdefault(identifier, set())
            self._tell(CudaGraph(id=identifier, action="skip"))

    def forget(self) -> None:
        self._recorded.clear()
        self._moved.clear()
        self._skipped.clear()
