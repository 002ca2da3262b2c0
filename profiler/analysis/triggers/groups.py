"""The same trigger, however often it came, as one row."""

from __future__ import annotations

from collections.abc import Iterable

from profiler.analysis.triggers.model import Group, Occurrence

SHOWN = 3
"""So many different changes are named in a group's sentence."""
LONGEST = 120
"""A group's sentence has no more characters than that where it is put together of several."""
_ARROW = " → "


def groups(found: Iterable[Occurrence]) -> list[Group]:
    """``found`` by case, kind, cause, blame, module class, argument and dimension; the costliest group first.

    Repeats of a case make the same compiles: the row has them all, and says of how many runs.
    """
    same: dict[tuple[object, ...], list[Occurrence]] = {}
    for one in found:
        # What has no argument to go by is the same where it says the same: breaks at two places are two things to mend.
        said = one.sentence if one.kind in ("break", "failure", "cudagraph") else None
        key = (one.case, one.kind, one.cause, one.blame, one.module, one.argument, one.dimension, said)
        same.setdefault(key, []).append(one)
    return sorted((_group(key, members) for key, members in same.items()), key=_rank)


def _rank(group: Group) -> tuple[float, ...]:
    """The costliest first: by what was compiled, then by what the steps lost, then by how often."""
    return (-group.total_ms, -(group.lost_ms or 0.0), -group.count)


def _group(key: tuple[object, ...], members: list[Occurrence]) -> Group:
    # What the latest one says holds for the earlier ones too, and knows more: that torch made a size dynamic, say.
    latest = members[-1]
    times = [one.cost.ms for one in members if one.cost is not None]
    return Group(
        key=" ".join("-" if part is None else str(part) for part in key),
        case=latest.case,
        variant=latest.variant,
        kind=latest.kind,
        cause=latest.cause,
        blame=latest.blame,
        sentence=_sentence(members),
        why=latest.why,
        advice=latest.advice,
        module=latest.module,
        fqn=latest.fqn if len({one.fqn for one in members}) == 1 else None,
        count=len(members),
        runs=len({one.run for one in members}),
        total_ms=sum(times),
        worst_ms=max(times, default=0.0),
        lost_ms=_lost(members),
        measured=sum(1 for one in members if one.place.phase == "measure"),
        running=any(one.running for one in members),
        occurrences=members,
    )


def _lost(members: list[Occurrence]) -> float | None:
    """What the steps that were held up lost, each step once; None where none of them is known."""
    steps = {(one.run, one.place.call, one.place.loop, one.place.step): one.place.lost_ms for one in members}
    known = [lost for lost in steps.values() if lost is not None]
    return sum(known) if known else None


def _sentence(members: list[Occurrence]) -> str:
    """One occurrence's sentence; of several different ones what they have in common, and the first few changes."""
    texts = list(dict.fromkeys(one.sentence for one in members))
    if len(texts) == 1:
        return texts[0]
    first = members[0]
    changes = list(dict.fromkeys(f"{one.expected}{_ARROW}{one.actual}" for one in members if _has_change(one)))
    # A repeat of the case makes the same changes again: one run's are counted.
    times = max(sum(1 for one in members if one.run == run) for run in {one.run for one in members})
    more = ", ..." if len(changes) > SHOWN else ""
    if first.argument and first.dimension and len(changes) > 1 and first.cause.startswith("tensor."):
        listed = ", ".join(changes[:SHOWN])
        return f"{first.argument} {first.dimension} changed {times} times: {listed}{more}"
    if first.kind == "compile":
        names = list(dict.fromkeys(one.fqn or one.module or one.function for one in members))
        kind = f"{first.module} " if first.module else ""
        listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        return f"{kind}compiled for the first time, {times} times: {listed}"
    if len(texts) <= SHOWN and sum(map(len, texts)) <= LONGEST:
        return "; ".join(texts)
    return f"{texts[0]} (and {len(texts) - 1} more like it)"


def _has_change(one: Occurrence) -> bool:
    if one.expected is None or one.actual is None:
        return False
    return len(one.expected) + len(one.actual) <= 32
