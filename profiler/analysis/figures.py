"""The figures of a run. Every screen, table and export takes them from here; nothing else computes one.

Durations ending in ``_ms`` and ``_s`` are milliseconds and seconds. None means that it was not measured (yet).
"""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

import msgspec

from profiler.analysis import boundness, hostload
from profiler.analysis.boundness import Bound, Shares
from profiler.analysis.compiles import Compile, outermost
from profiler.analysis.disturbances import Touched, disturbances, touched
from profiler.analysis.energy import energy
from profiler.analysis.fallen import fallen_steps
from profiler.analysis.legs import LegFigures, headline_calls, run_legs, stretches
from profiler.analysis.loops import (
    LoopFigures,
    StepFigures,
    denoise_seconds,
    headline,
    is_clean,
    loop_figures,
    only_rate,
    seconds_per_image,
    step_figures,
)
from profiler.analysis.memory import MemoryFigures, memory_figures
from profiler.analysis.state import Call, Phase, RunState, SessionState
from profiler.analysis.statistics import median, outliers


class StageFigures(msgspec.Struct, frozen=True):
    name: str
    median_ms: float


class PhaseFigures(msgspec.Struct, frozen=True):
    name: str
    seconds: float | None
    memory: MemoryFigures


class CallFigures(msgspec.Struct, frozen=True):
    """One call: its duration, what touched it (``flags``, see ``disturbances``) and whether the headline has it."""

    call: int
    phase: str
    leg: str | None  # of the scenario
    ms: float
    images: int
    loop_ms: float | None  # None where the end of a loop is not known
    compiles: int
    retries: int | None  # None where the allocator doesn't count them, as on a CPU
    clean: bool
    flags: list[str] = []
    outlier: bool = False  # far from the run's other measured calls: kept, and marked
    waited_share: float | None = None  # of the call, in which its thread was ready and no core was free
    foreign_cores: float | None = None  # that everything else on the machine used during the call, on average
    sm_mhz: float | None = None  # the median in the samples in which the device computed


class CompileFigures(msgspec.Struct, frozen=True):
    compiles: int
    recompiles: int
    graph_breaks: int
    limit_hits: int
    eager_fallback_steps: int
    seconds: float
    net_seconds: float  # without torch's own structured logging, which the profiler switches on
    cache: dict[str, int]  # lookups by outcome: fx_hit, fx_miss, aot_hit, ...


class RunFigures(msgspec.Struct, frozen=True):
    loops: list[LoopFigures]
    steps: StepFigures | None  # None with several loops
    iterations_per_second: float | None  # None with several loops
    legs: list[LegFigures]  # of the scenario; the figures around it are the first one's
    images_per_second: float | None
    denoise_s: float | None  # time in the loops of one call, the median
    image_s: float | None  # wall time of a call for each image, the median
    first_image_s: float | None  # from the start of loading to the end of the first call
    startup_s: float | None  # the same without loading: variant applied, first call made
    load_s: float | None
    stages: list[StageFigures]
    phases: list[PhaseFigures]
    calls: list[CallFigures]
    memory: MemoryFigures
    compile: CompileFigures
    host_bound_share: float | None  # of the steps: the device had run dry before Python went on
    flags: list[str]
    disturbances: list[str] = []  # those of the flags that are about measured calls: pooled anew over a case's runs
    remarks: list[str] = []  # what is worth knowing and casts no doubt on the figures, as a power cap
    enqueue_share: float | None = None  # host time inside the denoisers' calls / device time of the step, the median
    scheduler_ms: float | None = None  # host time inside scheduler.step, its waits included: the median step's
    scheduler_share: float | None = None  # the same as a share of the loops' host time
    bound: str | None = None  # "host", "device", "mixed", "unsure"; None on a CPU
    bound_means: str | None = None  # the same as a sentence, and what to do about it
    joules_per_image: float | None = None
    images_per_joule: float | None = None
    energy_error: float | None = None  # how far off the two may be, as a share of them
    energy_reason: str | None = None  # why there are none, where the device is one that NVML samples
    sm_mhz: float | None = None  # the SM clock of the headline's calls, the median
    behind_share: float | None = None  # how far the device lags behind Python at a step's end, in steps: the median
    warmup_s: float | None = None  # the warm-up phase
    measured_s: float | None = None  # the measured phase: the steady state, or the scenario's legs


_cache: WeakKeyDictionary[RunState, tuple[tuple[object, ...], RunFigures]] = WeakKeyDictionary()


def run_figures(session: SessionState, run: RunState) -> RunFigures:
    """The figures of ``run`` as far as it got. Kept until something that they depend on has changed."""
    key = (run.revision, run.outcome, run.ended_ns, run.cold, _samples_of(session, run), *_nvml(session))
    cached = _cache.get(run)
    if cached is None or cached[0] != key:
        cached = _cache[run] = (key, _compute(session, run))
    return cached[1]


