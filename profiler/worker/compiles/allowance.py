"""How much a run may write about its compiles: some compile a hundred times."""

from __future__ import annotations

from profiler.worker.compiles.payloads import TEXT_LIMIT

_FULL_TEXTS = 16_000  # characters
_SHORT_TEXT = 320
_STACKS = 5_000
_FRAMES = 6
_BURST = 40
_MARKS = 160
_SECOND = 1_000_000_000


class Allowance:
    """Bounds what grows with the number of compiles, so that a run's compile events stay within tens of kilobytes.

    Texts are kept long while there are few of them. Marks of phases are for whoever watches a compile that takes long:
    one a second, after a first burst; the durations of all phases come with the end of each compile in any case.
    """

    def __init__(self) -> None:
        self._texts = 0
        self._stacks = 0
        self._marks = 0
        self._tokens = float(_BURST)
        self._refilled: int | None = None

    def text_limit(self) -> int:
        """The length that the next text may have."""
        return TEXT_LIMIT if self._texts < _FULL_TEXTS else _SHORT_TEXT

    def spend(self, characters: int) -> None:
        self._texts += characters

    def stack_limit(self) -> int:
        """How many frames of the next stack may be told; the caller in any case."""
        return _FRAMES if self._stacks < _STACKS else 1

    def spend_stack(self, frames: list[str]) -> None:
        self._stacks += sum(map(len, frames))

    def mark(self, now: int) -> bool:
        """Whether a phase that begins at ``now`` (ns) is marked, at its begin and at its end."""
        if self._refilled is not None:
            self._tokens = min(_BURST, self._tokens + (now - self._refilled) / _SECOND)
        self._refilled = now
        if self._tokens < 2 or self._marks >= _MARKS:
            return False
        self._tokens -= 2
        self._marks += 2
        return True
