"""How much a run may write about its compiles: a pathological one compiles hundreds of times."""

from __future__ import annotations

from profiler.worker.compiles.payloads import TEXT_LIMIT

_FULL_TEXTS = 20_000  # characters
_SHORT_TEXT = 320
_MARKS = 112


class Allowance:
    """Texts are kept long while a run has few of them, and the marks of nested phases while it has few compiles."""

    def __init__(self) -> None:
        self._texts = 0
        self._marks = 0

    def text_limit(self) -> int:
        """The length that the next text may have."""
        return TEXT_LIMIT if self._texts < _FULL_TEXTS else _SHORT_TEXT

    def spend(self, characters: int) -> None:
        self._texts += characters

    def mark(self) -> bool:
        """Whether one more phase mark may be written; the durations come with the compile's end in any case."""
        self._marks += 1
        return self._marks <= _MARKS
