"""Filters: ``variant:compile module:UNet height`` leaves the occurrences that all of it is true of.

- ``FIELD:VALUE`` for the fields of FIELDS; several values with commas: ``kind:recompile,limit``
- a free word is looked for in the sentence, the names, the guard and the remedy
- ``-`` before either turns it round: ``-blame:artefact``
- quotes hold words together: ``"of the step"``, ``module:"Basic Transformer"``

Case is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar, get_args

from profiler.analysis.triggers.causes import CAUSES
from profiler.analysis.triggers.model import Blame, Group, Kind, Occurrence
from profiler.request import VARIANTS

Item = TypeVar("Item", Group, Occurrence)


class BadFilter(ValueError):
    """A filter that asks for a field or a value that there is none of; the message is one line with those there are."""


def _same(wanted: str, value: str) -> bool:
    return fnmatchcase(value, wanted) if "*" in wanted else value == wanted


def _begins(wanted: str, value: str) -> bool:
    return fnmatchcase(value, wanted) if "*" in wanted else value.startswith(wanted)


def _within(wanted: str, value: str) -> bool:
    return wanted in value


def _class(wanted: str, value: str) -> bool:
    return value == wanted or value.startswith(f"{wanted.rstrip('.')}.") or _begins(wanted, value)


FIELDS: dict[str, tuple[str, Callable[[str, str], bool], Callable[[Occurrence], Iterable[str | None]]]] = {
    "run": ("the run's name, * for any part of it", _same, lambda one: (one.run,)),
    "case": ("the case's name, * for any part of it", _same, lambda one: (one.case,)),
    "variant": ("no-compile, compile or regional-compile", _begins, lambda one: (one.variant,)),
    "class": ("the class of the cause or its beginning: tensor.size, tensor", _class, lambda one: (one.cause,)),
    "module": ("a part of the module's class or name", _within, lambda one: (one.module, one.fqn, one.function)),
    "kind": ("compile, recompile, failure, limit, break, eager or cudagraph", _begins, lambda one: (one.kind,)),
    "blame": ("user, expected, artefact or unknown", _begins, lambda one: (one.blame,)),
}
"""The fields: what a value is, how it is compared, and what with."""

KNOWN: dict[str, tuple[str, ...]] = {
    "variant": VARIANTS,
    "class": tuple(CAUSES),
    "kind": get_args(Kind),
    "blame": get_args(Blame),
}
"""All values of the fields whose values don't depend on the session."""

_TERM = re.compile(r'(-?)(?:([A-Za-z_]+):)?(?:"([^"]*)"?|(\S*))')
_ALIASES = {"cause": "class"}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: a field and the values of which one must fit, or a free word (``field`` None)."""

    field: str | None
    values: tuple[str, ...]
    without: bool = False

    def fits(self, one: Occurrence) -> bool:
        if self.field is None:
            found = any(self.values[0] in text for text in _texts(one))
        else:
            _, compare, values = FIELDS[self.field]
            texts = [value.casefold() for value in values(one) if value]
            found = any(compare(wanted, text) for wanted in self.values for text in texts)
        return found is not self.without


def parsed(text: str) -> tuple[Term, ...]:
    """The conditions of a filter; none of an empty one. Raises BadFilter."""
    terms: list[Term] = []
    for minus, field, quoted, plain in _TERM.findall(text):
        value = (quoted or plain).casefold()
        if not field:
            if value:
                terms.append(Term(None, (value,), bool(minus)))
            continue
        name = _ALIASES.get(field.casefold(), field.casefold())
        if name not in FIELDS:
            raise BadFilter(f"can't filter by {field!r} (there are: {', '.join(FIELDS)}; or plain words)")
        values = (value,) if quoted else tuple(part for part in value.split(",") if part)
        if values:
            _check(name, values)
            terms.append(Term(name, values, bool(minus)))
    return tuple(terms)


def _check(field: str, values: tuple[str, ...]) -> None:
    """Raises BadFilter for a value that nothing can have, in any session."""
    known = KNOWN.get(field, ())
    for wanted in values:
        if known and not any(FIELDS[field][1](wanted, value) for value in known):
            # A class is named by its beginning as well, and there are many.
            there = dict.fromkeys(value.partition(".")[0] for value in known)
            raise BadFilter(f"no {field} is called {wanted!r} (there are: {', '.join(there)})")


def matching(items: Iterable[Item], text: str | tuple[Term, ...]) -> list[Item]:
    """Those of ``items`` that fit the filter; a group fits if one of its occurrences does. Raises BadFilter.

    Filter occurrences and group what is left where counts and costs are to be of what is shown.
    """
    terms = parsed(text) if isinstance(text, str) else text
    if not terms:
        return list(items)
    return [item for item in items if any(_fits(one, terms) for one in _members(item))]


def _members(item: Group | Occurrence) -> list[Occurrence]:
    return item.occurrences if isinstance(item, Group) else [item]


def _fits(one: Occurrence, terms: tuple[Term, ...]) -> bool:
    return all(term.fits(one) for term in terms)


def _texts(one: Occurrence) -> Iterable[str]:
    remedy = one.advice.remedy if one.advice else None
    for text in (one.sentence, one.cause, one.kind, one.module, one.fqn, one.function, one.argument, one.dimension):
        if text:
            yield text.casefold()
    for text in (one.guard, one.why, remedy, one.run, one.variant, one.place.leg, one.id, one.caller):
        if text:
            yield text.casefold()
