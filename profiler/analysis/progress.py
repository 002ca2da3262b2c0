"""How far a run and a session are, what they are doing now, and how long the rest will take."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.analysis.batches import largest_batches
from profiler.analysis.compiles import Compile
from profiler.analysis.legs import planned_legs
from profiler.analysis.repeats import brief_text, look, progress_text
from profiler.analysis.state import Call, RunState, SessionState
from profiler.analysis.statistics import median
from profiler.analysis.triggers import explained
from profiler.request import Case

PHASE_WORDS = {
    "total": "",
    "dynamo": "dynamo tracing",
    "guards": "building guards",
    "aot": "AOTAutograd",
    "inductor": "inductor",
    "codegen": "inductor codegen",
    "kernels": "compiling kernels",
    "autotune": "autotuning",
    "cudagraph": "recording a CUDA graph",
}
"""What a compile is at, as people call it; a phase that isn't here is told by its own name."""

MOST_CALLS = 1_000_000
"""More than any run measures: a log that says so is damaged, and a plan of that many calls wouldn't fit in memory."""


@dataclass(frozen=True, slots=True)
class Progress:
    """``fraction`` of the work, 0 to 1; ``eta_s`` seconds still to go, None where nothing tells (yet).

    ``brief`` is ``text`` for where that doesn't fit, what matters most first; "" where ``text`` is brief enough.
    ``held`` is how far the call is that a compile holds up, which ``brief`` doesn't say.
    """

    fraction: float
    eta_s: float | None
    text: str
    brief: str = ""
    held: str = ""
    until: str = "left"  # what ``eta_s`` is: "left", "expected" where more runs may be added, "to look 1"


def planned_calls(case: Case) -> list[str]:
    """The phase of every call that a run of ``case`` makes, in order."""
    compiling = [] if case.compilation.variant == "no-compile" else ["compile"]
    return compiling + ["warmup"] * case.workload.warmup + ["measure"] * len(planned_legs(case.workload))


def run_plan(run: RunState) -> list[str]:
    """The phase of every call that ``run`` makes: the worker's word, where it said how many calls it measures.

    Only the worker knows how many sets of call arguments the user's own function gave.
    """
    plan = planned_calls(run.case)
    measured = _calls_told(run)
    if measured is None:
        return plan
    return [phase for phase in plan if phase != "measure"] + ["measure"] * measured


def _calls_told(run: RunState) -> int | None:
    measured = run.phase_named("measure")
    if measured is None or measured.calls is None or not 0 <= measured.calls <= MOST_CALLS:
        return None
    return measured.calls


def _plan_in(session: SessionState, run: RunState) -> list[str] | None:
    """`run_plan`; before the worker's word that of another run of the same function. None where that is to come.

    A function's calls may be many times what the request counts: a bar over those would fall back.
    """
    origin = run.case.workload.origin
    if origin is None or ".py:" not in origin or _calls_told(run) is not None:
        return run_plan(run)
    alike = (one for one in session.runs.values() if one.case.workload == run.case.workload)
    told = next((calls for one in alike if (calls := _calls_told(one)) is not None), None)
    if told is None:
        return None
    return [phase for phase in planned_calls(run.case) if phase != "measure"] + ["measure"] * told


def run_progress(session: SessionState, run: RunState, now_ns: int) -> Progress:
    """Progress of ``run`` at ``now_ns`` on the log's clock (for a session that is over: its last record's time)."""
    if run.state == "queued":
        return Progress(0.0, expected_seconds(session, run), "queued")
    if run.state == "ended":
        return Progress(1.0, 0.0, run.outcome or "")
    if run.waiting is not None:
        return Progress(0.0, None, f"waiting for the device, behind session {run.waiting.behind}")
    plan = _plan_in(session, run)
    if plan is None:
        return Progress(0.0, None, _doing(session, run, run_plan(run), now_ns), _brief(session, run, now_ns))
    done = sum(1 for call in run.calls.values() if call.ended)
    call = run.call
    within = _within_call(call) if call is not None and not call.ended else 0.0
    # Loading counts as one call: it has no better measure before anything ran.
    loaded = _loaded(run)
    fraction = min((loaded + done + within) / (len(plan) + 1), 1.0)
    doing, brief = _doing(session, run, plan, now_ns), _brief(session, run, now_ns)
    held = _held(call) if brief else ""
    return Progress(fraction, _remaining(session, run, plan, now_ns), doing, brief, held)


