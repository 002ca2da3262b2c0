"""What was told of a frame or a place, which later compiles leave out: ``profiler.analysis.compiles`` puts it back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from profiler.events import CompileEvent, CompileStarted, Recompile
from profiler.worker.where import Where


@dataclass(slots=True)
class _Frame:
    code: tuple[str, str, int]  # function, file, line
    caller: str | None = None


class ToldFrames:
    """The frames since dynamo's last reset, by their number."""

    def __init__(self) -> None:
        self._frames: dict[str, _Frame] = {}

    def leave_out(self, event: CompileStarted | Recompile) -> None:
        """Take out of a compile's event what the first of its frame has told."""
        code = (event.function, event.file, event.line)
        number = (event.id or "").rpartition("/")[0]
        told = self._frames.get(number)
        if told is None:
            if event.file:
                told = self._frames[number] = _Frame(code)
        elif told.code == code:
            event.function, event.file, event.line = "", "", 0
        if told is not None:
            if told.caller is None:
                told.caller = event.caller
            elif told.caller == event.caller:
                event.caller = None
                if isinstance(event, CompileStarted):
                    event.stack = []

    def forget(self) -> None:
        self._frames.clear()


class LastPlace:
    """The place of the compile that began last: the next one often has the same."""

    def __init__(self) -> None:
        self._told: tuple[str, Where] | None = None

    def tell(self, event: CompileEvent, here: Where, brief: bool) -> None:
        """Put ``here`` in the first event of a compile; in a ``brief`` one, the compile that has the same."""
        if brief and self._told is not None and self._told[1] == here:
            event.beside = self._told[0]
        else:
            event.call, event.stage, event.loop, event.step = here.call, here.stage, here.loop, here.step
        if event.id is not None:
            self._told = event.id, replace(here)

    def forget(self) -> None:
        """dynamo was reset: the ids begin again."""
        self._told = None
