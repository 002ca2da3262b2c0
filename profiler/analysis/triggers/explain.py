"""Compile events of a session, explained one by one."""

from __future__ import annotations

from profiler.analysis.compiles import Compile
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers.costs import cost
from profiler.analysis.triggers.model import Occurrence, Place
from profiler.analysis.triggers.waterfall import key_of, kind_of


def occurrences(session: SessionState) -> list[Occurrence]:
    """Everything that torch.compile did in the session's runs, in the order in which it was told, run by run."""
    return [explained(session, run, found) for run in session.runs.values() for found in run.compiles.values()]


def explained(session: SessionState, run: RunState, found: Compile) -> Occurrence:
    """One compile of ``run``, finished or under way."""
    reason = found.reasons[min(found.matched, len(found.reasons) - 1)] if found.reasons else None
    what = found.module or found.function or found.id
    call = run.calls.get(found.call) if found.call is not None else None
    return Occurrence(
        key=key_of(run, found),
        run=run.name,
        case=run.case.name,
        variant=run.case.compilation.variant,
        repeat=run.run.repeat,
        kind=kind_of(found),
        cause="other" if reason else "first",
        blame="unknown" if reason else "expected",
        sentence=reason.partition("\n")[0] if reason else f"{what} compiled for the first time",
        why="",
        advice=None,
        module=found.module,
        fqn=found.fqn,
        function=found.function,
        file=found.file,
        line=found.line,
        argument=found.argument,
        actual=found.actual,
        id=found.id,
        epoch=found.epoch,
        guard=reason,
        caller=found.caller,
        stack=list(found.stack),
        t=found.t,
        start_ns=found.end.start_ns if found.end else found.t,
        running=found.running,
        phase=found.phase,
        place=Place(
            phase=call.phase if call else None,
            call=found.call,
            measured=None,
            leg=call.leg if call else None,
            stage=found.stage,
            loop=found.loop,
            step=found.step,
        ),
        cost=cost(found),
    )
