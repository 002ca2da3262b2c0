"""How many records a log lacks, told from the numbers of those it has: any of the numbers may be damaged."""

from __future__ import annotations

_AT_ONCE = 1000
_FASTEST_NS = 1000
"""A writer takes longer for a record; what would have been written faster was never written."""
_NONE = -(2**64)  # follows no number that a record can have


class Numbering:
    """Follows ``seq`` of a log's records. Copies of it (``copy.copy``) go on by themselves.

    A line that couldn't be read had a number too: it is no loss beside being a bad line.
    """

    __slots__ = ("_bad", "_before", "_jump", "_odd", "expected", "lost", "settled")

    def __init__(self) -> None:
        self.lost = 0
        self.restart()

    def restart(self, first: int = 1) -> None:
        """Another writer begins, with a record of the number ``first``."""
        self.expected = first  # where ``settled``, a record of this number needs nothing but to count on
        self.settled = True  # nothing is left of what was odd before
        self._before = 0  # where ``_jump`` isn't 0: the number before it
        self._jump = 0  # how many were counted as lost just before the last record
        self._odd = _NONE  # the number of the last record, where it can't be
        self._bad = 0  # lines since the last record that couldn't be read

    def bad(self) -> None:
        """A line couldn't be read."""
        self._bad += 1
        self.settled = False

    def record(self, seq: int, passed_ns: int) -> None:
        """A record was read, by its time ``passed_ns`` after the one before it."""
        last, missing = self.expected - 1, seq - self.expected
        jump, bad, follows = self._jump, self._bad, seq == self._odd + 1
        self.settled, self._jump, self._bad, self._odd = True, 0, 0, _NONE
        if missing > 0 and (follows or missing <= _AT_ONCE + max(passed_ns, 0) // _FASTEST_NS):
            self._before, self._jump = last, max(missing - bad, 0)
            self.lost += self._jump
            self.settled = not self._jump
            self.expected = seq + 1
        elif missing < 0 and jump and seq > self._before:
            # The number before this one was damaged, and what it seemed to lack is there.
            self.lost += max(seq - self._before - 2, 0) - jump
            self.expected = seq + 1
        elif missing < 0 and follows:
            self.expected = seq + 1  # a writer began whose header is lost
        elif missing:
            # A number that can't be: the record has the place after the last, unless the next one goes on from it.
            self.expected += 1 + bad * (missing > 0)
            self.settled, self._odd = False, seq
        else:
            self.expected += 1
