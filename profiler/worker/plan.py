"""How many steps a call is going to make, before it has been made once."""

from __future__ import annotations

import copy
from typing import Any

from profiler.request import Workload
from profiler.subject import Piece, Subject, pipelines_inside
from profiler.worker.inputs import steps_of
from profiler.worker.signature import parameters

USUAL_STEPS = 50
_ENDS_WITH_NO_STEP = ("DDPMWuerstchenScheduler", "SCMScheduler")
"""Schedulers whose last time is the end: their pipelines leave it out."""


def expected_steps(subject: Subject, workload: Workload) -> int | None:
    """How many scheduler steps a call makes over all its loops; None where that can't be known beforehand."""
    total = 0
    for piece in subject.pieces:
        steps = _of_piece(subject, piece, workload)
        if steps is None:
            return None
        total += steps
    return total


def _of_piece(subject: Subject, piece: Piece, workload: Workload) -> int | None:
    if piece.part is None:
        return _of_other(piece, workload)
    steps = steps_of(subject, piece, workload)
    if steps is None:
        return None
    strength = piece.part.strength
    if strength is not None and workload.strength is not None:
        strength = workload.strength
    return scheduler_steps(piece.pipe.scheduler, steps, strength)


def _of_other(piece: Piece, workload: Workload) -> int | None:
    """Of a pipeline that isn't the catalogue's: where nothing but the number of steps decides."""
    known = parameters(piece.pipe)
    scheduler = getattr(piece.pipe, "scheduler", None)
    if scheduler is None or "num_inference_steps" not in known or "strength" in known:
        return None
    further = [name for name in piece.pipe.components if name.endswith("_scheduler")]
    if further or pipelines_inside(piece.pipe):  # loops of their own
        return None
    given = {**piece.given, **workload.call}
    steps = given.get("num_inference_steps", workload.steps or known["num_inference_steps"].default)
    return scheduler_steps(scheduler, steps) if isinstance(steps, int) else None


def scheduler_steps(scheduler: Any, inference_steps: int, strength: float | None = None) -> int | None:
    """How many times ``scheduler.step`` will be called.

    ``strength`` is the share of the steps that is made when a picture is painted anew; None: all of them.
    """
    trial = copy.deepcopy(scheduler)
    # Flow matching with dynamic shifting wants a shift, which changes the times and not their number.
    shift = {"mu": 1.0} if trial.config.get("use_dynamic_shifting") else {}
    try:
        trial.set_timesteps(inference_steps, **shift)
    except (TypeError, ValueError):
        return None
    skipped = 0
    if strength is not None:
        # As in the pipelines' get_timesteps.
        skipped = max(inference_steps - min(int(inference_steps * strength), inference_steps), 0)
    times = len(trial.timesteps) - (type(trial).__name__ in _ENDS_WITH_NO_STEP)
    return max(times - skipped * getattr(trial, "order", 1), 0)
