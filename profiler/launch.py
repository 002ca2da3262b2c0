"""Command lines of the processes that stepscope starts."""

from __future__ import annotations

import sys
from pathlib import Path

ROLES = ("conductor", "worker")

_ENTRY = Path(__file__).resolve().parent.parent / "stepscope.py"


def child_command(role: str, *arguments: str) -> list[str]:
    """The command line of a ``conductor`` or a ``worker`` of this very installation.

    It goes through ``stepscope.py``, which pins the packages before anything else is imported. ``-u``: what the child
    prints is in its log file at once.
    """
    if role not in ROLES:
        raise ValueError(f"role must be one of {ROLES}, not {role!r}")
    return [sys.executable, "-u", str(_ENTRY), "--child", role, *arguments]


def run_child(role: str, arguments: list[str]) -> int:
    """Be a ``conductor`` (arguments: session folder) or a ``worker`` (session folder, run); returns the exit code.

    Either may be told more by further arguments.
    """
    # Imported here: a conductor must not load torch, which the worker's modules import.
    if role == "conductor":
        from profiler.conductor.main import main as conductor

        return conductor(*arguments)
    from profiler.worker.main import main as worker

    return worker(*arguments)
