"""The list of triggers: a line a group, and unfolded a line an occurrence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from profiler.analysis.triggers import Group, Occurrence
from profiler.request import Case, Request
from tui import safe
from tui.pictures import words
from tui.pictures.looks import Look, case_look
from tui.pictures.names import case_label

SYMBOLS = {"compile": "C", "recompile": "R", "failure": "!", "limit": "L", "break": "B", "eager": "E", "cudagraph": "G"}
STYLES = {
    "compile": "quiet",
    "recompile": "mark:R",
    "failure": "bad",
    "limit": "bad",
    "break": "mark:B",
    "eager": "bad",
    "cudagraph": "warn",
}
BLAMES = {
    "user": ("yours", "bold warn"),
    "expected": ("expected", "quiet"),
    "artefact": ("artefact", "quiet"),
    "unknown": ("?", "warn"),
}


StepKey = tuple[str, int | None, int | None, int | None]
"""A step: run, call, loop, step."""


@dataclass(frozen=True, slots=True)
class CaseLook:
    """How a case is told from the others, in symbols and in words."""

    marker: str
    marker_ascii: str
    style: str
    label: str


@dataclass(frozen=True, slots=True)
class TriggerLine:
    """A group or, with ``one``, an occurrence of it. All text is safe."""

    key: str
    symbol: str
    style: str
    case: CaseLook
    count: str
    took: str
    lost: str
    blame: str
    blame_style: str
    sentence: str
    module: str
    place: str  # of an occurrence
    running: bool
    group: Group
    one: Occurrence | None = None
    members: tuple[TriggerLine, ...] = ()


def case_looks(request: Request) -> dict[str, CaseLook]:
    """The look of every case of a session, by the case's name."""
    return {case.name: _look(case_look(case, request), case, request) for case in request.cases}


def _look(look: Look, case: Case, request: Request) -> CaseLook:
    return CaseLook(look.style.marker, look.style.ascii_marker, look.word, case_label(case, request))


def trigger_line(group: Group, looks: dict[str, CaseLook], *, repeats: bool) -> TriggerLine:
    """The line of a group and those of its occurrences, in the order in which they came."""
    members = sorted(group.occurrences, key=lambda one: one.t)
    told = partial(_member, group=group, look=looks[group.case], repeats=repeats)
    blame, blame_style = BLAMES[group.blame]
    return TriggerLine(
        key=group.key,
        symbol=SYMBOLS[group.kind],
        style="accent" if group.running else STYLES[group.kind],
        case=looks[group.case],
        count=f"{group.count}x",
        took=milliseconds(group.total_ms) if group.total_ms else "running" if group.running else "",
        lost=lost_text(group.lost_ms),
        blame=blame,
        blame_style=blame_style,
        sentence=f"compiling: {_sentence(group)}" if group.running and group.total_ms else _sentence(group),
        module=_module(group),
        place="",
        running=group.running,
        group=group,
        members=tuple(told(one) for one in members),
    )


def _member(one: Occurrence, *, group: Group, look: CaseLook, repeats: bool) -> TriggerLine:
    blame, blame_style = BLAMES[one.blame]
    return TriggerLine(
        key=one.key,
        symbol=SYMBOLS[one.kind],
        style="accent" if one.running else STYLES[one.kind],
        case=look,
        count=f"#{one.repeat}" if repeats else "",
        took="running" if one.running else milliseconds(one.cost.ms if one.cost else None),
        lost=lost_text(one.place.lost_ms),
        blame=blame,
        blame_style=blame_style,
        sentence=_sentence(one),
        module=_module(one),
        place=short_place(one),
        running=one.running,
        group=group,
        one=one,
    )


def _module(found: Group | Occurrence) -> str:
    """The class alone: the details have the qualified name."""
    name = found.module or (found.function if isinstance(found, Occurrence) else "")
    return safe.line(name or (found.fqn or ""), 80)


def _sentence(found: Group | Occurrence) -> str:
    """The sentence without qualified names: they would leave no room for the rest, and the details have them."""
    text = found.sentence
    if found.fqn and found.module:
        text = text.replace(f"{found.fqn} {found.module}", found.module)
    return safe.line(text, 400)


def step_key(one: Occurrence) -> StepKey:
    """The step that an occurrence held up; occurrences between steps have the same where nothing tells them apart."""
    return one.run, one.place.call, one.place.loop, one.place.step


def compiles(one: Occurrence) -> bool:
    """Whether it is a compile, which takes time of its own; a graph break, say, is within one."""
    return one.running or one.cost is not None


def held(every: Iterable[Occurrence]) -> Counter[StepKey]:
    """How many compiles held up each step."""
    return Counter(step_key(one) for one in every if compiles(one))


def short_place(one: Occurrence) -> str:
    """Where it happened, as short as it can be said: ``call 3 step 1``; steps are counted from 1 here."""
    place = one.place
    parts: list[str] = []
    if place.measured is not None:
        parts.append(f"call {place.measured}")
    elif place.phase == "compile":
        parts.append("compiling call")
    elif place.phase == "warmup":
        parts.append("warm-up")
    elif place.phase:
        parts.append(safe.line(place.phase, 20))
    if place.step is not None:
        parts.append(f"step {place.step + 1}")
    elif place.stage:
        parts.append(safe.line(place.stage, 20))
    return " ".join(parts)


def milliseconds(value: float | None) -> str:
    """A duration given in ms, in its unit: ``31.0 ms``, ``1.22 s``, ``12 min``; "" where there is none."""
    if value is None:
        return ""
    if abs(value) < 1000:
        return f"{words.decimal(value)} ms"
    return f"-{words.seconds(-value / 1000)}" if value < 0 else words.seconds(value / 1000)


def lost_text(value: float | None) -> str:
    """What a step lost, given in ms: a part of a millisecond is noise, of which one digit does; "" if not known."""
    if value is None or abs(value) >= 1:
        return milliseconds(value)
    return f"{value:.1f} ms".replace("-0.0", "0.0")
