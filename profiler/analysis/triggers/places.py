"""What a compile event interrupted, and what that cost the step."""

from __future__ import annotations

from profiler.analysis.triggers.context import Context
from profiler.analysis.triggers.model import Place


def place_of(context: Context, call: int | None, stage: str | None, loop: int | None, step: int | None) -> Place:
    """Where it came, and how long that step took against the usual one of its loop.

    A step may hold several compiles: all of them name what it lost in all.
    """
    found = context.run.calls.get(call) if call is not None else None
    step_ms = context.step_ms(call, loop, step) if step is not None else None
    usual_ms = context.usual_ms(call, loop) if step is not None else None
    return Place(
        phase=(found.phase or None) if found else None,
        call=call,
        measured=context.measured(call),
        leg=found.leg if found else None,
        stage=stage,
        loop=loop,
        step=step,
        step_ms=step_ms,
        usual_ms=usual_ms,
        lost_ms=step_ms - usual_ms if step_ms is not None and usual_ms is not None else None,
    )
