"""What a lot's figures say against a baseline's: the speed-up, how sure that is, and when compiling has paid."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from profiler.analysis.looks import confidence
from profiler.analysis.lots import Lot
from profiler.analysis.machines import difference
from profiler.analysis.statistics import more_to_settle, speedup, verdict
from profiler.analysis.workloads import differing


class Comparison(msgspec.Struct, frozen=True):
    """``speedup`` above 1: faster than the baseline. All None but ``reason`` where nothing can be said."""

    baseline: str | None = None  # the case or run that it is compared with
    speedup: float | None = None
    interval: tuple[float, float] | None = None
    confidence: float | None = None  # the interval's: 0.95, more where the data are looked at several times
    verdict: str | None = None  # FASTER, SLOWER, SAME, UNCLEAR
    reason: str | None = None  # why there is no verdict, or an unclear one
    more_repeats: int | None = None  # about how many more would settle an unclear one; None: no reasonable number
    saved_s: float | None = None  # seconds saved for each image; below 0: it takes longer
    extra_startup_s: float | None = None  # what starting up costs more, cold where there was a cold run
    break_even: float | None = None  # images until the extra start-up has paid for itself
    warnings: list[str] = []  # what else was not the same: workload, device, versions


def compare(ours: Lot, theirs: Lot) -> Comparison:
    """``ours`` against the baseline ``theirs``.

    Within a session the ratio of two machines is refused: a session that was resumed elsewhere was not meant to be
    one. Of two sessions it may be just what is asked for, and what differs is said.
    """
    warnings = differing(ours.case.workload, theirs.case.workload)
    mixed = difference([*ours.usable, *theirs.usable])
    if mixed is not None:
        if ours.session is theirs.session:
            return Comparison(theirs.name, reason=f"not compared: {mixed}", warnings=warnings)
        warnings = [*warnings, mixed]
    own, base = (lot.values(lambda run: run.denoise_s or None) for lot in (ours, theirs))
    sure = max(confidence(ours.session.request), confidence(theirs.session.request))
    ratio = speedup(base, own, sure)
    if ratio is None:
        missing = theirs if own else ours
        reason = f"{missing.name} has no measured call{'' if missing.session.over else ' yet'}"
        return Comparison(theirs.name, reason=reason, warnings=warnings)
    word = None if ratio.interval is None else verdict(ratio.interval)
    more = more_to_settle(base, own, sure) if word == "UNCLEAR" else None
    unclear = _allows(ratio.interval, more) if ratio.interval is not None and word == "UNCLEAR" else None
    worth = _worth(ours, theirs)
    return Comparison(
        baseline=theirs.name,
        speedup=ratio.estimate,
        interval=ratio.interval,
        confidence=None if ratio.interval is None else sure,
        verdict=word,
        reason=_too_few(ours, theirs) if word is None else unclear,
        more_repeats=more,
        saved_s=worth.saved_s,
        extra_startup_s=worth.extra_startup_s,
        break_even=worth.break_even,
        warnings=warnings,
    )


def _too_few(ours: Lot, theirs: Lot) -> str:
    if ours.run is not None or theirs.run is not None:
        return "a single run gives no interval: compare the cases"
    if ours.session.request.repeats == 1 or theirs.session.request.repeats == 1:
        return "one run a case gives no interval: --repeats 3 does"
    return "no interval before two runs of both cases have measured calls"


def _allows(interval: tuple[float, float], more: int | None) -> str:
    low, high = interval
    settling = (
        "no reasonable number of repeats would settle it"
        if more is None
        else f"about {more} more repeat{'s' * (more > 1)} would settle it"
    )
    return f"the interval still allows {low:.3f}x to {high:.3f}x: {settling}"


class _Worth(NamedTuple):
    saved_s: float | None
    extra_startup_s: float | None
    break_even: float | None


def _worth(ours: Lot, theirs: Lot) -> _Worth:
    """Break-even and what it is made of: extra start-up seconds / seconds saved for each image.

    ``break_even`` is 0 when starting up costs nothing more; None when no time is saved, or nothing was measured.
    """
    startup, base_startup = ours.startup_s, theirs.startup_s
    image, base_image = (lot.middle(lambda run: run.image_s) for lot in (ours, theirs))
    extra = None if startup is None or base_startup is None else startup - base_startup
    saved = None if image is None or base_image is None else base_image - image
    paid = max(0.0, extra / saved) if extra is not None and saved is not None and saved > 0 else None
    return _Worth(saved, extra, paid)
