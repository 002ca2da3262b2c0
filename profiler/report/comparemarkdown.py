"""A comparison as Markdown, to be pasted into an issue or a pull request: verdicts, tables, environment, doubts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from profiler.report.columns import Column
from profiler.report.comparetext import compare_heading, compared_rows, failures, published_lines
from profiler.report.comparison import CompareDocument
from profiler.report.markdown import item, one_line, shown, table
from profiler.report.notes import answers, doubts, meanings
from profiler.report.rows import figure_groups, names_of
from profiler.report.tables import leg_part, loop_part
from profiler.report.text import gibibytes


def compare_markdown(document: CompareDocument, more: Sequence[str] = ()) -> Iterator[str]:
    """The comparison, line by line. ``more``: further lines of what is worth knowing."""
    for line in _lines(document, more):
        yield f"{line}\n"


def _lines(document: CompareDocument, more: Sequence[str]) -> Iterator[str]:
    rows = compared_rows(document)
    work, *rest = compare_heading(document)
    yield from (f"### {shown(one_line(work))}", "", *map(item, rest))
    said = answers(rows)
    if said:
        yield from ("", *(item(line) for line in said))
    for group in figure_groups(rows):
        if any(not column.empty for column in group.columns):
            yield from ("", *table(_titled(names_of(rows), group.title), group.columns))
    for names, groups in (loop_part(rows), leg_part(rows)):
        for group in groups if names[0].cells else ():
            yield from ("", *table(_titled(names, group.title), group.columns))
    parts = {
        "Worth knowing": [*meanings(rows), *more, *published_lines(document, rows)],
        "What puts a doubt on it": [*doubts(rows), *failures(document.cases, rows)],
        "Environment": _environment(document),
    }
    for title, lines in parts.items():
        if lines:
            yield from ("", f"**{title}**", "", *map(item, lines))


def _titled(names: Sequence[Column], title: str) -> list[Column]:
    return [Column(title, one.cells, right=False) if one.title == "case" else one for one in names]


def _environment(document: CompareDocument) -> list[str]:
    """A line a session: all versions that its runs were made with, and the device."""
    lines = []
    for case in {one.session: one for one in document.cases}.values():
        device = case.device
        memory = gibibytes(device.total_bytes) if device.total_bytes and device.device != "cpu" else ""
        driver = f"driver {device.driver}" if device.driver else ""
        parts = [device.device, device.name, memory, driver, *(" ".join(one) for one in case.versions.items())]
        lines.append(f"{case.session}: {', '.join(filter(None, parts))}")
    return lines
