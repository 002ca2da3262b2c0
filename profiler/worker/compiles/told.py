"""What was told of a frame, which its later compiles leave out: ``profiler.analysis.compiles`` puts it back."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.events import CompileStarted, Recompile


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
        if told is not None and isinstance(event, CompileStarted):
            if told.caller is None:
                told.caller = event.caller
            elif told.caller == event.caller:
                event.caller, event.stack = None, []

    def forget(self) -> None:
        self._frames.clear()