def session_progress(session: SessionState, now_ns: int) -> Progress:
    """Progress of the whole session; ``text`` says how many runs have ended. Nobody knows how many more a search for
    the largest batch will add. What ``--until-sure`` will add is expected from what the repeats so far say.
    """
    runs = list(session.runs.values())
    each = [run_progress(session, run, now_ns) for run in runs]
    fraction = sum(progress.fraction for progress in each) / max(len(each), 1)
    open_etas = [progress.eta_s for run, progress in zip(runs, each, strict=True) if run.state != "ended"]
    eta = None if any(eta is None for eta in open_etas) else sum(eta for eta in open_etas if eta is not None)
    ended = sum(1 for run in runs if run.state == "ended")
    text = f"{ended} of {len(runs)} runs"
    if not session.over and any(found.goes_on for found in largest_batches(session)):
        return Progress(fraction, None, f"{text} so far")
    if not session.over and session.request.until_sure:
        return _until_sure(session, Progress(fraction, eta, text), len(runs))
    return Progress(fraction, eta, text)


def _until_sure(session: SessionState, listed: Progress, runs: int) -> Progress:
    """``listed``, the progress of the ``runs`` that are listed, with the repeats that are expected to be added."""
    found = look(session)
    text = f"{listed.text}; until sure: {progress_text(found)}"
    brief = f"{listed.text}, {brief_text(found)}"
    if not found.begun:
        # Nothing tells yet how many the first look will add.
        return Progress(listed.fraction, listed.eta_s, text, brief, until=f"to look {found.number}")
    more = found.to_come()
    seconds = listed.eta_s
    for case, count in more.items():
        each = _expected_of(session, case)
        seconds = None if seconds is None or each is None else seconds + each * count
    fraction = listed.fraction * runs / (runs + sum(more.values()))
    return Progress(fraction, seconds, text, brief, until="expected")


def short_name(module: str | None, fqn: str | None, function: str, identifier: str | None = None) -> str:
    """What is compiled in a few words: the class and the component that it is in, ``UNet2DConditionModel (unet)``."""
    component = (fqn or "").partition(".")[0]
    name = module or function or identifier or "a frame"
    return f"{name} ({component})" if component else name


def running_compile(run: RunState) -> Compile | None:
    """The compile under way, the outermost one where they nest."""
    if run.outcome is not None:
        return None
    return next((found for found in run.compiles.values() if found.running), None)


def expected_seconds(session: SessionState, run: RunState) -> float | None:
    """How long a whole run of this case takes, from its earlier runs; None before the first has ended."""
    return _expected_of(session, run.case.name)


def _expected_of(session: SessionState, case: str) -> float | None:
    earlier = [
        (other.ended_ns - other.started_ns) / 1e9
        for other in session.runs_of(case)
        if other.outcome == "ok" and other.started_ns is not None and other.ended_ns is not None
    ]
    return median(earlier)


def _within_call(call: Call) -> float:
    return min(call.steps / call.planned_steps, 1.0) if call.planned_steps else 0.0


def _loaded(run: RunState) -> float:
    if run.phase is None:
        return 0.0
    if run.phase.name != "load":
        return 1.0
    return run.loading.done / run.loading.total if run.loading and run.loading.total else 0.0


def _doing(session: SessionState, run: RunState, plan: list[str], now_ns: int) -> str:
    if run.phase is None:
        return "starting"
    if run.phase.name == "load":
        if run.loading is None or run.loading.done >= run.loading.total:
            return "loading"
        return f"loading {run.loading.name} ({run.loading.done} of {run.loading.total} ready)"
    call = run.call
    compiling = running_compile(run)
    if compiling is not None:
        held = _held(call)
        return compiling_text(session, run, compiling, now_ns) + (f"; {held}" if held else "")
    if run.phase.name == "syncs":
        return "one more call, to find what waits for the device"
    if call is None or (call.ended and call.index + 1 >= len(plan)):
        return "finishing"
    kind = {"compile": "compiling call", "warmup": "warm-up call", "measure": "call"}.get(call.phase, "call")
    number = sum(1 for other in run.calls.values() if other.phase == call.phase and other.index <= call.index)
    text = f"{kind} {number} of {max(plan.count(call.phase), number)}"
    if call.leg is not None and call.phase == "measure":
        text += f", {call.leg}"
    return f"{text}, step {call.steps} of {call.planned_steps}" if call.planned_steps else text


def _held(call: Call | None) -> str:
    """How far a call is that is held up; before a loop's first step has ended there is nothing to say of it."""
    return f"step {call.steps} of {call.planned_steps}" if call and call.steps and call.planned_steps else ""


