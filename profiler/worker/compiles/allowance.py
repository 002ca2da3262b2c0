"""How much a run may write about its compiles: some compile a hundred times."""

from __future__ import annotations

from profiler.worker.compiles.payloads import TEXT_LIMIT

_FULL = 12_000  # bytes written until which everything is told at length
_SHORT = 20_000  # bytes written from which only what can't be left out is told
_TEXTS = {"full": TEXT_LIMIT, "short": 320, "least": 120}  # characters
_GISTS = {"full": 160, "short": 60, "least": 0}  # of the reasons that don't matter
_FRAMES = 6
_BURST = 40
_MARKS = 80
_LONG_PHASES = ("inductor", "codegen", "kernels", "autotune", "load")
_SECOND = 1_000_000_000


class Allowance:
    """Bounds what grows with the number of compiles, so that a run's compile events stay within tens of kilobytes.

    Every compile is told, with its module, its time and why it was one, however many there are. At length while little
    was written: callers, places, all reasons. Marks of phases are for whoever watches a compile that takes long: one a
    second, after a first burst; the durations of all phases come with the end of each compile in any case.
    """

    def __init__(self) -> None:
        self._written = 0
        self._marks = 0
        self._tokens = float(_BURST)
        self._refilled: int | None = None

    def wrote(self, size: int) -> None:
        """An event of ``size`` bytes was written."""
        self._written += size

    @property
    def _manner(self) -> str:
        return "full" if self._written < _FULL else "short" if self._written < _SHORT else "least"

    @property
    def full(self) -> bool:
        return self._manner == "full"

    @property
    def brief(self) -> bool:
        """Whether fewer records tell the same, as ``profiler.events.compiling`` has it."""
        return not self.full

    @property
    def least(self) -> bool:
        """Whether what other events of the same compile or frame tell is left out."""
        return self._manner == "least"

    def text_limit(self) -> int:
        """The length that the next text may have."""
        return _TEXTS[self._manner]

    def gist_limit(self) -> int:
        """The length that a reason may have which isn't the one that matters; 0: it is left out."""
        return _GISTS[self._manner]

    def lines_around(self) -> int:
        """How many lines of code before and after a place may be told."""
        return 3 if self.full else 1

    def stack_limit(self) -> int:
        """How many frames of the next stack may be told; the caller in any case."""
        return _FRAMES if self.full else 1

    def mark(self, now: int, phase: str) -> bool:
        """Whether a phase that begins at ``now`` (ns) is marked, at its begin and at its end."""
        if self._refilled is not None:
            self._tokens = min(_BURST, self._tokens + (now - self._refilled) / _SECOND)
        self._refilled = now
        if self._tokens < 2 or self._marks >= _MARKS or (self._marks >= _BURST and phase not in _LONG_PHASES):
            return False
        self._tokens -= 2
        self._marks += 2
        return True
