"""What torch.compile did, as Live and plain lines tell it: explained once, a line each."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.analysis.compiles import Compile
from profiler.analysis.progress import PHASE_WORDS, short_name
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import Occurrence, explained
from tui.pictures.triggers.lines import milliseconds, short_place

BLAMED = {"expected": " (expected)", "artefact": " (artefact)"}
"""What isn't the user's doing is marked as such."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An explanation and what it was made from."""

    made_of: tuple[object, ...]
    calls: int
    one: Occurrence


class Explained:
    """The compiles of a session, explained. Only those of which something new is known are explained again."""

    def __init__(self, session: SessionState) -> None:
        self._session = session
        self._kept: dict[tuple[str, int, str], _Kept] = {}
        self._runs: dict[str, tuple[tuple[object, ...], bool, tuple[Occurrence, ...]]] = {}

    def of(self, run: RunState) -> tuple[Occurrence, ...]:
        """The compiles of ``run`` in the order in which they were told; the same object while nothing is new."""
        key: tuple[object, ...] = (run.revision, run.outcome)
        seen = self._runs.get(run.name)
        # A step that ends is no news but to a compile that held it up.
        if seen is not None and seen[0] == key and not seen[1]:
            return seen[2]
        found = tuple(self.one(run, compiled) for compiled in run.compiles.values())
        waiting = any(not step_over(run, compiled) for compiled in run.compiles.values())
        if seen is not None and found == seen[2]:
            found = seen[2]
        self._runs[run.name] = (key, waiting, found)
        return found

    def one(self, run: RunState, found: Compile) -> Occurrence:
        """One compile of ``run``."""
        made_of = (
            found.phase,
            found.module,
            found.recompile,
            len(found.reasons),
            found.end is None,
            found.limit is None,
            step_over(run, found),
            run.outcome is None,
        )
        kept = self._kept.get((run.name, found.epoch, found.id))
        # What a step lost isn't known before others of its loop show how long they usually take.
        if kept is not None and kept.made_of == made_of and (_settled(kept.one) or kept.calls == len(run.calls)):
            return kept.one
        one = explained(self._session, run, found)
        self._kept[run.name, found.epoch, found.id] = _Kept(made_of, len(run.calls), one)
        return one


def _settled(one: Occurrence) -> bool:
    return one.place.step is None or one.place.lost_ms is not None


def step_over(run: RunState, found: Compile) -> bool:
    """Whether the step that ``found`` held up has ended, or will never: then it is known what that lost."""
    call = run.calls.get(found.call) if found.call is not None else None
    if call is None or found.step is None or call.ended or run.outcome is not None:
        return True
    loop = call.loops.get(found.loop or 0)
    if loop is not None and loop.ns is not None:
        return True
    return call.steps - sum(other.evaluations for other in call.loops.values()) > found.step


def what(one: Occurrence) -> str:
    """What was compiled, short enough for one line: the class and the component it is in."""
    return short_name(one.module, one.fqn, one.function, one.id)


def compile_text(one: Occurrence) -> str:
    """A compile in one line; of a recompile first why, then what again, how long, and what that cost which step."""
    if one.running:
        return _under_way(one)
    took = milliseconds(one.cost.ms) if one.cost is not None else "an unknown time"
    match one.kind:
        case "recompile":
            return f"{one.sentence}{blamed(one)}: {what(one)} again in {took}{_held_up(one)}"
        case "compile":
            return f"{what(one)} compiled in {took}{_from_cache(one)}"
        case "failure":
            return f"{what(one)}: the compile failed after {took}: {one.sentence}"
        case _:
            return f"{what(one)}: {one.sentence}"


def blamed(one: Occurrence) -> str:
    """A remark in brackets on what isn't the user's doing; nothing where it is, or nobody knows."""
    return "" if one.sentence.startswith(one.blame) else BLAMED.get(one.blame, "")


def _under_way(one: Occurrence) -> str:
    phase = PHASE_WORDS.get(one.phase, one.phase)
    text = f"compiling {what(one)}{f', {phase}' if phase else ''}"
    return f"{one.sentence}{blamed(one)}: {text}" if one.kind == "recompile" else text


def _held_up(one: Occurrence) -> str:
    where = short_place(one)
    if not where:
        return ""
    lost = one.place.lost_ms
    return f", {where}" if lost is None else f", {where} lost {milliseconds(lost)}"


def _from_cache(one: Occurrence) -> str:
    caches = one.cost.caches if one.cost is not None else []
    return " (from the cache)" if caches and all(" hit" in lookup for lookup in caches) else ""
