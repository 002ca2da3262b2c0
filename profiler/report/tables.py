"""Plain text tables: what ``show`` and ``ls`` print, and the end of a headless run."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.cases import CaseFigures, case_figures
from profiler.analysis.figures import MemoryFigures, run_figures
from profiler.analysis.state import RunState, SessionState
from profiler.report.documents import device_of

NOT_MEASURED = "-"


def align(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows of cells as lines of aligned columns; the columns named in ``right`` are aligned to the right."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


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
    notes = _grouped([(one.case, flag) for one in figures for flag in one.flags])
    notes += _grouped([(one.case, one.reason) for one in figures if one.reason and one.baseline is not None])
    bad = [run for run in session.runs.values() if run.outcome not in (None, "ok")]
    if notes or bad:
        lines.append("")
    lines += notes
    lines += [f"{run.name}: {run.outcome}{f': {run.reason}' if run.reason else ''}" for run in bad]
    return lines


def _grouped(said: list[tuple[str, str]]) -> list[str]:
    """What is said of cases, each text once with the cases that it is said of."""
    cases: dict[str, list[str]] = {}
    for case, text in said:
        cases.setdefault(text, []).append(case)
    return [f"{', '.join(of)}: {text}" for text, of in cases.items()]


def case_table(session: SessionState) -> list[str]:
    """A row a case with the headline figures."""
    memory = memory_title(session)
    header = ["case", "runs", "it/s", "step ms", "IQR", "p95", "compile s", "recompiles", memory, "speed-up", "95 %"]
    rows = [header, *(_case_row(figures) for figures in case_figures(session))]
    return align(rows, right=range(1, len(header)))


def _case_row(figures: CaseFigures) -> list[str]:
    steps = figures.steps
    return [
        figures.case,
        f"{figures.ended}/{figures.runs}",
        number(figures.iterations_per_second, 2),
        number(steps.median_ms if steps else None, 2),
        number(steps.iqr_ms if steps else None, 2),
        number(steps.p95_ms if steps else None, 2),
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
    if figures.iterations_per_second is not None:
        parts.append(f"{number(figures.iterations_per_second, 2)} it/s")
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


def gibibytes(value: int | None) -> str:
    """Bytes as GiB, or MiB below one GiB."""
    if value is None:
        return NOT_MEASURED
    return f"{value / 2**30:.2f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"


def speedup_cell(figures: CaseFigures) -> str:
    if figures.baseline is None:
        return NOT_MEASURED
    if figures.speedup is None:
        return NOT_MEASURED
    return f"{figures.speedup:.2f}x" + (f" {figures.verdict}" if figures.verdict else "")


def number(value: float | None, digits: int) -> str:
    """With ``digits`` decimals; a value below 1 keeps three figures that count, however small it is."""
    if value is None:
        return NOT_MEASURED
    return f"{value:.{digits}f}" if value >= 1 or value == 0 else f"{value:#.3g}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
