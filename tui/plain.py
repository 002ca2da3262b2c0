"""A live report in plain lines: for pipes, logs, dumb terminals and screen readers."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import Protocol

from profiler.analysis.legs import stretches
from profiler.analysis.progress import session_progress
from profiler.analysis.state import RunState, SessionState
from profiler.follow import Follower
from profiler.report.notes import not_begun_lines
from profiler.report.outputs import session_outputs
from profiler.report.tables import run_line, session_lines
from profiler.sessions import Liveness, SessionFolder
from profiler.vitals import vitals
from tui import safe
from tui.echo import LONGEST, echo
from tui.pictures import words
from tui.pictures.compiles import Explained, compile_text, settled, told_ns
from tui.pictures.names import latest_ns, workload_label
from tui.pictures.progress import no_room_text
from tui.settings import Settings
from tui.telling import Pulse

POLL_SECONDS = 0.25


class PlainReport:
    """Says each thing once: phases, compiles, ends of runs; and in between now and then how far the run under way is.

    Of the runs ``untold`` it says nothing.
    """

    def __init__(self, say: Callable[[str], None], untold: Collection[str] = ()) -> None:
        self._say = say
        self._pulse = Pulse()
        self._untold = untold
        self._said: set[tuple[object, ...]] = set()
        self._explained: tuple[SessionState, Explained] | None = None

    def update(self, session: SessionState, now_ns: int | None = None) -> None:
        """Say what is new at ``now_ns`` on the log's clock; None: the session isn't followed, but read."""
        before = len(self._said)
        self._tell(session)
        if now_ns is None:
            return
        if len(self._said) > before and before:
            self._pulse.heard(now_ns)
        line = self._pulse.line(session, now_ns)
        if line is not None:
            self._say(safe.line(line, 2000))

    def _tell(self, session: SessionState) -> None:
        if self._explained is None or self._explained[0] is not session:
            self._explained = session, Explained()
        for run in session.runs.values():
            if run.name not in self._untold:
                self._looks(session, run.started_ns)
                self._run(session, run)
        self._looks(session, None)
        if session.over:
            # A line for each would bury what was made where a matrix was stopped early.
            for line in not_begun_lines(session):
                self._once(("not begun", len(session.resumed_ns), line), line)

    def _looks(self, session: SessionState, before_ns: int | None) -> None:
        """What the looks of ``--until-sure`` found before that moment (None: till now), each in its place."""
        since = session.resumed_ns[-1] if self._untold and session.resumed_ns else None
        for note in session.notes:
            if note.code == "look" and (before_ns is None or note.t < before_ns) and (since is None or note.t > since):
                self._once(("look", note.t), f"look {note.text}")

    def _once(self, key: tuple[object, ...], line: str) -> None:
        if key not in self._said:
            self._said.add(key)
            self._say(safe.line(line, 2000))

    def _run(self, session: SessionState, run: RunState) -> None:
        if run.waiting is not None:
            self._once(
                (*_attempt(run), "waiting", run.waiting.behind), f"{run.name}: waiting behind {run.waiting.behind}"
            )
        # Phases and compiles of one look are told in the order in which they happened.
        compiles = _compiles(run, self._explained[1]) if self._explained is not None else ()
        for _, key, line in sorted([*_phases(run), *_legs(run), *compiles], key=lambda told: told[0]):
            self._once((*_attempt(run), *key), f"{run.name}: {line}")
        if run.outcome is not None and not run.unbegun:
            ended = _place(session, run)
            self._once(
                (*_attempt(run), "end"), f"{run.name}: {run_line(session, run)}  [{ended} of {len(session.runs)}]"
            )


def _place(session: SessionState, run: RunState) -> int:
    """How many runs had ended when this one did, itself among them."""
    ends = [other.ended_ns for other in session.runs.values() if other.outcome is not None]
    return sum(1 for end in ends if end is None or run.ended_ns is None or end <= run.ended_ns)


def _attempt(run: RunState) -> tuple[object, ...]:
    return run.name, run.remade


Told = tuple[int, tuple[object, ...], str]
"""When it happened (monotonic ns), what it is about, and the line."""


def _phases(run: RunState) -> Iterator[Told]:
    for number, phase in enumerate(run.phases):
        calls = f", {phase.calls} call{'s' * (phase.calls != 1)}" if phase.calls else ""
        yield phase.start_ns, ("phase", number), f"{phase.name}{calls}"


def _legs(run: RunState) -> Iterator[Told]:
    for leg in stretches(run):
        yield leg.first.start_ns, ("leg", leg.position), f"call {leg.ordinal + 1}: {leg.name}"


def _compiles(run: RunState, explained: Explained) -> Iterator[Told]:
    """What torch.compile did. What held a step up is told when that has ended: then it is known what it lost."""
    for one in explained.of(run):
        if not one.running and settled(run, one):
            text = compile_text(one)
            yield told_ns(run, one), ("compile", one.key), f"recompile: {text}" if one.kind == "recompile" else text


def plain_say(settings: Settings, say: Callable[[str], None] = echo) -> Callable[[str], None]:
    """``say``; where ASCII alone is wanted this program's own characters become some."""
    return (lambda line: say(safe.in_ascii(safe.line(line, LONGEST)))) if settings.ascii else say


