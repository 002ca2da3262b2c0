"""What somebody who knows diffusers and torch.compile would say of a trigger, to compare what the program says with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from profiler.analysis.triggers import Occurrence

_FIELDS = ("cause", "blame", "argument", "dimension", "expected", "actual", "kind", "module", "fqn")
ANY = "*"  # nothing in particular


@dataclass(frozen=True, kw_only=True)
class Says:
    """One occurrence. ``says`` and ``remedy`` are patterns that the sentence and the advice must have somewhere.

    ``owed``: its guard names a tensor or an argument, so that its name (that of an input's parameter, the path of a
    module's) and the actual value are owed.
    """

    cause: str
    says: str
    remedy: str | None = None  # None: nothing in particular
    blame: str = "user"
    argument: str | None = None
    dimension: str | None = None
    expected: str | None = ANY
    actual: str | None = None
    kind: str = "recompile"
    module: str | None = ANY
    fqn: str | None = ANY
    owed: bool = True

    def wrong(self, found: Occurrence) -> list[str]:
        """What ``found`` says otherwise, field by field."""
        wrong = [
            f"{name} is {getattr(found, name)!r}, not {getattr(self, name)!r}"
            for name in _FIELDS
            if getattr(self, name) != ANY and getattr(found, name) != getattr(self, name)
        ]
        for name, pattern, text in (
            ("sentence", self.says, found.sentence),
            ("remedy", self.remedy, found.advice.remedy if found.advice else ""),
        ):
            if pattern is not None and not re.search(pattern, text, re.IGNORECASE):
                wrong.append(f"the {name} has no {pattern!r}: {text!r}")
        # A sentence is for people: no expression of a guard, no address of an object.
        wrong += [
            f"the sentence has {raw!r}: {found.sentence!r}"
            for raw in ("__dict__", "_modules", "args[0", "args[1", "L[", "___", "id=0x", "()[")
            if raw in found.sentence
        ]
        return wrong

    def names(self, found: Occurrence) -> bool:
        """Whether ``found`` has the parameter's name and the value that are owed."""
        return found.argument == self.argument and found.actual == self.actual


def differences(found: list[Occurrence], expected: list[Says]) -> list[str]:
    """What is said otherwise than expected, occurrence by occurrence, in order."""
    wrong = [f"{number}: {line}" for number, (one, says) in enumerate(zip(found, expected)) for line in says.wrong(one)]
    if len(found) != len(expected):
        wrong.append(f"{len(found)} occurrences, not {len(expected)}: {[one.sentence for one in found]}")
    return wrong


def value(argument: str | None, expected: str, actual: str, says: str, **more: Any) -> Says:
    return Says(cause="value", argument=argument, expected=expected, actual=actual, says=says, **more)


def state(says: str, remedy: str, actual: str | None = ANY) -> Says:
    return Says(cause="global.state", says=says, remedy=remedy, actual=actual, owed=False)
