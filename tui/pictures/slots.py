"""The slots of calls that all cases of a step chart share, and what stands under them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from profiler.analysis.legs import legs_begin, stretches
from profiler.analysis.progress import planned_calls, run_plan
from profiler.analysis.state import RunState
from profiler.request import Case
from tui import safe
from tui.charts.axes import TICK_LADDER, ladder_ceiling
from tui.charts.spec import Axis, Slot, Tick
from tui.charts.window import Window, within
from tui.pictures import words

_LEAST_SLOT = 7
"""Columns that a slot must have for its border and its name to help and not to clutter."""

_TICK_COLUMNS = 12

_FEW_CALLS, _LEAST_FOR_STEPS, _STEP_TICK_COLUMNS = 3.0, 30, 8
"""Of so few calls, each of so many columns, the steps get numbers, so far apart."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The call slots that all cases of a chart share: one unit of x each, empty where a case makes no such call."""

    compiles: int
    warmups: int
    measured: int
    legs: tuple[tuple[str, int], ...] = ()  # of the scenario: name and first measured call, from 0

    @classmethod
    def of(cls, cases: list[Case], runs: Sequence[RunState] = ()) -> Slots:
        """For ``cases``, which have one workload, and what their ``runs`` say of themselves."""
        plans = [*(planned_calls(case) for case in cases), *(run_plan(run) for run in runs)]
        compiles, warmups, measured = (
            max((plan.count(phase) for plan in plans), default=0) for phase in ("compile", "warmup", "measure")
        )
        legs = [
            (leg.name, begin) for case in cases[:1] for leg, begin in zip(case.workload.legs, legs_begin(case.workload))
        ]
        if not legs:
            seen = max((stretches(run) for run in runs), key=len, default=[])
            legs = [(leg.name, leg.ordinal) for leg in seen]
        return cls(compiles, warmups, measured, tuple(legs))

    @property
    def count(self) -> int:
        return max(self.compiles + self.warmups + self.measured, 1)

    def place(self, phase: str, ordinal: int) -> int:
        """The slot of the ``ordinal``-th call (from 0) of ``phase``; calls beyond the plan share the last slot."""
        start, room = {
            "compile": (0, self.compiles),
            "warmup": (self.compiles, self.warmups),
        }.get(phase, (self.compiles + self.warmups, self.measured))
        return min(start + min(ordinal, max(room - 1, 0)), self.count - 1)

    @property
    def whole(self) -> Window:
        """All of the axis."""
        return Window(0.0, float(self.count))

    def axis(self, columns: int, window: Window | None = None, steps: int = 0) -> Axis:
        """The x axis of ``columns``: the slots by name, or where they would be too narrow the beginnings of some calls.

        ``window`` is the part that is seen (None: all); where that is a few calls, each of which makes so many
        ``steps`` (0: not known), these have numbers.
        """
        whole = self.whole
        low, high = within(window, whole)
        seen = Axis(low, high, whole=None if window is None else whole)
        if steps and high - low <= _FEW_CALLS < self.count and columns / (high - low) >= _LEAST_FOR_STEPS:
            return replace(seen, ticks=tuple(self._steps(low, high, steps, columns)), label="step")
        # A leg's name stands in the slot of its first call.
        longest = max((len(name) + 2 for name, _ in self.legs), default=0)
        if (high - low) * max(_LEAST_SLOT, longest) <= columns:
            return replace(seen, slots=_within(self.labels(), low, high))
        first = self.compiles + self.warmups
        if self.legs:
            if (high - low) / self.count * (first + len(self.legs)) * _LEAST_SLOT <= columns:
                return replace(seen, slots=_within((*self.labels()[:first], *self._leg_slots()), low, high))
            return replace(
                seen, ticks=tuple(Tick(float(first + begin), safe.line(name, 20)) for name, begin in self.legs)
            )
        apart = ladder_ceiling((high - low) * _TICK_COLUMNS / max(columns, 1), TICK_LADDER)
        calls = range(0, self.measured, max(int(apart), 1))
        ticks = [Tick(float(first + call), f"call {call + 1}" if call == 0 else str(call + 1)) for call in calls]
        return replace(seen, ticks=tuple(ticks))

    def _steps(self, low: float, high: float, steps: int, columns: int) -> Iterator[Tick]:
        """Ticks at the beginning of each call and at some of its steps, each of which is at the middle of its place."""
        apart = max(int(ladder_ceiling(steps * (high - low) * _STEP_TICK_COLUMNS / columns, TICK_LADDER)), 1)
        for number, slot in enumerate(self.labels()):
            if slot.end < low or slot.start > high:
                continue
            yield Tick(float(number), slot.label)
            for step in range(apart, steps + 1, apart):
                yield Tick(number + (step - 0.5) / steps, str(step))

    def labels(self) -> tuple[Slot, ...]:
        """A slot a call; the first one of a leg has the leg's name."""
        names = [("compile", "C")] * self.compiles
        names += [
            ("warm-up", "w") if self.warmups == 1 else (f"warm-up {n + 1}", f"w{n + 1}") for n in range(self.warmups)
        ]
        begun = {begin: safe.line(name, 40) for name, begin in self.legs}
        names += [(begun.get(n, f"call {n + 1}"), str(n + 1)) for n in range(self.measured)]
        return tuple(Slot(label, n, n + 1, short) for n, (label, short) in enumerate(names))

    def _leg_slots(self) -> list[Slot]:
        """A slot a leg, as wide as its calls; in short, what its name doesn't share with the others' beginning."""
        first = self.compiles + self.warmups
        shared = words.shared([name for name, _ in self.legs])
        ends = [begin for _, begin in self.legs[1:]] + [self.measured]
        return [
            Slot(safe.line(name, 40), first + begin, first + end, safe.line(name[shared:], 40))
            for (name, begin), end in zip(self.legs, ends)
        ]


def _within(slots: Iterable[Slot], low: float, high: float) -> tuple[Slot, ...]:
    """What of the slots lies between ``low`` and ``high``."""
    return tuple(
        replace(slot, start=max(slot.start, low), end=min(slot.end, high))
        for slot in slots
        if slot.start < high and slot.end > low
    )
