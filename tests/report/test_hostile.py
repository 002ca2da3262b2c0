"""Every export of sessions in which every text is hostile: what programs that open them would obey stays text.

Fields are found in the types of the records (``tests.support.steered``), so that one that is added is tried too. States
are made without the boundary that cleans what is read: each format has its own care.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from profiler.analysis.lots import lots_of
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import occurrences
from profiler.report.comparemarkdown import compare_markdown
from profiler.report.comparison import compare_document
from profiler.report.csvrows import call_rows, run_rows, step_rows
from profiler.report.documents import show_document
from profiler.report.html import page
from profiler.report.layout import report, report_lines
from profiler.report.notes import session_notes
from profiler.report.trace import trace
from profiler.report.triggers import trigger_lines, triggers_document
from tests.report.test_html import check_self_contained
from tests.support.anything import reworded
from tests.support.recorded import Recording
from tests.support.steered import PAYLOADS, all_hostile, steered
from tests.support.story import Record
from tui import safe
from tui.commands.common import document_text

FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "x;=1+1",
    'x;"=1+1"',
    "x\t@SUM(A1)",
    "x\n=1+1",
    '=HYPERLINK("http://evil.invalid","x")',
    "=cmd|' /C calc'!A0",
    '"=1+1',
    "',=1+1",
)
HTML = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</title></style></svg><svg onload=alert(1)>",
    "<!-- <![CDATA[ ]]>",
    "&lt;script&gt;&#60;b&#62;",
    "' onload='alert(1)",
)
MARKDOWN = (
    "[x](http://evil.invalid)",
    "![x](http://evil.invalid/x.png)",
    "<http://evil.invalid>",
    "[x]: http://evil.invalid",
    "# head",
    "- [x] point",
    "> quote",
    "```\ncode",
    "`` ` ``",
    "a | b |",
    "|---|",
    "***bold*** __both__ ~~gone~~",
    "1. one\n2. two",
    "    code",
    "---",
    "Fixes #1, owner/repo#22 and GH-3",
    "@somebody and @some/team",
    "<details><summary>x",
    "\\",
    "`@x` @y` `@z",
    "]] [a][b] ](c",
)
EXPORTED = FORMULAS + HTML + MARKDOWN
"""What programs obey in which exports are opened, beside what terminals do."""


def swapped(recording: Recording, payloads: Sequence[str]) -> Recording:
    """The recording with ``payloads`` in the places of hostile texts."""
    given = {text: payloads[number % len(payloads)] for number, text in enumerate(PAYLOADS)}
    longest = sorted(given, key=len, reverse=True)

    def change(_: str, text: str) -> str:
        found = next((one for one in longest if text.startswith(one)), None)
        return text if found is None else given[found] + text[len(found) :]

    records = [Record(record.run, reworded(record.event, change)) for record in recording.records]
    return replace_recording(recording, records, reworded(recording.request, change))


def replace_recording(recording: Recording, records: list[Record], request: object) -> Recording:
    return Recording(recording.session, request, records, recording.live_ns)  # type: ignore[arg-type]


def turns() -> Iterator[tuple[str, ...]]:
    """All texts, in so many lists that each comes to the place of each of ``PAYLOADS`` of which there are fewer."""
    for start in range(0, len(EXPORTED), len(PAYLOADS)):
        yield (EXPORTED[start:] + EXPORTED[:start])[: len(PAYLOADS)]


@cache
def states() -> dict[str, SessionState]:
    found = {"steered": steered().folded(), "all": all_hostile().folded()}
    for number, payloads in enumerate(turns()):
        found[f"steered {number}"] = swapped(steered(), payloads).folded()
        found[f"all {number}"] = swapped(all_hostile(), payloads).folded()
        found[f"all {number}"].session = payloads[0]
    return found


STATES = [
    "steered",
    "all",
    *(f"{which} {number}" for number in range(len(list(turns()))) for which in ("steered", "all")),
]
every_state = pytest.mark.parametrize("name", STATES)


def unseen(text: str, but: str = "\n") -> set[str]:
    """What of ``text`` steers, hides, or can't be written."""
    hidden = {char for char in set(text) if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")}
    return hidden - set(but)


def never(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_every_text_is_tried_in_every_state() -> None:
    told = "".join(document_text(triggers_document(state)) for state in states().values())
    for text in EXPORTED:
        assert json.dumps(text, ensure_ascii=False)[1:-1] in told, text


@every_state
def test_csv_computes_nothing(name: str) -> None:
    state = states()[name]
    runs = [(state, run) for run in state.runs.values()]
    for rows in (run_rows, call_rows, step_rows):
        text = "".join(rows(runs))
        assert not unseen(text, "\r\n\t")
        header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        assert all(len(line) == len(header) for line in lines)
        for cell in (*header, *(cell for line in lines for cell in line)):
            assert cell[:1] not in tuple("=+@\t\r\n＝＋－＠"), cell
            assert cell[:1] != "-" or float(cell) < 0, cell
        # Whoever takes other marks between cells, for whom our quotes are none, finds no formula either.
        for cell in re.split(r"[;\t\r\n]", text.replace("\r\n", "\n")):
            assert (
                cell.lstrip("\"'")[:1] not in tuple("=+@＝＋－＠") or "'" in cell[: len(cell) - len(cell.lstrip("\"'"))]
            )


@every_state
def test_the_page_is_self_contained(name: str) -> None:
    text = "".join(page(lots_of(states()[name])))
    assert not unseen(text)
    found = check_self_contained(text)
    for _, attributes in found.elements:
        assert not {"onload", "onerror", "style", "formaction"} & set(attributes)


@every_state
def test_the_trace_is_strict_json_in_ascii(name: str) -> None:
    text = "".join(trace(states()[name]))
    assert text.isascii() and not unseen(text)
    found = json.loads(text, parse_constant=never)
    assert found["traceEvents"]
    assert {one["ph"] for one in found["traceEvents"]} <= set("MXCi")


@every_state
@pytest.mark.parametrize(
    "document",
    [show_document, triggers_document, report, lambda state: compare_document(lots_of(state))],
    ids=["show", "triggers", "report", "compare"],
)
def test_documents_are_strict_json(name: str, document: Callable[[SessionState], object]) -> None:
    text = document_text(document(states()[name]))  # type: ignore[arg-type]
    assert not unseen(text)
    json.loads(text, parse_constant=never)


OURS = re.compile(r"https://(docs\.)?(pytorch\.org|github\.com/pytorch|huggingface\.co)/")
"""Where advice sends."""


def tokens(text: str) -> Iterator[Token]:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for block in parser.parse(text):
        yield block
        yield from block.children or ()


def check_markdown(lines: Sequence[str]) -> None:
    text = "\n".join(lines)
    assert not unseen(text)
    assert all(line.isprintable() for line in lines)
    for one in tokens(text):
        assert one.type not in (
            "html_block",
            "html_inline",
            "image",
            "fence",
            "code_block",
            "blockquote_open",
            "hr",
            "s_open",
        )
        if one.type == "link_open":
            assert OURS.match(str(one.attrs["href"])), one.attrs
        if one.type == "text":
            # Code calls nobody.
            assert not re.search(r"(?<!\w)@\w|(?<![\w&])#\d|\bGH-\d", one.content), one.content
    for table in re.split(r"\n(?!\|)", text):
        rows = [row for row in table.splitlines() if row.startswith("|")]
        bars = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
        assert len(bars) <= 1, rows


@every_state
def test_markdown_is_no_markup_but_ours(name: str) -> None:
    state = states()[name]
    check_markdown("".join(compare_markdown(compare_document(lots_of(state)), session_notes(state))).splitlines())
    check_markdown(report_lines(report(state), markdown=True))
    found = occurrences(state)
    # Those who print these lines, or write them, put each through the same gate.
    check_markdown([safe.line(line) for line in trigger_lines(state, found, every=True, markdown=True)])


def test_the_published_layout_shows_what_a_footnote_says() -> None:
    state = states()["all 0"]
    named = replace(report(state), gpu="![x](http://evil.invalid/x.png)")
    (table, *_) = named.tables
    table.gpu = named.gpu
    check_markdown(report_lines(named, markdown=True))
