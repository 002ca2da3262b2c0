"""The figures of a case, pooled over its runs, and what they say against the baseline."""

from __future__ import annotations

import operator
from weakref import WeakKeyDictionary

import msgspec

from profiler.analysis.figures import MemoryFigures, RunFigures, run_figures
from profiler.analysis.legs import LegFigures, case_legs, headline_calls
from profiler.analysis.loops import LoopFigures, StepFigures, loop_figures, only_rate, step_figures
from profiler.analysis.machines import difference
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.statistics import median, more_to_settle, speedup, verdict

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
    verdict: str | None
    reason: str | None  # why there is no verdict, or an unclear one
    break_even_images: float | None
    flags: list[str]


_cache: WeakKeyDictionary[SessionState, tuple[str | None, list[RunFigures], list[CaseFigures]]] = WeakKeyDictionary()


def case_figures(session: SessionState, baseline: str | None = None) -> list[CaseFigures]:
    """The figures of every case, against ``baseline`` or the no-compile case of the same workload.

    Kept until the figures of a run have changed, so a screen may ask as often as it likes.
    """
    runs = [run_figures(session, run) for run in session.runs.values()]
    cached = _cache.get(session)
    if cached is None or cached[0] != baseline or not all(map(operator.is_, cached[1], runs)):
        cases = [
            _case(session, case.name, baseline or baseline_of(session, case.name)) for case in session.request.cases
        ]
        cached = _cache[session] = (baseline, runs, cases)
    return cached[2]


def baseline_of(session: SessionState, name: str) -> str | None:
    """The no-compile case with the same workload."""
    workload = session.request.case(name).workload
    for case in session.request.cases:
        if case.compilation.variant == BASELINE_VARIANT and case.workload == workload:
            return case.name
    return None


def _case(session: SessionState, name: str, baseline: str | None) -> CaseFigures:
    case = session.request.case(name)
    runs = session.runs_of(name)
    usable = _usable(runs)
    figures = [run_figures(session, run) for run in usable]
    every = [run_figures(session, run) for run in runs if run.header is not None]
    loops = loop_figures([(run, headline_calls(run)[0]) for run in usable])
    image_s = median([figure.image_s for figure in figures if figure.image_s is not None])
    cold = [run for run in usable if _was_cold(session, run)]
    warm = [run for run in usable if run not in cold]
    comparison = _compare(session, name, baseline)
    outcomes: dict[str, int] = {}
    for run in runs:
        if run.outcome is not None:
            outcomes[run.outcome] = outcomes.get(run.outcome, 0) + 1
    return CaseFigures(
        case=name,
        variant=case.compilation.variant,
        engine=case.compilation.engine,
        outcomes=outcomes,
        runs=len(runs),
        ended=sum(outcomes.values()),
        loops=loops,
        steps=step_figures(loops),
        iterations_per_second=only_rate(loops),
        legs=case_legs(usable),
        images_per_second=1 / image_s if image_s else None,
        denoise_s=_middle(figures, "denoise_s"),
        image_s=image_s,
        first_image_cold_s=_middle([run_figures(session, run) for run in cold], "first_image_s"),
        first_image_warm_s=_middle([run_figures(session, run) for run in warm], "first_image_s"),
        startup_s=startup_seconds(session, name),
        compile_s=max((figure.compile.seconds for figure in every if figure.compile.compiles), default=None),
        compiles=max((figure.compile.compiles for figure in every), default=0),
        recompiles=max((figure.compile.recompiles for figure in every), default=0),
        graph_breaks=max((figure.compile.graph_breaks for figure in every), default=0),
        limit_hits=max((figure.compile.limit_hits for figure in every), default=0),
        eager_fallback_steps=max((figure.compile.eager_fallback_steps for figure in every), default=0),
        memory=_memory(every),
        host_bound_share=_middle(figures, "host_bound_share"),
        baseline=comparison.baseline,
        speedup=comparison.speedup,
        interval=comparison.interval,
        verdict=comparison.verdict,
        reason=comparison.reason,
        break_even_images=comparison.break_even,
        flags=sorted({flag for figure in every for flag in figure.flags} | _mixed(usable)),
    )


