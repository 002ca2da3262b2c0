"""The page's tables: a row a case, a run, a cause of compiling, a place that waits for the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from profiler.analysis import triggers
from profiler.analysis.figures import run_figures
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import Group
from profiler.report.html.chart import table
from profiler.report.html.markup import Markup, el, joined
from profiler.report.html.told import Compared
from profiler.report.rows import Row, figure_groups, memory_cell, memory_title, rate_cell, share, times
from profiler.report.text import NOT_MEASURED, duration, number, shortened

MOST_RUNS = 300
MOST_CAUSES = 60
MOST_PLACES = 60


def case_tables(rows: Sequence[Row]) -> Markup:
    """The figures of every lot, in the groups and with the words of ``show`` and ``compare``."""
    names = [row.name for row in rows]
    parts = []
    for group in figure_groups(rows):
        columns = [column for column in group.columns if not column.empty]
        if columns:
            cells = [[name, *(column.cells[place] for column in columns)] for place, name in enumerate(names)]
            parts.append(table([group.title, *(column.title for column in columns)], cells))
    return joined(*parts)


def leg_table(compared: Sequence[Compared]) -> Markup | None:
    """A row a leg of the scenarios that have any."""
    rows = []
    for one in compared:
        against = {}
        for leg in one.figures.leg_comparisons:
            against[leg.name, leg.number] = leg
        seen: dict[str, int] = {}
        for figures in one.figures.legs:
            nth = seen[figures.name] = seen.get(figures.name, 0) + 1
            found = against.get((figures.name, nth))
            ratio = NOT_MEASURED if found is None or found.speedup is None else times(found.speedup)
            rows.append(
                [
                    one.who.label,
                    figures.name,
                    f"{figures.clean_calls}/{figures.calls}",
                    rate_cell(figures.loops),
                    duration(figures.first_call_ms),
                    duration(figures.call_ms),
                    figures.compiles,
                    figures.recompiles,
                    ratio,
                    (found.verdict if found is not None else None) or NOT_MEASURED,
                ]
            )
    head = ["", "leg", "clean calls", "it/s", "first call", "call", "compiles", "recompiles", "speed-up", "verdict"]
    return table(head, rows, words=(0, 1, 9)) if rows else None


def run_table(compared: Sequence[Compared]) -> Markup:
    """A row a run, however it ended."""
    rows = []
    for one in compared:
        for run in one.lot.runs:
            figures = run_figures(one.lot.session, run)
            steps, compile_ = figures.steps, figures.compile
            rows.append(
                [
                    run.name,
                    one.who.label,
                    (run.outcome or run.state) + (f": {run.reason}" if run.reason else ""),
                    "" if run.cold is None else "cold" if run.cold else "warm",
                    rate_cell(figures.loops),
                    *(number(getattr(steps, name, None), 2) for name in ("median_ms", "iqr_ms", "p95_ms")),
                    number(figures.load_s, 1),
                    number(figures.startup_s, 1),
                    number(figures.image_s, 3),
                    f"{sum(call.clean for call in _measured(figures.calls))}/{len(_measured(figures.calls))}",
                    f"{compile_.compiles}+{compile_.recompiles}" if compile_.compiles else NOT_MEASURED,
                    number(compile_.seconds, 1) if compile_.compiles else NOT_MEASURED,
                    memory_cell(figures.memory),
                    share(figures.host_bound_share),
                ]
            )
    title = memory_title([one.lot.session.request.device for one in compared])
    head = ["run", "case", "outcome", "cache", "it/s", "step ms", "IQR", "p95", "load s", "start-up s", "image s"]
    head += ["clean calls", "compiles + again", "compile s", title, "GPU waits"]
    made = table(head, rows[:MOST_RUNS], words=(0, 1, 2, 3))
    left = len(rows) - MOST_RUNS
    return joined(made, el("p", f"and {left} runs more", class_="dim") if left > 0 else None)


def _measured(calls: Sequence[object]) -> list:  # type: ignore[type-arg]
    return [call for call in calls if getattr(call, "phase", "") == "measure"]


def cause_table(compared: Sequence[Compared]) -> Markup | None:
    """What was compiled, why, and what to do about it: what costs most first."""
    found = list(_causes(compared))
    if not found:
        return None
    found.sort(key=lambda pair: (pair[1].blame == "artefact", pair[1].kind == "compile", -pair[1].total_ms))
    rows = []
    for label, group in found[:MOST_CAUSES]:
        where = " ".join(part for part in (group.fqn, group.module) if part)
        rows.append(
            [
                label,
                f"{group.kind}, {group.blame}",
                _why(group),
                where,
                group.count,
                group.measured or "",
                duration(group.total_ms),
                duration(group.lost_ms),
            ]
        )
    head = ["", "what", "why, and what to do", "where", "count", "in measured calls", "compiling", "steps lost"]
    made = table(head, rows, words=(0, 1, 2, 3))
    left = len(found) - MOST_CAUSES
    return joined(
        made, el("p", f"and {left} more: 'stepscope triggers' has them all", class_="dim") if left > 0 else None
    )


def _why(group: Group) -> Markup:
    """What happened, and the remedy where there is one."""
    if group.advice is None:
        return el("span", group.sentence)
    link = group.advice.link or ""
    more = el("a", "more", href=link, rel="noreferrer noopener") if link.startswith("https://") else None
    return joined(el("span", group.sentence), el("div", group.advice.remedy, " " if more else None, more, class_="dim"))


def _causes(compared: Sequence[Compared]) -> Iterator[tuple[str, Group]]:
    """The groups of each lot's own occurrences; those of a session are found once."""
    every: dict[int, tuple[SessionState, list[triggers.Occurrence]]] = {}
    for one in compared:
        session = one.lot.session
        if id(session) not in every:
            every[id(session)] = session, triggers.occurrences(session)
        of = every[id(session)][1]
        own = [found for found in of if found.case == one.lot.case.name and one.lot.run in (None, found.run)]
        for group in triggers.groups(own):
            yield one.who.label, group


def sync_table(compared: Sequence[Compared]) -> Markup | None:
    """The lines that made Python wait for the device, where they were looked for."""
    rows = []
    for one in compared:
        run = next((run for run in one.lot.runs if run.syncs), None)
        for sync in sorted(run.syncs, key=lambda sync: -sync.count) if run is not None else ():
            place = f"{shortened(sync.file)}:{sync.line} in {sync.function}"
            rows.append([one.who.label, sync.count, place, el("code", sync.code.strip()), sync.stage or ""])
    if not rows:
        return None
    made = table(["", "times in a call", "place", "line", "stage"], rows[:MOST_PLACES], words=(0, 2, 3, 4))
    left = len(rows) - MOST_PLACES
    return joined(made, el("p", f"and {left} more", class_="dim") if left > 0 else None)
