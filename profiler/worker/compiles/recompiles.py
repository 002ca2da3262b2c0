"""Why a frame is compiled again: the failed guards, and which of them a person would name."""

from __future__ import annotations

from profiler.events import Recompile
from profiler.worker.compiles import guards, payloads, values
from profiler.worker.compiles.allowance import Allowance
from profiler.worker.compiles.frames import Target
from profiler.worker.compiles.owners import Owners
from profiler.worker.compiles.payloads import text
from profiler.worker.compiles.places import Places

_PATH = 512
_NO_ARGUMENTS = ("self", "fn", "args", "kwargs", "G", "L")  # a reason with one of these names may mean another thing


def explain(event: Recompile, reasons: list[str], target: Target | None, owners: Owners, allowance: Allowance) -> str:
    """Fill ``event`` with the failed guards ``reasons``; returns the text of the one that should have held, "" if none.

    torch's order is kept. Of many reasons the first are kept, and the one that counts in any case.
    """
    if not reasons:
        return ""
    matched = owners.matched(reasons, None if target is None else target.module)
    event.total_reasons = len(reasons)
    event.reasons, event.matched = payloads.bounded(reasons, matched, allowance.text_limit(), allowance.gist_limit())
    reason = reasons[matched]
    before = owners.outline(reason)
    failed = guards.read(reason)
    if target is not None:
        failed = values.concrete(failed, target, before)
        event.argument = values.argument(failed, target, before)
        event.actual = values.actual(failed, reason, target)
    event.source = text(", ".join(failed.sources if failed.how in ("same", "raised") else failed.sources[:1])) or None
    return reason


def tell_place(event: Recompile, reason: str, callers: list[str], places: Places) -> tuple[str, int] | None:
    """Set ``event.at`` to the place of the guard ``reason``, and return whose lines are worth telling."""
    found = guards.place(reason)
    if found is None:
        return places.of_caller(callers[0]) if callers else None
    file, line = places.full(found[0]), found[1]
    event.at = text(f"{file}:{line}", _PATH)
    return file, line


def leave_out(event: Recompile) -> None:
    """Take out of ``event`` what its reason says by itself."""
    name = event.argument or ""
    if event.source == name and name.isidentifier() and not name.startswith("__") and name not in _NO_ARGUMENTS:
        event.argument = None
    event.source = None
