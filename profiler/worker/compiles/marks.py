"""What torch makes dynamic: a mark for each dimension, or one event for all of a compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiler.events import DynamicMark
from profiler.events.compiling import MarkFound
from profiler.worker.compiles import arguments, frames, payloads
from profiler.worker.compiles.allowance import Allowance
from profiler.worker.compiles.payloads import text

_PATH = 512


class Marks:
    """Tells marks as they come; where a run has told much, those of a compile together, once its code was traced."""

    def __init__(self, tell: Callable[[DynamicMark], None], allowance: Allowance) -> None:
        self._tell = tell
        self._allowance = allowance
        self._kept: dict[str, list[DynamicMark]] = {}

    def take(self, identifier: str | None, found: dict[str, Any]) -> None:
        """Take the arguments of torch's event ``automatic_dynamic``."""
        cached, new = found.get("cached"), found.get("new")
        target = frames.compiling()
        event = DynamicMark(
            id=identifier,
            name=text(found.get("name"), _PATH),
            dim=payloads.whole_number(found.get("dim_changed")),
            why=text(found.get("reason"), _PATH),
            cached=None if cached is None else text(cached, _PATH),
            new=None if new is None else text(new, _PATH),
        )
        event.argument = None if target is None else arguments.name(event.name, target)
        if self._allowance.least and event.name == f"L['{event.argument}']":
            event.argument = None  # the name says it
        if identifier is not None and self._allowance.brief:
            self._kept.setdefault(identifier, []).append(event)
        else:
            self._tell(event)

    def traced(self, identifier: str | None) -> None:
        """A compile's code was traced, or it is over: tell what was kept of it."""
        kept = self._kept.pop(identifier or "", None)
        if kept:
            event, *others = kept
            event.more = [MarkFound(one.name, one.dim, one.argument, one.why, one.cached, one.new) for one in others]
            self._tell(event)

    def forget(self) -> None:
        self._kept.clear()