def _compute(session: SessionState, run: RunState) -> RunFigures:
    calls, mixed = headline_calls(run)
    loops = _loops(run, calls)
    image_s = seconds_per_image(calls)
    load = run.phase_named("load")
    first_end = _first_end(run)
    around = {one.call.index: one for one in touched(session, run)}
    disturbed = disturbances(session, [run])
    shares = _shares(run, calls)
    means = bound_of(run, shares)
    used = energy(session, run, calls)
    joules = used.joules_per_image
    return RunFigures(
        loops=loops,
        steps=step_figures(loops),
        iterations_per_second=only_rate(loops),
        legs=run_legs(run),
        images_per_second=1 / image_s if image_s else None,
        denoise_s=median([seconds for call in calls if (seconds := denoise_seconds(call)) is not None]),
        image_s=image_s,
        first_image_s=_seconds(load.start_ns if load else None, first_end),
        startup_s=_seconds(load.end_ns if load else None, first_end),
        load_s=_phase_seconds(run, "load"),
        stages=_stages(calls),
        phases=[_phase(session, run, phase) for phase in run.phases],
        calls=_calls(run, around),
        memory=memory_figures(session, run, run.phases),
        compile=compile_figures(run),
        host_bound_share=shares.host_bound,
        flags=_flags(session, run, mixed, disturbed.flags),
        disturbances=disturbed.flags,
        remarks=disturbed.remarks,
        enqueue_share=shares.enqueue,
        scheduler_ms=shares.scheduler_ms,
        scheduler_share=shares.scheduler,
        behind_share=shares.behind,
        bound=means.word,
        bound_means=means.means,
        joules_per_image=joules,
        images_per_joule=1 / joules if joules else None,
        energy_error=used.error,
        energy_reason=used.reason,
        sm_mhz=median([clock for call in calls if (clock := around[call.index].samples.sm_mhz) is not None]),
        warmup_s=_phase_seconds(run, "warmup"),
        measured_s=_phase_seconds(run, "measure"),
    )


def _first_end(run: RunState) -> int | None:
    """When the first call ended. None where its beginning or end isn't known, also where a damaged log has lost it."""
    first = run.calls.get(0)
    return None if first is None or first.ns is None or not first.phase else first.start_ns + first.ns


def _phase_seconds(run: RunState, name: str) -> float | None:
    phase = run.phase_named(name)
    return None if phase is None else _seconds(phase.start_ns, phase.end_ns)


def bound_of(run: RunState, shares: Shares) -> Bound:
    """What ``shares``, of ``run`` or of the case that it is one of, mean."""
    return boundness.bound(shares, cuda_graphs=boundness.uses_cuda_graphs(run))


_share_cache: WeakKeyDictionary[RunState, tuple[list[tuple[int, int]], Shares]] = WeakKeyDictionary()


def _shares(run: RunState, calls: list[Call]) -> Shares:
    """Kept as the loops' figures are, and for the same reason."""
    key = [(call.index, call.steps) for call in calls]
    cached = _share_cache.get(run)
    if cached is None or cached[0] != key:
        cached = _share_cache[run] = (key, boundness.shares(run, calls))
    return cached[1]


_loop_cache: WeakKeyDictionary[RunState, tuple[list[tuple[int, int]], list[LoopFigures]]] = WeakKeyDictionary()


def _loops(run: RunState, calls: list[Call]) -> list[LoopFigures]:
    """The figures of each loop; kept on their own, since sorting many steps is the one part that costs."""
    key = [(call.index, call.steps) for call in calls]
    cached = _loop_cache.get(run)
    if cached is None or cached[0] != key:
        cached = _loop_cache[run] = (key, loop_figures([(run, calls)]))
    return cached[1]


def _stages(calls: list[Call]) -> list[StageFigures]:
    """A stage that a call enters several times counts with its sum."""
    times: dict[str, list[float]] = {}
    for call in calls:
        sums: dict[str, int] = {}
        for stage in call.stages:
            sums[stage.name] = sums.get(stage.name, 0) + stage.ns
        for name, ns in sums.items():
            times.setdefault(name, []).append(ns / 1e6)
    return [StageFigures(name, median(values) or 0.0) for name, values in times.items()]


def _calls(run: RunState, around: dict[int, Touched]) -> list[CallFigures]:
    """Every call that ended. Outliers are told among the measured calls of each leg: other legs may take longer."""
    far: set[int] = set()
    for leg in {call.leg for call in run.calls_of("measure")}:
        alike = [call for call in run.calls_of("measure") if call.leg == leg]
        far |= {alike[place].index for place in outliers([float(call.ns or 0) for call in alike])}
    return [_call(run, call, around.get(call.index), call.index in far) for call in run.calls.values() if call.ended]


