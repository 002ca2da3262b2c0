"""A session as text: what ``show`` prints, the end of a headless run, and one line of a run that ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from profiler.analysis.cases import CaseFigures, case_figures
from profiler.analysis.figures import run_figures
from profiler.analysis.legs import LegFigures
from profiler.analysis.outputs import OutputComparison
from profiler.analysis.state import RunState, SessionState
from profiler.report.columns import WIDTH, Column, Group, spoken, table
from profiler.report.heading import heading
from profiler.report.naming import short_names
from profiler.report.notes import (
    answers,
    batch_line,
    batch_text,
    doubts,
    ended_badly,
    meanings,
    paragraphs,
    recompile_lines,
    session_notes,
)
from profiler.report.rows import (
    Row,
    figure_groups,
    latency_columns,
    memory_cell,
    memory_title,
    names_of,
    rate_cell,
    ratio_cell,
)
from profiler.report.text import NOT_MEASURED, number

__all__ = ["LONGEST_LINE", "batch_line", "batch_text", "recompile_lines", "run_line", "session_lines"]

LONGEST_LINE = 4000
"""Of lines that are read aloud: whoever prints them cuts there."""


def session_lines(
    session: SessionState,
    *,
    copied: bool = False,
    width: int = WIDTH,
    baseline: str | None = None,
    outputs: Mapping[str, OutputComparison] | None = None,
    by_ear: bool = False,
) -> list[str]:
    """A session as text of at most ``width`` columns: what it is, the verdicts, a row a case, what that means, what
    puts a doubt on it, and the runs that did not end well.

    ``baseline``: the case that the others are compared with; None: the no-compile case of the same workload.
    ``by_ear``: for a screen reader, which knows of no columns: each figure with its title, and no line is folded.
    """
    rows = session_rows(session, baseline=baseline, outputs=outputs)
    notes = [*meanings(rows), *session_notes(session)]
    if by_ear:
        width = LONGEST_LINE
    return joined(
        paragraphs(heading(session, copied=copied), width),
        paragraphs(answers(rows), width),
        *(spoken_tables(rows) if by_ear else figure_tables(rows, width)),
        *(paragraphs(lines, width) for lines in (notes, doubts(rows), ended_badly(session))),
    )


def session_rows(
    session: SessionState, *, baseline: str | None = None, outputs: Mapping[str, OutputComparison] | None = None
) -> list[Row]:
    """A row a case, as short as tells the cases apart."""
    names = short_names([case.name for case in session.request.cases])
    return [
        Row(
            name=names[figures.case],
            figures=figures,
            device=session.request.device,
            baseline=names.get(figures.baseline or "", ""),
            output=(outputs or {}).get(figures.case),
        )
        for figures in case_figures(session, baseline)
    ]


def figure_tables(rows: Sequence[Row], width: int) -> list[list[str]]:
    """The figures of each row, then a row a loop and a row a leg where there are several."""
    return [
        table(names_of(rows), figure_groups(rows), width),
        table(*loop_part(rows), width),
        table(*leg_part(rows), width),
    ]


def spoken_tables(rows: Sequence[Row]) -> list[list[str]]:
    """What `figure_tables` shows, a line for each row and group of figures."""
    parts = ((names_of(rows), figure_groups(rows)), loop_part(rows), leg_part(rows))
    return [spoken(names, groups) for names, groups in parts]


def loop_part(rows: Sequence[Row]) -> tuple[list[Column], list[Group]]:
    """A row a loop of the rows that have several: what names it, and its figures. No row where none has."""
    found = [(row, loop) for row in rows if len(row.figures.loops) > 1 for loop in row.figures.loops]
    loops = [loop for _, loop in found]
    columns = [
        Column("iterations", [str(loop.iterations) for loop in loops]),
        Column("it/s", [number(loop.iterations_per_second, 2) for loop in loops]),
        *latency_columns(loops),
        Column("denoisers", [", ".join(loop.denoisers) for loop in loops], right=False),
    ]
    names = _names([row for row, _ in found], "loop", [loop.name for loop in loops])
    return names, [Group("loops", columns)]


def leg_part(rows: Sequence[Row]) -> tuple[list[Column], list[Group]]:
    """A row a leg of the rows whose scenario has legs, in the same way."""
    found = [(row, leg) for row in rows for leg in row.figures.legs]
    legs = [leg for _, leg in found]
    speed = [
        Column("clean", [f"{leg.clean_calls}/{leg.calls}" for leg in legs]),
        Column("it/s", [rate_cell(leg.loops) for leg in legs]),
        Column("speed-up", [cell for row in rows for cell in _leg_speedups(row.figures)]),
        *latency_columns([leg.steps for leg in legs]),
        Column("images/s", [number(leg.images_per_second, 2) for leg in legs], spare=True),
    ]
    compiling = [
        Column("1st call ms", [number(leg.first_call_ms, 0) for leg in legs]),
        Column("call ms", [number(leg.call_ms, 0) for leg in legs]),
        Column("compiles", [str(leg.compiles) for leg in legs]),
        Column("recompiles", [str(leg.recompiles) for leg in legs]),
        Column("compile s", [_compile_seconds(leg) for leg in legs]),
    ]
    names = _names([row for row, _ in found], "leg", [leg.name for leg in legs])
    return names, [Group("legs", speed), Group("legs, compiling", compiling)]


def _leg_speedups(figures: CaseFigures) -> list[str]:
    """A cell a leg: against the same leg of the baseline, told by its name and which one of that name it is."""
    compared = {(one.name, one.number): one for one in figures.leg_comparisons}
    seen: Counter[str] = Counter()
    cells = []
    for leg in figures.legs:
        seen[leg.name] += 1
        found = compared.get((leg.name, seen[leg.name]))
        cells.append(ratio_cell(found.speedup, found.verdict) if found is not None else NOT_MEASURED)
    return cells


def _compile_seconds(leg: LegFigures) -> str:
    return number(leg.compile_s, 1) if leg.compiles or leg.recompiles else NOT_MEASURED


def _names(rows: Sequence[Row], title: str, parts: Sequence[str]) -> list[Column]:
    """The columns that name a row and a part of it; what rows below each other share is said once."""
    columns = names_of(rows)
    again = [place > 0 and rows[place - 1] is row for place, row in enumerate(rows)]
    said = [
        Column(one.title, ["" if same else cell for cell, same in zip(one.cells, again, strict=True)], right=False)
        for one in columns
    ]
    return [*said, Column(title, parts, right=False)]


def joined(*parts: Sequence[str]) -> list[str]:
    """Parts of a page with a blank line between them; those without lines are left out."""
    lines: list[str] = []
    for part in parts:
        if part:
            lines += [*([""] if lines else []), *part]
    return lines


def run_line(session: SessionState, run: RunState) -> str:
    """One ended run in one line."""
    if run.outcome != "ok":
        return f"{run.outcome}{f': {run.reason}' if run.reason else ''}"
    figures = run_figures(session, run)
    parts = []
    if figures.loops:
        parts.append(f"{rate_cell(figures.loops)} it/s")
    if figures.steps is not None:
        spread = f" (IQR {figures.steps.iqr_ms:.2f})" if figures.steps.iqr_ms is not None else ""
        parts.append(f"step {figures.steps.median_ms:.2f} ms{spread}")
    if figures.compile.compiles:
        parts.append(
            f"{figures.compile.seconds:.1f} s in {_count(figures.compile.compiles, 'compile')}"
            f" and {_count(figures.compile.recompiles, 'recompile')}"
        )
    parts.append(f"{memory_title([session.request.device])} {memory_cell(figures.memory)}")
    return ", ".join(["ok", *parts])


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
