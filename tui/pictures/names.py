"""What runs, cases, states and workloads are called on the screen, safe to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from profiler.analysis.curves.identity import fingerprint, setting
from profiler.analysis.state import RunState, SessionState
from profiler.request import Case, Compilation, Request, Workload
from tui import safe
from tui.pictures import words

T = TypeVar("T")

_REMEMBERED = 512
"""Labels that are kept: some sessions' worth of cases."""
_REMEMBERED_REQUESTS = 16

OUTCOME_STYLES = {
    "ok": "good",
    "oom": "bad",
    "failed": "bad",
    "died": "bad",
    "unsupported": "quiet",
    "stopped": "quiet",
}
"""``unsupported`` is a result, not a fault: it is told calmly."""

OUTCOME_SYMBOLS = {"ok": "✓", "oom": "✗", "failed": "✗", "died": "✗", "unsupported": "–", "stopped": "■"}
OUTCOME_ASCII = {"ok": "+", "oom": "!", "failed": "!", "died": "!", "unsupported": "-", "stopped": "x"}
OUTCOME_WORDS = {"oom": "out of memory"}

STATE_STYLES = {
    "starting": "accent",
    "running": "accent",
    "waiting": "warn",
    "done": "good",
    "stopped": "quiet",
    "failed": "bad",
    "died": "bad",
    "unreadable": "bad",
    "unknown": "quiet",
}
STATE_SYMBOLS = {
    "starting": "▸",
    "running": "▸",
    "waiting": "…",
    "done": "✓",
    "stopped": "■",
    "failed": "✗",
    "died": "✗",
    "unreadable": "✗",
    "unknown": "?",
}
STATE_ASCII = {
    "starting": ">",
    "running": ">",
    "waiting": ".",
    "done": "+",
    "stopped": "x",
    "failed": "!",
    "died": "!",
    "unreadable": "!",
    "unknown": "?",
}


def outcome_word(outcome: str) -> str:
    """An outcome as people say it."""
    return OUTCOME_WORDS.get(outcome, safe.line(outcome, 40))


def outcome_text(outcome: str, reason: str | None, longest: int = 200) -> str:
    """The outcome and why: ``failed: ...``. A reason that begins with the outcome's own word says it all."""
    word, why = outcome_word(outcome), safe.line(reason or "", longest)
    if not why:
        return word
    return why if why.startswith(word) else f"{word}: {why}"


def _remembered(label: Callable[[T, Request], str]) -> Callable[[T, Request], str]:
    """``label``, made once for each thing of a request: pictures ask for the same ones several times a second.

    By identity, since a request is long to hash; what is remembered is held, so that nobody else gets its identity.
    """
    known: dict[tuple[int, int], tuple[T, Request, str]] = {}

    @wraps(label)
    def remembered(thing: T, request: Request) -> str:
        key = id(thing), id(request)
        found = known.get(key)
        if found is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            found = known[key] = thing, request, label(thing, request)
        return found[2]

    return remembered


@_remembered
def case_label(case: Case, request: Request) -> str:
    """What tells the case from the others of its session: pipeline, batch size, picture; then variant and engine.

    The variant comes last: where the end is cut, its colour and symbol still say which it is.
    """
    return safe.line(" ".join([*_differences(case.workload, request), variant_label(case, request)]), 60)


@_remembered
def variant_label(case: Case, request: Request) -> str:
    """The variant, the engine where it isn't the usual one, and what else tells it from others of that name."""
    variant, engine = case.compilation.variant, case.compilation.engine
    found = [variant if engine in (None, "diffusers") else f"{variant} {engine}"]
    varying = _varying(request).compilations.get((variant, engine), ())
    found += [setting(field, getattr(case.compilation, field)) for field in _SETTINGS if field in varying]
    return safe.line(" ".join(found), 60)


