"""The same trigger, however often it came, as one row."""

from __future__ import annotations

from collections.abc import Iterable

from profiler.analysis.triggers.model import Group, Occurrence


def groups(found: Iterable[Occurrence]) -> list[Group]:
    """``found`` by case, kind, cause, blame, module class, argument and dimension; the costliest group first."""
    same: dict[tuple[object, ...], list[Occurrence]] = {}
    for one in found:
        key = (one.case, one.kind, one.cause, one.blame, one.module, one.argument, one.dimension)
        same.setdefault(key, []).append(one)
    return sorted((_group(key, members) for key, members in same.items()), key=lambda group: -group.total_ms)


def _group(key: tuple[object, ...], members: list[Occurrence]) -> Group:
    first = members[0]
    times = [one.cost.ms for one in members if one.cost is not None]
    return Group(
        key=" ".join(str(part) for part in key),
        case=first.case,
        variant=first.variant,
        kind=first.kind,
        cause=first.cause,
        blame=first.blame,
        sentence=first.sentence,
        why=first.why,
        advice=first.advice,
        module=first.module,
        fqn=first.fqn if len({one.fqn for one in members}) == 1 else None,
        count=len(members),
        runs=len({one.run for one in members}),
        total_ms=sum(times),
        worst_ms=max(times, default=0.0),
        lost_ms=None,
        measured=sum(1 for one in members if one.place.phase == "measure"),
        running=any(one.running for one in members),
        occurrences=members,
    )
