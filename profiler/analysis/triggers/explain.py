"""Compile events of a session, explained one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import msgspec

from profiler.analysis.compiles import Compile
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import beside, compiled
from profiler.analysis.triggers.context import Context
from profiler.analysis.triggers.model import Occurrence
from profiler.analysis.triggers.places import place_of
from profiler.analysis.triggers.waterfall import key_of


@dataclass(slots=True)
class _Kept:
    """What is kept of a run: the explanations, each with what it was made from, and all of them in order."""

    context: Context
    made: dict[str, tuple[tuple[object, ...], Occurrence]] = field(default_factory=dict)
    key: tuple[object, ...] = ()
    all: list[Occurrence] = field(default_factory=list)
    by_key: dict[str, Occurrence] = field(default_factory=dict)


_cache: WeakKeyDictionary[RunState, _Kept] = WeakKeyDictionary()
"""Nothing in it refers to its run, or none would ever be given back."""


def occurrences(session: SessionState) -> list[Occurrence]:
    """Everything that torch.compile did in the session's runs, in the order in which it was told, run by run.

    Kept until something of a run has changed, and then only what changed is explained anew: a screen may ask as often
    as it likes. Where nothing changed the occurrences are the very same objects.
    """
    return [one for run in session.runs.values() for one in occurrences_of(run)]


def occurrences_of(run: RunState) -> list[Occurrence]:
    """The same of one run. The list is not to be changed."""
    return _of_run(run).all


def explained(run: RunState, found: Compile) -> Occurrence:
    """One compile of ``run``, finished or under way."""
    kept = _of_run(run)
    known = kept.by_key.get(key_of(run, found))
    return known if known is not None else compiled.occurrence(kept.context, found)


def _of_run(run: RunState) -> _Kept:
    """What is known of ``run``'s compile events, up to date."""
    kept = _cache.get(run)
    if kept is None:
        kept = _cache[run] = _Kept(Context(run))
    # Steps don't make a new revision; they matter as long as one that was interrupted hasn't ended.
    waits = any(one.place.step is not None and one.place.step_ms is None for one in kept.all)
    key = (run.revision, run.outcome, len(run.steps) if waits else 0)
    if kept.key == key:
        return kept
    if run.compiles or run.fallbacks or run.cudagraphs or run.loose_breaks:
        _explain(kept)
    waits = any(one.place.step is not None and one.place.step_ms is None for one in kept.all)
    kept.key = (run.revision, run.outcome, len(run.steps) if waits else 0)
    return kept


def _explain(kept: _Kept) -> None:
    context = kept.context
    run = context.run
    context.refresh()
    made: dict[str, tuple[tuple[object, ...], Occurrence]] = {}
    for found in run.compiles.values():
        key, state = key_of(run, found), compiled.state(run, found)
        known = kept.made.get(key)
        one = _placed(context, known[1]) if known and known[0] == state else compiled.occurrence(context, found)
        made[key] = (state, one)
    for event in beside.events(run):
        state = beside.state(run, event)
        known = kept.made.get(event.key)
        one = _placed(context, known[1]) if known and known[0] == state else beside.occurrence(context, event)
        made[event.key] = (state, one)
    kept.made = made
    kept.by_key = {key: one for key, (_, one) in made.items()}
    kept.all = sorted(kept.by_key.values(), key=lambda one: one.t)


def _placed(context: Context, one: Occurrence) -> Occurrence:
    """The same with what is known by now of the step that it interrupted."""
    place = one.place
    now = place_of(context, place.call, place.stage, place.loop, place.step)
    return one if now == place else msgspec.structs.replace(one, place=now)