def group_label(group: str, request: Request) -> str:
    """What tells the workload with this `group_key` from the others of its session; "" for the only one."""
    workload = next((case.workload for case in request.cases if group_key(case.workload) == group), None)
    return safe.line(" ".join(_differences(workload, request)), 60) if workload is not None else ""


def group_key(workload: Workload) -> str:
    """Cases with the same key do the same work in every respect and belong on one chart."""
    return msgspec.json.encode(workload).decode()


def _differences(workload: Workload, request: Request) -> list[str]:
    """What the workload differs in from the others of its session; its own pipeline's, where there are several."""
    varying = _varying(request)
    differing = set(varying.workloads.get(workload.pipeline, ()))
    if "legs" in differing and _but_legs(workload) not in varying.legs:
        differing.remove("legs")  # another scenario, or another picture, has other legs: that is told already
    found = [workload.pipeline] if len(varying.workloads) > 1 else []
    if "batch_size" in differing:
        found.append(f"b{workload.batch_size}")
    if differing & {"height", "width"}:
        found.append(picture_size(workload))
    if "steps" in differing:
        found.append(steps_label(workload))
    told = {"pipeline", "batch_size", "height", "width", "steps"}
    found += [_told(workload, field) for field in Workload.__struct_fields__ if field in differing - told]
    return found


_SETTINGS = ("backend", "mode", "fullgraph", "dynamic", "recompile_limit", "options")


class _Varying(NamedTuple):
    """In which fields the cases of a request differ: what isn't the same for all differs from some other's."""

    workloads: dict[str, set[str]]  # of each pipeline
    compilations: dict[tuple[str, str | None], set[str]]  # of each variant and engine
    legs: set[str]  # what is the same of workloads that differ in their legs alone


_known: dict[int, tuple[Request, _Varying]] = {}
"""By identity; the request is held, so that no other gets it."""


def _varying(request: Request) -> _Varying:
    """Looked for once: a session may have thousands of cases, and each is asked for its name."""
    found = _known.get(id(request))
    if found is None:
        if len(_known) >= _REMEMBERED_REQUESTS:
            _known.clear()
        found = _known[id(request)] = request, _look(request)
    return found[1]


def _look(request: Request) -> _Varying:
    workloads: dict[str, list[Workload]] = {}
    compilations: dict[tuple[str, str | None], list[Compilation]] = {}
    for case in request.cases:
        workloads.setdefault(case.workload.pipeline, []).append(case.workload)
        compilations.setdefault((case.compilation.variant, case.compilation.engine), []).append(case.compilation)
    differing = {pipeline: _unlike(alike, Workload.__struct_fields__) for pipeline, alike in workloads.items()}
    but_legs: dict[str, list[Workload]] = {}
    if any("legs" in fields for fields in differing.values()):
        for case in request.cases:
            but_legs.setdefault(_but_legs(case.workload), []).append(case.workload)
    return _Varying(
        differing,
        {key: _unlike(alike, _SETTINGS) for key, alike in compilations.items()},
        {key for key, alike in but_legs.items() if _unlike(alike, ("legs",))},
    )


def _unlike(alike: Sequence[Workload] | Sequence[Compilation], fields: Sequence[str]) -> set[str]:
    first = alike[0]
    return {field for field in fields if any(getattr(one, field) != getattr(first, field) for one in alike)}


def _but_legs(workload: Workload) -> str:
    return group_key(replace(workload, legs=()))


