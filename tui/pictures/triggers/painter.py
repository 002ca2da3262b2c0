"""Everything that the inspector shows of a session at one moment, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from profiler import tracing
from profiler.analysis.progress import compiling_text, run_progress, running_compile
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import Occurrence, groups, occurrences
from tui import safe
from tui.pictures.compiles import why_silent
from tui.pictures.live import Heading, heading
from tui.pictures.names import run_label
from tui.pictures.triggers.lines import CaseLook, StepKey, TriggerLine, case_looks, held, trigger_line
from tui.pictures.triggers.sides import Sides, sides
from tui.pictures.triggers.view import FIELDS, TriggersView, choices, ordered, passed
from tui.pictures.triggers.waterfall import Waterfall, waterfall_of

MORE_THAN_FIRST = ("recompile", "failure", "limit", "break", "eager", "cudagraph")


AS_IT_COMES = TriggersView()


@dataclass(frozen=True, slots=True)
class Status:
    """A line under the title: what goes on or what one should know."""

    text: str
    style: str
    brief: str = ""  # in place of a text that doesn't fit


@dataclass(frozen=True, slots=True)
class TriggersPicture:
    """One session's triggers, as ``view`` wants them seen."""

    heading: Heading
    view: TriggersView = AS_IT_COMES
    lines: tuple[TriggerLine, ...] = ()
    shown: int = 0  # occurrences that passed the filters
    total: int = 0
    wrong: str = ""  # with the typed filter
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()  # the values of each field that are present
    looks: tuple[tuple[str, CaseLook], ...] = ()
    held: Mapping[StepKey, int] = field(default_factory=dict)  # how many compiles held up a step
    statuses: tuple[Status, ...] = ()
    empty: str = ""
    sides: Sides | None = None
    waterfall: Waterfall | None = None

    def values(self, field: str) -> tuple[str, ...]:
        """What a filter can be set to."""
        return dict(self.choices).get(field, ())

    def look(self, case: str) -> CaseLook:
        return dict(self.looks)[case]


class TriggersPainter:
    """Makes the pictures of one session; explains again only when something new was read. One thread at a time."""

    def __init__(self, session: SessionState) -> None:
        self.session = session
        self._revision = -1
        self._every: list[Occurrence] = []
        self._looks = case_looks(session.request)
        self._held: Mapping[StepKey, int] = {}
        self._charted = ""  # the run that the waterfall was last of

    def explained(self, revision: int) -> list[Occurrence]:
        """Every occurrence, as of the state's ``revision``."""
        if revision != self._revision:
            self._every = occurrences(self.session)
            self._held = held(self._every)
            self._revision = revision
            self._looks = case_looks(self.session.request)
        return self._every

    def picture(
        self, view: TriggersView, revision: int, now_ns: int, *, copied: bool, loading: bool
    ) -> TriggersPicture:
        """The session as the state has it; ``now_ns`` on the log's clock."""
        session = self.session
        every = self.explained(revision)
        kept, wrong = passed(every, view)
        repeats = session.request.repeats > 1
        found = ordered(groups(kept), view.sort) if view.view == "causes" else []
        return TriggersPicture(
            heading=heading(session, now_ns, copied=copied, loading=loading),
            view=view,
            lines=tuple(trigger_line(group, self._looks, repeats=repeats) for group in found),
            shown=len(kept),
            total=len(every),
            wrong=wrong,
            choices=tuple((field, choices(every, field)) for field in FIELDS),
            looks=tuple(self._looks.items()),
            held=self._held,
            statuses=_statuses(session, every, now_ns),
            empty=_empty(session, every, kept, loading=loading),
            sides=sides(session, every, self._looks, view.left, view.right) if view.view == "sides" else None,
            waterfall=self._waterfall(every, view.charted) if view.view == "waterfall" else None,
        )

    def _waterfall(self, every: list[Occurrence], wanted: str | None) -> Waterfall:
        """Between two runs and after the last one it stays with the run that it was of."""
        found = waterfall_of(self.session, {one.key: one for one in every}, wanted, self._charted)
        self._charted = found.run
        return found


def _statuses(session: SessionState, every: list[Occurrence], now_ns: int) -> tuple[Status, ...]:
    found: list[Status] = []
    compiling = _compiling(session, now_ns)
    if compiling is not None:
        found.append(compiling)
    silent = why_silent(session)
    if silent and every:
        found.append(Status(f"not all of it: {silent}", "warn"))
    found += [Status(text, "quiet") for text in _gaps(session)]
    if every and compiling is None and not any(one.kind in MORE_THAN_FIRST for one in every) and session.over:
        found.append(Status("no recompiles: every call after the first ran what that one had compiled", "good"))
    return tuple(found)


def _compiling(session: SessionState, now_ns: int) -> Status | None:
    """What is being compiled at the moment, for how long and how long its like took; None while nothing is."""
    run = session.current
    found = running_compile(run) if run is not None and run.outcome is None else None
    if run is None or found is None:
        return None
    label = run_label(run, session.request)
    text, brief = compiling_text(session, run, found, now_ns), run_progress(session, run, now_ns).brief
    brief = safe.line(f"{label}: {brief}", 200) if brief else ""
    return Status(safe.line(f"{label}: {text}", 400), "bold accent", brief)


def _gaps(session: SessionState) -> list[str]:
    """What the torch of this session's compiled runs doesn't tell, a line a version."""
    versions = dict.fromkeys(
        run.environment.versions.get("torch", "")
        for run in session.runs.values()
        if run.environment is not None and run.case.compilation.variant != "no-compile"
    )
    found = {version: tracing.gaps(version) for version in versions if version}
    return [
        safe.line(f"torch {version} lacks: {', '.join(gap.feature for gap in gaps)}", 300)
        for version, gaps in found.items()
        if gaps
    ]


def _empty(session: SessionState, every: list[Occurrence], kept: list[Occurrence], *, loading: bool) -> str:
    """Why the list is empty; "" where it isn't."""
    if kept:
        return ""
    if loading:
        return "reading the session"
    if every:
        return f"none of {len(every)} matches: {{triggers_all}} shows all"
    variants = {case.compilation.variant for case in session.request.cases}
    if variants == {"no-compile"}:
        return "nothing is compiled in the no-compile variant: no triggers"
    silent = why_silent(session)
    if silent:
        return f"torch does not tell what it compiles: {silent}"
    return "nothing was compiled" if session.over else "nothing has been compiled yet"


def unread(session: str) -> TriggersPicture:
    """What is shown before the first record was read."""
    return TriggersPicture(Heading(safe.line(session, 80), "", "", "", loading=True), empty="reading the session")


def unreadable(session: str, why: str) -> TriggersPicture:
    """What is shown of a session whose folder can't be used."""
    return TriggersPicture(Heading(safe.line(session, 80), "", "", "unreadable"), empty=safe.line(why, 300))
