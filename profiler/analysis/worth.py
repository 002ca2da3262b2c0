"""Whether compiling pays: what starting up costs more, what each image saves, and after how many that is even."""

from __future__ import annotations

from typing import NamedTuple

from profiler.analysis.lots import BASELINE_VARIANT, Lot


class Worth(NamedTuple):
    """``break_even`` is in images: 0 where starting up costs nothing more; None where ``reason`` says why."""

    saved_s: float | None  # for each image; below 0: it takes longer
    extra_startup_s: float | None
    break_even: float | None
    reason: str | None


def worth(ours: Lot, theirs: Lot, *, warm: bool = False) -> Worth:
    """Break-even = extra start-up seconds / seconds saved for each image.

    ``warm``: of the start-ups that found their compiled code in the cache; else of the cold ones where there were any.
    """
    image, base_image = (lot.middle(lambda run: run.image_s) for lot in (ours, theirs))
    saved = None if image is None or base_image is None else base_image - image
    startup, base_startup = (_warm_startup(lot) if warm else lot.startup_s for lot in (ours, theirs))
    extra = None if startup is None or base_startup is None else startup - base_startup
    if saved is None:
        return Worth(saved, extra, None, "no image was timed on both sides")
    if extra is None:
        which = "a warm start-up" if warm else "starting up"
        return Worth(saved, extra, None, f"{which} was not measured on both sides")
    if saved <= 0:
        return Worth(saved, extra, None, "no time is saved: it never pays")
    return Worth(saved, extra, max(0.0, extra / saved), None)


def _warm_startup(lot: Lot) -> float | None:
    """From the end of loading to the first image with a warm compile cache, in seconds: the median.

    What compiles nothing has no compiled code to find: where all of its runs count as cold, they do.
    """
    compiles = lot.case.compilation.variant != BASELINE_VARIANT
    return lot.middle(lambda run: run.startup_s, lot.warm if compiles else lot.warm or lot.usable)
