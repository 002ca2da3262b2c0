"""The figures of a case, pooled over its runs, and what they say against the baseline."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from profiler.analysis.boundness import Bound, Shares
from profiler.analysis.comparing import Comparison, LegComparison, compare
from profiler.analysis.disturbances import Disturbances, disturbances
from profiler.analysis.figures import PhaseFigures, RunFigures, StageFigures, bound_of
from profiler.analysis.legs import LegFigures, case_legs, headline_calls
from profiler.analysis.loops import LoopFigures, StepFigures, loop_figures, only_rate, step_figures
from profiler.analysis.lots import BASELINE_VARIANT, Lot, lots_of
from profiler.analysis.machines import differences
from profiler.analysis.memory import MemoryFigures
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.statistics import median
from profiler.analysis.workloads import alike
from profiler.request import Request

__all__ = ["BASELINE_VARIANT", "CaseFigures", "baseline_of", "case_figures", "lot_figures"]


class CaseFigures(msgspec.Struct, frozen=True):
    """One case. Latencies are over the headline's calls of its runs that go on or ended well, of all if none did."""

    case: str
    variant: str
    engine: str | None
    outcomes: dict[str, int]  # of the runs that ended
    runs: int
    ended: int
    loops: list[LoopFigures]
    steps: StepFigures | None  # None with several loops
    iterations_per_second: float | None  # None with several loops
    legs: list[LegFigures]  # of the scenario; the figures around it are the first one's
    images_per_second: float | None
    denoise_s: float | None
    image_s: float | None
    first_image_cold_s: float | None  # of the run that found an empty compile cache
    first_image_warm_s: float | None
    startup_s: float | None  # cold if there was a cold run
    compile_s: float | None
    compiles: int  # of the run with the most
    recompiles: int
    graph_breaks: int
    limit_hits: int
    eager_fallback_steps: int
    memory: MemoryFigures
    host_bound_share: float | None
    baseline: str | None  # the case that it is compared with; None: it is the baseline, or there is none
    speedup: float | None
    interval: tuple[float, float] | None
    confidence: float | None  # the interval's: 0.95, more where the repeats are looked at several times
    verdict: str | None
    reason: str | None  # why there is no verdict, or an unclear one
    more_repeats: int | None  # about how many more would settle it; 0: settled; None: no reasonable number
    saved_s: float | None  # seconds saved for each image
    extra_startup_s: float | None  # what starting up costs more
    break_even_images: float | None
    warnings: list[str]  # what else differs from the baseline: workload, device, versions
    doubt: str | None  # what disturbed most of the measured calls of a side, which its interval knows nothing of
    flags: list[str]
    remarks: list[str] = []  # what is worth knowing and casts no doubt on the figures, as a power cap
    enqueue_share: float | None = None  # these as in RunFigures, the median run's
    scheduler_ms: float | None = None
    scheduler_share: float | None = None
    bound: str | None = None
    bound_means: str | None = None
    joules_per_image: float | None = None
    images_per_joule: float | None = None
    energy_error: float | None = None
    energy_reason: str | None = None
    sm_mhz: float | None = None
    load_s: float | None = None
    warmup_s: float | None = None
    measured_s: float | None = None
    stages: list[StageFigures] = []  # the median run's
    phases: list[PhaseFigures] = []  # the median run's seconds, the largest peaks
    leg_comparisons: list[LegComparison] = []  # the legs that the baseline has too, against its own
    cycle_speedup: float | None = None  # as in ``Comparison``, and so the rest
    cycle_verdict: str | None = None
    vanishes_in_cycles: bool | None = None
    break_even_reason: str | None = None
    startup_warm_s: float | None = None  # of the runs that found their compiled code in the cache
    extra_startup_warm_s: float | None = None
    break_even_warm_images: float | None = None
    break_even_warm_reason: str | None = None

    @property
    def made(self) -> int:
        """Runs that have a result, if only that they failed: one that was stopped or died has none, and is owed."""
        return self.ended - sum(self.outcomes.get(outcome, 0) for outcome in ("stopped", "died"))


class _Kept(NamedTuple):
    runs: list[RunFigures]  # what the figures were made of
    over: tuple[bool, ...]  # whether the sessions were: reasons say "yet"
    figures: CaseFigures


