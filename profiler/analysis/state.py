"""The state of a session: what the fold made of its events. Screens, ``show`` and exports read it, nobody writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from profiler import events as ev
from profiler.analysis.columns import Columns
from profiler.analysis.compiles import Compile, Span
from profiler.request import Case, Request, Run

STEP_COLUMNS = (
    "call",
    "loop",
    "step",
    "start_ns",
    "ns",
    "host_ns",
    "enqueue_ns",
    "scheduler_ns",
    "host_bound",  # 0, 1 or ABSENT
    "graphs",
)
MEMORY_COLUMNS = ("t", "allocated_bytes", "reserved_bytes", "rss_bytes")
GPU_COLUMNS = (
    "t",
    "used_bytes",
    "process_bytes",
    "utilization",
    "power_mw",
    "energy_mj",
    "temperature_c",
    "sm_mhz",
    "memory_mhz",
    "reasons",
    "others",
    "others_busy",
)
OUTCOMES = ("ok", "oom", "failed", "unsupported", "stopped", "died")


@dataclass(slots=True)
class Loop:
    name: str = ""
    denoisers: tuple[str, ...] = ()
    planned_iterations: int | None = None
    start_ns: int = 0
    ns: int | None = None  # None until it ended
    evaluations: int = 0
    iterations: int = 0


@dataclass(slots=True)
class Call:
    index: int
    phase: str = ""
    leg: str | None = None  # of the scenario; None in a steady one
    planned_steps: int | None = None
    start_ns: int = 0
    ns: int | None = None  # None until it ended
    images: int = 0
    retries: int | None = None  # of the allocator; None: not counted
    waited_ns: int | None = None  # ready, and no core was free
    cpu_ns: int | None = None
    foreign_cpu_ns: int | None = None
    collections: int | None = None  # of all objects, by Python's garbage collector
    loops: dict[int, Loop] = field(default_factory=dict)
    stages: list[ev.Stage] = field(default_factory=list)
    compiles: int = 0  # compiles and recompiles that ran in this call
    recordings: int = 0  # CUDA graphs recorded in this call
    first_step: int = -1  # row of its first step in the run's columns
    steps: int = 0

    @property
    def ended(self) -> bool:
        return self.ns is not None


@dataclass(slots=True)
class Phase:
    name: str
    start_ns: int
    end_ns: int | None = None
    calls: int | None = None
    allocated_peak_bytes: int | None = None
    reserved_peak_bytes: int | None = None
    rss_peak_bytes: int | None = None


@dataclass(slots=True)
class Losses:
    """What a reader could not use of a log."""

    lost: int = 0
    bad: int = 0
    unknown: int = 0
    refused: str | None = None

    def __bool__(self) -> bool:
        return bool(self.lost or self.bad or self.unknown or self.refused)


class RunState:
    """One run: a repeat of a case."""

    def __init__(self, run: Run, case: Case) -> None:
        self.run = run
        self.case = case
        self.name = run.name
        self.header: ev.Header | None = None
        self.environment: ev.Environment | None = None
        self.conducted = "queued"  # queued, running, ended: the conductor's word
        self.conducted_end: ev.RunChanged | None = None
        self.started_ns: int | None = None
        self.ended_ns: int | None = None
        self.pid: int | None = None
        self.cold: bool | None = None  # found an empty compile cache; None: not said
        self.remade = 0  # how often it was made again: the attempt before was stopped, died or failed
        self.end: ev.RunEnded | None = None
        self.presumed: str | None = None  # why the run is taken for dead though no log says so
        self.waiting: ev.Waiting | None = None
        self.loading: ev.LoadProgress | None = None
        self.phases: list[Phase] = []
        self.calls: dict[int, Call] = {}
        self.steps = Columns(STEP_COLUMNS)
        self.memory = Columns(MEMORY_COLUMNS)
        self.compiles: dict[tuple[int, str], Compile] = {}
        self.limits: list[ev.CompileLimit] = []
        self.loose_breaks: list[ev.GraphBreak] = []
        self.cudagraphs: list[ev.CudaGraph] = []
        self.fallbacks: list[ev.EagerFallback] = []
        self.loose_spans: list[Span] = []  # phases outside any compile, as CUDA graphs recorded later
        self.sources: dict[tuple[str, int], ev.SourceLines] = {}  # code around a place, by file and line
        self.notes: list[ev.Note] = []
        self.outputs: list[ev.Output] = []
        self.syncs: list[ev.Sync] = []
        self.oom: ev.OutOfMemory | None = None
        self.monitor_errors = 0
        self.last_t = 0
        self.losses = Losses()
        self.revision = 0  # grows with every record but steps, which count when their call ends

    def unconducted(self) -> None:
        """Forget what the conductor said of the run: it is told again."""
        self.conducted, self.conducted_end, self.presumed = "queued", None, None
        self.started_ns = self.ended_ns = self.pid = self.cold = None
        self.remade = 0

    @property
    def state(self) -> str:
        """``queued``, ``waiting`` (for the device), ``running`` or ``ended``."""
        if self.outcome is not None:
            return "ended"
        if self.waiting is not None:
            return "waiting"
        return "running" if self.conducted == "running" or self.header is not None else "queued"

    @property
    def outcome(self) -> str | None:
        """One of OUTCOMES, None while the run goes on. The conductor's word counts; it saw the process end."""
        if self.conducted_end is not None:
            return self.conducted_end.outcome or "died"
        if self.end is not None:
            # Nobody asked it to stop: it ended because its conductor was gone.
            return "died" if self.presumed is not None and self.end.outcome == "stopped" else self.end.outcome
        if self.presumed is None:
            return None
        return "died" if self.header is not None or self.conducted == "running" else "stopped"

    @property
    def reason(self) -> str | None:
        for word in (self.conducted_end, self.end):
            if word is not None and word.reason:
                return word.reason
        return self.presumed if self.outcome in ("died", "stopped") else None

    @property
    def unbegun(self) -> bool:
        """Whether the session was stopped before it began."""
        return self.outcome == "stopped" and self.header is None and self.started_ns is None

    @property
    def phase(self) -> Phase | None:
        return self.phases[-1] if self.phases else None

    @property
    def call(self) -> Call | None:
        """The call under way or the last one."""
        return self.calls[max(self.calls)] if self.calls else None

    def phase_named(self, name: str) -> Phase | None:
        return next((phase for phase in self.phases if phase.name == name), None)

    def calls_of(self, phase: str) -> list[Call]:
        """The calls of a phase that ended, in order."""
        return [call for call in self.calls.values() if call.phase == phase and call.ended]


