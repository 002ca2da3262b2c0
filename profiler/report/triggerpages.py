"""Groups of triggers as plain text of a given width and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from profiler.analysis.triggers import Group
from profiler.report.markdown import one_line, point, shown, table_row
from profiler.report.text import NOT_MEASURED, align, duration, unsteering

COLUMNS = ("#", "count", "total", "lost", "blame", "kind", "module")
RIGHT = (0, 1, 2, 3)
SENTENCE = 40
"""The columns that a sentence needs beside the others; where there are fewer it stands in lines of its own."""
LONGEST_MODULE = 30

Facts = Sequence[tuple[str, str]]
"""(name, text) each."""


class Plain:
    """Text of at most ``width`` columns; only a word that is longer than a line, as a link, goes beyond them."""

    def __init__(self, width: int) -> None:
        self.width = width

    def heading(self, case: str, totals: str) -> list[str]:
        return [*self.paragraph(case), *self.paragraph(totals, "  "), ""]

    def paragraph(self, text: str, start: str = "", after: str | None = None) -> list[str]:
        """``text`` in lines: the first begins with ``start``, the others with ``after`` or as many blanks."""
        indent = " " * len(start) if after is None else after
        return textwrap.wrap(
            text,
            self.width,
            initial_indent=start,
            subsequent_indent=indent,
            break_on_hyphens=False,
            break_long_words=False,
        ) or [start.rstrip()]

    def table(self, groups: Sequence[Group]) -> list[str]:
        header, *rows = align([COLUMNS, *(_cells(number, one) for number, one in enumerate(groups, start=1))], RIGHT)
        beside = max(map(len, (header, *rows))) + 2
        if self.width - beside < SENTENCE:
            indent = " " * (len(str(len(groups))) + 2)
            return [header, *(line for row, one in zip(rows, groups) for line in (row, *self._sentence(one, indent)))]
        lines = [f"{header.ljust(beside)}what"]
        for row, one in zip(rows, groups):
            lines += self.paragraph(one.sentence, row.ljust(beside), " " * beside)
        return lines

    def _sentence(self, group: Group, indent: str) -> list[str]:
        return self.paragraph(group.sentence, indent)

    def group(self, number: int, group: Group, facts: Facts) -> list[str]:
        start = f"{number}  "
        name = max((len(name) for name, _ in facts), default=0) + 2
        lines = self.paragraph(group.sentence, start)
        for fact, text in facts:
            lines += self.paragraph(text, " " * len(start) + fact.ljust(name))
        return lines


class Markdown:
    """The same for a page or an issue."""

    def heading(self, case: str, totals: str) -> list[str]:
        return [f"### {shown(one_line(case))}", "", shown(totals), ""]

    def paragraph(self, text: str) -> list[str]:
        return [point(text)]

    def table(self, groups: Sequence[Group]) -> list[str]:
        header = [*COLUMNS, "what"]
        rows = [[*_cells(number, one), one.sentence] for number, one in enumerate(groups, start=1)]
        rule = ["---:" if column in RIGHT else "---" for column in range(len(header))]
        return [
            table_row(header),
            table_row(rule),
            *(table_row([shown(one_line(cell)) for cell in cells]) for cells in rows),
        ]

    def group(self, number: int, group: Group, facts: Facts) -> list[str]:
        lines = [f"**{number}. {shown(one_line(group.sentence))}**", ""]
        return lines + [f"- {point(name)}: {_said(name, one_line(text))}" for name, text in facts]


def _cells(number: int, group: Group) -> list[str]:
    module = one_line(group.module or group.occurrences[0].function) or NOT_MEASURED
    return [
        str(number),
        str(group.count),
        duration(group.total_ms) if group.total_ms else NOT_MEASURED,
        duration(group.lost_ms),
        group.blame,
        group.kind,
        module if len(module) <= LONGEST_MODULE else module[: LONGEST_MODULE - 1] + "…",
    ]


def _said(name: str, text: str) -> str:
    """Code as code: what torch and Python say has underscores and stars that Markdown would take for emphasis."""
    if name not in ("guard", "code", "caller"):
        return shown(text)
    text = unsteering(text)
    fence = "`" * (1 + max((len(run) for run in _backticks(text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def _backticks(text: str) -> list[str]:
    return "".join(char if char == "`" else " " for char in text).split()
