"""The list of sessions: what each line says, and which are seen in which order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from profiler.overview import UNDER_WAY, Overview
from tui import safe
from tui.pictures import words
from tui.pictures.names import workload_label

__all__ = ["COLUMNS", "SORTS", "UNDER_WAY", "Going", "Listing", "SessionLine", "View", "arranged", "session_line"]

_AGES = (*range(10), *range(10, 60, 5))
"""Minutes that are told apart in the first hour: an age that ticks would be sent again and again."""


@dataclass(frozen=True, slots=True)
class Going:
    """How far a session under way is. ``left`` and ``doing`` are for people; ``waiting`` for the device."""

    fraction: float
    left: str
    doing: str
    waiting: bool = False


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
    created_s: float = 0.0  # wall clock
    seconds: float | None = None  # it took; None while it goes on
    about: str = ""  # the workload in one line
    going: Going | None = None  # of one under way, once its logs were read

    @property
    def under_way(self) -> bool:
        return self.state in UNDER_WAY and not self.copied

    @property
    def may_owe(self) -> bool:
        """Whether there may be runs to make that it still owes, or that failed."""
        return self.state not in ("done", "unreadable", *UNDER_WAY) or self.copied or bool(self.failed)

    @property
    def shown_state(self) -> str:
        """The state; of one whose run waits for the device that."""
        return "waiting" if self.going is not None and self.going.waiting else self.state


@dataclass(frozen=True, slots=True)
class Listing:
    """The sessions of a home; ``complete`` once all were looked at, ``error`` when the folder can't be read."""

    lines: tuple[SessionLine, ...] = ()
    complete: bool = False
    error: str = ""


def session_line(overview: Overview) -> SessionLine:
    """What the list says of a session, but for its age and its progress, which change by themselves."""
    return SessionLine(
        # The id is what commands take: the folder's name, of which sessions.py lets nothing through that hides.
        session=safe.line(overview.session, 100),
        state=safe.line(overview.state, 20),
        age="",
        pipeline=safe.line(overview.pipeline, 80),
        variants=tuple(safe.line(variant, 40) for variant in overview.variants[:12]),
        device=safe.line(overview.device, 40),
        runs=f"{overview.ended - overview.stopped}/{overview.runs}" if overview.runs else "",
        failed=overview.failed,
        reason=safe.line((overview.reason or "").removeprefix(f"session {overview.session}: "), 300),
        # Of a session that is over it doesn't matter where it was made.
        copied=overview.copied and overview.state in UNDER_WAY,
        created_s=overview.created_wall_ns / 1e9,
        seconds=overview.seconds,
        about=workload_label(overview.request) if overview.request is not None else "",
    )


def aged(line: SessionLine, now_s: float) -> SessionLine:
    """``line`` with its age at ``now_s`` of the wall clock."""
    age = age_text(line.created_s, now_s)
    return line if age == line.age else replace(line, age=age)


def age_text(created_s: float, now_s: float) -> str:
    """How long ago, coarsely."""
    if not created_s:
        return words.NOTHING
    seconds = now_s - created_s
    if 0 <= seconds < 3600:
        seconds = 60.0 * max(minutes for minutes in _AGES if minutes * 60 <= seconds)
    return words.age(seconds)


def made_at(line: SessionLine) -> str:
    """The moment at which the session was made, of this machine's clock and zone; "" where that isn't known."""
    if not line.created_s:
        return ""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(line.created_s))
    except (OverflowError, ValueError, OSError):
        return ""  # session.json says some year that no clock knows


# --- which are seen, and in which order ---

COLUMNS = ("session", "state", "progress", "runs", "age", "variants", "pipeline", "device", "about")
"""The columns from the left; the first one stays when the others are scrolled."""

SORTS = ("age", "session", "state", "progress", "runs", "pipeline", "device")
"""What can be sorted by; the first one is how the list begins."""

_STATES = ("running", "starting", "died", "failed", "stopped", "done", "unreadable")
"""In the order in which they want something of the user."""

_Key = Callable[[SessionLine], tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class View:
    """What the user chose: ``sort`` of SORTS, ``turned`` the other way round, and the words of a filter."""

    sort: str = SORTS[0]
    turned: bool = False
    typed: str = ""
    marked: tuple[str, ...] = ()  # in the order in which they were marked
    scrolled: int = 0  # columns after the first that are hidden at the left

    @property
    def order(self) -> str:
        """The order in words."""
        told = {
            "age": "newest first",
            "session": "by name",
            "state": "by state",
            "progress": "by time left or taken",
            "runs": "by runs",
            "pipeline": "by pipeline",
            "device": "by device",
        }[self.sort]
        if not self.turned:
            return told
        return "oldest first" if self.sort == "age" else f"{told}, turned"


def arranged(lines: Iterable[SessionLine], view: View) -> tuple[SessionLine, ...]:
    """The lines that fit the filter, those under way on top; equal ones newest first."""
    wanted = view.typed.lower().split()
    found = [line for line in lines if not wanted or _fits(line, wanted)]
    found.sort(key=lambda line: -line.created_s)
    if view.sort != "age":
        found.sort(key=_KEYS[view.sort], reverse=view.turned)
    elif view.turned:
        found.reverse()
    return tuple(sorted(found, key=lambda line: not line.under_way))


def _fits(line: SessionLine, wanted: list[str]) -> bool:
    """Whether every word is in what the line says; one with a - before it must not be."""
    text = " ".join(
        (
            line.session,
            line.state,
            line.shown_state,
            line.pipeline,
            *line.variants,
            line.device,
            line.about,
            line.reason,
        )
    )
    text += " failed" * bool(line.failed) + " copied" * line.copied
    text = text.lower()
    for word in wanted:
        without = word.startswith("-") and len(word) > 1
        if (word[without:] in text) == without:
            return False
    return True


def _by_progress(line: SessionLine) -> tuple[object, ...]:
    if line.under_way:
        return (-line.going.fraction if line.going is not None else 0.0,)
    return (-line.seconds if line.seconds is not None else 1.0,)


def _by_runs(line: SessionLine) -> tuple[object, ...]:
    ended, _, runs = line.runs.partition("/")
    return (-int(runs or 0), -int(ended or 0))


_KEYS: dict[str, _Key] = {
    "session": lambda line: (line.session,),
    "state": lambda line: (_STATES.index(line.state) if line.state in _STATES else len(_STATES),),
    "progress": _by_progress,
    "runs": _by_runs,
    "pipeline": lambda line: (line.pipeline, line.variants),
    "device": lambda line: (line.device,),
}
