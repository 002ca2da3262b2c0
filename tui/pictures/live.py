"""Everything that the Live screen shows of a session, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, replace

from profiler.analysis.cases import CaseFigures, case_figures
from profiler.analysis.state import SessionState
from profiler.vitals import WELL, Vitals
from tui import safe
from tui.charts.lanes import Lanes
from tui.charts.spec import ChartSpec
from tui.charts.stacked import Stacked
from tui.charts.window import Window
from tui.pictures import words
from tui.pictures.compiles import Explained, why_silent
from tui.pictures.cursor import time_of
from tui.pictures.focus import Focus
from tui.pictures.gpu import GpuChart
from tui.pictures.happenings import Happening, Happenings
from tui.pictures.memory import MemoryChart
from tui.pictures.names import device_label, latest_ns, on_cuda, session_s, workload_label
from tui.pictures.progress import ProgressLine, RunLine, ended_text, progress_lines, run_lines
from tui.pictures.stages import StagesChart
from tui.pictures.steps import StepsChart
from tui.pictures.table import CaseLine, case_lines
from tui.pictures.view import StepsView

MANY_STEPS = 30_000
"""Figures over more steps than that take long enough to be worth waiting for the end of the log."""

NOT_READ = ChartSpec("", empty="reading the session")
NO_LANES = Lanes("GPU", empty="reading the session")
NOT_KNOWN = Window(0.0, 1.0)
ANY_VIEW = StepsView()
NO_BARS = Stacked("stages", empty="reading the session")


@dataclass(frozen=True, slots=True)
class Heading:
    """The first row of the screen."""

    session: str
    workload: str
    device: str
    state: str
    elapsed: str = ""
    warning: str = ""  # lines of the logs that could not be used
    copied: bool = False
    loading: bool = False
    paused: bool = False  # the screen, not the job


@dataclass(frozen=True, slots=True)
class LivePicture:
    """One session at one moment."""

    heading: Heading
    progress: tuple[ProgressLine, ...] = ()
    steps: ChartSpec = NOT_READ
    memory: ChartSpec = NOT_READ
    gpu: Lanes = NO_LANES
    stages: Stacked = NO_BARS
    happenings: tuple[Happening, ...] = ()
    cases: tuple[CaseLine, ...] = ()
    runs: tuple[RunLine, ...] = ()
    repeats: int = 1
    groups: tuple[str, ...] = ()
    loops: tuple[int, ...] = ()
    charted: str = ""  # the first case of the workload that the step chart shows
    stops: tuple[Focus, ...] = ()  # the marks to which the step chart's cursor can go
    stop_at: int = 0  # how many of them lie left of the cursor, or at it
    asked: StepsView = ANY_VIEW  # the view that the charts were made for
    view: StepsView = ANY_VIEW  # the same, with the cursor at a step and the windows that were drawn
    whole: Window = NOT_KNOWN  # all of the step chart's axis
    times: Window = NOT_KNOWN  # all of the axis of time
    newest: float | None = None  # where on the step chart's axis the run under way has come to
    latest: float = 0.0  # how far the session has come, in seconds of its own time
    has_gpu: bool = True  # False: there is nothing to say of one
    triggers: bool = False  # whether there is anything to inspect
    over: bool = False
    running: str | None = None  # the run under way
    ended: str = ""  # how it ended, in a few words


class LivePainter:
    """Makes the pictures of one session; keeps what saves it from starting over each time. One thread only."""

    def __init__(self, session: SessionState) -> None:
        self.session = session
        explained = Explained()
        self._steps = StepsChart(session, explained)
        self._memory = MemoryChart(session)
        self._gpu = GpuChart(session)
        self._stages = StagesChart(session)
        self._happenings = Happenings(session, explained)
        self._now_s = 0.0
        self._loading = False
        self._figures: list[CaseFigures] = []
        self._cases: tuple[CaseLine, ...] = ()

    def picture(
        self,
        view: StepsView,
        now_ns: int,
        *,
        copied: bool,
        loading: bool,
        figures: bool = True,
        vitals: Vitals = WELL,
    ) -> LivePicture:
        """The session as the state has it; ``now_ns`` on the log's clock. Without ``figures`` those of before stay.

        ``vitals``: the signs of life of its processes.
        """
        session = self.session
        self._now_s = now_ns / 1e9
        if self._loading and not loading:
            self._steps.settle()
        self._loading = loading
        current = session.current
        picture = LivePicture(
            heading=heading(session, now_ns, copied=copied, loading=loading),
            progress=progress_lines(session, now_ns, copied=copied, vitals=vitals),
            happenings=self._happenings.newest_first(),
            cases=self._case_lines(loading) if figures else self._cases,
            runs=run_lines(session),
            repeats=max((run.run.repeat for run in session.runs.values()), default=1),
            groups=tuple(self._steps.groups()),
            loops=tuple(index for index, _ in self._steps.loops(view)),
            triggers=_inspectable(session),
            over=session.over,
            running=current.name if current is not None else None,
            ended=ended_text(session) if session.over else "",
            has_gpu=on_cuda(session),
        )
        return self.seen_as(view, picture)

    def _case_lines(self, loading: bool) -> tuple[CaseLine, ...]:
        """The table. While a long log is being read the figures of before stay: the next ones won't last either."""
        if not loading or sum(len(run.steps) for run in self.session.runs.values()) < MANY_STEPS:
            self._figures = case_figures(self.session)
            self._cases = case_lines(self.session, self._figures)
        return self._cases

    def seen_as(self, view: StepsView, picture: LivePicture) -> LivePicture:
        """``picture`` with the charts as ``view`` says, without looking at anything else again."""
        times = self._memory.whole(self._now_s)
        latest = session_s(self.session, latest_ns(self.session))
        steps = self._steps.spec(view.followed("time", latest, times), self._now_s, times)
        seen = self._steps.seen
        at = None if seen.focus is None else time_of(self.session, seen.focus)
        charted = self._steps.first_case(seen)
        memory, gpu, stages = picture.memory, picture.gpu, picture.stages
        if "memory" in view.panels:
            memory = self._memory.spec(view.columns, self._now_s, window=seen.times, cursor=at)
        if "gpu" in view.panels:
            gpu = self._gpu.lanes(view.columns, self._now_s, window=seen.times, cursor=at, end=times.high)
        if "stages" in view.panels:
            stages = self._stages.bars(self._figures, self._now_s, first=charted)
        return replace(
            picture,
            steps=steps,
            memory=memory,
            gpu=gpu,
            stages=stages,
            loops=tuple(index for index, _ in self._steps.loops(view)),
            charted=charted,
            stops=self._steps.stops,
            stop_at=self._steps.stop_at,
            asked=view,
            view=seen,
            whole=self._steps.whole,
            times=times,
            newest=self._steps.newest,
            latest=latest,
        )


