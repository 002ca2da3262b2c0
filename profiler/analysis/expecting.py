"""How long a request will take and how much memory it will need, from what earlier sessions measured.

A run is taken apart into what its calls take and what comes on top: the process, loading, the first call's compiling.
The calls are scaled with the steps, and with the pixels of a call where those differ; the rest is taken as it was.
What is scaled and what else differs is told with every figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from profiler.analysis.figures import CallFigures, RunFigures, run_figures
from profiler.analysis.memory import MemoryFigures
from profiler.analysis.progress import planned_calls
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.statistics import median
from profiler.analysis.workloads import differing
from profiler.request import LOOKS, Case, Compilation, Request, Workload

_SAME = ("pipeline", "origin", "size")
"""Fields in which a run must agree to tell anything."""

_COUNTS = ("calls", "warmup", "seed", "prompt")
"""Fields that change what is measured no further than by how often, or not at all."""

_PIXELS = ("batch_size", "height", "width", "frames")
"""Fields with which a call is taken to scale in proportion."""

_SCALED = ("steps", *_PIXELS)

_LARGEST = 1 << 31
"""No request has a size or a number of steps that is as large; session.json of anybody may say so."""

Bound = Literal["", "at least", "at most"]
Sure = Literal["measured", "scaled", "rough"]
"""``rough``: settings differ that nobody can calculate with."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A run that ended well, of an earlier session. Times are in seconds, memory in bytes."""

    session: str
    made_ns: int  # wall clock
    here: bool  # on this machine
    device: str  # cpu or cuda:N
    device_name: str | None
    workload: Workload
    compilation: Compilation
    cold: bool  # it found an empty compile cache
    around_s: float  # everything but its calls: the process, imports, loading, the end
    first_s: float  # what its first call took longer than a usual one: compiling
    call_s: float  # a usual call: the headline's median
    denoise_s: float | None  # of that in the denoising loops
    measured_s: float  # a measured call on average, over all legs, recompiles included
    memory: MemoryFigures


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a case will take. ``differs`` says in what the run that tells it is another one; [] in nothing."""

    case: str
    first_s: float  # its first run
    later_s: float  # each further one, which may find its code compiled
    memory_bytes: int | None
    memory_is: Literal["GPU memory", "RSS"]
    bound: Bound  # how the memory is to be understood
    past: Past
    differs: list[str]
    sure: Sure


class Expectation(msgspec.Struct, frozen=True):
    """``seconds`` of the cases that something is known of, None where that is nothing; ``most_s`` with --until-sure."""

    cases: list[Expected]
    unknown: list[str]  # cases of which nothing is known
    seconds: float | None
    most_s: float | None = None


def pasts_of(session: SessionState, *, made_ns: int, here: bool) -> list[Past]:
    """What the runs of a session tell that ended well and made a measured call."""
    found: list[Past] = []
    for run in session.runs.values():
        past = _past(session, run, made_ns, here) if run.outcome == "ok" else None
        if past is not None:
            found.append(past)
    return found


def kind(device: str) -> str:
    """``cpu`` or ``cuda``: between the two nothing can be told."""
    return device.partition(":")[0]


def expect(request: Request, pasts: Iterable[Past]) -> Expectation:
    """What ``request`` will take, from the most similar of ``pasts`` for each of its cases."""
    every = list(pasts)
    cases: list[Expected] = []
    unknown: list[str] = []
    seconds, most = 0.0, 0.0
    for case in request.cases:
        expected = _expected(case, request, every)
        if expected is None:
            unknown.append(case.name)
            continue
        cases.append(expected)
        runs = sum(run.case == case.name for run in request.runs)
        seconds += expected.first_s + (runs - 1) * expected.later_s
        most += expected.first_s + (max(runs, LOOKS[-1]) - 1) * expected.later_s
    if not cases or request.find_max_batch:  # nobody knows how many batches a search tries
        return Expectation(cases, unknown, None)
    return Expectation(cases, unknown, seconds, most if request.until_sure else None)


# --- what a run tells -------------------------------------------------------------------------------------------------


def _past(session: SessionState, run: RunState, made_ns: int, here: bool) -> Past | None:
    sizes = (getattr(run.case.workload, field) for field in _SCALED)
    if any(size is not None and not 0 < size < _LARGEST for size in sizes):
        return None
    figures = run_figures(session, run)
    image_s = figures.image_s
    measured = [call for call in figures.calls if call.phase == "measure"]
    if image_s is None or not measured or run.started_ns is None or run.ended_ns is None:
        return None
    call_s = image_s * run.case.workload.batch_size
    return Past(
        session=session.session,
        made_ns=made_ns,
        here=here,
        device=session.request.device,
        device_name=_device_name(session, run),
        workload=run.case.workload,
        compilation=run.case.compilation,
        cold=run.cold is not False,
        around_s=max((run.ended_ns - run.started_ns) / 1e9 - _seconds(figures.calls), 0.0),
        first_s=_first(figures, call_s),
        call_s=call_s,
        denoise_s=figures.denoise_s,
        measured_s=_seconds(measured) / len(measured),
        memory=figures.memory,
    )


def _device_name(session: SessionState, run: RunState) -> str | None:
    named = session.device.name if session.device is not None else None
    return named or (run.environment.device_name if run.environment is not None else None)


def _first(figures: RunFigures, call_s: float) -> float:
    first = next((call for call in figures.calls if call.call == 0), None)
    return max(first.ms / 1e3 - call_s, 0.0) if first is not None else 0.0


def _seconds(calls: Sequence[CallFigures]) -> float:
    return sum(call.ms for call in calls) / 1e3


# --- what it means for another ----------------------------------------------------------------------------------------


def _expected(case: Case, request: Request, pasts: Sequence[Past]) -> Expected | None:
    fitting = [past for past in pasts if _tells(past, case, request.device)]
    if not fitting:
        return None
    nearest = min(fitting, key=lambda past: _distance(past, case, request.device))
    # Further runs of one distance: of how cold its cache was and how fast the machine that day they say more together.
    alike = [one for one in fitting if one.session == nearest.session and _same(one, nearest)]
    settings = _settings(nearest.compilation, case.compilation)
    cold = [one for one in alike if one.cold] or alike
    warm = [one for one in alike if not one.cold] or alike
    starts_cold = request.cache == "cold"
    first = median([_run_seconds(one, case) for one in (cold if starts_cold else alike)])
    later = median([_run_seconds(one, case) for one in (warm if starts_cold else alike)])
    memory, bound = _memory(alike, case.workload, request.device)
    return Expected(
        case=case.name,
        first_s=first or 0.0,
        later_s=later or 0.0,
        memory_bytes=memory,
        memory_is="GPU memory" if kind(request.device) == "cuda" else "RSS",
        bound=bound,
        past=nearest,
        differs=[*differing(nearest.workload, case.workload), *settings],
        sure="rough" if settings else _sure(nearest.workload, case.workload),
    )


def _sure(past: Workload, asked: Workload) -> Sure:
    fields = set(_differing_fields(past, asked))
    return "rough" if fields - set(_SCALED) else "scaled" if fields else "measured"


def _differing_fields(past: Workload, asked: Workload) -> list[str]:
    """Those that tell on time or memory."""
    fields = [field for field in Workload.__struct_fields__ if field not in _COUNTS]
    return [field for field in fields if getattr(past, field) != getattr(asked, field)]


def _same(one: Past, other: Past) -> bool:
    return one.workload == other.workload and one.compilation == other.compilation


def _tells(past: Past, case: Case, device: str) -> bool:
    ours, theirs = past.compilation, case.compilation
    return (
        kind(past.device) == kind(device)
        # What compiling takes is the backend's more than anything's.
        and (ours.variant, ours.engine, ours.backend) == (theirs.variant, theirs.engine, theirs.backend)
        and all(getattr(past.workload, field) == getattr(case.workload, field) for field in _SAME)
    )


def _distance(past: Past, case: Case, device: str) -> tuple[object, ...]:
    """Smaller for a run that tells more: of this machine and device, of the same work, of late."""
    other = sum(field not in _SCALED for field in _differing_fields(past.workload, case.workload))
    ratio = abs(math.log(_ratio(past.workload, case.workload)))
    settings = len(_settings(past.compilation, case.compilation))
    return not past.here, past.device != device, other + settings, ratio, -past.made_ns, not past.cold


def _run_seconds(past: Past, case: Case) -> float:
    """A run of ``case`` as long as ``past`` was, with its own calls, steps and pixels."""
    ratio = _ratio(past.workload, case.workload)
    steps = _steps_ratio(past.workload, case.workload)
    within = past.denoise_s if past.denoise_s is not None else past.call_s
    call_s = (max(past.call_s - within, 0.0) + within * steps) * ratio
    plan = planned_calls(case)
    measured = plan.count("measure")
    same_calls = (past.workload.scenario, past.workload.legs) == (case.workload.scenario, case.workload.legs)
    on_average = past.measured_s * (call_s / past.call_s) if same_calls and past.call_s else call_s
    return past.around_s + past.first_s + (len(plan) - measured) * call_s + measured * on_average


def _steps_ratio(past: Workload, asked: Workload) -> float:
    return asked.steps / past.steps if asked.steps and past.steps else 1.0


def _ratio(past: Workload, asked: Workload) -> float:
    """Pixels of a call of ``asked`` for each of ``past``; where a side is the pipeline's own it is taken for equal."""
    ratio = 1.0
    for field in _PIXELS:
        ours, theirs = getattr(past, field), getattr(asked, field)
        if ours and theirs:
            ratio *= theirs / ours
    return ratio


def _memory(pasts: Sequence[Past], asked: Workload, device: str) -> tuple[int | None, Bound]:
    """The largest peak of ``pasts``, which are alike, and which bound it is where a call has other pixels."""
    peaks = [peak for past in pasts if (peak := _peak(past.memory, device)) is not None]
    ratio = _ratio(pasts[0].workload, asked)
    return max(peaks, default=None), "" if ratio == 1 else "at least" if ratio > 1 else "at most"


def _peak(memory: MemoryFigures, device: str) -> int | None:
    """What a run needs: of a GPU what torch reserved and, where it is known, what lies beside; else the RSS."""
    if kind(device) != "cuda":
        return memory.rss_peak_bytes
    if memory.reserved_peak_bytes is None:
        return memory.device_peak_bytes
    return memory.reserved_peak_bytes + (memory.outside_torch_bytes or 0)


def _settings(ours: Compilation, theirs: Compilation) -> list[str]:
    return [
        f"{field.replace('_', ' ')} {getattr(ours, field)} and {getattr(theirs, field)}"
        for field in Compilation.__struct_fields__
        if getattr(ours, field) != getattr(theirs, field)
    ]
