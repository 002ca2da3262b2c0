"""A comparison as text: what ``stepscope compare`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.report.columns import WIDTH
from profiler.report.comparison import ComparedCase, CompareDocument
from profiler.report.heading import made_with, shared_work
from profiler.report.naming import short_ids, short_names
from profiler.report.notes import answers, doubts, grouped, meanings, paragraphs
from profiler.report.rows import Row
from profiler.report.tables import LONGEST_LINE, figure_tables, joined, spoken_tables


def compare_lines(document: CompareDocument, width: int = WIDTH, *, by_ear: bool = False) -> list[str]:
    """The comparison in lines of at most ``width`` columns: what is compared, what is sure, the figures, what they
    mean, and what puts a doubt on them. ``by_ear``: as of `session_lines`.
    """
    width = LONGEST_LINE if by_ear else width
    rows = compared_rows(document)
    notes = [*meanings(rows), *published_lines(document, rows)]
    return joined(
        paragraphs(compare_heading(document), width),
        paragraphs(answers(rows), width),
        *(spoken_tables(rows) if by_ear else figure_tables(rows, width)),
        *(paragraphs(lines, width) for lines in (notes, doubts(rows), failures(document.cases, rows))),
    )


def compared_rows(document: CompareDocument) -> list[Row]:
    """A row a case or run; those of several sessions begin with as much of the session's id as tells them apart."""
    cases = document.cases
    sessions = short_ids(list(dict.fromkeys(case.session for case in cases)))
    names = short_names([case.case for case in cases])

    def called(session: str, name: str) -> str:
        name = names.get(name, name)
        return f"{sessions.get(session, session)}/{name}" if len(sessions) > 1 else name

    return [
        Row(
            name=names[case.case],
            figures=case,
            device=case.device.device,
            session=sessions[case.session] if len(sessions) > 1 else "",
            baseline=called(case.baseline_session or case.session, case.baseline) if case.baseline else "",
            output=case.output,
            published=case.published,
        )
        for case in cases
    ]


def compare_heading(document: CompareDocument) -> list[str]:
    """The work that all share, then a line a session: its state and what it was made with."""
    cases = document.cases
    sessions = {case.session: case for case in cases}
    kinds = " or ".join(sorted({"runs" if case.run else "cases" for case in cases}))
    count = f"{len(cases)} {kinds} of {len(sessions)} sessions: " if len(sessions) > 1 else ""
    lines = [count + shared_work([case.workload for case in cases])]
    for session, case in sessions.items():
        state = case.state + (f" ({case.state_reason})" if case.state_reason else "")
        copied = ", copied from another machine or boot" if case.copied else ""
        lines.append(f"session {session}: {state}{copied}; {made_with(case.device, case.versions)}")
    if len(cases) == 1:
        lines.append("there is nothing to compare it with: name another session, case or run")
    return lines


def published_lines(document: CompareDocument, rows: Sequence[Row]) -> list[str]:
    """Whose figures were published, and in what that work was another."""
    if document.published is None:
        return []
    said = [(row.called, note) for row, case in zip(rows, document.cases, strict=True) for note in case.published_notes]
    there = any(case.published for case in document.cases)
    first = f"published: it/s of {document.published} with torch 2.0 and nightly"
    return [first if there else f"nothing was published of these cases on {document.published}", *grouped(said)]


def failures(cases: Sequence[ComparedCase], rows: Sequence[Row]) -> list[str]:
    """How many runs of each case did not end well."""
    said = [
        (row.called, f"{count} run{'s' * (count != 1)} {outcome}")
        for row, case in zip(rows, cases, strict=True)
        for outcome, count in case.outcomes.items()
        if outcome != "ok"
    ]
    return grouped(said)
