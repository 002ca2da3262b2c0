"""What is no compile but belongs to one: graph breaks, the silent fall to eager, CUDA graphs, each explained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from profiler import events as ev
from profiler.analysis.compiles import Compile
from profiler.analysis.state import RunState
from profiler.analysis.triggers import breaks, cudagraphs, lines
from profiler.analysis.triggers.causes import CAUSES
from profiler.analysis.triggers.compiled import Words
from profiler.analysis.triggers.context import Context
from profiler.analysis.triggers.model import Kind, Occurrence
from profiler.analysis.triggers.places import place_of
from profiler.analysis.triggers.waterfall import key_of


@dataclass(frozen=True, slots=True)
class Beside:
    """An event, its key within the session, and the compile that it is about."""

    key: str
    event: ev.GraphBreak | ev.EagerFallback | ev.CudaGraph
    of: Compile | None


def events(run: RunState) -> Iterator[Beside]:
    """What happened beside the compiles of ``run``. A CUDA graph's first recording is no event to explain."""
    for found in run.compiles.values():
        for number, broken in enumerate(found.breaks):
            yield Beside(f"{key_of(run, found)} break {number}", broken, found)
    for number, broken in enumerate(run.loose_breaks):
        yield Beside(f"{run.name} {broken.t} break {number}", broken, None)
    for number, fallen in enumerate(run.fallbacks):
        yield Beside(f"{run.name} {fallen.t} eager {number}", fallen, _refused_before(run, fallen))
    told: set[tuple[int, str | None]] = set()
    for number, graph in enumerate(run.cudagraphs):
        if graph.action == "record":
            continue
        if graph.action == "skip":
            told.add((graph.epoch, graph.id))
        of = None if graph.id is None else run.compiles.get((graph.epoch, graph.id))
        yield Beside(f"{run.name} {graph.t} cudagraph {number}", graph, of)
    for found in run.compiles.values():
        # torch tells of a skip in a warning and in the compile's metrics; not every version does both.
        skipped = cudagraphs.skip_of(found)
        if skipped is not None and (found.epoch, found.id) not in told:
            yield Beside(f"{key_of(run, found)} cudagraph", skipped, found)


def state(run: RunState, beside: Beside) -> tuple[object, ...]:
    """All that the explanation is made from and that may still change."""
    event = beside.event
    if isinstance(event, ev.EagerFallback):
        # What it costs shows in the steps that follow.
        return (sum(1 for call in run.calls.values() if call.ended), beside.of is None)
    if isinstance(event, ev.GraphBreak):
        return ((event.file, event.line) in run.sources, beside.of is None or beside.of.module)
    return (beside.of is None or beside.of.module,)


def occurrence(context: Context, beside: Beside) -> Occurrence:
    run, event, of = context.run, beside.event, beside.of
    kind, words = _words(context, event)
    broken = event if isinstance(event, ev.GraphBreak) else None
    return Occurrence(
        key=beside.key,
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
        module=of.module if of else None,
        fqn=of.fqn if of else None,
        function=of.function if of else "",
        file=broken.file if broken else of.file if of else "",
        line=broken.line if broken else of.line if of else 0,
        id=event.id or (of.id if of else None),
        epoch=event.epoch,
        guard=None if isinstance(event, ev.EagerFallback) else event.reason or None,
        code=lines.at(run, broken.file, broken.line, "the code that breaks the graph") if broken else None,
        caller=of.caller if of else None,
        stack=list(of.stack) if of else [],
        t=event.t,
        start_ns=event.t,
        place=place_of(context, event.call, event.stage, event.loop, event.step),
    )


def _words(context: Context, event: ev.GraphBreak | ev.EagerFallback | ev.CudaGraph) -> tuple[Kind, Words]:
    if isinstance(event, ev.GraphBreak):
        return "break", Words(
            "break",
            breaks.break_blame(event),
            breaks.break_sentence(event),
            breaks.break_why(event),
            breaks.break_advice(event),
        )
    if isinstance(event, ev.EagerFallback):
        return "eager", Words(
            "eager",
            CAUSES["eager"].blame,
            breaks.eager_sentence(event),
            breaks.eager_why(context, event),
            breaks.eager_advice(context, event),
        )
    return "cudagraph", Words(
        cudagraphs.graph_cause(event),
        cudagraphs.graph_blame(event),
        cudagraphs.graph_sentence(event),
        cudagraphs.graph_why(event),
        cudagraphs.graph_advice(event),
    )


def _refused_before(run: RunState, event: ev.EagerFallback) -> Compile | None:
    """The frame that the recompile limit refused last."""
    limits = [limit for limit in run.limits if limit.t <= event.t and limit.id is not None]
    return run.compiles.get((limits[-1].epoch, limits[-1].id or "")) if limits else None
