"""What torch.compile did, as Live and plain lines tell it: explained once, a line each."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.analysis.progress import PHASE_WORDS, short_name
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import Occurrence, occurrences_of
from tui import safe
from tui.pictures.triggers.lines import lost_text, milliseconds, short_place

BLAMED = {"expected": " (expected)", "artefact": " (artefact)"}
"""What isn't the user's doing is marked as such."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What there was of a run, and whether a step that was held up goes on, whose end would be news."""

    key: tuple[object, ...]
    waits: bool
    found: tuple[Occurrence, ...]


class Explained:
    """What torch.compile did in a session, explained, run by run."""

    def __init__(self) -> None:
        self._runs: dict[str, _Seen] = {}

    def of(self, run: RunState) -> tuple[Occurrence, ...]:
        """The occurrences of ``run`` in the order in which they were told; the same object while nothing is new."""
        seen = self._runs.get(run.name)
        key = (run.revision, run.outcome)
        if seen is not None and seen.key == key and not seen.waits:
            return seen.found
        found = tuple(occurrences_of(run))
        if seen is not None and seen.found == found:
            found = seen.found
        self._runs[run.name] = _Seen(key, not all(settled(run, one) for one in found), found)
        return found


def why_silent(session: SessionState) -> str:
    """Why torch tells nothing of what it compiles; "" where it does. Safe to show."""
    reasons = (
        run.environment.trace_reason or "its structured trace did not answer"
        for run in session.runs.values()
        if run.environment is not None and not run.environment.trace and run.case.compilation.variant != "no-compile"
    )
    return safe.line(next(reasons, ""), 200)


def settled(run: RunState, one: Occurrence) -> bool:
    """Whether the step that it held up has ended, or will never: then all is known of what that cost."""
    place = one.place
    call = run.calls.get(place.call) if place.call is not None else None
    if call is None or place.step is None or call.ended or run.outcome is not None:
        return True
    return place.step_ms is not None


def told_ns(run: RunState, one: Occurrence) -> int:
    """When it was over: a compile's line is about its end."""
    found = run.compiles.get((one.epoch, one.id)) if one.id is not None else None
    if found is None or one.kind not in ("compile", "recompile", "failure", "limit"):
        return one.t
    return (found.limit or found.end or found).t


def what(one: Occurrence) -> str:
    """What was compiled, short enough for one line: the class and the component it is in."""
    return short_name(one.module, one.fqn, one.function, one.id)


def compile_text(one: Occurrence) -> str:
    """An occurrence in one line; of a recompile first why, then what again, how long, and what that cost which step."""
    if one.running:
        return _under_way(one)
    took = milliseconds(one.cost.ms) if one.cost is not None else ""
    if one.kind == "compile":
        return f"{what(one)} compiled in {took}{_from_cache(one)}" if took else f"{what(one)}: the compile never ended"
    if one.kind == "failure":
        return f"{one.sentence}{f', after {took}' if took else ''}"
    text = f"{one.sentence}{blamed(one)}"
    if one.kind != "recompile":
        return text
    # The sentence of an artefact names the module itself.
    again = "" if one.blame == "artefact" else f": {what(one)} again"
    return f"{text}{again} in {took}{_held_up(one)}" if took else f"{text}{again}: the compile never ended"


def blamed(one: Occurrence) -> str:
    """A remark in brackets on what isn't the user's doing; nothing where it is, or nobody knows."""
    if one.kind == "compile" or one.sentence.startswith(one.blame):
        return ""
    return BLAMED.get(one.blame, "")


def _under_way(one: Occurrence) -> str:
    phase = PHASE_WORDS.get(one.phase, one.phase)
    text = f"compiling {what(one)}{f', {phase}' if phase else ''}"
    return f"{one.sentence}{blamed(one)}: {text}" if one.kind == "recompile" else text


def _held_up(one: Occurrence) -> str:
    where = short_place(one)
    if not where:
        return ""
    lost = lost_text(one.place.lost_ms)
    return f", {where} lost {lost}" if lost else f", {where}"


def _from_cache(one: Occurrence) -> str:
    caches = one.cost.caches if one.cost is not None else []
    return " (from the cache)" if caches and all(" hit" in lookup for lookup in caches) else ""
