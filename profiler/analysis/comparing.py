"""What a lot's figures say against a baseline's: the speed-up, how sure that is, and when compiling has paid."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from profiler.analysis.figures import RunFigures
from profiler.analysis.legs import headline_calls, stretches
from profiler.analysis.looks import confidence
from profiler.analysis.loops import denoise_seconds, headline
from profiler.analysis.lots import Lot
from profiler.analysis.machines import apart, differences
from profiler.analysis.state import RunState
from profiler.analysis.statistics import median
from profiler.analysis.verdicts import (
    FASTER,
    MIN_FOR_INTERVAL,
    MIN_FOR_VERDICT,
    SAME,
    SLOWER,
    UNCLEAR,
    Judgement,
    judge,
)
from profiler.analysis.workloads import differing
from profiler.analysis.worth import worth


class LegComparison(msgspec.Struct, frozen=True):
    """One leg of a scenario against the same leg of the baseline; the fields are ``Comparison``'s.

    A leg is told by its name, and which one of that name it is (from 1).
    """

    name: str
    number: int
    speedup: float | None = None
    interval: tuple[float, float] | None = None
    verdict: str | None = None
    reason: str | None = None
    more_repeats: int | None = None


class Comparison(msgspec.Struct, frozen=True):
    """``speedup`` above 1: faster than the baseline. All None but ``reason`` where nothing can be said."""

    baseline: str | None = None  # the case or run that it is compared with
    speedup: float | None = None
    interval: tuple[float, float] | None = None
    confidence: float | None = None  # the interval's: 0.95, more where the data are looked at several times
    verdict: str | None = None  # FASTER, SLOWER, SAME, UNCLEAR
    reason: str | None = None  # why there is no verdict, or an unclear one
    more_repeats: int | None = None  # about how many more would settle it; 0: settled; None: no reasonable number
    saved_s: float | None = None  # seconds saved for each image; below 0: it takes longer
    extra_startup_s: float | None = None  # what starting up costs more, cold where there was a cold run
    break_even: float | None = None  # images until the extra start-up has paid for itself
    warnings: list[str] = []  # what else was not the same: workload, device, versions
    doubt: str | None = None  # what disturbed most of the measured calls of a side: the interval knows nothing of it
    legs: list[LegComparison] = []  # of the scenario, those that both have; the figures around are the first one's
    cycle_speedup: float | None = None  # the speed-up in SM clock cycles; None without samples of the clock
    cycle_verdict: str | None = None  # what it says, as ``verdict``
    vanishes_in_cycles: bool | None = None  # FASTER or SLOWER in time alone; None where cycles can't tell
    break_even_reason: str | None = None  # why there is no such number
    extra_startup_warm_s: float | None = None  # as above, of runs that found their compiled code in the cache
    break_even_warm: float | None = None
    break_even_warm_reason: str | None = None


def compare(ours: Lot, theirs: Lot) -> Comparison:
    """``ours`` against the baseline ``theirs``.

    Within a session the ratio of two machines is refused: a session that was resumed elsewhere was not meant to be
    one. Of two sessions it may be just what is asked for, and what differs is said.
    """
    warnings = differing(ours.case.workload, theirs.case.workload)
    mixed = _made_with(ours, theirs)
    if mixed and ours.session is theirs.session:
        return Comparison(theirs.name, reason=f"not compared: {mixed[0]}", warnings=warnings)
    unfinished = _unfinished(ours, theirs)
    warnings = [*warnings, *mixed, *unfinished]
    own_images, base_images = _images_a_call(ours), _images_a_call(theirs)
    if own_images == base_images:
        own_images = base_images = 1
    else:
        # A larger batch takes longer and isn't slower for that.
        warnings.append(f"a call makes {own_images} and {base_images} images: the time of each image is compared")
    own, base = _seconds(ours, own_images), _seconds(theirs, base_images)
    sure = max(confidence(ours.session.request), confidence(theirs.session.request))
    judged = judge(base, own, sure)
    if judged is None:
        missing = theirs if any(seconds > 0 for seconds in own) else ours
        reason = f"{missing.name} has no measured call{'' if missing.session.over else ' yet'}"
        return Comparison(theirs.name, reason=reason, warnings=warnings)
    cycles = _in_cycles(ours, own_images, theirs, base_images, sure)
    vanishes = None if unfinished else _vanishes(judged, cycles)
    if vanishes and cycles is not None:
        warnings.append(_vanishing(ours, theirs, judged, cycles))
    cold, warm = worth(ours, theirs), worth(ours, theirs, warm=True)
    return Comparison(
        baseline=theirs.name,
        speedup=judged.ratio.estimate,
        interval=judged.ratio.interval,
        confidence=None if judged.ratio.interval is None else sure,
        verdict=None if unfinished else judged.verdict,
        reason=unfinished[0] if unfinished else _why(judged, ours, theirs),
        more_repeats=_more(judged, ours, theirs),
        saved_s=cold.saved_s,
        extra_startup_s=cold.extra_startup_s,
        break_even=cold.break_even,
        warnings=warnings,
        doubt=_doubt(ours, theirs),
        legs=[] if unfinished else _legs(ours, theirs, sure),
        cycle_speedup=None if cycles is None else cycles.ratio.estimate,
        cycle_verdict=None if cycles is None else cycles.verdict,
        vanishes_in_cycles=vanishes,
        break_even_reason=cold.reason,
        extra_startup_warm_s=warm.extra_startup_s,
        break_even_warm=warm.break_even,
        break_even_warm_reason=warm.reason,
    )


def _images_a_call(lot: Lot) -> int:
    """How many images a call of the headline makes; 1 where nobody says."""
    made = [call.images for run in lot.usable for call in headline_calls(run)[0]]
    return max(int(median(made) or 1), 1)


def _seconds(lot: Lot, images: int) -> list[float]:
    """Of each process the time in the loops of a call, in seconds for each of its ``images``."""
    return lot.values(lambda run: None if run.denoise_s is None else run.denoise_s / images)


def _made_with(ours: Lot, theirs: Lot) -> list[str]:
    """What was not the same for the runs of both."""
    if ours.session is theirs.session:
        return differences([*ours.usable, *theirs.usable])
    return apart(ours.session, ours.usable, theirs.session, theirs.usable)


def _unfinished(*lots: Lot) -> list[str]:
    """What was measured before a run failed is all there is of some lots: that gives an estimate and no verdict."""
    return [
        f"no run of {lot.name} ended well: its figures are of what was measured before, which gives no verdict"
        for lot in lots
        if lot.usable and all(run.outcome not in (None, "ok") for run in lot.usable)
    ]


DOUBTFUL = {
    "slowdown": "the GPU slowed down",
    "low clock": "the SM clock was low",
    "foreign": "others used the GPU",
    "host": "the host was busy",
}
"""What may side with one variant: of ``disturbances.CALL_FLAGS``."""


def _doubt(ours: Lot, theirs: Lot) -> str | None:
    """A verdict takes it that processes differ by chance. What disturbs most calls of a side is no chance."""
    said: list[str] = []
    for word, what in DOUBTFUL.items():
        for lot in (ours, theirs):
            calls = [call for run in lot.figures() for call in run.calls if call.phase == "measure"]
            if calls and sum(1 for call in calls if word in call.flags) * 2 > len(calls):
                said.append(what)
    if not said:
        return None
    return f"doubtful: {' and '.join(dict.fromkeys(said))} in most measured calls"


def _more(judged: Judgement, ours: Lot, theirs: Lot) -> int | None:
    """More repeats change nothing of single runs that were picked out."""
    return None if ours.run is not None or theirs.run is not None else judged.more


def _why(judged: Judgement, ours: Lot, theirs: Lot) -> str | None:
    """Why there is no verdict, or an unclear one."""
    if judged.verdict is None:
        return _too_few(judged, ours, theirs)
    if judged.verdict != UNCLEAR or judged.ratio.interval is None:
        return None
    low, high = judged.ratio.interval
    return f"the interval still allows {_times(low)} to {_times(high)}: {_settling(judged.more)}"


def _too_few(judged: Judgement, ours: Lot, theirs: Lot) -> str:
    if ours.run is not None or theirs.run is not None:
        return "a single run gives no interval: compare the cases"
    interval = judged.ratio.interval is not None
    asked = min(ours.session.request.repeats, theirs.session.request.repeats)
    if asked < MIN_FOR_INTERVAL:
        return f"one run a case gives no interval: --repeats {MIN_FOR_VERDICT} does"
    if asked < MIN_FOR_VERDICT:
        return f"{asked} runs a case give an interval and no verdict: --repeats {MIN_FOR_VERDICT} does"
    what, least = ("verdict", MIN_FOR_VERDICT) if interval else ("interval", MIN_FOR_INTERVAL)
    if ours.session.over and theirs.session.over:
        return f"fewer than {least} runs of both cases have measured calls: that gives no {what}"
    return f"no {what} before {least} runs of both cases have measured calls"


def _settling(more: int | None) -> str:
    if more is None:
        return "no reasonable number of repeats would settle it"
    return f"about {more} more repeat{'s' * (more > 1)} would settle it"


def _times(ratio: float) -> str:
    return f"{ratio:.3f}x" if 0.001 <= ratio < 10_000 else f"{ratio:.0e}x"


# --- clock cycles -----------------------------------------------------------------------------------------------------


def _in_cycles(ours: Lot, own_images: int, theirs: Lot, base_images: int, sure: float) -> Judgement | None:
    """The same of time x SM clock, which is the median of the samples in the headline's calls: a GPU that was slowed
    down, or sped up, for one side alone makes a difference that isn't there in cycles (as nvbench-compare-robust asks).
    """
    own, base = (lot.values(_cycles(images)) for lot, images in ((ours, own_images), (theirs, base_images)))
    return judge(base, own, sure)


def _cycles(images: int) -> Callable[[RunFigures], float | None]:
    return lambda run: run.denoise_s / images * run.sm_mhz if run.denoise_s and run.sm_mhz else None


def _vanishes(judged: Judgement, cycles: Judgement | None) -> bool | None:
    if judged.verdict not in (FASTER, SLOWER) or cycles is None or cycles.verdict is None:
        return None
    return cycles.verdict != judged.verdict


_IN_CYCLES = {SAME: "gone", UNCLEAR: "not sure", FASTER: "the other way round", SLOWER: "the other way round"}


def _vanishing(ours: Lot, theirs: Lot, judged: Judgement, cycles: Judgement) -> str:
    own, base = (lot.middle(lambda run: run.sm_mhz) or 0.0 for lot in (ours, theirs))
    return (
        f"{judged.verdict} in time, but in SM clock cycles the difference is"
        f" {_IN_CYCLES[cycles.verdict or UNCLEAR]} ({_times(cycles.ratio.estimate)}): the GPU ran at"
        f" {own:.0f} MHz, and at {base:.0f} MHz for the baseline"
    )


# --- legs -------------------------------------------------------------------------------------------------------------


def _legs(ours: Lot, theirs: Lot, sure: float) -> list[LegComparison]:
    """Those that both have, in our order. Two workloads may have other legs, or the same ones in another order."""
    own, base = _leg_values(ours), _leg_values(theirs)
    found: list[LegComparison] = []
    for key, values in own.items():
        judged = judge(base.get(key, ()), values, sure)
        if judged is None:
            continue
        found.append(
            LegComparison(
                name=key[0],
                number=key[1],
                speedup=judged.ratio.estimate,
                interval=judged.ratio.interval,
                verdict=judged.verdict,
                reason=_why(judged, ours, theirs),
                more_repeats=_more(judged, ours, theirs),
            )
        )
    return found


def _leg_values(lot: Lot) -> dict[tuple[str, int], list[float]]:
    """Of each leg one value a process: the median time in the loops of its calls, in seconds for each image."""
    values: dict[tuple[str, int], list[float]] = {}
    for run in lot.usable:
        for key, seconds in _leg_seconds(run):
            values.setdefault(key, []).append(seconds)
    return values


def _leg_seconds(run: RunState) -> list[tuple[tuple[str, int], float]]:
    seen: dict[str, int] = {}
    found: list[tuple[tuple[str, int], float]] = []
    for leg in stretches(run):
        number = seen[leg.name] = seen.get(leg.name, 0) + 1
        calls = headline(leg.calls)[0]
        each = [(denoise_seconds(call), max(call.images, 1)) for call in calls]
        middle = median([seconds / images for seconds, images in each if seconds is not None])
        if middle is not None:
            found.append(((leg.name, number), middle))
    return found