_Key = tuple[str, int, str]
_kept: WeakKeyDictionary[SessionState, dict[_Key, _Kept]] = WeakKeyDictionary()
"""By the lot's name, its baseline's session as an object, and the baseline's name."""
_MOST_KEPT = 1000
_baselines: WeakKeyDictionary[SessionState, tuple[Request, dict[str, str | None]]] = WeakKeyDictionary()
"""Of every case, as long as the session has that request: screens ask again and again, and there may be 1,000 cases."""


def case_figures(session: SessionState, baseline: str | None = None) -> list[CaseFigures]:
    """The figures of every case, against ``baseline`` or the no-compile case of the same workload."""
    return [lot_figures(lot, _baseline(session, lot, baseline)) for lot in lots_of(session)]


def baseline_of(session: SessionState, name: str) -> str | None:
    """The no-compile case with the same workload, however often each was measured. Raises KeyError."""
    known = _baselines.get(session)
    if known is None or known[0] is not session.request:
        plain = [case for case in session.request.cases if case.compilation.variant == BASELINE_VARIANT]
        names = {
            case.name: next((one.name for one in plain if alike(case.workload, one.workload)), None)
            for case in session.request.cases
        }
        known = _baselines[session] = session.request, names
    return known[1][name]


def _baseline(session: SessionState, lot: Lot, chosen: str | None) -> Lot | None:
    name = chosen or baseline_of(session, lot.case.name)
    return None if name is None else Lot(session, session.request.case(name))


def lot_figures(lot: Lot, baseline: Lot | None) -> CaseFigures:
    """The figures of a lot against those of ``baseline``, which may be the lot itself; None: there is none.

    Kept until the figures of a run have changed, so a screen may ask as often as it likes.
    """
    lots = [lot] if baseline is None or baseline == lot else [lot, baseline]
    runs = [figures for one in lots for figures in one.figures(one.runs)]
    over = tuple(one.session.over for one in lots)
    kept = _kept.setdefault(lot.session, {})
    key = (lot.name, 0, "") if baseline is None else (lot.name, id(baseline.session), baseline.name)
    known = kept.get(key)
    # The figures themselves tell whether a session is another one in the place of one that is gone.
    same = known is not None and known.over == over and len(known.runs) == len(runs)
    if known is None or not same or not all(map(operator.is_, known.runs, runs)):
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        known = kept[key] = _Kept(runs, over, _figures(lot, baseline))
    return known.figures


def _figures(lot: Lot, baseline: Lot | None) -> CaseFigures:
    usable = lot.usable
    every = lot.figures([run for run in lot.runs if run.header is not None])
    loops = loop_figures([(run, headline_calls(run)[0]) for run in usable])
    image_s = lot.middle(lambda run: run.image_s)
    compared = _compared(lot, baseline)
    disturbed = disturbances(lot.session, [run for run in lot.runs if run.header is not None])
    shares = Shares(
        lot.middle(lambda run: run.host_bound_share),
        lot.middle(lambda run: run.enqueue_share),
        lot.middle(lambda run: run.scheduler_ms),
        lot.middle(lambda run: run.scheduler_share),
        lot.middle(lambda run: run.behind_share),
    )
    means = bound_of(usable[0], shares) if usable else Bound()
    joules = _joules(lot)
    outcomes: dict[str, int] = {}
    for run in lot.runs:
        if run.outcome is not None:
            outcomes[run.outcome] = outcomes.get(run.outcome, 0) + 1
    return CaseFigures(
        case=lot.name,
        variant=lot.case.compilation.variant,
        engine=lot.case.compilation.engine,
        outcomes=outcomes,
        runs=len(lot.runs),
        ended=sum(outcomes.values()),
        loops=loops,
        steps=step_figures(loops),
        iterations_per_second=only_rate(loops),
        legs=case_legs(usable),
        images_per_second=1 / image_s if image_s else None,
        denoise_s=lot.middle(lambda run: run.denoise_s),
        image_s=image_s,
        first_image_cold_s=lot.middle(lambda run: run.first_image_s, lot.cold),
        first_image_warm_s=lot.middle(lambda run: run.first_image_s, lot.warm),
        startup_s=lot.startup_s,
        compile_s=max((seconds for figure in every if (seconds := figure.compile.seconds)), default=None),
        compiles=max((figure.compile.compiles for figure in every), default=0),
        recompiles=max((figure.compile.recompiles for figure in every), default=0),
        graph_breaks=max((figure.compile.graph_breaks for figure in every), default=0),
        limit_hits=max((figure.compile.limit_hits for figure in every), default=0),
        eager_fallback_steps=max((figure.compile.eager_fallback_steps for figure in every), default=0),
        memory=_largest([figures.memory for figures in every]),
        host_bound_share=shares.host_bound,
        baseline=compared.baseline,
        speedup=compared.speedup,
        interval=compared.interval,
        confidence=compared.confidence,
        verdict=compared.verdict,
        reason=compared.reason,
        more_repeats=compared.more_repeats,
        saved_s=compared.saved_s,
        extra_startup_s=compared.extra_startup_s,
        break_even_images=compared.break_even,
        warnings=compared.warnings,
        doubt=compared.doubt,
        flags=_flags(every, disturbed, usable),
        remarks=disturbed.remarks,
        enqueue_share=shares.enqueue,
        scheduler_ms=shares.scheduler_ms,
        scheduler_share=shares.scheduler,
        bound=means.word,
        bound_means=means.means,
        joules_per_image=joules,
        images_per_joule=1 / joules if joules else None,
        energy_error=lot.middle(lambda run: run.energy_error) if joules else None,
        energy_reason=None if joules else next((run.energy_reason for run in every if run.energy_reason), None),
        sm_mhz=lot.middle(lambda run: run.sm_mhz),
        load_s=lot.middle(lambda run: run.load_s),
        warmup_s=lot.middle(lambda run: run.warmup_s),
        measured_s=lot.middle(lambda run: run.measured_s),
        stages=_stages(lot.figures()),
        phases=_phases(lot.figures(), every),
        leg_comparisons=compared.legs,
        cycle_speedup=compared.cycle_speedup,
        cycle_verdict=compared.cycle_verdict,
        vanishes_in_cycles=compared.vanishes_in_cycles,
        break_even_reason=compared.break_even_reason,
        startup_warm_s=lot.middle(lambda run: run.startup_s, lot.warm),
        extra_startup_warm_s=compared.extra_startup_warm_s,
        break_even_warm_images=compared.break_even_warm,
        break_even_warm_reason=compared.break_even_warm_reason,
    )