def compiling_text(session: SessionState, run: RunState, found: Compile, now_ns: int) -> str:
    """What is compiled, at what it is, for how long, how long its like took, and of a recompile why.

    The narrowest line has room for what comes first.
    """
    # The component alone tells apart what several denoisers of one class compile.
    components = {other.fqn.partition(".")[0] for other in run.compiles.values() if other.fqn}
    fqn = found.fqn if len(components) > 1 else None
    phase = PHASE_WORDS.get(found.phase, found.phase)
    seconds = max(now_ns - found.t, 0) // 1_000_000_000
    text = f"compiling {short_name(found.module, fqn, found.function, found.id)}"
    text += f"{f', {phase}' if phase else ''}, {seconds} s"
    which, before = compiled_before(session, run, found)
    if before is not None:
        text += f"; the {which} one took {_seconds(before)}"
    return f"{text}; {explained(run, found).sentence}" if found.recompile else text


def _brief(session: SessionState, run: RunState, now_ns: int) -> str:
    """What compiles, for how long, how long its like took, and at last at what it is; "" while nothing does."""
    found = running_compile(run)
    if found is None or run.phase is None or run.phase.name == "load":
        return ""
    phase = PHASE_WORDS.get(found.phase, found.phase)
    which, before = compiled_before(session, run, found)
    text = f"compiling {found.module or found.function or found.id} {max(now_ns - found.t, 0) // 1_000_000_000} s"
    return f"{text}{f' ({which} {_seconds(before)})' if before is not None else ''}{f', {phase}' if phase else ''}"


def _seconds(value: float) -> str:
    return f"{value:.{0 if value >= 10 else 1}f} s"


def compiled_before(session: SessionState, run: RunState, found: Compile) -> tuple[str, float | None]:
    """How many seconds the compile took that tells best how long ``found`` may take, and which one that is.

    That is the "last" of its kind, a first compile or a recompile of the same class; else the class's "first".
    """
    before = _last_like(session, run, found, found.recompile)
    if before is None and found.recompile:
        return "first", _last_like(session, run, found, False)
    return "last", before


def _last_like(session: SessionState, run: RunState, found: Compile, recompile: bool) -> float | None:
    """How many seconds the latest compile of that class took, a first one or a recompile, in this run or, where it has
    none, in an earlier one of the case.
    """
    kind = (found.module, None if found.module else found.function)
    runs = session.runs_of(run.case.name)
    for one in reversed(runs[: runs.index(run) + 1]):
        for other in reversed(one.compiles.values()):
            same = (other.module, None if other.module else other.function) == kind and other.recompile is recompile
            if same and other.end is not None and other.end.ok:
                return other.end.ns / 1e9
    return None


def _remaining(session: SessionState, run: RunState, plan: list[str], now_ns: int) -> float | None:
    """Seconds that ``run`` still needs: the calls to come, each as long as its like."""
    whole = expected_seconds(session, run)
    anyone = _call_seconds(session, run, ("warmup", "measure"))
    if anyone is None:
        if whole is None or run.started_ns is None:
            return None
        return max(whole - (now_ns - run.started_ns) / 1e9, 0.0)
    done = sum(1 for call in run.calls.values() if call.ended)
    legs = [None] * (len(plan) - plan.count("measure")) + planned_legs(run.case.workload)
    legs += [None] * (len(plan) - len(legs))
    like: dict[tuple[str, str | None], float | None] = {}  # so that each is looked up once
    left = 0.0
    call = run.call
    for position, kind in enumerate(zip(plan[done:], legs[done:])):
        if kind not in like:
            phase, leg = kind
            alike = _call_seconds(session, run, ("compile",) if phase == "compile" else ("warmup", "measure"), leg)
            like[kind] = alike if alike is not None or phase == "compile" else anyone
        expected = like[kind]
        if expected is None:
            return None
        if position == 0 and call is not None and not call.ended:
            expected = _left_of_call(session, run, call, expected, now_ns)
        left += expected
    return left


def _left_of_call(session: SessionState, run: RunState, call: Call, expected: float, now_ns: int) -> float:
    """The seconds that are left of a call under way that takes ``expected`` where nothing is compiled in between.

    The compiling call's include its compiles.
    """
    found = running_compile(run)
    if found is None or call.phase == "compile":
        return max(expected - (now_ns - call.start_ns) / 1e9, 0.0)
    _, before = compiled_before(session, run, found)
    compiling = max((before or 0.0) - (now_ns - found.t) / 1e9, 0.0)
    return max(expected - (found.t - call.start_ns) / 1e9, 0.0) + compiling


def _call_seconds(
    session: SessionState, run: RunState, phases: tuple[str, ...], leg: str | None = None
) -> float | None:
    """The median call of these phases (and of this leg), of this run if it has one, else of the case's other runs."""
    for runs in ([run], session.runs_of(run.case.name)):
        times = [
            call.ns / 1e9
            for one in runs
            for phase in phases
            for call in one.calls_of(phase)
            if call.ns and leg in (None, call.leg)
        ]
        if times:
            return median(times)
    return None
