"""What the lots of a comparison are called, and what tells each from the others."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.curves.model import Identity
from profiler.analysis.lots import Lot


def identities(lots: Sequence[Lot], baseline: Lot | None = None) -> list[Identity]:
    """One for each of ``lots``, in their order."""
    raise NotImplementedError
