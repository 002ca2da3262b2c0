"""Scenarios: sequences of calls that change something on purpose, so that what was compiled has to be compiled again.

A scenario is a list of legs; the calls of a leg are alike. ``steady`` has none: all its calls are alike.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from profiler.catalog import Entry
from profiler.request.model import BadRequest, Leg, Workload

SETTINGS: dict[str, type | tuple[type, ...]] = {}
"""What a leg may change and the type of its value: workload fields and further settings, applied by the worker."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """``legs`` gives the legs for a workload whose other fields are resolved; ``lacks`` says in one line why an entry
    can't run the scenario, None where it can.
    """

    name: str
    summary: str  # what changes
    triggers: str  # what that makes torch.compile do
    legs: Callable[[Entry, Workload], list[Leg]]
    lacks: Callable[[Entry], str | None]


SCENARIOS: dict[str, Scenario] = {
    "steady": Scenario(
        name="steady",
        summary="all calls alike",
        triggers="nothing after the first call",
        legs=lambda entry, workload: [],
        lacks=lambda entry: None,
    )
}


def legs_of(name: str, entry: Entry, workload: Workload) -> tuple[Leg, ...]:
    """The legs of scenario ``name`` for ``workload``. Raises BadRequest where the entry can't run it."""
    reason = SCENARIOS[name].lacks(entry)
    if reason is not None:
        raise BadRequest(f"{entry.name} can't run the scenario {name}: {reason}")
    return tuple(SCENARIOS[name].legs(entry, workload))


def check_legs(legs: tuple[Leg, ...]) -> None:
    """Whether a list of one's own can be run as far as its shape tells. Raises BadRequest, which names the setting."""
    for leg in legs:
        for name in leg.changes:
            if name not in SETTINGS:
                raise BadRequest(f"a call can't change {name!r} (it can change: {', '.join(SETTINGS)})")
