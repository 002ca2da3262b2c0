"""Where a replay is: the row under its pictures, as one frozen value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tui.pictures.live import LivePicture

Playing = Literal["reading", "playing", "paused", "at the end", "up to now"]
"""``reading``: its logs are read for the first time. ``up to now``: of a session that runs, all there is so far."""

SHARES = 1000
"""As how many shares of the whole it is told where compiles began: finer than any bar."""


@dataclass(frozen=True, slots=True)
class Player:
    """Seconds into the session, its pauses left out; ``speed`` in seconds of it per second.

    ``compiles``: where compiles began, in ``SHARES`` of the whole. ``steps`` and ``jumps``: whether there are a step
    and a compile before and after.
    """

    state: Playing = "reading"
    at_s: float = 0.0
    length_s: float = 0.0
    speed: float = 1.0
    compiles: tuple[int, ...] = ()
    steps: tuple[bool, bool] = (False, False)
    jumps: tuple[bool, bool] = (False, False)

    @property
    def fraction(self) -> float:
        """How much of the whole lies before."""
        return min(self.at_s / self.length_s, 1.0) if self.length_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class ReplayPicture:
    """The session at a moment, and where that moment is."""

    live: LivePicture
    player: Player


def shares(moments: Iterable[float], length_s: float) -> tuple[int, ...]:
    """``moments``, in seconds, as ``SHARES`` of the whole: each once, in order."""
    if length_s <= 0:
        return ()
    return tuple(sorted({min(max(int(SHARES * at / length_s), 0), SHARES - 1) for at in moments}))


def position(seconds: float) -> str:
    """A moment of a replay, to a tenth of a second: ``1:23.4``, ``1:02:03.4``; steps lie closer than seconds."""
    tenths = max(round(seconds * 10), 0)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{rest // 10:02d}.{rest % 10}"


def length_text(player: Player) -> str:
    """How long all of it is, as ``position``; whole seconds without tenths."""
    return position(player.length_s).removesuffix(".0")


def speed_text(speed: float) -> str:
    """``10x``, ``0.25x``."""
    return f"{speed:g}x"
