"""Why things were compiled, as text and as a document: what ``stepscope triggers`` and exports of it say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from profiler.analysis import triggers
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import Group, Lines, Occurrence, Place
from profiler.report import SCHEMA
from profiler.report.text import duration, in_one_run, shortened
from profiler.report.triggerpages import Markdown, Plain

WIDTH = 80


class Incomplete(msgspec.Struct, kw_only=True):
    """A run of which not everything that torch.compile did is known."""

    run: str
    why: str


class TriggersDocument(msgspec.Struct, kw_only=True):
    """``stepscope triggers SESSION --json``. ``found`` of ``all`` occurrences have passed the filters."""

    schema: int = SCHEMA
    session: str
    state: str
    copied: bool  # as in ``show``
    filters: list[str]  # those given, as they were typed
    all: int
    found: int
    groups: list[Group]  # of all cases, the costliest first
    incomplete: list[Incomplete]


def triggers_document(
    session: SessionState,
    found: Sequence[Occurrence] | None = None,
    *,
    filters: Sequence[str] = (),
    copied: bool = False,
) -> TriggersDocument:
    """The occurrences ``found`` (None: all of the session), grouped."""
    every = triggers.occurrences(session)
    kept = every if found is None else found
    return TriggersDocument(
        session=session.session,
        state=session.state,
        copied=copied,
        filters=list(filters),
        all=len(every),
        found=len(kept),
        groups=triggers.groups(kept),
        incomplete=incomplete(session),
    )


def trigger_lines(
    session: SessionState,
    found: Sequence[Occurrence] | None = None,
    *,
    width: int = WIDTH,
    every: bool = False,
    markdown: bool = False,
) -> list[str]:
    """The occurrences ``found`` (None: all of the session) as text: case by case the groups, then each of them in full.

    ``width``: columns of plain text. ``every``: each occurrence is told. The text holds what logs say: it has to be
    made showable before it reaches a terminal.
    """
    kept = triggers.occurrences(session) if found is None else found
    page = Markdown() if markdown else Plain(width)
    lines: list[str] = []
    for case in session.request.cases:
        grouped = triggers.groups(one for one in kept if one.case == case.name)
        if grouped:
            lines += [""] if lines else []
            begun = sum(1 for run in session.runs_of(case.name) if run.header is not None)
            lines += [*page.heading(case.name, _totals(grouped, begun)), *page.table(grouped)]
            if _share_steps(grouped):
                lines += ["", *page.paragraph(LOST_TWICE)]
            for number, group in enumerate(grouped, start=1):
                if every or needs_telling(group):
                    lines += ["", *page.group(number, group, list(_facts(group, every=every)))]
    short = incomplete(session)
    if short:
        lines += [""] if lines else []
        lines += [line for one in short for line in page.paragraph(f"{one.run}: {one.why}")]
    return lines


LOST_TWICE = "lost: what the steps lost that were held up; one that several rows held up is counted in each of them"


def _share_steps(grouped: Sequence[Group]) -> bool:
    """Whether a step was held up by several groups, so that what they lost can't be added up."""
    steps = [
        {(one.run, one.place.call, one.place.loop, one.place.step) for one in group.occurrences if one.place.lost_ms}
        for group in grouped
    ]
    return sum(map(len, steps)) > len(set().union(*steps))


def incomplete(session: SessionState) -> list[Incomplete]:
    """The runs whose compile events are not all there, and why."""
    return [Incomplete(run=run.name, why=why) for run in session.runs.values() for why in _shortcomings(run)]


def _shortcomings(run: RunState) -> Iterator[str]:
    if run.environment is not None and not run.environment.trace:
        yield f"torch's structured trace did not answer: {run.environment.trace_reason or 'no reason given'}"
    if run.monitor_errors:
        yield f"{run.monitor_errors} record{'s' * (run.monitor_errors > 1)} of torch's trace could not be read"
    if run.losses.lost or run.losses.bad:
        yield f"of its log {run.losses.lost} records are lost and {run.losses.bad} damaged"
    if run.losses.refused:
        yield f"its log can't be read: {run.losses.refused}"


def needs_telling(group: Group) -> bool:
    """Whether a reader wants more of it than its row: first compiles and artefacts are as they should be."""
    return group.blame != "artefact" and group.kind != "compile"


