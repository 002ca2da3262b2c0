"""What the user has chosen to see of a session's triggers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from profiler.analysis.triggers import BadFilter, Group, Occurrence, matching, parsed
from tui import safe

Name = Literal["causes", "sides", "waterfall"]
Sort = Literal["yours", "cost", "count", "time"]

VIEWS: tuple[Name, ...] = ("causes", "sides", "waterfall")
TITLES: dict[Name, str] = {"causes": "causes", "sides": "side by side", "waterfall": "waterfall"}
SORTS: tuple[Sort, ...] = ("yours", "cost", "count", "time")
SORT_WORDS: dict[Sort, str] = {
    "yours": "yours first",
    "cost": "by cost",
    "count": "by how often",
    "time": "by when",
}
FIELDS = ("run", "variant", "cause", "module")
"""The filters that a key goes through the values of."""

FIELD_WORDS = {"run": "run", "variant": "variant", "cause": "class", "module": "module"}
_TIERS = {"user": 0, "unknown": 0, "expected": 1, "artefact": 2}
_ALWAYS_YOURS = ("failure", "limit", "break", "eager")


@dataclass(frozen=True, slots=True)
class TriggersView:
    """The view, its order and its filters; None: no filter. ``left`` and ``right`` are cases, ``charted`` a run."""

    view: Name = "causes"
    sort: Sort = "yours"
    run: str | None = None
    variant: str | None = None
    cause: str | None = None
    module: str | None = None
    typed: str = ""
    left: str | None = None
    right: str | None = None
    charted: str | None = None

    @property
    def filtered(self) -> bool:
        """Whether there is a filter at all."""
        return bool(self.typed.strip()) or any(self.chosen(field) is not None for field in FIELDS)

    def chosen(self, field: str) -> str | None:
        """What one of FIELDS is filtered by."""
        return {"run": self.run, "variant": self.variant, "cause": self.cause, "module": self.module}[field]

    def choosing(self, field: str, value: str | None) -> TriggersView:
        """The same with another value of one of FIELDS."""
        changes: dict[str, Any] = {field: value}
        return replace(self, **changes)

    @property
    def unfiltered(self) -> TriggersView:
        return replace(self, run=None, variant=None, cause=None, module=None, typed="")

    @property
    def told(self) -> str:
        """The filters in words, safe to show."""
        found = [f"{FIELD_WORDS[field]} {self.chosen(field)}" for field in FIELDS if self.chosen(field) is not None]
        if self.typed.strip():
            found.append(self.typed.strip())
        return safe.line(", ".join(found), 300)


def module_of(one: Occurrence | Group) -> str:
    """What the module filter goes by: the class, of what is no module the function's name; "" for neither."""
    return one.module or (one.function if isinstance(one, Occurrence) else "")


VALUES: dict[str, Callable[[Occurrence], str]] = {
    "run": lambda one: one.run,
    "variant": lambda one: one.variant,
    "cause": lambda one: one.cause,
    "module": module_of,
}


def passed(every: Sequence[Occurrence], view: TriggersView) -> tuple[list[Occurrence], str]:
    """The occurrences that all filters of ``view`` let through, and what is wrong with the typed one ("": nothing).

    What is still being typed may be wrong for the moment: then it lets everything through.
    """
    wrong = ""
    try:
        terms = parsed(view.typed)
    except BadFilter as error:
        terms, wrong = (), safe.line(str(error), 200)
    chosen = [(VALUES[field], value) for field in FIELDS if (value := view.chosen(field)) is not None]
    kept = [one for one in every if all(of(one) == value for of, value in chosen)]
    return matching(kept, terms), wrong


def choices(every: Iterable[Occurrence], field: str) -> tuple[str, ...]:
    """The values that a field has, in the order in which they came."""
    return tuple(dict.fromkeys(value for value in map(VALUES[field], every) if value))


def following(values: Sequence[str], now: str | None) -> str | None:
    """The value after ``now``; after the last one, None: all of them."""
    if now is None or now not in values:
        return values[0] if values else None
    place = values.index(now) + 1
    return values[place] if place < len(values) else None


def ordered(groups: Iterable[Group], sort: Sort) -> list[Group]:
    """``groups`` as ``sort`` says, what still compiles first; what is equal in that stays in the order of cost."""
    found = sorted(groups, key=lambda group: (-group.total_ms, -(group.lost_ms or 0.0)))
    match sort:
        case "yours":
            found.sort(key=lambda group: 0 if group.kind in _ALWAYS_YOURS else _TIERS[group.blame])
        case "count":
            found.sort(key=lambda group: -group.count)
        case "time":
            found.sort(key=lambda group: min(one.t for one in group.occurrences))
    return sorted(found, key=lambda group: not group.running)
