"""The list of sessions: running ones on top, else newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from profiler.overview import Overview
from tui import safe
from tui.pictures import words

UNDER_WAY = ("starting", "running")


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One session of the list. ``reason``: what is wrong with one that died or can't be read."""

    session: str
    state: str
    age: str
    pipeline: str
    variants: tuple[str, ...]
    device: str
    runs: str
    failed: int
    reason: str
    copied: bool = False  # made on another machine or before a restart: what the log says last, nobody can stop it

    @property
    def under_way(self) -> bool:
        return self.state in UNDER_WAY and not self.copied


@dataclass(frozen=True, slots=True)
class Listing:
    """The sessions of a home; ``complete`` once all were looked at, ``error`` when the folder can't be read."""

    lines: tuple[SessionLine, ...] = ()
    complete: bool = False
    error: str = ""


def session_lines(overviews: Iterable[Overview], now_wall_ns: int) -> tuple[SessionLine, ...]:
    """``overviews`` come newest first and stay so within those under way and the others."""
    lines = [_line(overview, now_wall_ns) for overview in overviews]
    return tuple(sorted(lines, key=lambda line: not line.under_way))


def _line(overview: Overview, now_wall_ns: int) -> SessionLine:
    made = overview.created_wall_ns
    return SessionLine(
        session=safe.line(overview.session, 100),
        state=safe.line(overview.state, 20),
        age=words.age((now_wall_ns - made) / 1e9) if made else words.NOTHING,
        pipeline=safe.line(overview.pipeline, 80),
        variants=tuple(safe.line(variant, 40) for variant in overview.variants),
        device=safe.line(overview.device, 40),
        runs=f"{overview.ended}/{overview.runs}" if overview.runs else "",
        failed=overview.failed,
        reason=safe.line(overview.reason or "", 200),
        # Of a session that is over it doesn't matter where it was made.
        copied=overview.copied and overview.state in UNDER_WAY,
    )
