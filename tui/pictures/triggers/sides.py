"""Two cases' compiles side by side: what they come to, and which triggers they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profiler.analysis.state import SessionState
from profiler.analysis.triggers import Group, Occurrence, Side, groups, summary
from tui import safe
from tui.pictures import words
from tui.pictures.triggers.lines import STYLES, SYMBOLS, CaseLook, milliseconds
from tui.pictures.triggers.phases import look_of


@dataclass(frozen=True, slots=True)
class SideLine:
    """A figure of both, or a trigger that one or both have. ``meaning`` explains a figure."""

    key: str
    label: str
    label_style: str
    left: str
    right: str
    difference: str
    meaning: str = ""
    group: Group | None = None  # of a trigger: the left one's where both have it


@dataclass(frozen=True, slots=True)
class Sides:
    """``left`` and ``right`` are None where there are no two cases to put side by side: then ``empty`` says so."""

    left: CaseLook | None = None
    right: CaseLook | None = None
    left_case: str = ""
    right_case: str = ""
    lines: tuple[SideLine, ...] = ()
    empty: str = ""

    def next(self, names: Sequence[str], side: str) -> tuple[str, str]:
        """The left and the right case of ``names`` once the one on ``side`` gave way to the next that isn't seen."""
        now, other = (self.left_case, self.right_case) if side == "left" else (self.right_case, self.left_case)
        place = names.index(now) if now in names else -1
        chosen = next((name for name in (*names[place + 1 :], *names[: max(place, 0)]) if name != other), now)
        return (chosen, other) if side == "left" else (other, chosen)


def comparable(session: SessionState) -> list[str]:
    """The names of the cases that compile, then of those that don't."""
    every = session.request.cases
    compiled = [case.name for case in every if case.compilation.variant != "no-compile"]
    return compiled + [case.name for case in every if case.compilation.variant == "no-compile"]


def sides(
    session: SessionState,
    every: Sequence[Occurrence],
    looks: dict[str, CaseLook],
    left: str | None,
    right: str | None,
) -> Sides:
    """The case ``left`` beside ``right``; None: the first two that compile."""
    names = comparable(session)
    if len(names) < 2:
        return Sides(empty="one case alone was measured: there is nothing to put beside it")
    one = left if left in names else next(name for name in names if name != right)
    other = right if right in names and right != one else next(name for name in names if name != one)
    both = summary(session, one), summary(session, other)
    lines = [*_figures(*both), *_shared(every, *both)]
    return Sides(looks[one], looks[other], one, other, tuple(lines))


def _figures(left: Side, right: Side) -> list[SideLine]:
    lines: list[SideLine] = []

    def add(label: str, of: Callable[[Side], float | None], told: Callable[[float], str], meaning: str) -> None:
        values = of(left), of(right)
        if not any(values):
            return
        texts = [words.NOTHING if value is None else told(value) for value in values]
        change = ""
        if values[0] is not None and values[1] is not None and values[0] != values[1]:
            change = f"{'+' if values[1] > values[0] else '-'}{told(abs(values[1] - values[0]))}"
        lines.append(SideLine(f"figure {label}", label, "", texts[0], texts[1], change, meaning))

    def number(value: float) -> str:
        return f"{value:.0f}"

    def in_s(value: float) -> str:
        return milliseconds(value * 1000)

    if left.run is None or right.run is None:
        missing = left if left.run is None else right
        lines.append(
            SideLine("figure none", f"no run of {safe.line(missing.case, 60)} began yet", "warn", "", "", "", "")
        )
    add("time to compile", lambda side: side.seconds, in_s, "Of the run that compiled longest; repeats compile alike.")
    add("without tracing", lambda side: side.net_seconds, in_s, "Without torch telling what it does.")
    for phase in dict.fromkeys(part.phase for part in (*left.parts, *right.parts)):
        look = look_of(phase)

        def of_phase(side: Side, phase: str = phase) -> float | None:
            return sum(part.ms for part in side.parts if part.phase == phase) / 1000

        add(f"  {look.letter} {look.name}", of_phase, in_s, "A part of the time, without those inside it.")
    add("frames compiled", lambda side: side.compiles, number, "First compiles of a frame.")
    add("recompiles", lambda side: side.recompiles, number, "A frame compiled again, since no entry fitted.")
    add("graph breaks", lambda side: side.graph_breaks, number, "Where a graph ends and Python goes on.")
    add("limits reached", lambda side: side.limit_hits, number, "From then on such a frame runs eager.")
    add("eager steps", lambda side: side.eager_fallback_steps, number, "Steps with fewer compiled graphs than before.")
    add("operators", lambda side: side.operators, number, "Of all graphs together.")
    add("guards", lambda side: side.guards, number, "Of all entries together: each call checks them.")
    add("guards, each call", lambda side: side.guard_ms, milliseconds, "To check the guards of every entry once.")
    for name in dict.fromkeys((*left.caches, *right.caches)):

        def of_cache(side: Side, name: str = name) -> float | None:
            return side.caches.get(name, 0)

        meaning = "Lookups in the caches of compiled code, by how they ended."
        add(f"cache {safe.line(name.replace('_', ' '), 30)}", of_cache, number, meaning)
    return lines


def _shared(every: Sequence[Occurrence], left: Side, right: Side) -> list[SideLine]:
    """The triggers of both sides' runs, matched by all that makes a group of them; what they have in common first."""
    found: dict[tuple[str, ...], list[Group | None]] = {}
    for place, side in enumerate((left, right)):
        for group in groups([one for one in every if one.run == side.run]):
            one = group.occurrences[0]
            named = group.module or "", one.argument or "", one.dimension or ""
            found.setdefault((group.kind, group.cause, group.blame, *named), [None, None])[place] = group
    lines = []
    for key, both in sorted(found.items(), key=lambda item: None in item[1]):
        told = both[0] or both[1]
        assert told is not None
        style = STYLES[told.kind]
        lines.append(SideLine(" ".join(key), _label(told), style, _sums(both[0]), _sums(both[1]), "", "", told))
    return lines


def _label(group: Group) -> str:
    """What it is about: the argument where there is one, else the class of the cause; and that it isn't the user's."""
    one = group.occurrences[0]
    about = " ".join(part for part in (one.argument, one.dimension) if part) or group.cause
    parts = (SYMBOLS[group.kind], group.module, about)
    blame = f", {group.blame}" if group.blame in ("expected", "artefact") and group.kind != "compile" else ""
    return safe.line(" ".join(part for part in parts if part) + blame, 80)


def _sums(group: Group | None) -> str:
    if group is None:
        return words.NOTHING
    return f"{group.count}x {milliseconds(group.total_ms)}" if group.total_ms else f"{group.count}x"
