"""Plain text tables: what ``show`` and ``ls`` print, and the end of a headless run."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.batches import LargestBatch, largest_batches
from profiler.analysis.cases import CaseFigures, case_figures
from profiler.analysis.figures import MemoryFigures, is_recompile, run_figures
from profiler.analysis.legs import LegFigures
from profiler.analysis.loops import LoopFigures, StepFigures
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import explained, groups
from profiler.report.casedocument import device_of
from profiler.report.text import NOT_MEASURED, align, duration, gibibytes, number


def session_lines(session: SessionState, *, copied: bool = False) -> list[str]:
    """A session as text: what it is, a row a case, then what needs saying, then the runs that did not end well."""
    device = device_of(session)
    state = session.state + (f" ({reason})" if (reason := session.reason or session.presumed) else "")
    lines = [
        f"session {session.session}: {state}{', copied from another machine or boot' if copied else ''}",
        f"device  {device.device}{f', {device.name}' if device.name else ''}",
        "",
        *case_table(session),
    ]
    figures = case_figures(session)
    for title, table in (("loops", loop_table(session)), ("legs", leg_table(session))):
        if table:
            lines += ["", title, *table]
    for extra in (recompile_lines(session), [batch_line(batch) for batch in largest_batches(session)]):
        if extra:
            lines += ["", *extra]
    notes = _grouped(information(session))
    notes += _grouped([(one.case, flag) for one in figures for flag in one.flags])
    notes += _grouped([(one.case, one.reason) for one in figures if one.reason and one.baseline is not None])
    bad = [run for run in session.runs.values() if run.outcome not in (None, "ok")]
    if notes or bad:
        lines.append("")
    lines += notes
    lines += [f"{run.name}: {run.outcome}{f': {run.reason}' if run.reason else ''}" for run in bad]
    return lines


def recompile_lines(session: SessionState) -> list[str]:
    """What was compiled again in each case, by whose doing, and where that is explained; no lines where nothing was.

    As in the table a case's are those of its run with the most.
    """
    said = [(case.name, text) for case in session.request.cases if (text := _recompiles(session, case.name))]
    if not said:
        return []
    hint = f"'stepscope triggers {session.session}' explains"
    if any("artefact" in text for _, text in said):
        hint += "; artefacts are first compiles of modules that share their code with others: torch counts recompiles"
    return [*_grouped(said), hint]


def _recompiles(session: SessionState, case: str) -> str:
    """``2 recompiles, 18.6 s: 1 yours (sample height 8 → 12), 1 artefact``; "" where nothing was compiled again."""
    each = [[one for one in run.compiles.values() if is_recompile(one)] for run in session.runs_of(case)]
    most = max(range(len(each)), key=lambda number: len(each[number]), default=None)
    if most is None or not each[most]:
        return ""
    run = session.runs_of(case)[most]
    found = [explained(session, run, one) for one in each[most]]
    parts = []
    for blame, one, many in _BLAMES:
        count = sum(1 for again in found if again.blame == blame)
        if count:
            told = groups(again for again in found if again.blame == blame) if blame in ("user", "unknown") else []
            more = f" and {len(told) - 1} more" if len(told) > 1 else ""
            why = f" ({told[0].sentence}{more})" if told else ""
            parts.append(f"{count} {one if count == 1 else many}{why}")
    spent = sum(again.cost.ms for again in found if again.cost is not None)
    return f"{_count(len(found), 'recompile')}, {duration(spent)}: {', '.join(parts)}"


_BLAMES = (
    ("user", "yours", "yours"),
    ("unknown", "unexplained", "unexplained"),
    ("expected", "expected", "expected"),
    ("artefact", "artefact", "artefacts"),
)


def _grouped(said: list[tuple[str, str]]) -> list[str]:
    """What is said of cases, each text once with the cases that it is said of."""
    cases: dict[str, list[str]] = {}
    for case, text in said:
        cases.setdefault(text, []).append(case)
    return [f"{', '.join(of)}: {text}" for text, of in cases.items()]


def batch_line(batch: LargestBatch) -> str:
    """The largest batch that fits, as far as the search for it has come, and which case began the search."""
    return f"{batch.case}: {batch_text(batch)}"


def batch_text(batch: LargestBatch) -> str:
    """``batch_line`` without the case."""
    if batch.out_of_memory == 1:
        return "not even a batch of 1 fits"
    text = f"the largest batch that fits is {batch.fits}" if batch.fits else "no batch fits so far"
    if batch.out_of_memory is not None:
        text += f" ({batch.out_of_memory} is out of memory)"
    if batch.exact:
        return text
    return f"{text}; the search ended: {batch.reason}" if batch.reason else f"{text}; the search goes on"


def information(session: SessionState) -> list[tuple[str, str]]:
    """(case, text) of what readers of the figures must know and is no fault: the notes of level info, each once."""
    said = [
        (run.case.name, f"compiled: {note.text}" if note.code == "compiled" else note.text)
        for run in session.runs.values()
        for note in run.notes
        if note.level == "info"
    ]
    return list(dict.fromkeys(said))


def loop_table(session: SessionState) -> list[str]:
    """A row a loop of the cases that have several; no lines where none has."""
    header = ["case", "loop", "denoisers", "iterations", "it/s", "step ms", "IQR", "p95"]
    rows = [
        [figures.case, loop.name, ", ".join(loop.denoisers), str(loop.iterations), *_latency_cells(loop)]
        for figures in case_figures(session)
        if len(figures.loops) > 1
        for loop in figures.loops
    ]
    return align([header, *_once(rows)], right=range(3, len(header))) if rows else []


def leg_table(session: SessionState) -> list[str]:
    """A row a leg of the cases whose scenario has legs; no lines where none has."""
    header = ["case", "leg", "calls", "clean", "it/s", "step ms", "IQR", "p95", "images/s"]
    header += ["compiles", "recompiles", "compile s", "first call ms", "call ms"]
    rows = [_leg_row(figures.case, leg) for figures in case_figures(session) for leg in figures.legs]
    return align([header, *_once(rows)], right=range(2, len(header))) if rows else []


def _leg_row(case: str, leg: LegFigures) -> list[str]:
    return [
        case,
        leg.name,
        str(leg.calls),
        str(leg.clean_calls),
        rate_cell(leg.loops),
        *_step_cells(leg.steps),
        number(leg.images_per_second, 2),
        str(leg.compiles),
        str(leg.recompiles),
        number(leg.compile_s, 1) if leg.compiles or leg.recompiles else NOT_MEASURED,
        number(leg.first_call_ms, 0),
        number(leg.call_ms, 0),
    ]


def _once(rows: list[list[str]]) -> list[list[str]]:
    """The first cell is said once where rows in a row share it."""
    return [["", *row[1:]] if place and row[0] == rows[place - 1][0] else row for place, row in enumerate(rows)]


def rate_cell(loops: Sequence[LoopFigures]) -> str:
    """Iterations per second: ``21.66``, of several loops ``97.34 / 27.23 / 111.66``."""
    return " / ".join(number(loop.iterations_per_second, 2) for loop in loops) or NOT_MEASURED


def _latency_cells(loop: LoopFigures) -> list[str]:
    values = (loop.iterations_per_second, loop.median_ms, loop.iqr_ms, loop.p95_ms)
    return [number(value, 2) for value in values]


def _step_cells(steps: StepFigures | None) -> list[str]:
    return [number(getattr(steps, name, None), 2) for name in ("median_ms", "iqr_ms", "p95_ms")]


def case_table(session: SessionState) -> list[str]:
    """A row a case with the headline figures."""
    memory = memory_title(session)
    header = ["case", "runs", "it/s", "step ms", "IQR", "p95", "compile s", "recompiles", memory, "speed-up", "95 %"]
    rows = [header, *(_case_row(figures) for figures in case_figures(session))]
    return align(rows, right=range(1, len(header)))


def _case_row(figures: CaseFigures) -> list[str]:
    return [
        figures.case,
        f"{figures.ended}/{figures.runs}",
        rate_cell(figures.loops),
        *_step_cells(figures.steps),
        number(figures.compile_s, 1),
        str(figures.recompiles) if figures.compiles else NOT_MEASURED,
        memory_cell(figures.memory),
        speedup_cell(figures),
        NOT_MEASURED if figures.interval is None else f"{figures.interval[0]:.2f}..{figures.interval[1]:.2f}",
    ]


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
    parts.append(f"{memory_title(session)} {memory_cell(figures.memory)}")
    return ", ".join(["ok", *parts])


def memory_title(session: SessionState) -> str:
    """What the memory column holds: main memory on a CPU is not VRAM."""
    return "peak VRAM" if session.request.device.startswith("cuda") else "peak RSS"


def memory_cell(memory: MemoryFigures) -> str:
    """The comparable figure: what torch allocated on a GPU, resident memory on a CPU."""
    value = memory.allocated_peak_bytes if memory.allocated_peak_bytes is not None else memory.rss_peak_bytes
    return gibibytes(value)


def speedup_cell(figures: CaseFigures) -> str:
    if figures.baseline is None:
        return NOT_MEASURED
    if figures.speedup is None:
        return NOT_MEASURED
    return f"{figures.speedup:.2f}x" + (f" {figures.verdict}" if figures.verdict else "")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
