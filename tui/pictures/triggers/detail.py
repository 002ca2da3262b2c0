"""Everything there is to say of one trigger, as paragraphs: what the detail pane lays out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from profiler.analysis.progress import PHASE_WORDS
from profiler.analysis.triggers import Cost, Group, Lines, Occurrence, Part
from tui import safe
from tui.pictures import words
from tui.pictures.triggers.lines import CaseLook, StepKey, compiles, lost_text, milliseconds, step_key
from tui.pictures.triggers.lines import held as counted

LONGEST = 4000
"""Characters of one text that are shown; what is longer is cut with a sign."""

MOST_LINES = 200
"""Lines of a text or a stack that are shown; of more it is said how many are left out."""

KIND_WORDS = {
    "compile": "a first compile",
    "recompile": "a recompile",
    "failure": "a compile that failed",
    "limit": "refused: the recompile limit was reached",
    "break": "a graph break",
    "eager": "the silent fall to eager",
    "cudagraph": "a CUDA graph skipped or recorded again",
}
BLAME_WORDS = {
    "user": "yours to change",
    "expected": "expected, once",
    "artefact": "an artefact of counting",
    "unknown": "the text says too little to tell whose",
}


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph with a label before it; ``text`` is one line. ``code`` is wrapped without joining its blanks.

    ``head``: it has no label and takes the whole width. ``hang``: cells by which what is wrapped is indented.
    """

    label: str
    text: str
    style: str = ""
    code: bool = False
    head: bool = False
    hang: int = 0


