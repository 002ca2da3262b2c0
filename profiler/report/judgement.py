"""Whether measured calls were free of compilation: what ``--fail-on-recompile`` asks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from profiler.analysis import triggers
from profiler.analysis.cases import BASELINE_VARIANT
from profiler.analysis.fallen import fallen_steps
from profiler.analysis.state import Call, RunState, SessionState
from profiler.analysis.triggers import Occurrence
from profiler.report.triggers import Incomplete, incomplete, trigger_lines

OPTION = "--fail-on-recompile"
COMPILING = ("compile", "recompile", "failure", "limit")
"""Kinds that must not come in a measured call: after the warm-up all that is needed should be there."""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """``guilty``: what compiled or fell back in measured calls. ``calls``: measured calls of the runs ``judged``.

    Runs of which nothing is compiled are none of it.
    """

    guilty: list[Occurrence]
    judged: list[str]
    calls: int
    unjudged: dict[str, str]  # compiled runs without a measured call: how they ended
    unsure: list[Incomplete]  # runs of which not everything that compiled is known

    @property
    def passed(self) -> bool:
        # A batch that doesn't fit is a result of its own, as it is for the exit code of the session.
        owed = [how for how in self.unjudged.values() if how != "oom"]
        return bool(self.judged) and not (self.guilty or self.unsure or owed)


def judge(session: SessionState) -> Judgement:
    """What a session that is over says of its measured calls."""
    runs = [run for run in session.runs.values() if _compiled(run)]
    calls = {run.name: sum(1 for call in run.calls.values() if _measured(call)) for run in runs}
    judged = [name for name, count in calls.items() if count]
    eager = {run.name for run in runs if _measured_eager(run)}
    return Judgement(
        guilty=[one for one in triggers.occurrences(session) if _guilty(one, eager)],
        judged=judged,
        calls=sum(calls.values()),
        unjudged={run.name: run.outcome or run.state for run in runs if run.name not in judged},
        unsure=[one for one in incomplete(session) if one.run in judged]
        + [Incomplete(run=run.name, why=why) for run in runs if calls[run.name] for why in _unfit(run)],
    )


def judgement_lines(session: SessionState, found: Judgement, *, width: int = 80) -> list[str]:
    """The answer in one line, then what compiled and why."""
    lines = [f"{OPTION}: {_answer(found)}"]
    lines += [f"  made no measured call: {run} ({how})" for run, how in found.unjudged.items()]
    if found.guilty:
        return [*lines, "", *trigger_lines(session, found.guilty, width=width)]
    return lines + [f"  {one.run}: {one.why}" for one in found.unsure]


def _answer(found: Judgement) -> str:
    of = f"{_count(found.calls, 'measured call')} of {_count(len(found.judged), 'compiled run')}"
    if found.guilty:
        runs = len({one.run for one in found.guilty})
        return f"failed: in {runs} of {_count(len(found.judged), 'compiled run')} measured calls compiled or ran eager"
    if not found.judged and not found.unjudged:
        return "failed: no run here is compiled, so there is nothing to judge"
    if not found.judged:
        return "failed: no compiled run made a measured call, so there is nothing to judge"
    if found.unsure:
        return f"failed: nothing is known to have compiled in {of}, but not all is known"
    if not found.passed:
        return f"failed: nothing compiled in {of}, but not every run could be judged"
    return f"passed: nothing compiled in {of}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _compiled(run: RunState) -> bool:
    """Whether anything is compiled in a run: by its variant, or by the user's own function in any variant."""
    return run.case.compilation.variant != BASELINE_VARIANT or bool(run.compiles)


def _measured(call: Call) -> bool:
    return call.phase == "measure" and call.ns is not None


def _unfit(run: RunState) -> Iterator[str]:
    """Why measured calls without compilation say too little of a run."""
    if run.outcome != "ok":
        yield f"it ended before its last call ({run.outcome or run.state})"
    if not run.compiles:
        yield "nothing in it was ever compiled, so nothing could be again"


def _guilty(one: Occurrence, eager: set[str]) -> bool:
    """Compiled in a measured call; or fell back to eager, at whatever call, and measured calls ran so."""
    if one.kind == "eager":
        return one.run in eager
    return one.kind in COMPILING and one.place.phase == "measure"


def _measured_eager(run: RunState) -> bool:
    """Whether a step of a measured call ran fewer compiled graphs than it should."""
    return any(run.calls[call].phase == "measure" for call in fallen_steps(run))