def _joules(lot: Lot) -> float | None:
    """For each image, the median run's; None where fewer than half of the runs have it.

    Those whose calls took longest have it first, and they are not like the others.
    """
    found = lot.values(lambda run: run.joules_per_image)
    return median(found) if len(found) * 2 >= len(lot.usable) else None


def _compared(lot: Lot, baseline: Lot | None) -> Comparison:
    if baseline is None:
        return Comparison(reason="there is no no-compile case with the same workload to compare with")
    return Comparison() if baseline == lot else compare(lot, baseline)


def _flags(every: list[RunFigures], disturbed: Disturbances, usable: list[RunState]) -> list[str]:
    """What disturbed the calls of several runs is one line with the figures of all."""
    own = {flag for figure in every for flag in figure.flags if flag not in figure.disturbances}
    return [*disturbed.flags, *sorted(own | _mixed(usable))]


def _mixed(runs: list[RunState]) -> set[str]:
    return {f"pooled all the same: {mixed}" for mixed in differences(runs)}


def _stages(usable: list[RunFigures]) -> list[StageFigures]:
    """The process is the unit, as of everything that is pooled: the median of the runs' medians."""
    times: dict[str, list[float]] = {}
    for figures in usable:
        for stage in figures.stages:
            times.setdefault(stage.name, []).append(stage.median_ms)
    return [StageFigures(name, median(values) or 0.0) for name, values in times.items()]


def _phases(usable: list[RunFigures], every: list[RunFigures]) -> list[PhaseFigures]:
    """Seconds are of the runs that figures are over; a peak counts even where the run came to nothing after it."""
    names = dict.fromkeys(phase.name for figures in every for phase in figures.phases)
    return [
        PhaseFigures(
            name=name,
            seconds=median([phase.seconds for phase in _named(usable, name) if phase.seconds is not None]),
            memory=_largest([phase.memory for phase in _named(every, name)]),
        )
        for name in names
    ]


def _named(runs: list[RunFigures], name: str) -> Iterable[PhaseFigures]:
    return (phase for figures in runs for phase in figures.phases if phase.name == name)


def _largest(peaks: list[MemoryFigures]) -> MemoryFigures:
    def largest(name: str) -> int | None:
        return max((value for peak in peaks if (value := getattr(peak, name)) is not None), default=None)

    return MemoryFigures(*(largest(name) for name in MemoryFigures.__struct_fields__))
