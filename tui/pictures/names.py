"""What runs, cases, states and workloads are called on the screen, safe to show."""

from __future__ import annotations

from profiler.analysis.state import RunState, SessionState
from profiler.request import Case, Request, Workload
from tui import safe
from tui.pictures import words

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


def case_label(case: Case, request: Request) -> str:
    """What tells the case from the others of its session: pipeline, batch size, picture; then variant and engine.

    The variant comes last: where the end is cut, its colour and symbol still say which it is.
    """
    return safe.line(" ".join([*_differences(case.workload, request), variant_label(case)]), 60)


def variant_label(case: Case) -> str:
    """The variant, and the engine where it isn't the usual one."""
    variant, engine = case.compilation.variant, case.compilation.engine
    return safe.line(variant if engine in (None, "diffusers") else f"{variant} {engine}", 60)


def group_label(group: str, request: Request) -> str:
    """What tells the workload with this `group_key` from the others of its session; "" for the only one."""
    workload = next((case.workload for case in request.cases if group_key(case.workload) == group), None)
    return safe.line(" ".join(_differences(workload, request)), 60) if workload is not None else ""


def _differences(workload: Workload, request: Request) -> list[str]:
    others = [other.workload for other in request.cases]
    found: list[str] = []
    if len({other.pipeline for other in others}) > 1:
        found.append(workload.pipeline)
    if len({other.batch_size for other in others}) > 1:
        found.append(f"b{workload.batch_size}")
    if len({(other.height, other.width) for other in others}) > 1:
        found.append(f"{workload.width}x{workload.height}")
    if len({other.steps for other in others}) > 1 and workload.steps is not None:
        found.append(words.count(workload.steps, "step"))
    return found


def run_label(run: RunState, request: Request) -> str:
    """A run in few words: ``compile #2``."""
    label = case_label(run.case, request)
    return label if request.repeats == 1 else f"{label} #{run.run.repeat}"


def workload_label(request: Request) -> str:
    """What every call of the session does, in one line."""
    workload = request.cases[0].workload
    batches = sorted({case.workload.batch_size for case in request.cases})
    batch = ",".join(str(size) for size in batches)
    steps = words.count(workload.steps, "step") if workload.steps else "its own steps"
    return safe.line(
        f"{workload.pipeline} {workload.size}, {steps},"
        f" {workload.width}x{workload.height}, batch {batch}, {workload.dtype}",
        160,
    )


def group_key(workload: Workload) -> str:
    """Cases with the same key do the same work and belong on one chart."""
    return f"{workload.pipeline} b{workload.batch_size} {workload.width}x{workload.height} {workload.steps}"


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