@dataclass(frozen=True, slots=True)
class PhaseBar:
    """The parts of one compile: a bar and its legend. They add up to ``ms``."""

    label: str
    parts: tuple[Part, ...]
    ms: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Where a blank row stands if there is room."""


Block = Para | PhaseBar | Gap
Detail = tuple[Block, ...]


def detail(
    group: Group | None,
    one: Occurrence | None,
    look: CaseLook,
    *,
    marker: str,
    held: Mapping[StepKey, int] = MappingProxyType({}),
) -> Detail:
    """The paragraphs of ``one`` occurrence, without it of a group. ``marker`` goes before the case's name, ``held``
    says how many compiles held up a step.

    Of a group with several occurrences its own sums come first, then the one that cost most.
    """
    told = one or (costliest(group) if group is not None else None)
    if told is None:
        return ()
    whole = group if one is None and group is not None and group.count > 1 else None
    blocks = [*_head(whole or told, told), Gap()]
    if whole is not None:
        group = whole
        blocks += [
            *_sums(group, held),
            Gap(),
            Para("costliest", _clean(told.sentence if told.sentence != group.sentence else _where(told)), "bold"),
        ]
    blocks += _place(told, look, marker)
    blocks += [Gap(), *_cost(told, held.get(step_key(told), 0) - compiles(told)), Gap(), *_guard(told), *_code(told)]
    return tuple(blocks)


def costliest(group: Group) -> Occurrence:
    """The occurrence that took longest, of equals the one whose step lost most."""
    return max(
        group.occurrences, key=lambda one: (one.running, one.cost.ms if one.cost else 0.0, one.place.lost_ms or 0.0)
    )


def _head(found: Group | Occurrence, one: Occurrence) -> Iterator[Block]:
    """The sentence, what it means and what to do."""
    yield Para("", _clean(found.sentence), "bold", head=True)
    if one.running:
        phase = PHASE_WORDS.get(one.phase, safe.line(one.phase, 40))
        phase = f", at {phase}" if phase else ""
        yield Para("", f"still compiling{phase}", "accent", head=True)
    if found.why:
        yield Para("", _clean(found.why), head=True)
    if found.advice is not None:
        yield Para("do", _clean(found.advice.remedy), "bold good")
        if found.advice.link:
            yield Para("read", _clean(found.advice.link), "accent")


def _sums(group: Group, held: Mapping[StepKey, int]) -> Iterator[Block]:
    measured = f", {group.measured} of them in measured calls" if group.measured else ", none in a measured call"
    runs = f" in {words.count(group.runs, 'run')}" if group.runs > 1 else ""
    yield Para("came", f"{_times(group.count)}{runs}{measured}")
    if group.total_ms:
        own = counted(group.occurrences)
        shared = ", to others too" if any(held.get(step, 0) > number for step, number in own.items()) else ""
        lost = f"; the steps lost {lost_text(group.lost_ms)}{shared}" if group.lost_ms is not None else ""
        yield Para("cost", f"{milliseconds(group.total_ms)} in all, {milliseconds(group.worst_ms)} the longest{lost}")


def _place(one: Occurrence, look: CaseLook, marker: str) -> Iterator[Block]:
    what = " ".join(part for part in (one.module, one.fqn) if part) or one.function or one.id or "a frame"
    yield Para("what", _clean(f"{what}  {KIND_WORDS[one.kind]}, {BLAME_WORDS[one.blame]}"))
    if one.argument or one.expected or one.actual:
        dimension = f" {one.dimension}" if one.dimension else ""
        change = f"  {one.expected} → {one.actual}"
        if not (one.expected and one.actual):
            change = f"  now {one.actual}" if one.actual else f"  was {one.expected}" if one.expected else ""
        yield Para("changed", _clean(f"{one.argument or ''}{dimension}{change}".strip()), "warn")
    yield Para("where", _clean(f"{marker} {look.label} #{one.repeat}, {_where(one)}".strip(" ,")))


def _where(one: Occurrence) -> str:
    place = one.place
    parts: list[str] = []
    if place.measured is not None:
        parts.append(f"measured call {place.measured}")
    elif place.phase == "compile":
        parts.append("the compiling call")
    elif place.phase == "warmup":
        parts.append("a warm-up call")
    elif place.phase:
        parts.append(f"phase {place.phase}")
    if place.leg:
        parts.append(f'leg "{place.leg}"')
    if place.stage:
        parts.append(f"stage {place.stage}")
    if place.loop:
        parts.append(f"loop {place.loop + 1}")
    if place.step is not None:
        parts.append(f"step {place.step + 1}")
    return _clean(", ".join(parts) or "outside any call")


def _cost(one: Occurrence, others: int) -> Iterator[Block]:
    """What it took; ``others``: compiles that held up the same step."""
    cost, place = one.cost, one.place
    took: list[str] = []
    if cost is not None:
        took.append(f"{milliseconds(cost.ms)} to compile")
    if place.step_ms is not None:
        took.append(f"its step took {milliseconds(place.step_ms)}")
    if place.usual_ms is not None and took:
        took.append(f"usually {milliseconds(place.usual_ms)}")
    if place.lost_ms is not None:
        shared = f" to this and {words.count(others, 'other compile')}" if others > 0 else ""
        took.append(f"lost {lost_text(place.lost_ms)}{shared}")
    if took:
        yield Para("took", ", ".join(took))
    if cost is None:
        return
    if cost.parts:
        yield PhaseBar("phases", tuple(cost.parts), cost.ms)
    made = _made(cost)
    if made:
        yield Para("made", made)
    if cost.caches:
        yield Para("caches", _clean(", ".join(cost.caches)))
    if cost.overhead_ms is not None:
        own = f", of that this program's own handler {milliseconds(cost.handler_ms)}" if cost.handler_ms else ""
        net = milliseconds(cost.net_ms)
        yield Para("tracing", f"{milliseconds(cost.overhead_ms)} of it is torch telling what it does{own}; net {net}")


def _made(cost: Cost) -> str:
    made: list[str] = []
    if cost.operators is not None:
        made.append(words.count(cost.operators, "operator"))
    if cost.guards is not None:
        made.append(words.count(cost.guards, "guard"))
    if cost.guard_ms is not None:
        made.append(f"checking them costs each call {milliseconds(cost.guard_ms)}")
    if cost.restarts:
        made.append(f"started over {_times(cost.restarts)}")
    return ", ".join(made)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _guard(one: Occurrence) -> Iterator[Block]:
    if one.guard:
        yield from _lines("torch says", one.guard)
    for position, text in enumerate(one.others):
        yield from _lines("" if position else "others", text, "quiet")
    for position, text in enumerate(one.dynamic):
        yield Para("" if position else "dynamic", _clean(text))


def _code(one: Occurrence) -> Iterator[Block]:
    if one.code is not None:
        yield Gap()
        yield Para(
            "code", _clean(f"{one.code.what + ': ' if one.code.what else ''}{one.code.file}:{one.code.line}"), "quiet"
        )
        yield from _excerpt(one.code)
    if one.caller or one.stack:
        yield Gap()
    rest = [frame for frame in one.stack if frame != one.caller]
    if one.caller:
        yield Para("caller", _clean(one.caller))
    for position, frame in enumerate(rest[:MOST_LINES]):
        yield Para("stack" if not position else "", _clean(frame), "quiet")
    if len(rest) > MOST_LINES:
        yield Para("", f"… {len(rest) - MOST_LINES} frames more", "quiet")
    if one.file:
        yield Para("frame", _clean(f"{one.function or 'a frame'} {one.file}:{one.line}"), "quiet")
    if one.id is not None:
        entry = f"; the entry that should have matched is {one.entry}" if one.entry else ""
        epoch = f" after {words.count(one.epoch, 'reset')}" if one.epoch else ""
        yield Para("compile id", _clean(f"{one.id}{epoch}{entry}"), "quiet")


def _excerpt(code: Lines) -> Iterator[Block]:
    digits = len(str(code.first + len(code.lines)))
    for number, text in enumerate(code.lines[:MOST_LINES], start=code.first):
        meant = number == code.line
        yield Para(
            "",
            f"{'>' if meant else ' '} {number:>{digits}}  {_clean(text.expandtabs(4))}",
            "bold" if meant else "quiet",
            code=True,
            hang=digits + 4,
        )


def _lines(label: str, text: str, style: str = "") -> Iterator[Block]:
    """A text of several lines as it is, each line its own paragraph."""
    every = text[:LONGEST].splitlines() or [""]
    for position, line in enumerate(every[:MOST_LINES]):
        yield Para("" if position else label, _clean(line), style, code=bool(position))
    left_out = len(every) - MOST_LINES
    if left_out > 0:
        yield Para("", f"… {left_out} lines more", "quiet")
    elif len(text) > LONGEST:
        yield Para("", f"… {len(text) - LONGEST} characters more", "quiet")


def _clean(text: str) -> str:
    return safe.line(text, LONGEST)