def startup_seconds(session: SessionState, case: str) -> float | None:
    """From the end of loading to the first image, in seconds: of the cold run if there is one, else the median."""
    usable = _usable(session.runs_of(case))
    cold = [run for run in usable if _was_cold(session, run)]
    return _middle([run_figures(session, run) for run in cold or usable], "startup_s")


def _was_cold(session: SessionState, run: RunState) -> bool:
    """Whether the run found an empty compile cache. Logs from before that was written down: the first repeat did."""
    if run.cold is not None:
        return run.cold
    return session.request.cache == "cold" and run.run.repeat == 1


class _Comparison(msgspec.Struct, frozen=True):
    baseline: str | None = None
    speedup: float | None = None
    interval: tuple[float, float] | None = None
    verdict: str | None = None
    reason: str | None = None
    break_even: float | None = None


def _compare(session: SessionState, name: str, baseline: str | None) -> _Comparison:
    if baseline is None:
        return _Comparison(reason="there is no no-compile case with the same workload to compare with")
    if baseline == name:
        return _Comparison()
    mixed = difference(run for case in (name, baseline) for run in _usable(session.runs_of(case)))
    if mixed is not None:
        # The ratio would be that of two machines.
        return _Comparison(baseline, reason=f"not compared: {mixed}")
    ours, theirs = _denoise_medians(session, name), _denoise_medians(session, baseline)
    ratio = speedup(theirs, ours)
    if ratio is None:
        missing = name if not ours else baseline
        return _Comparison(baseline, reason=f"{missing} has no measured call{'' if session.over else ' yet'}")
    if ratio.interval is None:
        reason = (
            "one run a case gives no interval: --repeats 3 does"
            if session.request.repeats == 1
            else "no interval before two runs of both cases have measured calls"
        )
        return _Comparison(baseline, ratio.estimate, reason=reason, break_even=_break_even(session, name, baseline))
    word = verdict(ratio.interval)
    low, high = ratio.interval
    unclear = None
    if word == "UNCLEAR":
        unclear = f"the interval still allows {low:.3f}x to {high:.3f}x: {_settling(more_to_settle(theirs, ours))}"
    return _Comparison(baseline, ratio.estimate, ratio.interval, word, unclear, _break_even(session, name, baseline))


def _settling(more: int | None) -> str:
    if more is None:
        return "no reasonable number of repeats would settle it"
    return f"about {more} more repeat{'s' * (more > 1)} would settle it"


def _denoise_medians(session: SessionState, name: str) -> list[float]:
    """Per process: the median time that a call spends in its denoising loops, in seconds."""
    found = (run_figures(session, run).denoise_s for run in _usable(session.runs_of(name)))
    return [seconds for seconds in found if seconds]


def _break_even(session: SessionState, name: str, baseline: str) -> float | None:
    """Images until the extra start-up has paid for itself: extra start-up seconds / seconds saved per image.

    0 when starting up costs nothing more; None when no time is saved, or nothing was measured.
    """
    startup, base_startup = startup_seconds(session, name), startup_seconds(session, baseline)
    image = _middle([run_figures(session, run) for run in _usable(session.runs_of(name))], "image_s")
    base_image = _middle([run_figures(session, run) for run in _usable(session.runs_of(baseline))], "image_s")
    if startup is None or base_startup is None or image is None or base_image is None or image >= base_image:
        return None
    return max(0.0, (startup - base_startup) / (base_image - image))


def _usable(runs: list[RunState]) -> list[RunState]:
    """Runs whose measured calls count: those that go on or ended well.

    Where a case has none of those, what its runs had measured before they ended is all there is, and is shown.
    """
    measured = [run for run in runs if run.calls_of("measure")]
    return [run for run in measured if run.outcome in (None, "ok")] or measured


def _mixed(runs: list[RunState]) -> set[str]:
    mixed = difference(runs)
    return set() if mixed is None else {f"pooled all the same: {mixed}"}


def _memory(figures: list[RunFigures]) -> MemoryFigures:
    def largest(name: str) -> int | None:
        return max((value for figure in figures if (value := getattr(figure.memory, name)) is not None), default=None)

    return MemoryFigures(*(largest(name) for name in MemoryFigures.__struct_fields__))


def _middle(figures: list[RunFigures], name: str) -> float | None:
    return median([value for figure in figures if (value := getattr(figure, name)) is not None])
