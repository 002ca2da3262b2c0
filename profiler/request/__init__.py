"""What to run: cases, their workloads and the order of the runs, every default resolved and checked.

A ``Request`` is plain data: the command line or a file builds one, ``session.json`` stores it, the conductor and the
workers obey it. Nothing here imports torch: what depends on the device is decided from ``profiler.devices``.
"""

from __future__ import annotations

from profiler.request.compilation import MODES
from profiler.request.model import (
    ENGINES,
    LOOKS,
    VARIANTS,
    BadRequest,
    Case,
    Compilation,
    Leg,
    Request,
    Run,
    Workload,
    code_of,
    is_factory,
)
from profiler.request.options import Options
from profiler.request.resolve import CACHES, MAX_CASES, MAX_REPEATS, resolve, resolve_all
from profiler.request.values import (
    DTYPES,
    MAX_BATCH_SIZE,
    MAX_CALLS,
    MAX_PIXELS,
    MAX_SEED,
    MAX_STEPS,
    MEMORY_FORMATS,
    OFFLOADS,
    SIZES,
    STORAGE_TYPES,
    TEXT_ENCODERS,
)

__all__ = [
    "CACHES",
    "DTYPES",
    "ENGINES",
    "LOOKS",
    "MAX_BATCH_SIZE",
    "MAX_CALLS",
    "MAX_CASES",
    "MAX_PIXELS",
    "MAX_REPEATS",
    "MAX_SEED",
    "MAX_STEPS",
    "MEMORY_FORMATS",
    "MODES",
    "OFFLOADS",
    "SIZES",
    "STORAGE_TYPES",
    "TEXT_ENCODERS",
    "VARIANTS",
    "BadRequest",
    "Case",
    "Compilation",
    "Leg",
    "Options",
    "Request",
    "Run",
    "Workload",
    "code_of",
    "is_factory",
    "resolve",
    "resolve_all",
]
