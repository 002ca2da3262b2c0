"""How much the way to the terminal takes: when a picture may be painted, and how often one is worth making.

What is known of the way is how long it takes what is written, and how much that is. A slow one gets fewer pictures, the
newest each time; what a key asks for goes first.
"""

from __future__ import annotations

import codecs
import math
import threading
import time
from collections.abc import Callable
from typing import IO

from rich.cells import cell_len

from tui.settings import FASTEST_HZ, SLOWEST_HZ, Settings

SHARE = 0.25
"""Of the time, at most, the way is to be busy with pictures: the rest of it is for what keys ask for."""

RECOVERY = 0.8
"""A period is at least this much of the one before, so that a way which stalls now and then doesn't make it jump."""

LOOK_AGAIN_S = 0.005, 0.1
"""While the terminal takes what was written, how soon to ask whether it has: at first, and at most."""

ANSWER_S = 0.5
"""What is painted so soon after a key or a click is taken to be the answer to it."""

EARLY = 0.8
"""A picture may come this much of a period after the one before: who makes them keeps the pace, but not to the ms."""

BURST_S = 1.0
"""Seconds' worth of bytes that may be saved up while nothing is sent."""


class Link:
    """The way to one terminal. Told of writes by the thread that writes; asked by the one that paints."""

    def __init__(self, settings: Settings | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` in seconds."""
        settings = settings or Settings()
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_s = 1 / max(SLOWEST_HZ, min(settings.refresh_hz, FASTEST_HZ))
        self._period_s = self._asked_s
        self._rate = settings.max_bytes_per_second
        self._unfocused_s = 1 / settings.unfocused_hz if settings.unfocused_hz > 0 else math.inf
        self._level = self._most = (self._rate or 0) * BURST_S  # bytes that may be sent; below 0: what was overdrawn
        self._counted_at = clock()
        self._begun_at: float | None = None  # when the write began that the terminal hasn't taken yet
        self._painted_at = -math.inf
        self._asked_at = -math.inf
        self.queued: Callable[[], int] = lambda: 0
        """How many writes wait for the one under way."""
        self.focused = True
        """Whether the terminal has the focus, as far as it says."""

    # --- the thread that writes ---

    def writes(self, count: int) -> None:
        """``count`` bytes are about to be written."""
        now = self._clock()
        with self._lock:
            self._count(now)
            self._level -= count
            if self._begun_at is None:
                self._begun_at = now

    def taken(self) -> None:
        """All that was written has been taken."""
        now = self._clock()
        with self._lock:
            if self._begun_at is None:
                return
            took, self._begun_at = now - self._begun_at, None
            wanted = max(self._asked_s, took / SHARE, self._period_s * RECOVERY)
            self._period_s = min(wanted, max(1 / SLOWEST_HZ, self._asked_s))

    # --- the thread that paints ---

    def asked(self) -> None:
        """The user pressed a key: what is painted next is the answer."""
        self._asked_at = self._clock()

    def painted(self) -> None:
        """A picture was painted."""
        self._painted_at = self._clock()

    @property
    def busy(self) -> bool:
        """Whether the terminal hasn't taken yet what was written."""
        return self._begun_at is not None or self.queued() > 0

    @property
    def answering(self) -> bool:
        """Whether what is painted now answers a key."""
        return self._clock() - self._asked_at < ANSWER_S

    @property
    def still(self) -> bool:
        """Whether nothing is to be painted: another window has the focus."""
        return not self.focused and math.isinf(self._unfocused_s)

    @property
    def pace_s(self) -> float:
        """Seconds from one picture to the next that are worth making now."""
        return max(self._apart_s, self._owed_s)

    def wait_s(self) -> float:
        """Seconds until a picture may be painted; 0: now, infinite: not before the terminal has the focus again."""
        if self.busy:
            return self._look_again_s
        owed, since = self._owed_s, self._clock() - self._painted_at
        if self.answering:
            # What is overdrawn by that is paid back by the pictures after it; a key held down overdraws no further.
            return max(0.0, self._period_s - since) if owed else 0.0
        if self.still:
            return math.inf
        return max(0.0, self._apart_s * EARLY - since, owed)

    def hold_s(self) -> float:
        """Seconds for which nothing at all may be sent, whoever painted it; 0: it may be sent now."""
        if self.busy:
            return self._look_again_s
        if self.answering:
            return 0.0
        return math.inf if self.still else self._owed_s

    @property
    def _look_again_s(self) -> float:
        """The longer it takes the less often."""
        begun_at, (first, most) = self._begun_at, LOOK_AGAIN_S
        return first if begun_at is None else max(first, min((self._clock() - begun_at) / 2, most))

    @property
    def _apart_s(self) -> float:
        return self._period_s if self.focused else max(self._period_s, self._unfocused_s)

    @property
    def _owed_s(self) -> float:
        """Seconds until what was overdrawn is paid back."""
        if not self._rate:
            return 0.0
        with self._lock:
            self._count(self._clock())
            return max(0.0, -self._level / self._rate)

    def _count(self, now: float) -> None:
        """Add what may be sent for the time that has passed."""
        if self._rate:
            self._level = min(self._most, self._level + (now - self._counted_at) * self._rate)
        self._counted_at = now


_IN_CELLS = "stepscope.cells"


def _question_marks(error: UnicodeError) -> tuple[str, int]:
    """For what an encoding has no code: as many cells of it as it would have taken."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "?" * cell_len(error.object[error.start : error.end]), error.end


codecs.register_error(_IN_CELLS, _question_marks)


class MeasuredFile:
    """Stands between the thread that writes to the terminal and its file, and tells ``link`` how that goes."""

    def __init__(self, file: IO[str], link: Link) -> None:
        self._file = file
        self._link = link
        self._encoding = getattr(file, "encoding", None) or "utf-8"
        self.shut = False
        """Whether what is to be written is dropped from now on."""

    def write(self, text: str) -> int:
        """Write; returns when the terminal, or a buffer on the way to it, has taken it."""
        if self.shut:
            return len(text)
        data = text.encode(self._encoding, errors=_IN_CELLS)
        self._link.writes(len(data))
        return self._file.write(text if text.isascii() else data.decode(self._encoding))

    def flush(self) -> None:
        self._file.flush()
        self._link.taken()

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()
