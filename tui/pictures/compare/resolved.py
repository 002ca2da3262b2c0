"""From marks to the lots that they mean, and to what is wrong with those that mean none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from profiler.analysis.lots import Lot, lots_of
from profiler.analysis.state import SessionState
from tui import safe
from tui.pictures.compare.marks import Mark, Marks


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a marked session: its state, or why there is none ("" while it is still to be read)."""

    state: SessionState | None
    revision: int = 0
    copied: bool = False
    why: str = ""
    reading: bool = False  # its logs hold more than was read


@dataclass(frozen=True, slots=True)
class Entry:
    """A lot with the mark that it came by. ``key`` tells it from all others, copies of its session among them."""

    key: str
    mark: Mark
    lot: Lot


def resolved(marks: Marks, seen: Mapping[str, Seen]) -> tuple[list[Entry], list[str]]:
    """The lots in the order of the marks, none twice, and a line for each mark that means none."""
    entries: dict[str, Entry] = {}
    wrong: list[str] = []
    for mark in marks:
        known = seen.get(mark.path)
        if known is None or known.state is None:
            if known is not None and known.why:
                wrong.append(safe.line(known.why, 300))
            continue
        if known.why:
            wrong.append(safe.line(known.why, 300))
        for entry in _of(mark, known.state):
            entries.setdefault(entry.key, entry)
        if mark.name is not None and key_of(mark.path, mark.name) not in entries:
            wrong.append(safe.line(f"session {known.state.session} has no case or run called {mark.name}", 300))
    return list(entries.values()), list(dict.fromkeys(wrong))


def key_of(path: str, name: str) -> str:
    """The key of the case or run ``name`` of the session in the folder ``path``."""
    return f"{path}/{name}"


def _of(mark: Mark, state: SessionState) -> Iterator[Entry]:
    if mark.name is None:
        for lot in lots_of(state):
            yield Entry(key_of(mark.path, lot.name), mark, lot)
        return
    for case in state.request.cases:
        if case.name == mark.name:
            yield Entry(key_of(mark.path, case.name), mark, Lot(state, case))
            return
    if mark.name in state.runs:
        run = state.runs[mark.name]
        yield Entry(key_of(mark.path, mark.name), mark, Lot(state, run.case, run.name))
