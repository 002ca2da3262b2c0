"""What is said above and below the tables of figures: verdicts, what figures mean, and what puts a doubt on them."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from profiler.analysis.batches import LargestBatch, largest_batches
from profiler.analysis.figures import is_recompile
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.triggers import explained, groups
from profiler.report.naming import short_names
from profiler.report.rows import Row, break_even_cell, only_warm, times
from profiler.report.text import duration, in_one_run, shortened

MOST_SYNCS = 5
Said = Iterable[tuple[str, str]]
"""(what it is said of, text) each."""


def grouped(said: Said) -> list[str]:
    """Each text once, with all that it is said of: ``compile, regional-compile: 2 recompiles``."""
    names: dict[str, list[str]] = {}
    for name, text in said:
        if name not in names.setdefault(text, []):
            names[text].append(name)
    return [f"{', '.join(of)}: {text}" for text, of in names.items()]


def paragraphs(lines: Iterable[str], width: int) -> list[str]:
    """Lines of prose in at most ``width`` columns, continued with an indent; only a longer word goes beyond them."""
    return [part for line in lines for part in _paragraph(line, width)]


def _paragraph(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) or [""]


def answers(rows: Sequence[Row]) -> list[str]:
    """What the comparison says: a line a verdict, then why there is none or an unclear one."""
    lines = []
    for word, link in (("FASTER", "than"), ("SAME", "as"), ("SLOWER", "than")):
        for baseline in dict.fromkeys(row.baseline for row in rows):
            found = [row for row in rows if row.figures.verdict == word and row.baseline == baseline]
            if found:
                lines.append(f"{word} {link} {baseline}: {'; '.join(map(_answer, found))}")
    unsettled = [row for row in rows if row.baseline and row.figures.verdict in (None, "UNCLEAR")]
    return lines + grouped((row.called, _open(row)) for row in unsettled if row.figures.reason)


def _answer(row: Row) -> str:
    figures = row.figures
    text = f"{row.called} {times(figures.speedup or 0)}"
    if figures.interval is not None:
        text += f" ({times(figures.interval[0])} to {times(figures.interval[1])})"
    if figures.verdict == "FASTER" and figures.break_even_images is not None:
        paid = break_even_cell(figures)
        text += f", pays {'at once' if paid == 'at once' else f'after {paid}'}"
        text += " with a warm cache" * only_warm(figures)
    return f"{text} ({figures.doubt})" if figures.doubt else text


def _open(row: Row) -> str:
    """Why nothing is settled. That it was not measured is said of many cases at once."""
    word = "UNCLEAR" if row.figures.verdict else "no verdict"
    why = row.figures.reason or ""
    return f"{word}: {why.removeprefix(f'{row.figures.case} has ') if 'no measured call' in why else why}"


def meanings(rows: Sequence[Row]) -> list[str]:
    """What the figures mean, and what is worth knowing and casts no doubt on them."""
    said = [(row.called, text) for row in rows if (text := row.figures.bound_means)]
    said += [(row.called, remark) for row in rows for remark in row.figures.remarks]
    return grouped(said)


def doubts(rows: Sequence[Row]) -> list[str]:
    """What isn't the same of two sides, what disturbed the measurement, and outputs that aren't alike."""
    said = [(f"{row.called} and {row.baseline}", text) for row in rows for text in row.figures.warnings]
    said += [(row.called, row.output.warning) for row in rows if row.output is not None and row.output.warning]
    # Outputs of other workloads have other shapes: that the workloads differ is said above.
    alike = [row for row in rows if not row.figures.warnings]
    said += [(row.called, why) for row in alike if row.output is not None for why in row.output.left_out]
    said += [(row.called, flag) for row in rows for flag in row.figures.flags]
    return grouped(said)


def session_notes(session: SessionState) -> list[str]:
    """What a session says beside its figures: recompiles, waits for the device, the largest batch, what was left out.

    Cases are called as its tables call them.
    """
    names = short_names([case.name for case in session.request.cases])
    batches = [f"{names.get(one.case, one.case)}: {batch_text(one)}" for one in largest_batches(session)]
    said = grouped((names[case], text) for case, text in information(session))
    return [*recompile_lines(session, names), *sync_lines(session, names), *batches, *said]


def information(session: SessionState) -> list[tuple[str, str]]:
    """(case, text) of what readers of the figures must know and is no fault: the notes of level info, each once."""
    said = [
        (run.case.name, f"compiles {note.text}" if note.code == "compiled" else note.text)
        for run in session.runs.values()
        for note in run.notes
        if note.level == "info"
    ]
    return list(dict.fromkeys(said))


def ended_badly(session: SessionState) -> list[str]:
    """A line a run that did not end well, and one for all that were stopped before they began."""
    bad = [run for run in session.runs.values() if run.outcome not in (None, "ok") and not run.unbegun]
    return [
        *(f"{run.name}: {run.outcome}{f': {run.reason}' if run.reason else ''}" for run in bad),
        *not_begun_lines(session),
    ]


def not_begun_lines(session: SessionState) -> list[str]:
    """``45 runs not begun: max time of 570 s reached``; no line where there are none."""
    reasons = Counter(run.reason or "" for run in session.runs.values() if run.unbegun)
    return [
        f"{count} run{'s' * (count != 1)} not begun{f': {reason}' if reason else ''}"
        for reason, count in reasons.items()
    ]


def recompile_lines(session: SessionState, names: dict[str, str] | None = None) -> list[str]:
    """What was compiled again in each case, by whose doing, and where that is explained; no lines where nothing was.

    As in the table a case's are those of its run with the most. ``names``: what the cases are called, where not so.
    """
    found = [(case.name, text) for case in session.request.cases if (text := _recompiles(session, case.name))]
    if not found:
        return []
    hint = f"'stepscope triggers {session.session}' explains"
    if any("artefact" in text for _, text in found):
        hint += "; artefacts are first compiles of modules that share their code with others: torch counts recompiles"
    return [*grouped(((names or {}).get(case, case), text) for case, text in found), hint]


def _recompiles(session: SessionState, case: str) -> str:
    """``2 recompiles, 18.6 s: 1 yours (sample height 8 → 12), 1 artefact``; "" where nothing was compiled again."""
    runs = session.runs_of(case)
    each = [[one for one in run.compiles.values() if is_recompile(one)] for run in runs]
    most = max(range(len(each)), key=lambda number: len(each[number]), default=None)
    if most is None or not each[most]:
        return ""
    found = [explained(runs[most], one) for one in each[most]]
    parts = []
    for blame, one, many in _BLAMES:
        count = sum(1 for again in found if again.blame == blame)
        if count:
            told = groups(again for again in found if again.blame == blame) if blame in ("user", "unknown") else []
            more = f" and {len(told) - 1} more" if len(told) > 1 else ""
            why = f" ({told[0].sentence}{more})" if told else ""
            parts.append(f"{count} {one if count == 1 else many}{why}")
    spent = sum(again.cost.ms for again in found if again.cost is not None)
    counted = in_one_run(f"{len(found)} recompile{'s' * (len(found) != 1)}", _begun(runs))
    return f"{counted}, {duration(spent)}: {', '.join(parts)}"


def sync_lines(session: SessionState, names: dict[str, str] | None = None, most: int = MOST_SYNCS) -> list[str]:
    """What made Python wait for the device in the call that looked for it: the lines that did most often."""
    said: list[tuple[str, str]] = []
    for case in session.request.cases:
        run = next((run for run in session.runs_of(case.name) if run.syncs), None)
        found = sorted(run.syncs, key=lambda sync: -sync.count) if run is not None else []
        called = (names or {}).get(case.name, case.name)
        for sync in found[:most]:
            where = f"{shortened(sync.file)}:{sync.line} in {sync.function}"
            count = "once" if sync.count == 1 else f"{sync.count} times"
            said.append((called, f"Python waited for the device {count} in a call at {where}: {sync.code.strip()}"))
        if len(found) > most:
            said.append((called, f"and {len(found) - most} more such lines: 'show --json' has them all"))
    return grouped(said)


def _begun(runs: Sequence[RunState]) -> int:
    return sum(1 for run in runs if run.header is not None)


_BLAMES = (
    ("user", "yours", "yours"),
    ("unknown", "unexplained", "unexplained"),
    ("expected", "expected", "expected"),
    ("artefact", "artefact", "artefacts"),
)


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
