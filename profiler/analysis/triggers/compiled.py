"""One compile of one frame, explained."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from profiler import events as ev
from profiler.analysis.compiles import Compile
from profiler.analysis.state import RunState
from profiler.analysis.triggers import lines, outcomes
from profiler.analysis.triggers.advice import advice
from profiler.analysis.triggers.blame import blame, shared_sentence, why
from profiler.analysis.triggers.causes import CAUSES
from profiler.analysis.triggers.changes import Change, plain
from profiler.analysis.triggers.context import Context
from profiler.analysis.triggers.costs import cost
from profiler.analysis.triggers.dimensions import readable, word
from profiler.analysis.triggers.guards import read
from profiler.analysis.triggers.model import Advice, Blame, Kind, Occurrence
from profiler.analysis.triggers.places import place_of
from profiler.analysis.triggers.sentences import sentence
from profiler.analysis.triggers.tensors import size_now
from profiler.analysis.triggers.waterfall import key_of, kind_of


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of an event."""

    cause: str
    blame: Blame
    sentence: str
    why: str
    advice: Advice | None


_TOKEN = "AutoDynamic.token"  # torch._dynamo.pgo's
_IN_TUPLE = re.compile(rf"<{_TOKEN}: \d+>")


def state(run: RunState, found: Compile) -> tuple[object, ...]:
    """All that the explanation of a compile is made from and that may still change."""
    return (
        found.end is None,
        found.limit is None,
        found.running and run.outcome is None,
        found.phase,
        len(found.reasons),
        len(found.dynamic),
        len(found.caches),
        found.module,
        found.function,
        found.caller,
        lines.of_compile(run, found) is None,
    )


def occurrence(context: Context, found: Compile) -> Occurrence:
    """The explanation of a compile, finished or under way."""
    run = context.run
    change = _change(context, found)
    kind = kind_of(found)
    words = _words(context, found, kind, change)
    which = None if change is None else found.reasons.index(change.text)
    # Of modules that only share their code the guard's values compare one with the other: nobody changed them.
    told = None if words.cause == "shared.code" else change
    return Occurrence(
        key=key_of(run, found),
        run=run.name,
        case=run.case.name,
        variant=run.case.compilation.variant,
        repeat=run.run.repeat,
        kind=kind,
        cause=words.cause,
        blame=words.blame,
        sentence=words.sentence,
        why=words.why,
        advice=words.advice,
        module=found.module,
        fqn=found.fqn,
        function=found.function,
        file=found.file,
        line=found.line,
        argument=told.argument if told else None,
        dimension=told.dimension if told else None,
        expected=told.expected if told else None,
        actual=told.actual if told else None,
        id=found.id,
        epoch=found.epoch,
        entry=change.guard.entry if change else None,
        guard=change.text if change else None,
        others=[text for place, text in enumerate(found.reasons) if place != which],
        code=lines.of_compile(run, found),
        caller=found.caller,
        stack=list(found.stack),
        dynamic=[_mark(change, found, mark) for mark in found.dynamic],
        t=found.t,
        start_ns=found.end.start_ns if found.end else found.t,
        running=found.running and run.outcome is None,
        phase=found.phase,
        place=place_of(context, found.call, found.stage, found.loop, found.step),
        cost=cost(found),
    )


def _change(context: Context, found: Compile) -> Change | None:
    """What the recompile is about; None of a first compile."""
    if not found.reasons:
        return None
    which = context.matched(found)
    guard = read(found.reasons[which])
    # What the worker read out of the frame is about the entry that it took for the one that should have matched.
    told = which == min(found.matched, len(found.reasons) - 1)
    change = Change(found, found.reasons[which], guard, context, context.entry(found.epoch, guard.entry), told)
    change.guard = replace(guard, cause=_by_value(change))
    return change


def _by_value(change: Change) -> str:
    """The guard's class, where the value that failed it says more than its text."""
    guard = change.guard
    if guard.cause == "sym.zero_one" and size_now(change) not in (None, "0", "1"):
        return "sym.shape"  # the same text has an upper bound that the size exceeds
    if guard.cause == "obj.type" and (change.seen or "").startswith("peft."):
        return "lora"
    return guard.cause


def _words(context: Context, found: Compile, kind: Kind, change: Change | None) -> Words:
    if kind == "failure":
        return Words(
            "failure",
            CAUSES["failure"].blame,
            outcomes.failure_sentence(found),
            outcomes.failure_why(found),
            outcomes.failure_advice(context, found),
        )
    again = None if change is None else _again(change)
    if kind == "limit":
        return Words(
            again.cause if again else "limit",
            again.blame if again else CAUSES["limit"].blame,
            outcomes.limit_sentence(found, again.sentence if again else None),
            outcomes.limit_why(found),
            outcomes.limit_advice(context, found, change),
        )
    if again is not None:
        return again
    return Words(
        "first",
        CAUSES["first"].blame,
        outcomes.first_sentence(context, found),
        outcomes.first_why(context, found),
        outcomes.first_advice(found),
    )


def _again(change: Change) -> Words:
    whose = blame(change)
    means = why(change, whose)
    if outcomes.ended_before(change.context, change.found):
        means = f"{means} {outcomes.ENDED_BEFORE}".strip()
    if whose == "artefact":
        return Words("shared.code", whose, shared_sentence(change), means, advice(change, whose))
    return Words(change.guard.cause, whose, sentence(change), means, advice(change, whose))


def _mark(change: Change | None, found: Compile, mark: ev.DynamicMark) -> str:
    """What torch made dynamic, in words: "sample dim 2 (height): 8, then 12"."""
    same = change is not None and plain(mark.name) == plain(change.guard.source)
    argument = mark.argument or (change.argument if same and change is not None else None)
    text = readable(mark.name, argument)
    if mark.dim is not None:
        rank = len(change.shape) if same and change is not None and change.shape is not None else None
        # The tensor that a view was taken of may have other dimensions.
        named = "" if "._base" in mark.name else word(argument, plain(mark.name), mark.dim, rank, found.module) or ""
        text += f" dim {mark.dim}" + ("" if not named or named.startswith("dim ") else f" ({named})")
    if mark.why == "stride change":
        text += " stride"
    if mark.cached is None and mark.new is None:
        return text
    return f"{text}: {_seen(mark.cached)}, then {_seen(mark.new)}"


def _seen(text: str | None) -> str:
    """What torch had seen of a size; of one that was dynamic already it keeps a token of its own."""
    return "dynamic already" if text == _TOKEN else _IN_TUPLE.sub("dynamic", str(text))