def introduction(session: SessionState) -> list[str]:
    """Which session it is and what it does, in two lines."""
    runs, device = words.count(len(session.runs), "run"), session.request.device
    return [f"session {session.session}: {session.state}, {runs} on {device}", workload_label(session.request)]


class Followed(Protocol):
    """A session that is followed: as it runs, or as it is played again."""

    folder: SessionFolder

    @property
    def state(self) -> SessionState:
        """The folded state."""

    @property
    def liveness(self) -> Liveness:
        """Whether it goes on."""

    def poll(self) -> tuple[bool, bool]:
        """Read on for a short while: (whether the state changed, whether there is more to read)."""


def follow_plainly(
    follower: Followed,
    *,
    say: Callable[[str], None] = echo,
    wait: Callable[[float], None] = time.sleep,
    untold: Collection[str] = (),
    introduce: bool = False,
    by_ear: bool = False,
    now_ns: Callable[[], int] = time.monotonic_ns,
) -> SessionState:
    """Report on the session until it is over (or, of a copied one, until its log ends); returns its last state.

    ``untold``: runs that ended before, of which nothing but the figures is told. ``introduce``: say first which session
    it is. ``by_ear``: the tables at the end are lines with every figure after its name. ``now_ns``: the logs' clock.
    """
    report = PlainReport(say, untold)
    if introduce:
        follower.poll()
        for line in introduction(follower.state):
            say(safe.line(line, 2000))
    full: str | None = None
    while True:
        _, more = follower.poll()
        copied = follower.liveness is Liveness.COPIED
        # Of a part of the log nothing tells how far it is now.
        report.update(follower.state, None if copied or more else max(now_ns(), latest_ns(follower.state)))
        if not more:
            if isinstance(follower, Follower):  # of one that is played again the disk of today tells nothing
                before = full
                full = vitals(follower.state, follower.liveness, now_ns(), follower.folder.path).disk
                if full is not None and full != before:
                    say(safe.line(no_room_text(full), 2000))
            if follower.state.over or follower.liveness is Liveness.COPIED:
                break
            wait(POLL_SECONDS)
    say("")
    outputs = session_outputs(follower.folder, follower.state)
    copied = follower.liveness is Liveness.COPIED
    for line in session_lines(follower.state, copied=copied, outputs=outputs, by_ear=by_ear):
        say(safe.line(line, 4000))
    if not follower.state.over:
        say(session_progress(follower.state, follower.state.last_t).text)
    return follower.state
