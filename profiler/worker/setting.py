"""What one call does: the workload, as a leg of the scenario changes it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from profiler.request import Workload


@dataclass(frozen=True)
class Setting:
    """``workload`` has the leg's changes applied; the rest of a leg is in the other fields."""

    workload: Workload
    leg: str | None = None  # its name; None: the workload as it is
    tokens: int | None = None  # give the prompts as embeddings of this many tokens
    latents_format: str | None = None  # give the latents, in this memory format: channels_last
    arguments: dict[str, Any] = field(default_factory=dict)  # further call arguments, over all others
    around: Callable[[], AbstractContextManager[Any]] = nullcontext  # the call is made inside it: a grad mode