def _call(run: RunState, call: Call, around: Touched | None, outlier: bool) -> CallFigures:
    host = around.host if around is not None else hostload.share(run, call)
    return CallFigures(
        call=call.index,
        phase=call.phase,
        leg=call.leg,
        ms=(call.ns or 0) / 1e6,
        images=call.images,
        loop_ms=None if (seconds := denoise_seconds(call)) is None else seconds * 1e3,
        compiles=call.compiles,
        retries=call.retries,
        clean=is_clean(call),
        flags=around.words if around is not None else [],
        outlier=outlier,
        waited_share=host.waited,
        foreign_cores=host.foreign_cores,
        sm_mhz=around.samples.sm_mhz if around is not None else None,
    )


def _phase(session: SessionState, run: RunState, phase: Phase) -> PhaseFigures:
    return PhaseFigures(phase.name, _seconds(phase.start_ns, phase.end_ns), memory_figures(session, run, [phase]))


def _nvml(session: SessionState) -> tuple[object, ...]:
    """What else of the conductor's log the figures of runs take in; none of it changes often."""
    losses = session.losses
    return (
        session.device,
        tuple(session.gpu_fields.items()),
        losses.lost + losses.bad,
    )


def _samples_of(session: SessionState, run: RunState) -> int:
    """How many GPU samples have come that can concern ``run``."""
    if not run.phases:
        return 0
    return len(session.gpu) if run.ended_ns is None else session.gpu.first_at("t", run.ended_ns + 1)


def compile_figures(run: RunState) -> CompileFigures:
    """What torch.compile did in a run, over all phases."""
    compiles = list(run.compiles.values())
    # torch compiles one frame at a time: what overlaps is a compile that another one made on its way.
    ends = [found.end for found in outermost(compiles) if found.end is not None]
    cache: dict[str, int] = {}
    for found in compiles:
        for lookup in found.caches:
            name = f"{lookup.layer}_{lookup.state}"
            cache[name] = cache.get(name, 0) + 1
    return CompileFigures(
        compiles=sum(1 for found in compiles if not found.recompile),
        recompiles=sum(1 for found in compiles if is_recompile(found)),
        graph_breaks=sum(len(found.breaks) for found in compiles) + len(run.loose_breaks),
        limit_hits=len(run.limits),
        eager_fallback_steps=sum(fallen_steps(run).values()),
        seconds=sum(end.ns for end in ends) / 1e9,
        net_seconds=sum(end.ns - (end.overhead_ns or 0) for end in ends) / 1e9,
        cache=cache,
    )


def is_recompile(found: Compile) -> bool:
    """A frame compiled again; a failed guard that only hit the recompile limit compiled nothing."""
    return found.recompile and found.limit is None


def _flags(session: SessionState, run: RunState, mixed: bool, disturbed: list[str]) -> list[str]:
    flags = list(disturbed)
    legs = [leg for leg in stretches(run) if leg.calls]
    if mixed:
        of = f" of the first leg, {legs[0].name}" if legs else ""
        flags.append(f"too few clean calls: the headline is over all measured calls{of}")
    few = [leg.name for leg in legs[1:] if headline(leg.calls)[1]]
    if few:
        their = "its figures are over all its calls" if len(few) == 1 else "their figures are over all their calls"
        flags.append(f"too few clean calls in {', '.join(dict.fromkeys(few))}: {their}")
    flags += [note.text for note in run.notes if note.level != "info"]
    skips = (graph.reason or "torch does not say why" for graph in run.cudagraphs if graph.action == "skip")
    flags += [f"no CUDA graph: {why}" for why in dict.fromkeys(reason.partition("\n")[0] for reason in skips)]
    if any(not output.finite for output in run.outputs):
        flags.append("the final latents are not finite")
    if run.fallbacks:
        flags.append("fell back to eager after the recompile limit")
    if run.losses:
        flags.append(
            f"log: {run.losses.lost} records lost, {run.losses.bad} damaged, {run.losses.unknown} of unknown kinds"
        )
    if run.conducted_end is not None and run.outcome == "ok" and run.end is None:
        flags.append("log: it ends before the run did" if run.header is not None else "log: it is missing")
    if session.losses.lost or session.losses.bad:
        lost, bad = session.losses.lost, session.losses.bad
        flags.append(f"the profiler's own log: {lost} records lost, {bad} damaged: GPU samples may be missing")
    return flags


def _seconds(start_ns: int | None, end_ns: int | None) -> float | None:
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / 1e9


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
