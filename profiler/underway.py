"""Follows a session that is under way for its progress alone, as a list of many does: little is kept of each."""

from __future__ import annotations

from profiler import events as ev
from profiler.analysis.columns import Columns
from profiler.analysis.state import STEP_COLUMNS
from profiler.follow import Follower

_UNASKED = (ev.GpuSample, ev.Memory, ev.Stage, ev.Sync, ev.Output, ev.SourceLines)
"""Records that tell nothing about how far a session is or how long the rest will take."""


class ProgressFollower(Follower):
    """`profiler.analysis.progress` of its state is what it is of the whole session's, figures and screens are not.

    A session that goes on until its verdicts are settled is read whole: how long it takes depends on all of it.
    """

    def _feed(self, name: str | None, events: list[ev.Event]) -> None:
        whole = self.manifest.request.until_sure
        super()._feed(name, events if whole else [event for event in events if type(event) not in _UNASKED])
        if name is None or whole:
            return
        run = self._fold.state.runs[name]
        if run.outcome is not None and len(run.steps):
            # How long its calls took stays.
            run.steps = Columns(STEP_COLUMNS)
