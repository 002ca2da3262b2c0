"""torch's ``compilation_metrics`` of one compile as our events."""

from __future__ import annotations

import re
from typing import Any

import torch

from profiler.worker.compiles.payloads import text, whole_number

# Durations in microseconds, outermost first: each holds the next.
_PHASES = {
    "dynamo": "dynamo_cumulative_compile_time_us",
    "aot": "aot_autograd_cumulative_compile_time_us",
    "inductor": "inductor_cumulative_compile_time_us",
    "codegen": "inductor_code_gen_cumulative_compile_time_us",
    "kernels": "triton_compile_time_us",
    "autotune": "compile_time_autotune_time_us",
}
# Some versions have an exception of its own for it; in others the reason of a plain graph break says it.
_LIMIT_TYPES = ("FailOnRecompileLimitHit", "RecompileLimitExceeded", "CacheLimitExceeded", "FailOnCacheLimitHit")
_LIMIT_TEXT = re.compile(r"(?:recompile|cache) limit exceeded|(?:recompile|cache_size)_limit reached", re.IGNORECASE)
_LIMIT_NAME = re.compile(r"\b((?:accumulated_)?(?:recompile|cache_size)_limit)\b")
_LIMIT_SET_TO = re.compile(r"currently set to (\d+)")
_WHY_LIMIT = 1024
_WHY_RESTART = 160


def is_limit(metrics: dict[str, Any]) -> bool:
    """Whether this compile was refused since the recompile limit was reached."""
    reason = metrics.get("fail_reason")
    return metrics.get("fail_type") in _LIMIT_TYPES or bool(isinstance(reason, str) and _LIMIT_TEXT.search(reason))


def is_fatal(metrics: dict[str, Any]) -> bool:
    """Whether the refusal reaches the caller as an exception (fullgraph=True) and doesn't mean eager."""
    return str(metrics.get("fail_type", "")).startswith("FailOn")


def limit_setting(why: str) -> str | None:
    """The name of the limit, where the failure's text gives it: recompile_limit or accumulated_recompile_limit."""
    found = _LIMIT_NAME.search(why)
    return found[1] if found else None


def limit_in(why: str) -> int | None:
    """The limit's value as the failure's text gives it."""
    found = _LIMIT_SET_TO.search(why)
    return int(found[1]) if found else None


def why(metrics: dict[str, Any]) -> str | None:
    """Why the compile failed, or why there is no compiled code although it didn't."""
    reason = metrics.get("fail_reason")
    if reason:
        return text(str(reason).strip(), _WHY_LIMIT)
    if metrics.get("has_guarded_code") is False and not metrics.get("fail_type"):
        return "nothing to compile: the frame runs eager"
    return None


def phases(metrics: dict[str, Any]) -> dict[str, int]:
    """Durations in nanoseconds by phase; a phase that didn't happen is absent."""
    found = {phase: nanoseconds(metrics, field) for phase, field in _PHASES.items()}
    return {phase: ns for phase, ns in found.items() if ns}


def nanoseconds(metrics: dict[str, Any], field: str) -> int | None:
    """A field in microseconds as nanoseconds; None where torch doesn't have or didn't fill it."""
    value = metrics.get(field)
    return round(value * 1000) if isinstance(value, int | float) and not isinstance(value, bool) else None


def logged_ns(identifier: str) -> int:
    """The time (ns) that torch has spent on logging under a compile id.

    torch adds up by id and doesn't start again when ``torch._dynamo.reset`` does: without this, a compile would be
    charged with those that had its id before.
    """
    table = getattr(getattr(torch._logging, "_internal", None), "structured_logging_overhead", None)
    seconds = table.get(identifier.replace("/", "_")) if isinstance(table, dict) else None
    return round(seconds * 1e9) if isinstance(seconds, int | float) else 0


def overhead_ns(metrics: dict[str, Any], before: int) -> int | None:
    """The time (ns) that torch spent on logging this compile; ``before`` is ``logged_ns`` when it began."""
    whole = nanoseconds(metrics, "structured_logging_overhead_us")
    return None if whole is None else max(whole - before, 0)


def count(metrics: dict[str, Any], field: str) -> int | None:
    return whole_number(metrics.get(field))


def restarts(metrics: dict[str, Any]) -> list[str]:
    """Why the tracing of the frame began anew (a graph break, for one), one text for each time."""
    found = metrics.get("restart_reasons")
    return [text(why, _WHY_RESTART) for why in found] if isinstance(found, list | tuple | set) else []
