"""``--until-sure``: looks at the session's own logs between two runs, and adds the repeats that are still needed."""

from __future__ import annotations

from typing import NamedTuple

from profiler.analysis.repeats import Look, look, owed, told, unsettled
from profiler.analysis.state import SessionState
from profiler.follow import Follower
from profiler.request import Request, Run
from profiler.sessions import SessionFolder, extend


class Added(NamedTuple):
    """What a look has led to."""

    text: str  # what was seen, in one line
    runs: list[Run]  # in the order in which they are to be made; [] where every verdict is settled


class Looks:
    """Goes by the session's folder alone, read anew at every look: between two runs that costs nobody anything."""

    def __init__(self, folder: SessionFolder) -> None:
        self._folder = folder
        self.request: Request | None = None  # of the session, once runs were added

    def take(self) -> Added:
        """Look at the verdicts and add the repeats that are owed.

        Raises OSError, SessionUnreadable: then nothing was added.
        """
        state, found = self._see()
        runs = owed(state, found)
        if runs:
            self.request = extend(self._folder, [], runs)
        return Added(told(found), runs)

    def unsettled(self) -> str:
        """What no verdict was reached on, in one line; "" where nothing is left. Raises as ``take``."""
        return unsettled(self._see()[1])

    def _see(self) -> tuple[SessionState, Look]:
        state = Follower(self._folder).read_all()
        return state, look(state)