def _totals(grouped: Sequence[Group], begun: int) -> str:
    """What was found in all runs of a case, of which ``begun`` have begun, and what of it in the run with the most."""
    kinds: dict[str, int] = {}
    for group in grouped:
        kinds[group.kind] = kinds.get(group.kind, 0) + group.count
    said = [f"{number} {_KINDS[kind][number != 1]}" for kind, number in sorted(kinds.items(), key=_by_kind)]
    runs = len({one.run for group in grouped for one in group.occurrences})
    text = (
        f"{', '.join(said)} in {runs} run{'s' * (runs != 1)}, {duration(sum(one.total_ms for one in grouped))} in all"
    )
    every = [one for group in grouped for one in group.occurrences]
    again = Counter(one.run for one in every if one.kind == "recompile")
    if again and begun > 1:
        most = max(again.values())
        text += f"; {in_one_run(f'{most} recompile' + 's' * (most > 1), begun)}"
    counts = {
        "in measured calls": sum(group.measured for group in grouped),
        "under way": sum(1 for one in every if one.running),
        "never ended": sum(1 for one in every if one.kind in _COMPILES and one.cost is None and not one.running),
    }
    return text + "".join(f"; {number} {what}" for what, number in counts.items() if number)


_KINDS: dict[str, tuple[str, str]] = {
    "compile": ("first compile", "first compiles"),
    "recompile": ("recompile", "recompiles"),
    "failure": ("failed compile", "failed compiles"),
    "limit": ("hit of the recompile limit", "hits of the recompile limit"),
    "break": ("graph break", "graph breaks"),
    "eager": ("fall to eager", "falls to eager"),
    "cudagraph": ("CUDA graph event", "CUDA graph events"),
}


_COMPILES = ("compile", "recompile", "failure")
"""Kinds that have a cost once they have ended."""


def _by_kind(counted: tuple[str, int]) -> int:
    return list(_KINDS).index(counted[0])


def _facts(group: Group, *, every: bool) -> Iterator[tuple[str, str]]:
    """(name, text) of what there is to say of a group."""
    first = group.occurrences[0]
    if group.why:
        yield "why", group.why
    if group.advice is not None:
        yield "remedy", group.advice.remedy
        if group.advice.link:
            yield "see", group.advice.link
    if first.guard:
        yield "guard", first.guard.partition("\n")[0]
    code, meant = first.code, _meant(first.code)
    called_there = code is not None and (first.caller or "").startswith(f"{code.file}:{code.line} ")
    if code is not None and not called_there:
        yield "code", f"{shortened(code.file)}:{code.line}{meant}"
    for text in first.dynamic:
        yield "dynamic", text
    took = parts_text(group.occurrences)
    if took:
        yield "took", took
    if every:
        for one in group.occurrences:
            yield one.id or one.kind, f"{one.run}: {occurrence_text(one)}"
    else:
        more = group.count - 1
        yield "where", f"{first.run}: {place_text(first.place)}" + (f"; and {more} more" if more else "")
    if first.caller:
        yield "caller", shortened(first.caller) + (meant if called_there else "")


def _meant(code: Lines | None) -> str:
    """The line of code that is meant, to be put behind its place."""
    line = code.line - code.first if code is not None else -1
    return f": {code.lines[line].strip()}" if code is not None and 0 <= line < len(code.lines) else ""


def occurrence_text(one: Occurrence) -> str:
    """Where one occurrence happened, what it took, and what it was about."""
    took = f", {duration(one.cost.ms)} of compiling" if one.cost is not None else ""
    what = " ".join(part for part in (one.fqn, one.module) if part) or one.function
    return f"{place_text(one.place)}{took}{f', {what}' if what else ''}: {one.sentence}"


def place_text(place: Place) -> str:
    """Call, stage and step, counted from 1: ``measured call 2 (768x768), denoise, step 1: 9.02 s, usually 40 ms``."""
    if place.call is None:
        return "outside any call"
    words = {"compile": "compiling call", "warmup": "warm-up call"}
    where = words.get(place.phase or "", f"call {place.call + 1}")
    where = where if place.measured is None else f"measured call {place.measured}"
    where += f" ({place.leg})" if place.leg else ""
    where += f", {place.stage}" if place.stage else ""
    if place.step is None:
        return where
    where += f", step {place.step + 1}"
    if place.step_ms is not None:
        where += f": {duration(place.step_ms)}"
        where += f", usually {duration(place.usual_ms)}" if place.usual_ms is not None else ""
    return where


def parts_text(found: Sequence[Occurrence]) -> str:
    """What the compiles took together, phase by phase, as "19.0 s: dynamo 4.1 s, aot 2.9 s"; "" of none."""
    costs = [one.cost for one in found if one.cost is not None]
    if not costs:
        return ""
    sums: dict[str, float] = {}
    for cost in costs:
        for part in cost.parts:
            sums[part.phase] = sums.get(part.phase, 0.0) + part.ms
    said = ", ".join(f"{phase} {duration(ms)}" for phase, ms in sums.items())
    return duration(sum(cost.ms for cost in costs)) + (f": {said}" if said else "")
