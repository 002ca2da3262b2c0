"""In which fields two workloads differ: what is compared then isn't the compilation alone."""

from __future__ import annotations

from typing import Any

from profiler.request import Workload

_COUNTS = ("warmup", "calls")
"""How often it was measured, not what."""


def differing(ours: Workload, theirs: Workload) -> list[str]:
    """A line for each field that differs, ``batch_size 1 and 4``; none where the workloads are the same work."""
    lines: list[str] = []
    for field in Workload.__struct_fields__:
        one, other = getattr(ours, field), getattr(theirs, field)
        if one == other or field in _COUNTS:
            continue
        lines.append(f"{field} {_shown(one)} and {_shown(other)}")
    return lines


def _shown(value: Any) -> str:
    if value is None:
        return "the pipeline's own"
    if isinstance(value, tuple):  # legs
        return ", ".join(leg.name for leg in value) or "none"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