def _inspectable(session: SessionState) -> bool:
    """Whether the inspector has something to show, if only why torch tells it nothing."""
    told = any(run.compiles or run.loose_breaks or run.cudagraphs for run in session.runs.values())
    return told or bool(why_silent(session))


def heading(session: SessionState, now_ns: int, *, copied: bool, loading: bool) -> Heading:
    """The first row for ``session``."""
    end = (session.ended_ns or latest_ns(session)) if session.over else now_ns
    told = words.at if session.over else words.elapsed  # exactly, once it is no clock any more
    begun = session.started_ns is not None
    return Heading(
        session=safe.line(session.session, 80),
        workload=workload_label(session.request),
        device=device_label(session),
        state=safe.line(session.state, 40),
        elapsed=told(session_s(session, end)) if begun else "",
        warning=_warning(session),
        copied=copied,
        loading=loading,
    )


def unread(session: str) -> LivePicture:
    """What is shown before the first record was read."""
    return LivePicture(Heading(safe.line(session, 80), "", "", "", loading=True))


def unreadable(session: str, why: str) -> LivePicture:
    """What is shown of a session whose folder can't be used."""
    picture = unread(session)
    why = safe.line(why, 300)
    return replace(
        picture,
        heading=replace(picture.heading, state="unreadable", loading=False),
        steps=ChartSpec("step latency", empty=why),
        memory=ChartSpec("memory", empty="nothing could be read"),
        progress=(ProgressLine("", "", "", "", why, "bad", None, ""),),
        over=True,
        ended="cannot be read",
    )


def _warning(session: SessionState) -> str:
    """What could not be used of all logs together."""
    logs = [session.losses, *(run.losses for run in session.runs.values())]
    refused = next((losses.refused for losses in logs if losses.refused), None)
    if refused:
        return safe.line(refused, 120)
    lost, bad, unknown = (sum(getattr(losses, name) for losses in logs) for name in ("lost", "bad", "unknown"))
    if not (lost or bad or unknown):
        return ""
    parts = [f"{number} {word}" for number, word in ((lost, "lost"), (bad, "damaged"), (unknown, "unknown")) if number]
    return f"log: {', '.join(parts)}"