def _told(workload: Workload, field: str) -> str:
    """A field of a workload in as few words as will do."""
    value = getattr(workload, field)
    match field:
        case "origin":
            return str(value).rpartition("/")[2] if value else "catalogue"
        case "weights":
            return value if value in ("random", "hub") else f"weights {str(value).rpartition('/')[2]}"
        case "size" | "dtype" | "scenario":
            return str(value)
        case "memory_format":
            return {"contiguous": "contiguous", "channels_last": "channels-last"}.get(value, str(value))
        case "scheduler":
            return str(value).removesuffix("Scheduler") if value else "own scheduler"
        case "attention" | "vae":
            return f"{field} {value}" if value else f"own {field}"
        case "frames":
            return words.count(value, "frame") if value else "own frames"
        case "guidance":
            return f"guidance {value:g}" if value is not None else "own guidance"
        case "offload":
            return f"{value} offload" if value else "no offload"
        case "layerwise_casting":
            return f"stored as {value}" if value else "no casting"
        case "text_encoders":
            return f"text encoders {value}"
        case "prompt":
            return f'"{value[:17]}…"' if len(value) > 18 else f'"{value}"'
        case "call" | "legs":
            # Too much for a label: which of the session's it is.
            return f"{'arguments' if field == 'call' else 'list'} {fingerprint(value)}"
        case "calls" | "warmup":
            return words.count(value, "call" if field == "calls" else "warm-up")
    return setting(field, value)


def picture_size(workload: Workload) -> str:
    """``512x768``, width first; "its own size" where the pipeline decides."""
    if workload.width is None and workload.height is None:
        return "its own size"
    return f"{workload.width or '?'}x{workload.height or '?'}"


def steps_label(workload: Workload) -> str:
    """``50 steps``; "its own steps" where the pipeline decides."""
    return words.count(workload.steps, "step") if workload.steps is not None else "its own steps"


def run_label(run: RunState, request: Request) -> str:
    """A run in few words: ``compile #2``."""
    label = case_label(run.case, request)
    return label if request.repeats == 1 else f"{label} #{run.run.repeat}"


def workload_label(request: Request) -> str:
    """What the calls of the session do, in one line; of what differs between its cases nothing or all there is."""
    every = [case.workload for case in request.cases]
    pipelines = list(dict.fromkeys(workload.pipeline for workload in every))
    named = ", ".join(pipelines) if len(pipelines) <= 3 else words.count(len(pipelines), "pipeline")
    size = _common(every, lambda workload: workload.size if workload.origin is None else "")
    parts = [f"{named} {size}" if size else named]
    parts += [_common(every, steps_label), _common(every, picture_size)]
    parts.append("batch " + ",".join(str(size) for size in sorted({workload.batch_size for workload in every})))
    parts.append(_common(every, lambda workload: workload.dtype))
    parts.append(_common(every, lambda workload: "" if workload.scenario == "steady" else workload.scenario))
    return safe.line(", ".join(part for part in parts if part), 160)


def _common(workloads: list[Workload], told: Callable[[Workload], str]) -> str:
    """What is told of all workloads alike; "" where they differ."""
    found = {told(workload) for workload in workloads}
    return found.pop() if len(found) == 1 else ""


def device_label(session: SessionState) -> str:
    """The device: its name where a log has told it, and what the request calls it."""
    asked = safe.line(session.request.device, 40)
    if session.device is not None and session.device.name:
        return f"{safe.line(session.device.name, 60)} ({asked})"
    for run in session.runs.values():
        seen = run.environment
        if seen is not None and (seen.device_name or seen.cpu):
            name = safe.line(seen.device_name or seen.cpu, 60)
            return name if name == asked else f"{name} ({asked})"
    return asked


def on_cuda(session: SessionState) -> bool:
    """Whether the session measures a GPU."""
    return session.request.device.startswith("cuda")


def latest_ns(session: SessionState) -> int:
    """The last record of all logs: how far a session that stands still has come."""
    return max([session.last_t, *(run.last_t for run in session.runs.values())])


def origin_ns(session: SessionState) -> int:
    """Where a session's own clock starts: its first record."""
    if session.started_ns is not None:
        return session.started_ns
    starts = [run.header.t for run in session.runs.values() if run.header is not None]
    return min(starts, default=session.last_t)


def session_s(session: SessionState, t: int) -> float:
    """How long the session had run at ``t``, in seconds; the time before it was resumed is left out."""
    return (t - origin_ns(session) - session.paused_ns(t)) / 1e9