class SessionState:
    """A session and its runs, in the order of the request."""

    def __init__(self, session: str, request: Request) -> None:
        self.session = session
        self.request = request
        self.header: ev.Header | None = None
        self.conducted = "starting"  # starting, running, done, stopped, failed: the conductor's word
        self.reason: str | None = None
        self.presumed: str | None = None
        self.started_ns: int | None = None
        self.resumed_ns: list[int] = []  # when it was taken up again
        self.pauses: list[tuple[int, int]] = []  # before that nobody conducted it: from, to
        self.ended_ns: int | None = None
        self.device: ev.DeviceSeen | None = None
        self.gpu = Columns(GPU_COLUMNS)
        self.gpu_fields: dict[str, str] = {}  # unreadable fields and why
        self.commands: list[ev.Command] = []
        self.notes: list[ev.Note] = []
        self.last_t = 0
        self.losses = Losses()
        self.runs: dict[str, RunState] = {run.name: RunState(run, request.case(run.case)) for run in request.runs}
        self._names: dict[str, list[str]] = {}  # of the runs of each case
        for run in request.runs:
            self._names.setdefault(run.case, []).append(run.name)

    @property
    def state(self) -> str:
        """``starting``, ``running``, ``done``, ``stopped``, ``failed`` or ``died``."""
        if self.presumed is not None and self.conducted in ("starting", "running"):
            return "died"
        return self.conducted

    @property
    def over(self) -> bool:
        return self.state not in ("starting", "running")

    @property
    def current(self) -> RunState | None:
        """The run under way."""
        return next((run for run in self.runs.values() if run.state in ("running", "waiting")), None)

    def paused_ns(self, t: int) -> int:
        """How much of the time before ``t`` nobody conducted it, in nanoseconds."""
        return sum(max(0, min(t, end) - start) for start, end in self.pauses)

    def runs_of(self, case: str) -> list[RunState]:
        """The runs of the case called ``case``, in the order in which they are made."""
        return [self.runs[name] for name in self._names.get(case, ()) if name in self.runs]

    def presume_dead(self, reason: str | None) -> None:
        """Nobody is left who could end the session: what goes on is taken for dead (None: alive again)."""
        self.presumed = reason
        for run in self.runs.values():
            run.presumed = reason
