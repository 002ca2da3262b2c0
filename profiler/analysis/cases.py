"""The figures of a case, pooled over its runs, and what they say against the baseline."""

from __future__ import annotations

import operator
from weakref import WeakKeyDictionary

import msgspec

from profiler.analysis.comparing import Comparison, compare
from profiler.analysis.figures import MemoryFigures, RunFigures, run_figures
from profiler.analysis.legs import LegFigures, case_legs, headline_calls
from profiler.analysis.loops import LoopFigures, StepFigures, loop_figures, only_rate, step_figures
from profiler.analysis.lots import Lot, lots_of
from profiler.analysis.machines import difference
from profiler.analysis.state import RunState, SessionState

BASELINE_VARIANT = "no-compile"


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
    more_repeats: int | None  # about how many more would settle an unclear one
    saved_s: float | None  # seconds saved for each image
    extra_startup_s: float | None  # what starting up costs more
    break_even_images: float | None
    warnings: list[str]  # what else differs from the baseline: workload, device, versions
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


_cache: WeakKeyDictionary[SessionState, tuple[str | None, list[RunFigures], list[CaseFigures]]] = WeakKeyDictionary()


def case_figures(session: SessionState, baseline: str | None = None) -> list[CaseFigures]:
    """The figures of every case, against ``baseline`` or the no-compile case of the same workload.

    Kept until the figures of a run have changed, so a screen may ask as often as it likes.
    """
    runs = [run_figures(session, run) for run in session.runs.values()]
    cached = _cache.get(session)
    if cached is None or cached[0] != baseline or not all(map(operator.is_, cached[1], runs)):
        cases = [lot_figures(lot, _baseline(session, lot, baseline)) for lot in lots_of(session)]
        cached = _cache[session] = (baseline, runs, cases)
    return cached[2]


def baseline_of(session: SessionState, name: str) -> str | None:
    """The no-compile case with the same workload."""
    workload = session.request.case(name).workload
    for case in session.request.cases:
        if case.compilation.variant == BASELINE_VARIANT and case.workload == workload:
            return case.name
    return None


def _baseline(session: SessionState, lot: Lot, chosen: str | None) -> Lot | None:
    name = chosen or baseline_of(session, lot.case.name)
    return None if name is None else Lot(session, session.request.case(name))


def lot_figures(lot: Lot, baseline: Lot | None) -> CaseFigures:
    """The figures of a lot against those of ``baseline``, which may be the lot itself; None: there is none."""
    usable = lot.usable
    every = lot.figures([run for run in lot.runs if run.header is not None])
    loops = loop_figures([(run, headline_calls(run)[0]) for run in usable])
    image_s = lot.middle(lambda run: run.image_s)
    compared = _compared(lot, baseline)
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
        compile_s=max((figure.compile.seconds for figure in every if figure.compile.compiles), default=None),
        compiles=max((figure.compile.compiles for figure in every), default=0),
        recompiles=max((figure.compile.recompiles for figure in every), default=0),
        graph_breaks=max((figure.compile.graph_breaks for figure in every), default=0),
        limit_hits=max((figure.compile.limit_hits for figure in every), default=0),
        eager_fallback_steps=max((figure.compile.eager_fallback_steps for figure in every), default=0),
        memory=_memory(every),
        host_bound_share=lot.middle(lambda run: run.host_bound_share),
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
        flags=sorted({flag for figure in every for flag in figure.flags} | _mixed(usable)),
    )


def _compared(lot: Lot, baseline: Lot | None) -> Comparison:
    if baseline is None:
        return Comparison(reason="there is no no-compile case with the same workload to compare with")
    return Comparison() if baseline == lot else compare(lot, baseline)


def _mixed(runs: list[RunState]) -> set[str]:
    mixed = difference(runs)
    return set() if mixed is None else {f"pooled all the same: {mixed}"}


def _memory(figures: list[RunFigures]) -> MemoryFigures:
    def largest(name: str) -> int | None:
        return max((value for figure in figures if (value := getattr(figure.memory, name)) is not None), default=None)

    return MemoryFigures(*(largest(name) for name in MemoryFigures.__struct_fields__))
