"""Where the worker is: the call, stage, loop and step that a compile event interrupts.

A process-global, not a context variable: with inductor some trace records come from threads of the compile pool, and
they belong to whatever the main thread is doing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Where:
    """Written by the measuring thread alone, read by the trace handler in any thread."""

    phase: str | None = None
    call: int | None = None
    stage: str | None = None
    loop: int | None = None
    step: int | None = None


HERE = Where()
