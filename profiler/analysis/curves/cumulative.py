"""Seconds spent against images made, and where a compiled lot has paid for its start-up."""

from __future__ import annotations

import math
from collections.abc import Sequence

from profiler.analysis.cases import CaseFigures, lot_figures
from profiler.analysis.curves.identity import baselines, identities
from profiler.analysis.curves.model import Crossing, Cumulative, CumulativeLine, Identity
from profiler.analysis.lots import Lot

FEWEST_IMAGES = 10.0
MOST_IMAGES = 1e6
BEYOND_CROSSING = 1.5
"""How far the chart goes on behind the last crossing that it shows."""
SQUEEZED = 40.0
"""A crossing that lies so many times farther than the nearest is told in words: the chart would hide the others."""


def cumulative(
    lots: Sequence[Lot], baseline: Lot | None = None, figures: Sequence[CaseFigures] | None = None
) -> Cumulative:
    """The line of each lot, and its crossing with its baseline's.

    Break-even is extra start-up seconds / seconds saved for each image. So that the lines cross just there, x counts
    the images after the first call's: at x = 0 the first call has ended, and start-up is all that was spent.
    """
    who = identities(lots, baseline)
    bases = baselines(lots, baseline)
    if figures is None:
        figures = [lot_figures(lot, base) for lot, base in zip(lots, bases, strict=True)]
    crossings = [
        _crossing(one, of, base) for one, of, base in zip(who, figures, bases, strict=True) if not one.baseline
    ]
    measured: list[tuple[Identity, float, float]] = []
    missing: list[tuple[Identity, str]] = []
    for one, of in zip(who, figures, strict=True):
        startup, image = of.startup_s, of.image_s
        if startup is None or image is None or not math.isfinite(startup + image):
            missing.append((one, "no call was measured" if image is None else "its start-up was not measured"))
        else:
            measured.append((one, startup, image))
    images = _reach([found.images for found in crossings if found.images], measured)
    lines = tuple(
        CumulativeLine(one, startup, image, (0.0, images), (startup, startup + images * image))
        for one, startup, image in measured
    )
    return Cumulative(images, lines, tuple(crossings), tuple(missing))


def _reach(crossings: Sequence[float], measured: Sequence[tuple[Identity, float, float]]) -> float:
    """How many images the chart shows."""
    near = [images for images in crossings if images <= min(crossings) * SQUEEZED]
    if near:
        wished = max(near) * BEYOND_CROSSING
    else:
        # Nothing crosses: as far as it takes the images to take as long as starting up.
        wished = max((startup / image for _, startup, image in measured if image > 0), default=0.0)
    return float(math.ceil(min(max(wished, FEWEST_IMAGES), MOST_IMAGES)))


def _crossing(who: Identity, figures: CaseFigures, baseline: Lot | None) -> Crossing:
    key = None if baseline is None else baseline.key
    images = figures.break_even_images
    if images is None or not math.isfinite(images):
        return Crossing(who, key, None, None, _why_not(figures, baseline))
    seconds = None
    if figures.startup_s is not None and figures.image_s is not None:
        seconds = figures.startup_s + images * figures.image_s
    if images == 0:
        why = "costs nothing more to start up: ahead from the first image on"
    elif images > MOST_IMAGES:
        why = f"pays for itself only after more than {MOST_IMAGES:,.0f} images"
    else:
        whole = math.ceil(images)
        why = f"pays for itself after {whole:,} image{'s' * (whole != 1)}"
    if figures.verdict != "FASTER":
        why += ", if the estimate holds" + (f" (the verdict is {figures.verdict})" if figures.verdict else "")
    return Crossing(who, key, images, seconds, why)


def _why_not(figures: CaseFigures, baseline: Lot | None) -> str:
    saved, extra = figures.saved_s, figures.extra_startup_s
    if baseline is None or (saved is None and extra is None):
        return figures.reason or "nothing was measured that it could be compared by"
    sooner = ", though it starts up sooner" if saved is not None and saved <= 0 and (extra or 0.0) < 0 else ""
    return f"{figures.break_even_reason or 'no break-even'}{sooner}"
