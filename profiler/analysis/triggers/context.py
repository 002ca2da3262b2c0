"""What is known of a run around its compiles: the settings of each call, the entries before, how long steps take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field
from weakref import ref

from profiler.analysis.compiles import Compile
from profiler.analysis.state import Call, RunState
from profiler.analysis.statistics import median
from profiler.analysis.triggers.guards import entry_of
from profiler.request import Leg, Workload
from profiler.scenarios import workload_of

ENOUGH_STEPS = 2000
"""A loop's usual step is the median of at most so many: more don't move it."""
_NO_LEG = Leg(name="")
_ALL = "\0"  # no leg is called that


@dataclass(frozen=True, slots=True)
class Setting:
    """What a call did: the workload with its leg's changes applied, and the leg."""

    workload: Workload
    leg: Leg

    def changed(self, name: str) -> object:
        """What the leg says of a setting that is no field of the workload; None where it says nothing."""
        return self.leg.changes.get(name)


@dataclass(slots=True)
class Context:
    """One run, which it doesn't keep alive. Made once for it; ``refresh`` before each use."""

    about: InitVar[RunState]
    _run: ref[RunState] = field(init=False)
    _legs: dict[str | None, Setting] = field(default_factory=dict)
    _measured: dict[int, int] = field(default_factory=dict)
    _usual: dict[tuple[str | None, int], tuple[int, float | None]] = field(default_factory=dict)
    _busy: set[tuple[int, int, int]] = field(default_factory=set)
    _calls: dict[str | None, list[Call]] = field(default_factory=dict)
    _ended: dict[str | None, int] = field(default_factory=dict)  # of a leg, and of all
    _steps_ms: dict[tuple[int, int, int], float] = field(default_factory=dict)
    _first: int | None = None
    _first_calls: dict[int, int] = field(default_factory=dict)  # that compiled, by epoch

    def __post_init__(self, about: RunState) -> None:
        self._run = ref(about)
        workload = about.case.workload
        for leg in reversed(workload.legs):
            self._legs[leg.name] = Setting(workload_of(workload, leg), leg)
        # What is compiled and warmed up is the first leg.
        first = self._legs[workload.legs[0].name] if workload.legs else Setting(workload, _NO_LEG)
        self._legs[None] = first

    @property
    def run(self) -> RunState:
        """Who asks about a run has it."""
        run = self._run()
        assert run is not None
        return run

    def refresh(self) -> None:
        """Take in what has come since. Nothing that was told before changes."""
        run = self.run
        self._measured = {}
        self._calls = {}
        for call in run.calls.values():
            self._calls.setdefault(self._leg_of(call), []).append(call)
            if call.phase == "measure":
                self._measured[call.index] = len(self._measured) + 1
        self._ended = {leg: sum(1 for call in calls if call.ended) for leg, calls in self._calls.items()}
        self._ended[_ALL] = sum(self._ended.values())
        self._first = min(run.calls, default=None)
        self._first_calls = {}
        for one in run.compiles.values():
            if one.call is not None:
                self._first_calls[one.epoch] = min(one.call, self._first_calls.get(one.epoch, one.call))
        happened = [(one.call, one.loop, one.step) for one in run.compiles.values()]
        happened += [(one.call, one.loop, one.step) for one in run.cudagraphs]
        self._busy = {(call, loop or 0, step) for call, loop, step in happened if call is not None and step is not None}

    def _leg_of(self, call: Call) -> str | None:
        if call.leg is not None:
            return call.leg
        legs = self.run.case.workload.legs
        return legs[0].name if legs else None

    def setting(self, call: int | None) -> Setting:
        """What call number ``call`` did; the first leg's setting where that isn't known."""
        found = self.run.calls.get(call) if call is not None else None
        leg = self._leg_of(found) if found is not None else None
        return self._legs.get(leg) or self._legs[None]

    def measured(self, call: int | None) -> int | None:
        """The number of a measured call, from 1."""
        return None if call is None else self._measured.get(call)

    def entry(self, epoch: int, identifier: str | None) -> Compile | None:
        """The compile that made an entry."""
        return None if identifier is None else self.run.compiles.get((epoch, identifier))

    def matched(self, found: Compile) -> int:
        """Which of the reasons of ``found`` is of the entry that should have matched.

        The worker says so. Logs of before that was told have 0, which may be an entry of another module that shares
        the code: then an entry of the same module says more.
        """
        if not found.reasons:
            return 0
        told = min(found.matched, len(found.reasons) - 1)
        entry = self.entry(found.epoch, entry_of(found.reasons[told]))
        if entry is None or not of_another_module(found, entry):
            return told
        for place, reason in enumerate(found.reasons):
            other = self.entry(found.epoch, entry_of(reason))
            if other is not None and not of_another_module(found, other):
                return place
        return told

    def first_pass(self, found: Compile) -> bool:
        """Whether nothing of the denoiser had completed a step before: the run's first call, at its first step."""
        return found.call is not None and found.call == self._first and found.step in (None, 0)

    def first_call(self, found: Compile) -> bool:
        """Whether it came in the first call that compiled anything since dynamo's last reset, or outside of calls."""
        return found.call is None or found.call == self._first_calls.get(found.epoch)

    def busy(self, call: int, loop: int, step: int) -> bool:
        """Whether something was compiled or recorded in a step."""
        return (call, loop, step) in self._busy

    # --- steps --------------------------------------------------------------------------------------------------------

    def step_ms(self, call: int | None, loop: int | None, step: int | None) -> float | None:
        """How long a step took, in ms; None as long as it hasn't ended."""
        found = self.run.calls.get(call) if call is not None else None
        if call is None or found is None or step is None or found.first_step < 0:
            return None
        key = (call, loop or 0, step)
        known = self._steps_ms.get(key)
        if known is None:
            columns = self.run.steps
            for row in range(found.first_step, found.first_step + found.steps):
                if columns.cell(row, "step") == step and columns.cell(row, "loop") == key[1]:
                    known = self._steps_ms[key] = columns.cell(row, "ns") / 1e6
                    break
        return known

    def usual_ms(self, call: int | None, loop: int | None) -> float | None:
        """How long a step of a loop usually takes, in ms: the median of those in which nothing was compiled, of the
        calls of the same leg if there are any, else of the run.
        """
        found = self.run.calls.get(call) if call is not None else None
        if found is None:
            return None
        own = self._median(self._leg_of(found), loop or 0)
        return own if own is not None else self._median(_ALL, loop or 0)

    def _median(self, leg: str | None, loop: int) -> float | None:
        """Of a leg's calls or of all; computed anew when another call ended."""
        ended = self._ended.get(leg, 0)
        known = self._usual.get((leg, loop))
        if known is not None and known[0] == ended and (known[1] is not None or leg == _ALL):
            return known[1]
        calls = self.run.calls.values() if leg == _ALL else self._calls.get(leg, [])
        value = self._steps(calls, loop)
        self._usual[leg, loop] = (ended, value)
        return value

    def _steps(self, calls: Iterable[Call], loop: int) -> float | None:
        values: list[int] = []
        columns = self.run.steps
        for call in calls:
            if call.first_step < 0:
                continue
            start, stop = call.first_step, call.first_step + call.steps
            rows = zip(
                columns.column("ns", start, stop),
                columns.column("loop", start, stop),
                columns.column("step", start, stop),
            )
            values += [ns for ns, of, step in rows if of == loop and (call.index, of, step) not in self._busy]
            if len(values) >= ENOUGH_STEPS:
                break
        middle = median([float(ns) for ns in values[:ENOUGH_STEPS]])
        return None if middle is None else middle / 1e6


def of_another_module(found: Compile, entry: Compile) -> bool:
    """Whether ``entry`` was made for a module that only shares its function with that of ``found``.

    Blocks of one class share their code on purpose: those are the same module here. Whole denoisers of one class, as
    DeepFloyd IF's UNets, are not, nor are the leaves of torch.nn, which all run through a wrapper of dynamo's.
    """
    if found.module is None or entry.module is None:
        return False
    if found.module != entry.module:
        return True
    if found.fqn is None or entry.fqn is None or found.fqn == entry.fqn:
        return False
    return is_leaf(found) or ("." not in found.fqn and "." not in entry.fqn)


def is_leaf(found: Compile) -> bool:
    """Whether it is a module of torch.nn that dynamo wraps in a function of its own."""
    return found.function == "inner" and found.file.endswith("external_utils.py")


def root_of(found: Compile) -> str | None:
    """The component that a compiled module belongs to: "unet"."""
    return found.fqn.partition(".")[0] if found.fqn else None
