"""The measured calls of a run in order: those of each leg of the scenario, or of each turn of the user's own list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from profiler.request import Leg, Workload
from profiler.subject import Subject
from profiler.worker import legs
from profiler.worker.setting import Setting


class Turn(NamedTuple):
    """One measured call. ``number`` counts from 1; ``keep_output`` is of the last call of the first leg.

    Variants are compared by the outputs of the first leg: what later legs do may not be the same in all of them.
    """

    number: int
    setting: Setting
    keep_output: bool


class Schedule:
    """Brings ``subject`` into the state of each leg as its calls are due. Raises Unsupported for legs it can't run."""

    def __init__(self, subject: Subject, workload: Workload, device: str) -> None:
        self.last: Setting | None = None
        """That of the latest measured call."""
        self._legs = legs.Legs(subject, workload, device)
        self._stretches: list[tuple[Leg | Setting | None, int]]  # (what is entered, its calls)
        if subject.turns:
            count = len(subject.turns)
            self._stretches = [
                (Setting(workload, leg=f"call arguments {number}/{count}", arguments=dict(arguments)), workload.calls)
                for number, arguments in enumerate(subject.turns, start=1)
            ]
        else:
            found = legs.legs_of(subject, workload)
            for leg in found:
                self._legs.check(leg)  # before anything is compiled
            self._stretches = [(leg, leg.calls or workload.calls) for leg in found] or [(None, workload.calls)]

    @property
    def calls(self) -> int:
        """How many there are."""
        return sum(calls for _, calls in self._stretches)

    def first(self) -> Setting:
        """The setting of the compiling call and the warm-ups: the first measured call's."""
        return self._enter(self._stretches[0][0])

    def turns(self) -> Iterator[Turn]:
        """The calls in order. A leg is entered as its first call is due."""
        number = 0
        for stretch, (what, calls) in enumerate(self._stretches):
            setting = self._enter(what)
            for call in range(1, calls + 1):
                number += 1
                self.last = setting
                yield Turn(number, setting, keep_output=stretch == 0 and call == calls)

    def _enter(self, what: Leg | Setting | None) -> Setting:
        return what if isinstance(what, Setting) else self._legs.enter(what)
